/**
 * What the evidence does not keep of the units it was folded from: the sessions of each challenger's contest in compact
 * form, and the confidence sequence of its uplift, which has to look at them again and again.
 */
import type { Interval } from "../numeric/beta.js";
import { RunningConfidence } from "../sequential/confidence-sequence.js";
import type { EProcessSession } from "../sequential/e-process.js";
import { SessionLog } from "../sequential/session-log.js";
import { RunningUplift } from "../sequential/uplift-estimate.js";
import type { FoldInput } from "./evidence.js";
import { pairShare, promotePlan, type Terms } from "./terms.js";

/** Confidence of every interval that is reported. */
export const INTERVAL_LEVEL = 0.95;

interface Pair {
  readonly log: SessionLog;
  readonly confidence: RunningConfidence;
}

/**
 * The units of an experiment, added in assignment order, each once. It can tell of every moment so far, not of the last
 * one alone; {@link work} has to have caught up first.
 */
export class UpliftLog {
  readonly #pairs: readonly Pair[];

  /** @param startTerms the terms at the start: the plan of a confidence sequence must not depend on what it covers */
  constructor(startTerms: Terms) {
    this.#pairs = startTerms.planShares.map((_, challenger) => {
      const { horizon, planShare } = promotePlan(startTerms, challenger);
      const log = new SessionLog();
      return { log, confidence: new RunningConfidence({ level: INTERVAL_LEVEL, horizon, planShare }, log) };
    });
  }

  /** Adds the next settled unit; some nanoseconds. */
  add({ arm, shares, score }: FoldInput): void {
    if (score === null) return;
    for (let j = 0; j < this.#pairs.length; j++) {
      if (arm !== 0 && arm !== j + 1) continue;
      const w = pairShare(shares, j).share;
      if (w > 0 && w < 1) this.#pairs[j]?.log.push({ g: arm === 0 ? 0 : 1, y: score, w });
    }
  }

  /** Takes up to `steps` steps, of some 0.3 microseconds each; whether it has caught up with the units. */
  work(steps: number): boolean {
    let left = steps;
    for (const { confidence } of this.#pairs) left -= confidence.work(left);
    return left > 0;
  }

  /** The 95 % confidence sequence of a challenger's uplift, as it was after the first `count` sessions of its contest. */
  intervalAt(challenger: number, count: number): Interval {
    return this.#pair(challenger).confidence.at(count);
  }

  /** The mean uplift of the first `count` sessions that drift cannot bias while the share moves; null without any. */
  unbiasedAt(challenger: number, count: number): number | null {
    const { log } = this.#pair(challenger);
    const uplift = new RunningUplift();
    const session: EProcessSession = { g: 0, y: 0, w: 0 };
    // A log that lost sessions has less than the evidence says.
    const end = Math.min(count, log.length);
    for (let i = 0; i < end; i++) {
      log.read(i, session);
      uplift.add(session);
    }
    return uplift.estimate;
  }

  #pair(challenger: number): Pair {
    return this.#pairs[challenger] as Pair;
  }
}

/** The log of units that are all there, caught up. */
export function upliftLogOf(units: readonly FoldInput[], startTerms: Terms): UpliftLog {
  const log = new UpliftLog(startTerms);
  for (const unit of units) log.add(unit);
  log.work(Number.POSITIVE_INFINITY);
  return log;
}
