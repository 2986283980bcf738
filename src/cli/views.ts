/**
 * What people see of projects, experiments, evaluations and decisions: data in, text out.
 */

import type { Ruling } from "../core/decide.js";
import type { JsonObject } from "../core/errors.js";
import type { ArmEvaluation } from "../core/evaluation.js";
import { type Explained, explain } from "../core/explain.js";
import type { StoredAuditEntry, StoredExperiment } from "../engine/ports.js";
import type { ExperimentReport } from "../engine/report.js";
import type { TickResult } from "../engine/tick.js";
import type { Verification } from "../engine/verify.js";
import {
  bar,
  type Colors,
  count,
  duration,
  evidence,
  intervalBar,
  lineChart,
  percent,
  plural,
  probability,
  signedPoints,
  table,
  timeAgo,
} from "./render.js";

const BAR_WIDTH = 24;
const INTERVAL_WIDTH = 40;

/** The first characters of a hash or id: enough to tell two apart. */
export const short = (id: string): string => id.slice(0, 12);

/** A verdict with its reason, coloured by what it means. */
export function verdictText({ verdict, reason }: Ruling, colors: Colors): string {
  const paint = { promote: colors.green, hold: colors.yellow, abort: colors.red, continue: colors.cyan }[
    verdict
  ];
  return `${paint(colors.bold(verdict.toUpperCase()))} ${colors.dim(`(${reason})`)}`;
}

/** A time of the log, in UTC to the second. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace("T", " ").slice(0, 19);

/** The fields in which two configs differ, one a line. */
export function configDiff(champion: JsonObject, challenger: JsonObject, colors: Colors): string {
  const keys = [...new Set([...Object.keys(champion), ...Object.keys(challenger)])].sort();
  const changed = keys.filter((key) => JSON.stringify(champion[key]) !== JSON.stringify(challenger[key]));
  const shown = (value: unknown): string => (value === undefined ? "(none)" : JSON.stringify(value));
  return changed
    .map((key) => `  ${key}: ${colors.red(shown(champion[key]))} -> ${colors.green(shown(challenger[key]))}`)
    .join("\n");
}

/** Both arms' success rates with their 95 % intervals on one scale. */
export function armsTable(arms: readonly ArmEvaluation[], colors: Colors): string {
  const low = Math.max(0, Math.floor(10 * Math.min(...arms.map((arm) => arm.interval[0]))) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...arms.map((arm) => arm.interval[1]))) / 10);
  const rows = arms.map((arm) => [
    arm.role === "champion" ? colors.blue("champion") : colors.magenta("challenger"),
    count(arm.sessionCount),
    arm.sessionCount === 0 ? "-" : percent(arm.scoreSum / arm.sessionCount),
    `${percent(arm.interval[0])} to ${percent(arm.interval[1])}`,
    intervalBar({
      low: arm.interval[0],
      mean: arm.mean,
      high: arm.interval[1],
      min: low,
      max: high,
      width: INTERVAL_WIDTH,
    }),
  ]);
  return table(rows, {
    header: ["arm", "sessions", "success", "95 % interval", `${percent(low, 0)} to ${percent(high, 0)}`],
    colors,
  });
}

/** A log e-value as a bar toward its line. */
function evidenceBar(logSup: number, logLine: number, width = BAR_WIDTH): string {
  return bar(Math.min(1, Math.max(0, logSup / logLine)), width);
}

/** The numbers that decide, one a line. */
export function decidingNumbers({ evaluation, policy }: Explained, colors: Colors): string {
  const line = (name: string, value: string, meaning: string): string[] => [name, value, colors.dim(meaning)];
  const [low, high] = evaluation.upliftInterval;
  const toLine = (logSup: number, logLine: number): string =>
    `${evidenceBar(logSup, logLine)} ${evidence(logSup)} of ${evidence(logLine)}`;
  return table(
    [
      line("P(better)", probability(evaluation.probabilityBetter), `at least ${policy.tau} to promote`),
      line(
        "evidence: better",
        toLine(evaluation.logSupPromote, evaluation.logLinePromote),
        "promotes at its line",
      ),
      line("evidence: worse", toLine(evaluation.logSupHarm, evaluation.logLineHarm), "aborts at its line"),
      line(
        "uplift",
        `${signedPoints(evaluation.upliftMean)} (${signedPoints(low)} to ${signedPoints(high)})`,
        "95 %, two-sided, at all times at once",
      ),
      line(
        "expected loss",
        `${percent(evaluation.expectedLossChallenger, 2)} if promoted, ${percent(evaluation.expectedLossChampion, 2)} if not`,
        "of success rate",
      ),
      line(
        "chance of promotion",
        percent(evaluation.chanceOfPromotion),
        `by ${count(policy.horizon)} sessions`,
      ),
    ],
    { align: ["left", "left", "left"], colors },
  );
}

/** The ruling in words, a sentence a line, as wide as the terminal. */
export function sentences(explained: Explained): string {
  const { columns } = process.stdout;
  return explain(explained)
    .map((sentence) => (columns === undefined ? sentence : wrapped(sentence, columns)))
    .join("\n");
}

/** A text broken at words to a width. */
export function wrapped(text: string, width: number): string {
  const lines = [""];
  // A number stays with its per cent.
  for (const word of text.split(/ (?!%)/)) {
    const line = lines.at(-1) as string;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}

/** Where an experiment stands, as a ruling. */
function standing(report: ExperimentReport): Ruling {
  if (report.decision) return { verdict: report.decision.verdict, reason: report.decision.reason };
  return { verdict: "continue", reason: "collecting" };
}

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
  const header = [
    "arm",
    "served",
    "open",
    "missing",
    "abandoned",
    "not counted",
    "late signals",
    "duration p50 / p95",
  ];
  return table(rows, { header, colors });
}

/** One experiment in full. */
export function reportText(report: ExperimentReport, nowMs: number, colors: Colors): string {
  const explained: Explained = {
    ruling: standing(report),
    evaluation: report.evaluation,
    policy: report.policy,
  };
  const started =
    report.startedAtMs === null ? "not started" : `started ${timeAgo(nowMs - report.startedAtMs)}`;
  const state = report.isAwaitingApproval ? "awaiting approval" : report.status;
  return [
    `${colors.bold(report.project)}  ${verdictText(explained.ruling, colors)}  ${colors.dim(`${state}, ${started}, share ${percent(report.share)}, experiment ${report.experiment}`)}`,
    "",
    sentences(explained),
    "",
    armsTable(report.evaluation.arms, colors),
    "",
    decidingNumbers(explained, colors),
    "",
    colors.bold("sessions"),
    sessionsTable(report, colors),
    "",
    colors.bold("config, champion -> challenger"),
    configDiff(report.champion.body, report.challenger.body, colors) || "  (no top-level difference)",
    "",
    colors.dim(
      `Why ${report.evaluation.sessionCount} sessions count: one per unit, settled, in assignment order. A late signal is kept, never counted.`,
    ),
  ].join("\n");
}

/** One line a project. */
export function statusText(
  rows: readonly {
    readonly key: string;
    readonly championHash: string;
    readonly report: ExperimentReport | null;
  }[],
  colors: Colors,
): string {
  if (rows.length === 0)
    return "No project yet. Create one with 'dethrone project create KEY --champion FILE'.";
  const body = rows.map(({ key, championHash, report }) => {
    if (!report) return [colors.bold(key), short(championHash), "no experiment", "", "", "", ""];
    const { evaluation } = report;
    const isRunning = report.status === "running" || report.status === "paused";
    return [
      colors.bold(key),
      short(championHash),
      report.isAwaitingApproval ? "awaiting approval" : report.status,
      `${count(evaluation.sessionCount)} of ${count(report.policy.horizon)}`,
      probability(evaluation.probabilityBetter),
      `${evidenceBar(evaluation.logSupPromote, evaluation.logLinePromote, 12)} ${evidence(evaluation.logSupPromote)}`,
      isRunning ? percent(evaluation.chanceOfPromotion) : "-",
    ];
  });
  const header = ["project", "champion", "experiment", "sessions", "P(better)", "evidence", "chance"];
  return table(body, { header, align: ["left", "left", "left", "right", "right", "left", "right"], colors });
}

/** What a tick found. */
export function tickText(results: readonly TickResult[], colors: Colors): string {
  if (results.length === 0) return "Nothing is running.";
  const rows = results.map((result) => [
    colors.bold(result.project),
    verdictText(result, colors),
    result.changed ? "stored" : "",
    plural(result.sessionCount, "session"),
    `P(better) ${probability(result.probabilityBetter)}`,
    `evidence ${evidence(result.logSupPromote)}`,
  ]);
  return table(rows, { align: rows[0]?.map(() => "left" as const) ?? [], colors });
}

/** The audit log, newest first. */
export function historyText(entries: readonly StoredAuditEntry[], colors: Colors): string {
  const rows = entries.map((entry) => [
    colors.dim(timeText(entry.atMs)),
    entry.action,
    entry.reason ?? "",
    entry.actor,
    colors.dim(entry.experimentUid ?? ""),
  ]);
  return table(rows, {
    header: ["when (UTC)", "what", "why", "who", "experiment"],
    align: ["left", "left", "left", "left", "left"],
    colors,
  });
}

/** Whether the stored decisions stand. */
export function verifyText(results: readonly Verification[], colors: Colors): string {
  if (results.length === 0) return "No decision is stored yet.";
  const rows = results.map((result) => [
    result.isEqual ? colors.green("equal") : colors.red("DIFFERENT"),
    result.project,
    verdictText(result, colors),
    colors.dim(result.decision),
    result.differences.join("; "),
  ]);
  return table(rows, { align: ["left", "left", "left", "left", "left"], colors });
}

/** The experiments of a project, newest first. */
export function experimentsText(experiments: readonly StoredExperiment[], colors: Colors): string {
  if (experiments.length === 0) return "No experiment yet. Start one with 'dethrone challenge'.";
  const rows = experiments.map((experiment) => [
    experiment.uid,
    experiment.status,
    short(experiment.champion.hash),
    short(experiment.challenger.hash),
    percent(experiment.planShare),
    experiment.startedAtMs === null ? "" : timeText(experiment.startedAtMs),
  ]);
  return table(rows, {
    header: ["experiment", "status", "champion", "challenger", "share", "started (UTC)"],
    colors,
  });
}

const CHART_HEIGHT = 6;
const CHART_WIDTH = 72;

/** The log evidence for promotion over time, with the line it has to reach. */
export function evidenceChart(
  path: readonly number[],
  evaluation: { readonly logLinePromote: number; readonly sessionCount: number },
  colors: Colors,
): string {
  return lineChart([path], {
    width: CHART_WIDTH,
    height: CHART_HEIGHT,
    thresholds: [{ value: evaluation.logLinePromote, label: "promote" }],
    labels: ["log evidence that the challenger is better"],
    ends: ["0", plural(evaluation.sessionCount, "session")],
    colors,
  });
}
