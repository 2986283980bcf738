/**
 * A bounded summary of a distribution of real numbers: how many values fell into each of a fixed set of bins.
 *
 * A bin is what the top 19 bits of a double leave open: sign, exponent and 7 bits of the mantissa. So a bin is at most
 * 1/128 (0.8 %) wide relative to its values, integers of up to 256 have bins of their own, and the bins are the same on
 * every platform, for no logarithm is taken. A factor of 2 has 128 bins, from 1 to 10,000 there are 1,693. At most 4,096
 * bins are kept, a factor of 4e9 of one sign; beyond, the bins nearest to 0 become one. Which bins are kept depends on
 * the values alone, never on the order in which they came or were merged.
 */
import { checkFinite, checkUnit } from "../check.js";

/** How many values fell where. Plain JSON: it lives in a checkpoint. */
export interface Sketch {
  /** bins that hold values, ascending; a bin's number sorts as its values do, and its sign is theirs */
  readonly keys: readonly number[];
  /** values in each of these bins */
  readonly counts: readonly number[];
  /** values in all bins */
  readonly total: number;
}

/** A sketch that is added to in place; inside this package only, where many values run in a loop. */
export interface RunningSketch {
  readonly keys: number[];
  readonly counts: number[];
  total: number;
}

const BINS_MAX = 4096;
/** Bits of a double's upper half that lie below the 7 kept bits of its mantissa. */
const DROPPED_BITS = 13;

// Written before each reading, so that no call sees what another left. Big-endian by default, on every platform.
const word = new DataView(new ArrayBuffer(8));

/** The number of a value's bin. 0 is the bin of 0, -0 and the numbers that are too small for a bin of their own. */
function keyOf(value: number): number {
  word.setFloat64(0, Math.abs(value));
  const size = word.getUint32(0) >>> DROPPED_BITS;
  return value < 0 ? 0 - size : size;
}

/** The value of a bin that is nearest to 0. */
function edgeOf(key: number): number {
  word.setUint32(0, Math.abs(key) << DROPPED_BITS);
  word.setUint32(4, 0);
  return key < 0 ? -word.getFloat64(0) : word.getFloat64(0);
}

/** Index of the first bin that is not below a key. */
function placeOf(keys: readonly number[], key: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a bin gives way before another: the one nearer to 0, of two as near the negative one. */
function isNearer(key: number, other: number): boolean {
  const difference = Math.abs(key) - Math.abs(other);
  return difference < 0 || (difference === 0 && key < other);
}

/** Index of the bin that gives way first. */
function nearestToZero(keys: readonly number[]): number {
  const at = placeOf(keys, 0);
  if (at === 0) return 0;
  return at < keys.length && isNearer(keys[at] as number, keys[at - 1] as number) ? at : at - 1;
}

/** The bin among the kept ones in which a key is counted: its own, or the one that took all nearer to 0. */
function keptKey(keys: readonly number[], key: number): number {
  if (keys.length < BINS_MAX) return key;
  const nearest = keys[nearestToZero(keys)] as number;
  return isNearer(key, nearest) ? nearest : key;
}

function addCount(sketch: RunningSketch, anyKey: number, count: number): void {
  const { keys, counts } = sketch;
  const key = keptKey(keys, anyKey);
  const at = placeOf(keys, key);
  sketch.total += count;
  if (keys[at] === key) {
    counts[at] = (counts[at] as number) + count;
    return;
  }
  keys.splice(at, 0, key);
  counts.splice(at, 0, count);
  if (keys.length <= BINS_MAX) return;
  const nearest = nearestToZero(keys);
  const folded = counts[nearest] as number;
  keys.splice(nearest, 1);
  counts.splice(nearest, 1);
  const next = nearestToZero(keys);
  counts[next] = (counts[next] as number) + folded;
}

/** Values in the bins before an index. */
function sumBefore({ counts, total }: Sketch, index: number): number {
  // From the nearer end: this is the longest part of a step where many values run in a loop.
  const isLow = index * 2 <= counts.length;
  let sum = 0;
  for (let k = isLow ? 0 : index; k < (isLow ? index : counts.length); k++) sum += counts[k] as number;
  return isLow ? sum : total - sum;
}

/**
 * The sketch of no values.
 *
 * @example
 * emptySketch().total; // 0
 */
export function emptySketch(): Sketch {
  return { keys: [], counts: [], total: 0 };
}

/** A copy of a sketch to be added to in place. */
export function runningSketch({ keys, counts, total }: Sketch): RunningSketch {
  return { keys: [...keys], counts: [...counts], total };
}

/**
 * Adds a value in place.
 *
 * @param value any finite number
 * @throws DethroneError `numeric_domain` if the value is not finite.
 */
export function insert(sketch: RunningSketch, value: number): void {
  checkFinite("value", value);
  addCount(sketch, keyOf(value), 1);
}

/**
 * The sketch with one more value. Each call copies the bins; {@link insert} does not.
 *
 * @param value any finite number
 * @throws DethroneError `numeric_domain` if the value is not finite.
 *
 * @example
 * addToSketch(addToSketch(emptySketch(), 3), 3).counts; // [2]
 */
export function addToSketch(sketch: Sketch, value: number): Sketch {
  const next = runningSketch(sketch);
  insert(next, value);
  return next;
}

/**
 * The sketch of the values of two sketches, as if they had been added to one, in whatever order.
 *
 * @example
 * mergeSketches(addToSketch(emptySketch(), 3), addToSketch(emptySketch(), 4)).total; // 2
 */
export function mergeSketches(one: Sketch, other: Sketch): Sketch {
  const merged = runningSketch(one);
  other.keys.forEach((key, index) => {
    addCount(merged, key, other.counts[index] as number);
  });
  return merged;
}

/**
 * How many values lie in bins below the bin of `value`: at most as many as are less than `value`.
 *
 * @param value any finite number
 * @returns an integer in [0, total]
 * @throws DethroneError `numeric_domain` if the value is not finite.
 *
 * @example
 * countBelow(addToSketch(emptySketch(), 3), 4); // 1
 */
export function countBelow(sketch: Sketch, value: number): number {
  checkFinite("value", value);
  return sumBefore(sketch, placeOf(sketch.keys, keptKey(sketch.keys, keyOf(value))));
}

/**
 * Where a value stands among those of the sketch: (values in lower bins + half of those in its bin + 1/2)/(total + 1).
 *
 * Never falls as `value` rises, whatever the sketch holds: that is what the guardrails' guarantee rests on.
 *
 * @param value any finite number
 * @returns in (0, 1); 1/2 when the sketch is empty. Within half of the bin's count over total + 1 of the exact rank.
 * @throws DethroneError `numeric_domain` if the value is not finite.
 *
 * Method: bisection for the bin, then a sum over the bins on its nearer side.
 *
 * @example
 * rankOf(addToSketch(emptySketch(), 3), 4); // 0.75
 */
export function rankOf(sketch: Sketch, value: number): number {
  checkFinite("value", value);
  const { keys, counts, total } = sketch;
  const key = keptKey(keys, keyOf(value));
  const at = placeOf(keys, key);
  const equal = keys[at] === key ? (counts[at] as number) : 0;
  return (sumBefore(sketch, at) + equal / 2 + 0.5) / (total + 1);
}

/**
 * The smallest value that at least a part `p` of all values do not exceed, to the precision of a bin.
 *
 * The answer is the edge of its bin that is nearer to 0, not the middle: so integers of up to 256, and zeros, are
 * themselves, where a middle would turn 3 tool calls into 3.01.
 *
 * @param p in [0, 1]: 0 gives the least value, 1/2 the median, 1 the greatest
 * @returns nearer to 0 than the exact quantile by less than 1/128 of it; null when the sketch is empty. Among the values
 *   nearest to 0 that lost their own bins, which takes more than 4,096 bins, only the bin that took them is known.
 * @throws DethroneError `numeric_domain` if p is outside [0, 1].
 *
 * @example
 * quantileOf(addToSketch(addToSketch(emptySketch(), 3), 200), 0.5); // 3
 */
export function quantileOf({ keys, counts, total }: Sketch, p: number): number | null {
  checkUnit("p", p);
  if (total === 0) return null;
  // 0.7 of 10 is 7.000000000000001 in doubles: the factor keeps such a hair from skipping a value.
  const wanted = p * total * (1 - 1e-12);
  let reached = counts[0] as number;
  let at = 0;
  while (reached < wanted) {
    at += 1;
    reached += counts[at] as number;
  }
  return edgeOf(keys[at] as number);
}
