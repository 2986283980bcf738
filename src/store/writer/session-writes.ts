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
} from "../../core/sessions/session-rules.js";
import type {
  Exclusion,
  SessionEnd,
  SessionSignal,
  SessionStart,
  StartedSession,
} from "../../engine/ports.js";
import { all, get, run, type Steps } from "./steps.js";
import { type Outcome, RECORDED } from "./write-protocol.js";

interface StoredSessionRow extends SessionState {
  readonly seq: number;
}

/** What a session is to be stored with. */
export type Placed = Pick<SessionStart, "experimentId" | "armId" | "configId" | "excluded">;

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

/** See {@link START_COLUMNS}. */
export type Row = readonly (string | number | null)[];

/** A session in the order of its columns. */
export function rowOf(start: SessionStart, { experimentId, armId, configId, excluded }: Placed): Row {
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

/** Stores the start of a session, where its unit allows it; a stored session of that id is returned as it is. */
export function* startSession(start: SessionStart): Steps<Outcome> {
  const placed = yield* placeOf(start);
  if ("session" in placed) return { status: "started", session: placed.session };
  yield* insertSession(start, placed);
  return placedAs(start, placed);
}

/** A session that is stored already, or where a new one is to be stored. Takes the unit of a new one. */
export function* placeOf(start: SessionStart): Steps<Placed | { readonly session: StartedSession }> {
  const session = start.mayExist ? yield* findSession(start.id, "none") : undefined;
  return session ? { session } : yield* placeOfUnit(start);
}

/** Whether a start is stored as it is, whatever else is stored. */
export const isPlaced = (start: SessionStart): boolean => !start.mayExist && !isToBePlaced(start);

/** What is told of a new session. */
export const placedAs = (start: SessionStart, placed: Placed): Outcome =>
  placed === start ? RECORDED : { status: "started", session: startedAs(start, placed) };

/** Stores a session that is known to be new. */
export function* insertSession(start: SessionStart, placed: Placed): Steps<void> {
  yield* run(
    `INSERT INTO sessions (${START_COLUMNS.join(", ")}) VALUES (${START_COLUMNS.map(() => "?").join(", ")})`,
    rowOf(start, placed),
  );
}

/** The stored session of an id; most that are looked for at their start are not there yet. */
export function* findSession(id: string, supposed?: "none"): Steps<StartedSession | undefined> {
  const row = yield* get<Omit<StartedSession, "isNew">>(
    `SELECT sessions.id, sessions.project_id AS projectId, sessions.config_id AS configId,
       sessions.experiment_id AS experimentId, arm_id AS armId, unit, excluded, root_id AS root,
       arms.position AS arm, experiments.uid AS experimentUid
       FROM sessions LEFT JOIN arms ON arms.id = arm_id
       LEFT JOIN experiments ON experiments.id = sessions.experiment_id WHERE sessions.id = ?`,
    [id],
    supposed,
  );
  return row && { ...row, isNew: false };
}

/**
 * Where a unit's own arm is not asked for: who starts the session knows better. `repeat` is said where it was confirmed
 * before, and has been served already.
 */
const SETTLED_BY_HOST: readonly Exclusion[] = ["override", "forced", "repeat", "assigned"];

/** Whether its unit may have an arm, or may not take part. */
function isToBePlaced({ experimentId, armId, unit, excluded }: SessionStart): boolean {
  const isSettled = excluded !== null && SETTLED_BY_HOST.includes(excluded);
  return experimentId !== null && armId !== null && unit !== null && !isSettled;
}

/** Where the session's unit belongs: what is stored of it wins over what this start would make of it; the start itself for that. */
function* placeOfUnit(start: SessionStart): Steps<Placed> {
  const { experimentId, armId, unit, excluded } = start;
  if (experimentId === null || armId === null || unit === null || !isToBePlaced(start)) return start;
  const stored = yield* storedUnit(experimentId, unit);
  if (stored?.out) return yield* outside(experimentId, "dropped");
  if (stored) return { experimentId, armId: stored.armId, configId: stored.configId, excluded: "repeat" };
  if (excluded === "holdout" || excluded === "audience") return yield* outside(experimentId, excluded);
  // At a share at which nothing is random the unit is not taken: it may still be randomised later.
  if (excluded !== null) return start;
  if (start.isExclusive && (yield* isTaken(experimentId, unit)))
    return yield* outside(experimentId, "exclusive");
  yield* run("INSERT INTO units (experiment_id, unit, arm_id, session_id) VALUES (?, ?, ?, ?)", [
    experimentId,
    unit,
    armId,
    start.id,
  ]);
  return start;
}

interface StoredUnit {
  readonly armId: number;
  readonly configId: number;
  readonly out: string | null;
}

function* storedUnit(experimentId: number, unit: string): Steps<StoredUnit | undefined> {
  return yield* get(
    `SELECT units.arm_id AS armId, arms.config_id AS configId, arms.out
       FROM units JOIN arms ON arms.id = units.arm_id WHERE units.experiment_id = ? AND units.unit = ?`,
    [experimentId, unit],
    "none",
  );
}

/** Whether the unit takes part in another experiment of the group. One that has ended holds nobody. */
function* isTaken(experimentId: number, unit: string): Steps<boolean> {
  const sibling = yield* get(
    `SELECT 1 FROM experiments JOIN units ON units.experiment_id = experiments.id AND units.unit = ?
       WHERE exclusion_group = (SELECT exclusion_group FROM experiments WHERE id = ?) AND experiments.id <> ?
       AND status IN ('running', 'paused') LIMIT 1`,
    [unit, experimentId, experimentId],
    "none",
  );
  return sibling !== undefined;
}

/** Outside of the experiment, under its champion. */
function* outside(experimentId: number, excluded: Exclusion): Steps<Placed> {
  const champion = yield* get<{ configId: number }>(
    "SELECT config_id AS configId FROM arms WHERE experiment_id = ? AND role = 'champion'",
    [experimentId],
  );
  if (!champion) throw new Error("an experiment without a champion's arm");
  return { experimentId: null, armId: null, configId: champion.configId, excluded };
}

function* storedSession(id: string): Steps<StoredSessionRow | undefined> {
  return yield* get(`SELECT ${SESSION_COLUMNS} FROM sessions WHERE id = ?`, [id]);
}

/** Ends a session; the score of one with parts reaches these too. */
export function* endSession(end: SessionEnd): Steps<Outcome> {
  const session = yield* storedSession(end.sessionId);
  if (!session) return { status: "unknown-session" };
  const effect = endEffect(session, end);
  const { atMs, score, sessionId } = end;
  if (effect === "mismatch") return { status: "mismatch", stored: session.score, received: score };
  if (effect === "ends") {
    yield* run("UPDATE sessions SET ended_at_ms = ? WHERE seq = ?", [atMs, session.seq]);
  } else if (effect === "settles" && score !== null) {
    yield* settle(session.seq, score, atMs);
    yield* reachParts({ ...ROOT_SCORE, sessionId, value: score, atMs });
  } else if (effect === "late" && score !== null) {
    const late = { ...LATE_SCORE, sessionId, value: score, key: `late-end:${score}`, atMs };
    yield* insertSignal(session.seq, late, true);
  }
  return { status: effect === "ends" || effect === "settles" ? "recorded" : effect };
}

function* settle(seq: number, score: number, atMs: number): Steps<void> {
  yield* run(
    `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, ?), settled_at_ms = ?, score = ?, is_missing = 0,
       is_abandoned = 0 WHERE seq = ?`,
    [atMs, atMs, score, seq],
  );
}

/** Stores a signal; one that bears on the score of a session with parts reaches these too. */
export function* addSignal(signal: SessionSignal): Steps<Outcome> {
  const session = yield* storedSession(signal.sessionId);
  if (!session) return { status: "unknown-session" };
  const stored = yield* storedSignal(session.seq, signal.key);
  const effect = signalEffect(session, stored, signal);
  if (effect === "mismatch")
    return { status: "mismatch", stored: stored?.value ?? null, received: signal.value };
  if (effect === "duplicate") return { status: "duplicate" };
  yield* insertSignal(session.seq, signal, effect === "late");
  // Costs and the like are left where they are: with the parts they would count twice.
  if (signal.kind !== null) yield* reachParts(signal);
  return { status: effect === "late" ? "late" : "recorded" };
}

/**
 * How the whole went is all there is to say of many a part: each session started under this one by now gets the
 * signal too, under a key of its own, counted or late by its own window.
 */
function* reachParts(signal: SessionSignal): Steps<void> {
  const parts = yield* all<StoredSessionRow>(`SELECT ${SESSION_COLUMNS} FROM sessions WHERE root_id = ?`, [
    signal.sessionId,
  ]);
  const passedOn = { ...signal, key: `root:${signal.key}` };
  for (const part of parts) {
    const effect = signalEffect(part, yield* storedSignal(part.seq, passedOn.key), passedOn);
    if (effect === "counted" || effect === "late") yield* insertSignal(part.seq, passedOn, effect === "late");
  }
}

function* storedSignal(seq: number, key: string): Steps<SignalBody | undefined> {
  return yield* get("SELECT name, value, kind, source FROM signals WHERE session_seq = ? AND key = ?", [
    seq,
    key,
  ]);
}

function* insertSignal(seq: number, signal: SessionSignal, isLate: boolean): Steps<void> {
  const { key, name, value, kind, source, atMs } = signal;
  yield* run(
    `INSERT INTO signals (session_seq, key, name, value, kind, source, accepted_at_ms, is_late)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [seq, key, name, value, kind, source, atMs, isLate],
  );
}
