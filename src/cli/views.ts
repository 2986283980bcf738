/**
 * What people see of rulings, stored decisions, facts and times: data in, text out.
 */
import type { Ruling } from "../core/decision/decide.js";
import { type Explained, explain } from "../core/decision/explain.js";
import type { Verification } from "../engine/experiments/verify.js";
import { type Colors, table } from "./render.js";

/** A verdict with its reason, coloured by what it means. */
export function verdictText({ verdict, reason }: Ruling, colors: Colors): string {
  const paint = { promote: colors.green, hold: colors.yellow, abort: colors.red, continue: colors.cyan }[
    verdict
  ];
  return `${paint(colors.bold(verdict.toUpperCase()))} ${colors.dim(`(${reason})`)}`;
}

/** A time of the log, in UTC to the second. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace("T", " ").slice(0, 19);

/** A time in UTC to the minute. */
export const minuteText = (ms: number): string => timeText(ms).slice(0, 16);

const LINE_WIDTH_MAX = 100;

/** Columns there are for a line: those of the terminal, unless it is too wide to be read, or there is none. */
export const lineWidth = (): number => Math.min(process.stdout.columns || LINE_WIDTH_MAX, LINE_WIDTH_MAX);

/** The ruling in words, a sentence a line. */
export function sentences(explained: Explained): string {
  return explain(explained).map(paragraph).join("\n");
}

/** A text broken at words to the width there is. */
export function paragraph(text: string): string {
  return wrapped(text, lineWidth());
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

/** A name and what is to be said of it. */
export type Fact = readonly [name: string, value: string];

const INDENT = 2;

/** Facts, a name and its value a line; a long value goes on below itself. */
export function facts(rows: readonly Fact[], colors: Colors): string {
  const nameWidth = Math.max(0, ...rows.map(([name]) => name.length));
  const lines = rows.flatMap(([name, value]) =>
    wrapped(value, lineWidth() - nameWidth - 2 * INDENT)
      .split("\n")
      .map((line, index) => [`${" ".repeat(INDENT)}${colors.dim(index === 0 ? name : "")}`, line]),
  );
  return table(lines, { align: ["left", "left"], colors });
}
