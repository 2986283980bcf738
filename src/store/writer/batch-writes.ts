/**
 * Many starts, signals and ends at once: one statement a table instead of one a row, several times as fast. A session that
 * starts and ends in one batch is one row, written once.
 *
 * It writes what is plain (a first end, a new signal, both in time) and only if all of a batch is; anything else goes row
 * by row through `session-writes.ts`, where the rules are. What it writes is what they would have written, bit for bit.
 */
import type { SessionEnd, SessionSignal, SessionStart } from "../../engine/ports.js";
import type { Columns, GivenRows, GiveRows } from "./given-rows.js";
import {
  isPlaced,
  type Placed,
  placedAs,
  placeOf,
  rowOf,
  type Row as SessionRow,
  START_COLUMNS,
} from "./session-writes.js";
import { get, run, type Steps } from "./steps.js";
import { type Outcome, RECORDED, type WriteOperation } from "./write-protocol.js";

/** An operation on a session. */
export type SessionOperation = Extract<WriteOperation, { kind: "start" | "end" | "signal" }>;

const insertStarts = ({ sql, order }: GivenRows): string =>
  `INSERT INTO sessions (${START_COLUMNS.join(", ")}, ended_at_ms, settled_at_ms, score, is_missing, is_abandoned)
   SELECT ${START_COLUMNS.join(", ")}, at_ms, CASE WHEN score IS NULL THEN NULL ELSE at_ms END, score,
     CASE WHEN score IS NULL THEN NULL ELSE 0 END, CASE WHEN score IS NULL THEN NULL ELSE 0 END
   FROM ${sql} AS given ${order}`;

/** Of sessions that have not settled, or that are new in the batch: their ends came after. */
const insertSignals = ({ sql, order }: GivenRows): string =>
  `INSERT INTO signals (session_seq, key, name, value, kind, source, accepted_at_ms, is_late)
   SELECT seq, given.signal_key, given.name, given.number, given.kind, given.source, given.at_ms, 0
   FROM ${sql} AS given CROSS JOIN sessions ON sessions.id = given.session_id
   WHERE (settled_at_ms IS NULL OR given.is_new = 1) AND given.at_ms <= window_ends_at_ms ${order}
   ON CONFLICT DO NOTHING`;

const settleSessions = ({ sql }: GivenRows): string =>
  `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, given.at_ms), settled_at_ms = given.at_ms,
     score = given.number, is_missing = 0, is_abandoned = 0 FROM ${sql} AS given
   WHERE sessions.id = given.session_id AND settled_at_ms IS NULL AND given.at_ms <= window_ends_at_ms`;

const endSessions = ({ sql }: GivenRows): string =>
  `UPDATE sessions SET ended_at_ms = given.at_ms FROM ${sql} AS given
   WHERE sessions.id = given.session_id AND settled_at_ms IS NULL AND ended_at_ms IS NULL
     AND given.at_ms <= window_ends_at_ms`;

/** Thrown where a batch is not as plain as it has to be; whoever applies it undoes it, and goes row by row. */
class NotPlain extends Error {}

/** A new session, and when and how it ended where that is known. */
type Row = readonly [...SessionRow, atMs: number | null, score: number | null];

/**
 * Writes them all: the starts, then the signals, then the ends; those of a session that is new here with its start.
 *
 * @param operations in an order in which that changes nothing; see {@link segmentsOf}
 * @param giveRows of the database
 * @throws NotPlain, or what the database says; then some may be written, and must be undone
 */
export function* applyBatch(operations: readonly SessionOperation[], giveRows: GiveRows): Steps<Outcome[]> {
  // What is not a start is plain, or nothing of this stays.
  const outcomes = operations.map(() => RECORDED);
  const signals = operations.flatMap((each) => (each.kind === "signal" ? [each.signal] : []));
  const ends = operations.flatMap((each) => (each.kind === "end" ? [each.end] : []));
  const newIds = new Set<string>();
  const write: Write = (...rows) => writeRows(giveRows, ...rows);
  const rest = yield* storeStarts({ operations, ends, outcomes, newIds, write });
  yield* refuseRoots(signals, ends);
  yield* storeSignals(signals, newIds, write);
  yield* storeEnds(rest, write);
  return outcomes;
}

type Rows = [statement: (given: GivenRows) => string, columns: Columns, exact: string];
type Write = (...rows: Rows) => Steps<void>;

function* writeRows(giveRows: GiveRows, ...[statement, columns, exact]: Rows): Steps<void> {
  const [first = []] = Object.values(columns);
  if (first.length === 0) return;
  const given = giveRows(columns, exact);
  if (given === null) throw new NotPlain();
  const changes = yield* run(statement(given), given.values, first.length);
  if (changes !== first.length) throw new NotPlain();
}

interface Starting {
  readonly operations: readonly SessionOperation[];
  readonly ends: readonly SessionEnd[];
  /** gets those of the starts */
  readonly outcomes: Outcome[];
  /** gets the ids of the sessions that are stored */
  readonly newIds: Set<string>;
  readonly write: Write;
}

/** Stores the new ones with their ends, where these came in time; gives the ends of the others. */
function* storeStarts(starting: Starting): Steps<readonly SessionEnd[]> {
  const { operations, ends, outcomes, newIds, write } = starting;
  const unwritten = new Map(ends.map((end) => [end.sessionId, end]));
  let rows: Row[] = [];
  const waiting = new Set<string>();
  const add = (start: SessionStart, placed: Placed): Outcome => {
    const end = unwritten.get(start.id);
    const isInTime = end !== undefined && end.atMs <= start.windowEndsAtMs;
    if (isInTime) unwritten.delete(start.id);
    newIds.add(start.id);
    rows.push(
      isInTime ? [...rowOf(start, placed), end.atMs, end.score] : [...rowOf(start, placed), null, null],
    );
    return placedAs(start, placed);
  };
  for (const [index, operation] of operations.entries()) {
    if (operation.kind !== "start") continue;
    const { start } = operation;
    // A session that is started twice in a batch must find itself.
    if (waiting.has(start.id)) {
      yield* insert(rows, write);
      rows = [];
    }
    waiting.add(start.id);
    // Most are, and there are thousands: no steps for them.
    const placed = isPlaced(start) ? start : yield* placeOf(start);
    outcomes[index] =
      "session" in placed ? { status: "started", session: placed.session } : add(start, placed);
  }
  yield* insert(rows, write);
  return [...unwritten.values()];
}

function* insert(rows: readonly Row[], write: Write): Steps<void> {
  const columns = [...START_COLUMNS, "at_ms", "score"].map((name, i) => [
    name,
    rows.map((row) => row[i] ?? null),
  ]);
  yield* write(insertStarts, Object.fromEntries(columns), "score");
}

function* storeSignals(
  signals: readonly SessionSignal[],
  newIds: ReadonlySet<string>,
  write: Write,
): Steps<void> {
  yield* write(
    insertSignals,
    {
      session_id: signals.map(({ sessionId }) => sessionId),
      signal_key: signals.map(({ key }) => key),
      name: signals.map(({ name }) => name),
      number: signals.map(({ value }) => value),
      kind: signals.map(({ kind }) => kind),
      source: signals.map(({ source }) => source),
      at_ms: signals.map(({ atMs }) => atMs),
      is_new: signals.map(({ sessionId }) => Number(newIds.has(sessionId))),
    },
    "number",
  );
}

function* storeEnds(ends: readonly SessionEnd[], write: Write): Steps<void> {
  const columnsOf = (some: readonly SessionEnd[]) => ({
    session_id: some.map(({ sessionId }) => sessionId),
    at_ms: some.map(({ atMs }) => atMs),
    number: some.map(({ score }) => score),
  });
  yield* write(settleSessions, columnsOf(ends.filter(({ score }) => score !== null)), "number");
  yield* write(endSessions, columnsOf(ends.filter(({ score }) => score === null)), "number");
}

/** Signals and scores that reach other sessions too are no plain ones. */
function* refuseRoots(signals: readonly SessionSignal[], ends: readonly SessionEnd[]): Steps<void> {
  const ids = [
    ...signals.filter(({ kind }) => kind !== null).map(({ sessionId }) => sessionId),
    ...ends.filter(({ score }) => score !== null).map(({ sessionId }) => sessionId),
  ];
  if (ids.length === 0) return;
  if ((yield* get("SELECT 1 FROM sessions WHERE root_id IS NOT NULL LIMIT 1", [], "none")) === undefined)
    return;
  const root = yield* get(
    "SELECT 1 FROM json_each(?) AS given CROSS JOIN sessions ON root_id = given.value AND root_id IS NOT NULL LIMIT 1",
    [JSON.stringify(ids)],
    "none",
  );
  if (root !== undefined) throw new NotPlain();
}

/**
 * Cuts operations where starts, then signals, then ends would not do the same as their own order: before anything about
 * a session that has ended, and before the start of a part whose root has been signalled or ended.
 */
export function segmentsOf(operations: readonly SessionOperation[]): SessionOperation[][] {
  const segments: SessionOperation[][] = [];
  let current: SessionOperation[] = [];
  let told = new Map<string, "signalled" | "ended">();
  for (const operation of operations) {
    if (isCut(operation, told)) {
      segments.push(current);
      [current, told] = [[], new Map()];
    }
    current.push(operation);
    if (operation.kind === "end") told.set(operation.end.sessionId, "ended");
    else if (operation.kind === "signal") told.set(operation.signal.sessionId, "signalled");
  }
  if (current.length > 0) segments.push(current);
  return segments;
}

function isCut(operation: SessionOperation, told: ReadonlyMap<string, "signalled" | "ended">): boolean {
  if (operation.kind === "end") return told.get(operation.end.sessionId) === "ended";
  if (operation.kind === "signal") return told.get(operation.signal.sessionId) === "ended";
  const { root, id } = operation.start;
  return told.has(id) || (root !== null && told.has(root));
}
