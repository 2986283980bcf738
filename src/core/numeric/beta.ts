/**
 * The Beta distribution: density, tails, quantile and intervals.
 */
import { checkInside, checkShapes, checkUnit } from "../check.js";
import {
  type BetaShape,
  betaShape,
  logKernel,
  logTails,
  lowerLogit,
  type Point,
  pointAt,
} from "./incomplete-beta.js";
import { rootOf } from "./root.js";

/** A Beta distribution and a point of it. */
export interface BetaAt {
  /** first shape, in (0, 1e12] */
  readonly a: number;
  /** second shape, in (0, 1e12] */
  readonly b: number;
  /** in [0, 1] */
  readonly x: number;
}

/** A Beta distribution and the probability an interval is to hold. */
export interface BetaLevel {
  /** first shape, in (0, 1e12] */
  readonly a: number;
  /** second shape, in (0, 1e12] */
  readonly b: number;
  /** in (0, 1) */
  readonly level: number;
}

/** Two ends, the lower first. */
export type Interval = readonly [number, number];

function prepared({ a, b, x }: BetaAt): { readonly shape: BetaShape; readonly point: Point } {
  checkShapes({ a, b });
  checkUnit("x", x);
  return { shape: betaShape(a, b), point: { x, y: 1 - x } };
}

/** Density at an end of [0, 1], where the shape of that end is `near` and the other one `far`. */
function densityAtEnd(near: number, far: number): number {
  if (near > 1) return 0;
  return near === 1 ? far : Number.POSITIVE_INFINITY;
}

function logDensity(shape: BetaShape, point: Point): number {
  return logKernel(shape, point) - Math.log(point.x) - Math.log(point.y);
}

/**
 * Density of Beta(a, b) at x: x^(a-1) (1-x)^(b-1) / B(a, b).
 *
 * @param input shapes a, b in (0, 1e12], x in [0, 1]
 * @returns 0 or more, and Infinity at an end whose shape is below 1; relative error below 1e-12 for shapes 0.5 to 1e7.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: deviances instead of log-gammas. Source: C. Loader, 2000.
 *
 * @example
 * betaPdf({ a: 2, b: 3, x: 0.25 }); // 1.6875
 */
export function betaPdf(input: BetaAt): number {
  const { shape, point } = prepared(input);
  if (point.x === 0) return densityAtEnd(shape.a, shape.b);
  if (point.y === 0) return densityAtEnd(shape.b, shape.a);
  return Math.exp(logDensity(shape, point));
}

/**
 * Distribution function of Beta(a, b) at x: the regularised incomplete beta function I_x(a, b).
 *
 * @param input shapes a, b in (0, 1e12], x in [0, 1]
 * @returns in [0, 1]; relative error below 1e-11 for shapes 0.5 to 1e7, also where it is 1e-300.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: continued fraction on the side of the smaller tail. Source: NIST DLMF 8.17.22.
 *
 * @example
 * betaCdf({ a: 2, b: 3, x: 0.25 }); // 0.26171875
 */
export function betaCdf(input: BetaAt): number {
  const { shape, point } = prepared(input);
  return Math.exp(logTails(shape, point).lower);
}

/**
 * Upper tail of Beta(a, b) at x: 1 - I_x(a, b), accurate when tiny.
 *
 * @param input shapes a, b in (0, 1e12], x in [0, 1]
 * @returns in [0, 1]; accuracy as for {@link betaCdf}.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * @example
 * betaSf({ a: 2, b: 3, x: 0.25 }); // 0.73828125
 */
export function betaSf(input: BetaAt): number {
  const { shape, point } = prepared(input);
  return Math.exp(logTails(shape, point).upper);
}

/** The point with this much probability below it, as a pair. */
function lowerPoint(shape: BetaShape, p: number): Point {
  if (p <= 0.5) return pointAt(lowerLogit(shape, Math.log(p)));
  return upperPoint(shape, 1 - p);
}

/** The point with this much probability above it, as a pair. */
function upperPoint(shape: BetaShape, p: number): Point {
  const { x, y } = lowerPoint({ ...shape, a: shape.b, b: shape.a }, p);
  return { x: y, y: x };
}

/**
 * Quantile of Beta(a, b): the x with I_x(a, b) = p.
 *
 * @param input shapes a, b in (0, 1e12], p in [0, 1]; p = 0 gives 0 and p = 1 gives 1
 * @returns in [0, 1]; relative error below 1e-12 for shapes 0.5 to 1e7. 0 where the quantile is below 1e-304.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: Newton on the log of the smaller tail against logit x, kept in a bracket; 5 to 10 steps.
 *
 * @example
 * betaQuantile({ a: 2, b: 3, p: 0.5 }); // 0.3857275681323896
 */
export function betaQuantile({
  a,
  b,
  p,
}: {
  readonly a: number;
  readonly b: number;
  readonly p: number;
}): number {
  checkShapes({ a, b });
  checkUnit("p", p);
  return p === 0 || p === 1 ? p : lowerPoint(betaShape(a, b), p).x;
}

/**
 * Equal-tailed interval of Beta(a, b): probability (1 - level)/2 outside at either end.
 *
 * @param input shapes a, b in (0, 1e12], level in (0, 1)
 * @returns [low, high]; each end as accurate as {@link betaQuantile}.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * @example
 * betaInterval({ a: 2, b: 3, level: 0.95 }); // [0.06758598648854, 0.80587955031675]
 */
export function betaInterval({ a, b, level }: BetaLevel): Interval {
  checkShapes({ a, b });
  checkInside("level", level);
  const shape = betaShape(a, b);
  const tail = (1 - level) / 2;
  return [lowerPoint(shape, tail).x, upperPoint(shape, tail).x];
}

// With less lower-tail mass than this the lower end is nearer to 0 than any width can tell.
const LOG_MASS_MIN = -650;

/** Highest-density interval for 1 < a <= b, as the points of its ends. */
function interiorHdi(shape: BetaShape, outside: number): readonly [Point, Point] {
  const endsAt = (logMass: number): readonly [Point, Point] => [
    pointAt(lowerLogit(shape, logMass)),
    upperPoint(shape, outside - Math.exp(logMass)),
  ];
  const imbalance = (logMass: number): number => {
    const [low, high] = endsAt(logMass);
    return logDensity(shape, low) - logDensity(shape, high);
  };
  // The lower tail holds at most half of what is left out, because the lower end is the steeper one.
  const most = Math.log(outside / 2);
  if (imbalance(LOG_MASS_MIN) >= 0) return [{ x: 0, y: 1 }, upperPoint(shape, outside)];
  const guesses = [most - 0.1, most] as const;
  return endsAt(rootOf(imbalance, { low: LOG_MASS_MIN, high: most + 1e-9, guesses, tolerance: 1e-12 }));
}

/**
 * Highest-density interval of Beta(a, b): the shortest one that holds probability `level`.
 *
 * Where the density is highest at an end, the interval starts there: [0, q(level)] for a <= 1 < b and
 * [q(1 - level), 1] for b <= 1 < a. With both shapes at most 1 it is the equal-tailed interval, by convention.
 *
 * @param input shapes a, b in (0, 1e12], level in (0, 1)
 * @returns [low, high]; error below 1e-9 of the width for shapes 0.5 to 1e7.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: the lower-tail mass at which both ends have the same density, sought in its logarithm because it may be
 * astronomically small.
 *
 * @example
 * betaHdi({ a: 2, b: 2, level: 0.95 }); // [0.09429932405025, 0.90570067594975]
 */
export function betaHdi({ a, b, level }: BetaLevel): Interval {
  checkShapes({ a, b });
  checkInside("level", level);
  if (a <= 1 && b <= 1) return betaInterval({ a, b, level });
  const outside = 1 - level;
  if (a <= 1) return [0, upperPoint(betaShape(a, b), outside).x];
  if (b <= 1) return [lowerPoint(betaShape(a, b), outside).x, 1];
  const [low, high] = interiorHdi(betaShape(Math.min(a, b), Math.max(a, b)), outside);
  return a <= b ? [low.x, high.x] : [high.y, low.y];
}
