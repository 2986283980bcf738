/**
 * Whether the sessions of two arms are of the same time, and what is left of their difference where they are.
 *
 * One arm before and the other after is the usual case of a study, and then all that changed meanwhile (models, tasks,
 * people) is in the difference.
 */
import type { Interval } from "../numeric/beta.js";

/** A scored session with its place in time. */
export interface TimedScore {
  /** 0 the champion's, 1 the challenger's */
  readonly arm: 0 | 1;
  readonly startedAtMs: number;
  /** in [0, 1] */
  readonly score: number;
}

/** How the sessions of two arms lie in time. */
export interface TimeBalance {
  /**
   * how much of the comparison is of sessions of the same time, in [0, 1]: 1 where both arms have the same part of every
   * slice of time, 0 where no slice has both
   */
  readonly overlap: number;
  /** P(a challenger's session started later than a champion's), in [0, 1]; 0.5 where they ran side by side */
  readonly laterProbability: number;
  /** challenger less champion within slices, in [-1, 1]; null where no slice has both */
  readonly difference: number | null;
  /** approximate 95 % interval of it */
  readonly differenceInterval: Interval | null;
}

const SLICE_COUNT_MAX = 10;
/** Sessions a slice has where there are enough for two slices. */
const SLICE_SIZE_MIN = 10;
const Z95 = 1.959963984540054;

interface Cell {
  count: number;
  sum: number;
  sumSquares: number;
}

type Slice = readonly [champion: Cell, challenger: Cell];

const emptyCell = (): Cell => ({ count: 0, sum: 0, sumSquares: 0 });

/** Slices of as many sessions each; sessions of one moment stay together. */
function slicesOf(sorted: readonly TimedScore[]): readonly Slice[] {
  const sliceCount = Math.min(SLICE_COUNT_MAX, Math.max(2, Math.floor(sorted.length / SLICE_SIZE_MIN)));
  const slices = Array.from({ length: sliceCount }, (): Slice => [emptyCell(), emptyCell()]);
  let start = 0;
  for (const [index, { arm, score, startedAtMs }] of sorted.entries()) {
    if (startedAtMs !== sorted[start]?.startedAtMs) start = index;
    const slice = slices[Math.floor((start * sliceCount) / sorted.length)] as Slice;
    const cell = slice[arm];
    cell.count += 1;
    cell.sum += score;
    cell.sumSquares += score * score;
  }
  return slices;
}

/** Weight of a difference of two means: the inverse of its variance where every score scatters alike. */
const weightOf = (left: number, right: number): number =>
  left + right === 0 ? 0 : (left * right) / (left + right);

/** Variance of a score around the mean of its arm in its slice, with two pseudo-scores, 0 and 1, so that it is never 0. */
function spreadWithin(slices: readonly Slice[]): number {
  let squares = 0.5;
  let freedom = 2;
  for (const { count, sum, sumSquares } of slices.flat()) {
    if (count === 0) continue;
    squares += Math.max(0, sumSquares - (sum * sum) / count);
    freedom += count - 1;
  }
  return squares / freedom;
}

/** P(challenger's later) by ranks (Mann and Whitney 1947); equal times count half. */
function laterProbability(sorted: readonly TimedScore[], pairCount: number): number {
  let pairs = 0;
  let before = 0;
  let [champions, challengers] = [0, 0];
  for (const [index, { arm, startedAtMs }] of sorted.entries()) {
    if (arm === 0) champions += 1;
    else challengers += 1;
    if (sorted[index + 1]?.startedAtMs === startedAtMs) continue;
    pairs += challengers * (before + champions / 2);
    before += champions;
    [champions, challengers] = [0, 0];
  }
  return pairs / pairCount;
}

/**
 * How the sessions of two arms lie in time, and their difference within slices of it.
 *
 * Up to ten slices, of as many sessions each. Their differences are averaged with weights nm/(n+m), and overlap is the sum
 * of these weights over the weight of the arms as a whole. The interval takes scores to scatter alike in all slices.
 *
 * @param scores in any order
 * @returns null where an arm has no sessions
 * Method: a sort, then one pass. Source: Cochran, Some methods for strengthening the common chi-square tests, 1954.
 * @example
 * const at = (arm: 0 | 1, startedAtMs: number) => ({ arm, startedAtMs, score: 1 });
 * timeBalance([at(0, 1), at(0, 2), at(1, 3), at(1, 4)]);
 * // { overlap: 0, laterProbability: 1, difference: null, differenceInterval: null }
 */
export function timeBalance(scores: readonly TimedScore[]): TimeBalance | null {
  const challengers = scores.filter(({ arm }) => arm === 1).length;
  const champions = scores.length - challengers;
  if (champions === 0 || challengers === 0) return null;
  const sorted = [...scores].sort((left, right) => left.startedAtMs - right.startedAtMs);
  const slices = slicesOf(sorted);
  let weight = 0;
  let weighted = 0;
  for (const [champion, challenger] of slices) {
    const own = weightOf(champion.count, challenger.count);
    weight += own;
    if (own > 0) weighted += own * (challenger.sum / challenger.count - champion.sum / champion.count);
  }
  const difference = weight === 0 ? null : weighted / weight;
  const half = Z95 * Math.sqrt(spreadWithin(slices) / weight);
  return {
    overlap: Math.min(1, weight / weightOf(champions, challengers)),
    laterProbability: laterProbability(sorted, champions * challengers),
    difference,
    differenceInterval:
      difference === null ? null : [Math.max(-1, difference - half), Math.min(1, difference + half)],
  };
}
