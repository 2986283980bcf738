/**
 * What people see of scores by attribute: data in, text out.
 */
import type { Breakdown } from "../core/decision/breakdown.js";
import { count, percent, signedPoints } from "../core/words/numbers.js";
import { clipped } from "./names.js";
import { type Colors, table } from "./render.js";
import { paragraph } from "./views.js";

type BreakdownArm = Breakdown["values"][number]["arms"][number];

const VALUE_WIDTH = 20;
const ATTRIBUTE_WIDTH = 16;
const ARMS_SHOWN_MAX = 4;
const ATTRIBUTES_SHOWN_MAX = 6;

function armText({ count: units, mean }: BreakdownArm): string {
  return mean === null ? "-" : `${percent(mean)} of ${count(units)}`;
}

/** The arms a row has room for: the champion's and the first challengers'. */
function rowsOf({ attribute, values, otherCount }: Breakdown, colors: Colors): string[][] {
  const rows = values.map(({ value, arms, uplift }, index) => [
    index === 0 ? colors.bold(clipped(attribute, ATTRIBUTE_WIDTH)) : "",
    clipped(value, VALUE_WIDTH),
    ...arms.slice(0, ARMS_SHOWN_MAX).map(armText),
    ...(arms.length === 2 ? [uplift === null ? "-" : signedPoints(uplift)] : []),
  ]);
  return otherCount === 0 ? rows : [...rows, ["", colors.dim(`${count(otherCount)} with others`)]];
}

const WARNING =
  "Exploratory: many values are looked at at once, and no test vouches for what stands out. A difference found here is a question for the next experiment.";

function hiddenText(breakdown: readonly Breakdown[], names: readonly string[]): string {
  const attributes = breakdown.slice(ATTRIBUTES_SHOWN_MAX).map(({ attribute }) => attribute);
  const arms = names.slice(ARMS_SHOWN_MAX);
  return [
    ...(attributes.length > 0 ? [`Not shown: ${attributes.join(", ")}; see one with --by.`] : []),
    ...(arms.length > 0 ? [`Arms not shown: ${arms.join(", ")}; --json has all.`] : []),
  ].join(" ");
}

/**
 * Scores by the values of each attribute; empty without any.
 *
 * @param names of the arms, the champion's first
 */
export function breakdownText(
  breakdown: readonly Breakdown[],
  names: readonly string[],
  colors: Colors,
): string {
  const shown = breakdown.filter(({ values }) => values.length > 0);
  if (shown.length === 0) return "";
  const rows = shown.slice(0, ATTRIBUTES_SHOWN_MAX).flatMap((each) => rowsOf(each, colors));
  const header = [
    "by context",
    "value",
    ...names.slice(0, ARMS_SHOWN_MAX),
    ...(names.length === 2 ? ["uplift"] : []),
  ];
  const align = header.map((_, index) => (index < 2 ? ("left" as const) : ("right" as const)));
  const hidden = hiddenText(shown, names);
  return [
    table(rows, { header, align, colors }),
    colors.dim(paragraph(WARNING)),
    ...(hidden === "" ? [] : [colors.dim(paragraph(hidden))]),
  ].join("\n");
}
