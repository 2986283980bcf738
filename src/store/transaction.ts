/**
 * What the writer does with a batch of operations inside one transaction: those on sessions together where they are plain,
 * all others one by one. One that fails is undone and does not touch the others.
 */
import { applyBatch, type SessionOperation, segmentsOf } from "./batch-writes.js";
import { replay } from "./replay.js";
import { addSignal, endSession, findSession, startSession } from "./session-writes.js";
import { run, type Steps } from "./steps.js";
import { type Outcome, RECORDED, type WriteOperation, type WriteStatement } from "./write-protocol.js";

/** Whether an error is of one operation; any other (busy, disk full, I/O) is of the whole transaction. */
type IsOfOne = (error: unknown) => boolean;

/** How many operations on sessions it takes to be written together. */
const TOGETHER_MIN = 2;

/**
 * Applies the operations, each all or nothing, in a transaction that is open; in their order, as far as that matters.
 *
 * @param togetherMin how many operations on sessions it takes for them to be written together; that reads less, and
 *   costs more where reading costs nothing
 * @throws what the database says where that concerns all of them; then none of them may be acknowledged
 */
export function* applyOperations(
  operations: readonly WriteOperation[],
  isOfOne: IsOfOne,
  togetherMin = TOGETHER_MIN,
): Steps<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const some of runsOf(operations.map(unspooled))) {
    const isBatch = some.length >= togetherMin && some.every(isOnSession);
    const together = isBatch ? yield* applyTogether(some, isOfOne) : null;
    outcomes.push(...(together ?? (yield* applyEach(some, isOfOne))));
  }
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
    close();
    runs.push([operation]);
  }
  close();
  return runs;
}

function isOnSession(operation: WriteOperation): operation is SessionOperation {
  return operation.kind === "start" || operation.kind === "end" || operation.kind === "signal";
}

function* applyEach(operations: readonly WriteOperation[], isOfOne: IsOfOne): Steps<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const operation of operations) outcomes.push(yield* applyAtomically(operation, isOfOne));
  return outcomes;
}

/** All of them at once; null, and nothing written, where one of them needs a closer look. */
function* applyTogether(operations: readonly SessionOperation[], isOfOne: IsOfOne): Steps<Outcome[] | null> {
  yield* run("SAVEPOINT batch");
  try {
    const outcomes = yield* applyBatch(operations);
    yield* run("RELEASE batch");
    return outcomes;
  } catch (error) {
    if (!isOfOne(error)) throw error;
    yield* run("ROLLBACK TO batch");
    yield* run("RELEASE batch");
    return null;
  }
}

function* applyAtomically(operation: WriteOperation, isOfOne: IsOfOne): Steps<Outcome> {
  yield* run("SAVEPOINT operation");
  try {
    const outcome = yield* applyOne(operation);
    if (outcome.status === "conflict") yield* run("ROLLBACK TO operation");
    yield* run("RELEASE operation");
    return outcome;
  } catch (error) {
    if (!isOfOne(error)) throw error;
    yield* run("ROLLBACK TO operation");
    yield* run("RELEASE operation");
    return { status: "failed", message: (error as Error).message };
  }
}

function* applyOne(operation: WriteOperation): Steps<Outcome> {
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
      return yield* replay(operation.entry);
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
