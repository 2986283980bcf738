/**
 * Journeys to a server on behalf of a writer: one that reads, and one that writes or changes nothing.
 *
 * Every attempt to write is numbered, and sets its number in its own transaction, provided that no earlier attempt at the
 * same has done so. So one whose reply was lost is found out by the next, and cannot be committed after it.
 */
import { randomUUID } from "node:crypto";
import { type Client, LibsqlBatchError, type ResultSet } from "@libsql/client";
import { isDethroneError } from "../../core/errors.js";
import type { RemoteLocation } from "../location.js";
import type { Ask } from "../writer/steps.js";
import type { Value, WireError } from "../writer/write-protocol.js";
import { remoteClient, remoteFailure, thrown } from "./client.js";
import type { Rows, Step } from "./foresight.js";
import { migrateRemote } from "./migrate.js";
import { bound, checkChanges, checkRows, type RemoteStatement } from "./statements.js";

/** How long the receipts of writers that are gone are kept. */
const RECEIPT_DAYS = 30;

const FORGET_RECEIPTS = `DELETE FROM write_receipts WHERE at_ms < (unixepoch() - ${RECEIPT_DAYS * 86_400}) * 1000`;

const LEAVE_RECEIPT = `INSERT INTO write_receipts (writer, attempt, at_ms) VALUES (?, ?, unixepoch() * 1000)
  ON CONFLICT (writer) DO UPDATE SET attempt = excluded.attempt, at_ms = excluded.at_ms
  WHERE write_receipts.attempt < ?`;

const RECEIPT = "SELECT attempt FROM write_receipts WHERE writer = ?";

/** A statement of a batch. */
interface Sent {
  readonly statement: RemoteStatement;
  /** null for the receipt */
  readonly step: Step | null;
  readonly isCheck: boolean;
}

/** What undid a batch. */
export interface Undone {
  /** the step that came to something else, or failed; null for an earlier attempt that was committed after all */
  readonly step: Step | null;
  /** what it failed with; null where it came to something else */
  readonly failure: WireError | null;
}

/** The rows of a result, in plain arrays. */
export function rowsOf({ columns, rows }: ResultSet): Rows {
  return { columns, tuples: rows.map((row) => columns.map((_, i) => row[i] as Value)) };
}

function sentOf(step: Step): Sent[] {
  const { ask, expected } = step;
  if (expected !== null && typeof expected !== "number")
    return [{ statement: checkRows(ask, expected.tuples), step, isCheck: true }];
  const statement = { statement: bound(ask.sql, ask.values), step, isCheck: false };
  return expected === null
    ? [statement]
    : [statement, { statement: checkChanges(expected), step, isCheck: true }];
}

/** A writer's client. */
export class RemoteLink {
  readonly #client: Client;
  readonly #location: RemoteLocation;
  readonly #writer: string = randomUUID();
  #attempt = 0;

  private constructor(location: RemoteLocation) {
    this.#location = location;
    this.#client = remoteClient(location);
  }

  /** Connects, and migrates the database. @throws an error with a code, see `remoteFailure`; DethroneError */
  static async open(location: RemoteLocation, migrationsFolder: string): Promise<RemoteLink> {
    const link = new RemoteLink(location);
    try {
      await migrateRemote(link.#client, migrationsFolder);
      await link.#client.execute(FORGET_RECEIPTS);
      return link;
    } catch (error) {
      link.close();
      throw isDethroneError(error) ? error : thrown(link.failure(error));
    }
  }

  close(): void {
    this.#client.close();
  }

  /** Numbers an attempt to write. */
  nextAttempt(): number {
    this.#attempt += 1;
    return this.#attempt;
  }

  /** What a journey failed of. */
  failure(error: unknown): WireError {
    return remoteFailure(error, this.#location);
  }

  /** The rows of some queries, as of one moment, of the database that is written to and of no copy that follows it. */
  async query(asks: readonly Ask[]): Promise<Rows[]> {
    const results = await this.#client.batch(
      asks.map(({ sql, values }) => bound(sql, values)),
      "write",
    );
    return results.map(rowsOf);
  }

  /**
   * Takes the steps in one transaction, and commits; what has undone it, or null.
   *
   * @param number the attempt's own, and that of the first attempt at the same
   * @throws what a journey fails of; then it may have been committed where the code is `REMOTE.lost`
   */
  async commit(
    steps: readonly Step[],
    number: { readonly first: number; readonly attempt: number },
  ): Promise<Undone | null> {
    const { first, attempt } = number;
    const receipt = { statement: bound(LEAVE_RECEIPT, [this.#writer, attempt, first]), step: null };
    const sent: Sent[] = [
      { ...receipt, isCheck: false },
      { ...receipt, statement: checkChanges(1), isCheck: true },
      ...steps.flatMap(sentOf),
    ];
    try {
      await this.#client.batch(
        sent.map(({ statement }) => statement),
        "write",
      );
      return null;
    } catch (error) {
      const at = error instanceof LibsqlBatchError ? sent[error.statementIndex] : undefined;
      if (!at) throw error;
      return { step: at.step, failure: at.isCheck ? null : this.failure(error) };
    }
  }

  /** The number of the attempt that was committed last; 0 for none. */
  async committed(): Promise<number> {
    const { rows } = await this.#client.execute({ sql: RECEIPT, args: [this.#writer] });
    return Number(rows[0]?.[0] ?? 0);
  }
}
