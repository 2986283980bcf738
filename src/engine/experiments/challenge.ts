/**
 * A challenge: what it is to be, whether it stands for an experiment that there is already, and its start.
 */

import { eLondLevel } from "../../core/decision/ledger.js";
import { createPolicy, type Policy, type PolicyInput, type PolicyName } from "../../core/decision/policy.js";
import {
  createShareRule,
  plannedShares,
  type ShareRule,
  type ShareRuleInput,
  startShares,
} from "../../core/decision/share-rule.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import { bucketCountOf, HASH_VERSION } from "../../core/sessions/assignment.js";
import { identifyConfig, policyHashOf } from "../configs/config.js";
import type { EngineContext } from "../context.js";
import type { NewConfig, ProjectState, Store, StoredExperiment, Traffic } from "../ports.js";
import { checkActor, DEFAULT_ACTOR, persist, requireProject } from "./by-hand.js";
import {
  type DetectGoal,
  designFor,
  detectGoal,
  type Forecast,
  forecastOf,
  TRAFFIC_WINDOW_MS,
} from "./detect.js";
import { ledgerFrom } from "./ledger.js";

/** The challenger's share where none is given. */
const DEFAULT_SHARE = 0.2;

/** The uplift a forecast is made for where none is asked for. */
const DEFAULT_EFFECT = 0.1;

/** How a challenger is to contend. */
export interface ChallengeOptions {
  /**
   * the challenger's share of traffic, in [0.01, 0.99], or 0; `ramp`: 5, 10, 25, 50 % by quarter of the horizon, held
   * on doubt; `adaptive`: the chance that it is better, within 5 and 50 %. Default 0.2.
   */
  readonly share?: ShareRuleInput | undefined;
  /** thresholds and limits: a name (`calibrated`, `strict`, `threshold`) or the fields that differ from the default */
  readonly policy?: PolicyInput | PolicyName | undefined;
  /** planned units, both arms together; short for `policy.horizon` */
  readonly horizon?: number | undefined;
  /** uplift to be found with a power of 0.8: share and horizon then follow from `within` and the project's traffic */
  readonly detect?: number | undefined;
  /** by when, such as `14d`; with `detect` */
  readonly within?: string | undefined;
  /**
   * level by e-LOND over the project's experiments, in (0, 1): of all promotions, at most this part is expected to be
   * false, however many experiments there are; takes the place of `policy.alpha`
   */
  readonly fdr?: number | undefined;
  /** `approve` makes a promotion wait for a person; default `auto` */
  readonly promotion?: "auto" | "approve" | undefined;
  /** why a pair that has contended before contends again; the same reason again is the same challenge */
  readonly again?: string | undefined;
  readonly actor?: string | undefined;
}

/** A challenge, checked; what depends on the project's past is still open. */
export interface ChallengePlan {
  readonly challenger: NewConfig;
  readonly policy: Policy;
  readonly share: ShareRuleInput;
  readonly goal: DetectGoal | null;
  readonly fdr: number | null;
  readonly promotion: "auto" | "approve";
  readonly again: string;
  readonly actor: string;
}

/** A challenge, complete. */
interface Design {
  readonly policy: Policy;
  readonly shareRule: ShareRule;
  readonly planShare: number;
  readonly forecast: Forecast;
}

/** What a challenge came to. */
export interface ChallengeOutcome {
  readonly experiment: StoredExperiment | null;
  readonly started: boolean;
  /**
   * `started`; `existing`: this pair runs or ended before; `overlap`: another experiment occupies the slot;
   * `is-champion`: the challenger reigns already; `pending`: the store is away and will be asked again; `off`
   */
  readonly status: "started" | "existing" | "overlap" | "is-champion" | "pending" | "off";
  /** what the experiment can be expected to find; null where none was started */
  readonly forecast: Forecast | null;
}

function settingsError(field: string, value: unknown, message: string): DethroneError {
  return new DethroneError("settings_invalid", message, { field, received: received(value) });
}

function checkOptions({ promotion, again, fdr, share, detect, horizon, policy }: ChallengeOptions): void {
  if (promotion !== undefined && promotion !== "auto" && promotion !== "approve") {
    throw settingsError(
      "promotion",
      promotion,
      `promotion must be 'auto' or 'approve'; received '${String(promotion)}'.`,
    );
  }
  if (again !== undefined && typeof again !== "string")
    throw settingsError("again", again, "again must be a text: the reason to contend again.");
  if (fdr !== undefined && !(typeof fdr === "number" && fdr > 0 && fdr < 1))
    throw settingsError("fdr", fdr, `fdr must be a number in (0, 1); received ${String(fdr)}.`);
  const hasHorizon = horizon !== undefined || (typeof policy === "object" && policy?.horizon !== undefined);
  if (detect !== undefined && (share !== undefined || hasHorizon)) {
    throw settingsError(
      "detect",
      detect,
      "detect derives the share and the horizon; leave both out, or leave detect out.",
    );
  }
}

/** @throws DethroneError `config_invalid`, `share_out_of_range`, `policy_invalid`, `settings_invalid` */
export function planChallenge(config: unknown, options: ChallengeOptions): ChallengePlan {
  checkOptions(options);
  checkActor(options.actor ?? DEFAULT_ACTOR);
  const policy = createPolicy(options.policy);
  const { horizon, share = DEFAULT_SHARE, detect, within } = options;
  const planned = horizon === undefined ? policy : createPolicy({ ...policy, horizon });
  if (options.fdr !== undefined && policy.kind === "threshold") {
    throw settingsError(
      "fdr",
      options.fdr,
      "fdr sets the level of the calibrated rule; the plain threshold rule has none. Leave one of the two out.",
    );
  }
  createShareRule(share, planned.horizon);
  return {
    challenger: identifyConfig(config),
    policy: planned,
    share,
    goal: detect === undefined && within === undefined ? null : detectGoal(detect, within),
    fdr: options.fdr ?? null,
    promotion: options.promotion ?? "auto",
    again: options.again ?? "",
    actor: options.actor ?? DEFAULT_ACTOR,
  };
}

/** The level of the project's next experiment under e-LOND. */
async function levelFor(store: Store, key: string, fdr: number): Promise<number> {
  const rulings = await store.rulings(key);
  // Promotions by hand and under the plain rule are not counted: no test vouches for them.
  const { promotions } = ledgerFrom(rulings);
  return eLondLevel({ fdr, index: rulings.length + 1, promotions });
}

/** A project's recent traffic under its present champion. */
export function trafficOf(store: Store, state: ProjectState, nowMs: number): Promise<Traffic> {
  return store.traffic({
    projectId: state.id,
    championConfigId: state.champion.id,
    sinceMs: nowMs - TRAFFIC_WINDOW_MS,
  });
}

/** What a plan comes to with the project's past. */
async function designOf(
  context: EngineContext,
  store: Store,
  state: ProjectState,
  plan: ChallengePlan,
): Promise<Design> {
  const { goal, fdr } = plan;
  const nowMs = context.clock.now();
  const traffic = await trafficOf(store, state, nowMs);
  const { minUplift } = plan.policy;
  const alpha = fdr === null ? plan.policy.alpha : await levelFor(store, state.key, fdr);
  const sized = goal === null ? null : designFor(goal, traffic, nowMs, { alpha, minUplift });
  const horizon = sized?.horizon ?? plan.policy.horizon;
  const policy: Policy = { ...plan.policy, alpha, horizon };
  const shareRule = createShareRule(sized?.share ?? plan.share, horizon);
  const planShare = plannedShares(shareRule, 1)[0] as number;
  const effect = goal?.detect ?? DEFAULT_EFFECT;
  const forecast = forecastOf({ traffic, nowMs, share: planShare, horizon, effect, alpha, minUplift });
  return { policy, shareRule, planShare, forecast };
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
  const known = await knownOutcome(store, state, plan);
  return { known, champion: state.champion.body, design: await designOf(context, store, state, plan) };
}

/**
 * Starts an experiment, or returns the one this challenge stands for. Idempotent by champion, challenger and `again`:
 * boot code may run it in every process.
 */
export function challenge(
  context: EngineContext,
  store: Store,
  key: string,
  plan: ChallengePlan,
): Promise<ChallengeOutcome> {
  return persist(key, async () => {
    const state = await requireProject(store, key);
    const known = await knownOutcome(store, state, plan);
    if (known) return { isDone: true, result: known };
    const uid = context.ids.next();
    const design = await designOf(context, store, state, plan);
    const isDone = await store.startExperiment(newExperiment(context, state, plan, { ...design, uid }));
    const experiment = await store.experimentByUid(uid);
    const { forecast } = design;
    return { isDone, result: { experiment, started: true, status: "started", forecast } };
  });
}

async function knownOutcome(
  store: Store,
  state: ProjectState,
  plan: ChallengePlan,
): Promise<ChallengeOutcome | null> {
  const all = await store.experiments(state.key);
  const isThisChallenger = (experiment: StoredExperiment): boolean =>
    experiment.challenger.hash === plan.challenger.hash;
  if (plan.challenger.hash === state.champion.hash) {
    const promotedBy = all.find(
      (experiment) => isThisChallenger(experiment) && experiment.status === "promoted",
    );
    return { experiment: promotedBy ?? null, started: false, status: "is-champion", forecast: null };
  }
  // Without a reason the pair's newest experiment stands for the challenge, whatever reason that one had.
  const existing = all.find(
    (experiment) =>
      isThisChallenger(experiment) &&
      experiment.champion.hash === state.champion.hash &&
      (plan.again === "" || experiment.again === plan.again),
  );
  if (existing) return { experiment: existing, started: false, status: "existing", forecast: null };
  if (state.experiment)
    return { experiment: state.experiment, started: false, status: "overlap", forecast: null };
  return null;
}

function newExperiment(
  context: EngineContext,
  state: ProjectState,
  plan: ChallengePlan,
  design: Omit<Design, "forecast"> & { readonly uid: string },
): Parameters<Store["startExperiment"]>[0] {
  const { challenger, promotion, again, actor } = plan;
  const { policy, shareRule, planShare, uid } = design;
  const atMs = context.clock.now();
  return {
    uid,
    projectId: state.id,
    championConfigId: state.champion.id,
    challenger,
    again,
    hashVersion: HASH_VERSION,
    policy,
    policyHash: policyHashOf(policy),
    shareRule,
    bucketCount: bucketCountOf(startShares(shareRule, 1)[0] as number),
    planShare,
    promotion,
    audit: {
      action: "started",
      actor,
      reason: again === "" ? null : again,
      details: {
        champion: state.champion.hash,
        challenger: challenger.hash,
        share: planShare,
        horizon: policy.horizon,
      },
      atMs,
    },
    atMs,
  };
}
