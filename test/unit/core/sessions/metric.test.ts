import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPolicy, DEFAULT_POLICY } from "../../../../src/core/decision/policy.js";
import { createRandom } from "../../../../src/core/random.js";
import { countBelow, quantileOf } from "../../../../src/core/sequential/sketch.js";
import {
  addMetrics,
  EMPTY_METRIC,
  type MetricSource,
  type MetricValues,
  metricValues,
  type RunningMetric,
  runningMetrics,
} from "../../../../src/core/sessions/metric.js";
import type { ScoringSignal } from "../../../../src/core/sessions/score.js";

const signal = (name: string, value: number, kind: ScoringSignal["kind"] = null): ScoringSignal => ({
  name,
  value,
  kind,
});

const valuesOf = (
  signals: readonly ScoringSignal[],
  more: Partial<MetricSource> = {},
  policy = DEFAULT_POLICY,
) => metricValues({ signals, durationMs: null, ...more }, policy);

describe("metricValues", () => {
  it("gives the documented example", () => {
    const signals = [signal("cost_usd", 0.01), signal("cost_usd", 0.02)];
    expect(valuesOf(signals, { durationMs: 1200 })).toEqual({
      error: 0,
      duration_ms: 1200,
      cost_usd: expect.closeTo(0.03, 15),
    });
  });

  it("counts no error where nothing threw, and one however often it did", () => {
    expect(valuesOf([])).toEqual({ error: 0 });
    expect(valuesOf([signal("error", 1), signal("error", 1)])).toEqual({ error: 1 });
    expect(valuesOf([signal("error", 0)])).toEqual({ error: 0 });
  });

  it("takes the duration from start to end, unless a signal says otherwise, and none of an open session", () => {
    expect(valuesOf([], { durationMs: 0 })).toEqual({ error: 0, duration_ms: 0 });
    expect(valuesOf([signal("duration_ms", 70)], { durationMs: 1200 }).duration_ms).toBe(70);
    expect(valuesOf([], { durationMs: null })).not.toHaveProperty("duration_ms");
  });

  it.each([
    ["sum", 6],
    ["mean", 2],
    ["last", 1],
    ["max", 3],
  ] as const)("aggregates the signals of one name by %s", (aggregate, expected) => {
    const policy = createPolicy({ metrics: { tokens: { aggregate } } });
    expect(valuesOf([signal("tokens", 2), signal("tokens", 3), signal("tokens", 1)], {}, policy).tokens).toBe(
      expected,
    );
  });

  it("leaves out what scores, unless the policy declares it as a metric", () => {
    const signals = [
      signal("thumbs", 1, "explicit"),
      signal("tests", 0.5, "implicit"),
      signal("cost_usd", 2),
    ];
    expect(valuesOf(signals)).toEqual({ error: 0, cost_usd: 2 });
    const policy = createPolicy({ metrics: { thumbs: { direction: "higher", aggregate: "mean" } } });
    expect(valuesOf(signals, {}, policy)).toEqual({ error: 0, cost_usd: 2, thumbs: 1 });
  });

  it("takes a sum that overflows as the largest value, for to leave it out would depend on it", () => {
    const signals = [signal("big", 1e308), signal("big", 1e308), signal("low", -1e308), signal("small", 1)];
    expect(valuesOf(signals)).toEqual({ error: 0, big: 1e100, low: -1e100, small: 1 });
  });

  it("takes any number of signals of one name", () => {
    const signals = Array.from({ length: 200_000 }, (_, i) => signal("error", i % 2));
    expect(valuesOf(signals)).toEqual({ error: 1 });
  });

  it.each(["toString", "constructor"])("takes a metric called %s like any other", (name) => {
    expect(valuesOf([signal(name, 2)])).toEqual({ error: 0, [name]: 2 });
    expect(valuesOf([signal(name, 1, "explicit")])).toEqual({ error: 0 });
  });
});

function summaryOf(sessions: readonly (readonly [value: number, score: number])[]): RunningMetric {
  const summaries: Record<string, RunningMetric> = {};
  for (const [value, score] of sessions) addMetrics(summaries, { m: value }, score);
  return summaries.m as RunningMetric;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function momentsOf(values: readonly number[]) {
  const mean = values.length === 0 ? 0 : sum(values) / values.length;
  return { count: values.length, mean, squares: sum(values.map((value) => (value - mean) ** 2)) };
}

function expectMoments(got: RunningMetric["values"], values: readonly number[]): void {
  const expected = momentsOf(values);
  const scale = Math.max(1, ...values.map(Math.abs));
  expect(got.count).toBe(expected.count);
  expect(Math.abs(got.mean - expected.mean)).toBeLessThanOrEqual(1e-12 * scale);
  expect(Math.abs(got.squares - expected.squares)).toBeLessThanOrEqual(1e-12 * scale * scale * values.length);
}

describe("the summary of an arm's metric", () => {
  it("has the mean, the spread and the products of the naive formulas, of values and of logarithms", () => {
    const session = fc.tuple(
      fc.double({ min: -1e3, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(session, { minLength: 1, maxLength: 80 }), (sessions) => {
        const summary = summaryOf(sessions);
        const values = sessions.map(([value]) => value);
        expectMoments(summary.values, values);
        expectMoments(
          summary.logs,
          values.filter((value) => value > 0).map((value) => Math.log(value)),
        );
        expect(summary.scores.sum).toBeCloseTo(sum(sessions.map(([, score]) => score)), 9);
        expect(summary.scores.sumSquares).toBeCloseTo(sum(sessions.map(([, score]) => score ** 2)), 9);
        const product = sum(sessions.map(([value, score]) => value * score));
        expect(Math.abs(summary.scores.product - product)).toBeLessThanOrEqual(
          1e-12 * sum(values.map(Math.abs)),
        );
        expect(summary.distribution.total).toBe(sessions.length);
      }),
    );
  });

  it("loses no digits where values are large and close together", () => {
    const values = Array.from({ length: 1000 }, (_, i) => 1e9 + (i % 5));
    const { squares } = summaryOf(values.map((value) => [value, 1] as const)).values;
    expect(squares).toBeCloseTo(2000, 3);
    // The textbook formula has lost them all.
    const naive = sum(values.map((value) => value * value)) - sum(values) ** 2 / values.length;
    expect(Math.abs(naive - 2000)).toBeGreaterThan(100);
  });

  it("keeps the distribution: percentiles within 0.8 %", () => {
    const random = createRandom(12);
    const values = Array.from({ length: 2001 }, () => Math.exp(6 * random.next()));
    const { distribution } = summaryOf(values.map((value) => [value, 0] as const));
    const sorted = values.toSorted((x, y) => x - y);
    for (const p of [0.1, 0.5, 0.9, 0.99]) {
      const exact = sorted[Math.round(p * 2000)] as number;
      expect(Math.abs((quantileOf(distribution, p) as number) / exact - 1)).toBeLessThan(0.017);
    }
    expect(countBelow(distribution, 1)).toBe(0);
  });

  it("is added to alone: what it was copied from stays as it is", () => {
    const before = { m: summaryOf([[2, 1]]) };
    const stored = JSON.stringify(before);
    const copy = runningMetrics(before);
    addMetrics(copy, { m: 5, n: 1 }, 0);
    expect(JSON.stringify(before)).toBe(stored);
    expect(copy.m?.values.count).toBe(2);
    expect(EMPTY_METRIC.values.count).toBe(0);
    expect(EMPTY_METRIC.distribution.total).toBe(0);
  });

  it("goes on from its JSON as it would have without", () => {
    const sessions = Array.from({ length: 40 }, (_, i) => [Math.sin(i) * 50, (i % 3) / 2] as const);
    const half = { m: summaryOf(sessions.slice(0, 20)) };
    const resumed = runningMetrics(JSON.parse(JSON.stringify(half)) as typeof half);
    for (const [value, score] of sessions.slice(20)) addMetrics(resumed, { m: value }, score);
    expect(resumed.m).toEqual(summaryOf(sessions));
  });
});

describe("many names", () => {
  const named = (from: number, count: number): MetricValues =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${from + i}`, i]));

  it("are kept up to 32, the first that came; these go on", () => {
    const summaries: Record<string, RunningMetric> = {};
    addMetrics(summaries, named(0, 30), 1);
    addMetrics(summaries, named(28, 30), 1);
    addMetrics(summaries, named(0, 60), 1);
    expect(Object.keys(summaries)).toEqual(Object.keys(named(0, 32)));
    expect(summaries.m0?.values.count).toBe(2);
    expect(summaries.m29?.values.count).toBe(3);
    expect(summaries.m31?.values.count).toBe(2);
  });

  it("are kept beyond 32 where the policy declares them", () => {
    const { metrics } = createPolicy({ metrics: { m70: { direction: "lower" } } });
    const summaries: Record<string, RunningMetric> = {};
    addMetrics(summaries, named(0, 60), 1, metrics);
    addMetrics(summaries, named(60, 30), 1, metrics);
    expect(Object.keys(summaries)).toEqual([...Object.keys(named(0, 32)), "m70"]);
  });

  it("may be those of every object's properties", () => {
    const summaries: Record<string, RunningMetric> = {};
    addMetrics(summaries, { constructor: 3, toString: 4 } as unknown as MetricValues, 1);
    expect(summaries.constructor).toMatchObject({ values: { count: 1, mean: 3 } });
  });
});
