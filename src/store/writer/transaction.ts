/**
 * What the writer does with a batch of operations inside one transaction: those on sessions together where they are plain,
 * all others one by one. One that fails is undone and does not touch the others.
 */
import { applyBatch, type SessionOperation, segmentsOf } from "./batch-writes.js";
import type { GiveRows } from "./given-rows.js";
import { type Places, replay } from "./replay.js";
import { addSignal, endSession, findSession, startSession } from "./session-writes.js";
import { run, type Steps } from "./steps.js";
import { type Outcome, RECORDED, type WriteOperation, type WriteStatement } from "./write-protocol.js";

/** What differs from database to database. */
export interface Ways {
  /** whether an error is of one operation; any other (busy, disk full, I/O) is of the whole transaction */
  readonly isOfOne: (error: unknown) => boolean;
  readonly giveRows: GiveRows;
  /**
   * how many operations on sessions it takes for them to be written together; that reads less, and costs more where reading
   * costs nothing; default 2
   */
  readonly togetherMin?: number;
}

/** See {@link Ways}. */
const TOGETHER_MIN = 2;

/**
 * Applies the operations, each all or nothing, in a transaction that is open; in their order, as far as that matters.
 *
 * @throws what the database says where that concerns all of them; then none of them may be acknowledged
 */
export function* applyOperations(operations: readonly WriteOperation[], ways: Ways): Steps<Outcome[]> {
  const { togetherMin = TOGETHER_MIN, giveRows } = ways;
  const outcomes: Outcome[] = [];
  const places: Places = new Map();
  for (const some of runsOf(operations.map(unspooled))) {
    const isMany = some.length >= togetherMin;
    const together = isMany && some.every(isOnSession) ? () => applyBatch(some, giveRows) : null;
    const replayed = isMany && some.every(isReplay) ? () => replayAll(some, places) : null;
    const apply = together ?? replayed;
    outcomes.push(
      ...((apply && (yield* applyTogether(apply, ways))) ?? (yield* applyEach(some, ways, places))),
    );
  }
  return outcomes;
}

type Replay = Extract<WriteOperation, { kind: "replay" }>;

const isReplay = (operation: WriteOperation): operation is Replay => operation.kind === "replay";

function* replayAll(operations: readonly Replay[], places: Places): Steps<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { entry } of operations) outcomes.push(yield* replay(entry, places));
  return outcomes;
}

/** What was spooled of a session that is stored is no different from what was not. */
function unspooled(operation: WriteOperation): WriteOperation {
  if (operation.kind !== "replay") return operation;
  const { entry } = operation;
  return entry.kind === "end" || entry.kind === "signal" ? entry : operation;
}

/** Operations on sessions that can be written together, and the others one by one. */
function runsOf(operations: readonly WriteOperation[]): WriteOperation[][] {
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
    const last = sessions.length === 0 ? runs.at(-1) : undefined;
    close();
    if (isReplay(operation) && last?.every(isReplay)) last.push(operation);
    else runs.push([operation]);
  }
  close();
  return runs;
}

function isOnSession(operation: WriteOperation): operation is SessionOperation {
  return operation.kind === "start" || operation.kind === "end" || operation.kind === "signal";
}

function* applyEach(operations: readonly WriteOperation[], ways: Ways, places: Places): Steps<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const operation of operations) outcomes.push(yield* applyAtomically(operation, ways, places));
  return outcomes;
}

/** All of them at once; null, and nothing written, where one of them needs a closer look. */
function* applyTogether(apply: () => Steps<Outcome[]>, ways: Ways): Steps<Outcome[] | null> {
  yield* run("SAVEPOINT batch");
  try {
    const outcomes = yield* apply();
    yield* run("RELEASE batch");
    return outcomes;
  } catch (error) {
    if (!ways.isOfOne(error)) throw error;
    yield* run("ROLLBACK TO batch");
    yield* run("RELEASE batch");
    return null;
  }
}

function* applyAtomically(operation: WriteOperation, ways: Ways, places: Places): Steps<Outcome> {
  yield* run("SAVEPOINT operation");
  try {
    const outcome = yield* applyOne(operation, places);
    if (outcome.status === "conflict") yield* run("ROLLBACK TO operation");
    yield* run("RELEASE operation");
    return outcome;
  } catch (error) {
    if (!ways.isOfOne(error)) throw error;
    yield* run("ROLLBACK TO operation");
    yield* run("RELEASE operation");
    return { status: "failed", message: (error as Error).message };
  }
}

function* applyOne(operation: WriteOperation, places: Places): Steps<Outcome> {
  switch (operation.kind) {
    case "start":
      return yield* startSession(operation.start);
    case "find":
      return yield* find(operation.sessionId);
    case "end":
      return yield* endSession(operation.end);
    case "signal":
      return yield* addSignal(operation.signal);
    case "replay":
      return yield* replay(operation.entry, places);
    case "statements":
      return yield* transact(operation.statements);
  }
}

function* find(sessionId: string): Steps<Outcome> {
  const session = yield* findSession(sessionId);
  return session ? { status: "started", session } : { status: "unknown-session" };
}

function* transact(statements: readonly WriteStatement[]): Steps<Outcome> {
  for (const [index, { sql, params, changes }] of statements.entries()) {
    const changed = yield* run(sql, params, changes);
    if (changes !== undefined && changed !== changes) return { status: "conflict", index };
  }
  return RECORDED;
}
