import { describe, expect, it } from "vitest";
import { evaluate } from "../../../src/core/evaluation.js";
import { foldAll, simulatedUnits, termsOf } from "../../support/evidence.js";

const units = simulatedUnits({ count: 600, share: 0.3, champion: 0.5, uplift: 0.2, seed: 21 });
const TERMS = termsOf({}, [0.3]);
const evidence = foldAll(units, TERMS);
const evaluation = evaluate({ ...TERMS, evidence, units });

describe("evaluate", () => {
  it("puts every number side by side, consistently", () => {
    const [champion, challenger] = evaluation.arms;
    expect(champion).toMatchObject({ role: "champion", sessionCount: evidence.arms[0]?.count });
    expect(evaluation.sessionCount).toBe(600);
    expect(evaluation.upliftMean).toBeCloseTo(challenger!.mean - champion!.mean, 14);
    expect(evaluation.expectedLossChampion - evaluation.expectedLossChallenger).toBeCloseTo(
      evaluation.upliftMean,
      12,
    );
    expect(evaluation.upliftInterval[0]).toBeLessThan(evaluation.upliftMean);
    expect(evaluation.upliftInterval[1]).toBeGreaterThan(evaluation.upliftMean);
    expect(evaluation.logLinePromote).toBeCloseTo(Math.log(20), 14);
    expect(evaluation.logLineHarm).toBeCloseTo(Math.log(10), 14);
    expect(evaluation.probabilityBetterBy).toBe(evaluation.probabilityBetter);
  });

  it("leaves missing units out of the confidence sequence", () => {
    const missing = units.map((unit) => ({ ...unit, score: null }));
    const empty = foldAll(missing, TERMS);
    const nothing = evaluate({ ...TERMS, evidence: empty, units: missing });
    expect(nothing.upliftInterval).toEqual([-1, 1]);
    expect(nothing.sessionCount).toBe(0);
    expect(nothing.probabilityBetter).toBeCloseTo(0.5, 13);
  });
});
