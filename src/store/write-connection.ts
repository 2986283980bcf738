/**
 * The synchronous connection that does all writing of a process, in the writer's thread.
 *
 * It owns its statements and runs them again and again: running resets a statement, so one that met SQLITE_BUSY cannot
 * linger and hold a transaction open (which loses acknowledged writes). Every batch is one BEGIN IMMEDIATE ... COMMIT.
 */
import Database from "libsql";
import { BatchWrites, type SessionOperation, segmentsOf } from "./batch-writes.js";
import { FILE_REPLACED, fileAt } from "./file-identity.js";
import { migrate } from "./migrate.js";
import { Replay } from "./replay.js";
import { SessionWrites, type Statements } from "./session-writes.js";
import {
  type Durability,
  type Outcome,
  RECORDED,
  type Value,
  type WriteOperation,
  type WriteStatement,
} from "./write-protocol.js";

/** How long one attempt waits for another process's lock; the writer backs off between attempts. */
const BUSY_WAIT_MS = 100;

type Statement = Database.Statement<unknown[]>;

/** libsql aborts the whole process on a boolean, so nothing but numbers, strings and null may reach it. */
function bindable(values: readonly Value[]): (number | string | null)[] {
  return values.map((value) => (typeof value === "boolean" ? Number(value) : value));
}

/** One connection, used for writing alone. */
export class WriteConnection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Statement>();
  readonly #sessions: SessionWrites;
  readonly #batches: BatchWrites;
  readonly #replay: Replay;
  readonly #path: string;
  readonly #file: string | null;

  /** @throws SqliteError or DethroneError; see `migrate` */
  constructor(path: string, migrationsFolder: string, durability: Durability = "full") {
    this.#path = path;
    this.#database = new Database(path, { timeout: BUSY_WAIT_MS });
    const statements: Statements = {
      run: (sql, values) => this.#run(sql, values),
      get: <T>(sql: string, values: readonly Value[]) => this.#get<T>(sql, values),
      all: <T>(sql: string, values: readonly Value[]) => this.#prepared(sql).all(...bindable(values)) as T[],
    };
    this.#sessions = new SessionWrites(statements);
    this.#batches = new BatchWrites(statements, this.#sessions);
    this.#replay = new Replay(statements, this.#sessions);
    this.#file = fileAt(path);
    try {
      migrate(this.#database, migrationsFolder);
      this.#database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
      this.#database.exec("PRAGMA foreign_keys = ON");
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
    this.#run("BEGIN IMMEDIATE");
    try {
      const outcomes = this.#runsOf(operations).flatMap((run) => this.#applyRun(run));
      this.#run("COMMIT");
      this.#assertInPlace();
      return outcomes;
    } catch (error) {
      if (this.#database.inTransaction) this.#run("ROLLBACK");
      throw error;
    }
  }

  /** What was committed to a file that nobody can open any more is not stored. */
  #assertInPlace(): void {
    if (fileAt(this.#path) === this.#file) return;
    throw Object.assign(new Error("the file at the path is another one"), { code: FILE_REPLACED });
  }

  /** Operations on sessions that can be written together, and the others one by one. */
  #runsOf(operations: readonly WriteOperation[]): WriteOperation[][] {
    const runs: WriteOperation[][] = [];
    let sessions: SessionOperation[] = [];
    const close = (): void => {
      runs.push(...segmentsOf(sessions));
      sessions = [];
    };
    for (const operation of operations) {
      if (isOnSession(operation)) {
        sessions.push(operation);
        continue;
      }
      close();
      runs.push([operation]);
    }
    close();
    return runs;
  }

  #applyRun(run: readonly WriteOperation[]): Outcome[] {
    const isBatch = run.length > 1 && run.every(isOnSession);
    const together = isBatch ? this.#applyTogether(run) : null;
    return together ?? run.map((operation) => this.#applyAtomically(operation));
  }

  /** All of them at once; null, and nothing written, where one of them needs a closer look. */
  #applyTogether(run: readonly SessionOperation[]): Outcome[] | null {
    this.#run("SAVEPOINT batch");
    try {
      const outcomes = this.#batches.apply(run);
      this.#run("RELEASE batch");
      return outcomes;
    } catch (error) {
      if (!this.#database.inTransaction || !isOfOneOperation(error)) throw error;
      this.#run("ROLLBACK TO batch");
      this.#run("RELEASE batch");
      return null;
    }
  }

  #applyAtomically(operation: WriteOperation): Outcome {
    this.#run("SAVEPOINT operation");
    try {
      const outcome = this.#applyOne(operation);
      if (outcome.status === "conflict") this.#run("ROLLBACK TO operation");
      this.#run("RELEASE operation");
      return outcome;
    } catch (error) {
      // Some failures (busy, disk full, I/O) concern the whole transaction; then none of it may be acknowledged.
      if (!this.#database.inTransaction || !isOfOneOperation(error)) throw error;
      this.#run("ROLLBACK TO operation");
      this.#run("RELEASE operation");
      return { status: "failed", message: (error as Error).message };
    }
  }

  #applyOne(operation: WriteOperation): Outcome {
    switch (operation.kind) {
      case "start":
        return this.#sessions.start(operation.start);
      case "find":
        return this.#find(operation.sessionId);
      case "end":
        return this.#sessions.end(operation.end);
      case "signal":
        return this.#sessions.signal(operation.signal);
      case "replay":
        return this.#replay.apply(operation.entry);
      case "statements":
        return this.#transact(operation.statements);
    }
  }

  #find(sessionId: string): Outcome {
    const session = this.#sessions.find(sessionId);
    return session ? { status: "started", session } : { status: "unknown-session" };
  }

  #transact(statements: readonly WriteStatement[]): Outcome {
    for (const [index, statement] of statements.entries()) {
      const { changes } = this.#run(statement.sql, statement.params);
      if (statement.changes !== undefined && changes !== statement.changes)
        return { status: "conflict", index };
    }
    return RECORDED;
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #get<T>(sql: string, values: readonly Value[]): T | undefined {
    const row = this.#prepared(sql).get(...bindable(values)) as Record<string, unknown> | undefined;
    // libsql adds the time it took, which is no part of the row.
    if (row) delete row._metadata;
    return row as T | undefined;
  }

  #run(sql: string, values: readonly Value[] = []): Database.RunResult {
    return this.#prepared(sql).run(...bindable(values));
  }
}

function isOnSession(operation: WriteOperation): operation is SessionOperation {
  return operation.kind === "start" || operation.kind === "end" || operation.kind === "signal";
}

/** Whether one operation broke a rule of the schema or of this code, as opposed to the database being in trouble. */
function isOfOneOperation(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return true;
  return (
    code.startsWith("SQLITE_CONSTRAINT") ||
    code.startsWith("SQLITE_MISMATCH") ||
    code.startsWith("SQLITE_TOOBIG")
  );
}
