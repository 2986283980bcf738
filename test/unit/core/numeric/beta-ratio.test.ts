import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { betaCdf, betaSf } from "../../../../src/core/numeric/beta.js";
import type { BetaPair } from "../../../../src/core/numeric/beta-compare.js";
import { probGreater } from "../../../../src/core/numeric/beta-compare.js";
import { liftInterval, probRatioGreater } from "../../../../src/core/numeric/beta-ratio.js";
import { expectNear } from "../../../support/numeric.js";

const calls = vi.hoisted(() => ({ integrals: 0 }));
vi.mock(import("../../../../src/core/numeric/quadrature.js"), async (original) => {
  const actual = await original();
  const logIntegral: typeof actual.logIntegral = (logOf) => {
    calls.integrals += 1;
    return actual.logIntegral(logOf);
  };
  return { ...actual, logIntegral };
});

const anyShape = fc.double({ min: -0.3, max: 5, noNaN: true }).map((log) => 10 ** log);
const anyPair: fc.Arbitrary<BetaPair> = fc.record({ aX: anyShape, bX: anyShape, aY: anyShape, bY: anyShape });
const swap = ({ aX, bX, aY, bY }: BetaPair): BetaPair => ({ aX: aY, bX: bY, aY: aX, bY: bX });

describe("probRatioGreater", () => {
  it("gives the documented value", () => {
    expectNear(probRatioGreater({ aX: 18, bX: 4, aY: 12, bY: 10, ratio: 1.1 }), 0.9385536567227, 1e-12);
  });

  it("is an area below or above a line for uniform distributions", () => {
    const uniform = { aX: 1, bX: 1, aY: 1, bY: 1 };
    for (const ratio of [1e-9, 0.2, 0.999, 1, 1.001, 7, 1e9]) {
      const expected = ratio >= 1 ? 0.5 / ratio : 1 - ratio / 2;
      expectNear(probRatioGreater({ ...uniform, ratio }), expected, 1e-13);
    }
  });

  it("is a power of the ratio where the logarithms are exponential", () => {
    // -ln X ~ Exp(a), -ln Y ~ Exp(b): beyond the ratio with a/(a + b) ratio^-b above 1, b/(a + b) ratio^a short of it.
    for (const [a, b] of [
      [0.7, 3],
      [4, 0.6],
      [2, 2],
      [30, 50],
      [1e5, 300],
    ] as const)
      for (const ratio of [1, 1.001, 1.3, 5, 100]) {
        const pair = { aX: a, bX: 1, aY: b, bY: 1 };
        const greater = (a / (a + b)) * ratio ** -b;
        if (greater > 1e-290) expectNear(probRatioGreater({ ...pair, ratio }), greater, 1e-10);
        const less = (b / (a + b)) * ratio ** -a;
        expectNear(probRatioGreater({ ...pair, ratio: 1 / ratio }), 1 - less, 1e-12);
        if (less > 1e-290) expectNear(probRatioGreater({ aX: b, bX: 1, aY: a, bY: 1, ratio }), less, 1e-10);
      }
  });

  it("counts an X above the ratio as beyond all of a uniform Y", () => {
    for (const [aX, bX, ratio] of [
      [4, 6, 0.82],
      [4, 6, 0.95],
      [9, 3, 0.5],
      [20, 60, 0.6],
    ] as const) {
      // The mean of min(X/ratio, 1).
      const below = (aX / (aX + bX) / ratio) * betaCdf({ a: aX + 1, b: bX, x: ratio });
      const expected = below + betaSf({ a: aX, b: bX, x: ratio });
      expectNear(probRatioGreater({ aX, bX, aY: 1, bY: 1, ratio }), expected, 1e-12);
    }
  });

  it("agrees with the plain comparison at a ratio of 1", () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        const p = probGreater(pair);
        if (p > 1e-280) expectNear(probRatioGreater({ ...pair, ratio: 1 }), p, 1e-10);
      }),
      { numRuns: 40 },
    );
  });

  it("adds up to 1 with X and Y exchanged", () => {
    fc.assert(
      fc.property(anyPair, fc.integer({ min: -8, max: 8 }), (pair, log) => {
        const ratio = 2 ** log;
        const sum =
          probRatioGreater({ ...pair, ratio }) + probRatioGreater({ ...swap(pair), ratio: 1 / ratio });
        expectNear(sum, 1, 1e-13);
      }),
      { numRuns: 40 },
    );
  });

  it("stays a probability for shapes near 0 and at 1e12, and for any ratio", () => {
    for (const shape of [1e-300, 1e-3, 1e12]) {
      for (const ratio of [1e-308, 0.5, 1.7e308]) {
        for (const pair of [
          { aX: shape, bX: 1, aY: 1, bY: shape },
          { aX: 1e12, bX: 1e4, aY: shape, bY: 50 },
        ]) {
          const p = probRatioGreater({ ...pair, ratio });
          expect(p).toBeGreaterThanOrEqual(0);
          expect(p).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  it("refuses a ratio that is not above 0 and a wrong shape", () => {
    const pair = { aX: 1, bX: 1, aY: 1, bY: 1 };
    for (const ratio of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => probRatioGreater({ ...pair, ratio })).toThrow(/^ratio must be/);
    }
    expect(() => probRatioGreater({ ...pair, bY: 0, ratio: 1 })).toThrow(/^bY must be/);
  });
});

describe("liftInterval", () => {
  it("gives the documented value", () => {
    const [low, high] = liftInterval({ aX: 18, bX: 4, aY: 12, bY: 10, level: 0.95 });
    expect(low).toBeCloseTo(0.0128108224062, 12);
    expect(high).toBeCloseTo(1.469347742658, 12);
  });

  it("leaves the stated probability outside at either end", () => {
    fc.assert(
      fc.property(anyPair, fc.constantFrom(0.5, 0.95, 0.999), (pair, level) => {
        const [low, high] = liftInterval({ ...pair, level });
        const tail = (1 - level) / 2;
        // An end next to -1 has lost the digits of the ratio itself.
        if (low > -0.999) expectNear(1 - probRatioGreater({ ...pair, ratio: 1 + low }), tail, 1e-6);
        if (high > -0.999) expectNear(probRatioGreater({ ...pair, ratio: 1 + high }), tail, 1e-6);
      }),
      { numRuns: 25 },
    );
  });

  it("ends at powers of the tail where the logarithms are exponential", () => {
    for (const [a, b] of [
      [0.3, 0.2],
      [0.7, 3],
      [4, 0.6],
      [30, 50],
    ] as const)
      for (const level of [0.5, 0.9, 0.999, 1 - 2 ** -40]) {
        const tail = (1 - level) / 2;
        const [low, high] = liftInterval({ aX: a, bX: 1, aY: b, bY: 1, level });
        const [below, above] = [(tail * (a + b)) / b, (tail * (a + b)) / a];
        const [lowRatio, highRatio] = [below ** (1 / a), above ** (-1 / b)];
        if (below < 1) expect(Math.abs(low + 1 - lowRatio)).toBeLessThan(1e-10 * (1 + high - low));
        if (above < 1) expectNear(high + 1, highRatio, 1e-10);
      }
  });

  it("takes 5 or 6 evaluations for each end where the logarithm of the ratio is near normal", () => {
    for (const [aX, bX, aY, bY] of [
      [200, 400, 150, 500],
      [900, 20, 40, 800],
      [5e4, 5e4, 3e4, 6e4],
    ] as const)
      for (const level of [0.5, 0.95]) {
        for (const pair of [{ aX, bX, aY, bY }, swap({ aX, bX, aY, bY })]) {
          calls.integrals = 0;
          liftInterval({ ...pair, level });
          expect(calls.integrals, JSON.stringify({ ...pair, level })).toBeLessThanOrEqual(12);
        }
      }
  });

  it("ends at the limits where shapes near 0 put the ratio beyond them", () => {
    const level = 0.95;
    expect(liftInterval({ aX: 1e-5, bX: 2, aY: 3, bY: 4, level })[0]).toBe(-1);
    expect(liftInterval({ aX: 3, bX: 2, aY: 1e-5, bY: 4, level })[1]).toBe(Math.expm1(690));
    expect(liftInterval({ aX: 3, bX: 2, aY: 1e-5, bY: 4, level })[0]).toBe(Math.expm1(690));
  });

  it("looks for ends that small shapes put far out", () => {
    const [low, high] = liftInterval({ aX: 0.2, bX: 2, aY: 0.3, bY: 4, level: 0.9 });
    expectNear(probRatioGreater({ aX: 0.2, bX: 2, aY: 0.3, bY: 4, ratio: 1 + high }), 0.05, 1e-9);
    expect(low).toBeGreaterThan(-1);
  });

  it("refuses a level outside (0, 1)", () => {
    expect(() => liftInterval({ aX: 1, bX: 1, aY: 1, bY: 1, level: 1 })).toThrow(/^level must be/);
    expect(() => liftInterval({ aX: 1, bX: -1, aY: 1, bY: 1, level: 0.9 })).toThrow(/^bX must be/);
  });
});
