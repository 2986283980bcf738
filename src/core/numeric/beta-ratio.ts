/**
 * The ratio X/Y of two independent Beta distributions: tail probabilities, and intervals of the lift X/Y - 1.
 */

import { checkInside, checkPositive, checkShapes } from "../check.js";
import type { Interval } from "./beta.js";
import { type BetaPair, swapped } from "./beta-compare.js";
import { betaShape, logKernel, logTails, type Point, pointAt } from "./incomplete-beta.js";
import { standardQuantile } from "./normal.js";
import { logIntegral } from "./quadrature.js";
import { rootOf } from "./root.js";
import { digamma } from "./special.js";

/** X and Y where x = ratio y, at z, the logit of the one of the two that ranges over all of [0, 1]. */
function pointsAt(z: number, ratio: number): { readonly x: Point; readonly y: Point } {
  const whole = pointAt(z);
  // Both distances from 1 are sums of positive terms, so that neither loses digits.
  if (ratio >= 1) {
    return { x: whole, y: { x: whole.x / ratio, y: (whole.y + (ratio - 1)) / ratio } };
  }
  return { x: { x: whole.x * ratio, y: whole.y + whole.x * (1 - ratio) }, y: whole };
}

const relativeVariance = (a: number, b: number): number => b / a / (a + b + 1);

/**
 * P(X > ratio Y).
 *
 * As for a difference, the narrower of the two is integrated over.
 */
function greaterRatio(pair: BetaPair, ratio: number): number {
  const x = betaShape(pair.aX, pair.bX);
  const y = betaShape(pair.aY, pair.bY);
  const overX = relativeVariance(x.a, x.b) < relativeVariance(y.a, y.b);
  const integral = logIntegral((z) => {
    const at = pointsAt(z, ratio);
    const tail = overX ? logTails(y, at.y).lower : logTails(x, at.x).upper;
    const [shape, point] = overX ? [x, at.x] : [y, at.y];
    // The density's 1/(x (1 - x)) times dx/dz: what stays is the quotient of the two distances from 1.
    const whole = ratio >= 1 ? at.x : at.y;
    return logKernel(shape, point) + Math.log(whole.y / point.y) + tail;
  });
  // An X beyond the ratio exceeds ratio Y for certain.
  const certain =
    ratio < 1 && overX ? logTails(x, { x: ratio, y: 1 - ratio }).upper : Number.NEGATIVE_INFINITY;
  const sum = Math.exp(integral) + Math.exp(certain);
  // Not a number where shapes of 1e-300 underflowed to nothing.
  return sum > 0 ? Math.min(sum, 1) : 0;
}

/** P(X > ratio Y) and P(X < ratio Y); the one likely to be smaller is computed. */
function compareRatio(pair: BetaPair, ratio: number): { readonly greater: number; readonly less: number } {
  const { aX, bX, aY, bY } = pair;
  if (aX / (aX + bX) > ratio * (aY / (aY + bY))) {
    const less = greaterRatio(swapped(pair), 1 / ratio);
    return { greater: 1 - less, less };
  }
  const greater = greaterRatio(pair, ratio);
  return { greater, less: 1 - greater };
}

// Beyond this a ratio and its inverse are no longer both well inside double precision's range.
const LOG_RATIO_MAX = 690;

/**
 * Probability that X exceeds ratio times Y, for independent X ~ Beta(aX, bX) and Y ~ Beta(aY, bY).
 *
 * @param input shapes in (0, 1e12], real; ratio in (0, inf)
 * @returns in [0, 1]; relative error below 1e-10 for shapes 0.5 to 1e7, also where it is 1e-300. Shapes below 0.05 and
 *   ratios beyond 1e100 give a finite but rough value.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: integral of the narrower density times the tail of the other, by the trapezoid rule in the logit of the one
 * whose whole range takes part; about 0.3 ms. The smaller side is computed.
 *
 * @example
 * probRatioGreater({ aX: 18, bX: 4, aY: 12, bY: 10, ratio: 1.1 }); // 0.9385536567227
 */
export function probRatioGreater({ aX, bX, aY, bY, ratio }: BetaPair & { readonly ratio: number }): number {
  checkShapes({ aX, bX, aY, bY });
  checkPositive("ratio", ratio);
  const bounded = Math.min(Math.max(ratio, Math.exp(-LOG_RATIO_MAX)), Math.exp(LOG_RATIO_MAX));
  return compareRatio({ aX, bX, aY, bY }, bounded).greater;
}

const SMALL_SHAPE = 0.5;

/** The ln(X/Y) with this probability (at most 1/2) below it. */
function lowerLogRatio(pair: BetaPair, tail: number): number {
  // Only small shapes reach so far.
  if (Math.min(pair.aX, pair.aY) < SMALL_SHAPE) {
    if (compareRatio(pair, Math.exp(-LOG_RATIO_MAX)).less >= tail) return -LOG_RATIO_MAX;
    if (compareRatio(pair, Math.exp(LOG_RATIO_MAX)).less <= tail) return LOG_RATIO_MAX;
  }
  const target = standardQuantile(tail);
  const { aX, bX, aY, bY } = pair;
  const mean = digamma(aX) - digamma(aX + bX) - digamma(aY) + digamma(aY + bY);
  const spread = Math.sqrt(bX / aX / (aX + bX) + bY / aY / (aY + bY));
  const guess = (part: number): number =>
    Math.min(Math.max(mean + part * target * spread, 0.01 - LOG_RATIO_MAX), LOG_RATIO_MAX - part);
  return rootOf(
    (logRatio) => {
      const { greater, less } = compareRatio(pair, Math.exp(logRatio));
      const score = standardQuantile(Math.max(Math.min(greater, less), Number.MIN_VALUE));
      return (less < greater ? score : -score) - target;
    },
    { low: -LOG_RATIO_MAX, high: LOG_RATIO_MAX, guesses: [guess(1), guess(0.95)], tolerance: 1e-13 * spread },
  );
}

/**
 * Equal-tailed interval of the lift X/Y - 1, for independent X ~ Beta(aX, bX) and Y ~ Beta(aY, bY).
 *
 * @param input shapes in (0, 1e12], real; level in (0, 1)
 * @returns [low, high], each -1 or more; error below 1e-10 of the larger of the end and the width for shapes 0.5 to 1e7.
 *   Ends beyond e^690 are given as that.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: secant on the normal-quantile scale in ln(X/Y), 6 to 8 evaluations of {@link probRatioGreater} per end.
 *
 * @example
 * liftInterval({ aX: 18, bX: 4, aY: 12, bY: 10, level: 0.95 }); // [0.0128108224062, 1.469347742658]
 */
export function liftInterval({ aX, bX, aY, bY, level }: BetaPair & { readonly level: number }): Interval {
  checkShapes({ aX, bX, aY, bY });
  checkInside("level", level);
  const pair = { aX, bX, aY, bY };
  const tail = (1 - level) / 2;
  const low = Math.expm1(lowerLogRatio(pair, tail));
  const high = Math.expm1(-lowerLogRatio(swapped(pair), tail));
  // Ends nearer to each other than their own error could cross.
  return [Math.min(low, high), Math.max(low, high)];
}
