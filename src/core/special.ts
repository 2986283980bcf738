/**
 * Special functions the Beta family is built on, arranged so that nothing large cancels: at parameters of 1e7 a bare
 * difference of log-gammas is good to 1e-8 only.
 *
 * Source: Loader 2000, "Fast and accurate computation of binomial probabilities" (deviance and Stirling error);
 * Abramowitz and Stegun 6.1.41, 6.3.18, 6.4.12 (asymptotic series).
 */

const HALF_LOG_2PI = 0.9189385332046727;

/** From here on the asymptotic series below have reached full precision. */
const ASYMPTOTIC_FROM = 10;

// Bernoulli numbers over 2k(2k-1), for ln Gamma.
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
] as const;

/** sum of coefficients[k] x^-(2k+1) */
function oddPowers(coefficients: readonly number[], x: number): number {
  const r = 1 / (x * x);
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k -= 1) sum = sum * r + (coefficients[k] as number);
  return sum / x;
}

/** Stirling's approximation of ln Gamma, without its error: (a - 1/2) ln a - a + ln(2 pi)/2. */
function stirling(a: number): number {
  return (a - 0.5) * Math.log(a) - a + HALF_LOG_2PI;
}

/** Error of Stirling's approximation: ln Gamma(a) - [(a - 1/2) ln a - a + ln(2 pi)/2], a > 0. */
export function stirlingError(a: number): number {
  if (a >= ASYMPTOTIC_FROM) return oddPowers(STIRLING, a);
  let x = a;
  let product = 1;
  for (; x < ASYMPTOTIC_FROM; x += 1) product *= x;
  return oddPowers(STIRLING, x) + stirling(x) - Math.log(product) - stirling(a);
}

/** x ln(x/m) + m - x, x >= 0, m > 0, without cancelling near x = m. */
export function deviance(x: number, m: number): number {
  const difference = x - m;
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = difference / (x + m);
  let sum = difference * v;
  let term = 2 * x * v;
  for (let j = 3; ; j += 2) {
    term *= v * v;
    const next = sum + term / j;
    if (next === sum) return next;
    sum = next;
  }
}

/** ln[x^a y^b / B(a, b)] with y = 1 - x given, so that neither end loses digits. */
export function logBetaKernel(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const spread = Math.log(a / (2 * Math.PI)) + Math.log(b / n);
  return (
    -deviance(a, n * x) -
    deviance(b, n * y) +
    0.5 * spread -
    stirlingError(a) -
    stirlingError(b) +
    stirlingError(n)
  );
}

const DIGAMMA = [-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12] as const;
const TRIGAMMA = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6] as const;

/** psi(x), x > 0. */
export function digamma(x: number): number {
  let shifted = x;
  let below = 0;
  for (; shifted < ASYMPTOTIC_FROM; shifted += 1) below += 1 / shifted;
  return Math.log(shifted) - 0.5 / shifted + oddPowers(DIGAMMA, shifted) / shifted - below;
}

/** psi'(x), x > 0. */
export function trigamma(x: number): number {
  let shifted = x;
  let below = 0;
  for (; shifted < ASYMPTOTIC_FROM; shifted += 1) below += 1 / (shifted * shifted);
  const square = shifted * shifted;
  return below + 1 / shifted + 0.5 / square + oddPowers(TRIGAMMA, shifted) / square;
}

const FRACTION_EPSILON = 3e-16;

/** Upper regularised incomplete gamma Q(a, x) = Gamma(a, x)/Gamma(a), a > 0, x >= 0. */
export function gammaQ(a: number, x: number): number {
  if (x === 0) return 1;
  const logKernel = -deviance(a, x) - stirlingError(a) + 0.5 * Math.log(a / (2 * Math.PI));
  if (x < a + 1) return 1 - Math.exp(logKernel) * gammaSeries(a, x);
  return Math.exp(logKernel) * gammaFraction(a, x);
}

/** P(a, x) Gamma(a) e^x / x^a */
function gammaSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * FRACTION_EPSILON; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Q(a, x) Gamma(a) e^x / x^a, by modified Lentz. */
function gammaFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = Number.POSITIVE_INFINITY;
  let d = 1 / b;
  let h = d;
  for (let n = 1; ; n += 1) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const step = c * d;
    h *= step;
    if (Math.abs(step - 1) < FRACTION_EPSILON) return h;
  }
}
