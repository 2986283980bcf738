/**
 * The terms of a contest, and what each of its tests is planned for.
 *
 * Each challenger is tested against the champion on the sessions of those two arms alone, with the share it has among
 * them. k challengers divide alpha; k is fixed at start.
 */
import type { EProcessPlan } from "../sequential/e-process.js";
import type { Guardrail, GuardrailPlan } from "../sequential/guardrail.js";
import { metricPolicy, type Policy } from "./policy.js";

/** What an experiment is judged by. */
export interface Terms {
  readonly policy: Policy;
  /** the challengers' shares the experiment was planned with, in the order of their arms; each in [0, 1) */
  readonly planShares: readonly number[];
}

/** The challenger's share among its own sessions and the champion's, and the part of all traffic these two have. */
export function pairShare(shares: readonly number[], challenger: number): { share: number; part: number } {
  let others = 0;
  for (let j = 0; j < shares.length; j++) if (j !== challenger) others += shares[j] as number;
  const part = 1 - others;
  return { share: (shares[challenger] as number) / part, part };
}

/** Planned units of a challenger and the champion together. */
function pairPlan({ policy, planShares }: Terms, challenger: number): { horizon: number; planShare: number } {
  const { share, part } = pairShare(planShares, challenger);
  return { horizon: Math.max(1, Math.round(policy.horizon * part)), planShare: share };
}

/** The level each challenger is promoted at. */
export function alphaEach({ policy, planShares }: Terms): number {
  return policy.alpha / planShares.length;
}

/** What the promotion test of a challenger is planned for. */
export function promotePlan(terms: Terms, challenger: number): EProcessPlan {
  const { minUplift } = terms.policy;
  return { alpha: alphaEach(terms), direction: 1, shift: minUplift, ...pairPlan(terms, challenger) };
}

/** What the harm test of a challenger is planned for. */
export function harmPlan(terms: Terms, challenger: number): EProcessPlan {
  const { alphaHarm, harmMargin } = terms.policy;
  return { alpha: alphaHarm, direction: -1, shift: -harmMargin, ...pairPlan(terms, challenger) };
}

/**
 * What the tests of missingness are planned for: each direction has half of the level at which a sample ratio counts
 * as broken. Counting units per arm would notice a difference in missingness too, but later than the promotion test
 * is fooled by it; betting on missingness itself notices it first.
 */
export function missingPlan(terms: Terms, challenger: number, direction: 1 | -1): EProcessPlan {
  const alpha = terms.policy.srmAlpha / 2 / terms.planShares.length;
  return { alpha, direction, shift: 0, ...pairPlan(terms, challenger) };
}

/** The level of a guardrail: those that abort share alphaGuard; required ones need no correction among themselves. */
export function guardrailAlpha(terms: Terms, { mode }: Guardrail): number {
  if (mode === "require") return alphaEach(terms);
  const { guardrails, alphaGuard } = terms.policy;
  return alphaGuard / guardrails.filter((each) => each.mode === "abort").length;
}

/** What a guardrail of a challenger is planned for. */
export function guardrailPlan(terms: Terms, challenger: number, guardrail: Guardrail): GuardrailPlan {
  const { kind } = metricPolicy(terms.policy, guardrail.metric);
  return {
    guardrail,
    // Most undeclared metrics are costs and times; what is below 0 is taken as 0.
    kind: kind === "auto" ? "positive" : kind,
    alpha: guardrailAlpha(terms, guardrail),
    ...pairPlan(terms, challenger),
  };
}
