/**
 * What people see of an experiment in full, and of all projects at a glance: data in, text out.
 */
import type { Ruling } from "../core/decision/decide.js";
import type { Explained } from "../core/decision/explain.js";
import type { ExperimentReport } from "../engine/experiments/report.js";
import type { Revision } from "../engine/ports.js";
import { armsTable, decidingNumbers, evidenceBar, othersTable } from "./evaluation-views.js";
import { coverageText, guardrailsText, metricsText } from "./metric-views.js";
import { shareRuleText } from "./plan-views.js";
import { days } from "./quantity.js";
import {
  type Colors,
  count,
  duration,
  evidence,
  percent,
  plural,
  probability,
  table,
  timeAgo,
} from "./render.js";
import { configDiff, paragraph, sentences, timeText, verdictText } from "./views.js";

/** Where an experiment stands, as a ruling. */
function standing(report: ExperimentReport): Ruling {
  if (report.decision) return { verdict: report.decision.verdict, reason: report.decision.reason };
  return { verdict: "continue", reason: "collecting" };
}

const isOpen = ({ status }: ExperimentReport): boolean => status === "running" || status === "paused";

function sessionsTable(report: ExperimentReport, colors: Colors): string {
  const rows = report.sessions.map((arm) => [
    arm.role,
    arm.served,
    arm.unsettled,
    arm.missing,
    arm.abandoned,
    arm.excluded,
    arm.lateSignals,
    arm.durationMsP50 === null || arm.durationMsP95 === null
      ? "-"
      : `${duration(arm.durationMsP50)} / ${duration(arm.durationMsP95)}`,
  ]);
  const header = ["sessions", "served", "open", "missing", "abandoned", "left out", "late", "p50 / p95"];
  return table(rows, { header, colors });
}

/** ", at most 6 days left at 310 a day"; empty where nothing is known or nothing is left. */
function paceText({ status, isAwaitingApproval, unitsPerDay, daysLeft }: ExperimentReport): string {
  if (status !== "running" || isAwaitingApproval || unitsPerDay === null || daysLeft === null) return "";
  return `, at most ${days(daysLeft)} left at ${count(Math.round(unitsPerDay))} a day`;
}

function shareText(report: ExperimentReport): string {
  const now = `share ${percent(report.share)}`;
  return report.shareRule.kind === "fixed" ? now : `${now} now, ${shareRuleText(report.shareRule)}`;
}

function revisionText({ fields, atMs }: Revision): string {
  const { horizon, minPerArm, futility, shareRule } = fields;
  const changes = [
    horizon === undefined ? "" : `${plural(horizon, "planned session")}`,
    shareRule === undefined ? "" : `share ${shareRuleText(shareRule)}`,
    minPerArm === undefined ? "" : `at least ${plural(minPerArm, "session")} an arm`,
    futility === undefined
      ? ""
      : futility === null
        ? "no futility rule"
        : `hold below a chance of ${percent(futility.chance)}`,
  ];
  return `revised ${timeText(atMs)}: ${changes.filter((change) => change !== "").join(", ")}`;
}

function heading(report: ExperimentReport, ruling: Ruling, nowMs: number, colors: Colors): string[] {
  const { startedAtMs, evaluation, policy } = report;
  const started = startedAtMs === null ? "not started" : `started ${timeAgo(nowMs - startedAtMs)}`;
  const state = report.isAwaitingApproval ? "awaiting approval" : report.status;
  const facts = [
    `experiment ${report.experiment}`,
    `${shareText(report)}; policy ${policy.kind}, ${policy.kind === "threshold" ? `P above ${policy.tau}` : `alpha ${Number(policy.alpha.toPrecision(3))}`}`,
    `${count(evaluation.sessionCount)} of ${plural(policy.horizon, "planned session")}${paceText(report)}`,
    ...report.revisions.map(revisionText),
  ];
  return [
    `${colors.bold(report.project)}  ${verdictText(ruling, colors)}  ${colors.dim(`${state}, ${started}`)}`,
    ...facts.map((fact) => colors.dim(fact)),
  ];
}

/** One experiment in full. */
export function reportText(report: ExperimentReport, nowMs: number, colors: Colors): string {
  const { evaluation, policy } = report;
  const ruling = standing(report);
  const explained: Explained = { ruling, evaluation, policy };
  const hasMoved =
    report.shareRule.kind !== "fixed" ||
    report.revisions.some(({ fields }) => fields.shareRule !== undefined);
  const coverage = coverageText(evaluation);
  const parts = [
    heading(report, ruling, nowMs, colors).join("\n"),
    sentences(explained),
    armsTable(evaluation.arms, colors),
    decidingNumbers(explained, colors, { hasMoved }),
    othersTable(evaluation, colors),
    metricsText(evaluation.metrics, colors),
    coverage === "" ? "" : colors.dim(paragraph(coverage)),
    guardrailsText(evaluation.guardrails, policy, colors),
    sessionsTable(report, colors),
    [
      colors.bold("config, champion -> challenger"),
      configDiff(report.champion.body, report.challenger.body, colors) || "  (no top-level difference)",
    ].join("\n"),
    colors.dim(
      paragraph(
        `${plural(evaluation.sessionCount, "session")} count: one per unit, settled, in assignment order. A late signal is kept, never counted.`,
      ),
    ),
    paragraph(`All experiments of ${report.project}: ${report.ledger.sentence}`),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** A project and its newest experiment. */
export interface StatusRow {
  readonly key: string;
  readonly championHash: string;
  readonly report: ExperimentReport | null;
}

/** One line a project. */
export function statusText(rows: readonly StatusRow[], colors: Colors): string {
  if (rows.length === 0)
    return "No project yet. Create one with 'dethrone project create KEY --champion FILE'.";
  const body = rows.map(({ key, report }) => {
    if (!report) return [colors.bold(key), "no experiment", "", "", "", "", ""];
    const { evaluation, status, isAwaitingApproval, daysLeft } = report;
    const isCollecting = isOpen(report) && !isAwaitingApproval;
    const chance = isCollecting && report.policy.kind === "calibrated";
    return [
      colors.bold(key),
      isAwaitingApproval ? "awaiting approval" : status,
      `${count(evaluation.sessionCount)} of ${count(report.policy.horizon)}`,
      probability(evaluation.probabilityBetter),
      `${evidenceBar(evaluation.logSupPromote, evaluation.logLinePromote, 6)} ${evidence(evaluation.logSupPromote)}`,
      chance ? percent(evaluation.chanceOfPromotion, 0) : "-",
      isCollecting && status === "running" && daysLeft !== null ? days(daysLeft) : "-",
    ];
  });
  const header = ["project", "experiment", "sessions", "P(better)", "evidence", "chance", "left"];
  return table(body, { header, align: ["left", "left", "right", "right", "left", "right", "right"], colors });
}
