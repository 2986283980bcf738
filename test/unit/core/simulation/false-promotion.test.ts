import { describe, expect, it } from "vitest";
import { createPolicy } from "../../../../src/core/decision/policy.js";
import { falsePromotion } from "../../../../src/core/simulation/false-promotion.js";

const share = { kind: "fixed", share: 0.5 } as const;

describe("falsePromotion", () => {
  it("is what the plain rule promotes without any difference, the same every time", () => {
    const policy = createPolicy({ kind: "threshold", horizon: 300 });
    const price = falsePromotion(policy, share, 0.5);
    expect(price.rate).toBeGreaterThan(0.12);
    expect(price.rate).toBeLessThan(0.36);
    expect(price).toMatchObject({ runs: 1000, horizon: 300 });
    expect(falsePromotion(policy, share, 0.5)).toEqual(price);
  });

  it("is within alpha for the calibrated rule", () => {
    expect(falsePromotion(createPolicy({ horizon: 300 }), share, 0.5).rate).toBeLessThan(0.06);
  });

  it("stops early where experiments are long, and simulates no longer ones than it has to", () => {
    const policy = createPolicy({ kind: "threshold", horizon: 1e6, tau: 0.9999 });
    const price = falsePromotion(policy, { kind: "fixed", share: 0.05 }, 0.5);
    expect(price).toMatchObject({ runs: 100, horizon: 20_000 });
  });
});
