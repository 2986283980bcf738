/** The ends of each field's range, and what a caller reads where a policy is refused. */
import { describe, expect, it } from "vitest";
import { createPolicy, type PolicyInput } from "../../../../src/core/decision/policy.js";
import { DethroneError } from "../../../../src/core/errors.js";

/** What the error of a refused policy says, or null where it is taken. */
function refusal(input: unknown): { message: string; details: DethroneError["details"] } | null {
  try {
    createPolicy(input as PolicyInput);
    return null;
  } catch (error) {
    if (!(error instanceof DethroneError) || error.code !== "policy_invalid") throw error;
    return { message: error.message, details: error.details };
  }
}

/** A policy with one field, given as its path, set to a value. */
function withField(path: string, value: unknown): unknown {
  const [first, second, third] = path.split(".") as [string, string?, string?];
  if (second === undefined) return { [first]: value };
  if (first === "futility") return { futility: { chance: 0.1, after: 0.1, [second]: value } };
  if (first === "prior") return { prior: { alpha: 1, beta: 1, [second]: value } };
  if (third === undefined) return { [first]: { [second]: value } };
  return { [first]: { [second]: { [third]: value } } };
}

const OPEN_UNIT = {
  allowed: "a number in (0, 1)",
  taken: [Number.MIN_VALUE, 0.5, 1 - 2 ** -53],
  refused: [0, 1, -0.1, 1.1, Number.NaN],
};
const HALF_OPEN_UNIT = {
  allowed: "a number in [0, 1)",
  taken: [0, 0.5, 1 - 2 ** -53],
  refused: [1, -1e-9, Number.NaN],
};
const CLOSED_UNIT = {
  allowed: "a number in [0, 1]",
  taken: [0, 0.5, 1],
  refused: [-1e-9, 1 + 1e-9, Number.NaN],
};
const WHOLE = {
  allowed: "a whole number in [1, 1e12]",
  taken: [1, 2, 1e12],
  refused: [0, -1, 1.5, 1e12 + 1, Number.POSITIVE_INFINITY, Number.NaN],
};
const SHAPE = {
  allowed: "a number in [0.01, 1e6]",
  taken: [0.01, 1, 1e6],
  refused: [0.0099, 1e6 + 1, Number.NaN],
};
const WEIGHT = {
  allowed: "a number in [0, 1e12]",
  taken: [0, 1e12],
  refused: [-1e-9, 1e12 + 1, Number.NaN],
};

describe("a number of a policy", () => {
  it.each([
    ["alpha", OPEN_UNIT],
    ["alphaHarm", OPEN_UNIT],
    ["alphaGuard", OPEN_UNIT],
    ["tau", OPEN_UNIT],
    ["srmAlpha", OPEN_UNIT],
    ["minPerArm", WHOLE],
    ["horizon", WHOLE],
    ["windowMs", WHOLE],
    ["maxDurationMs", WHOLE],
    ["fuse.minSessions", WHOLE],
    [
      "minUplift",
      { allowed: "a number in (-1, 1)", taken: [-0.99, 0, 0.99], refused: [-1, 1, -2, 2, Number.NaN] },
    ],
    ["harmMargin", HALF_OPEN_UNIT],
    ["futility.chance", HALF_OPEN_UNIT],
    ["futility.after", CLOSED_UNIT],
    ["missing", CLOSED_UNIT],
    ["scoring.rules.refunded", CLOSED_UNIT],
    ["fuse.errorRate", { allowed: "a number in (0, 1]", taken: [1e-9, 1], refused: [0, 1.01, -1] }],
    ["prior.alpha", SHAPE],
    ["prior.beta", SHAPE],
    ["scoring.explicit", WEIGHT],
    ["scoring.implicit", WEIGHT],
  ])("%s is taken up to the ends of its range, and refused beyond", (field, { allowed, taken, refused }) => {
    for (const value of taken) expect(refusal(withField(field, value)), String(value)).toBeNull();
    for (const value of [...refused, String(taken[0]), true]) {
      const said = refusal(withField(field, value));
      expect(said?.message).toBe(`policy.${field} must be ${allowed}; received ${value}.`);
      expect(said?.details).toMatchObject({ field, allowed });
    }
  });

  it.each([
    ["abort", "positive", "a number in [0, 1)", [0, 0.99], [-1e-9, 1]],
    ["require", "positive", "a number in (-1, 1)", [-0.99, 0, 0.99], [-1, 1]],
    ["abort", "real", "a finite number, 0 or more", [0, 1e9], [-1e-9, Number.POSITIVE_INFINITY]],
    ["require", "real", "a finite number", [-1e9, 0, 1e9], [Number.NEGATIVE_INFINITY, Number.NaN]],
  ] as const)("a margin (%s, %s) is %s", (mode, kind, allowed, taken, refused) => {
    const guarded = (margin: unknown) => ({
      metrics: { m: { kind } },
      guardrails: [{ metric: "error" }, { metric: "m", mode, margin }],
    });
    for (const margin of taken) expect(refusal(guarded(margin))).toBeNull();
    for (const margin of [...refused, "0"]) {
      expect(refusal(guarded(margin))?.message).toBe(
        `policy.guardrails[1].margin must be ${allowed}; received ${margin}.`,
      );
    }
  });

  it("may be a weight of 0 in one class of signals, not in both", () => {
    expect(refusal({ scoring: { explicit: 0, implicit: 1e-9 } })).toBeNull();
    expect(refusal({ scoring: { explicit: 1e-9, implicit: 0 } })).toBeNull();
    expect(refusal({ scoring: { explicit: 3, implicit: 3 } })).toBeNull();
    expect(refusal({ scoring: { explicit: 0, implicit: 0 } })?.message).toBe(
      "policy.scoring.explicit must be above 0 where implicit is 0; received 0.",
    );
  });
});

describe("a choice of a policy", () => {
  it.each([
    ["kind", ["calibrated", "threshold"]],
    ["scoring.mode", ["class", "signal"]],
    ["scoring.aggregate.thumbs", ["sum", "mean", "last", "max"]],
    ["metrics.m.kind", ["binary", "count", "positive", "real", "auto"]],
    ["metrics.m.direction", ["lower", "higher"]],
    ["metrics.m.aggregate", ["sum", "mean", "last", "max"]],
  ])("%s is one of %j", (field, choices) => {
    for (const value of choices) expect(refusal(withField(field, value))).toBeNull();
    for (const value of ["other", "", 1, null]) {
      const said = refusal(withField(field, value));
      expect(said?.message).toBe(`policy.${field} must be '${choices.join("' or '")}'; received ${value}.`);
    }
  });

  it.each([
    ["direction", ["lower", "higher"]],
    ["mode", ["abort", "require"]],
  ])("a guardrail's %s is one of %j", (field, choices) => {
    const guarded = (value: string) => ({ guardrails: [{ metric: "m", [field]: value }] });
    for (const value of choices) expect(refusal(guarded(value))).toBeNull();
    expect(refusal(guarded("other"))?.message).toBe(
      `policy.guardrails[0].${field} must be '${choices.join("' or '")}'; received other.`,
    );
  });
});

describe("a guardrail", () => {
  const guarded = (guardrail: object) => refusal({ guardrails: [{ metric: "m", ...guardrail }] });

  it("names its metric by 1 to 200 characters", () => {
    expect(guarded({ metric: "m" })).toBeNull();
    expect(guarded({ metric: "m".repeat(200) })).toBeNull();
    for (const metric of ["", "m".repeat(201), 7, null, ["m"]]) {
      const said = guarded({ metric });
      expect(said?.message).toContain("policy.guardrails[0].metric must be a text of 1 to 200 characters");
    }
  });

  it("names its segment by texts, numbers and booleans", () => {
    expect(guarded({ where: {} })).toBeNull();
    expect(guarded({ where: { plan: "free", tier: 0, trial: false } })).toBeNull();
    for (const value of [null, ["free"], { a: 1 }]) {
      expect(guarded({ where: { tier: 1, plan: value } })?.message).toContain(
        "policy.guardrails[0].where.plan must be a text, a number or a boolean; received",
      );
    }
    for (const where of ["plan", null, ["plan"], 3])
      expect(guarded({ where })?.message).toContain(
        "policy.guardrails[0].where must be an object of fields and values; received",
      );
  });
});

describe("the structure of a policy", () => {
  it.each([
    ["", 7, "an object or 'calibrated', 'strict' or 'threshold'"],
    ["", [], "an object or 'calibrated', 'strict' or 'threshold'"],
    ["prior", [1, 1], "an object"],
    ["prior", null, "an object"],
    ["scoring", 5, "an object"],
    ["scoring.aggregate", "mean", "an object"],
    ["scoring.rules", [0], "an object"],
    ["futility", 0.02, "an object"],
    ["futility", 0, "an object or null"],
    ["futility", "", "an object or null"],
    ["fuse", 20, "an object"],
    ["fuse", false, "an object or null"],
    ["metrics", 3, "an object"],
    ["metrics.m", "lower", "an object"],
    ["guardrails", "error", "a list"],
    ["guardrails", {}, "a list"],
  ])("%s must not be %j but %s", (field, value, allowed) => {
    const said = refusal(field === "" ? value : withField(field, value));
    expect(said?.message).toBe(
      `policy${field === "" ? "" : `.${field}`} must be ${allowed}; received ${value}.`,
    );
    expect(said?.details).toMatchObject({ field, allowed });
  });

  it.each([
    ["tow", { tow: 1 }, Object.keys(createPolicy())],
    ["prior.gamma", { prior: { alpha: 1, beta: 1, gamma: 1 } }, ["alpha", "beta"]],
    ["scoring.weights", { scoring: { weights: 1 } }, ["explicit", "implicit", "aggregate", "mode", "rules"]],
    ["futility.before", { futility: { chance: 0.1, after: 0, before: 0 } }, ["chance", "after"]],
    ["fuse.after", { fuse: { after: 1 } }, ["minSessions", "errorRate"]],
    ["metrics.m.unit", { metrics: { m: { unit: "s" } } }, ["kind", "direction", "aggregate"]],
    [
      "guardrails[1].limit",
      { guardrails: [{ metric: "m" }, { metric: "m", limit: 1 }] },
      ["metric", "direction", "margin", "mode", "where"],
    ],
  ])("has no field %s, and names those it has", (field, input, known) => {
    const said = refusal(input);
    const allowed = `one of ${known.join(", ")}`;
    expect(said?.message).toBe(`policy.${field} must be ${allowed}; received an unknown field.`);
    expect(said?.details).toMatchObject({ field, allowed });
  });
});
