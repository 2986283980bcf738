/**
 * Ratios of gamma functions at complex arguments, for integrals along a vertical line.
 */
import { STIRLING, stirlingError } from "./special.js";

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

// With a and a + Re s both at least this, eight terms of Stirling's series are exact to double precision.
const SERIES_FROM = 12;

/** 1/3 + v/5 + v^2/7 + ...: the tail of 2 atanh, whose argument here stays below 1/7. */
const ATANH = [1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13, 1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23] as const;

function times(p: Complex, q: Complex): Complex {
  return { re: p.re * q.re - p.im * q.im, im: p.re * q.im + p.im * q.re };
}

function over(p: Complex, q: Complex): Complex {
  const size = q.re * q.re + q.im * q.im;
  return { re: (p.re * q.re + p.im * q.im) / size, im: (p.im * q.re - p.re * q.im) / size };
}

/** Value of a polynomial with real coefficients at a complex point. */
function complexPolynomial(coefficients: readonly number[], z: Complex): Complex {
  let re = 0;
  let im = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) {
    const next = re * z.re - im * z.im + (coefficients[k] as number);
    im = re * z.im + im * z.re;
    re = next;
  }
  return { re, im };
}

/** delta(z), what Stirling's formula misses, for Re z >= 12. */
function complexStirlingError(z: Complex): Complex {
  const inverse = over({ re: 1, im: 0 }, z);
  return times(inverse, complexPolynomial(STIRLING, times(inverse, inverse)));
}

/** ln(1 + w) - w for |w| < 1/4, by 2 atanh(v) with v = w/(2 + w). */
function logRemainder(w: Complex): Complex {
  const v = over(w, { re: 2 + w.re, im: w.im });
  const square = times(v, v);
  const cubic = times(times(v, square), complexPolynomial(ATANH, square));
  const linear = times(w, v);
  return { re: 2 * cubic.re - linear.re, im: 2 * cubic.im - linear.im };
}

/** ln |re + i im|, by Math.hypot, which takes ten times as long, only where the square would be no normal double. */
function logSize(re: number, im: number): number {
  const square = re * re + im * im;
  return square > 1e-280 && square < 1e280 ? Math.log(square) / 2 : Math.log(Math.hypot(re, im));
}

/** L = ln((a + s)/a) and L - s/a, each without cancellation. */
function logRatio(a: number, s: Complex): { readonly log: Complex; readonly remainder: Complex } {
  const w = { re: s.re / a, im: s.im / a };
  if (w.re * w.re + w.im * w.im < 0.0625) {
    const remainder = logRemainder(w);
    return { log: { re: w.re + remainder.re, im: w.im + remainder.im }, remainder };
  }
  // a + s first: near s = -a the quotient s/a has lost the digits that count.
  const sum = a + s.re;
  const log = { re: logSize(sum / a, s.im / a), im: Math.atan2(s.im, sum) };
  return { log, remainder: { re: log.re - w.re, im: log.im - w.im } };
}

/** One gamma ratio along a line of constant real part: its parameter raised to where the series holds. */
export interface GammaRatio {
  readonly a: number;
  readonly steps: number;
  readonly raised: number;
  readonly stirling: number;
}

/** Prepares Gamma(a + s)/Gamma(a) for all s of this real part, which is above -a. */
export function gammaRatio(a: number, real: number): GammaRatio {
  const steps = Math.max(0, Math.ceil(SERIES_FROM - a), Math.ceil(SERIES_FROM - a - real));
  const raised = a + steps;
  return { a, steps, raised, stirling: stirlingError(raised) };
}

/**
 * ln Gamma(a + s) - ln Gamma(a) - s ln(raised), with `raised` from {@link gammaRatio}.
 *
 * The terms s ln(raised) of several ratios are left to the caller, because they nearly cancel.
 *
 * Method: with A = raised and L = ln(1 + s/A), A (L - s/A) + (s - 1/2) L + delta(A + s) - delta(A), less
 * ln(1 + s/(a + j)) for each step j. The imaginary part is right up to a multiple of 2 pi. Absolute error about 1e-15 of the largest term.
 * Source: NIST DLMF 5.11.1.
 */
export function logGammaRatio({ a, steps, raised, stirling }: GammaRatio, s: Complex): Complex {
  const { log, remainder } = logRatio(raised, s);
  const product = times({ re: s.re - 0.5, im: s.im }, log);
  const error = complexStirlingError({ re: raised + s.re, im: s.im });
  const re = raised * remainder.re + product.re + error.re - stirling;
  const im = raised * remainder.im + product.im + error.im;
  if (steps === 0) return { re, im };
  // One logarithm of the product of all steps instead of one for each.
  let stepsRe = 1;
  let stepsIm = 0;
  for (let j = 0; j < steps; j++) {
    const base = a + j;
    const factorRe = (base + s.re) / base;
    const factorIm = s.im / base;
    const next = stepsRe * factorRe - stepsIm * factorIm;
    stepsIm = stepsRe * factorIm + stepsIm * factorRe;
    stepsRe = next;
  }
  return { re: re - logSize(stepsRe, stepsIm), im: im - Math.atan2(stepsIm, stepsRe) };
}
