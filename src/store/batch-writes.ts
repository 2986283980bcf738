/**
 * Many starts, signals and ends at once: one statement a table instead of one a row, several times as fast. A session that
 * starts and ends in one batch is one row, written once.
 *
 * It writes what is plain (a first end, a new signal, both in time) and only if all of a batch is; anything else goes row
 * by row through {@link SessionWrites}, where the rules are. What it writes is what they would have written, bit for bit.
 */
import type { SessionEnd, SessionSignal } from "../engine/ports.js";
import { type Columns, givenRows } from "./given-rows.js";
import { type SessionWrites, START_COLUMNS, type Statements } from "./session-writes.js";
import { type Outcome, RECORDED, type WriteOperation } from "./write-protocol.js";

/** An operation on a session. */
export type SessionOperation = Extract<WriteOperation, { kind: "start" | "end" | "signal" }>;

const insertStarts = (given: string): string =>
  `INSERT INTO sessions (${START_COLUMNS.join(", ")}, ended_at_ms, settled_at_ms, score, is_missing, is_abandoned)
   SELECT ${START_COLUMNS.join(", ")}, at_ms, iif(score IS NULL, NULL, at_ms), score,
     iif(score IS NULL, NULL, 0), iif(score IS NULL, NULL, 0) FROM ${given}`;

/** Of sessions that have not settled, or that are new in the batch: their ends came after. */
const insertSignals = (given: string): string =>
  `INSERT INTO signals (session_seq, key, name, value, kind, source, accepted_at_ms, is_late)
   SELECT seq, given.signal_key, given.name, given.number, given.kind, given.source, given.at_ms, 0
   FROM ${given} AS given CROSS JOIN sessions ON sessions.id = given.session_id
   WHERE (settled_at_ms IS NULL OR seq > given.last_seq) AND given.at_ms <= window_ends_at_ms
   ON CONFLICT DO NOTHING`;

const settleSessions = (given: string): string =>
  `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, given.at_ms), settled_at_ms = given.at_ms,
     score = given.number, is_missing = 0, is_abandoned = 0 FROM ${given} AS given
   WHERE sessions.id = given.session_id AND settled_at_ms IS NULL AND given.at_ms <= window_ends_at_ms`;

const endSessions = (given: string): string =>
  `UPDATE sessions SET ended_at_ms = given.at_ms FROM ${given} AS given
   WHERE sessions.id = given.session_id AND settled_at_ms IS NULL AND ended_at_ms IS NULL
     AND given.at_ms <= window_ends_at_ms`;

/** Thrown where a batch is not as plain as it has to be; whoever applies it undoes it, and goes row by row. */
class NotPlain extends Error {}

type Row = readonly (string | number | null)[];

/** The writes of one connection, a batch at a time. */
export class BatchWrites {
  readonly #statements: Statements;
  readonly #sessions: SessionWrites;

  constructor(statements: Statements, sessions: SessionWrites) {
    this.#statements = statements;
    this.#sessions = sessions;
  }

  /**
   * Writes them all: the starts, then the signals, then the ends; those of a session that is new here with its start.
   *
   * @param operations in an order in which that changes nothing; see {@link segmentsOf}
   * @throws NotPlain, or what the database says; then some may be written, and must be undone
   */
  apply(operations: readonly SessionOperation[]): Outcome[] {
    // What is not a start is plain, or nothing of this stays.
    const outcomes = operations.map(() => RECORDED);
    const signals = operations.flatMap((each) => (each.kind === "signal" ? [each.signal] : []));
    const ends = operations.flatMap((each) => (each.kind === "end" ? [each.end] : []));
    const lastSeq = signals.length === 0 ? 0 : this.#lastSeq();
    const rest = this.#start(operations, ends, outcomes);
    this.#refuseRoots(signals, ends);
    this.#signal(signals, lastSeq);
    this.#end(rest);
    return outcomes;
  }

  #lastSeq(): number {
    const sql = "SELECT coalesce(max(seq), 0) AS seq FROM sessions";
    return this.#statements.get<{ seq: number }>(sql, [])?.seq ?? 0;
  }

  #write(statement: (given: string) => string, columns: Columns, exact: string): void {
    const [first = []] = Object.values(columns);
    if (first.length === 0) return;
    const given = givenRows(columns, exact);
    if (given === null) throw new NotPlain();
    const { changes } = this.#statements.run(statement(given.sql), given.values);
    if (changes !== first.length) throw new NotPlain();
  }

  /** Stores the new ones with their ends, where these came in time; gives the ends of the others. */
  #start(
    operations: readonly SessionOperation[],
    ends: readonly SessionEnd[],
    outcomes: Outcome[],
  ): readonly SessionEnd[] {
    const unwritten = new Map(ends.map((end) => [end.sessionId, end]));
    let rows: Row[] = [];
    const waiting = new Set<string>();
    for (const [index, operation] of operations.entries()) {
      if (operation.kind !== "start") continue;
      const { start } = operation;
      // A session that is started twice in a batch must find itself.
      if (waiting.has(start.id)) {
        this.#insert(rows);
        rows = [];
      }
      waiting.add(start.id);
      const outcome = this.#sessions.startWith(start, (row) => {
        const end = unwritten.get(start.id);
        const isInTime = end !== undefined && end.atMs <= start.windowEndsAtMs;
        if (isInTime) unwritten.delete(start.id);
        rows.push(isInTime ? [...row, end.atMs, end.score] : [...row, null, null]);
      });
      outcomes[index] = outcome;
    }
    this.#insert(rows);
    return [...unwritten.values()];
  }

  #insert(rows: readonly Row[]): void {
    const columns = [...START_COLUMNS, "at_ms", "score"].map((name, i) => [name, rows.map((row) => row[i])]);
    this.#write(insertStarts, Object.fromEntries(columns), "score");
  }

  #signal(signals: readonly SessionSignal[], lastSeq: number): void {
    this.#write(
      insertSignals,
      {
        session_id: signals.map(({ sessionId }) => sessionId),
        signal_key: signals.map(({ key }) => key),
        name: signals.map(({ name }) => name),
        number: signals.map(({ value }) => value),
        kind: signals.map(({ kind }) => kind),
        source: signals.map(({ source }) => source),
        at_ms: signals.map(({ atMs }) => atMs),
        last_seq: signals.map(() => lastSeq),
      },
      "number",
    );
  }

  #end(ends: readonly SessionEnd[]): void {
    const columnsOf = (some: readonly SessionEnd[]) => ({
      session_id: some.map(({ sessionId }) => sessionId),
      at_ms: some.map(({ atMs }) => atMs),
      number: some.map(({ score }) => score),
    });
    this.#write(settleSessions, columnsOf(ends.filter(({ score }) => score !== null)), "number");
    this.#write(endSessions, columnsOf(ends.filter(({ score }) => score === null)), "number");
  }

  /** Signals and scores that reach other sessions too are no plain ones. */
  #refuseRoots(signals: readonly SessionSignal[], ends: readonly SessionEnd[]): void {
    if (!this.#hasParts()) return;
    const ids = [
      ...signals.filter(({ kind }) => kind !== null).map(({ sessionId }) => sessionId),
      ...ends.filter(({ score }) => score !== null).map(({ sessionId }) => sessionId),
    ];
    const root = this.#statements.get(
      "SELECT 1 FROM json_each(?) CROSS JOIN sessions ON root_id = json_each.value AND root_id IS NOT NULL LIMIT 1",
      [JSON.stringify(ids)],
    );
    if (root !== undefined) throw new NotPlain();
  }

  #hasParts(): boolean {
    return this.#statements.get("SELECT 1 FROM sessions WHERE root_id IS NOT NULL LIMIT 1", []) !== undefined;
  }
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
