/**
 * The Beta distribution in logarithms: kernel, both tails, and the logit of a quantile.
 *
 * Points are given as the pair x and y = 1 - x, so that neither end of [0, 1] loses digits.
 */
import { standardQuantile } from "./normal.js";
import { deviance, exactProduct, exactSum, stirlingError } from "./special.js";

/** A Beta distribution with what its density needs at every point. */
export interface BetaShape {
  readonly a: number;
  readonly b: number;
  /** a + b, rounded, and what rounding lost */
  readonly total: number;
  readonly totalLow: number;
  /** ln[a b/(2 pi (a + b))]/2 - delta(a) - delta(b) + delta(a + b) */
  readonly logConstant: number;
}

/** A point of [0, 1] and its distance from 1; the smaller of the two is taken as exact. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The two tails of a distribution at a point, as logarithms. */
export interface LogTails {
  readonly lower: number;
  readonly upper: number;
}

/** Prepares Beta(a, b). */
export function betaShape(a: number, b: number): BetaShape {
  const { high, low } = exactSum(a, b);
  const half = Math.min(a, b) * (Math.max(a, b) / high);
  const logConstant =
    Math.log(half / (2 * Math.PI)) / 2 - stirlingError(a) - stirlingError(b) + stirlingError(high);
  return { a, b, total: high, totalLow: low, logConstant };
}

/** bd0(a, m) at m = total * part, part known to twice the precision: what rounding m loses enters to first order. */
function partDeviance(
  shape: BetaShape,
  a: number,
  part: { readonly high: number; readonly low: number },
): number {
  const { high, low } = exactProduct(shape.total, part.high);
  if (!(high > 0)) return Number.POSITIVE_INFINITY;
  // What rounding a + b lost is left out: its effects on the two deviances cancel.
  const lost = low + shape.total * part.low;
  return deviance(a, high) + lost - a * (lost / high);
}

/**
 * ln[x^a y^b / B(a, b)], the log density of logit X at ln(x/y).
 *
 * Method: Loader's deviances, -bd0(a, n x) - bd0(b, n y) + logConstant with n = a + b. Products are carried to twice the
 * precision: at parameters of 1e7 a rounded n x costs four digits of a far tail.
 */
export function logKernel(shape: BetaShape, { x, y }: Point): number {
  const xLow = x <= y ? 0 : 1 - x - y;
  const yLow = x <= y ? 1 - y - x : 0;
  const first = partDeviance(shape, shape.a, { high: x, low: xLow });
  return shape.logConstant - first - partDeviance(shape, shape.b, { high: y, low: yLow });
}

const STEPS_MAX = 2e6;

/** a - (a + b) x, as (a + b) y - b where y is the exact one of the pair. */
function excess({ a, b, total, totalLow }: BetaShape, { x, y }: Point): number {
  const { high, low } = exactProduct(total, Math.min(x, y));
  const lost = low + totalLow * Math.min(x, y);
  return x <= y ? a - high - lost : high - b + lost;
}

/**
 * I_x(a, b) over its kernel, for x up to about the mean.
 *
 * Even part of the continued fraction DLMF 8.17.22, by Lentz; about 20 steps, and n^(1/3) of them right at the mean. In
 * this form 1 - n x/(a + 1), which cancels when a is much the larger, enters as the excess only.
 * Source: DiDonato and Morris, Algorithm 708 (BFRAC), 1992.
 */
export function tailRatio(shape: BetaShape, point: Point): number {
  const { a, b, total } = shape;
  const { x, y } = point;
  const start = excess(shape, point) + 1;
  let c = Number.POSITIVE_INFINITY;
  let d = (a + 1) / (a * start);
  let ratio = d;
  let factor = 0;
  for (let n = 1; n < STEPS_MAX && Math.abs(factor - 1) > 3e-16; n++) {
    const s = a + 2 * n - 1;
    const part = (n * (b - n) * x) / s;
    const alpha = part * x * (((a + n - 1) / s) * (total + n - 1));
    const beta = n + part + ((a + n) / (s + 2)) * (start + n * (1 + y));
    d = 1 / (beta + alpha * d);
    c = beta + alpha / c;
    factor = c * d;
    ratio *= factor;
  }
  return ratio;
}

const mirrored = (shape: BetaShape): BetaShape => ({ ...shape, a: shape.b, b: shape.a });

/** ln I_x(a, b) and ln(1 - I_x(a, b)); the smaller is computed, the larger is its complement. */
export function logTails(shape: BetaShape, point: Point): LogTails {
  const kernel = logKernel(shape, point);
  if (point.x * (shape.total + 2) < shape.a + 1) {
    const lower = Math.min(kernel + Math.log(tailRatio(shape, point)), 0);
    return { lower, upper: Math.log1p(-Math.exp(lower)) };
  }
  const upper = Math.min(kernel + Math.log(tailRatio(mirrored(shape), { x: point.y, y: point.x })), 0);
  return { lower: Math.log1p(-Math.exp(upper)), upper };
}

/** x and 1 - x at z = ln(x/(1-x)). */
export function pointAt(z: number): Point {
  const small = Math.exp(-Math.abs(z));
  const larger = 1 / (1 + small);
  const smaller = small / (1 + small);
  return z < 0 ? { x: smaller, y: larger } : { x: larger, y: smaller };
}

const LOGIT_MAX = 800;
/** Below this logit the products of the kernel are no longer normal doubles; quantiles there are given as 0. */
const LOGIT_TINY = -700;

/** Far more than a search has ever taken: 16. */
const NEWTON_STEPS_MAX = 200;

/**
 * The z at which the lower tail of logit X is exp(logP), for logP <= ln(1/2).
 *
 * Method: Newton on ln I_x, which is concave in z, with its derivative exp(ln kernel - ln I_x); a bracket of [-800, 800]
 * takes over by bisection whenever a step leaves it. A quantile below e^-700 has the logit -800, a point of 0.
 */
export function lowerLogit(shape: BetaShape, logP: number): number {
  let low = -LOGIT_MAX;
  let high = LOGIT_MAX;
  const spread = Math.sqrt(1 / shape.a + 1 / shape.b);
  const start = Math.max(standardQuantile(Math.exp(logP)), -38) * spread;
  let z = Math.min(Math.max(Math.log(shape.a / shape.b) + start, LOGIT_TINY), -LOGIT_TINY);
  for (let k = 1; ; k++) {
    const point = pointAt(z);
    const { lower } = logTails(shape, point);
    if (lower < logP) low = z;
    else high = z;
    if (high <= LOGIT_TINY) return -LOGIT_MAX;
    const step = (logP - lower) * Math.exp(lower - logKernel(shape, point));
    const next = z + step;
    // The error left is of the order of this step squared: below what rounding leaves.
    const isDone = Math.abs(step) <= 1e-9 * Math.min(spread, 1);
    // Not a number where the kernel underflowed to nothing: that bisects as well.
    z = isDone || (next > low && next < high) ? next : (low + high) / 2;
    if (isDone || k === NEWTON_STEPS_MAX) return z;
  }
}
