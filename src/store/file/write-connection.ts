/**
 * The synchronous connection that does all writing of a process to a file, in the writer's thread.
 *
 * It owns its statements and runs them again and again: running resets a statement, so one that met SQLITE_BUSY cannot
 * linger and hold a transaction open (which loses acknowledged writes). Every batch is one BEGIN IMMEDIATE ... COMMIT.
 */
import Database from "libsql";
import { isOfOneOperation } from "../storage-error.js";
import { givenRows } from "../writer/given-rows.js";
import { type Ask, take } from "../writer/steps.js";
import { applyOperations } from "../writer/transaction.js";
import type { Durability, Outcome, Value, WriteOperation } from "../writer/write-protocol.js";
import { FILE_REPLACED, fileAt } from "./identity.js";
import { migrate } from "./migrate.js";

/** How long one attempt waits for another process's lock; the writer backs off between attempts. */
const BUSY_WAIT_MS = 100;

/** Pages that are kept in memory, in KiB; outcomes of sessions long begun are written all over their index. */
const CACHE_KIB = 16_384;

/** How many pages the log gathers before they are moved to the database: one that is written again and again moves once. */
const CHECKPOINT_PAGES = 2000;

type Statement = Database.Statement<unknown[]>;

/** libsql aborts the whole process on a boolean, so nothing but numbers, strings and null may reach it. */
function bindable(values: readonly Value[]): (number | string | null)[] {
  return values.map((value) => (typeof value === "boolean" ? Number(value) : value));
}

/** One connection, used for writing alone. */
export class WriteConnection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Statement>();
  readonly #path: string;
  readonly #file: string | null;

  /** @throws SqliteError or DethroneError; see `migrate` */
  constructor(path: string, migrationsFolder: string, durability: Durability = "full") {
    this.#path = path;
    this.#database = new Database(path, { timeout: BUSY_WAIT_MS });
    this.#file = fileAt(path);
    try {
      migrate(this.#database, migrationsFolder);
      this.#database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
      this.#database.exec("PRAGMA foreign_keys = ON");
      this.#database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      this.#database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  /**
   * Applies the operations in one transaction, each all or nothing, and commits. An operation that fails does not
   * touch the others.
   *
   * @throws SqliteError when the transaction as a whole fails; then nothing was written
   */
  apply(operations: readonly WriteOperation[]): Outcome[] {
    this.#prepared("BEGIN IMMEDIATE").run();
    try {
      const isOfOne = (error: unknown): boolean => this.#database.inTransaction && isOfOneOperation(error);
      const outcomes = take(applyOperations(operations, { isOfOne, giveRows: givenRows }), (ask) =>
        this.#answer(ask),
      );
      this.#prepared("COMMIT").run();
      this.#assertInPlace();
      return outcomes;
    } catch (error) {
      if (this.#database.inTransaction) this.#prepared("ROLLBACK").run();
      throw error;
    }
  }

  /** What was committed to a file that nobody can open any more is not stored. */
  #assertInPlace(): void {
    if (fileAt(this.#path) === this.#file) return;
    throw Object.assign(new Error("the file at the path is another one"), { code: FILE_REPLACED });
  }

  #answer({ sql, values, want }: Ask): unknown {
    const statement = this.#prepared(sql);
    const bound = bindable(values);
    if (want === "changes") return statement.run(...bound).changes;
    if (want === "rows") return statement.all(...bound);
    const row = statement.get(...bound) as Record<string, unknown> | undefined;
    // libsql adds the time it took, which is no part of the row.
    if (row) delete row._metadata;
    return row;
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
