/**
 * What people see of an evaluation: the arms, the numbers that decide, the path of the evidence. Data in, text out.
 */
import type { ArmEvaluation, Comparison, Evaluation } from "../core/decision/evaluation.js";
import type { Explained } from "../core/decision/explain.js";
import { count, evidence, percent, plural, probability, signedPoints } from "../core/words/numbers.js";
import { armName } from "./names.js";
import { bar, type Colors, intervalBar, lineChart, table } from "./render.js";

const BAR_WIDTH = 12;
const INTERVAL_WIDTH = 30;

/**
 * The arms' success rates with their 95 % intervals on one scale.
 *
 * @param names of the arms, the champion's first
 */
export function armsTable(arms: readonly ArmEvaluation[], colors: Colors, names?: readonly string[]): string {
  const low = Math.max(0, Math.floor(10 * Math.min(...arms.map((arm) => arm.interval[0]))) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...arms.map((arm) => arm.interval[1]))) / 10);
  const rows = arms.map(({ arm, sessionCount, scoreSum, interval, mean }) => [
    (arm === 0 ? colors.blue : colors.magenta)(armName(arm, arms.length, names)),
    count(sessionCount),
    sessionCount === 0 ? "-" : percent(scoreSum / sessionCount),
    `${percent(interval[0])} to ${percent(interval[1])}`,
    intervalBar({ low: interval[0], mean, high: interval[1], min: low, max: high, width: INTERVAL_WIDTH }),
  ]);
  return table(rows, {
    header: ["arm", "sessions", "success", "95 % interval", `${percent(low, 0)} to ${percent(high, 0)}`],
    colors,
  });
}

/** A log e-value as a bar toward its line. */
export function evidenceBar(logSup: number, logLine: number, width = BAR_WIDTH): string {
  return bar(logSup / logLine, width);
}

const bounds = ([low, high]: readonly [number, number]): string =>
  `${signedPoints(low).replace(/ points$/, "")} to ${signedPoints(high).replace(/ points$/, "")}`;

/**
 * The numbers that decide, one a line.
 *
 * @param hasMoved whether the share has moved: then the plain uplift may be biased by drift, and the unbiased one is told
 */
export function decidingNumbers(
  { evaluation, policy }: Explained,
  colors: Colors,
  { hasMoved = false }: { readonly hasMoved?: boolean } = {},
): string {
  const line = (name: string, value: string, meaning: string): string[] => [name, value, colors.dim(meaning)];
  const toLine = (logSup: number, logLine: number): string =>
    `${evidenceBar(logSup, logLine)} ${evidence(logSup)} of ${evidence(logLine)}`;
  const { upliftMean, upliftInterval, upliftUnbiased, chanceOfPromotion } = evaluation;
  const { expectedLossChallenger, expectedLossChampion } = evaluation;
  const better = policy.minUplift === 0 ? "better" : `> ${signedPoints(policy.minUplift)}`;
  const rows = [
    line(`P(${better})`, probability(evaluation.probabilityBetterBy), `${policy.tau} or more to promote`),
    line(
      "evidence: better",
      toLine(evaluation.logSupPromote, evaluation.logLinePromote),
      policy.kind === "threshold" ? "does not decide here" : "promotes at its line",
    ),
    line(
      "evidence: worse",
      toLine(evaluation.logSupHarm, evaluation.logLineHarm),
      policy.kind === "threshold" ? "does not decide here" : "aborts at its line",
    ),
    line("uplift", `${signedPoints(upliftMean)} (${bounds(upliftInterval)})`, "95 % at all times at once"),
    ...(hasMoved && upliftUnbiased !== null
      ? [line("uplift, unbiased", signedPoints(upliftUnbiased), "free of drift")]
      : []),
    line(
      "expected loss",
      `${percent(expectedLossChallenger, 2)} if promoted, ${percent(expectedLossChampion, 2)} if not`,
      "of success rate",
    ),
    ...(policy.kind === "threshold"
      ? []
      : [line("promotion chance", percent(chanceOfPromotion), `by ${count(policy.horizon)} sessions`)]),
  ];
  return table(rows, { align: ["left", "left", "left"], colors });
}

/**
 * How the other challengers do; empty where there is one alone.
 *
 * @param names of the arms, the champion's first
 */
export function othersTable(
  { arm, others, arms }: Evaluation,
  colors: Colors,
  names?: readonly string[],
): string {
  if (others.length === 0) return "";
  const row = (each: Comparison): string[] => [
    armName(each.arm, arms.length, names),
    probability(each.probabilityBetter),
    `${evidenceBar(each.logSupPromote, each.logLinePromote)} ${evidence(each.logSupPromote)}`,
    signedPoints(each.upliftMean),
    each.out === null ? "contends" : colors.red(`out (${each.out})`),
  ];
  const header = ["others", "P(better)", "evidence: better", "uplift", ""];
  return [
    colors.dim(`The numbers above are about ${armName(arm, arms.length, names)}, which leads.`),
    table([...others].sort((left, right) => left.arm - right.arm).map(row), { header, colors }),
  ].join("\n");
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
