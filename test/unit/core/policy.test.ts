import { describe, expect, it } from "vitest";
import { createPolicy, DEFAULT_POLICY, type PolicyInput, policyJson } from "../../../src/core/policy.js";

describe("createPolicy", () => {
  it("gives the documented defaults", () => {
    expect(createPolicy()).toEqual(DEFAULT_POLICY);
    expect(createPolicy("calibrated")).toEqual(DEFAULT_POLICY);
    expect(createPolicy({ tau: 0.99 })).toEqual({ ...DEFAULT_POLICY, tau: 0.99 });
    expect(DEFAULT_POLICY).toMatchObject({
      alpha: 0.05,
      alphaHarm: 0.1,
      tau: 0.95,
      minPerArm: 10,
      horizon: 2000,
    });
  });

  it("gives the plain rule its own defaults, which fields given win over", () => {
    expect(createPolicy("threshold")).toMatchObject({ kind: "threshold", minPerArm: 20, futility: null });
    expect(createPolicy({ kind: "threshold", minPerArm: 5 }).minPerArm).toBe(5);
  });

  it("completes a partial scoring and ignores undefined fields", () => {
    const policy = createPolicy({ scoring: { implicit: 0 }, alpha: undefined } as unknown as PolicyInput);
    expect(policy.scoring).toEqual({ explicit: 5, implicit: 0, aggregate: {} });
    expect(policy.alpha).toBe(0.05);
    expect(createPolicy({ scoring: { aggregate: { thumbs: "last" } } }).scoring.aggregate).toEqual({
      thumbs: "last",
    });
    expect(createPolicy({ futility: null, missing: 0.5, maxDurationMs: 1 })).toMatchObject({
      futility: null,
    });
  });

  it.each<[string, unknown]>([
    ["kind", { kind: "bold" }],
    ["alpha", { alpha: 0 }],
    ["alpha", { alpha: 1 }],
    ["alpha", { alpha: Number.NaN }],
    ["alpha", { alpha: "0.05" }],
    ["alphaHarm", { alphaHarm: 2 }],
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
    ["futility.before", { futility: { chance: 0.02, after: 0.1, before: 1 } }],
    ["futility", { futility: 0.02 }],
    ["prior.alpha", { prior: { alpha: 0, beta: 1 } }],
    ["prior.beta", { prior: { alpha: 1, beta: Number.POSITIVE_INFINITY } }],
    ["prior.gamma", { prior: { alpha: 1, beta: 1, gamma: 1 } }],
    ["prior", { prior: [1, 1] }],
    ["scoring", { scoring: 5 }],
    ["scoring.explicit", { scoring: { explicit: -1 } }],
    ["scoring.implicit", { scoring: { implicit: Number.NaN } }],
    ["scoring.explicit", { scoring: { explicit: 0, implicit: 0 } }],
    ["scoring.aggregate.thumbs", { scoring: { aggregate: { thumbs: "median" } } }],
    ["tow", { tow: 0.99 }],
    ["", 7],
    ["", null],
  ])("refuses a bad %s, naming field and value", (field, input) => {
    try {
      createPolicy(input as PolicyInput);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "policy_invalid", details: { field } });
      expect((error as Error).message).toContain(`policy.${field}`);
    }
  });

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(policyJson(DEFAULT_POLICY)))).toEqual(DEFAULT_POLICY);
  });
});
