/**
 * What the entries of a project's log call things.
 */
import { challengersOf } from "../engine/experiments/arms.js";
import type { ProjectState, Store } from "../engine/ports.js";
import type { LogNames } from "../engine/words/history.js";
import { clipped, labelsOf } from "./names.js";

/** The names in the log of a project. */
export async function logNames(store: Store, { id, key }: ProjectState): Promise<LogNames> {
  const experiments = await store.experiments(key);
  const hashes = experiments.map(
    (experiment) => [experiment.uid, challengersOf(experiment).map(({ config }) => config.hash)] as const,
  );
  return { labels: await labelsOf(store, id), challengers: new Map(hashes), clipped };
}
