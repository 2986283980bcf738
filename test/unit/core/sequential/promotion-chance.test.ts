import { describe, expect, it } from "vitest";
import { type EProcessPlan, startEProcess } from "../../../../src/core/sequential/e-process.js";
import { chanceOfPromotion, isChanceBelow } from "../../../../src/core/sequential/promotion-chance.js";

const PLAN: EProcessPlan = { alpha: 0.05, horizon: 100, planShare: 0.5, direction: 1, shift: 0 };

describe("isChanceBelow", () => {
  it("takes what is not known of the uplift for doubt, on either side of the limit", () => {
    // The believed uplift alone would do it nearly always; that it may be quite another one leaves two chances in three.
    const belief = { w: 0.5, upliftMean: 0.3, upliftVariance: 0.08 };
    expect(chanceOfPromotion(PLAN, startEProcess(), { ...belief, upliftVariance: 0 })).toBeGreaterThan(0.8);
    const chance = chanceOfPromotion(PLAN, startEProcess(), belief);
    expect(chance).toBeGreaterThan(0.6);
    expect(chance).toBeLessThan(0.7);
    const below = [0.1, 0.5, chance - 1e-6, chance + 1e-6, 0.9, 0.99].map((limit) =>
      isChanceBelow(PLAN, startEProcess(), belief, limit),
    );
    expect(below).toEqual([false, false, false, true, true, true]);
  });
});
