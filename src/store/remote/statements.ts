/**
 * Statements on their way to a server: exact whatever reads the numbers there, and checks that undo a batch.
 */
import { exactParts } from "../writer/exact-number.js";
import type { Value } from "../writer/write-protocol.js";

/** A statement as the client takes it. */
export interface RemoteStatement {
  readonly sql: string;
  readonly args: (string | number | null)[];
}

/** Quoted text, a comment, or the place of a value. */
const PLACES = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\?(\d+)?/g;

/**
 * The statement with its values bound. A number that is not whole is written as an integer divided by powers of two: it
 * travels as decimal text, and not everyone reads every such text as the nearest double.
 */
export function bound(sql: string, values: readonly Value[]): RemoteStatement {
  const plain = values.map((value) => (typeof value === "boolean" ? Number(value) : value));
  if (plain.every((value) => typeof value !== "number" || Number.isSafeInteger(value)))
    return { sql, args: plain };
  const args: RemoteStatement["args"] = [];
  let last = 0;
  const text = sql.replace(PLACES, (found, number?: string) => {
    if (!found.startsWith("?")) return found;
    const place = number === undefined ? last + 1 : Number(number);
    last = Math.max(last, place);
    const value = plain[place - 1] ?? null;
    const exact = typeof value === "number" && !Number.isSafeInteger(value) ? exactParts(value) : null;
    if (exact) return `(CAST(${exact[0]} AS REAL) / (1 << ${exact[1]}) / (1 << ${exact[2]}))`;
    args.push(value);
    return "?";
  });
  return { sql: text, args };
}

// What is no JSON makes json() fail, and with it the statement and the batch. That it depends on a row keeps SQLite from
// working it out before it is due.
const failUnless = (query: string): string =>
  `SELECT json('otherwise ' || n) FROM (SELECT ${query} AS n) WHERE n <> 0`;

/** Fails unless the statement before it has changed so many rows. */
export function checkChanges(count: number): RemoteStatement {
  return { sql: failUnless("changes() - ?"), args: [count] };
}

/** Fails unless the query gives these rows, in whatever order. */
export function checkRows(
  query: { readonly sql: string; readonly values: readonly Value[] },
  rows: readonly (readonly Value[])[],
): RemoteStatement {
  const { sql, values } = query;
  const count = `(SELECT count(*) FROM found) - ${rows.length}`;
  const list = rows.map((row) => `(${row.map(() => "?").join(", ")})`).join(", ");
  const others = `(SELECT count(*) FROM (SELECT * FROM found EXCEPT VALUES ${list}))`;
  const check = failUnless(rows.length === 0 ? count : `abs(${count}) + ${others}`);
  return bound(`WITH found AS (${sql}) ${check}`, [...values, ...rows.flat()]);
}
