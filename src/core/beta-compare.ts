/**
 * Two independent Beta variables: which is larger, and what a wrong choice costs.
 *
 * P(X > Y) by a Mellin-Barnes integral. With T = logit X - logit Y, K(s) = ln E exp(sT) is a sum of differences of
 * log-gammas, and for 0 < c < min(bX, aY)
 *
 *     P(X > Y) = (1 / 2 pi i) * integral over Re s = c of exp(K(s)) / s ds.
 *
 * On the vertical line through the saddle point nothing cancels and the trapezoid rule converges exponentially, so the
 * smaller of the two probabilities comes out with full relative accuracy, however small it is.
 */
import { checkParameters } from "./beta.js";
import { lossIntegral } from "./beta-difference.js";
import { digamma, logBetaKernel, stirlingError, trigamma } from "./special.js";

/** X ~ Beta(aX, bX) and Y ~ Beta(aY, bY), independent. */
export interface BetaPair {
  readonly aX: number;
  readonly bX: number;
  readonly aY: number;
  readonly bY: number;
}

/** Log-gammas of smaller arguments are shifted up before the asymptotic series. */
const SHIFT_TO = 12;
const SADDLE_STEPS = 80;
const SADDLE_TOLERANCE = 1e-3;
const TERM_MIN = 1e-18;

/** One of the four gammas of K(s): ln Gamma(a + sign s) - ln Gamma(a), with what does not depend on s. */
interface GammaTerm {
  readonly a: number;
  readonly sign: 1 | -1;
  /** a + steps; the steps between are taken one by one */
  readonly steps: number;
  readonly shifted: number;
  readonly error: number;
}

function gammaTerm(a: number, sign: 1 | -1, c: number): GammaTerm {
  const smallest = Math.min(a, a + sign * c);
  const steps = Math.max(0, Math.ceil(SHIFT_TO - smallest));
  return { a, sign, steps, shifted: a + steps, error: stirlingError(a + steps) };
}

/** A complex number that is added to: this is the inner loop, and must not allocate. */
interface Sum {
  re: number;
  im: number;
}

/** Below this |u| the logarithm minus its argument is summed as a series. */
const SERIES_MAX = 0.0625;

/** sum += factor * [ln(1 + u) - u] and (t - 1/2) ln(1 + u), with u = t / a. */
function addStirlingPart(sum: Sum, a: number, tRe: number, tIm: number): void {
  const uRe = tRe / a;
  const uIm = tIm / a;
  const square = uRe * uRe + uIm * uIm;
  const logRe = 0.5 * Math.log1p(2 * uRe + square);
  const logIm = Math.atan2(uIm, 1 + uRe);
  let restRe = logRe - uRe;
  let restIm = logIm - uIm;
  if (square < SERIES_MAX) {
    // ln(1 + u) - u = -u^2/(2 + u) + 2 v^3 (1/3 + v^2/5 + ...), v = u/(2 + u)
    const dRe = 2 + uRe;
    const norm = dRe * dRe + uIm * uIm;
    const vRe = (uRe * dRe + uIm * uIm) / norm;
    const vIm = (uIm * dRe - uRe * uIm) / norm;
    const wRe = vRe * vRe - vIm * vIm;
    const wIm = 2 * vRe * vIm;
    let seriesRe = 0;
    let seriesIm = 0;
    for (let k = 23; k >= 3; k -= 2) {
      const re = 1 / k + wRe * seriesRe - wIm * seriesIm;
      seriesIm = wRe * seriesIm + wIm * seriesRe;
      seriesRe = re;
    }
    const cubeRe = wRe * vRe - wIm * vIm;
    const cubeIm = wRe * vIm + wIm * vRe;
    // u^2/(2 + u) = u v
    restRe = 2 * (cubeRe * seriesRe - cubeIm * seriesIm) - (uRe * vRe - uIm * vIm);
    restIm = 2 * (cubeRe * seriesIm + cubeIm * seriesRe) - (uRe * vIm + uIm * vRe);
  }
  sum.re += a * restRe + (tRe - 0.5) * logRe - tIm * logIm;
  sum.im += a * restIm + (tRe - 0.5) * logIm + tIm * logRe;
}

const STIRLING = [
  -3617 / 122400,
  1 / 156,
  -691 / 360360,
  1 / 1188,
  -1 / 1680,
  1 / 1260,
  -1 / 360,
  1 / 12,
] as const;

/** sum += Stirling error of the complex z, Re z >= 12 */
function addStirlingError(sum: Sum, re: number, im: number): void {
  const norm = re * re + im * im;
  const iRe = re / norm;
  const iIm = -im / norm;
  const rRe = iRe * iRe - iIm * iIm;
  const rIm = 2 * iRe * iIm;
  let pRe = 0;
  let pIm = 0;
  for (const coefficient of STIRLING) {
    const next = coefficient + rRe * pRe - rIm * pIm;
    pIm = rRe * pIm + rIm * pRe;
    pRe = next;
  }
  sum.re += pRe * iRe - pIm * iIm;
  sum.im += pRe * iIm + pIm * iRe;
}

/** sum += ln Gamma(a + t) - ln Gamma(a) - t ln(shifted a), with t = sign (c + i omega). */
function addGamma(sum: Sum, term: GammaTerm, c: number, omega: number): void {
  const tRe = term.sign * c;
  const tIm = term.sign * omega;
  for (let step = 0; step < term.steps; step += 1) {
    const a = term.a + step;
    const uRe = tRe / a;
    const uIm = tIm / a;
    sum.re -= 0.5 * Math.log1p(2 * uRe + uRe * uRe + uIm * uIm);
    sum.im -= Math.atan2(uIm, 1 + uRe);
  }
  addStirlingPart(sum, term.shifted, tRe, tIm);
  addStirlingError(sum, term.shifted + tRe, tIm);
  sum.re -= term.error;
}

/** ln[(aX bY)/(bX aY)] of the shifted parameters, which is 0 up to rounding where they agree. */
function logOdds(aX: number, bX: number, aY: number, bY: number): number {
  const top = aX * bY;
  const bottom = bX * aY;
  const relative = (top - bottom) / bottom;
  return Math.abs(relative) < 0.5 ? Math.log1p(relative) : Math.log(aX / bX) + Math.log(bY / aY);
}

/** The saddle point of exp(K(c))/c on (0, top): where K'(c) = 1/c. */
function saddleOf({ aX, bX, aY, bY }: BetaPair, top: number): number {
  let low = 0;
  let high = top;
  for (let step = 0; step < SADDLE_STEPS && high - low > SADDLE_TOLERANCE * low; step += 1) {
    const c = (low + high) / 2;
    const slope = digamma(aX + c) - digamma(bX - c) - digamma(aY - c) + digamma(bY + c) - 1 / c;
    if (slope < 0) low = c;
    else high = c;
  }
  return (low + high) / 2;
}

/** P(X > Y) where it is the smaller side. */
function smallSide(pair: BetaPair): number {
  const { aX, bX, aY, bY } = pair;
  const top = Math.min(bX, aY);
  const c = saddleOf(pair, top);
  const curvature = trigamma(aX + c) + trigamma(bX - c) + trigamma(aY - c) + trigamma(bY + c);
  const h = Math.min((2 * Math.PI * Math.min(c, top - c)) / 37, 0.72 / Math.sqrt(curvature));
  const terms = [
    gammaTerm(aX, 1, c),
    gammaTerm(bX, -1, c),
    gammaTerm(aY, -1, c),
    gammaTerm(bY, 1, c),
  ] as const;
  const odds = logOdds(terms[0].shifted, terms[1].shifted, terms[2].shifted, terms[3].shifted);
  const sum: Sum = { re: 0, im: 0 };
  let atSaddle = 0;
  let total = 0;
  for (let k = 0; ; k += 1) {
    const omega = k * h;
    sum.re = c * odds;
    sum.im = omega * odds;
    for (const term of terms) addGamma(sum, term, c, omega);
    if (k === 0) {
      atSaddle = sum.re;
      total = 1 / c;
      continue;
    }
    const size = Math.exp(sum.re - atSaddle);
    // Re[exp(i im) / (c + i omega)], twice: the line is symmetric.
    total += (2 * size * (c * Math.cos(sum.im) + omega * Math.sin(sum.im))) / (c * c + omega * omega);
    if (!(size >= TERM_MIN)) break;
  }
  return (Math.exp(atSaddle) * total * h) / (2 * Math.PI);
}

const swapped = ({ aX, bX, aY, bY }: BetaPair): BetaPair => ({ aX: aY, bX: bY, aY: aX, bY: bX });

/** P(X > Y) and P(Y > X), the smaller of them computed, the other its complement. */
function sides(pair: BetaPair): { greater: number; less: number } {
  const { aX, bX, aY, bY } = pair;
  if (aX === aY && bX === bY) return { greater: 0.5, less: 0.5 };
  const drift = digamma(aX) - digamma(bX) - digamma(aY) + digamma(bY);
  const small = Math.min(1, smallSide(drift > 0 ? swapped(pair) : pair));
  return drift > 0 ? { greater: 1 - small, less: small } : { greater: small, less: 1 - small };
}

/**
 * P(X > Y) for independent X ~ Beta(aX, bX), Y ~ Beta(aY, bY).
 *
 * @param input parameters in (0, 1e12]
 * @returns a probability; the smaller of P and 1 - P has relative accuracy 1e-10 for parameters in [0.5, 1e7], to 1e-300
 * @throws DethroneError `numeric_domain`
 *
 * Method: Mellin-Barnes integral on the saddle line, trapezoid rule; no draws. 10 to 60 microseconds.
 * @example
 * probGreater({ aX: 39, bX: 63, aY: 31, bY: 71 }); // 0.8824192681771917
 */
export function probGreater(input: BetaPair): number {
  checkParameters(pick(input));
  return sides(input).greater;
}

const pick = ({ aX, bX, aY, bY }: BetaPair): Record<string, number> => ({ aX, bX, aY, bY });

/** Where the closed form of the loss cancels by more than this, it is integrated instead. */
const CANCELLATION_MAX = 20;

/**
 * Expected losses of choosing X and of choosing Y: E max(Y - X, 0) and E max(X - Y, 0).
 *
 * E max(Y - X, 0) = (mY - mX) P(Y > X) + H (1/nX + 1/nY), H = B(aX + aY, bX + bY) / (B(aX, bX) B(aY, bY)).
 *
 * @param input parameters in (0, 1e12]
 * @returns [loss if X is chosen, loss if Y is chosen], each in [0, 1], relative accuracy 1e-9 for parameters in [0.5, 1e7]
 * @throws DethroneError `numeric_domain`
 *
 * Method: the closed form; where its two parts cancel, the integral of P(X < z < Y), whose terms are all positive.
 * @example
 * expectedLoss({ aX: 1, bX: 1, aY: 1, bY: 1 }); // [0.16666666666666666, 0.16666666666666666]
 */
export function expectedLoss(input: BetaPair): readonly [number, number] {
  checkParameters(pick(input));
  const { aX, bX, aY, bY } = input;
  const nX = aX + bX;
  const nY = aY + bY;
  const p = (aX + aY) / (nX + nY);
  const q = (bX + bY) / (nX + nY);
  const logH =
    logBetaKernel(aX, bX, p, q) + logBetaKernel(aY, bY, p, q) - logBetaKernel(aX + aY, bX + bY, p, q);
  const spread = Math.exp(logH) * (1 / nX + 1 / nY);
  const gain = (aY * bX - aX * bY) / nX / nY;
  const { greater, less } = sides(input);
  const X = { a: aX, b: bX };
  const Y = { a: aY, b: bY };
  const loss = (closed: number, first: typeof X, second: typeof X): number =>
    spread <= CANCELLATION_MAX * closed ? closed : lossIntegral(first, second);
  return [loss(gain * less + spread, X, Y), loss(spread - gain * greater, Y, X)];
}
