/**
 * The difference X - Y of two independent Beta distributions: tail probabilities and intervals.
 */

import { checkInside, checkShapes, checkSigned } from "../check.js";
import type { Interval } from "./beta.js";
import { type BetaPair, swapped } from "./beta-compare.js";
import { betaShape, logKernel, logTails, type Point, pointAt } from "./incomplete-beta.js";
import { standardQuantile } from "./normal.js";
import { logIntegral } from "./quadrature.js";
import { rootOf } from "./root.js";

const variance = (a: number, b: number): number => ((a / (a + b)) * (b / (a + b))) / (a + b + 1);

const meanOf = ({ aX, bX, aY, bY }: BetaPair): number => aX / (aX + bX) - aY / (aY + bY);

/** x and y = x - delta at z, the logit of where x or y lies in the part of [0, 1] that the other leaves. */
function pointsAt(
  z: number,
  delta: number,
): { readonly x: Point; readonly y: Point; readonly logSlope: number } {
  const shift = Math.abs(delta);
  const unit = pointAt(z);
  const near = (1 - shift) * unit.x;
  const far = (1 - shift) * unit.y;
  const low = { x: near, y: far + shift };
  const high = { x: near + shift, y: far };
  const logSlope = Math.log(near) + Math.log(unit.y);
  return delta >= 0 ? { x: high, y: low, logSlope } : { x: low, y: high, logSlope };
}

/**
 * ln P(X > Y + delta), for delta in (-1, 1).
 *
 * The narrower of the two is integrated over, so that the tail of the other is smooth on the scale of the steps.
 */
function logGreaterBy(pair: BetaPair, delta: number): number {
  const x = betaShape(pair.aX, pair.bX);
  const y = betaShape(pair.aY, pair.bY);
  const overX = variance(x.a, x.b) < variance(y.a, y.b);
  const integral = logIntegral((z) => {
    const at = pointsAt(z, delta);
    const tail = overX ? logTails(y, at.y).lower : logTails(x, at.x).upper;
    const [shape, point] = overX ? [x, at.x] : [y, at.y];
    return logKernel(shape, point) - Math.log(point.x) - Math.log(point.y) + tail + at.logSlope;
  });
  if (delta >= 0) return integral;
  // Where one of the two lies beyond the reach of the other, X > Y + delta for certain.
  const edge = -delta;
  const certain = overX
    ? logTails(x, { x: 1 - edge, y: edge }).upper
    : logTails(y, { x: edge, y: 1 - edge }).lower;
  const larger = Math.max(integral, certain);
  return larger + Math.log(Math.exp(integral - larger) + Math.exp(certain - larger));
}

/** P(X > Y + delta) and P(X < Y + delta) for delta in (-1, 1); the one likely to be smaller is computed. */
function compareBy(pair: BetaPair, delta: number): { readonly greater: number; readonly less: number } {
  if (meanOf(pair) > delta) {
    const less = Math.min(Math.exp(logGreaterBy(swapped(pair), -delta)), 1);
    return { greater: 1 - less, less };
  }
  const greater = Math.min(Math.exp(logGreaterBy(pair, delta)), 1);
  return { greater, less: 1 - greater };
}

/**
 * Probability that X exceeds Y by more than delta, for independent X ~ Beta(aX, bX) and Y ~ Beta(aY, bY).
 *
 * @param input shapes in (0, 1e12], real; delta in [-1, 1]
 * @returns in [0, 1]; relative error below 1e-10 for shapes 0.5 to 1e7, also where it is 1e-100. Shapes
 *   below 0.05 give a finite but rough value.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: integral of the narrower density times the tail of the other, by the trapezoid rule in a logit that maps the
 * part of [0, 1] they share to the whole line; about 0.3 ms. The smaller side is computed.
 *
 * @example
 * probGreaterBy({ aX: 18, bX: 4, aY: 12, bY: 10, delta: 0.05 }); // 0.9519198914127
 */
export function probGreaterBy({ aX, bX, aY, bY, delta }: BetaPair & { readonly delta: number }): number {
  checkShapes({ aX, bX, aY, bY });
  checkSigned("delta", delta);
  if (Math.abs(delta) === 1) return delta < 0 ? 1 : 0;
  return compareBy({ aX, bX, aY, bY }, delta).greater;
}

/** The delta with this probability (at most 1/2) of X - Y below it. */
function lowerEnd(pair: BetaPair, tail: number): number {
  const target = standardQuantile(tail);
  const spread = Math.sqrt(variance(pair.aX, pair.bX) + variance(pair.aY, pair.bY));
  const mean = meanOf(pair);
  // As if X - Y were normal, but no nearer to the limit than a hundredth of the way from the mean.
  const guessAt = (score: number): number => Math.max(mean + score * spread, -1 + 0.01 * (1 + mean));
  return rootOf(
    (delta) => {
      const { greater, less } = compareBy(pair, delta);
      const score = standardQuantile(Math.max(Math.min(greater, less), Number.MIN_VALUE));
      return (less < greater ? score : -score) - target;
    },
    { low: -1, high: 1, guesses: [guessAt(target), guessAt(0.95 * target)], tolerance: 1e-13 * spread },
  );
}

/**
 * Equal-tailed interval of X - Y, for independent X ~ Beta(aX, bX) and Y ~ Beta(aY, bY).
 *
 * @param input shapes in (0, 1e12], real; level in (0, 1)
 * @returns [low, high] within [-1, 1]; error below 1e-10 of the width for shapes 0.5 to 1e7.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: secant on the normal-quantile scale, 6 to 8 evaluations of {@link probGreaterBy} per end.
 *
 * @example
 * diffInterval({ aX: 18, bX: 4, aY: 12, bY: 10, level: 0.95 }); // [0.0088105573048, 0.52254992138012]
 */
export function diffInterval({ aX, bX, aY, bY, level }: BetaPair & { readonly level: number }): Interval {
  checkShapes({ aX, bX, aY, bY });
  checkInside("level", level);
  const pair = { aX, bX, aY, bY };
  const tail = (1 - level) / 2;
  return [lowerEnd(pair, tail), -lowerEnd(swapped(pair), tail)];
}
