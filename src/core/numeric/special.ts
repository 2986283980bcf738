/**
 * Special functions that the distributions are built from.
 *
 * None of them forms a difference of log-gammas: at 1e7 a log-gamma is about 1.5e8, and a difference of two keeps no
 * more than eight digits. What is large cancels on paper, and only the small remainders are computed.
 */

/** A number as an unevaluated sum: `high` is the rounded value, `low` what rounding lost. */
export interface Exact {
  readonly high: number;
  readonly low: number;
}

const LOG_TWO_PI = 1.8378770664093453;

/** Bernoulli numbers over 2k(2k-1): the Stirling series of ln Gamma in odd powers of 1/x. */
export const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
] as const;

// Bernoulli numbers B(2k): trigamma's series; over 2k they are digamma's.
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510] as const;

const SERIES_FROM = 10;

/** Value of the polynomial with these coefficients, constant first. */
export function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + (coefficients[k] as number);
  return sum;
}

/**
 * What Stirling's formula misses: delta(a) = ln Gamma(a) - [(a - 1/2) ln a - a + ln(2 pi)/2].
 *
 * @param a in (0, inf)
 * @returns above 0, about 1/(12 a); absolute error below 1e-15 from 0.5 up.
 *
 * Method: the asymptotic series from 10 up; below, delta(a) - delta(a+1) = (a + 1/2) ln(1 + 1/a) - 1, summed upwards.
 * Source: NIST DLMF 5.11.1.
 */
export function stirlingError(a: number): number {
  let x = a;
  let steps = 0;
  for (; x < SERIES_FROM; x++) {
    // ln(1 + 1/x) in a form that does not overflow for subnormal x.
    steps += (x + 0.5) * (Math.log1p(x) - Math.log(x)) - 1;
  }
  return steps + polynomial(STIRLING, 1 / (x * x)) / x;
}

/**
 * Deviance term bd0(x, m) = x ln(x/m) + m - x, without cancellation where x is near m.
 *
 * @param x in (0, inf)
 * @param m in (0, inf)
 * @returns 0 or more; relative error of a few units in the last place.
 *
 * Source: C. Loader, Fast and accurate computation of binomial probabilities, 2000.
 */
export function deviance(x: number, m: number): number {
  const v = (x - m) / (x + m);
  if (Math.abs(v) >= 0.25) return x * Math.log(x / m) + m - x;
  const square = v * v;
  let sum = (x - m) * v;
  let power = 2 * x * v;
  for (let k = 3; ; k += 2) {
    power *= square;
    const next = sum + power / k;
    if (next === sum) return sum;
    sum = next;
  }
}

/** a + b with the rounding error (Knuth's two-sum). */
export function exactSum(a: number, b: number): Exact {
  const high = a + b;
  const part = high - a;
  return { high, low: a - (high - part) + (b - part) };
}

const SPLITTER = 134217729;

/** a b with the rounding error (Dekker's product), for |a|, |b| below 1e150. */
export function exactProduct(a: number, b: number): Exact {
  const high = a * b;
  const aSplit = SPLITTER * a;
  const aHigh = aSplit - (aSplit - a);
  const aLow = a - aHigh;
  const bSplit = SPLITTER * b;
  const bHigh = bSplit - (bSplit - b);
  const bLow = b - bHigh;
  return { high, low: aHigh * bHigh - high + aHigh * bLow + aLow * bHigh + aLow * bLow };
}

/** p[0] q[1] - p[1] q[0], rounded about once: nearly equal products lose no digits. */
export function determinant(p: readonly [number, number], q: readonly [number, number]): number {
  const first = exactProduct(p[0], q[1]);
  const second = exactProduct(p[1], q[0]);
  return first.high - second.high + (first.low - second.low);
}

/**
 * Digamma, the derivative of ln Gamma, for x in (0, inf).
 *
 * Method: recurrence up to 10, then the asymptotic series. Absolute error below 1e-14 from 0.5 up.
 * Source: NIST DLMF 5.5.2, 5.11.2.
 */
export function digamma(x: number): number {
  let z = x;
  let shift = 0;
  for (; z < SERIES_FROM; z++) shift += 1 / z;
  const inverse = 1 / (z * z);
  let sum = 0;
  for (let k = BERNOULLI.length; k >= 1; k--) sum = (sum + (BERNOULLI[k - 1] as number) / (2 * k)) * inverse;
  return Math.log(z) - 0.5 / z - sum - shift;
}

/**
 * Trigamma, the second derivative of ln Gamma, for x in (0, inf).
 *
 * Method: as for digamma. Relative error below 1e-14. Source: NIST DLMF 5.15.
 */
export function trigamma(x: number): number {
  let z = x;
  let shift = 0;
  for (; z < SERIES_FROM; z++) shift += 1 / (z * z);
  const inverse = 1 / (z * z);
  return shift + (1 + 0.5 / z + polynomial(BERNOULLI, inverse) * inverse) / z;
}

/** ln[x^a e^-x / Gamma(a)] for a and x in (0, inf), the log density of ln X at ln x for X ~ Gamma(a, 1). */
export function logGammaKernel(a: number, x: number): number {
  return (Math.log(a) - LOG_TWO_PI) / 2 - deviance(a, x) - stirlingError(a);
}

const STEPS_MAX = 1e5;

/**
 * Lower incomplete gamma over its kernel, for x up to about a.
 *
 * The limit for a large second shape of the continued fraction of the incomplete beta function; about 20 steps, and some
 * a^(1/3) of them right at the mean. Source: DiDonato and Morris, Algorithm 708 (BFRAC), 1992.
 */
function lowerGammaRatio(a: number, x: number): number {
  const start = a - x + 1;
  let c = Number.POSITIVE_INFINITY;
  let d = (a + 1) / (a * start);
  let ratio = d;
  let factor = 0;
  for (let n = 1; n < STEPS_MAX && Math.abs(factor - 1) > 3e-16; n++) {
    const s = a + 2 * n - 1;
    const part = (n * x) / s;
    const alpha = part * x * ((a + n - 1) / s);
    const beta = n + part + ((a + n) / (s + 2)) * (start + 2 * n);
    d = 1 / (beta + alpha * d);
    c = beta + alpha / c;
    factor = c * d;
    ratio *= factor;
  }
  return ratio;
}

/** Upper incomplete gamma over its kernel: Lentz's continued fraction, DLMF 8.9.2. */
function upperGammaRatio(a: number, x: number): number {
  let b = x - a + 1;
  let c = Number.POSITIVE_INFINITY;
  let d = 1 / b;
  let ratio = d;
  let factor = 0;
  for (let k = 1; k < STEPS_MAX && Math.abs(factor - 1) > 3e-16; k++) {
    const numerator = k * (a - k);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    factor = c * d;
    ratio *= factor;
  }
  return ratio;
}

/**
 * Both tails of Gamma(a, 1) at x, as logarithms; the smaller is computed, the larger is its complement.
 *
 * @param a in (0, inf)
 * @param x in [0, inf]
 * @returns each 0 or less; the tail of the smaller has a relative error below 1e-12 for a up to 1e7.
 *
 * Method: continued fractions of either side. Source: NIST DLMF 8.7.1, 8.9.2.
 */
export function logGammaTails(a: number, x: number): { readonly lower: number; readonly upper: number } {
  const kernel = logGammaKernel(a, x);
  if (x < a + 1) {
    const lower = Math.min(kernel + Math.log(lowerGammaRatio(a, x)), 0);
    return { lower, upper: Math.log1p(-Math.exp(lower)) };
  }
  const upper = Math.min(kernel + Math.log(upperGammaRatio(a, x)), 0);
  return { lower: Math.log1p(-Math.exp(upper)), upper };
}

/**
 * Regularised upper incomplete gamma Q(a, x), the upper tail of Gamma(a, 1) at x.
 *
 * @param a in (0, inf)
 * @param x in [0, inf)
 * @returns in [0, 1]; relative error below 1e-12 for a up to 1e7, however small the tail.
 */
export function gammaUpper(a: number, x: number): number {
  return x === 0 ? 1 : Math.exp(logGammaTails(a, x).upper);
}
