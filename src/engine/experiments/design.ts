/**
 * What a plan comes to with the project's past, and the experiment that makes of it.
 */
import { eLondLevel } from "../../core/decision/ledger.js";
import type { Policy } from "../../core/decision/policy.js";
import {
  createShareRule,
  plannedShares,
  type ShareRule,
  startShares,
} from "../../core/decision/share-rule.js";
import { policyHashOf } from "../configs/config.js";
import type { EngineContext } from "../context.js";
import type {
  AuditEntry,
  ExperimentTerms,
  NewExperiment,
  ProjectState,
  Store,
  StoredConfig,
  StoredExperiment,
  Traffic,
  Watch,
} from "../ports.js";
import { bucketsOf } from "./arms.js";
import type { ChallengePlan } from "./challenge-plan.js";
import { designFor, type Forecast, forecastOf, TRAFFIC_WINDOW_MS } from "./detect.js";
import { ledgerFrom } from "./ledger.js";

/** The uplift a forecast is made for where none is asked for. */
const DEFAULT_EFFECT = 0.1;

/** A challenge, complete. */
export interface Design {
  readonly policy: Policy;
  readonly shareRule: ShareRule;
  readonly planShares: readonly number[];
  readonly forecast: Forecast;
}

/** The level of the project's next experiment under e-LOND. */
export async function levelFor(store: Store, key: string, fdr: number): Promise<number> {
  const rulings = await store.rulings(key);
  // Promotions by hand and under the plain rule are not counted: no test vouches for them.
  const { promotions } = ledgerFrom(rulings);
  const tested = rulings.filter(({ assign }) => assign === null).length;
  return eLondLevel({ fdr, index: tested + 1, promotions });
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
export async function designOf(
  context: EngineContext,
  store: Store,
  state: ProjectState,
  plan: Pick<ChallengePlan, "policy" | "share" | "goal" | "fdr" | "challengers">,
): Promise<Design> {
  const { goal, fdr, challengers } = plan;
  const nowMs = context.clock.now();
  const traffic = await trafficOf(store, state, nowMs);
  const { minUplift } = plan.policy;
  const alpha = fdr === null ? plan.policy.alpha : await levelFor(store, state.key, fdr);
  const sized = goal === null ? null : designFor(goal, traffic, nowMs, { alpha, minUplift });
  const horizon = sized?.horizon ?? plan.policy.horizon;
  const policy: Policy = { ...plan.policy, alpha, horizon };
  const shareRule = createShareRule(sized?.share ?? plan.share, horizon);
  const planShares = plannedShares(shareRule, challengers.length);
  const effect = goal?.detect ?? DEFAULT_EFFECT;
  const forecast = forecastOf({ traffic, nowMs, shares: planShares, horizon, effect, alpha, minUplift });
  return { policy, shareRule, planShares, forecast };
}

function termsOf(state: ProjectState, plan: ChallengePlan, design: Design): Omit<ExperimentTerms, "kind"> {
  const { policy, shareRule, planShares } = design;
  const { again, hashVersion, promotion, audience, exclusionGroup, assign, watch } = plan;
  return {
    ...plan.description,
    again,
    hashVersion,
    policy,
    policyHash: policyHashOf(policy),
    shareRule,
    planShares,
    promotion,
    audience,
    exclusionGroup,
    assign,
    holdoutBuckets: state.holdoutBuckets,
    watch,
    openDesign: null,
    startsAtMs: null,
    queuePosition: null,
  };
}

/** The experiment of a plan: to run at once, or a draft whose design is settled at its start. */
export function experimentOf(
  context: EngineContext,
  state: ProjectState,
  plan: ChallengePlan,
  made: {
    readonly design: Design;
    readonly uid: string;
    readonly status: "running" | "draft";
    readonly action: string;
    readonly reason?: string | null;
    readonly actor?: string | undefined;
    /** of a draft; default: not in the queue */
    readonly queuePosition?: NewExperiment["queuePosition"];
  },
): NewExperiment {
  const { design, uid, status, action, actor = plan.actor } = made;
  const { policy, shareRule, planShares } = design;
  const { challengers: buckets } = bucketsOf(startShares(shareRule, planShares.length));
  const atMs = context.clock.now();
  const hashes = plan.challengers.map(({ config }) => config.hash);
  const shares = planShares.length === 1 ? { share: planShares[0] as number } : { shares: planShares };
  const given = plan.assign === null ? shares : { assign: plan.assign.by };
  const details = {
    champion: state.champion.hash,
    challenger: hashes.join(" "),
    ...given,
    horizon: policy.horizon,
  };
  const reason = made.reason ?? (plan.again === "" ? plan.description.hypothesis : plan.again);
  const open = {
    openDesign: { share: plan.share, goal: plan.goal, fdr: plan.fdr },
    startsAtMs: plan.startsAtMs,
    queuePosition: made.queuePosition ?? null,
  };
  return {
    ...termsOf(state, plan, design),
    ...(status === "draft" ? open : {}),
    kind: "contest",
    uid,
    projectId: state.id,
    status,
    champion: state.champion,
    challengers: plan.challengers.map((challenger, j) => ({
      ...challenger,
      bucketCount: buckets[j] as number,
    })),
    audit: { action, actor, reason, details, atMs },
    atMs,
  };
}

/**
 * The watch over a promotion: the old champion contends for a small share against the new one. Its promotion is the
 * rollback. Guardrails of the contest are about the challenger of then, so none is taken over; nor does it end early as
 * unlikely, because to last is its purpose.
 */
export function watchOver(
  context: EngineContext,
  experiment: StoredExperiment,
  promoted: StoredConfig,
  actor: string,
): NewExperiment | null {
  const { watch, kind, champion, projectId, hashVersion, holdoutBuckets, audience, owner } = experiment;
  if (watch === null || kind === "watch" || promoted.id === champion.id) return null;
  const atMs = context.clock.now();
  const policy = watchPolicy(experiment.policy, watch);
  const shareRule = createShareRule(watch.share, watch.horizon);
  const planShares = plannedShares(shareRule, 1);
  const audit: AuditEntry = {
    action: "watch-started",
    actor,
    reason: `watch over the promotion by ${experiment.uid}`,
    details: {
      champion: promoted.hash,
      challenger: champion.hash,
      share: watch.share,
      horizon: watch.horizon,
    },
    atMs,
  };
  return {
    kind: "watch",
    hypothesis: null,
    description: `Watch over the promotion by experiment ${experiment.uid}`,
    owner,
    tags: [],
    again: experiment.uid,
    hashVersion,
    policy,
    policyHash: policyHashOf(policy),
    shareRule,
    planShares,
    promotion: "auto",
    audience,
    exclusionGroup: experiment.exclusionGroup,
    assign: null,
    holdoutBuckets,
    watch: null,
    openDesign: null,
    startsAtMs: null,
    queuePosition: null,
    uid: context.ids.next(),
    projectId,
    status: "running",
    champion: promoted,
    challengers: [
      { config: champion, label: null, bucketCount: bucketsOf(planShares).challengers[0] as number },
    ],
    audit,
    atMs,
  };
}

function watchPolicy(policy: Policy, { share, horizon }: Watch): Policy {
  const only = { minUplift: 0, guardrails: [], futility: null, fuse: null };
  // The old champion's part is small: what the contest asked of each arm may be more than it will ever get.
  const minPerArm = Math.min(policy.minPerArm, Math.max(1, Math.floor((share * horizon) / 2)));
  return { ...policy, ...only, kind: "calibrated", horizon, minPerArm };
}
