/**
 * Integrals: over the real line of functions with one hump, given by their logarithm, and over panels of any others.
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
  if (top === Number.NEGATIVE_INFINITY) return top;
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

/** Nodes above 0 and weights of the Gauss-Legendre rule of ten points. */
const GAUSS: readonly (readonly [number, number])[] = [
  [0.9739065285171717, 0.06667134430868814],
  [0.8650633666889845, 0.1494513491505806],
  [0.6794095682990244, 0.21908636251598204],
  [0.4333953941292472, 0.26926671930999635],
  [0.14887433898163122, 0.29552422471475287],
];

function gaussSum(f: (x: number) => number, low: number, high: number): number {
  const middle = (low + high) / 2;
  const half = (high - low) / 2;
  let sum = 0;
  for (const [node, weight] of GAUSS) sum += weight * (f(middle - half * node) + f(middle + half * node));
  return sum * half;
}

const DEPTH_MAX = 40;
/** What no smooth integrand needs; without it a step function inside another one would take minutes. */
const HALVINGS_MAX = 400;

/**
 * Integral of a function of no negative values over the panels between these edges, in increasing order.
 *
 * Method: Gauss-Legendre of ten points; a panel is halved until it agrees to 1e-9 of itself or of the whole with its
 * halves, which by then are exact to rounding. Features narrow against their panel belong at an edge.
 * Source: NIST DLMF 3.5(v).
 */
export function panelIntegral(f: (x: number) => number, edges: readonly number[]): number {
  const panels = edges.slice(1).map((high, k) => {
    const low = edges[k] as number;
    return { low, high, sum: gaussSum(f, low, high) };
  });
  const whole = panels.reduce((total, { sum }) => total + sum, 0);
  let halvings = 0;
  const refined = (low: number, high: number, sum: number, depth: number): number => {
    halvings++;
    const middle = (low + high) / 2;
    const left = gaussSum(f, low, middle);
    const right = gaussSum(f, middle, high);
    const both = left + right;
    if (Math.abs(both - sum) <= 1e-9 * Math.max(both, whole)) return both;
    if (depth >= DEPTH_MAX || halvings >= HALVINGS_MAX) return both;
    return refined(low, middle, left, depth + 1) + refined(middle, high, right, depth + 1);
  };
  return panels.reduce((total, { low, high, sum }) => total + refined(low, high, sum, 0), 0);
}
