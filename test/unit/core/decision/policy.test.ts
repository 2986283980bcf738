import { describe, expect, it } from "vitest";
import {
  createPolicy,
  DEFAULT_POLICY,
  frozenPolicy,
  metricPolicy,
  type PolicyInput,
  policyJson,
  REVISABLE,
  UNDECLARED_METRIC,
} from "../../../../src/core/decision/policy.js";
import type { Guardrail } from "../../../../src/core/sequential/guardrail.js";

describe("createPolicy", () => {
  it("gives the documented defaults", () => {
    expect(createPolicy()).toEqual(DEFAULT_POLICY);
    expect(createPolicy("calibrated")).toEqual(DEFAULT_POLICY);
    expect(createPolicy({ tau: 0.99 })).toEqual({ ...DEFAULT_POLICY, tau: 0.99 });
    expect(DEFAULT_POLICY).toEqual({
      kind: "calibrated",
      alpha: 0.05,
      alphaHarm: 0.1,
      tau: 0.95,
      minPerArm: 10,
      horizon: 2000,
      minUplift: 0,
      harmMargin: 0,
      futility: { chance: 0.02, after: 0.1 },
      alphaGuard: 0.05,
      guardrails: [{ metric: "error", direction: "lower", margin: 0.02, mode: "abort" }],
      metrics: { error: { kind: "binary", direction: "lower", aggregate: "max" } },
      fuse: { minSessions: 20, errorRate: 0.5 },
      srmAlpha: 0.001,
      prior: { alpha: 1, beta: 1 },
      missing: "exclude",
      windowMs: 86_400_000,
      maxDurationMs: null,
      scoring: { explicit: 5, implicit: 1, aggregate: {}, mode: "class", rules: { escalated: 0 } },
    });
  });

  it("is the default at alpha 0.02 where it is strict", () => {
    expect(createPolicy("strict")).toEqual({ ...DEFAULT_POLICY, alpha: 0.02 });
  });

  it("gives the plain rule its own defaults, which fields given win over", () => {
    expect(createPolicy("threshold")).toMatchObject({
      kind: "threshold",
      minPerArm: 20,
      futility: null,
      guardrails: [],
      fuse: null,
    });
    expect(createPolicy({ kind: "threshold", minPerArm: 5 }).minPerArm).toBe(5);
    expect(createPolicy({ kind: "threshold", fuse: { minSessions: 7 } }).fuse).toEqual({
      minSessions: 7,
      errorRate: 0.5,
    });
    expect(createPolicy({ kind: "threshold", guardrails: [{ metric: "error" }] }).guardrails).toHaveLength(1);
  });

  it("completes a partial scoring and ignores undefined fields", () => {
    const policy = createPolicy({ scoring: { implicit: 0 }, alpha: undefined } as unknown as PolicyInput);
    expect(policy.scoring).toEqual({ ...DEFAULT_POLICY.scoring, implicit: 0 });
    expect(policy.alpha).toBe(0.05);
    expect(createPolicy({ scoring: { aggregate: { thumbs: "last" } } }).scoring.aggregate).toEqual({
      thumbs: "last",
    });
    expect(createPolicy({ scoring: { rules: {}, mode: "signal" } }).scoring).toMatchObject({
      mode: "signal",
      rules: {},
    });
    expect(createPolicy({ futility: null, missing: 0.5, maxDurationMs: 1 })).toMatchObject({
      futility: null,
    });
  });

  it("completes metrics, beside the one on errors", () => {
    const { metrics } = createPolicy({
      metrics: { cost_usd: { kind: "positive" }, csat: { direction: "higher" } },
    });
    expect(metrics).toEqual({
      error: DEFAULT_POLICY.metrics.error,
      cost_usd: { kind: "positive", direction: "lower", aggregate: "sum" },
      csat: { kind: "auto", direction: "higher", aggregate: "sum" },
    });
  });

  it("keeps what is known of a metric where only a part of it is given", () => {
    const { metrics } = createPolicy({ metrics: { error: { aggregate: "sum" } } });
    expect(metrics.error).toEqual({ kind: "binary", direction: "lower", aggregate: "sum" });
  });

  it("completes guardrails from their metric, and puts those given in the place of the default one", () => {
    const { guardrails } = createPolicy({
      metrics: { csat: { direction: "higher" } },
      guardrails: [
        { metric: "cost_usd" },
        { metric: "csat", margin: 0.05 },
        { metric: "score", where: { plan: "free" } },
        { metric: "latency_ms", mode: "require", direction: "higher", margin: -0.2 },
      ],
    });
    expect(guardrails).toEqual([
      { metric: "cost_usd", direction: "lower", margin: 0.1, mode: "abort" },
      { metric: "csat", direction: "higher", margin: 0.05, mode: "abort" },
      { metric: "score", direction: "higher", margin: 0.1, mode: "abort", where: { plan: "free" } },
      { metric: "latency_ms", direction: "higher", margin: -0.2, mode: "require" },
    ]);
    expect(createPolicy({ guardrails: [] }).guardrails).toEqual([]);
    const undefinedFields = {
      metric: "cost_usd",
      margin: undefined,
      mode: undefined,
    } as unknown as Guardrail;
    expect(createPolicy({ guardrails: [undefinedFields] }).guardrails).toEqual(guardrails.slice(0, 1));
  });

  it("takes a margin of a real metric in its own unit", () => {
    const metrics = { temperature: { kind: "real" } } as const;
    const margins = [5, 0].map((margin) => ({ metric: "temperature", margin }));
    expect(createPolicy({ metrics, guardrails: margins }).guardrails.map(({ margin }) => margin)).toEqual([
      5, 0,
    ]);
    const required = { metric: "temperature", margin: -40, mode: "require" } as const;
    expect(createPolicy({ metrics, guardrails: [required] }).guardrails[0]?.margin).toBe(-40);
  });

  it("completes a partial fuse, and takes none", () => {
    expect(createPolicy({ fuse: { errorRate: 1 } }).fuse).toEqual({ minSessions: 20, errorRate: 1 });
    expect(createPolicy({ fuse: null }).fuse).toBeNull();
  });

  it.each<[string, PolicyInput | "calibrated" | "threshold"]>([
    ["the default", {}],
    ["the plain rule", "threshold"],
    [
      "one with everything changed",
      {
        metrics: { cost_usd: { kind: "positive" }, error: { kind: "count" } },
        guardrails: [
          { metric: "cost_usd", mode: "require", margin: -0.1 },
          { metric: "score", where: { lang: "de", tier: 1, trial: false } },
        ],
        fuse: { minSessions: 5 },
        scoring: { mode: "signal", rules: { refunded: 0.2 }, aggregate: { thumbs: "max" } },
        futility: null,
        missing: 0,
        maxDurationMs: 1000,
        prior: { alpha: 3, beta: 0.5 },
      },
    ],
  ])("is its own input again: %s", (_, input) => {
    const policy = createPolicy(input);
    expect(createPolicy(policy)).toEqual(policy);
    expect(createPolicy(JSON.parse(JSON.stringify(policy)) as PolicyInput)).toEqual(policy);
  });

  it.each<[string, unknown]>([
    ["kind", { kind: "bold" }],
    ["alpha", { alpha: 0 }],
    ["alpha", { alpha: 1 }],
    ["alpha", { alpha: Number.NaN }],
    ["alpha", { alpha: "0.05" }],
    ["alphaHarm", { alphaHarm: 2 }],
    ["alphaGuard", { alphaGuard: 0 }],
    ["alphaGuard", { alphaGuard: 1 }],
    ["tau", { tau: 1 }],
    ["minPerArm", { minPerArm: 0 }],
    ["minPerArm", { minPerArm: 1.5 }],
    ["horizon", { horizon: 0 }],
    ["minUplift", { minUplift: -1 }],
    ["harmMargin", { harmMargin: 1 }],
    ["srmAlpha", { srmAlpha: 0 }],
    ["windowMs", { windowMs: 0 }],
    ["maxDurationMs", { maxDurationMs: -5 }],
    ["missing", { missing: 1.5 }],
    ["missing", { missing: "fail" }],
    ["futility.chance", { futility: { chance: 1, after: 0.1 } }],
    ["futility.after", { futility: { chance: 0.02, after: 2 } }],
    ["futility.after", { futility: { chance: 0.02 } }],
    ["futility.before", { futility: { chance: 0.02, after: 0.1, before: 1 } }],
    ["futility", { futility: 0.02 }],
    ["futility", { futility: 0 }],
    ["prior.alpha", { prior: { alpha: 0, beta: 1 } }],
    ["prior.beta", { prior: { alpha: 1, beta: Number.POSITIVE_INFINITY } }],
    ["prior.gamma", { prior: { alpha: 1, beta: 1, gamma: 1 } }],
    ["prior", { prior: [1, 1] }],
    ["scoring", { scoring: 5 }],
    ["scoring.explicit", { scoring: { explicit: -1 } }],
    ["scoring.implicit", { scoring: { implicit: Number.NaN } }],
    ["scoring.explicit", { scoring: { explicit: 0, implicit: 0 } }],
    ["scoring.aggregate", { scoring: { aggregate: "mean" } }],
    ["scoring.aggregate.thumbs", { scoring: { aggregate: { thumbs: "median" } } }],
    ["scoring.mode", { scoring: { mode: "vote" } }],
    ["scoring.rules", { scoring: { rules: [0] } }],
    ["scoring.rules", { scoring: { rules: null } }],
    ["scoring.rules.refunded", { scoring: { rules: { refunded: 2 } } }],
    ["scoring.rules.refunded", { scoring: { rules: { refunded: "0" } } }],
    ["scoring.weights", { scoring: { weights: {} } }],
    ["metrics", { metrics: ["cost_usd"] }],
    ["metrics", { metrics: 3 }],
    ["metrics.cost_usd", { metrics: { cost_usd: "lower" } }],
    ["metrics.cost_usd.unit", { metrics: { cost_usd: { unit: "usd" } } }],
    ["metrics.cost_usd.kind", { metrics: { cost_usd: { kind: "money" } } }],
    ["metrics.cost_usd.direction", { metrics: { cost_usd: { direction: "down" } } }],
    ["metrics.cost_usd.aggregate", { metrics: { cost_usd: { aggregate: "median" } } }],
    ["guardrails", { guardrails: "error" }],
    ["guardrails", { guardrails: null }],
    ["guardrails[0]", { guardrails: ["error"] }],
    ["guardrails[1].limit", { guardrails: [{ metric: "error" }, { metric: "error", limit: 1 }] }],
    ["guardrails[0].metric", { guardrails: [{}] }],
    ["guardrails[0].metric", { guardrails: [{ metric: "" }] }],
    ["guardrails[0].metric", { guardrails: [{ metric: "m".repeat(201) }] }],
    ["guardrails[0].direction", { guardrails: [{ metric: "error", direction: "up" }] }],
    ["guardrails[0].mode", { guardrails: [{ metric: "error", mode: "warn" }] }],
    ["guardrails[0].margin", { guardrails: [{ metric: "error", margin: -0.1 }] }],
    ["guardrails[0].margin", { guardrails: [{ metric: "error", margin: 1 }] }],
    ["guardrails[0].margin", { guardrails: [{ metric: "error", margin: "0.1" }] }],
    ["guardrails[0].margin", { guardrails: [{ metric: "error", mode: "require", margin: -1 }] }],
    [
      "guardrails[0].margin",
      { metrics: { t: { kind: "real" } }, guardrails: [{ metric: "t", margin: Number.POSITIVE_INFINITY }] },
    ],
    ["guardrails[0].margin", { metrics: { t: { kind: "real" } }, guardrails: [{ metric: "t", margin: -3 }] }],
    [
      "guardrails[0].margin",
      { metrics: { score: { kind: "real" } }, guardrails: [{ metric: "score", margin: 5 }] },
    ],
    ["guardrails[0].where", { guardrails: [{ metric: "error", where: "plan" }] }],
    ["guardrails[0].where.plan", { guardrails: [{ metric: "error", where: { plan: ["free"] } }] }],
    ["fuse", { fuse: 20 }],
    ["fuse", { fuse: false }],
    ["fuse.maxErrors", { fuse: { maxErrors: 3 } }],
    ["fuse.minSessions", { fuse: { minSessions: 0 } }],
    ["fuse.minSessions", { fuse: { minSessions: 2.5 } }],
    ["fuse.errorRate", { fuse: { errorRate: 0 } }],
    ["fuse.errorRate", { fuse: { errorRate: 1.1 } }],
    ["tow", { tow: 0.99 }],
    ["", 7],
    ["", null],
    ["", []],
  ])("refuses a bad %s, naming field and value", (field, input) => {
    try {
      createPolicy(input as PolicyInput);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "policy_invalid", details: { field } });
      expect((error as Error).message).toContain(field === "" ? "policy must be" : `policy.${field} must be`);
    }
  });

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(policyJson(DEFAULT_POLICY)))).toEqual(DEFAULT_POLICY);
  });
});

describe("metricPolicy", () => {
  it("knows the score, what the policy declares, and takes the rest as a cost", () => {
    expect(metricPolicy(DEFAULT_POLICY, "score")).toEqual({
      kind: "binary",
      direction: "higher",
      aggregate: "mean",
    });
    expect(metricPolicy(DEFAULT_POLICY, "error")).toBe(DEFAULT_POLICY.metrics.error);
    expect(metricPolicy(DEFAULT_POLICY, "cost_usd")).toBe(UNDECLARED_METRIC);
  });

  it.each(["toString", "constructor", "__proto__"])(
    "takes a metric called %s for one that is not listed",
    (name) => {
      expect(metricPolicy(DEFAULT_POLICY, name)).toBe(UNDECLARED_METRIC);
    },
  );
});

describe("frozenPolicy", () => {
  it("is the policy without what may be revised, and nothing else", () => {
    const { horizon, futility, minPerArm, ...frozen } = DEFAULT_POLICY;
    expect(frozenPolicy(DEFAULT_POLICY)).toEqual(frozen);
    expect(REVISABLE.toSorted()).toEqual(["futility", "horizon", "minPerArm"]);
    const revised = createPolicy({ horizon: horizon + 1, futility: null, minPerArm: minPerArm + 1 });
    expect(futility).not.toBeNull();
    expect(frozenPolicy(revised)).toEqual(frozenPolicy(DEFAULT_POLICY));
    expect(frozenPolicy(createPolicy({ alpha: 0.02 }))).not.toEqual(frozenPolicy(DEFAULT_POLICY));
  });
});
