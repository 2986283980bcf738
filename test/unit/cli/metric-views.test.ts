import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { coverageText, guardrailsText, metricsText } from "../../../src/cli/metric-views.js";
import type { ArmEvaluation, GuardrailEvaluation } from "../../../src/core/decision/evaluation.js";
import type { MetricArm, MetricEvaluation } from "../../../src/core/decision/metric-evaluation.js";
import { createPolicy } from "../../../src/core/decision/policy.js";
import { guardrailText } from "../../../src/core/words/guardrail.js";

const plain = picocolors.createColors(false);
const colors = picocolors.createColors(true);
const lines = (...expected: string[]): string => expected.join("\n");

const arm = (typical: number, interval: [number, number], tail: number): MetricArm => ({
  sessionCount: 100,
  mean: typical,
  typical,
  interval,
  p50: typical,
  p90: tail,
  p95: tail,
  p99: tail,
});

const COST: MetricEvaluation = {
  kind: "positive",
  direction: "lower",
  champion: arm(0.0132, [0.012, 0.0145], 0.041),
  challenger: arm(0.0101, [0.0092, 0.0111], 0.033),
  probabilityBetter: 0.9998,
  scale: "ratio",
  change: -0.235,
  changeInterval: [-0.31, -0.152],
  perSuccess: { champion: 0.0251, challenger: 0.0176, change: -0.299, changeInterval: [-0.4, -0.2] },
};

const ERRORS: MetricEvaluation = {
  kind: "binary",
  direction: "lower",
  champion: arm(0.02, [0.01, 0.04], 0),
  challenger: arm(0.08, [0.05, 0.12], 1),
  probabilityBetter: 0.004,
  scale: "difference",
  change: 0.06,
  changeInterval: [0.02, 0.1],
  perSuccess: null,
};

const EMPTY: MetricEvaluation = {
  kind: "real",
  direction: "higher",
  champion: arm(2, [1, 3], 4),
  challenger: null,
  probabilityBetter: null,
  scale: "difference",
  change: null,
  changeInterval: null,
  perSuccess: null,
};

describe("metrics", () => {
  it("show both arms, what changes, and what a success costs", () => {
    expect(metricsText({ cost_usd: COST, error: ERRORS }, plain)).toBe(
      lines(
        "metric             arm             typical  95 % interval          p50    p95",
        "cost_usd           champion         0.0132  0.012 to 0.0145     0.0132  0.041",
        "lower is better    challenger       0.0101  0.0092 to 0.0111    0.0101  0.033",
        "P(better) > 0.999  change          -23.5 %  -31.0 % to -15.2 %",
        "error              champion          2.0 %  1.0 % to 4.0 %",
        "lower is better    challenger        8.0 %  5.0 % to 12.0 %",
        "P(better) 0.004    change      +6.0 points  +2.0 to +10.0",
        "",
        "per success  champion  challenger   change  95 % interval",
        "cost_usd       0.0251      0.0176  -29.9 %  -40.0 % to -20.0 %",
      ),
    );
  });

  it("paint a change by what it means, and fit 80 columns", () => {
    const drawn = metricsText({ cost_usd: COST, error: ERRORS }, colors);
    expect(drawn).toContain(colors.green("-23.5 %"));
    expect(drawn).toContain(colors.red("+6.0 points"));
    const long = metricsText({ a_metric_with_a_very_long_name: COST }, plain);
    expect(long).toContain("a_metric_with_a_v…");
    for (const line of `${drawn}\n${long}`.split("\n"))
      expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(80);
  });

  it("say where an arm has no value, and leave out times of a virtual clock", () => {
    const drawn = metricsText({ depth: EMPTY }, plain);
    expect(drawn).toMatch(/challenger +- {2}no value/);
    expect(drawn).toMatch(/change +- {2}needs two values an arm/);
    const still = { ...EMPTY, champion: arm(0, [0, 0], 0) };
    expect(metricsText({ duration_ms: still }, plain)).toBe("");
    expect(metricsText({}, plain)).toBe("");
  });

  it("that not every session has are counted", () => {
    const arms = [{ sessionCount: 100 }, { sessionCount: 100 }] as unknown as readonly ArmEvaluation[];
    expect(coverageText({ metrics: { cost_usd: COST, depth: EMPTY }, arms, arm: 1 })).toBe(
      "Sessions with a value: depth in 100 of 100 (champion) and 0 of 100 (challenger).",
    );
    expect(coverageText({ metrics: { cost_usd: COST }, arms, arm: 1 })).toBe("");
  });
});

const policy = createPolicy({
  metrics: { depth: { kind: "real" } },
  guardrails: [{ metric: "error", margin: 0.02 }],
});

const guardrail = (fields: Partial<GuardrailEvaluation>): GuardrailEvaluation => ({
  metric: "cost_usd",
  direction: "lower",
  margin: 0.1,
  mode: "abort",
  sessionCount: 10,
  logE: 0,
  logSup: 0,
  logLine: Math.log(20),
  isCrossed: false,
  ...fields,
});

describe("guardrails", () => {
  it("show how far each is toward its line, and what that means", () => {
    const all = [
      guardrail({}),
      guardrail({ metric: "error", margin: 0.02, logSup: Math.log(20), isCrossed: true }),
      guardrail({ where: { plan: "free" }, sessionCount: 0 }),
      guardrail({ mode: "require", margin: -0.1, logSup: Math.log(4.4721) }),
      guardrail({ metric: "depth", mode: "require", margin: 1.5, logSup: Math.log(30), isCrossed: true }),
      guardrail({ margin: 0 }),
    ];
    expect(guardrailsText(all, policy, plain)).toBe(
      lines(
        "guardrail           limit           mode      evidence toward its line   state",
        "cost_usd            10 % worse      aborts    ░░░░░░░░░░ 1.0x of 20.0x   ok",
        "error               2 points worse  aborts    ██████████ 20.0x of 20.0x  crossed",
        "cost_usd plan=free  10 % worse      aborts    ░░░░░░░░░░ 1.0x of 20.0x   no value",
        "cost_usd            10 % better     required  █████░░░░░ 4.5x of 20.0x   not proven",
        "depth               1.5 worse       required  ██████████ 30.0x of 20.0x  proven",
        "cost_usd            no worse        aborts    ░░░░░░░░░░ 1.0x of 20.0x   ok",
      ),
    );
    expect(guardrailsText([], policy, plain)).toBe("");
  });

  it("are told in words before there is any evidence", () => {
    expect(guardrailText(guardrail({}), policy)).toBe("cost_usd at most 10 % worse");
    expect(guardrailText(guardrail({ margin: -0.1, mode: "require" }), policy)).toBe(
      "cost_usd at least 10 % better, shown to be so",
    );
    expect(guardrailText(guardrail({ margin: 0, where: { plan: "free" } }), policy)).toBe(
      "cost_usd plan=free no worse",
    );
  });
});
