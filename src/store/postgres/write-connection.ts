/**
 * The connection that does all writing of a process to Postgres, in the writer's thread.
 *
 * One batch, one transaction, under one advisory lock: writers of all processes take turns, as they do on a file. The
 * lock is taken before anything else and given back by the commit, which is what the rules of sessions stand on:
 *
 * - The order of starts is the order of commits. A sequence alone does not give that: a number that is drawn early may be
 *   committed late, below what a fold has passed. Here no number is drawn by a transaction while another one that has
 *   drawn numbers is open. Outcomes have no part in it: a batch takes its turn whatever is in it.
 * - Entries of the audit log become visible in the order of their ids, for the same reason: webhooks and the stream of events
 *   go on behind the newest they have seen. Every change of a project or an experiment is a batch of this connection.
 * - Look-up and change are one step: a unit has one claim, an exclusion group one taker, a session one end.
 *
 * What is given up is writing at the same time; a turn is as long as a commit, and takes all that has queued meanwhile.
 */
import type pg from "pg";
import type { PostgresLocation } from "../location.js";
import { type Ask, takeAwaiting } from "../writer/steps.js";
import { applyOperations } from "../writer/transaction.js";
import type { Durability, Outcome, WriteOperation } from "../writer/write-protocol.js";
import type { WriterConnection } from "../writer/writer-connections.js";
import { ANSWER_MS, CONNECTION_LOST, connectTo, failureOf, WRITING } from "./client.js";
import { toBind, toPostgres } from "./dialect.js";
import { givenRows } from "./given-rows.js";
import { channelOf, lockOf } from "./keys.js";
import { migrate } from "./migrate.js";

/** Statements the server keeps the plans of, at most. */
const PREPARED_MAX = 200;

/** What all processes look at again once it has changed. */
const SNAPSHOT_TABLES =
  /^(?:insert into|update|delete from) "(?:projects|experiments|arms|overrides|revisions)"/;

/** What a single operation may break: a value, a rule of the schema, a bound of the server. */
const OF_ONE = /^(22|23|54)/;

class StatementFailure extends Error {
  readonly code: string;

  constructor(error: unknown) {
    const { code, message } = failureOf(error);
    super(message, { cause: error });
    this.code = code;
  }
}

const isOfOne = (error: unknown): boolean => !(error instanceof StatementFailure) || OF_ONE.test(error.code);

const changesSnapshots = (operations: readonly WriteOperation[]): boolean =>
  operations.some(
    (operation) =>
      operation.kind === "statements" && operation.statements.some(({ sql }) => SNAPSHOT_TABLES.test(sql)),
  );

/** One connection, used for writing alone; one that is lost is made anew with the next batch. */
export class PostgresWriteConnection implements WriterConnection {
  readonly #location: PostgresLocation;
  readonly #settings: readonly string[];
  readonly #names = new Map<string, string>();
  readonly #begin: string;
  #client: pg.Client | null;

  private constructor(location: PostgresLocation, client: pg.Client, settings: readonly string[]) {
    this.#location = location;
    this.#settings = settings;
    this.#client = client;
    // Read committed, whatever the server's default: what is read after the lock is what was committed before it.
    this.#begin = `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${lockOf(location, "write")})`;
  }

  /** @throws an error with a code, or DethroneError; see `migrate` */
  static async open(
    location: PostgresLocation,
    migrationsFolder: string,
    durability: Durability = "full",
  ): Promise<PostgresWriteConnection> {
    const settings = durability === "full" ? WRITING : [...WRITING, "synchronous_commit=off"];
    const client = await connectTo(location, settings);
    try {
      await migrate(client, location, migrationsFolder);
      return new PostgresWriteConnection(location, client, settings);
    } catch (error) {
      await client.end();
      throw error instanceof Error && "kind" in error ? error : new StatementFailure(error);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  /**
   * Applies the operations in one transaction, each all or nothing, and commits. An operation that fails does not touch
   * the others.
   *
   * @throws an error with a code when the transaction as a whole fails; then nothing was written, or, where the
   *   connection was lost at the commit, what was written is a duplicate when it is written again
   */
  async apply(operations: readonly WriteOperation[]): Promise<readonly Outcome[]> {
    this.#client ??= await this.#connect();
    const client = this.#client;
    try {
      await this.#query(client, this.#begin);
      const ways = { isOfOne, giveRows: givenRows };
      const outcomes = await takeAwaiting(applyOperations(operations, ways), (ask) =>
        this.#answer(client, ask),
      );
      const note = changesSnapshots(operations) ? `NOTIFY "${channelOf(this.#location)}"; ` : "";
      const ended = [await this.#query(client, `${note}COMMIT`)].flat().at(-1);
      // A transaction that something had aborted is rolled back by its commit, without an error.
      if (ended?.command !== "COMMIT") throw new StatementFailure(new Error("the transaction was aborted"));
      return outcomes;
    } catch (error) {
      await this.#undo(client, error);
      throw error;
    }
  }

  async #connect(): Promise<pg.Client> {
    this.#names.clear();
    return connectTo(this.#location, this.#settings);
  }

  /** A connection that cannot undo is let go: the server undoes what was open on it. */
  async #undo(client: pg.Client, error: unknown): Promise<void> {
    try {
      if ((error as { code?: unknown }).code === CONNECTION_LOST) throw error;
      await this.#query(client, "ROLLBACK");
    } catch {
      this.#client = null;
      client.end().catch(() => undefined);
    }
  }

  async #answer(client: pg.Client, { sql, values, want }: Ask): Promise<unknown> {
    const text = toPostgres(sql);
    const { rows, rowCount } = await this.#query(client, text, values.map(toBind));
    if (want === "changes") return rowCount ?? 0;
    return want === "rows" ? rows : rows[0];
  }

  async #query(
    client: pg.Client,
    text: string,
    values?: (string | number | null)[],
  ): Promise<pg.QueryResult> {
    const name = values && values.length > 0 ? this.#nameOf(text) : undefined;
    const query = { text, query_timeout: ANSWER_MS, ...(values && { values }), ...(name && { name }) };
    try {
      return await client.query(query);
    } catch (error) {
      throw new StatementFailure(error);
    }
  }

  /** The name of a prepared statement; none once there are too many. */
  #nameOf(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined || this.#names.size >= PREPARED_MAX) return name;
    this.#names.set(text, `s${this.#names.size}`);
    return this.#names.get(text);
  }
}
