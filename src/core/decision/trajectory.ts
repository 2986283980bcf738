/**
 * How an experiment came to where it is, as a list of points that a chart can be drawn from.
 */
import { betaInterval, type Interval } from "../numeric/beta.js";
import { probGreater } from "../numeric/beta-compare.js";
import { emptyEvidence, type FoldInput, Folding, type PairState } from "./evidence.js";
import {
  type BetaPosterior,
  meanOf,
  type PairPosterior,
  pairOf,
  posteriors,
  type ScoreSums,
} from "./posterior.js";
import { alphaEach, type Terms } from "./terms.js";
import { INTERVAL_LEVEL, type UpliftLog, upliftLogOf } from "./uplift-log.js";

/** An arm at a point. */
export interface TrajectoryArm {
  /** 0 the champion, j the j-th challenger */
  readonly arm: number;
  /** units folded */
  readonly sessionCount: number;
  /** posterior mean of the success rate */
  readonly mean: number;
  /** equal-tailed 95 % interval of the success rate */
  readonly interval: Interval;
}

/** A challenger against the champion at a point. Logs are natural. */
export interface TrajectoryComparison {
  /** the challenger's arm, from 1 */
  readonly arm: number;
  readonly logEPromote: number;
  readonly logSupPromote: number;
  readonly logEHarm: number;
  readonly logSupHarm: number;
  /** P(challenger > champion) */
  readonly probabilityBetter: number;
  /** posterior mean of challenger minus champion */
  readonly upliftMean: number;
  /** 95 % confidence sequence of challenger minus champion, as it was at this point */
  readonly upliftInterval: Interval;
}

/** Where an experiment stood right after a unit. */
export interface TrajectoryPoint {
  /** units folded by then, all arms together; from 1 */
  readonly index: number;
  /** assignment sequence of the unit */
  readonly seq: number;
  /** start of its session in milliseconds since the epoch; null where it is not stored any more */
  readonly startedAtMs: number | null;
  /** the challengers' share, together, when the unit was assigned */
  readonly share: number;
  /** the champion, then the challengers */
  readonly arms: readonly TrajectoryArm[];
  /** the challengers, in the order of their arms */
  readonly perChallenger: readonly TrajectoryComparison[];
}

/** How an experiment came to where it is. */
export interface Trajectory {
  /** ln(1/alpha): the promotion line of logSupPromote */
  readonly logLinePromote: number;
  /** ln(1/alphaHarm): the harm line of logSupHarm */
  readonly logLineHarm: number;
  /** in the order of their units; the first and the last unit are always among them; empty before the first */
  readonly points: readonly TrajectoryPoint[];
}

/** A settled unit, and where it stands in the log of sessions. */
export interface TrajectoryUnit extends FoldInput {
  readonly seq: number;
  readonly startedAtMs?: number | null | undefined;
}

/** What is kept of a moment until its numbers are asked for, and then those. */
interface Mark extends Pick<TrajectoryPoint, "index" | "seq" | "startedAtMs" | "share"> {
  readonly arms: readonly ScoreSums[];
  readonly pairs: readonly MarkedPair[];
  point: TrajectoryPoint | null;
}

type PairLogs = Pick<TrajectoryComparison, "logEPromote" | "logSupPromote" | "logEHarm" | "logSupHarm">;

interface MarkedPair extends PairLogs {
  /** sessions of the two arms that the tests have stepped through */
  readonly count: number;
}

/** Points at the largest distance, at most; the closer ones of the start come on top. */
const LINEAR_MAX = 128;

/**
 * Whether a unit has a point: each of the first eight has, then four from each power of two to the next, until those are
 * `stride` apart. A unit with a point at some stride has one at every smaller stride, so that points need only be
 * dropped as the units grow many, and which there are depends on the number of units alone.
 */
function hasPoint(index: number, stride: number): boolean {
  const distance = 2 ** Math.max(0, Math.floor(Math.log2(index)) - 2);
  return index % Math.min(distance, stride) === 0;
}

function markedPair({ promote, harm }: PairState): MarkedPair {
  return {
    logEPromote: promote.logE,
    logSupPromote: promote.logSup,
    logEHarm: harm.logE,
    logSupHarm: harm.logSup,
    count: promote.count,
  };
}

/** The terms without what only other tests than those of the uplift are made of. */
const bare = ({ policy, planShares }: Terms): Terms => ({
  policy: { ...policy, guardrails: [] },
  planShares,
});

/**
 * A trajectory on its way: units are added in assignment order, each once. The fold is the same as that of the evidence,
 * of the tests of the uplift alone.
 */
export class RunningTrajectory {
  readonly #startTerms: Terms;
  readonly #folding: Folding;
  /** the newest unit with a score */
  #newest: TrajectoryUnit | null = null;
  #marks: Mark[] = [];
  /** the largest distance between points: a power of two */
  #stride = 1;

  constructor(startTerms: Terms) {
    this.#startTerms = bare(startTerms);
    this.#folding = new Folding(emptyEvidence(this.#startTerms), this.#startTerms, { missingness: true });
  }

  /** Terms for the units to come. */
  setTerms(terms: Terms): void {
    this.#folding.setTerms(bare(terms));
  }

  add(unit: TrajectoryUnit): void {
    const { arm, shares, score } = unit;
    this.#folding.add({ arm, shares, score });
    if (score === null) return;
    this.#newest = unit;
    const { index } = this.#folding.evidence;
    if (index > LINEAR_MAX * this.#stride) this.#thin();
    if (hasPoint(index, this.#stride)) this.#marks.push(this.#mark(unit));
  }

  #thin(): void {
    this.#stride *= 2;
    this.#marks = this.#marks.filter(({ index }) => hasPoint(index, this.#stride));
  }

  #mark({ seq, shares, startedAtMs = null }: TrajectoryUnit): Mark {
    const { index, arms, pairs } = this.#folding.evidence;
    return {
      index,
      seq,
      startedAtMs,
      share: shares.reduce((total, share) => total + share, 0),
      arms: arms.map(({ count, sum, sumSquares }) => ({ count, sum, sumSquares })),
      pairs: pairs.map(markedPair),
      point: null,
    };
  }

  /** The marks, the newest unit's among them. */
  #all(): readonly Mark[] {
    const unit = this.#newest;
    if (unit === null || this.#marks.at(-1)?.seq === unit.seq) return this.#marks;
    return [...this.#marks, this.#mark(unit)];
  }

  /**
   * Works out the numbers of up to `count` points, some tenths of a millisecond each; whether those of all are there.
   *
   * @param log of the same units, caught up
   */
  work(log: UpliftLog, count: number): boolean {
    const missing = this.#marks.filter(({ point }) => point === null);
    for (const mark of missing.slice(0, count)) mark.point = this.#pointOf(mark, log);
    return missing.length <= count;
  }

  /** The trajectory so far. @param log of the same units, caught up */
  trajectory(log: UpliftLog): Trajectory {
    const { policy } = this.#startTerms;
    return {
      // Both levels are frozen at the start.
      logLinePromote: -Math.log(alphaEach(this.#startTerms)),
      logLineHarm: -Math.log(policy.alphaHarm),
      points: this.#all().map((mark) => mark.point ?? this.#pointOf(mark, log)),
    };
  }

  #pointOf(mark: Mark, log: UpliftLog): TrajectoryPoint {
    const { index, seq, startedAtMs, share, arms, pairs } = mark;
    const { policy } = this.#startTerms;
    const believed = pairs.map((_, challenger) => posteriors({ arms }, policy, challenger));
    const perChallenger = pairs.map(({ count, ...logs }, challenger): TrajectoryComparison => {
      const pair = believed[challenger] as PairPosterior;
      return {
        arm: challenger + 1,
        ...logs,
        probabilityBetter: probGreater(pairOf(pair)),
        upliftMean: meanOf(pair.challenger) - meanOf(pair.champion),
        upliftInterval: log.intervalAt(challenger, count),
      };
    });
    // Graded scores weigh by the pair they are compared in, so the champion has a posterior for each.
    const leading = perChallenger.reduce((best, each) =>
      each.probabilityBetter > best.probabilityBetter ? each : best,
    );
    const { champion } = believed[leading.arm - 1] as PairPosterior;
    const betas = [champion, ...believed.map(({ challenger }) => challenger)];
    return {
      ...{ index, seq, startedAtMs, share },
      arms: betas.map((beta, arm) => trajectoryArm(arm, (arms[arm] as ScoreSums).count, beta)),
      perChallenger,
    };
  }
}

function trajectoryArm(arm: number, sessionCount: number, { alpha, beta }: BetaPosterior): TrajectoryArm {
  const interval = betaInterval({ a: alpha, b: beta, level: INTERVAL_LEVEL });
  return { arm, sessionCount, mean: meanOf({ alpha, beta }), interval };
}

/** What a trajectory is drawn from. */
export interface TrajectoryInput extends Terms {
  /** settled units in assignment order, each once */
  readonly units: readonly TrajectoryUnit[];
}

/**
 * How an experiment came to where it is: what {@link evaluate} says after the first unit, after the last, and after some
 * 150 between them, close together at the start.
 *
 * Each of the first eight units has a point; then there are four from each power of two to the next, until those are a
 * 64th to a 128th of the whole apart. Which units have points depends on their number alone; units without a score have
 * none. The numbers of a point are those of an evaluation of the units up to it, exactly, the confidence sequence
 * included; an arm's posterior is that beside the challenger most probably better at that point.
 *
 * @param input the terms, which hold for all of the units, and the units
 * @returns 0 to 129 points, and 4 more for each time that the units double beyond 128
 *
 * Method: one fold of the units; the confidence sequences of all points come out of that of the last.
 *
 * @example
 * const units = [{ arm: 1, shares: [0.5], score: 1, seq: 7 }];
 * trajectoryOf({ policy: DEFAULT_POLICY, planShares: [0.5], units }).points[0].perChallenger[0].upliftMean; // 1/6
 */
export function trajectoryOf({ units, ...terms }: TrajectoryInput): Trajectory {
  const running = new RunningTrajectory(terms);
  for (const unit of units) running.add(unit);
  return running.trajectory(upliftLogOf(units, terms));
}
