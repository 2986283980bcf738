/**
 * What people see of all projects at a glance, and of the experiments of one: data in, text out.
 */

import { shortId } from "../core/words/names.js";
import { count, evidence, percent, plural, probability } from "../core/words/numbers.js";
import { days } from "../core/words/quantity.js";
import { isMoving } from "../core/words/share-rule.js";
import type { ExperimentSummary } from "../engine/experiments/experiment-summary.js";
import type { StalledQueue } from "../engine/experiments/queue.js";
import type { ExperimentReport } from "../engine/experiments/report.js";
import { stateText } from "../engine/words/setup.js";
import { evidenceBar } from "./evaluation-views.js";
import { stalledText } from "./governance-views.js";
import { clipped, type Labels, nameIn } from "./names.js";
import { type Colors, table } from "./render.js";
import { minuteText } from "./views.js";

/** A project and its newest experiment. */
export interface StatusRow {
  readonly key: string;
  readonly championHash: string;
  readonly report: ExperimentReport | null;
  /** drafts, those in the queue included */
  readonly draftCount: number;
}

const isOpen = ({ status }: ExperimentReport): boolean => status === "running" || status === "paused";

function statusCells({ key, report, draftCount }: StatusRow, colors: Colors): string[] {
  const drafts = draftCount === 0 ? "" : count(draftCount);
  const name = colors.bold(key);
  if (!report || report.startedAtMs === null) return [name, "no experiment", "", "", "", "", "", drafts];
  const { evaluation, status, isAwaitingApproval, daysLeft } = report;
  const isCollecting = isOpen(report) && !isAwaitingApproval;
  const hasChance = isCollecting && report.policy.kind === "calibrated";
  if (report.assign !== null) return [name, stateText(report), "-", "-", "-", "-", "-", drafts];
  return [
    name,
    report.kind === "watch" ? `${stateText(report)} (watch)` : stateText(report),
    `${count(evaluation.sessionCount)} of ${count(report.policy.horizon)}`,
    probability(evaluation.probabilityBetter),
    `${evidenceBar(evaluation.logSupPromote, evaluation.logLinePromote, 6)} ${evidence(evaluation.logSupPromote)}`,
    hasChance ? percent(evaluation.chanceOfPromotion, 0) : "-",
    isCollecting && status === "running" && daysLeft !== null ? days(daysLeft) : "-",
    drafts,
  ];
}

/** One line a project; below, the queues that stand still. */
export function statusText(
  rows: readonly StatusRow[],
  colors: Colors,
  stalled: readonly StalledQueue[] = [],
): string {
  if (rows.length === 0)
    return "No project yet. Create one with 'dethrone project create KEY --champion FILE'.";
  const header = ["project", "experiment", "sessions", "P(better)", "evidence", "chance", "left", "drafts"];
  const hasDrafts = rows.some(({ draftCount }) => draftCount > 0);
  const width = hasDrafts ? header.length : header.length - 1;
  const drawn = table(
    rows.map((row) => statusCells(row, colors).slice(0, width)),
    {
      header: header.slice(0, width),
      align: ["left", "left", "right", "right", "left", "right", "right", "right"],
      colors,
    },
  );
  return [drawn, ...stalledText(stalled).map((line) => colors.yellow(line))].join("\n");
}

const CHALLENGERS_WIDTH = 26;
const OWNER_WIDTH = 16;

function whenText({ startsAtMs, startedAtMs, status, isQueued }: ExperimentSummary): string {
  if (startedAtMs !== null) return minuteText(startedAtMs);
  if (status !== "draft") return "never started";
  if (isQueued && startsAtMs === null) return "in turn";
  return startsAtMs === null ? "by hand" : `due ${minuteText(startsAtMs)}`;
}

function shareCell({ shareRule, share, assign }: ExperimentSummary): string {
  if (assign !== null) return assign.by;
  return isMoving(shareRule) ? shareRule.kind : percent(share);
}

function experimentCells(experiment: ExperimentSummary, labels: Labels, colors: Colors): string[] {
  const { id, kind, archivedAtMs, challengers, owner } = experiment;
  const state = stateText(experiment);
  const names = challengers.map(({ hash, out }) => `${nameIn(labels, hash)}${out === null ? "" : " (out)"}`);
  const shown = clipped(names.join(", "), CHALLENGERS_WIDTH);
  return [
    shortId(id),
    archivedAtMs === null ? state : colors.dim(`${state}, archived`),
    kind === "watch" ? `${shown} (watch)` : shown,
    shareCell(experiment),
    whenText(experiment),
    clipped(owner ?? "", OWNER_WIDTH),
  ];
}

/**
 * The experiments of a project, newest first.
 *
 * @param hiddenCount those that are archived, or that no filter let through
 */
export function experimentsText(
  experiments: readonly ExperimentSummary[],
  { labels, hiddenCount, colors }: { labels: Labels; hiddenCount: number; colors: Colors },
): string {
  const hidden =
    hiddenCount === 0 ? "" : colors.dim(`${plural(hiddenCount, "archived experiment")} not shown.`);
  if (experiments.length === 0) return hidden || "No experiment yet. Start one with 'dethrone challenge'.";
  const hasOwner = experiments.some(({ owner }) => owner !== null);
  const header = ["experiment", "status", "challenger", "share", "when (UTC)", "owner"];
  const width = hasOwner ? header.length : header.length - 1;
  const drawn = table(
    experiments.map((experiment) => experimentCells(experiment, labels, colors).slice(0, width)),
    {
      header: header.slice(0, width),
      align: ["left", "left", "left", "right", "left", "left"],
      colors,
    },
  );
  return hidden === "" ? drawn : `${drawn}\n${hidden}`;
}
