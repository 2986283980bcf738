/**
 * The one place that decides. The scheduled job, the dry run, backtest and verify all call {@link decide}.
 */
import { hasCrossed } from "./e-process.js";
import { type Evidence, harmPlan, missingLogE, missingPlan, promotePlan, srmLogE } from "./evidence.js";
import type { Policy } from "./policy.js";
import { probabilityBetterBy, promotionChance } from "./posterior.js";

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
}

/** All that a decision depends on. */
export interface DecisionFacts {
  readonly policy: Policy;
  /** The challenger's share the experiment was planned with, in [0, 1). */
  readonly planShare: number;
  /** Whether a promotion waits for a person. */
  readonly promotion: "auto" | "approve";
  readonly evidence: Evidence;
  /** Whether the experiment has outlived its maximum duration. */
  readonly isExpired: boolean;
}

const CONTINUE: Ruling = { verdict: "continue", reason: "collecting" };

/** Units do not reach the arms in their shares, or go missing more often in one than in the other. */
function isSampleRatioBroken({ policy, evidence, planShare }: DecisionFacts): boolean {
  if (srmLogE(evidence) >= -Math.log(policy.srmAlpha)) return true;
  if (evidence.champion.missingCount + evidence.challenger.missingCount === 0) return false;
  return (
    hasCrossed(missingPlan(policy, planShare, 1), evidence.missingMore) ||
    hasCrossed(missingPlan(policy, planShare, -1), evidence.missingLess)
  );
}

/**
 * Whether the data rather speak for a difference in missingness than against it. Then a promotion waits: either the
 * difference proves real, and aborts, or it fades. The plain rule is left as plain as it says.
 */
function isMissingnessSuspect({ policy, evidence }: DecisionFacts): boolean {
  return policy.kind === "calibrated" && missingLogE(evidence) > Math.LN2;
}

function hasEnoughPerArm({ policy, evidence }: DecisionFacts): boolean {
  return Math.min(evidence.champion.count, evidence.challenger.count) >= policy.minPerArm;
}

/** The rule that promotes, and the one that aborts for harm, by kind of policy. */
function isHarmful(facts: DecisionFacts): boolean {
  const { policy, evidence, planShare } = facts;
  if (policy.kind === "calibrated") return hasCrossed(harmPlan(policy, planShare), evidence.harm);
  return hasEnoughPerArm(facts) && probabilityBetterBy(evidence, policy, policy.minUplift) < 1 - policy.tau;
}

function isBetter(facts: DecisionFacts): boolean {
  const { policy, evidence, planShare } = facts;
  if (!hasEnoughPerArm(facts) || isMissingnessSuspect(facts)) return false;
  if (policy.kind === "calibrated" && !hasCrossed(promotePlan(policy, planShare), evidence.promote))
    return false;
  const probability = probabilityBetterBy(evidence, policy, policy.minUplift);
  return policy.kind === "calibrated" ? probability >= policy.tau : probability > policy.tau;
}

function isFutile({ policy, evidence, planShare }: DecisionFacts): boolean {
  const { futility } = policy;
  if (futility === null || policy.kind === "threshold") return false;
  if (evidence.index < futility.after * policy.horizon) return false;
  return promotionChance(evidence, policy, planShare) < futility.chance;
}

/**
 * What the policy says of the evidence. Total and deterministic: same facts, same ruling.
 *
 * The first rule that applies decides: broken sample ratio (abort), harm (abort), better (promote, or wait for
 * approval), promotion unlikely (hold), horizon reached (hold), out of time (hold), else continue. An experiment
 * that waits for approval can only expire.
 *
 * @example
 * // with policy = createPolicy() and evidence = emptyEvidence(0.2)
 * decide({ policy, planShare: 0.2, promotion: "auto", evidence, isExpired: false });
 * // { verdict: "continue", reason: "collecting" }
 */
export function decide(facts: DecisionFacts): Ruling {
  const { policy, evidence, isExpired } = facts;
  const expired: Ruling = { verdict: "hold", reason: "expired" };
  if (evidence.index + evidence.champion.missingCount + evidence.challenger.missingCount === 0) {
    return isExpired ? expired : CONTINUE;
  }
  if (isSampleRatioBroken(facts)) return { verdict: "abort", reason: "srm" };
  if (isHarmful(facts)) return { verdict: "abort", reason: "harm" };
  if (isBetter(facts)) {
    if (facts.promotion === "auto") return { verdict: "promote", reason: "evidence" };
    return isExpired ? expired : { verdict: "continue", reason: "awaiting-approval" };
  }
  if (isFutile(facts)) return { verdict: "hold", reason: "futility" };
  if (evidence.index >= policy.horizon) return { verdict: "hold", reason: "horizon" };
  return isExpired ? expired : CONTINUE;
}
