/**
 * Integrals over the real line of functions with one hump, given by their logarithm.
 */

// A limit of the line at which nothing known to this package is short of double precision's range.
const LIMIT = 600;
/** Far below the width of any hump of parameters up to 1e12. */
const PEAK_WIDTH = 1e-7;
/** Nodes to a side; shapes of 0.01 take half of it. */
const NODES_MAX = 4000;
const GOLDEN = 0.6180339887498949;

/** Where the hump is highest: golden section, which needs no more than one hump. */
function peakOf(logOf: (z: number) => number): number {
  let low = -LIMIT;
  let high = LIMIT;
  let left = high - GOLDEN * (high - low);
  let right = low + GOLDEN * (high - low);
  let atLeft = logOf(left);
  let atRight = logOf(right);
  while (high - low > PEAK_WIDTH) {
    if (atLeft > atRight) {
      high = right;
      right = left;
      atRight = atLeft;
      left = high - GOLDEN * (high - low);
      atLeft = logOf(left);
    } else {
      low = left;
      left = right;
      atLeft = atRight;
      right = low + GOLDEN * (high - low);
      atRight = logOf(right);
    }
  }
  return (low + high) / 2;
}

/** Distance from the peak, on this side and at most 1, at which the logarithm has fallen by 1: within a factor of 2. */
function fallOf(logOf: (z: number) => number, peak: number, side: 1 | -1): number {
  const top = logOf(peak);
  let distance = 1;
  while (distance > 1e-9 && !(logOf(peak + side * distance) > top - 1)) distance /= 2;
  return distance;
}

/** A trapezoid sum along one side of `start`, outwards until the terms no longer count. */
function sideSum(termOf: (z: number) => number, start: number, step: number): number {
  let sum = 0;
  let last = 0;
  let term = termOf(start);
  let z = start;
  for (let k = 0; k < NODES_MAX && Math.abs(z) < LIMIT; k++) {
    z += step;
    sum += term;
    last = term;
    term = termOf(z);
    // Negated, so that a NaN ends the sum as well.
    if (!(term > sum * 1e-19)) return sum;
  }
  // Out there the integrand is a pure exponential, so that what remains is a geometric series.
  return sum + term / (1 - Math.min(term / last, 1 - 1e-15));
}

/**
 * ln of the integral of exp(logOf(z)) over all real z, for an analytic integrand with one hump.
 *
 * Method: trapezoid rule, which converges exponentially on the whole line; the step starts near what the hump's width
 * asks for and is halved until two sums agree to 1e-10, by which time the finer is exact to rounding. Beyond |z| = 600 the
 * integrand is taken as exponential. About 150 evaluations.
 * Source: L. N. Trefethen, J. A. C. Weideman, The exponentially convergent trapezoidal rule, SIAM Review 56, 2014.
 */
export function logIntegral(logOf: (z: number) => number): number {
  const peak = peakOf(logOf);
  const top = logOf(peak);
  const termOf = (z: number): number => Math.exp(logOf(z) - top);
  const sumAt = (start: number, step: number): number =>
    sideSum(termOf, start, step) + sideSum(termOf, start - step, -step);
  let step = Math.min(fallOf(logOf, peak, 1), fallOf(logOf, peak, -1));
  let sum = sumAt(peak, step);
  for (let k = 0; k < 6; k++) {
    const between = sumAt(peak + step / 2, step);
    const change = Math.abs(between - sum);
    sum += between;
    step /= 2;
    if (change <= 1e-10 * sum) break;
  }
  return top + Math.log(sum * step);
}
