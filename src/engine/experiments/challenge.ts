/**
 * A challenge: whether it stands for an experiment that there is already, and its start.
 */

import type { JsonObject } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { ProjectState, Store, StoredExperiment } from "../ports.js";
import { challengersOf } from "./arms.js";
import { persist } from "./audit.js";
import { budgetRefusal } from "./budget.js";
import type { ChallengePlan } from "./challenge-plan.js";
import { type Design, designOf, experimentOf } from "./design.js";
import type { Forecast } from "./detect.js";
import { requireLabelsFree, requireProject } from "./lookup.js";
import { queueOf } from "./queue-order.js";

/** What a challenge came to. */
export interface ChallengeOutcome {
  readonly experiment: StoredExperiment | null;
  readonly started: boolean;
  /**
   * `started`; `existing`: these contend, contended or are drafted already; `overlap`: another experiment occupies the
   * slot; `drafted`; `queued`: it waits its turn; `over-budget`: expected false promotions would go over the project's
   * budget; `is-champion`: a challenger reigns already; `pending`: the store is away and will be asked again; `off`
   */
  readonly status:
    | "started"
    | "drafted"
    | "queued"
    | "existing"
    | "overlap"
    | "over-budget"
    | "is-champion"
    | "pending"
    | "off";
  /** what the experiment can be expected to find; null where none was started */
  readonly forecast: Forecast | null;
}

/** What a challenge would come to. */
export interface ChallengePreview {
  /** the experiment the challenge stands for or meets; null where it would start one */
  readonly known: ChallengeOutcome | null;
  readonly champion: JsonObject;
  readonly design: Design;
}

/** What a challenge would start, or what stands in its way; nothing is written. */
export async function previewChallenge(
  context: EngineContext,
  store: Store,
  key: string,
  plan: ChallengePlan,
): Promise<ChallengePreview> {
  const state = await requireProject(store, key);
  const known = knownOutcome(await store.experiments(key), state, plan);
  return { known, champion: state.champion.body, design: await designOf(context, store, state, plan) };
}

/** A challenge for a project as it stands: a function may make the challengers from its champion. */
export type PlanFor = (state: ProjectState) => Promise<ChallengePlan>;

/**
 * Starts an experiment, or returns the one this challenge stands for. Idempotent by champion, challengers and `again`:
 * boot code may run it in every process.
 */
export function challenge(
  context: EngineContext,
  store: Store,
  key: string,
  planFor: PlanFor,
): Promise<ChallengeOutcome> {
  return persist(key, async () => {
    const state = await requireProject(store, key);
    const plan = await planFor(state);
    const all = await store.experiments(key);
    const known = knownOutcome(all, state, plan);
    const isWaiting = plan.queue && (known === null ? queueOf(all).length > 0 : known.status === "overlap");
    if (known && !isWaiting) return { isDone: true, result: known };
    await requireLabelsFree(store, state.id, plan.challengers);
    const uid = context.ids.next();
    const design = await designOf(context, store, state, plan);
    const { forecast } = design;
    const refusal = isWaiting
      ? null
      : await budgetRefusal(store, state, { policy: design.policy }, context.clock.now());
    if (refusal && !plan.queue) {
      context.logger.warn({ project: key }, refusal.message);
      return { isDone: true, result: { experiment: null, started: false, status: "over-budget", forecast } };
    }
    const made = isWaiting || refusal ? { ...QUEUED, design, uid } : { ...STARTED, design, uid };
    const isDone = await store.addExperiment(experimentOf(context, state, plan, made), newestId(all));
    const experiment = await store.experimentByUid(uid);
    const started = made.status === "running";
    return { isDone, result: { experiment, started, status: started ? "started" : "queued", forecast } };
  });
}

const STARTED = { status: "running", action: "started" } as const;
const QUEUED = { status: "draft", action: "queued", queuePosition: "last" } as const;

const hashesOf = (hashes: readonly string[]): string => [...hashes].sort().join(" ");

/** The id after which an experiment is new to who has seen these; newest first. */
export function newestId(experiments: readonly StoredExperiment[]): number {
  return experiments[0]?.id ?? 0;
}

/**
 * The experiment that a challenge stands for: the same challengers against the same champion, whatever their order.
 *
 * @param experiments all of the project, newest first
 */
export function knownOutcome(
  experiments: readonly StoredExperiment[],
  state: ProjectState,
  plan: Pick<ChallengePlan, "challengers" | "again">,
): ChallengeOutcome | null {
  // A watch is no challenge of anyone's, and a draft that was discarded never contended.
  const all = experiments.filter(
    ({ kind, status, startedAtMs }) => kind === "contest" && (startedAtMs !== null || status === "draft"),
  );
  const wanted = plan.challengers.map(({ config }) => config.hash);
  const isThese = (experiment: StoredExperiment): boolean =>
    hashesOf(challengersOf(experiment).map(({ config }) => config.hash)) === hashesOf(wanted);
  if (wanted.includes(state.champion.hash)) {
    const promotedBy = all.find((experiment) => isThese(experiment) && experiment.status === "promoted");
    return { experiment: promotedBy ?? null, started: false, status: "is-champion", forecast: null };
  }
  // Without a reason the newest experiment of these stands for the challenge, whatever reason that one had.
  const existing = all.find(
    (experiment) =>
      isThese(experiment) &&
      // A draft is against whoever is champion when it starts.
      (experiment.status === "draft" || experiment.champion.hash === state.champion.hash) &&
      (plan.again === "" || experiment.again === plan.again),
  );
  if (existing) return { experiment: existing, started: false, status: "existing", forecast: null };
  if (state.experiment)
    return { experiment: state.experiment, started: false, status: "overlap", forecast: null };
  return null;
}
