/**
 * The tables of Postgres, made from those of SQLite for the generator of migrations: same names, same rules; integers are
 * 64 bits, booleans small integers (0 or 1), reals double precision, JSON text. So there is one schema to keep, and a table
 * or column of it is on both engines after `npm run migration`. A new table's name is added at the end.
 */
import { is, SQL } from "drizzle-orm";
import * as pg from "drizzle-orm/pg-core";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import * as accessTables from "../src/store/schema/access.js";
import * as archiveTables from "../src/store/schema/archive.js";
import * as governanceTables from "../src/store/schema/governance.js";
import * as mainTables from "../src/store/schema/main.js";
import * as studyTables from "../src/store/schema/studies.js";
import * as webhookTables from "../src/store/schema/webhooks.js";

type Column = ReturnType<typeof getTableConfig>["columns"][number];
type Columns = Readonly<Record<string, pg.PgColumn>>;

const bytea = pg.customType<{ data: Buffer }>({ dataType: () => "bytea" });

function typeOf({ name, columnType, autoIncrement }: Column & { readonly autoIncrement?: boolean }) {
  if (autoIncrement) return pg.bigserial(name, { mode: "number" });
  if (columnType === "SQLiteBoolean") return pg.smallint(name);
  if (columnType === "SQLiteInteger") return pg.bigint(name, { mode: "number" });
  if (columnType === "SQLiteReal") return pg.doublePrecision(name);
  if (columnType === "SQLiteBlobBuffer") return bytea(name);
  if (columnType === "SQLiteText" || columnType === "SQLiteTextJson") return pg.text(name);
  throw new Error(`no type of Postgres is known for ${columnType} of ${name}`);
}

function columnOf(column: Column) {
  let built = typeOf(column) as ReturnType<typeof pg.text>;
  if (column.primary) built = built.primaryKey() as typeof built;
  if (column.isUnique) built = built.unique(column.uniqueName);
  if (column.hasDefault && !is(column.default, SQL))
    built = built.default(column.mapToDriverValue(column.default) as string) as typeof built;
  return column.notNull ? built.notNull() : built;
}

const made = new Map<SQLiteTable, pg.PgTable & Columns>();

/** The table of Postgres; those it refers to are made first. */
function tableOf(table: SQLiteTable): pg.PgTable & Columns {
  const known = made.get(table);
  if (known) return known;
  const config = getTableConfig(table);
  const foreign = config.foreignKeys.map((key) => ({ name: key.getName(), ...key.reference() }));
  const at = (columns: Columns, some: readonly { name: string }[]) =>
    some.map(({ name }) => columns[name]) as [pg.PgColumn, ...pg.PgColumn[]];
  const columns = Object.fromEntries(config.columns.map((column) => [column.name, columnOf(column)]));
  const result = pg.pgTable(config.name, columns, (own) => [
    ...config.primaryKeys.map((key) => pg.primaryKey({ columns: at(own, key.columns) })),
    ...config.checks.map(({ name, value }) => pg.check(name, value)),
    ...foreign.map(({ name, columns: from, foreignTable, foreignColumns }) =>
      pg.foreignKey({
        name,
        columns: at(own, from),
        foreignColumns: at(tableOf(foreignTable), foreignColumns),
      }),
    ),
    ...config.indexes.map(({ config: { name, columns: on, unique, where } }) => {
      const index = (unique ? pg.uniqueIndex : pg.index)(name).on(...at(own, on as { name: string }[]));
      return where ? index.where(where) : index;
    }),
  ]);
  made.set(table, result as pg.PgTable & Columns);
  return result as pg.PgTable & Columns;
}

type Tables<Schema> = { readonly [Name in keyof Schema]: pg.PgTable };

function tablesOf<Schema extends object>(schema: Schema): Tables<Schema> {
  const tables = Object.entries(schema).filter(([, each]) => is(each, SQLiteTable));
  const entries = tables.map(([name, table]) => [name, tableOf(table)]);
  return Object.fromEntries(entries) as unknown as Tables<Schema>;
}

export const {
  configs,
  projects,
  projectConfigs,
  reigns,
  experiments,
  revisions,
  arms,
  units,
  overrides,
  sessions,
  signals,
  checkpoints,
  decisions,
  leases,
  auditLog,
} = tablesOf(mainTables);
export const { archives, archivePages } = tablesOf(archiveTables);
export const { apiKeys, idempotencyKeys } = tablesOf(accessTables);
export const { evaluations } = tablesOf(governanceTables);
export const { studies, studyTags } = tablesOf(studyTables);
export const { webhooks, webhookDeliveries } = tablesOf(webhookTables);
