/**
 * Stores what was spooled while the database was away: each entry once, however often it is replayed.
 */

import { addSignal, endSession, findSession, insertSession } from "./session-writes.js";
import type { ServedNames, SpoolEntry } from "./spool-entries.js";
import { get, run, type Steps } from "./steps.js";
import { type Outcome, RECORDED } from "./write-protocol.js";

interface ServedIds {
  readonly configId: number;
  readonly experimentId: number | null;
  readonly armId: number | null;
}

/** Applies one; a session or place that this database does not know is an outcome, not an error. */
export function* replay(entry: SpoolEntry): Steps<Outcome> {
  switch (entry.kind) {
    case "start":
      return yield* replayStart(entry);
    case "end":
      return yield* endSession(entry.end);
    case "signal":
      return yield* addSignal(entry.signal);
    case "exclude":
      return yield* exclude(entry.sessionId, entry.names);
    default:
      return { status: "failed", message: "an entry of a kind that this version does not know" };
  }
}

/**
 * A session that is stored already stays as it is: replayed before, or committed by a batch whose answer was lost, and
 * then it took its place in the order of starts when that was due. (Leaving out those of them that have not settled
 * would keep the quick ones, and how quick a session is may depend on its arm.)
 *
 * Any other is stored as it was served, and is no evidence ("unconfirmed"). Its place in the order would be that of
 * its arrival here, when its outcome may be known and decisions may have fallen, shares have moved and units have
 * been given their arm by other processes. That the order does not depend on outcomes could be argued (the spool is
 * first in, first out, and does not look at them), but not that its unit was new, nor that the experiment still ran.
 * Which sessions are left out depends on when the database was away, and on nothing about them.
 */
function* replayStart({ start, project, names }: Extract<SpoolEntry, { kind: "start" }>): Steps<Outcome> {
  if (yield* findSession(start.id, "none")) return RECORDED;
  const projectId = yield* idOf("SELECT id FROM projects WHERE key = ?", project);
  const served = yield* servedIds(names);
  if (projectId === null || !served) return { status: "unknown-place" };
  const { experimentId, armId } = served;
  const isRandomised = names.experiment !== null && start.excluded === null;
  const excluded = isRandomised ? "unconfirmed" : start.excluded;
  const placed = { ...served, excluded };
  const stored = { ...start, projectId, ...placed };
  yield* insertSession(stored, placed);
  // A unit that has been served an arm is not new any more: its next session is a repeated one, under the same arm.
  if (isRandomised && start.unit !== null && experimentId !== null && armId !== null) {
    yield* run(
      "INSERT INTO units (experiment_id, unit, arm_id, session_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      [experimentId, start.unit, armId, start.id],
    );
  }
  return RECORDED;
}

/** As `excludeSession` of the store: what may be folded never changes. */
function* exclude(sessionId: string, names: ServedNames | null): Steps<Outcome> {
  const served = names && (yield* servedIds(names));
  if (names && !served) return { status: "unknown-place" };
  yield* run(
    "UPDATE sessions SET is_evidence = 0, excluded = 'unconfirmed' WHERE id = ? AND settled_at_ms IS NULL",
    [sessionId],
  );
  if (served) {
    yield* run(
      "UPDATE sessions SET config_id = ?, experiment_id = ?, arm_id = ? WHERE id = ? AND settled_at_ms IS NULL",
      [served.configId, served.experimentId, served.armId, sessionId],
    );
  }
  return RECORDED;
}

/** Where an experiment is gone, with the file it was in, its sessions are stored outside of it. */
function* servedIds({ config, experiment, arm }: ServedNames): Steps<ServedIds | null> {
  const configId = yield* idOf("SELECT id FROM configs WHERE hash = ?", config);
  if (configId === null) return null;
  const experimentId = experiment && (yield* idOf("SELECT id FROM experiments WHERE uid = ?", experiment));
  const armId =
    experimentId === null
      ? null
      : yield* idOf("SELECT id FROM arms WHERE experiment_id = ? AND position = ?", experimentId, arm);
  if (armId === null) return { configId, experimentId: null, armId: null };
  return { configId, experimentId: experimentId as number, armId };
}

function* idOf(sql: string, ...values: (string | number | null)[]): Steps<number | null> {
  return (yield* get<{ id: number }>(sql, values))?.id ?? null;
}
