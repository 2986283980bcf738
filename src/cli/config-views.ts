/**
 * What people see of the differences of two configs: data in, text out.
 */
import type { Json } from "../core/errors.js";
import { count, plural } from "../core/words/numbers.js";
import { aligned } from "../engine/configs/alignment.js";
import type { ConfigChange } from "../engine/configs/diff.js";
import { dotted, keysOf } from "../engine/configs/places.js";
import type { Colors } from "./render.js";

// With its sign and margin a line fits a terminal of 80 columns.
const LINE_LENGTH_MAX = 72;
// Equal letters told before the first that differs in a line that is cut, and room for how many follow.
const LEAD_LENGTH = 16;
const REST_LENGTH = 14;
// Equal lines told around those that differ.
const CONTEXT_LINE_COUNT = 2;
// Lines told of one thing that was removed or added.
const LINE_COUNT_MAX = 12;

/**
 * Changes for a person at a terminal: a block each, its dotted path above what was (`-`, red) and what is (`+`, green).
 *
 * Texts of several lines are told line by line with two equal ones around. Long lines are cut to where they part, long
 * values to their first lines, and what is left out is counted. Characters that a terminal would obey, or not show, are
 * escaped.
 *
 * @example
 * diffText([{ path: "/model", kind: "changed", before: "m1", after: "m2" }], colors);
 * // model
 * //   - "m1"
 * //   + "m2"
 */
export function diffText(changes: readonly ConfigChange[], colors: Colors): string {
  return changes.map((change) => block(change, colors)).join("\n");
}

function block({ path, before, after }: ConfigChange, colors: Colors): string {
  const title = keysOf(path).reduce<string>(dotted, "");
  return [colors.bold(visible(title)), ...told(linesOf(before, after), linesOf(after, before), colors)].join(
    "\n",
  );
}

/** A value as lines: a text that has several as it is, if what it is compared with is a text or nothing. */
function linesOf(value: Json | undefined, other: Json | undefined): string[] {
  if (value === undefined) return [];
  const texts = [value, other].filter((side) => side !== undefined);
  const isText = texts.every((side) => typeof side === "string") && texts.some((side) => side.includes("\n"));
  if (isText) return String(value).split("\n");
  const line = JSON.stringify(value);
  const isShort = typeof value !== "object" || line.length <= LINE_LENGTH_MAX;
  return (isShort ? line : JSON.stringify(value, null, 2)).split("\n");
}

// Control characters steer a terminal, and direction marks and spaces of no width show another text than is there.
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Surrogate}\u200b\u2028\u2029\ufeff]/gu;

function visible(text: string): string {
  let end = text.length;
  while (text[end - 1] === " ") end--;
  const shown = text.replace(UNSEEN, (character) =>
    character === "\t" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  // Spaces at the end of a line may be all that differs.
  return end === text.length ? shown : `${shown.trimEnd()}${"·".repeat(text.length - end)}`;
}

// ---- Lines

/** Lines that both have, or, between such, what one has in the place of what the other has. */
type Stretch =
  | { readonly kind: "equal"; readonly lines: string[] }
  | { readonly kind: "gap"; readonly removed: string[]; readonly added: string[] };

function stretchesOf(before: readonly string[], after: readonly string[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const step of aligned(before, after)) {
    const last = stretches.at(-1);
    if (step.kind === "both") {
      const line = after[step.after] as string;
      if (last?.kind === "equal") last.lines.push(line);
      else stretches.push({ kind: "equal", lines: [line] });
      continue;
    }
    const gap = last?.kind === "gap" ? last : { kind: "gap" as const, removed: [], added: [] };
    if (gap !== last) stretches.push(gap);
    if (step.kind === "removed") gap.removed.push(before[step.before] as string);
    else gap.added.push(after[step.after] as string);
  }
  return stretches;
}

function told(before: readonly string[], after: readonly string[], colors: Colors): string[] {
  return stretchesOf(before, after).flatMap((stretch, index, { length }) => {
    if (stretch.kind === "equal")
      return equalLines(stretch.lines, { isFirst: index === 0, isLast: index === length - 1 }, colors);
    const { removed, added } = stretch;
    return [
      ...differentLines(removed, added).map((line) => `  ${colors.red(line === "" ? "-" : `- ${line}`)}`),
      ...differentLines(added, removed).map((line) => `  ${colors.green(line === "" ? "+" : `+ ${line}`)}`),
    ];
  });
}

/** The equal lines next to those that differ, and how many there are besides. */
function equalLines(
  lines: readonly string[],
  { isFirst, isLast }: { isFirst: boolean; isLast: boolean },
  colors: Colors,
): string[] {
  const head = isFirst ? 0 : CONTEXT_LINE_COUNT;
  const tail = isLast ? 0 : CONTEXT_LINE_COUNT;
  const hidden = lines.length - head - tail;
  const shown = (line: string): string => (line === "" ? "" : `    ${colors.dim(cut(line))}`);
  // A note in the place of one line would save nothing.
  if (hidden <= 1) return lines.map(shown);
  const note = colors.dim(`    … ${plural(hidden, "equal line")}`);
  return [...lines.slice(0, head).map(shown), note, ...lines.slice(lines.length - tail).map(shown)];
}

/** The first lines, each cut to where it parts from the one in its place on the other side. */
function differentLines(lines: readonly string[], others: readonly string[]): string[] {
  const isLong = lines.length > LINE_COUNT_MAX + 1;
  const shown = lines.slice(0, isLong ? LINE_COUNT_MAX : lines.length);
  const cuts = shown.map((line, index) => cut(line, others[index]));
  return isLong ? [...cuts, `… ${plural(lines.length - LINE_COUNT_MAX, "more line")}`] : cuts;
}

/** A line that fits, from shortly before it parts from another, with how many letters were left out. */
function cut(rawLine: string, rawOther = rawLine): string {
  const [line, other] = [visible(rawLine), visible(rawOther)];
  if (line.length <= LINE_LENGTH_MAX) return line;
  // By code points: half an emoji is no letter.
  const [letters, others] = [[...line], [...other]];
  const parts = line === other ? 0 : letters.findIndex((letter, index) => letter !== others[index]);
  const from = Math.max(0, (parts === -1 ? letters.length : parts) - LEAD_LENGTH);
  const head = from > 0 ? `(${count(from)} more) …` : "";
  const to = from + LINE_LENGTH_MAX - head.length - REST_LENGTH;
  const rest = letters.length - to;
  const tail = rest > 0 ? `… (${count(rest)} more)` : "";
  return `${head}${letters.slice(from, to).join("")}${tail}`;
}
