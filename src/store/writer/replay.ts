/**
 * Stores what was spooled while the database was away: each entry once, however often it is replayed.
 */

import type { ServedNames, SpoolEntry } from "../spool/spool-entries.js";
import { addSignal, endSession, findSession, insertSession } from "./session-writes.js";
import { get, run, type Steps } from "./steps.js";
import { type Outcome, RECORDED } from "./write-protocol.js";

/** What names were found to mean, so that thousands of entries of a few experiments ask for it once. */
export type Places = Map<string, ServedIds | number | null>;

interface ServedIds {
  readonly configId: number;
  readonly experimentId: number | null;
  readonly armId: number | null;
}

/** Applies one; a session or place that this database does not know is an outcome, not an error. */
export function* replay(entry: SpoolEntry, places: Places): Steps<Outcome> {
  switch (entry.kind) {
    case "start":
      return yield* replayStart(entry, places);
    case "end":
      return yield* endSession(entry.end);
    case "signal":
      return yield* addSignal(entry.signal);
    case "exclude":
      return yield* exclude(entry, places);
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
function* replayStart(
  { start, project, names }: Extract<SpoolEntry, { kind: "start" }>,
  places: Places,
): Steps<Outcome> {
  if (yield* findSession(start.id, "none")) return RECORDED;
  const projectId = yield* projectIdOf(project, places);
  const served = yield* servedIds(names, places);
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
function* exclude(
  { sessionId, names }: Extract<SpoolEntry, { kind: "exclude" }>,
  places: Places,
): Steps<Outcome> {
  const served = names && (yield* servedIds(names, places));
  if (names && !served) return { status: "unknown-place" };
  const place = served ? ", config_id = ?, experiment_id = ?, arm_id = ?" : "";
  yield* run(
    `UPDATE sessions SET is_evidence = 0, excluded = 'unconfirmed'${place} WHERE id = ? AND settled_at_ms IS NULL`,
    [...(served ? [served.configId, served.experimentId, served.armId] : []), sessionId],
  );
  return RECORDED;
}

/** Where an experiment is gone, with the file it was in, its sessions are stored outside of it. */
function* servedIds(names: ServedNames, places: Places): Steps<ServedIds | null> {
  const { config, experiment, arm } = names;
  const key = JSON.stringify([config, experiment, arm]);
  const known = places.get(key);
  if (known !== undefined) return known as ServedIds | null;
  const row = yield* get<{ configId: number | null; experimentId: number | null; armId: number | null }>(
    `SELECT (SELECT id FROM configs WHERE hash = ?) AS configId,
       (SELECT id FROM experiments WHERE uid = ?) AS experimentId,
       (SELECT arms.id FROM arms JOIN experiments ON experiments.id = experiment_id WHERE uid = ? AND position = ?)
         AS armId`,
    [config, experiment, experiment, arm],
  );
  const { configId = null, experimentId = null, armId = null } = row ?? {};
  const inside = armId === null ? { experimentId: null, armId: null } : { experimentId, armId };
  const ids = configId === null ? null : { configId, ...inside };
  places.set(key, ids);
  return ids;
}

function* projectIdOf(key: string, places: Places): Steps<number | null> {
  const known = places.get(key);
  if (known !== undefined) return known as number | null;
  const id = (yield* get<{ id: number }>("SELECT id FROM projects WHERE key = ?", [key]))?.id ?? null;
  places.set(key, id);
  return id;
}
