/**
 * What people see of rulings, configs, the audit log and stored decisions: data in, text out.
 */
import type { Ruling } from "../core/decision/decide.js";
import { type Explained, explain } from "../core/decision/explain.js";
import type { Ledger } from "../core/decision/ledger.js";
import type { JsonObject } from "../core/errors.js";
import { challengersOf } from "../engine/experiments/arms.js";
import type { TickResult } from "../engine/experiments/tick.js";
import type { Verification } from "../engine/experiments/verify.js";
import type { StoredAuditEntry, StoredExperiment } from "../engine/ports.js";
import { type Colors, evidence, percent, plural, probability, table } from "./render.js";

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

const LINE_WIDTH = 80;

/** A text from shortly before a place, held to a width. */
function excerpt(text: string, from: number, width: number): string {
  const start = from > width / 2 ? from - Math.floor(width / 4) : 0;
  const end = start + width;
  return `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`;
}

/** The fields in which two configs differ: on one line where both values fit, else each from where they part. */
export function configDiff(champion: JsonObject, challenger: JsonObject, colors: Colors): string {
  const keys = [...new Set([...Object.keys(champion), ...Object.keys(challenger)])].sort();
  const changed = keys.filter((key) => JSON.stringify(champion[key]) !== JSON.stringify(challenger[key]));
  const shown = (value: unknown): string => (value === undefined ? "(none)" : JSON.stringify(value));
  return changed
    .map((key) => {
      const [before, after] = [shown(champion[key]), shown(challenger[key])];
      if (key.length + before.length + after.length + 8 <= LINE_WIDTH)
        return `  ${key}: ${colors.red(before)} -> ${colors.green(after)}`;
      const parts = [...before].findIndex((letter, index) => letter !== after[index]);
      const part = (text: string): string => excerpt(text, Math.max(0, parts), LINE_WIDTH - 10);
      return `  ${key}:\n    ${colors.red(`- ${part(before)}`)}\n    ${colors.green(`+ ${part(after)}`)}`;
    })
    .join("\n");
}

/** The ruling in words, a sentence a line, as wide as the terminal. */
export function sentences(explained: Explained): string {
  return explain(explained).map(paragraph).join("\n");
}

/** A text as wide as the terminal; on one line where there is none. */
export function paragraph(text: string): string {
  const { columns } = process.stdout;
  // A terminal that does not know its width says 0.
  return columns ? wrapped(text, columns) : text;
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

/** The audit log, newest first, and what it has come to. */
export function historyText(entries: readonly StoredAuditEntry[], ledger: Ledger, colors: Colors): string {
  const rows = entries.map((entry) => [
    colors.dim(timeText(entry.atMs)),
    entry.action,
    entry.reason ?? "",
    entry.actor,
    colors.dim(short(entry.experimentUid ?? "")),
  ]);
  const log = table(rows, {
    header: ["when (UTC)", "what", "why", "who", "experiment"],
    align: ["left", "left", "left", "left", "left"],
    colors,
  });
  return `${log}\n\n${paragraph(ledger.sentence)}`;
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
    challengersOf(experiment)
      .map(({ config }) => short(config.hash))
      .join(", "),
    experiment.shareRule.kind === "fixed" ? percent(experiment.shareRule.share) : experiment.shareRule.kind,
    experiment.startedAtMs === null ? "" : timeText(experiment.startedAtMs).slice(0, 10),
  ]);
  return table(rows, {
    header: ["experiment", "status", "challenger", "share", "started"],
    colors,
  });
}
