/**
 * Many starts, signals and ends at once: one statement a table instead of one a row, several times as fast.
 *
 * It writes what is plain (a first end, a new signal, both in time) and only if all of a batch is; anything else goes row
 * by row through {@link SessionWrites}, where the rules are. What it writes is what they would have written, bit for bit.
 */
import type { SessionEnd, SessionSignal, SessionStart, StartedSession } from "../engine/ports.js";
import { exactParts } from "./exact-number.js";
import type { SessionWrites, Statements } from "./session-writes.js";
import type { Outcome, WriteOperation } from "./write-protocol.js";

/** An operation on a session. */
export type SessionOperation = Extract<WriteOperation, { kind: "start" | "end" | "signal" }>;

/** A number at the end of a JSON row: as it is where all of them are whole, else in three parts; see {@link exactParts}. */
const numberAt = (place: number, areWhole: boolean): string =>
  areWhole
    ? `value ->> ${place}`
    : `(CAST(value ->> ${place} AS REAL) / (1 << (value ->> ${place + 1}))) / (1 << (value ->> ${place + 2}))`;

/** A statement for numbers that are all whole, and one for any. */
const forNumbers = (sql: (areWhole: boolean) => string) => ({ whole: sql(true), any: sql(false) });

const INSERT_STARTS = `INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, unit, root_id, shares,
    is_evidence, excluded, context, started_at_ms, window_ends_at_ms)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
  FROM json_each(?) ORDER BY json_each.key`;

const INSERT_SIGNALS = forNumbers(
  (areWhole) => `INSERT INTO signals (session_seq, key, name, value, kind, source, accepted_at_ms, is_late)
  SELECT seq, given.signal_key, given.name, given.number, given.kind, given.source, given.at_ms, 0 FROM
    (SELECT json_each.key AS place, value ->> 0 AS id, value ->> 1 AS signal_key, value ->> 2 AS name,
       value ->> 3 AS kind, value ->> 4 AS source, value ->> 5 AS at_ms, ${numberAt(6, areWhole)} AS number
     FROM json_each(?)) AS given
    CROSS JOIN sessions ON sessions.id = given.id
  WHERE settled_at_ms IS NULL AND given.at_ms <= window_ends_at_ms
  ORDER BY given.place ON CONFLICT DO NOTHING`,
);

const SETTLE = forNumbers(
  (
    areWhole,
  ) => `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, given.at_ms), settled_at_ms = given.at_ms,
    score = given.number, is_missing = 0, is_abandoned = 0
  FROM (SELECT value ->> 0 AS id, value ->> 1 AS at_ms, ${numberAt(2, areWhole)} AS number FROM json_each(?)) AS given
  WHERE sessions.id = given.id AND settled_at_ms IS NULL AND given.at_ms <= window_ends_at_ms`,
);

const END = `UPDATE sessions SET ended_at_ms = given.at_ms
  FROM (SELECT value ->> 0 AS id, value ->> 1 AS at_ms FROM json_each(?)) AS given
  WHERE sessions.id = given.id AND settled_at_ms IS NULL AND ended_at_ms IS NULL
    AND given.at_ms <= window_ends_at_ms`;

type Row = readonly (string | number | null)[];

/** Half a character, as a cut through an emoji leaves: JSON hands it on, where a value that is bound becomes U+FFFD. */
const LONE_SURROGATE = /\\ud[89a-f]/;

/** Thrown where a batch is not as plain as it has to be; whoever applies it undoes it, and goes row by row. */
class NotPlain extends Error {}

/** The writes of one connection, a batch at a time. */
export class BatchWrites {
  readonly #statements: Statements;
  readonly #sessions: SessionWrites;

  constructor(statements: Statements, sessions: SessionWrites) {
    this.#statements = statements;
    this.#sessions = sessions;
  }

  /**
   * Writes them all: the starts, then the signals, then the ends.
   *
   * @param operations in an order in which that changes nothing; see {@link segmentsOf}
   * @throws NotPlain, or what the database says; then some may be written, and must be undone
   */
  apply(operations: readonly SessionOperation[]): Outcome[] {
    // What is not a start is plain, or nothing of this stays.
    const outcomes: Outcome[] = operations.map(() => ({ status: "recorded" }));
    this.#start(operations, outcomes);
    const signals = operations.flatMap((each) => (each.kind === "signal" ? [each.signal] : []));
    const ends = operations.flatMap((each) => (each.kind === "end" ? [each.end] : []));
    this.#refuseRoots(signals, ends);
    this.#writeNumbers(
      INSERT_SIGNALS,
      signals.map(({ sessionId, key, name, value, kind, source, atMs }) => ({
        row: [sessionId, key, name, kind, source, atMs],
        value,
      })),
    );
    this.#writeNumbers(
      SETTLE,
      ends.flatMap(({ sessionId, atMs, score }) =>
        score === null ? [] : [{ row: [sessionId, atMs], value: score }],
      ),
    );
    this.#write(
      END,
      ends.flatMap(({ sessionId, atMs, score }) => (score === null ? [[sessionId, atMs]] : [])),
    );
    return outcomes;
  }

  #writeNumbers(
    sql: { readonly whole: string; readonly any: string },
    rows: readonly { readonly row: Row; readonly value: number }[],
  ): void {
    const areWhole = rows.every(({ value }) => Number.isSafeInteger(value));
    this.#write(
      areWhole ? sql.whole : sql.any,
      rows.map(({ row, value }) => (areWhole ? [...row, value] : [...row, ...exact(value)])),
    );
  }

  #write(sql: string, rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const text = JSON.stringify(rows);
    if (LONE_SURROGATE.test(text)) throw new NotPlain();
    const { changes } = this.#statements.run(sql, [text]);
    if (changes !== rows.length) throw new NotPlain();
  }

  #start(operations: readonly SessionOperation[], outcomes: Outcome[]): void {
    let rows: Row[] = [];
    const waiting = new Set<string>();
    for (const [index, operation] of operations.entries()) {
      if (operation.kind !== "start") continue;
      const { start } = operation;
      // A session that is started twice in a batch must find itself.
      if (waiting.has(start.id)) {
        this.#write(INSERT_STARTS, rows);
        rows = [];
      }
      const existing = start.mayExist ? this.#sessions.find(start.id) : undefined;
      outcomes[index] = { status: "started", session: existing ?? this.#placed(start, rows) };
      waiting.add(start.id);
    }
    this.#write(INSERT_STARTS, rows);
  }

  #placed(start: SessionStart, rows: Row[]): StartedSession {
    const placed = this.#sessions.place(start);
    rows.push(this.#sessions.startRow(start, placed));
    return this.#sessions.startedOf(start, placed);
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

/** @throws NotPlain for one of the few numbers that a JSON text cannot carry exactly */
function exact(value: number): readonly [number, number, number] {
  const parts = exactParts(value);
  if (parts === null) throw new NotPlain();
  return parts;
}

/**
 * Cuts operations where starts, then signals, then ends would not do the same as their own order: before anything about
 * a session that has ended, and before the start of a part whose root has been signalled or ended.
 */
export function segmentsOf(operations: readonly SessionOperation[]): SessionOperation[][] {
  const segments: SessionOperation[][] = [];
  let current: SessionOperation[] = [];
  let ended = new Set<string>();
  let told = new Set<string>();
  for (const operation of operations) {
    if (isCut(operation, ended, told)) {
      segments.push(current);
      [current, ended, told] = [[], new Set(), new Set()];
    }
    current.push(operation);
    if (operation.kind === "end") ended.add(operation.end.sessionId);
    if (operation.kind === "end") told.add(operation.end.sessionId);
    if (operation.kind === "signal") told.add(operation.signal.sessionId);
  }
  if (current.length > 0) segments.push(current);
  return segments;
}

function isCut(operation: SessionOperation, ended: Set<string>, told: Set<string>): boolean {
  if (operation.kind === "end") return ended.has(operation.end.sessionId);
  if (operation.kind === "signal") return ended.has(operation.signal.sessionId);
  const { root, id } = operation.start;
  return told.has(id) || (root !== null && told.has(root));
}
