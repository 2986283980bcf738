/**
 * What people see of the metrics beside the score and of their guardrails: data in, text out.
 */
import type { Evaluation, GuardrailEvaluation } from "../core/decision/evaluation.js";
import type { MetricArm, MetricEvaluation } from "../core/decision/metric-evaluation.js";
import { metricPolicy, type Policy } from "../core/decision/policy.js";
import { marginText, segmentText } from "../core/words/guardrail.js";
import { count, evidence, probability } from "../core/words/numbers.js";
import { type Named, quantity, signedPercent, signedQuantity } from "../core/words/quantity.js";
import { clipped } from "./names.js";
import { bar, type Colors, table } from "./render.js";

type Metrics = Readonly<Record<string, MetricEvaluation>>;

const NAME_WIDTH = 18;
const BAR_WIDTH = 10;

const column = (name: string): string => clipped(name, NAME_WIDTH);

const range = (low: string, high: string): string =>
  low === "-" || high === "-" ? "-" : `${low} to ${high}`;

/** A change with what it means: green where the challenger is surely better, red where it is surely worse. */
function painted(text: string, probabilityBetter: number | null, colors: Colors): string {
  if (probabilityBetter === null) return text;
  if (probabilityBetter >= 0.975) return colors.green(text);
  return probabilityBetter <= 0.025 ? colors.red(text) : text;
}

function armRow(arm: MetricArm | null, named: Named): string[] {
  if (arm === null) return ["-", "no value", "", ""];
  const shown = (value: number): string => quantity(value, named);
  const [low, high] = arm.interval;
  // The percentiles of zeros and ones say nothing that the rate does not.
  const percentiles = named.kind === "binary" ? ["", ""] : [shown(arm.p50), shown(arm.p95)];
  return [shown(arm.typical), range(shown(low), shown(high)), ...percentiles];
}

function changeRow({ scale, change, changeInterval }: MetricEvaluation, named: Named): string[] {
  if (change === null || changeInterval === null) return ["-", "needs two values an arm", "", ""];
  const shown = (value: number): string =>
    scale === "ratio" ? signedPercent(value) : signedQuantity(value, named);
  const [low, high] = changeInterval.map((end) => shown(end).replace(/ points$/, "")) as [string, string];
  return [shown(change), range(low, high), "", ""];
}

function metricRows(name: string, metric: MetricEvaluation, challenger: string, colors: Colors): string[][] {
  const { kind, direction, probabilityBetter } = metric;
  const named = { name, kind };
  const [change = "", ...rest] = changeRow(metric, named);
  const better = probabilityBetter === null ? "" : `P(better) ${probability(probabilityBetter)}`;
  return [
    [colors.bold(column(name)), colors.blue("champion"), ...armRow(metric.champion, named)],
    [colors.dim(`${direction} is better`), colors.magenta(challenger), ...armRow(metric.challenger, named)],
    [better, "change", painted(change, probabilityBetter, colors), ...rest],
  ];
}

function perSuccessTable(metrics: Metrics, challenger: string, colors: Colors): string {
  const rows = Object.entries(metrics).flatMap(([name, { kind, perSuccess }]) => {
    if (perSuccess === null) return [];
    const { change, changeInterval } = perSuccess;
    const shown = (value: number): string => quantity(value, { name, kind });
    const [low, high] = changeInterval.map(signedPercent) as [string, string];
    const both = [shown(perSuccess.champion), shown(perSuccess.challenger)];
    return [[column(name), ...both, signedPercent(change), range(low, high)]];
  });
  if (rows.length === 0) return "";
  const header = ["per success", "champion", challenger, "change", "95 % interval"];
  return table(rows, { header, align: ["left", "right", "right", "right", "left"], colors });
}

/** Whether there is anything to say: on a virtual clock no session takes time. */
const isTelling = ([name, { champion, challenger }]: readonly [string, MetricEvaluation]): boolean =>
  name !== "duration_ms" || (champion?.mean ?? 0) !== 0 || (challenger?.mean ?? 0) !== 0;

/**
 * Each metric of both arms with what changes, and what a success costs; empty without metrics.
 *
 * @param challenger what the challenger is called
 */
export function metricsText(all: Metrics, colors: Colors, challenger = "challenger"): string {
  const metrics = Object.fromEntries(Object.entries(all).filter(isTelling));
  const rows = Object.entries(metrics).flatMap(([name, metric]) =>
    metricRows(name, metric, challenger, colors),
  );
  if (rows.length === 0) return "";
  const header = ["metric", "arm", "typical", "95 % interval", "p50", "p95"];
  const values = table(rows, { header, align: ["left", "left", "right", "left", "right", "right"], colors });
  return [values, perSuccessTable(metrics, challenger, colors)].filter((part) => part !== "").join("\n\n");
}

function stateText({ mode, isCrossed, sessionCount }: GuardrailEvaluation, colors: Colors): string {
  if (mode === "require") return isCrossed ? colors.green("proven") : colors.yellow("not proven");
  if (isCrossed) return colors.red("crossed");
  return sessionCount === 0 ? colors.dim("no value") : colors.green("ok");
}

/** Each guardrail with the evidence toward its line; empty without guardrails. */
export function guardrailsText(
  guardrails: readonly GuardrailEvaluation[],
  policy: Policy,
  colors: Colors,
): string {
  if (guardrails.length === 0) return "";
  const rows = guardrails.map((guardrail) => {
    const { metric, margin, mode, logSup, logLine } = guardrail;
    const isBad = mode === "abort";
    const reached = bar(logSup / logLine, BAR_WIDTH, { colors, paint: isBad ? colors.red : colors.green });
    return [
      column(segmentText(guardrail)),
      marginText(margin, metricPolicy(policy, metric).kind),
      isBad ? "aborts" : "required",
      `${reached} ${evidence(logSup)} of ${evidence(logLine)}`,
      stateText(guardrail, colors),
    ];
  });
  const header = ["guardrail", "limit", "mode", "evidence toward its line", "state"];
  return table(rows, { header, align: ["left", "left", "left", "left", "left"], colors });
}

/** Which metrics not every session has a value of, by arm; empty where all have all. */
export function coverageText(
  { metrics, arms, arm }: Pick<Evaluation, "metrics" | "arms" | "arm">,
  name = "challenger",
): string {
  const pair = [arms[0], arms[arm]].map((each) => each?.sessionCount ?? 0);
  const partial = Object.entries(metrics)
    .filter(isTelling)
    .flatMap(([metric, { champion, challenger }]) => {
      const values = [champion?.sessionCount ?? 0, challenger?.sessionCount ?? 0];
      if (values.every((value, index) => value === pair[index])) return [];
      const told = ["champion", name].map(
        (role, index) => `${count(values[index] as number)} of ${count(pair[index] as number)} (${role})`,
      );
      return [`${metric} in ${told.join(" and ")}`];
    });
  return partial.length === 0 ? "" : `Sessions with a value: ${partial.join("; ")}.`;
}
