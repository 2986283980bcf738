/**
 * The one place that decides. The scheduled job, the dry run, backtest, verify and simulate all call {@link decide}.
 */
import { hasCrossed } from "../sequential/e-process.js";
import type { Guardrail, GuardrailState } from "../sequential/guardrail.js";
import {
  type ArmSummary,
  type Evidence,
  missingCount,
  missingLogE,
  type PairState,
  srmLogE,
} from "./evidence.js";
import { fuseBlown, type LiveCount } from "./fuse.js";
import { isPromotionUnlikely, meanOf, posteriors, probabilityBetterBy } from "./posterior.js";
import { alphaEach, guardrailAlpha, missingPlan, type Terms } from "./terms.js";

/** What is to happen with the experiment. */
export type Verdict = "promote" | "hold" | "abort" | "continue";

/** Why. `manual`, `declined`, `champion-changed` and `data-exhausted` are never the result of a rule. */
export type Reason =
  | "evidence"
  | "manual"
  | "futility"
  | "horizon"
  | "expired"
  | "declined"
  | "harm"
  | "guardrail"
  | "srm"
  | "fuse"
  | "champion-changed"
  | "collecting"
  | "awaiting-approval"
  | "data-exhausted";

/** A verdict with its reason. */
export interface Ruling {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** the arm to be promoted, from 1; only where the evidence is in for one */
  readonly arm?: number;
}

/** Why a challenger is out of the contest. */
export type OutReason = "fuse" | "harm" | "guardrail" | "manual";

/** All that a decision depends on. */
export interface DecisionFacts extends Terms {
  /** Whether a promotion waits for a person. */
  readonly promotion: "auto" | "approve";
  readonly evidence: Evidence;
  /** Whether the experiment has outlived its maximum duration. */
  readonly isExpired: boolean;
  /** the challengers that are out already, in the order of their arms, and why; null where none is */
  readonly out?: readonly (OutReason | null)[] | null | undefined;
  /** Live counts of the arms, the champion first; null where nobody has looked. For the fuse alone. */
  readonly live?: readonly LiveCount[] | null | undefined;
  /**
   * P(challenger > champion + minUplift) by another exact way, e.g. an update per session; default: computed anew.
   */
  readonly probability?: ((challenger: number) => number) | undefined;
}

const CONTINUE: Ruling = { verdict: "continue", reason: "collecting" };
const EXPIRED: Ruling = { verdict: "hold", reason: "expired" };

const pairOf = ({ evidence }: DecisionFacts, challenger: number): PairState =>
  evidence.pairs[challenger] as PairState;

/** Units do not reach the arms in their shares, or go missing more often in one than in the other. */
function isSampleRatioBroken(facts: DecisionFacts): boolean {
  const { policy, evidence } = facts;
  if (srmLogE(evidence) >= -Math.log(policy.srmAlpha)) return true;
  return evidence.pairs.some((pair, challenger) => {
    if (missingCount(evidence, challenger) === 0) return false;
    const level = missingPlan(facts, challenger, 1);
    return hasCrossed(level, pair.missingMore) || hasCrossed(level, pair.missingLess);
  });
}

/**
 * Whether the data rather speak for a difference in missingness than against it. Then a promotion waits: either the
 * difference proves real, and aborts, or it fades. The plain rule is left as plain as it says.
 */
function isMissingnessSuspect({ policy, evidence }: DecisionFacts, challenger: number): boolean {
  return policy.kind === "calibrated" && missingLogE(evidence, challenger) > Math.LN2;
}

/** Whether both arms have the units a promotion needs. */
function hasEnoughPerArm({ policy, evidence }: DecisionFacts, challenger: number): boolean {
  const champion = evidence.arms[0] as ArmSummary;
  const contender = evidence.arms[challenger + 1] as ArmSummary;
  return Math.min(champion.count, contender.count) >= policy.minPerArm;
}

function probabilityOf(facts: DecisionFacts, challenger: number): number {
  const { policy, evidence, probability } = facts;
  return probability
    ? probability(challenger)
    : probabilityBetterBy(evidence, policy, policy.minUplift, challenger);
}

function isHarmful(facts: DecisionFacts, challenger: number): boolean {
  const { policy } = facts;
  if (policy.kind === "calibrated")
    return hasCrossed({ alpha: policy.alphaHarm }, pairOf(facts, challenger).harm);
  return hasEnoughPerArm(facts, challenger) && probabilityOf(facts, challenger) < 1 - policy.tau;
}

function isCrossed(facts: DecisionFacts, challenger: number, index: number): boolean {
  const guardrail = facts.policy.guardrails[index] as Guardrail;
  const { test } = pairOf(facts, challenger).guardrails[index] as GuardrailState;
  return hasCrossed({ alpha: guardrailAlpha(facts, guardrail) }, test);
}

/** Whether any guardrail that aborts has crossed. */
function isGuardrailBroken(facts: DecisionFacts, challenger: number): boolean {
  return facts.policy.guardrails.some(({ mode }, i) => mode === "abort" && isCrossed(facts, challenger, i));
}

/** Whether every guardrail that a promotion requires has crossed. */
function isRequiredProven(facts: DecisionFacts, challenger: number): boolean {
  return facts.policy.guardrails.every(({ mode }, i) => mode === "abort" || isCrossed(facts, challenger, i));
}

function isFuseBlown({ policy, live }: DecisionFacts, challenger: number): boolean {
  if (!live || policy.fuse === null) return false;
  return fuseBlown(policy.fuse, live[0] as LiveCount, live[challenger + 1] as LiveCount);
}

/** Why a challenger is out of the contest, or null while it contends. Who was out before stays so. */
export function outReason(facts: DecisionFacts, challenger: number): OutReason | null {
  const before = facts.out?.[challenger] ?? null;
  if (before !== null) return before;
  if (isFuseBlown(facts, challenger)) return "fuse";
  if (isHarmful(facts, challenger)) return "harm";
  return isGuardrailBroken(facts, challenger) ? "guardrail" : null;
}

function isBetter(facts: DecisionFacts, challenger: number): boolean {
  const { policy } = facts;
  if (!hasEnoughPerArm(facts, challenger) || isMissingnessSuspect(facts, challenger)) return false;
  const isCalibrated = policy.kind === "calibrated";
  if (isCalibrated && !hasCrossed({ alpha: alphaEach(facts) }, pairOf(facts, challenger).promote))
    return false;
  if (!isRequiredProven(facts, challenger)) return false;
  const probability = probabilityOf(facts, challenger);
  return isCalibrated ? probability >= policy.tau : probability > policy.tau;
}

/** The challenger to be promoted: of several that are better at the same unit, the one of the higher posterior mean. */
function winner(facts: DecisionFacts, contenders: readonly number[]): number | null {
  let best: number | null = null;
  let bestMean = Number.NEGATIVE_INFINITY;
  for (const challenger of contenders) {
    if (!isBetter(facts, challenger)) continue;
    const mean = meanOf(posteriors(facts.evidence, facts.policy, challenger).challenger);
    if (mean > bestMean) [best, bestMean] = [challenger, mean];
  }
  return best;
}

function isFutile(facts: DecisionFacts, contenders: readonly number[]): boolean {
  const { policy, evidence } = facts;
  const { futility } = policy;
  if (futility === null || policy.kind === "threshold") return false;
  if (evidence.index < futility.after * policy.horizon) return false;
  const { chance } = futility;
  return (
    chance > 0 && contenders.every((challenger) => isPromotionUnlikely(evidence, facts, challenger, chance))
  );
}

/**
 * Why each challenger is out, in the order of their arms, or null while it contends. To be handed on as `out`: the plain
 * rule's harm, and the fuse, may look better again with later units, and who is out stays out.
 */
export function outReasons(facts: DecisionFacts): readonly (OutReason | null)[] {
  return facts.evidence.pairs.map((_, challenger) => outReason(facts, challenger));
}

/** The gravest of the reasons for which all challengers are out. */
function abortReason(reasons: readonly OutReason[]): Reason {
  for (const reason of ["fuse", "harm", "guardrail"] as const) if (reasons.includes(reason)) return reason;
  return "manual";
}

/**
 * What the policy says of the evidence. Total and deterministic: same facts, same ruling.
 *
 * The first rule that applies decides: broken sample ratio (abort), all challengers out by fuse, harm or guardrail
 * (abort), one better (promote, or wait for approval), promotion unlikely for all that are left (hold), horizon reached
 * (hold), out of time (hold), else continue. An experiment that waits for approval can only expire.
 *
 * @example
 * // with policy = createPolicy(), planShares = [0.2] and evidence = emptyEvidence({ policy, planShares })
 * decide({ policy, planShares, promotion: "auto", evidence, isExpired: false });
 * // { verdict: "continue", reason: "collecting" }
 */
export function decide(facts: DecisionFacts): Ruling {
  const { policy, evidence, isExpired } = facts;
  if (isSampleRatioBroken(facts)) return { verdict: "abort", reason: "srm" };
  const contenders: number[] = [];
  const reasons: OutReason[] = [];
  for (let challenger = 0; challenger < evidence.pairs.length; challenger++) {
    const reason = outReason(facts, challenger);
    if (reason === null) contenders.push(challenger);
    else reasons.push(reason);
  }
  if (contenders.length === 0) return { verdict: "abort", reason: abortReason(reasons) };
  if (evidence.index === 0) return isExpired ? EXPIRED : CONTINUE;
  const promoted = winner(facts, contenders);
  if (promoted !== null) {
    const arm = promoted + 1;
    if (facts.promotion === "auto") return { verdict: "promote", reason: "evidence", arm };
    return isExpired ? EXPIRED : { verdict: "continue", reason: "awaiting-approval", arm };
  }
  if (isFutile(facts, contenders)) return { verdict: "hold", reason: "futility" };
  if (evidence.index >= policy.horizon) return { verdict: "hold", reason: "horizon" };
  return isExpired ? EXPIRED : CONTINUE;
}
