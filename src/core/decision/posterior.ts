/**
 * The Beta posteriors of the two arms, and the chance of a promotion that follows from them.
 */

import { type BetaPair, probGreater } from "../numeric/beta-compare.js";
import { probGreaterBy } from "../numeric/beta-difference.js";
import type { EProcessState } from "../sequential/e-process.js";
import { chanceOfPromotion, isChanceBelow, type UpliftBelief } from "../sequential/promotion-chance.js";
import type { ArmSummary, Evidence, PairState } from "./evidence.js";
import type { Policy } from "./policy.js";
import { pairShare, promotePlan, type Terms } from "./terms.js";

/** What a posterior needs of an arm. */
export type ScoreSums = Pick<ArmSummary, "count" | "sum" | "sumSquares">;

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
 * phi = c(1-c)/v with the pooled mean c and variance v of the scores of both arms and of two pseudo-scores, one 0 and
 * one 1. The posterior it scales is the quasi-likelihood one: its width matches the spread of the data.
 */
export function phi(champion: ScoreSums, challenger: ScoreSums): number {
  const sum = champion.sum + challenger.sum;
  const sumSquares = champion.sumSquares + challenger.sumSquares;
  // For scores in [0, 1] the sums agree only if each score is 0 or 1; the ratio below would miss 1 by a rounding.
  if (sum === sumSquares) return 1;
  const count = champion.count + challenger.count + 2;
  const mean = (sum + 1) / count;
  const variance = Math.max((sumSquares + 1) / count - mean * mean, VARIANCE_MIN);
  return Math.min(PHI_MAX, Math.max(1, (mean * (1 - mean)) / variance));
}

function posterior(arm: ScoreSums, scale: number, { prior }: Policy): BetaPosterior {
  return { alpha: prior.alpha + scale * arm.sum, beta: prior.beta + scale * (arm.count - arm.sum) };
}

/** The posteriors of the champion and a challenger: Beta(a0 + phi sum, b0 + phi (count - sum)). */
export interface PairPosterior {
  readonly champion: BetaPosterior;
  readonly challenger: BetaPosterior;
  readonly phi: number;
}

/** The posteriors of the champion and of a challenger, by its place among the challengers (0 the first). */
export function posteriors(
  { arms }: { readonly arms: readonly ScoreSums[] },
  policy: Policy,
  challenger = 0,
): PairPosterior {
  const left = arms[0] as ScoreSums;
  const right = arms[challenger + 1] as ScoreSums;
  const scale = phi(left, right);
  return {
    champion: posterior(left, scale, policy),
    challenger: posterior(right, scale, policy),
    phi: scale,
  };
}

/** The two posteriors as the comparing functions take them: X the challenger, Y the champion. */
export function pairOf({ champion, challenger }: PairPosterior): BetaPair {
  return { aX: challenger.alpha, bX: challenger.beta, aY: champion.alpha, bY: champion.beta };
}

/** P(challenger > champion + minUplift), in [0, 1]. */
export function probabilityBetterBy(
  evidence: Evidence,
  policy: Policy,
  minUplift: number,
  challenger = 0,
): number {
  const pair = pairOf(posteriors(evidence, policy, challenger));
  return minUplift === 0 ? probGreater(pair) : probGreaterBy({ ...pair, delta: minUplift });
}

/** Mean of a Beta distribution. */
export const meanOf = ({ alpha, beta }: BetaPosterior): number => alpha / (alpha + beta);

/** Variance of a Beta distribution. */
export const varianceOf = ({ alpha, beta }: BetaPosterior): number =>
  (alpha * beta) / ((alpha + beta) ** 2 * (alpha + beta + 1));

/** What is believed of a challenger's uplift over minUplift from here on, or null while it has no share. */
function beliefOf(evidence: Evidence, { policy }: Terms, challenger: number): UpliftBelief | null {
  const { share } = pairShare(evidence.shares, challenger);
  if (!(share > 0 && share < 1)) return null;
  const believed = posteriors(evidence, policy, challenger);
  return {
    w: share,
    upliftMean: meanOf(believed.challenger) - meanOf(believed.champion) - policy.minUplift,
    upliftVariance: varianceOf(believed.challenger) + varianceOf(believed.champion),
  };
}

const promoteOf = ({ pairs }: Evidence, challenger: number): EProcessState =>
  (pairs[challenger] as PairState).promote;

/** Predicted chance, in [0, 1], that a challenger's promotion test crosses its line by the horizon. */
export function promotionChance(evidence: Evidence, terms: Terms, challenger = 0): number {
  const belief = beliefOf(evidence, terms, challenger);
  if (belief === null) return 0;
  return chanceOfPromotion(promotePlan(terms, challenger), promoteOf(evidence, challenger), belief);
}

/** Whether {@link promotionChance} is below `limit`, in (0, 1), by the shortest way. */
export function isPromotionUnlikely(
  evidence: Evidence,
  terms: Terms,
  challenger: number,
  limit: number,
): boolean {
  const belief = beliefOf(evidence, terms, challenger);
  if (belief === null) return true;
  return isChanceBelow(promotePlan(terms, challenger), promoteOf(evidence, challenger), belief, limit);
}
