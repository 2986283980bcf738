/**
 * A schema of a Postgres database: its writer, connections that read, and one that listens.
 */
import { drizzle } from "drizzle-orm/sqlite-proxy";
import type pg from "pg";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import type { TransferTable } from "../../engine/ports.js";
import { Aside, type Tuple } from "../aside/aside.js";
import { MIGRATIONS_FOLDER, type OpenDatabase, type OpenOptions, rootCause } from "../database.js";
import type { PostgresLocation } from "../location.js";
import * as schema from "../schema/main.js";
import { storageError } from "../storage-error.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import { Writer } from "../writer/writer.js";
import { ANSWER_MS, failureOf, loadPg, settingsOf } from "./client.js";
import { toBind, toPostgres } from "./dialect.js";
import { givenRows } from "./given-rows.js";
import { Notices } from "./notices.js";
import { SnapshotAside } from "./snapshot.js";

/**
 * Connections that a process reads with, at most, and those of each who asks what may take long. They are made when they are
 * needed, and let go when they are not.
 */
const READERS_MAX = 4;
const ASIDE_MAX = 2;
const IDLE_MS = 30_000;

type Database = Parameters<Parameters<OpenDatabase["read"]>[0]>[0];

interface Question {
  readonly sql: string;
  readonly params: readonly unknown[];
  readonly asTuples: boolean;
  /** how long the answer may take; null for as long as it needs */
  readonly withinMs: number | null;
}

/** Asks over connections that are free. */
class Readers {
  readonly #location: PostgresLocation;
  readonly #Pool: typeof pg.Pool;
  readonly #pool: pg.Pool;
  #ended: Promise<void> | undefined;

  private constructor(location: PostgresLocation, Pool: typeof pg.Pool, max: number) {
    this.#location = location;
    this.#Pool = Pool;
    const bounds = { max, idleTimeoutMillis: IDLE_MS, allowExitOnIdle: true };
    this.#pool = new Pool({ ...settingsOf(location), ...bounds });
    // One that breaks while it is idle is replaced by the next that is needed.
    this.#pool.on("error", () => undefined);
  }

  static async open(location: PostgresLocation): Promise<Readers> {
    return new Readers(location, (await loadPg()).Pool, READERS_MAX);
  }

  /** Others, over connections of their own. */
  others(): Readers {
    return new Readers(this.#location, this.#Pool, ASIDE_MAX);
  }

  /** @throws DethroneError */
  async rows<Row>({ sql, params, asTuples, withinMs }: Question): Promise<Row[]> {
    const query = {
      text: toPostgres(sql),
      values: params.map((value) => toBind(value as string)),
      ...(asTuples && { rowMode: "array" as const }),
      ...(withinMs !== null && { query_timeout: withinMs }),
    };
    try {
      return (await this.#pool.query(query)).rows;
    } catch (error) {
      throw storageError(failureOf(error), this.#location.name);
    }
  }

  close(): Promise<void> {
    this.#ended ??= this.#pool.end();
    return this.#ended;
  }
}

/** Statements that may take long: what waits is the server, and the connections of these alone. */
class ReadersAside extends Aside {
  readonly #readers: Readers;

  constructor(readers: Readers) {
    super();
    this.#readers = readers;
  }

  all<Row>(sql: string, params: Tuple = []): Promise<Row[]> {
    return this.#readers.rows({ sql, params, asTuples: false, withinMs: null });
  }

  close(): Promise<void> {
    return this.#readers.close();
  }
}

/** See `OpenDatabase`. */
export class PostgresDatabase implements OpenDatabase {
  readonly location: PostgresLocation;
  readonly writer: Writer;
  readonly giveRows = givenRows;
  readonly #readers: Readers;
  readonly #database: Database;
  readonly #notices: Notices;

  private constructor(parts: {
    readonly location: PostgresLocation;
    readonly writer: Writer;
    readonly readers: Readers;
    readonly onChange: () => void;
  }) {
    this.location = parts.location;
    this.writer = parts.writer;
    this.#readers = parts.readers;
    this.#notices = new Notices(parts.location, parts.onChange);
    const ask = async (sql: string, params: unknown[], method: string) => {
      const rows = await this.#readers.rows<unknown[]>({ sql, params, asTuples: true, withinMs: ANSWER_MS });
      return { rows: method === "get" ? (rows[0] as unknown[]) : rows };
    };
    // The one schema builds the queries and reads the rows: see `dialect.ts`.
    this.#database = drizzle(ask, { schema }) as unknown as Database;
  }

  /**
   * Opens and migrates it.
   *
   * @throws DethroneError `peer_missing`, `database_not_found` (with `mustExist`), `database_invalid`, `schema_newer`,
   *   `storage_busy`, `storage_unavailable`
   */
  static async open(location: PostgresLocation, options: OpenOptions): Promise<PostgresDatabase> {
    const { mustExist, onChange = () => undefined, ...more } = options;
    const readers = await Readers.open(location);
    try {
      if (mustExist) await assertThere(readers, location);
      const writer = await Writer.open(location, { ...more, migrationsFolder: MIGRATIONS_FOLDER });
      return new PostgresDatabase({ location, writer, readers, onChange });
    } catch (error) {
      await readers.close();
      throw error;
    }
  }

  async read<T>(query: (database: Database) => Promise<T>): Promise<T> {
    try {
      return await query(this.#database);
    } catch (error) {
      throw failureOfRead(error, this.location);
    }
  }

  tuples<Row extends Tuple>(sql: string, params: Tuple): Promise<Row[]> {
    return this.#readers.rows({ sql, params, asTuples: true, withinMs: ANSWER_MS });
  }

  aside(): Aside {
    return new ReadersAside(this.#readers.others());
  }

  snapshot(): Promise<Aside> {
    return SnapshotAside.open(this.location);
  }

  raiseSequence({ name, columns, key }: TransferTable, above: number): WriteStatement[] {
    const sequence = `${name}_${columns[key[0] as number]?.name}_seq`;
    const sql = `SELECT setval(quote_ident(sequencename)::regclass, ?) FROM pg_sequences
      WHERE schemaname = current_schema() AND sequencename = ? AND coalesce(last_value, 0) < ?`;
    return [{ sql, params: [above, sequence, above] }];
  }

  async close(): Promise<void> {
    await this.#notices.close();
    await this.writer.close();
    await this.#readers.close();
  }
}

/** Drizzle wraps our errors in its own. */
function failureOfRead(error: unknown, { name }: PostgresLocation): DethroneError {
  let current: unknown = error;
  while (current instanceof Error && !isDethroneError(current)) current = current.cause;
  return isDethroneError(current) ? current : storageError(rootCause(error), name);
}

async function assertThere(readers: Readers, { name }: PostgresLocation): Promise<void> {
  const sql = "SELECT to_regclass('dethrone_migrations')::text AS journal";
  const [row] = await readers.rows<{ journal: string | null }>({
    sql,
    params: [],
    asTuples: false,
    withinMs: ANSWER_MS,
  });
  if (row?.journal != null) return;
  throw new DethroneError(
    "database_not_found",
    `There is no database of dethrone at ${name}. Create one with 'dethrone init', or name another with --db.`,
    { database: name },
  );
}
