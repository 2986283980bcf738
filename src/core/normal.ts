/**
 * The normal distribution: cdf to its far lower tail, quantile, density.
 */
import { domainError } from "./errors.js";

const SQRT2 = Math.SQRT2;
const SQRT_2PI = 2.5066282746310002;
// Beyond this the series would cancel against 1; the fraction converges within its bound from here on.
const SERIES_LIMIT = 1;

/** Density of the standard normal at x. */
export function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x) / SQRT_2PI;
}

/** exp(-z^2) with z^2 split into a rounded and a small part, which keeps the relative error at 1e-16 for large z. */
function expMinusSquare(z: number): number {
  const rounded = Math.round(z * 16) / 16;
  return Math.exp(-rounded * rounded) * Math.exp(-(z - rounded) * (z + rounded));
}

/** erf by its series, for small z: 2/sqrt(pi) e^(-z^2) sum 2^n z^(2n+1) / (2n+1)!!. */
function erfSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * expMinusSquare(z) * sum;
}

/** erfc by its continued fraction (Lentz), for large z > 0. */
function erfcFraction(z: number): number {
  let f = z;
  let c = z;
  let d = 0;
  for (let n = 1; n < 500; n += 1) {
    const a = n / 2;
    d = 1 / (z + a * d);
    c = z + a / c;
    const delta = c * d;
    f *= delta;
    if (Math.abs(delta - 1) < 1e-16) break;
  }
  return expMinusSquare(z) / (f * Math.sqrt(Math.PI));
}

/** Phi(x) for any finite x. */
export function phi(x: number): number {
  const z = Math.abs(x) / SQRT2;
  if (z < SERIES_LIMIT) return 0.5 * (1 + Math.sign(x) * erfSeries(z));
  const tail = 0.5 * erfcFraction(z);
  return x < 0 ? tail : 1 - tail;
}

// Wichura 1988, algorithm AS 241 (PPND16): coefficients of the three rational approximations.
const A = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
  67265.7709270087, 33430.57558358813, 2509.0809287301227,
];
const B = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
  28729.085735721943, 5226.495278852854,
];
const C = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
  0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
];
const D = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
];
const E = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
];
const F = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
  1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
];

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

const ratio = (top: readonly number[], bottom: readonly number[], x: number): number =>
  polynomial(top, x) / polynomial(bottom, x);

/** Phi^-1(p) for p in (0, 1). */
export function phiInverse(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(A, B, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  const x = r <= 5 ? ratio(C, D, r - 1.6) : ratio(E, F, r - 5);
  return q < 0 ? -x : x;
}

/**
 * Distribution function of the standard normal.
 *
 * @param x finite
 * @returns Phi(x), relative accuracy 1e-13 down to x = -37
 * @throws DethroneError `numeric_domain`
 *
 * Method: series of erf near 0, continued fraction of erfc (Lentz) beyond.
 * @example
 * normalCdf({ x: 0 }); // 0.5
 */
export function normalCdf({ x }: { readonly x: number }): number {
  if (!Number.isFinite(x)) domainError("x", x, "a finite number");
  return phi(x);
}

/**
 * Quantile of the standard normal.
 *
 * @param p in (0, 1)
 * @returns Phi^-1(p), relative accuracy 1e-15 down to p = 1e-300
 * @throws DethroneError `numeric_domain`
 *
 * Source: Wichura 1988, algorithm AS 241.
 * @example
 * normalQuantile({ p: 0.025 }); // -1.9599639845400538
 */
export function normalQuantile({ p }: { readonly p: number }): number {
  if (!(p > 0 && p < 1)) domainError("p", p, "a number in (0, 1)");
  return phiInverse(p);
}
