/**
 * The tables of the schema as an export and a copy see them, and how their rows are read and written. All of it is
 * derived from the schema, so a table that is added there is carried over too.
 */
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Json } from "../../core/errors.js";
import type { TransferColumn, TransferRow, TransferTable } from "../../engine/ports.js";
import * as schemas from "../schema/all.js";
import type { Value } from "../writer/write-protocol.js";

/** What a column holds. */
type Holds = "plain" | "json" | "boolean" | "bytes";

/** A table with what its columns hold. */
export interface StoredTable extends TransferTable {
  readonly holds: readonly Holds[];
}

/** Of processes, which do not move. */
const LEFT_BEHIND: readonly string[] = [schemas.leases, schemas.writeReceipts].map(
  (table) => getTableConfig(table).name,
);

type Column = ReturnType<typeof getTableConfig>["columns"][number];

function holdsOf({ dataType, columnType }: Column): Holds {
  if (dataType === "json") return "json";
  if (dataType === "boolean") return "boolean";
  return columnType.includes("Blob") ? "bytes" : "plain";
}

function fallbackOf(column: Column): Json | undefined {
  if (column.hasDefault) return column.default as Json;
  return column.notNull ? undefined : null;
}

function storedTable(table: SQLiteTable): StoredTable & { readonly refersTo: readonly string[] } {
  const { name, columns, primaryKeys, foreignKeys } = getTableConfig(table);
  const keys = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
  return {
    name,
    columns: columns.map((column): TransferColumn => ({ name: column.name, fallback: fallbackOf(column) })),
    key: keys.map((key) => columns.findIndex((column) => column.name === key.name)),
    holds: columns.map(holdsOf),
    refersTo: foreignKeys.map((key) => getTableConfig(key.reference().foreignTable).name),
  };
}

function inOrderOfReference(tables: readonly ReturnType<typeof storedTable>[]): StoredTable[] {
  const sorted: StoredTable[] = [];
  const add = (table: ReturnType<typeof storedTable>): void => {
    if (sorted.some(({ name }) => name === table.name)) return;
    for (const name of table.refersTo) {
      const other = tables.find((each) => each.name === name);
      if (other && other !== table) add(other);
    }
    const { refersTo: _refersTo, ...stored } = table;
    sorted.push(stored);
  };
  for (const table of tables) add(table);
  return sorted;
}

/** See `TransferStore`. */
export const TABLES: readonly StoredTable[] = inOrderOfReference(
  Object.values<unknown>(schemas)
    .filter((value): value is SQLiteTable => is(value, SQLiteTable))
    .map(storedTable)
    .filter(({ name }) => !LEFT_BEHIND.includes(name)),
);

/** The expression a column is read by. */
export function selected({ columns, holds }: StoredTable): string {
  return columns
    .map(({ name }, i) => (holds[i] === "bytes" ? `lower(hex("${name}")) AS "${name}"` : `"${name}"`))
    .join(", ");
}

/** The place of a column's value in a statement. */
export const placeOf = (holds: Holds): string => (holds === "bytes" ? "unhex(?)" : "?");

/** Text of JSON is JSON in a row, but for what would come back as another text: that stays a text. */
function jsonOf(text: string): Json {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value !== "string" && JSON.stringify(value) === text ? value : text;
  } catch {
    return text;
  }
}

/** A row as it is carried over. */
export function rowOf({ holds }: StoredTable, values: readonly (string | number | null)[]): TransferRow {
  return values.map((value, i) => {
    if (value === null) return null;
    if (holds[i] === "boolean") return value !== 0;
    return holds[i] === "json" ? jsonOf(String(value)) : value;
  });
}

/** The values that a row is stored as; the reverse of {@link rowOf}. */
export function valuesOf({ holds }: StoredTable, row: TransferRow): Value[] {
  return row.map((value, i) => {
    if (value === null) return null;
    if (holds[i] === "boolean") return Number(value);
    return typeof value === "object" || (holds[i] === "json" && typeof value !== "string")
      ? JSON.stringify(value)
      : value;
  });
}
