/**
 * What the writer does to sessions, inside its transaction: starts, ends and signals.
 *
 * A unit's arm is settled here and nowhere else: look-up and claim are one transaction under the database's one write
 * lock, so processes that race for a unit, or for two experiments of one exclusion group, agree.
 */
import {
  endEffect,
  type SessionState,
  type SignalBody,
  signalEffect,
} from "../core/sessions/session-rules.js";
import type { Exclusion, SessionEnd, SessionSignal, SessionStart, StartedSession } from "../engine/ports.js";
import { type Outcome, RECORDED, type Value } from "./write-protocol.js";

/** The writer's statements, run again and again. */
export interface Statements {
  run(sql: string, values?: readonly Value[]): { readonly changes: number };
  get<T>(sql: string, values: readonly Value[]): T | undefined;
  all<T>(sql: string, values: readonly Value[]): T[];
}

interface StoredSessionRow extends SessionState {
  readonly seq: number;
}

/** What a session is to be stored with. */
type Placed = Pick<SessionStart, "experimentId" | "armId" | "configId" | "excluded">;

const SESSION_COLUMNS = `seq, window_ends_at_ms AS windowEndsAtMs, ended_at_ms AS endedAtMs,
  settled_at_ms AS settledAtMs, score, signal_count AS signalCount`;

const LATE_SCORE = { name: "score", kind: "explicit", source: "end" } as const;

/** The score of a session, as the sessions that are a part of it get it. */
const ROOT_SCORE = { name: "root_score", kind: "explicit", source: "end", key: "end" } as const;

/** What is known of a session at its start, in the order of its row. */
export const START_COLUMNS = [
  ...["id", "project_id", "config_id", "experiment_id", "arm_id", "unit", "root_id", "shares", "is_evidence"],
  ...["excluded", "context", "started_at_ms", "window_ends_at_ms"],
] as const;

type Row = readonly (string | number | null)[];

function rowOf(start: SessionStart, { experimentId, armId, configId, excluded }: Placed): Row {
  const isInside = experimentId !== null;
  return [
    start.id,
    start.projectId,
    configId,
    experimentId,
    armId,
    start.unit,
    start.root,
    isInside && start.shares !== null ? JSON.stringify(start.shares) : null,
    Number(isInside && excluded === null),
    excluded,
    start.context,
    start.startedAtMs,
    start.windowEndsAtMs,
  ];
}

/** A new session as its host is told of it. */
export function startedAs({ id, projectId, unit, root }: SessionStart, placed: Placed): StartedSession {
  const { experimentId, armId, configId, excluded } = placed;
  const place = { experimentId, armId, configId, excluded };
  return { id, projectId, unit, root, ...place, isNew: true, arm: null, experimentUid: null };
}

/**
 * Where a unit's own arm is not asked for: who starts the session knows better. `repeat` is said where it was confirmed
 * before, and has been served already.
 */
const SETTLED_BY_HOST: readonly Exclusion[] = ["override", "forced", "repeat", "assigned"];

/** Starts, ends and signals of one connection. */
export class SessionWrites {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Stores the start of a session, where its unit allows it; a stored session of that id is returned as it is. */
  start(start: SessionStart): Outcome {
    return this.startWith(start, (row) => this.#insert(row));
  }

  /** As {@link start}, for one who stores the row of a new session himself. */
  startWith(start: SessionStart, insert: (row: Row) => void): Outcome {
    const existing = start.mayExist ? this.find(start.id) : undefined;
    if (existing) return { status: "started", session: existing };
    const placed = this.#place(start);
    insert(rowOf(start, placed));
    return placed === start ? RECORDED : { status: "started", session: startedAs(start, placed) };
  }

  /** Stores a session that is known to be new. */
  insert(start: SessionStart, placed: Placed): void {
    this.#insert(rowOf(start, placed));
  }

  #insert(row: Row): void {
    this.#statements.run(
      `INSERT INTO sessions (${START_COLUMNS.join(", ")}) VALUES (${START_COLUMNS.map(() => "?").join(", ")})`,
      row,
    );
  }

  /** The stored session of an id. */
  find(id: string): StartedSession | undefined {
    const row = this.#statements.get<Omit<StartedSession, "isNew">>(
      `SELECT sessions.id, sessions.project_id AS projectId, sessions.config_id AS configId,
         sessions.experiment_id AS experimentId, arm_id AS armId, unit, excluded, root_id AS root,
         arms.position AS arm, experiments.uid AS experimentUid
         FROM sessions LEFT JOIN arms ON arms.id = arm_id
         LEFT JOIN experiments ON experiments.id = sessions.experiment_id WHERE sessions.id = ?`,
      [id],
    );
    return row && { ...row, isNew: false };
  }

  /** Where the session's unit belongs: what is stored of it wins over what this start would make of it; the start itself for that. */
  #place(start: SessionStart): Placed {
    const { experimentId, armId, unit, excluded } = start;
    const isSettled = excluded !== null && SETTLED_BY_HOST.includes(excluded);
    if (experimentId === null || armId === null || unit === null || isSettled) return start;
    const stored = this.#storedUnit(experimentId, unit);
    if (stored?.out) return this.#outside(experimentId, "dropped");
    if (stored) return { experimentId, armId: stored.armId, configId: stored.configId, excluded: "repeat" };
    if (excluded === "holdout" || excluded === "audience") return this.#outside(experimentId, excluded);
    // At a share at which nothing is random the unit is not taken: it may still be randomised later.
    if (excluded !== null) return start;
    if (start.isExclusive && this.#isTaken(experimentId, unit))
      return this.#outside(experimentId, "exclusive");
    this.#statements.run("INSERT INTO units (experiment_id, unit, arm_id, session_id) VALUES (?, ?, ?, ?)", [
      experimentId,
      unit,
      armId,
      start.id,
    ]);
    return start;
  }

  #storedUnit(
    experimentId: number,
    unit: string,
  ): { readonly armId: number; readonly configId: number; readonly out: string | null } | undefined {
    return this.#statements.get(
      `SELECT units.arm_id AS armId, arms.config_id AS configId, arms.out
         FROM units JOIN arms ON arms.id = units.arm_id WHERE units.experiment_id = ? AND units.unit = ?`,
      [experimentId, unit],
    );
  }

  /** Whether the unit takes part in another experiment of the group. One that has ended holds nobody. */
  #isTaken(experimentId: number, unit: string): boolean {
    const sibling = this.#statements.get(
      `SELECT 1 FROM experiments JOIN units ON units.experiment_id = experiments.id AND units.unit = ?
         WHERE exclusion_group = (SELECT exclusion_group FROM experiments WHERE id = ?) AND experiments.id <> ?
         AND status IN ('running', 'paused') LIMIT 1`,
      [unit, experimentId, experimentId],
    );
    return sibling !== undefined;
  }

  /** Outside of the experiment, under its champion. */
  #outside(experimentId: number, excluded: Exclusion): Placed {
    const champion = this.#statements.get<{ configId: number }>(
      "SELECT config_id AS configId FROM arms WHERE experiment_id = ? AND role = 'champion'",
      [experimentId],
    );
    if (!champion) throw new Error("an experiment without a champion's arm");
    return { experimentId: null, armId: null, configId: champion.configId, excluded };
  }

  #session(id: string): StoredSessionRow | undefined {
    return this.#statements.get(`SELECT ${SESSION_COLUMNS} FROM sessions WHERE id = ?`, [id]);
  }

  /** Ends a session; the score of one with parts reaches these too. */
  end(end: SessionEnd): Outcome {
    const session = this.#session(end.sessionId);
    if (!session) return { status: "unknown-session" };
    const effect = endEffect(session, end);
    const { atMs, score, sessionId } = end;
    if (effect === "mismatch") return { status: "mismatch", stored: session.score, received: score };
    if (effect === "ends") {
      this.#statements.run("UPDATE sessions SET ended_at_ms = ? WHERE seq = ?", [atMs, session.seq]);
    } else if (effect === "settles" && score !== null) {
      this.#settle(session.seq, score, atMs);
      this.#reachParts({ ...ROOT_SCORE, sessionId, value: score, atMs });
    } else if (effect === "late" && score !== null) {
      const late = { ...LATE_SCORE, sessionId, value: score, key: `late-end:${score}`, atMs };
      this.#insertSignal(session.seq, late, true);
    }
    return { status: effect === "ends" || effect === "settles" ? "recorded" : effect };
  }

  #settle(seq: number, score: number, atMs: number): void {
    this.#statements.run(
      `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, ?), settled_at_ms = ?, score = ?, is_missing = 0,
         is_abandoned = 0 WHERE seq = ?`,
      [atMs, atMs, score, seq],
    );
  }

  /** Stores a signal; one that bears on the score of a session with parts reaches these too. */
  signal(signal: SessionSignal): Outcome {
    const session = this.#session(signal.sessionId);
    if (!session) return { status: "unknown-session" };
    const stored = this.#storedSignal(session.seq, signal.key);
    const effect = signalEffect(session, stored, signal);
    if (effect === "mismatch")
      return { status: "mismatch", stored: stored?.value ?? null, received: signal.value };
    if (effect === "duplicate") return { status: "duplicate" };
    this.#insertSignal(session.seq, signal, effect === "late");
    // Costs and the like are left where they are: with the parts they would count twice.
    if (signal.kind !== null) this.#reachParts(signal);
    return { status: effect === "late" ? "late" : "recorded" };
  }

  /**
   * How the whole went is all there is to say of many a part: each session started under this one by now gets the
   * signal too, under a key of its own, counted or late by its own window.
   */
  #reachParts(signal: SessionSignal): void {
    const parts = this.#statements.all<StoredSessionRow>(
      `SELECT ${SESSION_COLUMNS} FROM sessions WHERE root_id = ?`,
      [signal.sessionId],
    );
    const passedOn = { ...signal, key: `root:${signal.key}` };
    for (const part of parts) {
      const effect = signalEffect(part, this.#storedSignal(part.seq, passedOn.key), passedOn);
      if (effect === "counted" || effect === "late")
        this.#insertSignal(part.seq, passedOn, effect === "late");
    }
  }

  #storedSignal(seq: number, key: string): SignalBody | undefined {
    return this.#statements.get(
      "SELECT name, value, kind, source FROM signals WHERE session_seq = ? AND key = ?",
      [seq, key],
    );
  }

  #insertSignal(seq: number, signal: SessionSignal, isLate: boolean): void {
    const { key, name, value, kind, source, atMs } = signal;
    this.#statements.run(
      `INSERT INTO signals (session_seq, key, name, value, kind, source, accepted_at_ms, is_late)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      [seq, key, name, value, kind, source, atMs, isLate],
    );
  }
}
