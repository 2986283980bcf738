import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../../../../src/core/decision/policy.js";
import {
  aggregateSignals,
  type ScoringSignal,
  scoreSignals,
  settle,
} from "../../../../src/core/sessions/score.js";

const { scoring } = DEFAULT_POLICY;
const explicit = (value: number, name = "thumbs"): ScoringSignal => ({ name, value, kind: "explicit" });
const implicit = (value: number, name = "tests"): ScoringSignal => ({ name, value, kind: "implicit" });
const metric = (value: number, name = "cost_usd"): ScoringSignal => ({ name, value, kind: null });

describe("scoreSignals", () => {
  it("weights class means five to one", () => {
    expect(scoreSignals([explicit(0), implicit(1)], scoring)).toBeCloseTo(1 / 6, 15);
    expect(scoreSignals([explicit(1)], scoring)).toBe(1);
    expect(scoreSignals([implicit(0)], scoring)).toBe(0);
  });

  it("lets no number of implicit signals outvote one explicit one", () => {
    const chatty = Array.from({ length: 100 }, () => implicit(1));
    expect(scoreSignals([explicit(0), ...chatty], scoring)).toBeCloseTo(1 / 6, 15);
  });

  it("lets no repeated signal outvote another of its class", () => {
    const failing = Array.from({ length: 9 }, () => explicit(0, "judge"));
    expect(scoreSignals([explicit(1, "thumbs"), ...failing], scoring)).toBe(0.5);
  });

  it("never binarises", () => {
    expect(scoreSignals([explicit(0.51)], scoring)).toBe(0.51);
    expect(scoreSignals([explicit(0.1)], scoring)).toBe(0.1);
  });

  it("does not cost a class alone its last digit", () => {
    expect((3 * 0.7) / 3).not.toBe(0.7);
    expect(scoreSignals([explicit(0.7)], { ...scoring, explicit: 3 })).toBe(0.7);
    expect(scoreSignals([implicit(0.7)], { ...scoring, implicit: 3 })).toBe(0.7);
  });

  it("takes metrics for no score at all", () => {
    expect(scoreSignals([metric(0.013)], scoring)).toBeNull();
    expect(scoreSignals([], scoring)).toBeNull();
    expect(scoreSignals([metric(12), explicit(1)], scoring)).toBe(1);
  });

  it("leaves a class of weight 0 out, even alone", () => {
    const onlyExplicit = { ...scoring, implicit: 0 };
    expect(scoreSignals([implicit(0)], onlyExplicit)).toBeNull();
    expect(scoreSignals([implicit(0), explicit(0.7)], onlyExplicit)).toBe(0.7);
  });

  it("aggregates the signals of one name as the policy says", () => {
    const values = [0.2, 0.9, 0.4];
    const scoreOf = (aggregate: "sum" | "mean" | "last" | "max") =>
      scoreSignals(
        values.map((value) => explicit(value)),
        { ...scoring, aggregate: { thumbs: aggregate } },
      );
    expect(scoreOf("last")).toBe(0.4);
    expect(scoreOf("max")).toBe(0.9);
    expect(scoreOf("mean")).toBeCloseTo(0.5, 15);
    expect(scoreOf("sum")).toBe(1); // 1.5, clamped
    expect(aggregateSignals([1, 2, 3], "sum")).toBe(6);
  });

  it("is in [0, 1] and ignores the order of signals", () => {
    const signal = fc.record({
      name: fc.constantFrom("a", "b", "toString"),
      value: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom("explicit" as const, "implicit" as const, null),
    });
    fc.assert(
      fc.property(fc.array(signal), (signals) => {
        const score = scoreSignals(signals, scoring);
        const reversed = scoreSignals([...signals].reverse(), scoring);
        if (score === null) {
          expect(reversed).toBeNull();
          return;
        }
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(reversed).toBeCloseTo(score, 12);
      }),
    );
  });

  it.each([1.5, -0.1, Number.NaN])("refuses a scoring value of %s", (value) => {
    expect(() => scoreSignals([explicit(value)], scoring)).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        message: `signal thumbs must be a number in [0, 1]; received ${value}.`,
      }),
    );
  });
});

describe("scoreSignals, every signal a vote", () => {
  const votes = { ...scoring, mode: "signal" } as const;

  it("lets a chatty session outvote its user, as the plain weighted mean does", () => {
    const chatty = Array.from({ length: 6 }, () => implicit(1));
    expect(scoreSignals([explicit(0), ...chatty], votes)).toBeCloseTo(6 / 11, 15);
    expect(scoreSignals([explicit(0), ...chatty], scoring)).toBeCloseTo(1 / 6, 15);
  });

  it("is the weighted mean over the signals, whatever their names and aggregates", () => {
    const signal = fc.record({
      name: fc.constantFrom("a", "b"),
      value: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom("explicit" as const, "implicit" as const, null),
    });
    const aggregate = { a: "max", b: "last" } as const;
    fc.assert(
      fc.property(fc.array(signal), (signals) => {
        const weighted = signals.flatMap(({ value, kind }) =>
          kind === null ? [] : [{ value, weight: kind === "explicit" ? 5 : 1 }],
        );
        const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
        const expected = weighted.reduce((sum, { value, weight }) => sum + (weight * value) / total, 0);
        const score = scoreSignals(signals, { ...votes, aggregate });
        if (total === 0) expect(score).toBeNull();
        else expect(score).toBeCloseTo(expected, 12);
      }),
    );
  });
});

describe("rules", () => {
  it("fix the score whatever else is said, by a signal of any kind", () => {
    expect(scoreSignals([explicit(1), metric(1, "escalated")], scoring)).toBe(0);
    expect(scoreSignals([explicit(1), implicit(0.3, "escalated")], scoring)).toBe(0);
    expect(scoreSignals([metric(1, "escalated")], scoring)).toBe(0);
  });

  it("do not apply where the signal's value is 0", () => {
    expect(scoreSignals([explicit(1), metric(0, "escalated")], scoring)).toBe(1);
    expect(scoreSignals([metric(0, "escalated")], scoring)).toBeNull();
  });

  it("give the lowest of several scores, and none where the policy has no rules", () => {
    const two = { ...scoring, rules: { refunded: 0.2, praised: 1 } };
    expect(scoreSignals([metric(1, "praised"), metric(3, "refunded"), explicit(0.9)], two)).toBe(0.2);
    expect(scoreSignals([metric(1, "praised"), explicit(0)], two)).toBe(1);
    expect(scoreSignals([explicit(1), metric(1, "escalated")], { ...scoring, rules: {} })).toBe(1);
  });

  it.each(["toString", "constructor"])("take a signal called %s for no rule", (name) => {
    expect(scoreSignals([explicit(0.5), metric(1, name)], scoring)).toBe(0.5);
  });

  it("do not hide a scoring value that is none", () => {
    expect(() => scoreSignals([metric(1, "escalated"), explicit(2)], scoring)).toThrow(
      expect.objectContaining({ code: "numeric_domain" }),
    );
  });

  it("count as a verdict: a session that was taken over is not missing", () => {
    const session = { hasEnded: true, signals: [metric(1, "escalated")] };
    expect(settle(session, DEFAULT_POLICY)).toEqual({ score: 0, isMissing: false, isAbandoned: false });
  });
});

describe("settle", () => {
  it("scores an abandoned session 0 whatever its signals", () => {
    const settled = settle({ hasEnded: false, signals: [explicit(1)] }, DEFAULT_POLICY);
    expect(settled).toEqual({ score: 0, isMissing: false, isAbandoned: true });
  });

  it("takes the score from the signals of an ended session", () => {
    const settled = settle({ hasEnded: true, signals: [explicit(0.8)] }, DEFAULT_POLICY);
    expect(settled).toEqual({ score: 0.8, isMissing: false, isAbandoned: false });
  });

  it("leaves out, or scores by the policy, an ended session of which nothing says how it went", () => {
    const session = { hasEnded: true, signals: [metric(3)] };
    expect(settle(session, DEFAULT_POLICY)).toEqual({ score: null, isMissing: true, isAbandoned: false });
    expect(settle(session, { ...DEFAULT_POLICY, missing: 0 })).toEqual({
      score: 0,
      isMissing: true,
      isAbandoned: false,
    });
  });
});
