/**
 * Brings a database to the bundled schema, atomically and under the write lock, so that any number of processes may
 * open a new database together. It reads the folder drizzle-kit writes; drizzle's own migrator races (two starters
 * both see no schema and one fails).
 */

import { readMigrationFiles } from "drizzle-orm/migrator";
import type Database from "libsql";
import { DethroneError } from "../../core/errors.js";

/** The table that says which migrations were applied. */
export const JOURNAL = "dethrone_migrations";

/** See {@link JOURNAL}. */
export const CREATE_JOURNAL = `CREATE TABLE IF NOT EXISTS ${JOURNAL} (created_at INTEGER PRIMARY KEY, hash TEXT NOT NULL)`;

function get<T>(database: Database.Database, sql: string): T {
  return database.prepare(sql).get() as T;
}

/** In one statement, hence at one moment: between two of them another process may make the tables and the journal. */
function tablesOf(database: Database.Database): { readonly all: number; readonly journal: number } {
  return get(
    database,
    `SELECT count(*) AS "all", count(CASE WHEN name = '${JOURNAL}' THEN 1 END) AS journal
      FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'`,
  );
}

/** What of a schema there is. */
export interface FoundSchema {
  readonly hasTables: boolean;
  /** when the newest migration was made; null where none of ours was applied */
  readonly newest: number | null;
}

/** @throws DethroneError `database_invalid` for another application's database, `schema_newer` */
export function assertOurs({ hasTables: isInUse, newest }: FoundSchema, newestBundled: number): void {
  if (newest === null) {
    if (!isInUse) return;
    throw new DethroneError(
      "database_invalid",
      "The database belongs to another application: it has tables, but none of dethrone's. Give dethrone one of its own.",
    );
  }
  if (newest <= newestBundled) return;
  throw new DethroneError(
    "schema_newer",
    "The database has a newer schema than this version of dethrone knows. Upgrade dethrone to the version that wrote it.",
    { databaseSchema: newest, knownSchema: newestBundled },
  );
}

function schemaOf(database: Database.Database): FoundSchema {
  const tables = tablesOf(database);
  const newest =
    tables.journal === 0
      ? null
      : (get<{ newest: number | null }>(database, `SELECT max(created_at) AS newest FROM ${JOURNAL}`)
          .newest ?? 0);
  return { hasTables: tables.all > 0, newest };
}

/**
 * Migrates the database if needed. Idempotent; concurrent callers wait for each other.
 *
 * @throws DethroneError `database_invalid` for another application's database, `schema_newer`; nothing is written then.
 * @throws SqliteError SQLITE_NOTADB, SQLITE_BUSY, ...
 */
export function migrate(database: Database.Database, migrationsFolder: string): void {
  const bundled = readMigrationFiles({ migrationsFolder });
  const newestBundled = Math.max(...bundled.map((migration) => migration.folderMillis));
  assertOurs(schemaOf(database), newestBundled);
  database.prepare("PRAGMA journal_mode = WAL").get();
  database.exec("BEGIN IMMEDIATE");
  try {
    // Looked at again under the lock: another process may have migrated, or taken the file, since.
    const found = schemaOf(database);
    assertOurs(found, newestBundled);
    database.exec(CREATE_JOURNAL);
    for (const migration of bundled.filter((each) => each.folderMillis > (found.newest ?? 0))) {
      for (const statement of migration.sql) database.exec(statement);
      database
        .prepare(`INSERT INTO ${JOURNAL} (created_at, hash) VALUES (?, ?)`)
        .run(migration.folderMillis, migration.hash);
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.inTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
