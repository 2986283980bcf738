/**
 * What the page of an experiment is made from, asked of the engine.
 */
import type { Ruling } from "../../core/decision/decide.js";
import { hasEnded } from "../../core/decision/life-cycle.js";
import type { Trajectory } from "../../core/decision/trajectory.js";
import type { Engine } from "../../engine/engine.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import type { StoredAuditEntry, StoredEvaluation } from "../../engine/ports.js";
import { armNames } from "./names.js";

/** An experiment in full, as its page shows it. */
export interface ExperimentView {
  readonly report: ExperimentReport;
  readonly trajectory: Trajectory;
  /** what the newest ticks found of it, newest first */
  readonly evaluations: readonly StoredEvaluation[];
  /** what was done to it, newest first */
  readonly log: readonly StoredAuditEntry[];
  /** names of the arms, the champion's first */
  readonly names: readonly string[];
  /** what its configs are called, by hash */
  readonly labels: ReadonlyMap<string, string | null>;
  readonly nowMs: number;
}

/** Entries of the project's log among which those of the experiment are looked for, the newest. */
const LOG_MAX = 2000;

/** Evaluations on the page of an experiment; the rest have a page of their own. */
const EVALUATIONS_SHOWN = 12;

/** The report of an experiment. @throws DethroneError `project_not_found`, `experiment_not_found` */
export async function reportNamed(
  engine: Engine,
  key: string,
  id: string,
  by?: string,
): Promise<ExperimentReport> {
  const project = await engine.project(key);
  // Never null: an experiment that is named and not found is an error.
  return (await project.report({ experiment: id, by })) as ExperimentReport;
}

/**
 * Everything the page of an experiment shows.
 *
 * @param by break down by this attribute of the context alone
 * @throws DethroneError `project_not_found`, `experiment_not_found`
 */
export async function experimentView(
  engine: Engine,
  key: string,
  id: string,
  by?: string,
): Promise<ExperimentView> {
  const project = await engine.project(key);
  const report = await reportNamed(engine, key, id, by);
  const trajectory = (await project.trajectory({ experiment: report.experiment })) as Trajectory;
  const history = await project.history(LOG_MAX);
  const configs = await project.configs();
  const { evaluations } = await project.evaluations({
    experiment: report.experiment,
    limit: EVALUATIONS_SHOWN,
  });
  return {
    report,
    evaluations,
    trajectory,
    log: history.filter(({ experimentUid }) => experimentUid === report.experiment),
    names: armNames(report.challengers),
    labels: new Map(configs.map(({ hash, label }) => [hash, label])),
    nowMs: engine.now(),
  };
}

/** Where an experiment stands, as a ruling. */
export function rulingOf({ decision }: ExperimentReport): Ruling {
  if (decision) return { verdict: decision.verdict, reason: decision.reason };
  return { verdict: "continue", reason: "collecting" };
}

/** What a person may do to an experiment. */
export type Action =
  | "start"
  | "pause"
  | "resume"
  | "approve"
  | "decline"
  | "promote"
  | "abort"
  | "drop"
  | "archive";

/** What may be done to an experiment as it stands, the most likely first. */
export function actionsOf(report: ExperimentReport): readonly Action[] {
  const { status, isAwaitingApproval, challengers, archivedAtMs } = report;
  if (status === "draft") return ["start", "abort"];
  if (hasEnded(status)) return archivedAtMs === null ? ["archive"] : [];
  const left = challengers.filter(({ out }) => out === null).length;
  return [
    ...(isAwaitingApproval ? (["approve", "decline"] as const) : []),
    status === "paused" ? "resume" : "pause",
    ...(isAwaitingApproval ? [] : (["promote"] as const)),
    ...(left > 1 ? (["drop"] as const) : []),
    "abort",
  ];
}
