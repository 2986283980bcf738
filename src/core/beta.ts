/**
 * The Beta distribution: density, distribution function, quantile, intervals.
 */
import { domainError } from "./errors.js";
import { phiInverse } from "./normal.js";
import { findRoot } from "./root.js";
import { logBetaKernel } from "./special.js";

/** Parameters a > 0 and b > 0 of a Beta distribution. */
export interface BetaParameters {
  readonly a: number;
  readonly b: number;
}

const PARAMETER_MAX = 1e12;

/** @throws DethroneError `numeric_domain` */
export function checkParameters(parameters: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (!(value > 0 && value <= PARAMETER_MAX)) domainError(name, value, "a number in (0, 1e12]");
  }
}

function checkUnit(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) domainError(name, value, "a number in [0, 1]");
}

const FRACTION_EPSILON = 3e-16;
/** Far more than the O(sqrt(1e12)) steps the largest accepted parameters need. */
const FRACTION_STEPS_MAX = 1e8;

/**
 * Continued fraction of the incomplete Beta function (DLMF 8.17.22), by modified Lentz; O(sqrt(max(a, b))) steps.
 *
 * Called for x < (a + 1)/(a + b + 2) alone, where the denominators stay above 0 and need no guard.
 */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let h = d;
  let step = 0;
  for (let m = 1; m < FRACTION_STEPS_MAX && Math.abs(step - 1) >= FRACTION_EPSILON; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    step = d * c;
    h *= step;
  }
  return h;
}

/** ln of the smaller tail's own side: natural logs of I_x(a, b) and of 1 - I_x(a, b), each accurate when small. */
export function logTails(a: number, b: number, x: number, y: number): { lower: number; upper: number } {
  if (x <= 0) return { lower: Number.NEGATIVE_INFINITY, upper: 0 };
  if (y <= 0) return { lower: 0, upper: Number.NEGATIVE_INFINITY };
  const kernel = logBetaKernel(a, b, x, y);
  if (x < (a + 1) / (a + b + 2)) {
    const lower = Math.min(0, kernel + Math.log(betaFraction(a, b, x) / a));
    return { lower, upper: Math.log1p(-Math.exp(lower)) };
  }
  const upper = Math.min(0, kernel + Math.log(betaFraction(b, a, y) / b));
  return { lower: Math.log1p(-Math.exp(upper)), upper };
}

/** I_x(a, b) and its complement, each computed on its own side. */
export function tails(a: number, b: number, x: number, y: number): { lower: number; upper: number } {
  if (x <= 0) return { lower: 0, upper: 1 };
  if (y <= 0) return { lower: 1, upper: 0 };
  const kernel = Math.exp(logBetaKernel(a, b, x, y));
  if (x < (a + 1) / (a + b + 2)) {
    const lower = Math.min(1, (kernel * betaFraction(a, b, x)) / a);
    return { lower, upper: 1 - lower };
  }
  const upper = Math.min(1, (kernel * betaFraction(b, a, y)) / b);
  return { lower: 1 - upper, upper };
}

/**
 * Density of Beta(a, b) at x: x^(a-1) (1-x)^(b-1) / B(a, b).
 *
 * @param input a, b in (0, 1e12]; x in [0, 1]
 * @returns a density in [0, inf], relative accuracy 1e-10 for a, b in [0.5, 1e7]
 * @throws DethroneError `numeric_domain`
 * @example
 * betaPdf({ a: 0.5, b: 0.5, x: 0.5 }); // 0.6366197723675814
 */
export function betaPdf({ a, b, x }: BetaParameters & { readonly x: number }): number {
  checkParameters({ a, b });
  checkUnit("x", x);
  if (x === 0) return edgeDensity(a, b);
  if (x === 1) return edgeDensity(b, a);
  return Math.exp(logBetaKernel(a, b, x, 1 - x) - Math.log(x) - Math.log1p(-x));
}

/** Density at the end that belongs to the parameter `near`. */
function edgeDensity(near: number, far: number): number {
  if (near === 1) return far;
  return near < 1 ? Number.POSITIVE_INFINITY : 0;
}

/**
 * Distribution function I_x(a, b) of Beta(a, b).
 *
 * @param input a, b in (0, 1e12]; x in [0, 1]
 * @returns a probability, relative accuracy 1e-10 for a, b in [0.5, 1e7]
 * @throws DethroneError `numeric_domain`
 *
 * Method: Loader's kernel times a continued fraction (modified Lentz); O(sqrt(max(a, b))) steps.
 * Source: DLMF 8.17.22; Loader 2000.
 * @example
 * betaCdf({ a: 0.5, b: 0.5, x: 0.5 }); // 0.5
 */
export function betaCdf({ a, b, x }: BetaParameters & { readonly x: number }): number {
  checkParameters({ a, b });
  checkUnit("x", x);
  return tails(a, b, x, 1 - x).lower;
}

/**
 * Upper tail 1 - I_x(a, b), accurate when tiny.
 *
 * @param input a, b in (0, 1e12]; x in [0, 1]
 * @returns a probability, relative accuracy 1e-10 for a, b in [0.5, 1e7], to 1e-300
 * @throws DethroneError `numeric_domain`
 * @example
 * betaSf({ a: 0.5, b: 0.5, x: 0.999999999 }); // 2.013168456046863e-5
 */
export function betaSf({ a, b, x }: BetaParameters & { readonly x: number }): number {
  checkParameters({ a, b });
  checkUnit("x", x);
  return tails(a, b, x, 1 - x).upper;
}

/** A point of [0, 1] with its distance from 1, so that neither end loses digits. */
interface Point {
  readonly x: number;
  readonly y: number;
}

const LOGIT_MAX = 800;
const NEWTON_STEPS_MAX = 200;

const pointOf = (logit: number): Point => ({ x: 1 / (1 + Math.exp(-logit)), y: 1 / (1 + Math.exp(logit)) });

/**
 * The point with lower tail p (and upper tail q = 1 - p, given so that a tiny one keeps its digits).
 *
 * Newton on z = logit x for the log of the smaller tail, kept inside a bracket by bisection.
 */
function quantilePoint(a: number, b: number, p: number, q: number): Point {
  const isLower = p <= q;
  const target = Math.log(isLower ? p : q);
  let low = -LOGIT_MAX;
  let high = LOGIT_MAX;
  let z = Math.log(a / b) + phiInverse(isLower ? p : q) * (isLower ? 1 : -1) * Math.sqrt(1 / a + 1 / b);
  let isFound = false;
  for (let step = 0; step < NEWTON_STEPS_MAX && !isFound; step += 1) {
    if (!(z > low && z < high)) z = (low + high) / 2;
    const point = pointOf(z);
    const { lower, upper } = logTails(a, b, point.x, point.y);
    const tail = isLower ? lower : upper;
    // f rises with z: ln of the lower tail does, ln of the upper one falls.
    const f = isLower ? tail - target : target - tail;
    if (f > 0) high = z;
    else low = z;
    const slope = Math.exp(logBetaKernel(a, b, point.x, point.y) - tail);
    const next = z - f / slope;
    isFound = Math.abs(next - z) <= 4e-16 * Math.max(1, Math.abs(z)) || high - low <= 1e-15;
    z = next;
  }
  return pointOf(z);
}

/**
 * Quantile of Beta(a, b): the x with I_x(a, b) = p.
 *
 * @param input a, b in (0, 1e12]; p in [0, 1]
 * @returns x in [0, 1], relative accuracy 1e-11 for a, b in [0.5, 1e7]
 * @throws DethroneError `numeric_domain`
 * @example
 * betaQuantile({ a: 0.5, b: 0.5, p: 0.025 }); // 0.001541333133436012
 */
export function betaQuantile({ a, b, p }: BetaParameters & { readonly p: number }): number {
  checkParameters({ a, b });
  checkUnit("p", p);
  if (p === 0 || p === 1) return p;
  return quantilePoint(a, b, p, 1 - p).x;
}

function checkLevel(level: number): void {
  if (!(level > 0 && level < 1)) domainError("level", level, "a number in (0, 1)");
}

/**
 * Equal-tailed interval of Beta(a, b).
 *
 * @param input a, b in (0, 1e12]; level in (0, 1)
 * @returns [lower, upper], accuracy 1e-11 of the larger of value and width
 * @throws DethroneError `numeric_domain`
 * @example
 * betaInterval({ a: 0.5, b: 0.5, level: 0.95 }); // [0.0015413331334360146, 0.998458666866564]
 */
export function betaInterval({
  a,
  b,
  level,
}: BetaParameters & { readonly level: number }): readonly [number, number] {
  checkParameters({ a, b });
  checkLevel(level);
  const tail = (1 - level) / 2;
  return [quantilePoint(a, b, tail, 1 - tail).x, quantilePoint(a, b, 1 - tail, tail).x];
}

/** ln of the smallest lower tail an interval's end is looked for at. */
const LOG_TAIL_MIN = -700;

/** Ends of the interval with lower tail exp(logT) and mass `level`, and which end has the higher density. */
function candidate(
  a: number,
  b: number,
  level: number,
  logT: number,
): { low: Point; high: Point; excess: number } {
  const t = Math.exp(logT);
  const low = quantilePoint(a, b, t, 1 - t);
  const high = quantilePoint(a, b, t + level, 1 - level - t);
  const logDensity = ({ x, y }: Point): number => logBetaKernel(a, b, x, y) - Math.log(x) - Math.log(y);
  return { low, high, excess: logDensity(low) - logDensity(high) };
}

/** The highest-density interval for 1 < a <= b: the lower tail at which both ends have the same density. */
function interiorHdi(a: number, b: number, level: number): readonly [Point, Point] {
  // The log, because the tail may be astronomically small: a = 1.01, b = 40 begins at 1.6e-129.
  const logT = findRoot(
    (at) => candidate(a, b, level, at).excess,
    LOG_TAIL_MIN,
    Math.log((1 - level) / 2),
    1e-13,
  );
  const { low, high } = candidate(a, b, level, logT);
  return [low, high];
}

/**
 * Highest-density interval of Beta(a, b): the shortest with the given mass.
 *
 * a <= 1 < b: it begins at 0. b <= 1 < a: it ends at 1. Both <= 1: the equal-tailed interval, by convention.
 *
 * @param input a, b in (0, 1e12]; level in (0, 1)
 * @returns [lower, upper], accuracy 1e-8 of the larger of value and width
 * @throws DethroneError `numeric_domain`
 * @example
 * betaHdi({ a: 2, b: 2, level: 0.95 }); // [0.09429932405024612, 0.9057006759497539]
 */
export function betaHdi({
  a,
  b,
  level,
}: BetaParameters & { readonly level: number }): readonly [number, number] {
  checkParameters({ a, b });
  checkLevel(level);
  if (a <= 1 && b <= 1) return betaInterval({ a, b, level });
  if (a <= 1) return [0, quantilePoint(a, b, level, 1 - level).x];
  if (b <= 1) return [quantilePoint(a, b, 1 - level, level).x, 1];
  if (a <= b) {
    const [low, high] = interiorHdi(a, b, level);
    return [low.x, high.x];
  }
  const [low, high] = interiorHdi(b, a, level);
  return [high.y, low.y];
}
