/**
 * A report as CSV (RFC 4180): a row for each arm, its numbers under the names they have in JSON.
 */
import type { Comparison, Evaluation } from "../../core/decision/evaluation.js";
import type { MetricArm } from "../../core/decision/metric-evaluation.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";

type Cell = string | number | null;
type Row = Readonly<Record<string, Cell>>;

/** What a spreadsheet would take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** A field. A text that would be a formula gets an apostrophe in front; a number is left alone. */
function field(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The comparison of a challenger; null for the champion. */
function comparisonOf(evaluation: Evaluation, arm: number): Comparison | null {
  return [evaluation, ...evaluation.others].find((each) => each.arm === arm) ?? null;
}

/** An arm's values of each metric; the champion's are those of the pair that leads. */
function metricsOf(evaluation: Evaluation, arm: number): Row {
  const { metrics } = comparisonOf(evaluation, arm) ?? evaluation;
  const ofArm = (name: string): readonly (readonly [string, Cell])[] => {
    const { champion, challenger } = metrics[name] ?? { champion: null, challenger: null };
    const values: MetricArm | null = arm === 0 ? champion : challenger;
    return [
      [`${name} sessionCount`, values?.sessionCount ?? null],
      [`${name} typical`, values?.typical ?? null],
      [`${name} low`, values?.interval[0] ?? null],
      [`${name} high`, values?.interval[1] ?? null],
    ];
  };
  return Object.fromEntries(Object.keys(evaluation.metrics).flatMap(ofArm));
}

function rowOf(report: ExperimentReport, place: number): Row {
  const { evaluation, decision, project, experiment, status, champion, challengers, share } = report;
  const arm = evaluation.arms[place];
  const challenger = challengers[place - 1];
  const { hash, label } = challenger ?? champion;
  const comparison = comparisonOf(evaluation, place);
  return {
    ...{ project, experiment, status, verdict: decision?.verdict ?? "continue" },
    reason: decision?.reason ?? "collecting",
    ...{ arm: place, role: place === 0 ? "champion" : "challenger", config: hash, label },
    ...{ share: challenger?.share ?? Math.round((1 - share) * 1e4) / 1e4, out: challenger?.out ?? null },
    ...{ sessionCount: arm?.sessionCount ?? 0, missingCount: arm?.missingCount ?? 0 },
    ...{ scoreSum: arm?.scoreSum ?? 0, mean: arm?.mean ?? null },
    ...{ meanLow: arm?.interval[0] ?? null, meanHigh: arm?.interval[1] ?? null },
    probabilityBetter: comparison?.probabilityBetter ?? null,
    upliftMean: comparison?.upliftMean ?? null,
    upliftLow: comparison?.upliftInterval[0] ?? null,
    upliftHigh: comparison?.upliftInterval[1] ?? null,
    logSupPromote: comparison?.logSupPromote ?? null,
    logLinePromote: comparison?.logLinePromote ?? null,
    chanceOfPromotion: comparison?.chanceOfPromotion ?? null,
    ...metricsOf(evaluation, place),
  };
}

/** The report as CSV: a header, then the champion's row and the challengers'. */
export function reportCsv(report: ExperimentReport): string {
  const rows = [0, ...report.challengers.map((_, j) => j + 1)].map((place) => rowOf(report, place));
  const header = Object.keys(rows[0] ?? {});
  const lines = [header, ...rows.map((row) => header.map((name) => row[name] ?? null))];
  return lines.map((cells) => `${cells.map(field).join(",")}\r\n`).join("");
}
