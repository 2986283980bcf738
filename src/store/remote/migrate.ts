/**
 * Brings a remote database to the bundled schema: one journey where there is nothing to do, and else one batch, undone
 * where another process was faster.
 */
import { type Client, LibsqlBatchError } from "@libsql/client";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { assertOurs, CREATE_JOURNAL, type FoundSchema, JOURNAL } from "../file/migrate.js";
import { bound, checkRows } from "./statements.js";

/** A server keeps tables of its own beside ours. */
const TABLES = `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND name NOT LIKE 'libsql\\_%' ESCAPE '\\' AND name NOT LIKE '\\_litestream\\_%' ESCAPE '\\'`;

const NEWEST = `SELECT coalesce(max(created_at), 0) FROM ${JOURNAL}`;

/** Processes that migrate at the same time are few, and each is done with one of these. */
const ATTEMPTS = 5;

async function numberOf(client: Client, sql: string): Promise<number> {
  return Number((await client.execute(sql)).rows[0]?.[0]);
}

/** In one statement, hence at one moment: between two of them another process may make the tables and the journal. */
const HAS_OTHERS_ALONE = `SELECT (${TABLES}) > 0
  AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '${JOURNAL}')`;

/** What of the schema is there. @throws what the client does */
export async function remoteSchema(client: Client): Promise<FoundSchema> {
  try {
    return { hasTables: true, newest: await numberOf(client, NEWEST) };
  } catch (error) {
    if (!String((error as Error).message).includes("no such table")) throw error;
    // Where ours have come in between, the migration finds that out.
    return { hasTables: (await numberOf(client, HAS_OTHERS_ALONE)) === 1, newest: null };
  }
}

/**
 * Migrates the database if needed. Idempotent; any number of processes may do it together.
 *
 * @throws DethroneError `database_invalid`, `schema_newer`; what the client does. Then nothing is written.
 */
export async function migrateRemote(client: Client, migrationsFolder: string): Promise<void> {
  const bundled = readMigrationFiles({ migrationsFolder });
  const newestBundled = Math.max(...bundled.map(({ folderMillis }) => folderMillis));
  for (let attempt = 1; ; attempt += 1) {
    const found = await remoteSchema(client);
    assertOurs(found, newestBundled);
    const { newest } = found;
    if (newest === newestBundled) return;
    const isAsFound =
      newest === null
        ? checkRows({ sql: TABLES, values: [] }, [[0]])
        : checkRows({ sql: NEWEST, values: [] }, [[newest]]);
    const due = bundled.filter(({ folderMillis }) => folderMillis > (newest ?? 0));
    const statements = due.flatMap(({ sql, folderMillis, hash }) => [
      ...sql.map((text) => ({ sql: text, args: [] })),
      bound(`INSERT INTO ${JOURNAL} (created_at, hash) VALUES (?, ?)`, [folderMillis, hash]),
    ]);
    try {
      await client.batch([isAsFound, { sql: CREATE_JOURNAL, args: [] }, ...statements], "write");
      return;
    } catch (error) {
      const isRace = error instanceof LibsqlBatchError && error.statementIndex === 0;
      if (!isRace || attempt === ATTEMPTS) throw error;
    }
  }
}
