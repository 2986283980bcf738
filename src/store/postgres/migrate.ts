/**
 * Brings a schema of a Postgres database to the bundled tables, atomically and under an advisory lock, so that any number
 * of processes may open a new one together.
 */
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type pg from "pg";
import { DethroneError } from "../../core/errors.js";
import type { PostgresLocation } from "../location.js";
import { lockOf } from "./keys.js";

const JOURNAL = "dethrone_migrations";

/** The migrations of Postgres, in the folder of those of SQLite. */
export const migrationsOf = (folder: string) =>
  readMigrationFiles({ migrationsFolder: join(folder, "postgres") });

/** What the generator of migrations has no word for: tables lie where they are looked for, and texts compare by their bytes. */
const asWeHaveThem = (statement: string): string =>
  statement.replaceAll('"public".', "").replaceAll(/("\w+" text)\b/g, '$1 COLLATE "C"');

async function one<T>(client: pg.ClientBase, sql: string): Promise<T> {
  return (await client.query(sql)).rows[0] as T;
}

/** The newest migration that has been applied, as the time of its making; null for an empty schema. */
async function newestApplied(client: pg.ClientBase, { name }: PostgresLocation): Promise<number | null> {
  const { journal, tables } = await one<{ journal: string | null; tables: number }>(
    client,
    `SELECT to_regclass('${JOURNAL}')::text AS journal,
       (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ('projects', 'sessions'))
         AS tables`,
  );
  if (journal !== null)
    return (await one<{ newest: number }>(client, `SELECT max(created_at) AS newest FROM ${JOURNAL}`)).newest;
  if (tables === 0) return null;
  throw new DethroneError(
    "database_invalid",
    `The schema of ${name} belongs to another application: it has tables of our names that are not ours. Give dethrone a schema of its own, as in postgres://host/database?schema=dethrone.`,
  );
}

function assertKnown(applied: number | null, known: number): void {
  if ((applied ?? 0) <= known) return;
  throw new DethroneError(
    "schema_newer",
    "The database has a newer schema than this version of dethrone knows. Upgrade dethrone to the version that wrote it.",
    { databaseSchema: applied, knownSchema: known },
  );
}

/**
 * Migrates the schema if needed. Idempotent; concurrent callers wait for each other.
 *
 * @throws DethroneError `database_invalid` for another application's schema, `schema_newer`; nothing is written then.
 * @throws DatabaseError what Postgres says
 */
export async function migrate(
  client: pg.ClientBase,
  location: PostgresLocation,
  folder: string,
): Promise<void> {
  const bundled = migrationsOf(folder);
  const known = Math.max(...bundled.map(({ folderMillis }) => folderMillis));
  // Most start on a schema that is as it should be, and need no lock and no right to change it.
  const before = await newestApplied(client, location);
  assertKnown(before, known);
  if (before === known) return;
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(${lockOf(location, "migrate")})`,
  );
  try {
    if (location.schema !== null) await client.query(`CREATE SCHEMA IF NOT EXISTS "${location.schema}"`);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${JOURNAL} (created_at bigint PRIMARY KEY, hash text NOT NULL)`,
    );
    // Looked at again under the lock: another process may have migrated since.
    const applied = await newestApplied(client, location);
    assertKnown(applied, known);
    for (const { sql, folderMillis, hash } of bundled) {
      if (folderMillis <= (applied ?? 0)) continue;
      for (const statement of sql) await client.query(asWeHaveThem(statement));
      await client.query(`INSERT INTO ${JOURNAL} (created_at, hash) VALUES ($1, $2)`, [folderMillis, hash]);
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
