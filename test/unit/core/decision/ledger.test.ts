import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eLondLevel, type LedgerEntry, ledgerOf } from "../../../../src/core/decision/ledger.js";

/** Weight of the k-th experiment. */
const weight = (index: number): number => eLondLevel({ fdr: 0.5, index, promotions: 0 }) / 0.5;

const term = (n: number): number => 1 / (n * Math.log(n) ** 2);

/** The terms below n, with the rounding errors carried along. */
function sumBelow(n: number): number {
  let sum = 0;
  let lost = 0;
  for (let k = n - 1; k >= 2; k--) {
    const next = term(k) - lost;
    const raised = sum + next;
    lost = raised - sum - next;
    sum = raised;
  }
  return sum;
}

describe("eLondLevel", () => {
  it("gives the documented value", () => {
    expect(eLondLevel({ fdr: 0.1, index: 1, promotions: 0 })).toBeCloseTo(0.049327552624, 11);
  });

  it("has weights proportional to 1/((k + 1) ln^2(k + 1)) that sum to 1, to full precision", () => {
    const total = term(2) / weight(1);
    for (const k of [2, 3, 10, 1e3, 1e6, 1e12]) expect(term(k + 1) / weight(k) / total).toBeCloseTo(1, 14);
    // Terms are convex: the tail is more than its integral plus half the first term (trapezoids), and less than the
    // integral from half a step earlier (midpoints). At a million terms the two are 1e-14 apart.
    const n = 1_000_000;
    const low = sumBelow(n) + 1 / Math.log(n) + term(n) / 2;
    const high = sumBelow(n) + 1 / Math.log(n - 0.5);
    expect(high - low).toBeLessThan(1e-14);
    expect(total).toBeGreaterThan(low - 1e-15);
    expect(total).toBeLessThan(high + 1e-15);
  });

  it("agrees with the Euler-Maclaurin sum of a few terms", () => {
    const n = 100;
    const log = Math.log(n);
    const first = -(log ** -2 + 2 * log ** -3) / n ** 2;
    const third = -(6 * log ** -2 + 22 * log ** -3 + 36 * log ** -4 + 24 * log ** -5) / n ** 4;
    const total = sumBelow(n) + 1 / log + term(n) / 2 - first / 12 + third / 720;
    expect(term(2) / weight(1)).toBeCloseTo(total, 12);
  });

  it("rises in proportion to the promotions, and never reaches half of the rate it controls", () => {
    const position = fc
      .tuple(fc.double({ min: 1e-6, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 1e6 }), fc.nat())
      .map(([fdr, index, any]) => ({ fdr, index, promotions: any % index }));
    fc.assert(
      fc.property(position, (at) => {
        const level = eLondLevel(at);
        const none = eLondLevel({ ...at, promotions: 0 });
        expect(level / none).toBeCloseTo(at.promotions + 1, 6);
        expect(level).toBeGreaterThan(0);
        expect(level).toBeLessThan(at.fdr / 2);
      }),
    );
  });

  it("spends no more than the rate over a stream without promotions", () => {
    let spent = 0;
    for (let index = 1; index <= 10_000; index++) spent += eLondLevel({ fdr: 0.1, index, promotions: 0 });
    expect(spent).toBeLessThan(0.1);
    expect(spent).toBeGreaterThan(0.09);
  });

  it.each([
    ["fdr", { fdr: 0 }],
    ["fdr", { fdr: 1 }],
    ["index", { index: 0 }],
    ["index", { index: 1.5 }],
    ["promotions", { promotions: -1 }],
    ["promotions", { promotions: 0.5 }],
    ["promotions", { promotions: 5 }],
  ])("refuses a wrong %s", (name, change) => {
    const call = () => eLondLevel({ fdr: 0.1, index: 5, promotions: 2, ...change });
    expect(call).toThrow(new RegExp(`^${name} must be`));
    expect(call).toThrow(expect.objectContaining({ code: "numeric_domain" }));
  });

  it("says how many promotions there can have been", () => {
    expect(() => eLondLevel({ fdr: 0.1, index: 5, promotions: 5 })).toThrow(
      "promotions must be an integer in [0, 4]; received 5.",
    );
    expect(eLondLevel({ fdr: 0.1, index: 5, promotions: 4 })).toBeLessThan(0.05);
  });
});

describe("ledgerOf", () => {
  const entry = (change: Partial<LedgerEntry> = {}): LedgerEntry => ({
    alpha: 0.05,
    verdict: "hold",
    reason: "horizon",
    ...change,
  });
  const proven = entry({ verdict: "promote", reason: "evidence" });
  const byHand = entry({ verdict: "promote", reason: "manual" });
  const plain = entry({ alpha: null, verdict: "promote", reason: "evidence" });
  const running = entry({ verdict: null, reason: null });

  it("gives the documented value", () => {
    expect(ledgerOf([proven])).toEqual({
      experiments: 1,
      promotions: 1,
      unproven: 0,
      expectedFalseMax: 0.05,
      sentence: "1 promotion in 1 experiment; at most 0.05 false ones are expected.",
    });
  });

  it("adds up the levels of all started experiments, running ones included", () => {
    const ledger = ledgerOf([proven, proven, proven, running, ...Array.from({ length: 8 }, () => entry())]);
    expect(ledger.expectedFalseMax).toBeCloseTo(0.6, 12);
    expect(ledger.sentence).toBe("3 promotions in 12 experiments; at most 0.60 false ones are expected.");
  });

  it("counts promotions by hand and under the plain rule apart, and leaves the plain rule out of the bound", () => {
    const ledger = ledgerOf([proven, byHand, plain, entry({ alpha: null })]);
    expect(ledger).toMatchObject({ experiments: 2, promotions: 1, unproven: 2, expectedFalseMax: 0.1 });
    expect(ledger.sentence).toBe(
      "1 promotion in 2 experiments; at most 0.10 false ones are expected. 2 further promotions without proof.",
    );
    expect(ledgerOf([byHand]).sentence).toMatch(/ 1 further promotion without proof\.$/);
  });

  it("rounds the bound up, for it is one", () => {
    expect(ledgerOf([entry({ alpha: 0.001 })]).sentence).toMatch(/at most 0\.01 false/);
    expect(ledgerOf([entry({ alpha: 0.02 }), entry({ alpha: 0.001 })]).sentence).toMatch(
      /at most 0\.03 false/,
    );
  });

  it("says of no experiments that nothing is expected", () => {
    expect(ledgerOf([]).sentence).toBe(
      "0 promotions in 0 experiments; at most 0.00 false ones are expected.",
    );
  });

  it("refuses a level outside (0, 1)", () => {
    expect(() => ledgerOf([entry({ alpha: 1 })])).toThrow(/^alpha must be in \(0, 1\)/);
  });
});
