/** Postgres has the tables of SQLite: the same columns, the same rules, whatever is added to them. */

import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, it } from "vitest";
import * as schemas from "../../src/store/schema/all.js";
import { createTestEngine } from "../../src/testing.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const TABLES = Object.values<unknown>(schemas)
  .filter((each): each is SQLiteTable => is(each, SQLiteTable))
  // Receipts are for servers whose replies tell nothing of what became of a batch.
  .filter((table) => getTableConfig(table).name !== "write_receipts");

const TYPES: Readonly<Record<string, string>> = {
  SQLiteBoolean: "smallint",
  SQLiteInteger: "bigint",
  SQLiteReal: "double precision",
  SQLiteBlobBuffer: "bytea",
};

it("every table and column, with its type, its nulls, and as many indices", async () => {
  const url = temporaryDatabase();
  await using _test = await createTestEngine({ url });
  const columns = await query<{ line: string }>(
    url,
    `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' ||
       coalesce(collation_name, '-') AS line FROM information_schema.columns
       WHERE table_schema = current_schema() AND table_name <> 'dethrone_migrations'`,
  );
  const expected = TABLES.flatMap((table) => {
    const { name, columns: own, primaryKeys } = getTableConfig(table);
    const keyed = new Set(primaryKeys.flatMap((key) => key.columns.map((column) => column.name)));
    return own.map((column) => {
      const type = TYPES[column.columnType] ?? "text";
      const isNullable = !column.notNull && !column.primary && !keyed.has(column.name);
      return `${name}.${column.name} ${type} ${isNullable ? "YES" : "NO"} ${type === "text" ? "C" : "-"}`;
    });
  });
  expect(columns.map(({ line }) => line).sort()).toEqual(expected.sort());
  const [indices] = await query<{ n: number }>(
    url,
    "SELECT count(*) AS n FROM pg_indexes WHERE schemaname = current_schema() AND tablename <> 'dethrone_migrations'",
  );
  const perTable = TABLES.map((table) => {
    const { columns: own, primaryKeys, indexes } = getTableConfig(table);
    const ofColumns = own.filter((column) => column.primary || column.isUnique).length;
    return ofColumns + primaryKeys.length + indexes.length;
  });
  expect(indices?.n).toBe(perTable.reduce((sum, n) => sum + n));
});

it("its statements are interpreted, however dear the planner takes them to be", async () => {
  // To compile one would take a hundred times as long as to run it.
  expect(await query(temporaryDatabase(), "SELECT current_setting('jit') AS jit")).toEqual([{ jit: "off" }]);
});
