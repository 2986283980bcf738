import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DecisionFacts, decide } from "../../../../src/core/decision/decide.js";
import { emptyEvidence, type FoldInput, fold } from "../../../../src/core/decision/evidence.js";
import type { PolicyInput } from "../../../../src/core/decision/policy.js";
import { foldAll, simulatedUnits, termsOf } from "../../../support/evidence.js";

function facts(
  units: readonly FoldInput[],
  input: PolicyInput = {},
  more: Partial<DecisionFacts> = {},
): DecisionFacts {
  const terms = termsOf(input);
  return { ...terms, promotion: "auto", evidence: foldAll(units, terms), isExpired: false, ...more };
}

const units = (uplift: number, count = 400, seed = 3) =>
  simulatedUnits({ count, share: 0.5, champion: 0.4, uplift, seed });
const horizon = 400;

describe("decide", () => {
  it("promotes on evidence, and waits for a person where the policy says so", () => {
    const better = units(0.3);
    expect(decide(facts(better, { horizon }))).toEqual({ verdict: "promote", reason: "evidence", arm: 1 });
    expect(decide(facts(better, { horizon }, { promotion: "approve" }))).toEqual({
      verdict: "continue",
      reason: "awaiting-approval",
      arm: 1,
    });
    expect(decide(facts(better, { horizon }, { promotion: "approve", isExpired: true }))).toEqual({
      verdict: "hold",
      reason: "expired",
    });
  });

  it("never promotes under minPerArm, however strong the evidence", () => {
    expect(decide(facts(units(0.5), { horizon, minPerArm: 1000 })).verdict).not.toBe("promote");
  });

  it("never promotes on evidence alone: P(better) gates, by minUplift too", () => {
    const better = units(0.3);
    expect(decide(facts(better, { horizon, tau: 1 - 1e-15 })).verdict).not.toBe("promote");
    expect(decide(facts(better, { horizon, minUplift: 0.25 })).verdict).not.toBe("promote");
    expect(decide(facts(better, { horizon, minUplift: 0.1 })).verdict).toBe("promote");
  });

  it("aborts a harmful challenger, unless the margin allows for it", () => {
    expect(decide(facts(units(-0.3), { horizon }))).toEqual({ verdict: "abort", reason: "harm" });
    expect(decide(facts(units(-0.05), { horizon, harmMargin: 0.3, futility: null })).reason).toBe("horizon");
  });

  it("aborts before it promotes where the sample ratio is broken", () => {
    const skewed = units(0.4, 600).filter((unit, index) => unit.arm === 1 || index % 2 === 0);
    expect(decide(facts(skewed, { horizon }))).toEqual({ verdict: "abort", reason: "srm" });
  });

  it("aborts where one arm goes missing more, and never promotes while that is open", () => {
    // The challenger is no better; its failures go missing.
    const lossy = units(0, 1000).map((unit) =>
      unit.arm === 1 && unit.score === 0 ? { ...unit, score: null } : unit,
    );
    const terms = termsOf({ horizon: 1000 });
    let evidence = emptyEvidence(terms);
    const rulings = lossy.map((unit) => {
      evidence = fold(evidence, unit, terms);
      return decide({ ...terms, promotion: "auto", evidence, isExpired: false });
    });
    const first = rulings.find((ruling) => ruling.reason !== "collecting");
    expect(first).toEqual({ verdict: "abort", reason: "srm" });
  });

  it("the plain rule promotes whatever is missing, until the sample ratio counts as broken", () => {
    const lossy = units(0.3, 120).map((unit, index) =>
      unit.arm === 1 && unit.score === 0 && index % 2 === 0 ? { ...unit, score: null } : unit,
    );
    expect(decide(facts(lossy, { kind: "threshold", horizon }))).toEqual({
      verdict: "promote",
      reason: "evidence",
      arm: 1,
    });
    expect(decide(facts(lossy, { horizon: 120, alpha: 0.5, tau: 0.5 })).verdict).not.toBe("promote");
  });

  it("missingness of the champion counts as well", () => {
    const lossy = units(0, 600).map((unit, index) =>
      unit.arm === 0 && index % 3 > 0 ? { ...unit, score: null } : unit,
    );
    expect(decide(facts(lossy, { horizon: 600 }))).toEqual({ verdict: "abort", reason: "srm" });
  });

  it("missingness alike in both arms does not keep a better challenger from promotion", () => {
    const lossy = units(0.3, 800).map((unit, index) => (index % 4 === 0 ? { ...unit, score: null } : unit));
    expect(decide(facts(lossy, { horizon: 800 }))).toEqual({
      verdict: "promote",
      reason: "evidence",
      arm: 1,
    });
  });

  it("holds where a promotion has become unlikely, not before its time", () => {
    const equal = units(-0.02, 300);
    expect(decide(facts(equal, { horizon: 350 }))).toEqual({ verdict: "hold", reason: "futility" });
    expect(decide(facts(equal, { horizon: 350, futility: { chance: 0.02, after: 1 } })).reason).toBe(
      "collecting",
    );
    expect(decide(facts(equal, { horizon: 350, futility: null })).reason).toBe("collecting");
    expect(decide(facts(equal, { horizon: 300, futility: null }))).toEqual({
      verdict: "hold",
      reason: "horizon",
    });
  });

  it("holds an experiment that is out of time, with data or without", () => {
    const isExpired = true;
    expect(decide(facts(units(0.05, 50), { horizon }, { isExpired }))).toEqual({
      verdict: "hold",
      reason: "expired",
    });
    expect(decide(facts([], { horizon }, { isExpired }))).toEqual({ verdict: "hold", reason: "expired" });
    expect(decide(facts([], { horizon }))).toEqual({ verdict: "continue", reason: "collecting" });
  });

  it("the plain rule: P > tau, P < 1 - tau, horizon; at least 20 an arm; no futility", () => {
    const kind = "threshold";
    expect(decide(facts(units(0.3, 200), { kind, horizon }))).toEqual({
      verdict: "promote",
      reason: "evidence",
      arm: 1,
    });
    expect(decide(facts(units(-0.3, 200), { kind, horizon }))).toEqual({ verdict: "abort", reason: "harm" });
    expect(decide(facts(units(0.5, 25), { kind, horizon })).verdict).toBe("continue");
    expect(decide(facts(units(-0.4, 25), { kind, horizon })).verdict).toBe("continue");
    const equal = units(0, 400, 12);
    expect(decide(facts(equal, { kind, horizon: 1000, tau: 0.9999 })).reason).toBe("collecting");
    expect(decide(facts(equal, { kind, horizon: 400, tau: 0.9999 })).reason).toBe("horizon");
    expect(
      decide(facts(equal, { kind, horizon: 1000, tau: 0.9999, futility: { chance: 0.9, after: 0 } })).reason,
    ).toBe("collecting");
  });

  it("is total and deterministic over any sessions and policies", () => {
    const unit = fc.record({
      arm: fc.constantFrom(0, 1),
      shares: fc.constantFrom([0.01], [0.2], [0.5], [0.99]),
      score: fc.oneof(fc.constantFrom(0, 1, null), fc.double({ min: 0, max: 1, noNaN: true })),
    });
    const policy = fc.record({
      kind: fc.constantFrom("calibrated" as const, "threshold" as const),
      alpha: fc.constantFrom(0.001, 0.05, 0.5),
      horizon: fc.constantFrom(1, 10, 100, 1e9),
      minUplift: fc.constantFrom(-0.5, 0, 0.1),
      minPerArm: fc.constantFrom(1, 10),
    });
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 60 }),
        policy,
        fc.constantFrom(0, 0.2, 0.5),
        (given, input, planShare) => {
          const terms = termsOf(input, [planShare]);
          const evidence = foldAll(given, terms);
          const asked = { ...terms, promotion: "auto", evidence, isExpired: false } as const;
          const ruling = decide(asked);
          expect(["promote", "hold", "abort", "continue"]).toContain(ruling.verdict);
          expect(decide(JSON.parse(JSON.stringify(asked)))).toEqual(ruling);
        },
      ),
      { numRuns: 60 },
    );
  });
});
