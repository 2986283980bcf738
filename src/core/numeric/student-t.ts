/**
 * Student's t distribution: density, tail and mean excess in logarithms, and its distribution function.
 */
import { checkShapes } from "../check.js";
import { domainError } from "../errors.js";
import { type BetaShape, betaShape, logTails, type Point, tailRatio } from "./incomplete-beta.js";
import { stirlingError } from "./special.js";

/** A t distribution with what its functions need at every point. */
export interface StudentT {
  /** degrees of freedom */
  readonly nu: number;
  /** Beta(nu/2, 1/2), the distribution of nu/(nu + T^2) */
  readonly shape: BetaShape;
  /** ln of the density at 0 */
  readonly logPeak: number;
}

const LOG_TWO_PI = 1.8378770664093453;

/** Prepares t with nu degrees of freedom. */
export function studentT(nu: number): StudentT {
  const a = nu / 2;
  const rise = a * Math.log1p(0.5 / a) - 0.5 + stirlingError(a + 0.5) - stirlingError(a);
  return { nu, shape: betaShape(a, 0.5), logPeak: rise - LOG_TWO_PI / 2 };
}

// From here on x^2/nu + 1 is x^2/nu, and x^2 may be more than a double holds.
const SQUARE_MAX = 1e16;

const squareOf = ({ nu }: StudentT, x: number): number => (x / nu) * x;

/** ln(1 + x^2/nu). */
function logSpread(t: StudentT, x: number): number {
  const square = squareOf(t, x);
  return square < SQUARE_MAX ? Math.log1p(square) : 2 * Math.log(x) - Math.log(t.nu);
}

const betaPoint = (square: number): Point => ({ x: 1 / (1 + square), y: square / (1 + square) });

/** ln of the density at x >= 0. */
export function logStudentDensity(t: StudentT, x: number): number {
  return t.logPeak - ((t.nu + 1) / 2) * logSpread(t, x);
}

/** ln P(T > x) for x >= 0. */
export function logStudentTail(t: StudentT, x: number): number {
  const square = squareOf(t, x);
  if (square < SQUARE_MAX) return logTails(t.shape, betaPoint(square)).lower - Math.LN2;
  // The incomplete beta function's first term, by now its only one.
  const { a, total, logConstant } = t.shape;
  return logConstant + a * (Math.log(total / a) - logSpread(t, x)) + Math.log(total / 2) / 2 - Math.log(a);
}

/**
 * ln E max(T - x, 0) for x >= 0 and nu > 1.
 *
 * E = f(x) [(nu + x^2)/(nu - 1) - x P(T > x)/f(x)]. In the tail P/f is taken from the continued fraction alone: the two
 * terms cancel to about 1/x^2, which logarithms of far tails would not survive.
 */
export function logStudentExcess(t: StudentT, x: number): number {
  const { nu, shape } = t;
  const square = squareOf(t, x);
  const density = logStudentDensity(t, x);
  // Beyond this the excess is x/(nu - 1) tails.
  if (square >= SQUARE_MAX) return logStudentTail(t, x) + Math.log(x) - Math.log(nu - 1);
  const point = betaPoint(square);
  const inTail = point.x * (shape.total + 2) < shape.a + 1;
  const rest = inTail ? (x * tailRatio(shape, point)) / 2 : Math.exp(logStudentTail(t, x) - density);
  return density + Math.log((nu + x * x) / (nu - 1) - x * rest);
}

/**
 * Distribution function of Student's t with nu degrees of freedom at x.
 *
 * P(T <= x) = I_y(nu/2, 1/2)/2 with y = nu/(nu + x^2) for x <= 0.
 *
 * @param input x any number, infinities included; nu in (0, 1e12]
 * @returns in [0, 1]; relative error below 1e-11 for nu 0.5 to 1e7, down to 1e-300.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: the incomplete beta function, on the side of the smaller tail. Source: NIST DLMF 8.17.2.
 *
 * @example
 * studentTCdf({ x: -12, nu: 3 }); // 0.00062250790039467
 */
export function studentTCdf({ x, nu }: { readonly x: number; readonly nu: number }): number {
  if (typeof x !== "number" || Number.isNaN(x)) domainError("x", x, "a number");
  checkShapes({ nu });
  const tail = Math.exp(logStudentTail(studentT(nu), Math.abs(x)));
  return x <= 0 ? tail : 1 - tail;
}
