/**
 * The synchronous connection that does all writing of a process, in the writer's thread.
 *
 * It owns its statements and runs them again and again: running resets a statement, so one that met SQLITE_BUSY cannot
 * linger and hold a transaction open (which loses acknowledged writes). Every batch is one BEGIN IMMEDIATE ... COMMIT.
 */
import Database from "libsql";
import {
  endEffect,
  type SessionState,
  type SignalBody,
  signalEffect,
} from "../core/sessions/session-rules.js";
import type { SessionEnd, SessionSignal, SessionStart, StartedSession } from "../engine/ports.js";
import { migrate } from "./migrate.js";
import type { Outcome, Value, WriteOperation, WriteStatement } from "./write-protocol.js";

/** How long one attempt waits for another process's lock; the writer backs off between attempts. */
const BUSY_WAIT_MS = 100;

type Statement = Database.Statement<unknown[]>;

interface StoredSessionRow extends SessionState {
  readonly seq: number;
}

/** libsql aborts the whole process on a boolean, so nothing but numbers, strings and null may reach it. */
function bindable(values: readonly Value[]): (number | string | null)[] {
  return values.map((value) => (typeof value === "boolean" ? Number(value) : value));
}

/** One connection, used for writing alone. */
export class WriteConnection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Statement>();

  /** @throws SqliteError or DethroneError; see `migrate` */
  constructor(path: string, migrationsFolder: string) {
    this.#database = new Database(path, { timeout: BUSY_WAIT_MS });
    try {
      migrate(this.#database, migrationsFolder);
      this.#database.exec("PRAGMA synchronous = FULL");
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
      const outcomes = operations.map((operation) => this.#applyAtomically(operation));
      this.#run("COMMIT");
      return outcomes;
    } catch (error) {
      if (this.#database.inTransaction) this.#run("ROLLBACK");
      throw error;
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
        return { status: "started", session: this.#start(operation.start) };
      case "end":
        return this.#end(operation.end);
      case "signal":
        return this.#signal(operation.signal);
      case "statements":
        return this.#transact(operation.statements);
    }
  }

  #start(start: SessionStart): StartedSession {
    const existing = start.mayExist ? this.#storedStart(start.id) : undefined;
    if (existing) return existing;
    const claim = this.#claimUnit(start);
    const excluded = start.excluded ?? (claim.isFirst ? null : "repeat");
    this.#run(
      `INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, unit, share, is_evidence, excluded,
         context, started_at_ms, window_ends_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        start.id,
        start.projectId,
        claim.configId,
        start.experimentId,
        claim.armId,
        start.unit,
        start.share,
        start.experimentId !== null && excluded === null,
        excluded,
        start.context,
        start.startedAtMs,
        start.windowEndsAtMs,
      ],
    );
    const { id, projectId, experimentId, unit, share } = start;
    return {
      id,
      projectId,
      experimentId,
      unit,
      share,
      configId: claim.configId,
      armId: claim.armId,
      isNew: true,
      role: null,
      experimentUid: null,
    };
  }

  #storedStart(id: string): StartedSession | undefined {
    const row = this.#get<Omit<StartedSession, "isNew">>(
      `SELECT sessions.id, sessions.project_id AS projectId, sessions.config_id AS configId,
         sessions.experiment_id AS experimentId, arm_id AS armId, unit, share, arms.role, experiments.uid AS experimentUid
         FROM sessions LEFT JOIN arms ON arms.id = arm_id LEFT JOIN experiments ON experiments.id = sessions.experiment_id
         WHERE sessions.id = ?`,
      [id],
    );
    return row && { ...row, isNew: false };
  }

  /** The unit's arm: the stored one if any, else the one of this start, which then claims the unit. */
  #claimUnit(start: SessionStart): { armId: number | null; configId: number; isFirst: boolean } {
    const { experimentId, armId, unit, configId } = start;
    if (experimentId === null || armId === null || unit === null || start.excluded !== null) {
      return { armId, configId, isFirst: true };
    }
    this.#run(
      "INSERT INTO units (experiment_id, unit, arm_id, session_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      [experimentId, unit, armId, start.id],
    );
    const claim = this.#get<{ armId: number; configId: number; sessionId: string }>(
      `SELECT units.arm_id AS armId, arms.config_id AS configId, units.session_id AS sessionId
         FROM units JOIN arms ON arms.id = units.arm_id WHERE units.experiment_id = ? AND units.unit = ?`,
      [experimentId, unit],
    );
    if (!claim) throw new Error("a claimed unit is not stored");
    return { armId: claim.armId, configId: claim.configId, isFirst: claim.sessionId === start.id };
  }

  #session(id: string): StoredSessionRow | undefined {
    return this.#get<StoredSessionRow>(
      `SELECT seq, window_ends_at_ms AS windowEndsAtMs, ended_at_ms AS endedAtMs, settled_at_ms AS settledAtMs, score,
         signal_count AS signalCount FROM sessions WHERE id = ?`,
      [id],
    );
  }

  #end(end: SessionEnd): Outcome {
    const session = this.#session(end.sessionId);
    if (!session) return { status: "unknown-session" };
    const effect = endEffect(session, end);
    if (effect === "ends") {
      this.#run("UPDATE sessions SET ended_at_ms = ? WHERE seq = ?", [end.atMs, session.seq]);
    } else if (effect === "settles") {
      this.#run(
        `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, ?), settled_at_ms = ?, score = ?, is_missing = 0,
           is_abandoned = 0 WHERE seq = ?`,
        [end.atMs, end.atMs, end.score, session.seq],
      );
    } else if (effect === "late" && end.score !== null) {
      this.#insertSignal(
        session.seq,
        { ...LATE_SCORE, value: end.score, key: `late-end:${end.score}` },
        end.atMs,
        true,
      );
    }
    if (effect === "mismatch") return { status: "mismatch", stored: session.score, received: end.score };
    return { status: effect === "ends" || effect === "settles" ? "recorded" : effect };
  }

  #signal(signal: SessionSignal): Outcome {
    const session = this.#session(signal.sessionId);
    if (!session) return { status: "unknown-session" };
    const stored = this.#get<SignalBody>(
      "SELECT name, value, kind, source FROM signals WHERE session_seq = ? AND key = ?",
      [session.seq, signal.key],
    );
    const effect = signalEffect(session, stored, signal);
    if (effect === "mismatch")
      return { status: "mismatch", stored: stored?.value ?? null, received: signal.value };
    if (effect === "duplicate") return { status: "duplicate" };
    this.#insertSignal(session.seq, signal, signal.atMs, effect === "late");
    return { status: effect === "late" ? "late" : "recorded" };
  }

  #insertSignal(seq: number, signal: SignalBody & { key: string }, atMs: number, isLate: boolean): void {
    this.#run(
      `INSERT INTO signals (session_seq, key, name, value, kind, source, accepted_at_ms, is_late)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      [seq, signal.key, signal.name, signal.value, signal.kind, signal.source, atMs, isLate],
    );
  }

  #transact(statements: readonly WriteStatement[]): Outcome {
    for (const [index, statement] of statements.entries()) {
      const { changes } = this.#run(statement.sql, statement.params);
      if (statement.changes !== undefined && changes !== statement.changes)
        return { status: "conflict", index };
    }
    return { status: "recorded" };
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, values: readonly Value[] = []): Database.RunResult {
    return this.#prepared(sql).run(...bindable(values));
  }

  #get<T>(sql: string, values: readonly Value[]): T | undefined {
    return this.#prepared(sql).get(...bindable(values)) as T | undefined;
  }
}

const LATE_SCORE = { name: "score", kind: "explicit", source: "end" } as const;

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
