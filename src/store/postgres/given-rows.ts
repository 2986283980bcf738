/**
 * Rows on their way into one statement on Postgres: an array a column, numbered so that joins can keep their order.
 */
import type { Columns, GiveRows } from "../writer/given-rows.js";
import type { Value } from "../writer/write-protocol.js";
import { toBind } from "./dialect.js";

/** Columns that are texts; the others are whole numbers. An array needs a type, also one of nulls alone. */
const TEXTS = new Set([
  ...["id", "unit", "root_id", "shares", "excluded", "context"],
  ...["session_id", "signal_key", "name", "kind", "source"],
]);

const typeOf = (name: string, exact: string | undefined): string => {
  if (TEXTS.has(name)) return "text";
  return name === exact ? "double precision" : "bigint";
};

/** An array as Postgres reads it. */
function arrayOf(column: Columns[string]): string {
  const element = (value: Value): string => {
    if (typeof value !== "string") return value === null ? "NULL" : String(value);
    return `"${String(toBind(value)).replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  };
  return `{${column.map(element).join(",")}}`;
}

/** See `GiveRows`. What the rows hold is never in the text of the statement, which is planned once. */
export const givenRows: GiveRows = (columns, exact) => {
  const names = Object.keys(columns);
  const arrays = names.map((name, i) => `?${i + 1}::${typeOf(name, exact)}[]`);
  const sql = `(SELECT * FROM unnest(${arrays.join(", ")}) WITH ORDINALITY AS rows(${[...names, "nth"].join(", ")}))`;
  return { sql, order: "ORDER BY given.nth", values: Object.values(columns).map(arrayOf) };
};
