/**
 * A study: sessions that nobody randomised, put into two arms afterwards, and compared. Observational: it shows what went
 * together with what, and never decides.
 */

import type { ArmSummary, Role } from "../decision/evidence.js";
import { evaluateMetrics, type MetricEvaluation } from "../decision/metric-evaluation.js";
import type { Policy } from "../decision/policy.js";
import { pairOf, posteriors } from "../decision/posterior.js";
import { betaInterval, type Interval } from "../numeric/beta.js";
import { diffInterval } from "../numeric/beta-difference.js";
import { addMetrics, type MetricSource, metricValues, type RunningMetric } from "../sessions/metric.js";
import type { Steps } from "../steps.js";
import type { Classification, Misfit, Placer } from "./classification.js";
import { type TimeBalance, type TimedScore, timeBalance } from "./time-balance.js";

/** The word a study is reported with, and so is whatever is compared without chance having decided. */
export const OBSERVATIONAL = "observational";

/** A session that has been classified; its metrics are those of its counted signals. */
export interface StudiedSession extends MetricSource {
  /** null where the session is a unit of its own */
  readonly unit: string | null;
  readonly startedAtMs: number;
  readonly isSettled: boolean;
  /** in [0, 1]; null before it settles, and where it is missing */
  readonly score: number | null;
}

/** Why a session is in no arm's numbers. */
export type LeftOut =
  | Misfit
  /** its unit has a session in this arm already */
  | "repeat"
  /** its score is not fixed yet */
  | "unsettled"
  /** nothing said how it went */
  | "missing";

/** One arm's numbers. */
export interface StudyArm {
  readonly role: Role;
  /** units with a score */
  readonly count: number;
  /** mean of their scores; null without any */
  readonly mean: number | null;
  /** equal-tailed 95 % interval of the mean score; null without any */
  readonly interval: Interval | null;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
}

/** A metric of two arms. No chance of being better is told: without chance in the assignment there is none to tell. */
export type ObservedMetric = Omit<MetricEvaluation, "probabilityBetter">;

/** What may be wrong with the comparison, and how much. */
export interface Caution {
  readonly what: /** the arms ran at different times: `value` is the overlap, in [0, 1] */
    | "time"
    /** an arm has few units: `value` is the smaller count */
    | "few"
    /** more sessions are left out than compared: `value` is their part, in [0, 1] */
    | "left-out"
    /** git could tell nothing of sessions that name a commit: `value` is how many */
    | "git-unknown";
  readonly value: number;
}

/** What a study has found. */
export interface StudyNumbers {
  readonly kind: typeof OBSERVATIONAL;
  /** sessions looked at */
  readonly sessionCount: number;
  /** the champion's, then the challenger's */
  readonly arms: readonly [StudyArm, StudyArm];
  /** sessions in an arm by what put them there, those included that are left out of its numbers */
  readonly placed: Readonly<Partial<Record<Placer, number>>>;
  readonly leftOut: Readonly<Partial<Record<LeftOut, number>>>;
  /** mean score of the challenger's arm less the champion's, by the posteriors, in [-1, 1]; null unless both have units */
  readonly difference: number | null;
  /** equal-tailed 95 % interval of it, as if chance had put each session where it was */
  readonly differenceInterval: Interval | null;
  readonly metrics: Readonly<Record<string, ObservedMetric>>;
  /** null unless both arms have units */
  readonly time: TimeBalance | null;
  readonly cautions: readonly Caution[];
}

const FEW = 30;
const OVERLAP_MIN = 0.8;
const LEFT_OUT_MAX = 0.5;
const LEVEL = 0.95;
const ROLES = ["champion", "challenger"] as const;

type RunningArm = { -readonly [Key in keyof Omit<ArmSummary, "metrics">]: ArmSummary[Key] } & {
  readonly metrics: Record<string, RunningMetric>;
  firstAtMs: number | null;
  lastAtMs: number | null;
};

const startArm = (): RunningArm => ({
  ...{ count: 0, sum: 0, sumSquares: 0, missingCount: 0, metrics: {} },
  ...{ firstAtMs: null, lastAtMs: null },
});

function count<Name extends string>(counts: Partial<Record<Name, number>>, name: Name): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** A study on its way: sessions are added one by one, in the order of their assignment, each once. */
export class RunningStudy {
  readonly #policy: Policy;
  readonly #arms = [startArm(), startArm()] as const;
  readonly #units = new Set<string>();
  readonly #placed: Partial<Record<Placer, number>> = {};
  readonly #leftOut: Partial<Record<LeftOut, number>> = {};
  readonly #scores: TimedScore[] = [];
  #sessionCount = 0;

  /** @param policy says which way a metric is better, and how signals of a name become one value; nothing is decided by it */
  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Adds a session: the first of its unit in its arm counts, once it has settled. */
  add(classification: Classification, session: StudiedSession): void {
    this.#sessionCount += 1;
    if (classification.arm === null) {
      count(this.#leftOut, classification.excluded);
      return;
    }
    count(this.#placed, classification.by);
    const arm = classification.arm === "champion" ? 0 : 1;
    const { unit, isSettled, score } = session;
    // By the first session, not the first settled one: which settles sooner may have to do with how it went.
    if (this.#isRepeat(arm, unit)) count(this.#leftOut, "repeat");
    else if (!isSettled) count(this.#leftOut, "unsettled");
    else if (score === null) count(this.#leftOut, "missing");
    else this.#addScore(arm, score, session);
  }

  #isRepeat(arm: 0 | 1, unit: string | null): boolean {
    if (unit === null) return false;
    const place = `${arm}${unit}`;
    if (this.#units.has(place)) return true;
    this.#units.add(place);
    return false;
  }

  #addScore(place: 0 | 1, score: number, session: StudiedSession): void {
    const { startedAtMs } = session;
    const arm = this.#arms[place];
    arm.count += 1;
    arm.sum += score;
    arm.sumSquares += score * score;
    arm.firstAtMs = Math.min(arm.firstAtMs ?? startedAtMs, startedAtMs);
    arm.lastAtMs = Math.max(arm.lastAtMs ?? startedAtMs, startedAtMs);
    addMetrics(arm.metrics, metricValues(session, this.#policy), score, this.#policy.metrics);
    this.#scores.push({ arm: place, score, startedAtMs });
  }

  /** What the study has found so far; a part of the work for each metric. */
  *numbers(): Steps<StudyNumbers> {
    const [champion, challenger] = this.#arms;
    const isCompared = champion.count > 0 && challenger.count > 0;
    const pair = posteriors({ arms: this.#arms }, this.#policy);
    const time = timeBalance(this.#scores);
    yield;
    const evaluated = yield* evaluateMetrics(this.#policy, champion, challenger);
    const { champion: left, challenger: right } = pair;
    const mean = ({ alpha, beta }: typeof left): number => alpha / (alpha + beta);
    return {
      kind: OBSERVATIONAL,
      sessionCount: this.#sessionCount,
      arms: [this.#armNumbers(0, left), this.#armNumbers(1, right)],
      placed: { ...this.#placed },
      leftOut: { ...this.#leftOut },
      difference: isCompared ? mean(right) - mean(left) : null,
      differenceInterval: isCompared ? diffInterval({ ...pairOf(pair), level: LEVEL }) : null,
      metrics: Object.fromEntries(
        Object.entries(evaluated).map(([name, { probabilityBetter: _none, ...rest }]) => [name, rest]),
      ),
      time,
      cautions: this.#cautions(time),
    };
  }

  #armNumbers(place: 0 | 1, { alpha, beta }: { readonly alpha: number; readonly beta: number }): StudyArm {
    const { count: units, sum, firstAtMs, lastAtMs } = this.#arms[place];
    return {
      role: ROLES[place],
      count: units,
      mean: units === 0 ? null : sum / units,
      interval: units === 0 ? null : betaInterval({ a: alpha, b: beta, level: LEVEL }),
      firstAtMs,
      lastAtMs,
    };
  }

  #cautions(time: TimeBalance | null): readonly Caution[] {
    const [champion, challenger] = this.#arms;
    const few = Math.min(champion.count, challenger.count);
    const leftOut = this.#sessionCount - champion.count - challenger.count;
    const part = this.#sessionCount === 0 ? 0 : leftOut / this.#sessionCount;
    const unknown = this.#leftOut["git-unknown"] ?? 0;
    return [
      ...(time !== null && time.overlap < OVERLAP_MIN
        ? [{ what: "time" as const, value: time.overlap }]
        : []),
      ...(few < FEW ? [{ what: "few" as const, value: few }] : []),
      ...(part > LEFT_OUT_MAX ? [{ what: "left-out" as const, value: part }] : []),
      ...(unknown > 0 ? [{ what: "git-unknown" as const, value: unknown }] : []),
    ];
  }
}
