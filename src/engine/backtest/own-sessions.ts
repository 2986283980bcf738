/**
 * A project's own settled sessions, to simulate experiments from.
 */
import { DethroneError } from "../../core/errors.js";
import { requireProject } from "../experiments/lookup.js";
import type { Store } from "../ports.js";

/** Newest settled sessions of a config that are drawn from. */
const SESSIONS_MAX = 10_000;

/** Fewer scores than this say little about how scores are distributed. */
const SCORES_MIN = 20;

/**
 * Scores of the champion's sessions, and of the newest experiment's challenger. Where that has too few, or is the
 * champion by now, the champion's stand for both: no difference.
 *
 * @throws DethroneError `project_not_found`; `input_invalid` where the champion has fewer than 20 settled sessions
 */
export async function ownScores(
  store: Store,
  key: string,
): Promise<{ readonly champion: readonly number[]; readonly challenger: readonly number[] }> {
  const state = await requireProject(store, key);
  const of = (configId: number): Promise<number[]> =>
    store.scores({ projectId: state.id, configId, limit: SESSIONS_MAX });
  const champion = await of(state.champion.id);
  if (champion.length < SCORES_MIN) {
    throw new DethroneError(
      "input_invalid",
      `Project '${key}' has ${champion.length} settled sessions of its champion; ${SCORES_MIN} are needed to draw from. Give --base-rate instead.`,
      { project: key, received: champion.length, allowed: `at least ${SCORES_MIN}` },
    );
  }
  const [newest] = await store.experiments(key);
  const contender =
    newest && newest.arms[1]?.config.id !== state.champion.id ? (newest.arms[1]?.config.id ?? null) : null;
  const challenger = contender === null ? [] : await of(contender);
  return { champion, challenger: challenger.length < SCORES_MIN ? champion : challenger };
}
