/**
 * What `doctor` asks of Postgres itself.
 */
import type { DatabaseFacts } from "../../engine/ports.js";
import type { Aside } from "../aside/aside.js";
import { MIGRATIONS_FOLDER } from "../database.js";
import type { PostgresLocation } from "../location.js";
import { appliedMigrations, spoolFiles } from "../reads/upkeep-checks.js";
import { migrationsOf } from "./migrate.js";

const OURS = "FROM pg_class WHERE relnamespace = current_schema()::regnamespace";

/** Bytes of all tables and indexes. */
export async function usedBytes(aside: Aside): Promise<number> {
  const sql = `SELECT coalesce(sum(pg_total_relation_size(oid)), 0) AS bytes ${OURS} AND relkind = 'r'`;
  return (await aside.one<{ bytes: number }>(sql)).bytes;
}

/**
 * The schema, and what Postgres says of it. References are its own matter, and hold; what it knows to be unfinished is an
 * index that could not be built, or a rule that was not checked.
 */
export async function facts(aside: Aside, location: PostgresLocation): Promise<DatabaseFacts> {
  const damages = await aside.all<{ what: string }>(
    `SELECT 'index ' || relname || ' is not valid' AS what FROM pg_index JOIN pg_class ON oid = indexrelid
       WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid
     UNION ALL SELECT 'rule ' || conname || ' has not been checked' FROM pg_constraint
       WHERE connamespace = current_schema()::regnamespace AND NOT convalidated ORDER BY 1 LIMIT 10`,
  );
  return {
    path: location.name,
    bytes: await usedBytes(aside),
    walBytes: 0,
    pageBytes: 0,
    freePages: 0,
    schema: { applied: await appliedMigrations(aside), known: migrationsOf(MIGRATIONS_FOLDER).length },
    damages: damages.map(({ what }) => what),
    danglingRows: [],
    spoolFiles: spoolFiles(location),
  };
}
