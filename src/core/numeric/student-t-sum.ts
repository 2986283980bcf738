/**
 * The sum V = s1 T1 + s2 T2 of two independent scaled t variables: tail and mean excess.
 */
import { pointAt } from "./incomplete-beta.js";
import { logIntegral, panelIntegral } from "./quadrature.js";
import { logStudentDensity, logStudentExcess, logStudentTail, type StudentT } from "./student-t.js";

/** The variable scale T. */
export interface Scaled {
  readonly t: StudentT;
  readonly scale: number;
}

/** ln of a function of the second variable's tail, at a distance of 0 or more. */
type LogTailOf = (distance: number) => number;

const logDensity = ({ t, scale }: Scaled, x: number): number =>
  logStudentDensity(t, x / scale) - Math.log(scale);

/** Integral over v in (0, d) of f(v) tail(d - v): two humps at times, the one at 0 and the other at d. */
function between(first: Scaled, logTailOf: LogTailOf, d: number, finest: number): number {
  if (d === 0) return 0;
  const term = (z: number): number => {
    const { x, y } = pointAt(z);
    return Math.exp(logDensity(first, d * x) + logTailOf(d * y)) * (d * x * y);
  };
  // In the logit both ends are resolved on any scale; e^-40 of the finer scale is nothing.
  const reach = 40 + Math.max(0, Math.log(d) - Math.log(finest));
  const count = 2 * Math.ceil(reach / 4);
  return panelIntegral(
    term,
    Array.from({ length: count + 1 }, (_, k) => reach * ((2 * k) / count - 1)),
  );
}

/**
 * Integrals over v of f(v) tail(|d - v|), left and right of d; f is the density of the first variable.
 *
 * Outwards from 0 and d the integrand times the distance w has one hump: w times the falling rate of either factor only
 * grows with w.
 */
function sidesOf(
  first: Scaled,
  logTailOf: LogTailOf,
  d: number,
  finest: number,
): { readonly left: number; readonly right: number } {
  const outwards = (logOf: (w: number) => number): number =>
    Math.exp(logIntegral((z) => logOf(Math.exp(z)) + z));
  const beyond = outwards((w) => logDensity(first, w) + logTailOf(d + w));
  return {
    left: beyond + between(first, logTailOf, d, finest),
    right: outwards((w) => logDensity(first, d + w) + logTailOf(w)),
  };
}

// A scale this much finer than the other one is as good as none.
const FINEST = 1e-150;
const DISTANCE_MAX = 1e250;

/**
 * The same in units of the larger scale, which keeps distances well inside double precision's range, and in an order of
 * its own, so that exchanging the two changes nothing.
 */
function inUnits(
  first: Scaled,
  second: Scaled,
  d: number,
): { readonly unit: number; readonly pair: readonly [Scaled, Scaled]; readonly distance: number } {
  const unit = Math.max(first.scale, second.scale);
  const scaled = ({ t, scale }: Scaled): Scaled => ({ t, scale: Math.max(scale / unit, FINEST) });
  const inOrder = first.scale === second.scale ? first.t.nu < second.t.nu : first.scale < second.scale;
  const [one, two] = inOrder ? [first, second] : [second, first];
  return { unit, pair: [scaled(one), scaled(two)], distance: Math.min(d / unit, DISTANCE_MAX) };
}

/**
 * P(V > d) for d >= 0, with full relative accuracy.
 *
 * P = P(V1 > d) + integral of f1(v) sign(d - v) P(V2 > |d - v|): the part taken away is at most half of the first term.
 */
export function tailOfSum(first: Scaled, second: Scaled, d: number): number {
  if (d === 0) return 0.5;
  const { pair, distance } = inUnits(first, second, d);
  const [one, two] = pair;
  const logTailOf = ({ t, scale }: Scaled, x: number): number => logStudentTail(t, x / scale);
  const bound = pair.reduce((sum, each) => sum + Math.exp(logTailOf(each, distance / 2)), 0);
  if (!(bound > 0)) return 0;
  const finest = Math.min(one.scale, two.scale);
  const { left, right } = sidesOf(one, (x) => logTailOf(two, x), distance, finest);
  return Math.min(Math.exp(logTailOf(one, distance)) - right + left, 0.5);
}

/**
 * E max(V - d, 0) for d >= 0, both with more than one degree of freedom; nothing cancels.
 *
 * E max(V1 + V2 - d, 0) = E max(V1 - d, 0) + integral of f1(v) E max(V2 - |d - v|, 0).
 */
export function excessOfSum(first: Scaled, second: Scaled, d: number): number {
  const { unit, pair, distance } = inUnits(first, second, d);
  const [one, two] = pair;
  const logExcessOf = ({ t, scale }: Scaled, x: number): number =>
    logStudentExcess(t, x / scale) + Math.log(scale);
  const bound = pair.reduce((sum, each) => sum + Math.exp(logExcessOf(each, distance / 2)), 0);
  if (!(bound > 0)) return 0;
  const finest = Math.min(one.scale, two.scale);
  const { left, right } = sidesOf(one, (x) => logExcessOf(two, x), distance, finest);
  return unit * (Math.exp(logExcessOf(one, distance)) + left + right);
}
