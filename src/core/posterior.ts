/**
 * The Beta posteriors of the two arms, and the chance of a promotion that follows from them.
 */

import { probGreater } from "./beta-compare.js";
import { probGreaterBy } from "./beta-difference.js";
import { chanceOfPromotion } from "./e-process.js";
import { type ArmSummary, type Evidence, promotePlan } from "./evidence.js";
import type { Policy } from "./policy.js";

/** A Beta distribution of a success rate. */
export interface BetaPosterior {
  readonly alpha: number;
  readonly beta: number;
}

const PHI_MAX = 20;
const VARIANCE_MIN = 1e-12;

/**
 * How many binary observations one graded score is worth, in [1, 20]; exactly 1 while every score is 0 or 1.
 *
 * phi = c(1-c)/v with the pooled mean c and variance v of the scores and of two pseudo-scores, one 0 and one 1. The
 * posterior it scales is the quasi-likelihood one: its width matches the spread of the data.
 */
export function phi(evidence: Pick<Evidence, "champion" | "challenger">): number {
  const { champion, challenger } = evidence;
  const sum = champion.sum + challenger.sum;
  const sumSquares = champion.sumSquares + challenger.sumSquares;
  // For scores in [0, 1] the sums agree only if each score is 0 or 1; the ratio below would miss 1 by a rounding.
  if (sum === sumSquares) return 1;
  const count = champion.count + challenger.count + 2;
  const mean = (sum + 1) / count;
  const variance = Math.max((sumSquares + 1) / count - mean * mean, VARIANCE_MIN);
  return Math.min(PHI_MAX, Math.max(1, (mean * (1 - mean)) / variance));
}

/** Beta(a0 + phi sum, b0 + phi (count - sum)). */
export function posterior(arm: ArmSummary, scale: number, policy: Policy): BetaPosterior {
  return {
    alpha: policy.prior.alpha + scale * arm.sum,
    beta: policy.prior.beta + scale * (arm.count - arm.sum),
  };
}

/** The posteriors of both arms. */
export function posteriors(
  evidence: Evidence,
  policy: Policy,
): { champion: BetaPosterior; challenger: BetaPosterior } {
  const scale = phi(evidence);
  return {
    champion: posterior(evidence.champion, scale, policy),
    challenger: posterior(evidence.challenger, scale, policy),
  };
}

/** P(challenger > champion + minUplift), in [0, 1]. */
export function probabilityBetterBy(evidence: Evidence, policy: Policy, minUplift: number): number {
  const { champion, challenger } = posteriors(evidence, policy);
  const pair = { aX: challenger.alpha, bX: challenger.beta, aY: champion.alpha, bY: champion.beta };
  return minUplift === 0 ? probGreater(pair) : probGreaterBy({ ...pair, delta: minUplift });
}

const meanOf = ({ alpha, beta }: BetaPosterior): number => alpha / (alpha + beta);
const varianceOf = ({ alpha, beta }: BetaPosterior): number =>
  (alpha * beta) / ((alpha + beta) ** 2 * (alpha + beta + 1));

/** Mean of the uplift, challenger minus champion. */
export function upliftMean(evidence: Evidence, policy: Policy): number {
  const { champion, challenger } = posteriors(evidence, policy);
  return meanOf(challenger) - meanOf(champion);
}

/** Predicted chance, in [0, 1], that the promotion test crosses its line by the horizon. */
export function promotionChance(evidence: Evidence, policy: Policy, planShare: number): number {
  const { champion, challenger } = posteriors(evidence, policy);
  return chanceOfPromotion(promotePlan(policy, planShare), evidence.promote, {
    w: evidence.share,
    upliftMean: meanOf(challenger) - meanOf(champion) - policy.minUplift,
    upliftVariance: varianceOf(challenger) + varianceOf(champion),
  });
}
