/**
 * A schema of a Postgres database as it was at one moment.
 */
import type pg from "pg";
import { Aside, type Tuple } from "../aside/aside.js";
import type { PostgresLocation } from "../location.js";
import { storageError } from "../storage-error.js";
import { connectTo, failureOf } from "./client.js";
import { toBind, toPostgres } from "./dialect.js";

/** Statements that all see one moment, on a connection of their own, which closing ends. */
export class SnapshotAside extends Aside {
  readonly #client: pg.Client;
  readonly #location: PostgresLocation;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(client: pg.Client, location: PostgresLocation) {
    super();
    this.#client = client;
    this.#location = location;
  }

  /** @throws DethroneError */
  static async open(location: PostgresLocation): Promise<SnapshotAside> {
    // Whoever takes the rows may take their time over them.
    const client = await connectTo(location, ["idle_in_transaction_session_timeout=0"]).catch((error) => {
      throw storageError(failureOf(error), location.name);
    });
    const snapshot = new SnapshotAside(client, location);
    try {
      await snapshot.all("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      // The moment is that of the first read.
      await snapshot.all("SELECT 1 FROM projects LIMIT 1");
      return snapshot;
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }

  all<Row>(sql: string, params: Tuple = []): Promise<Row[]> {
    // A connection takes one statement at a time.
    const rows = this.#last.then(() => this.#ask<Row>(sql, params));
    this.#last = rows.catch(() => undefined);
    return rows;
  }

  async #ask<Row>(sql: string, params: Tuple): Promise<Row[]> {
    try {
      return (await this.#client.query(toPostgres(sql), params.map(toBind))).rows as Row[];
    } catch (error) {
      throw storageError(failureOf(error), this.#location.name);
    }
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }
}
