/**
 * Integral of exp(f) over an interval, f a log-density-like function with its mass in one place or at the ends.
 */

const ORDER = 20;
/** Parts this far below the peak, in logs, are left out. */
const DEPTH = 45;
const DEPTH_MAX = 40;
/** Bounds the time where rounding noise, as at ends steeper than the parameters allow for, keeps panels moving. */
const SPLITS_MAX = 400;
/** Of the whole integral; a panel that moves by less when halved is done. */
const TOLERANCE = 3e-15;

interface Rule {
  readonly node: number;
  readonly weight: number;
}

/** Gauss-Legendre nodes in (0, 1) and weights, by Newton on the Legendre polynomial. */
function legendre(order: number): Rule[] {
  const rules: Rule[] = [];
  for (let i = 1; i <= order / 2; i += 1) {
    let z = Math.cos((Math.PI * (i - 0.25)) / (order + 0.5));
    let slope = 0;
    for (let step = 0; step < 100; step += 1) {
      let p = 1;
      let previous = 0;
      for (let k = 1; k <= order; k += 1) [p, previous] = [((2 * k - 1) * z * p - (k - 1) * previous) / k, p];
      slope = (order * (z * p - previous)) / (z * z - 1);
      z -= p / slope;
    }
    rules.push({ node: z, weight: 2 / ((1 - z * z) * slope * slope) });
  }
  return rules;
}

const RULES = legendre(ORDER);

function panel(f: (t: number) => number, low: number, high: number): number {
  const center = (low + high) / 2;
  const half = (high - low) / 2;
  let sum = 0;
  for (const { node, weight } of RULES) sum += weight * (f(center - half * node) + f(center + half * node));
  return sum * half;
}

/** Adaptive halving: smooth panels end at once, algebraic ends are split geometrically. */
function adaptive(
  f: (t: number) => number,
  span: { readonly low: number; readonly high: number; readonly whole: number; readonly depth: number },
  total: { value: number; splits: number },
): number {
  const { low, high, whole, depth } = span;
  const middle = (low + high) / 2;
  const left = panel(f, low, middle);
  const right = panel(f, middle, high);
  const error = Math.abs(left + right - whole);
  total.value = Math.max(total.value, left + right);
  total.splits += 1;
  if (error <= TOLERANCE * total.value || depth === DEPTH_MAX || total.splits > SPLITS_MAX)
    return left + right;
  return (
    adaptive(f, { low, high: middle, whole: left, depth: depth + 1 }, total) +
    adaptive(f, { low: middle, high, whole: right, depth: depth + 1 }, total)
  );
}

/** The candidate with the largest value, refined by golden section between its neighbours. */
function peakOf(logF: (t: number) => number, candidates: readonly number[]): { at: number; log: number } {
  const logs = candidates.map(logF);
  const best = logs.reduce((index, log, i) => (log > (logs[index] as number) ? i : index), 0);
  let low = candidates[Math.max(0, best - 1)] as number;
  let high = candidates[Math.min(candidates.length - 1, best + 1)] as number;
  for (let step = 0; step < 60; step += 1) {
    const left = high - (high - low) * 0.6180339887498949;
    const right = low + (high - low) * 0.6180339887498949;
    if (logF(left) < logF(right)) low = left;
    else high = right;
  }
  const at = (low + high) / 2;
  const log = logF(at);
  const found = logs[best] as number;
  return log > found ? { at, log } : { at: candidates[best] as number, log: found };
}

/** Where, between a point inside the mass and the end of the support, the log falls below the floor. */
function cut(logF: (t: number) => number, inside: number, end: number, floor: number): number {
  if (logF(end) > floor) return end;
  let kept = inside;
  let lost = end;
  for (let step = 0; step < 60; step += 1) {
    const middle = (kept + lost) / 2;
    if (logF(middle) > floor) kept = middle;
    else lost = middle;
  }
  return lost;
}

/**
 * ln of the integral of exp(logF) from `low` to `high`.
 *
 * @param candidates points of the interval, ascending, dense where the mass may be; the mass is looked for there
 * @returns relative accuracy of the integral about 1e-13 for smooth integrands
 */
export function logIntegral(
  logF: (t: number) => number,
  low: number,
  high: number,
  candidates: readonly number[],
): number {
  const points = [low, ...candidates.filter((t) => t > low && t < high).sort((a, b) => a - b), high];
  const peak = peakOf(logF, points);
  if (peak.log === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  const floor = peak.log - DEPTH;
  const massive = points.filter((t) => logF(t) > floor);
  const first = cut(logF, Math.min(peak.at, ...massive), low, floor);
  const last = cut(logF, Math.max(peak.at, ...massive), high, floor);
  const f = (t: number): number => Math.exp(logF(t) - peak.log);
  const total = { value: 0, splits: 0 };
  const sideOf = (from: number, to: number): number =>
    from < to ? adaptive(f, { low: from, high: to, whole: panel(f, from, to), depth: 0 }, total) : 0;
  const right = sideOf(peak.at, last);
  return peak.log + Math.log(sideOf(first, peak.at) + right);
}
