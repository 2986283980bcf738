/**
 * Metrics: named numbers about a session beside its score, from its signals to a summary of each arm.
 */
import { metricPolicy, type Policy } from "../decision/policy.js";
import { emptySketch, insert, type RunningSketch, runningSketch, type Sketch } from "../sequential/sketch.js";
import { aggregateSignals, type ScoringSignal } from "./score.js";

/** The values of one session by metric. */
export type MetricValues = Readonly<Record<string, number>>;

/**
 * Metrics kept of an arm beside the declared ones; further names are left out, so that a name made of an id cannot grow
 * the state.
 */
const METRICS_MAX = 32;

/** Values beyond are taken as this: the square of a larger one overflows, and no test or read-out could go on. */
const VALUE_MAX = 1e100;

/** The value of a metric, or the nearest that can be reckoned with. Never falls as `value` rises, so ranks stay exact. */
export const withinReach = (value: number): number => Math.min(VALUE_MAX, Math.max(-VALUE_MAX, value));

/** What a session says of its metrics besides its signals. */
export interface MetricSource {
  readonly signals: readonly ScoringSignal[];
  /** from start to end; null where the session has not ended */
  readonly durationMs: number | null;
}

/**
 * The metrics of a settled session: its signals without a kind, one value a name.
 *
 * `error` is 0 where nothing threw, so that its rate has a denominator; `duration_ms` is the time from start to end
 * unless a signal says otherwise.
 *
 * @example
 * const signals = [{ name: "cost_usd", value: 0.01, kind: null }, { name: "cost_usd", value: 0.02, kind: null }];
 * metricValues({ signals, durationMs: 1200 }, createPolicy()); // { error: 0, duration_ms: 1200, cost_usd: 0.03 }
 */
export function metricValues(source: MetricSource, policy: Pick<Policy, "metrics">): MetricValues {
  const byName = new Map<string, number[]>();
  for (const { name, value, kind } of source.signals) {
    if (kind !== null && !Object.hasOwn(policy.metrics, name)) continue;
    const values = byName.get(name);
    if (values) values.push(value);
    else byName.set(name, [value]);
  }
  const values: Record<string, number> = { error: 0 };
  if (source.durationMs !== null) values.duration_ms = source.durationMs;
  for (const [name, observed] of byName) {
    values[name] = withinReach(aggregateSignals(observed, metricPolicy(policy, name).aggregate));
  }
  return values;
}

/** Mean and spread, by Welford's update: no cancellation however large the mean. */
interface Moments {
  readonly count: number;
  readonly mean: number;
  /** sum of squared deviations from the mean */
  readonly squares: number;
}

/** What an arm's sessions say of one metric. Plain JSON, bounded however many sessions there are. */
export interface MetricSummary {
  readonly values: Moments;
  /** of the logarithms, over the values above 0 */
  readonly logs: Moments;
  /** of the scores of the same sessions, and of score times value */
  readonly scores: { readonly sum: number; readonly sumSquares: number; readonly product: number };
  readonly distribution: Sketch;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A summary that is added to in place. */
export interface RunningMetric {
  values: Mutable<Moments>;
  logs: Mutable<Moments>;
  scores: Mutable<MetricSummary["scores"]>;
  distribution: RunningSketch;
}

/** The metrics of one arm, by name. */
export type MetricSummaries = Readonly<Record<string, MetricSummary>>;

/** The summary of a metric nobody has recorded. */
export const EMPTY_METRIC: MetricSummary = {
  values: { count: 0, mean: 0, squares: 0 },
  logs: { count: 0, mean: 0, squares: 0 },
  scores: { sum: 0, sumSquares: 0, product: 0 },
  distribution: emptySketch(),
};

/** A copy to be added to in place. */
export function runningMetrics(summaries: MetricSummaries): Record<string, RunningMetric> {
  const copy: Record<string, RunningMetric> = {};
  for (const [name, summary] of Object.entries(summaries)) copy[name] = runningMetric(summary);
  return copy;
}

function runningMetric({ values, logs, scores, distribution }: MetricSummary): RunningMetric {
  return {
    values: { ...values },
    logs: { ...logs },
    scores: { ...scores },
    distribution: runningSketch(distribution),
  };
}

function observe(moments: Mutable<Moments>, value: number): void {
  moments.count += 1;
  const deviation = value - moments.mean;
  moments.mean += deviation / moments.count;
  moments.squares += deviation * (value - moments.mean);
}

/**
 * Adds one session's metrics to its arm.
 *
 * @param declared metrics of the policy, which are kept however many others there are
 */
export function addMetrics(
  summaries: Record<string, RunningMetric>,
  values: MetricValues,
  score: number,
  declared: Policy["metrics"] = {},
): void {
  for (const name in values) {
    let summary = Object.hasOwn(summaries, name) ? summaries[name] : undefined;
    if (!summary) {
      if (Object.keys(summaries).length >= METRICS_MAX && !Object.hasOwn(declared, name)) continue;
      summary = runningMetric(EMPTY_METRIC);
      summaries[name] = summary;
    }
    addValue(summary, withinReach(values[name] as number), score);
  }
}

function addValue(summary: RunningMetric, value: number, score: number): void {
  observe(summary.values, value);
  if (value > 0) observe(summary.logs, Math.log(value));
  insert(summary.distribution, value);
  summary.scores.sum += score;
  summary.scores.sumSquares += score * score;
  summary.scores.product += score * value;
}
