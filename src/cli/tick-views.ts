/**
 * What people see of a tick: what it found, and what it did beside. Data in, text out.
 */

import { shortId } from "../core/words/names.js";
import { evidence, plural, probability, timeAgo } from "../core/words/numbers.js";
import type { StalledQueue } from "../engine/experiments/queue.js";
import type { TickResult } from "../engine/experiments/tick.js";
import type { StoredAuditEntry } from "../engine/ports.js";
import { actionText, type LogNames, whyOf } from "../engine/words/history.js";
import { stalledText } from "./governance-views.js";
import { type Colors, table } from "./render.js";
import { lineWidth, verdictText, wrapped } from "./views.js";

/** Something that a tick did. */
export interface TickNews {
  readonly project: string;
  readonly entry: StoredAuditEntry;
  readonly names: LogNames;
}

/** A draft whose time has come, and that could not start. */
export interface LateDraft {
  readonly project: string;
  readonly experiment: string;
  readonly dueAtMs: number;
  /** the experiment it waits for; null where something else is in its way */
  readonly waitsFor: string | null;
}

/** What a tick came to. */
export interface TickView {
  readonly results: readonly TickResult[];
  readonly news: readonly TickNews[];
  readonly late: readonly LateDraft[];
  readonly stalled: readonly StalledQueue[];
}

function newsText({ project, entry, names }: TickNews, colors: Colors): string {
  // Why a watch begins is said by what it is about.
  const why = entry.action === "watch-started" ? null : whyOf(entry);
  const text = `${actionText(entry, names)}${why === null ? "" : `: ${why}`}`;
  const lines = wrapped(text, lineWidth() - project.length - 4).split("\n");
  return lines
    .map((line, index) => `  ${index === 0 ? colors.dim(project) : " ".repeat(project.length)}  ${line}`)
    .join("\n");
}

function lateLine({ project, experiment, dueAtMs, waitsFor }: LateDraft, nowMs: number): string {
  const why =
    waitsFor === null
      ? "cannot start: 'dethrone start' says why"
      : `waits for the end of experiment ${shortId(waitsFor)}`;
  return `  ${project}  draft ${shortId(experiment)}, due ${timeAgo(nowMs - dueAtMs)}, ${why}`;
}

/** What a tick found and did. */
export function tickText({ results, news, late, stalled }: TickView, nowMs: number, colors: Colors): string {
  const rows = results.map((result) => [
    colors.bold(result.project),
    verdictText(result, colors),
    result.changed ? "stored" : "",
    plural(result.sessionCount, "session"),
    `P(better) ${probability(result.probabilityBetter)}`,
    `evidence ${evidence(result.logSupPromote)}`,
  ]);
  const found =
    results.length === 0
      ? "Nothing is running."
      : table(rows, { align: rows[0]?.map(() => "left" as const) ?? [], colors });
  return [
    found,
    ...news.map((each) => newsText(each, colors)),
    ...late.map((draft) => colors.yellow(lateLine(draft, nowMs))),
    ...stalledText(stalled).map((line) => colors.yellow(line)),
  ].join("\n");
}
