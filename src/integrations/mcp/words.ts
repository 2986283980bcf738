/**
 * Experiments in words and in the shapes of the tools: the numbers are written as on the command line.
 */
import type { Comparison, Evaluation } from "../../core/decision/evaluation.js";
import { DethroneError } from "../../core/errors.js";
import { listed, short } from "../../core/words/names.js";
import { count, evidence, percent, plural, probability, signedPoints } from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import type { Engine } from "../../engine/engine.js";
import type { Standing } from "../../engine/experiments/overview.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import type { StoredExperiment } from "../../engine/ports.js";
import { stateText } from "../../engine/words/setup.js";

/** Evidence with the line at which it acts. */
export function evidenceOf(logSup: number, logLine: number) {
  return { times: evidence(logSup), needed: evidence(logLine), log: logSup, logNeeded: logLine };
}

/** What a standing is told from: an overview's, or a report's evaluation. */
type Numbers = Pick<
  Comparison,
  "probabilityBetter" | "upliftMean" | "logSupPromote" | "logLinePromote" | "logSupHarm" | "logLineHarm"
> &
  Pick<Evaluation, "sessionCount" | "chanceOfPromotion"> &
  Pick<Standing, "horizon" | "unitsPerDay" | "daysLeft">;

/** Which experiment stands there. */
interface Stands extends Pick<StoredExperiment, "kind" | "status" | "assign"> {
  readonly id: string;
  readonly isAwaitingApproval: boolean;
  readonly share: number;
}

/** Where an experiment stands, as the tools tell it. */
export function standingOf(experiment: Stands, numbers: Numbers) {
  const { probabilityBetter, upliftMean, sessionCount, chanceOfPromotion } = numbers;
  const { horizon, unitsPerDay, daysLeft } = numbers;
  return {
    experiment: experiment.id,
    status: stateText(experiment),
    kind: experiment.kind,
    sessionCount,
    horizon,
    share: experiment.share,
    probabilityBetter,
    upliftMean,
    evidenceBetter: evidenceOf(numbers.logSupPromote, numbers.logLinePromote),
    evidenceWorse: evidenceOf(numbers.logSupHarm, numbers.logLineHarm),
    chanceOfPromotion,
    unitsPerDay,
    daysLeft,
  };
}

/** Where a report's experiment stands. */
export function standingOfReport(report: ExperimentReport) {
  const { evaluation, policy, unitsPerDay, daysLeft, experiment: id } = report;
  return standingOf({ ...report, id }, { ...evaluation, horizon: policy.horizon, unitsPerDay, daysLeft });
}

/** The same in a line. */
export function standingText(project: string, standing: ReturnType<typeof standingOf>): string {
  const { status, sessionCount, horizon, evidenceBetter, chanceOfPromotion, daysLeft } = standing;
  const isCollecting = status === "running";
  return [
    `${project}: ${standing.kind === "watch" ? `${status} (watch)` : status}`,
    `${count(sessionCount)} of ${plural(horizon, "planned session")}`,
    `P(better) ${probability(standing.probabilityBetter)}`,
    `uplift ${signedPoints(standing.upliftMean)}`,
    `evidence ${evidenceBetter.times} of ${evidenceBetter.needed}`,
    ...(isCollecting ? [`${percent(chanceOfPromotion, 0)} chance of promotion`] : []),
    ...(isCollecting && daysLeft !== null ? [`at most ${days(daysLeft)} left`] : []),
  ].join(", ");
}

/** What a config is called: by its label, else by the beginning of its hash. */
export const configName = ({
  hash,
  label,
}: {
  readonly hash: string;
  readonly label: string | null;
}): string => label ?? short(hash);

/** Who contends against whom. */
export function contestText({ challengers, champion }: ExperimentReport): string {
  const verb = challengers.length === 1 ? "contends" : "contend";
  return `${listed(challengers.map(configName))} ${verb} against the champion ${configName(champion)}`;
}

/** One experiment of a project in full. @throws DethroneError `experiment_not_found`, `project_not_found` */
export async function requireReport(
  engine: Engine,
  project: string,
  experiment?: string,
): Promise<ExperimentReport> {
  const report = await (await engine.project(project)).report({ experiment });
  if (report) return report;
  throw new DethroneError(
    "experiment_not_found",
    `Project '${project}' has had no experiment yet; start one with 'challenge'.`,
    { project },
  );
}

/** A time as people read it, in UTC. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace("T", " ").slice(0, 16);
