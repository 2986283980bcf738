/**
 * The difference of two independent Beta variables, by one-dimensional quadrature of a density times a tail.
 *
 * With y = sin^2(t) the ends of the support are no singularities for parameters of at least 1/2, and the smaller of the
 * two probabilities is always the one that is integrated, so it keeps its relative accuracy.
 */
import { checkParameters, logTails, tails } from "./beta.js";
import type { BetaPair } from "./beta-compare.js";
import { domainError } from "./errors.js";
import { phiInverse } from "./normal.js";
import { logIntegral } from "./quadrature.js";
import { findRoot } from "./root.js";
import { logBetaKernel } from "./special.js";

const HALF_PI = Math.PI / 2;
const GRID = 120;
const SDS = [0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 14, 20] as const;

interface Beta {
  readonly a: number;
  readonly b: number;
}

const meanOf = ({ a, b }: Beta): number => a / (a + b);
const sdOf = ({ a, b }: Beta): number => Math.sqrt((a * b) / (a + b) / (a + b) / (a + b + 1));
const angleOf = (y: number): number => Math.asin(Math.sqrt(Math.min(1, Math.max(0, y))));

/** Angles where the mass of a product of functions of two Betas may lie: a grid, both means, and between them. */
function anglesToTry(first: Beta, second: Beta, offset: number): number[] {
  const angles: number[] = [];
  for (let i = 1; i < GRID; i += 1) angles.push((i / GRID) * HALF_PI);
  for (const [beta, shift] of [
    [first, 0],
    [second, offset],
  ] as const) {
    const mean = meanOf(beta) - shift;
    const sd = sdOf(beta);
    for (const k of SDS) angles.push(angleOf(mean - k * sd), angleOf(mean + k * sd));
  }
  const [from, to] = [meanOf(first), meanOf(second) - offset];
  for (let i = 1; i < 40; i += 1) angles.push(angleOf(from + ((to - from) * i) / 40));
  return angles;
}

/** ln of dy/dt for y = sin^2 t */
const logJacobian = (sin: number, cos: number): number => Math.LN2 + Math.log(sin) + Math.log(cos);

/** ln of the density of Y in t, times the tail of X at y + delta on the side asked for. */
function logProduct(X: Beta, Y: Beta, delta: number, side: "lower" | "upper"): (t: number) => number {
  return (t) => {
    const sin = Math.sin(t);
    const cos = Math.cos(t);
    const x = sin * sin + delta;
    const tail = logTails(X.a, X.b, x, cos * cos - delta)[side];
    const log =
      logBetaKernel(Y.a, Y.b, sin * sin, cos * cos) - 2 * Math.log(sin * cos) + logJacobian(sin, cos) + tail;
    return Number.isNaN(log) ? Number.NEGATIVE_INFINITY : log;
  };
}

/** P(X > Y + delta) ("upper") or P(X < Y + delta) ("lower"), by quadrature. */
function sideProbability(X: Beta, Y: Beta, delta: number, side: "lower" | "upper"): number {
  const low = angleOf(-delta);
  const high = angleOf(1 - delta);
  const integral = Math.exp(logIntegral(logProduct(X, Y, delta, side), low, high, anglesToTry(Y, X, delta)));
  // Where y + delta leaves (0, 1) the tail of X is 0 or 1.
  if (side === "upper") return integral + (delta < 0 ? tails(Y.a, Y.b, -delta, 1 + delta).lower : 0);
  return integral + (delta > 0 ? tails(Y.a, Y.b, 1 - delta, delta).upper : 0);
}

function probabilityAbove(X: Beta, Y: Beta, delta: number): number {
  if (delta <= -1) return 1;
  if (delta >= 1) return 0;
  const isLikely = meanOf(X) - meanOf(Y) > delta;
  const small = Math.min(1, sideProbability(X, Y, delta, isLikely ? "lower" : "upper"));
  return isLikely ? 1 - small : small;
}

/**
 * P(X > Y + delta) for independent X ~ Beta(aX, bX), Y ~ Beta(aY, bY).
 *
 * @param input parameters in (0, 1e12], delta in [-1, 1]
 * @returns a probability, relative accuracy 1e-9 for parameters in [0.5, 1e7]
 * @throws DethroneError `numeric_domain`
 * @example
 * probGreaterBy({ aX: 1, bX: 1, aY: 1, bY: 1, delta: 0.1 }); // 0.405
 */
export function probGreaterBy(input: BetaPair & { readonly delta: number }): number {
  const { aX, bX, aY, bY, delta } = input;
  checkParameters({ aX, bX, aY, bY });
  if (!(Math.abs(delta) <= 1)) domainError("delta", delta, "a number in [-1, 1]");
  return probabilityAbove({ a: aX, b: bX }, { a: aY, b: bY }, delta);
}

const NORMAL_MAX = 38;

/** Normal quantile of a probability that may have rounded to 0 or 1. */
function normalScore(p: number): number {
  if (p <= 0) return -NORMAL_MAX;
  return p >= 1 ? NORMAL_MAX : phiInverse(p);
}

/**
 * Equal-tailed interval of X - Y for independent X ~ Beta(aX, bX), Y ~ Beta(aY, bY).
 *
 * @param input parameters in (0, 1e12], level in (0, 1)
 * @returns [lower, upper] in [-1, 1], accuracy 1e-8 of the larger of value and width
 * @throws DethroneError `numeric_domain`
 *
 * Method: root of the distribution function on the scale of normal quantiles, where it is nearly linear.
 * @example
 * diffInterval({ aX: 18, bX: 4, aY: 12, bY: 10, level: 0.95 }); // [0.008810557304800298, 0.5225499213801235]
 */
export function diffInterval(input: BetaPair & { readonly level: number }): readonly [number, number] {
  const { aX, bX, aY, bY, level } = input;
  checkParameters({ aX, bX, aY, bY });
  if (!(level > 0 && level < 1)) domainError("level", level, "a number in (0, 1)");
  const X = { a: aX, b: bX };
  const Y = { a: aY, b: bY };
  const center = meanOf(X) - meanOf(Y);
  const sd = Math.hypot(sdOf(X), sdOf(Y));
  const z = phiInverse((1 - level) / 2);
  const scoreAt = (delta: number): number => -normalScore(probabilityAbove(X, Y, delta));
  const solve = (target: number): number => {
    const [low, high] = bracket((delta) => scoreAt(delta) - target, center + target * sd, sd);
    return findRoot((delta) => scoreAt(delta) - target, low, high, 1e-13 * sd);
  };
  return [solve(z), solve(-z)];
}

/** A bracket of the root of an increasing function around a guess, inside [-1, 1]. */
function bracket(f: (x: number) => number, guess: number, step: number): [number, number] {
  let low = Math.max(-1, guess - step / 8);
  let high = Math.min(1, guess + step / 8);
  for (let width = step / 4; low > -1 && f(low) > 0; width *= 2) low = Math.max(-1, low - width);
  for (let width = step / 4; high < 1 && f(high) < 0; width *= 2) high = Math.min(1, high + width);
  return [Math.min(low, 1), Math.max(high, -1)];
}

/** E max(Y - X, 0) as the integral of P(X < z < Y): all terms positive, so nothing cancels. */
export function lossIntegral(X: Beta, Y: Beta): number {
  const logF = (t: number): number => {
    const sin = Math.sin(t);
    const cos = Math.cos(t);
    const below = logTails(X.a, X.b, sin * sin, cos * cos).lower;
    const above = logTails(Y.a, Y.b, sin * sin, cos * cos).upper;
    return below + above + logJacobian(sin, cos);
  };
  return Math.exp(logIntegral(logF, 0, HALF_PI, anglesToTry(X, Y, 0)));
}
