/**
 * All projects at once, as far as one look needs it. The numbers are those of what is folded; what takes all units to
 * compute (the confidence sequence of the uplift) is left to an evaluation.
 */
import { type Evaluation, evaluate, type GuardrailEvaluation } from "../../core/decision/evaluation.js";
import { alarming, type ReviewPoint, reviewPoints } from "../../core/decision/review.js";
import type { JsonObject } from "../../core/errors.js";
import { shareOf } from "../../core/sessions/assignment.js";
import { DAY_MS } from "../duration.js";
import type { Occupant, Store } from "../ports.js";
import { outOf } from "./arms.js";
import { type ExperimentSummary, summaryOf } from "./experiment-summary.js";
import { paceOf } from "./report.js";
import { startTerms, termsAt } from "./terms.js";

/** What a person should look at. The e-values' alarms are given halfway to the line that ends an experiment; `review`: criteria disagree. */
export type Alarm = "srm" | "missing" | "guardrail" | "awaiting-approval" | "review";

/** Where an experiment stands; the comparison is the leading challenger's. Logs are natural. */
export interface Standing
  extends Pick<
    Evaluation,
    | "sessionCount"
    | "arms"
    | "arm"
    | "probabilityBetter"
    | "upliftMean"
    | "logSupPromote"
    | "logLinePromote"
    | "logSupHarm"
    | "logLineHarm"
    | "chanceOfPromotion"
    | "srmLogE"
    | "missingLogE"
  > {
  /** units it is planned for */
  readonly horizon: number;
  /** units folded a day since the start, and days until the horizon at this pace; null before the first */
  readonly unitsPerDay: number | null;
  readonly daysLeft: number | null;
  /** where the criteria disagree */
  readonly review: readonly ReviewPoint[];
  readonly alarms: readonly Alarm[];
}

/** A project at one look. */
export interface ProjectSummary {
  readonly key: string;
  readonly champion: {
    readonly hash: string;
    readonly label: string | null;
    readonly config: JsonObject;
  };
  readonly createdAtMs: number;
  /** share of the units held out, from the next experiment on */
  readonly holdout: number;
  readonly draftCount: number;
  /** sessions since midnight, UTC */
  readonly sessionsToday: number;
  /** end of the first window that has closed without a tick settling its session; null where none has */
  readonly overdueSinceMs: number | null;
  /** in the slot, running or paused */
  readonly experiment: (ExperimentSummary & { readonly standing: Standing }) | null;
}

function alarmsOf({ experiment }: Occupant, evaluation: Evaluation, review: readonly ReviewPoint[]): Alarm[] {
  const { srmAlpha } = experiment.policy;
  const isNear = (logE: number, logLine: number): boolean => logE >= logLine / 2;
  const isBroken = ({ mode, logSup, logLine }: GuardrailEvaluation): boolean =>
    mode === "abort" && isNear(logSup, logLine);
  const alarms: Record<Alarm, boolean> = {
    srm: isNear(evaluation.srmLogE, -Math.log(srmAlpha)),
    missing: isNear(evaluation.missingLogE, -Math.log(srmAlpha)),
    guardrail: evaluation.guardrails.some(isBroken),
    "awaiting-approval": experiment.awaitingSeq !== null,
    review: alarming(review).length > 0,
  };
  return (Object.keys(alarms) as Alarm[]).filter((alarm) => alarms[alarm]);
}

function standingOf(occupant: Occupant, nowMs: number): Standing {
  const { experiment, checkpoint } = occupant;
  const { evidence, foldedSeq } = checkpoint;
  const terms = termsAt(experiment, foldedSeq);
  const startedWith = { startTerms: startTerms(experiment), out: outOf(experiment) };
  const evaluation = evaluate({ ...terms, ...startedWith, evidence, units: [] });
  const numbers = { ...evaluation, contests: [evaluation, ...evaluation.others] };
  const review = reviewPoints(numbers, terms.policy);
  const { sessionCount, arms, arm, probabilityBetter, upliftMean, chanceOfPromotion } = evaluation;
  const { logSupPromote, logLinePromote, logSupHarm, logLineHarm, srmLogE, missingLogE } = evaluation;
  return {
    ...{ sessionCount, arms, arm, probabilityBetter, upliftMean, chanceOfPromotion },
    ...{ logSupPromote, logLinePromote, logSupHarm, logLineHarm, srmLogE, missingLogE },
    horizon: terms.policy.horizon,
    ...paceOf(experiment, sessionCount, terms.policy.horizon, nowMs),
    review,
    alarms: alarmsOf(occupant, evaluation, review),
  };
}

/** Every project, by key, in a number of queries that does not grow with theirs. */
export async function projectSummaries(
  store: Store,
  nowMs: number,
  projects: readonly string[] | null = null,
): Promise<ProjectSummary[]> {
  const heads = await store.browse.projectHeads({ sinceMs: nowMs - (nowMs % DAY_MS), nowMs });
  const occupants = await store.browse.occupants();
  const byProject = new Map(occupants.map((occupant) => [occupant.experiment.projectKey, occupant]));
  return heads
    .filter(({ key }) => projects === null || projects.includes(key))
    .map(({ champion, holdoutBuckets, sessionCount, ...head }): ProjectSummary => {
      const occupant = byProject.get(head.key);
      return {
        ...head,
        champion: { hash: champion.hash, label: champion.label, config: champion.body },
        holdout: shareOf(holdoutBuckets),
        sessionsToday: sessionCount,
        experiment: occupant
          ? { ...summaryOf(occupant.experiment), standing: standingOf(occupant, nowMs) }
          : null,
      };
    });
}
