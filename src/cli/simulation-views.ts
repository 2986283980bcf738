/**
 * What people see of simulations and plans: data in, text out.
 */

import type { Plan, PlanRow } from "../core/simulation/plan.js";
import {
  type CurvePoint,
  type SimulationSummary,
  standardErrorOf,
} from "../core/simulation/simulation-summary.js";
import { count, duration, percent, signedPoints } from "../core/words/numbers.js";
import { DAY_MS } from "../engine/duration.js";
import { bar, type Colors, lineChart, table } from "./render.js";
import { wrapped } from "./views.js";

/** What one policy did. */
export interface PolicyRow extends SimulationSummary {
  readonly policy: string;
  /** fraction of runs that promote where there is no difference; null where that was not simulated */
  readonly promotedWithoutDifference: number | null;
}

/** All that `simulate --json` prints. */
export interface SimulationReport {
  readonly baseRate: number;
  /** one number where all challengers have the same */
  readonly effect: number | readonly number[];
  readonly share: number | "ramp" | "adaptive";
  readonly horizon: number;
  readonly runs: number;
  readonly seed: number;
  readonly challengers: number;
  readonly drift: { readonly from: number; readonly to: number } | null;
  /** sessions that start before a score is known */
  readonly delay: number;
  /** chance that a session has no score */
  readonly missing: number;
  /** whether recorded sessions were resampled */
  readonly isRecorded: boolean;
  readonly alpha: number;
  readonly minUplift: number;
  readonly policies: readonly PolicyRow[];
}

interface Style {
  readonly colors: Colors;
  /** columns of the terminal */
  readonly width: number;
}

/** Wider charts say no more. */
const CHART_WIDTH = 96;
const CHART_HEIGHT = 8;
const CHART_STEPS = 120;
const BAR_WIDTH = 16;

/** "5 points better", "no different". */
function effectText(effect: number): string {
  if (effect === 0) return "no different";
  const points = Math.round(Math.abs(effect) * 1000) / 10;
  return `${points} ${points === 1 ? "point" : "points"} ${effect > 0 ? "better" : "worse"}`;
}

function contendersText({ effect, challengers }: SimulationReport): string {
  if (typeof effect !== "number") return `challengers ${effect.map(effectText).join(", ")}`;
  const noun = challengers === 1 ? "challenger" : `each of ${challengers} challengers`;
  return effect === 0 ? `${noun} no different` : `${noun} ${effectText(effect)}`;
}

function setUpText(report: SimulationReport): string {
  const { runs, horizon, baseRate, drift, share, seed, delay, missing, isRecorded } = report;
  const rate = drift
    ? `success rate drifting from ${percent(drift.from)} to ${percent(drift.to)}`
    : `success rate ${percent(baseRate)}`;
  const shareText = typeof share === "number" ? `share ${percent(share, 0)}` : `${share} share`;
  const late = delay > 0 ? `, scores ${count(delay)} sessions late` : "";
  const lost = missing > 0 ? `, ${percent(missing)} of scores missing` : "";
  const source = isRecorded ? "recorded sessions resampled, " : "";
  return `${count(runs)} experiments of up to ${count(horizon)} sessions; ${source}${rate}, ${contendersText(report)}, ${shareText}${late}${lost}, seed ${seed}`;
}

/** "'calibrated' promoted the challenger in 4.5 % of 2,000 experiments, 'threshold' in 28.5 %". */
function promotedIn(
  rows: readonly PolicyRow[],
  { of, did, among = "" }: { of: (row: PolicyRow) => number; did: string; among?: string },
): string {
  return rows
    .map((row, index) =>
      index === 0
        ? `'${row.policy}' ${did} in ${percent(of(row))}${among}`
        : `'${row.policy}' in ${percent(of(row))}`,
    )
    .join("; ");
}

/** What came out, a sentence each. */
function findings(report: SimulationReport): string[] {
  const { policies, effect, challengers, runs, alpha } = report;
  const one = challengers === 1;
  const among = ` of ${count(runs)} experiments`;
  const of = (row: PolicyRow): number => row.promoted;
  const lines: string[] = [];
  if (effect === 0) {
    const did = `promoted ${one ? "the challenger" : "a challenger"}`;
    lines.push(`With no difference, ${promotedIn(policies, { of, did, among })}.`);
  } else {
    const did = `promoted ${one ? "it" : "one"}`;
    lines.push(
      `With ${one ? "a " : ""}${contendersText(report)}, ${promotedIn(policies, { of, did, among })}.`,
    );
  }
  const nulls = policies.filter((row) => row.promotedWithoutDifference !== null);
  if (effect !== 0 && nulls.length > 0) {
    const falsely = (row: PolicyRow): number => row.promotedWithoutDifference as number;
    lines.push(
      `With no difference, ${promotedIn(nulls, { of: falsely, did: `would have promoted ${one ? "it" : "one"}` })}.`,
    );
  }
  if (policies.some(({ policy }) => policy === "calibrated"))
    lines.push(
      `'calibrated' keeps false promotions at ${percent(alpha, 0)} or less, however often anyone looks.`,
    );
  if (policies.some(({ policy }) => policy === "threshold"))
    lines.push("'threshold' promises nothing: the longer it is looked at, the more it promotes.");
  return lines;
}

/** Whether every promotion is false. */
const isFalseAlways = ({ effect, minUplift }: SimulationReport): boolean =>
  typeof effect === "number" && effect <= minUplift;

type Line = readonly [name: string, of: (row: PolicyRow) => string];

const withError = (fraction: number, error: number): string =>
  `${percent(fraction)} ± ${(100 * error).toFixed(1)}`;

function measures(report: SimulationReport): Line[] {
  const { effect, challengers, policies, runs } = report;
  const plain =
    (of: (row: PolicyRow) => number): Line[1] =>
    (row) =>
      count(Math.round(of(row)));
  const reason =
    (name: "futility" | "horizon" | "harm" | "srm"): Line[1] =>
    (row) =>
      percent(row.reasons[name] ?? 0);
  const isNull = effect === 0;
  const isFalse = isFalseAlways(report);
  const lines: (Line | false)[] = [
    [
      isFalse ? "promoted, falsely" : "promoted",
      (row) => withError(row.promoted, row.standardErrors.promoted),
    ],
    !isFalse && [
      "  with no difference",
      ({ promotedWithoutDifference: rate }) =>
        rate === null ? "-" : withError(rate, standardErrorOf(rate, runs)),
    ],
    typeof effect !== "number" && [
      "  wrongly, one that is not better",
      (row) => percent(row.promotedWrongly),
    ],
    ["held", (row) => percent(row.held)],
    ["  promotion had become unlikely", reason("futility")],
    ["  horizon reached", reason("horizon")],
    ["aborted", (row) => percent(row.aborted)],
    ["  for harm", reason("harm")],
    policies.some((row) => (row.reasons.srm ?? 0) > 0) && ["  for a broken sample ratio", reason("srm")],
    ["sessions to the decision, mean", plain((row) => row.sessionsMean)],
    ["  median", plain((row) => row.sessionsMedian)],
    ["  in 9 of 10 experiments at most", plain((row) => row.sessionsP90)],
    [
      challengers === 1 ? "challenger's sessions, mean" : "challengers' sessions, mean",
      plain((row) => row.challengerSessionsMean),
    ],
    !isNull && ["worse arm's sessions, mean", plain((row) => row.worseArmSessionsMean)],
    !isNull && [
      "uplift seen at promotion, mean",
      ({ upliftAtPromotionMean: uplift }) => (uplift === null ? "-" : signedPoints(uplift)),
    ],
  ];
  return lines.filter((line) => line !== false);
}

/** The curve at steps of equal length, from 0 to the longest of all. */
function resampled(curve: readonly CurvePoint[], longest: number): number[] {
  let at = 0;
  return Array.from({ length: CHART_STEPS + 1 }, (_, step) => {
    const sessions = (step * longest) / CHART_STEPS;
    while (at + 1 < curve.length && (curve[at + 1] as CurvePoint).sessions <= sessions + 1e-9) at += 1;
    return 100 * (curve[at] as CurvePoint).promoted;
  });
}

function promotedChart(report: SimulationReport, { colors, width }: Style): string {
  const { policies, alpha } = report;
  const longest = Math.max(...policies.map(({ curve }) => (curve.at(-1) as CurvePoint).sessions));
  const series = policies.map(({ curve }) => resampled(curve, longest));
  return lineChart(series, {
    width: Math.min(width, CHART_WIDTH),
    height: CHART_HEIGHT,
    labels: policies.map(({ policy }) => policy),
    ends: ["0 sessions", `${count(Math.round(longest))} sessions`],
    thresholds: isFalseAlways(report) ? [{ value: 100 * alpha, label: `alpha ${percent(alpha, 0)}` }] : [],
    colors,
  });
}

/** A simulation for people: what came out in words, the numbers policy by policy, and a chart. */
export function simulationText(report: SimulationReport, style: Style): string {
  const { colors, width } = style;
  const { policies } = report;
  const rows = measures(report).map(([name, of]) => [
    name.startsWith("  ") ? colors.dim(name) : name,
    ...policies.map(of),
  ]);
  return [
    ...findings(report).map((sentence, index) => {
      const text = wrapped(sentence, width);
      return index === 0 ? colors.bold(text) : text;
    }),
    "",
    table(rows, {
      header: ["", ...policies.map(({ policy }) => policy)],
      align: ["left", ...policies.map(() => "right" as const)],
      colors,
    }),
    "",
    colors.dim(`${isFalseAlways(report) ? "Falsely promoted" : "Promoted"} so far, in % of experiments`),
    promotedChart(report, style),
    "",
    colors.dim(wrapped(`${setUpText(report)}. ± is one standard error of the simulation.`, width)),
  ].join("\n");
}

/** A number of days; whole ones from a hundred on, hours and less below a tenth. */
function daysText(days: number): string {
  if (days < 0.095) return duration(days * DAY_MS);
  return `${days < 100 ? days.toFixed(1) : count(Math.round(days))} days`;
}

function planSentences(plan: Plan): string[] {
  const { sessionsPerDay, share, effect, power, daysMean, daysP90, horizon, smallestEffect } = plan;
  const traffic = `${Number.isInteger(sessionsPerDay) ? count(sessionsPerDay) : sessionsPerDay} sessions a day`;
  const chance = `a chance of ${percent(plan.powerWanted, 0)}`;
  const found =
    smallestEffect === null
      ? `Not even a challenger that always succeeds is found with ${chance}.`
      : `By formula, ${chance} takes a challenger at least ${effectText(smallestEffect)}.`;
  return [
    `At ${traffic} and share ${percent(share, 0)}, a challenger ${effectText(effect)} is promoted in ${percent(power, 0)} of experiments. A decision takes ${daysText(daysMean)} on average, and in 9 of 10 experiments ${daysText(daysP90)} at most.`,
    `The experiment ends after ${count(horizon)} sessions (${daysText(plan.daysMax)}) at the latest. ${found}`,
  ];
}

/** A plan for people: what to expect in words, and what other shares buy. */
export function planText(plan: Plan & { readonly runs: number }, { colors, width }: Style): string {
  const row = (each: PlanRow): string[] => {
    const cells = [
      `${percent(each.share, 0)}`,
      `${bar(each.power, BAR_WIDTH, { colors })} ${percent(each.power, 0).padStart(5)}`,
      daysText(each.daysMean),
      daysText(each.daysP90),
      count(Math.round(each.challengerSessionsMean)),
    ];
    return each.share === plan.share ? cells.map((cell) => colors.bold(cell)) : cells;
  };
  const sentences = planSentences(plan).map((text) => wrapped(text, width));
  const [first = "", ...rest] = sentences;
  const setUp = `Simulated, ${count(plan.runs)} experiments a share: success rate ${percent(plan.baseRate)}, policy calibrated, alpha ${percent(plan.alpha, 0)}, seed ${plan.seed}. The formula leaves out that hopeless experiments stop early, which costs 2 to 5 points.`;
  return [
    colors.bold(first),
    ...rest,
    "",
    table(plan.alternatives.map(row), {
      header: ["share", "promoted", "days, mean", "9 of 10 within", "challenger's sessions"],
      align: ["right", "left", "right", "right", "right"],
      colors,
    }),
    "",
    colors.dim(wrapped(setUp, width)),
  ].join("\n");
}
