import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type GammaPair,
  gammaExpectedLoss,
  gammaProbGreater,
  gammaQuantile,
  gammaRatioInterval,
} from "../../../../src/core/numeric/gamma.js";
import { logGammaTails } from "../../../../src/core/numeric/special.js";
import { expectNear } from "../../../support/numeric.js";

const calls = vi.hoisted(() => ({ tails: 0 }));
vi.mock(import("../../../../src/core/numeric/special.js"), async (original) => {
  const actual = await original();
  const counted: typeof actual.logGammaTails = (a, x) => {
    calls.tails += 1;
    return actual.logGammaTails(a, x);
  };
  return { ...actual, logGammaTails: counted };
});

const anyShape = fc.double({ min: -0.3, max: 5, noNaN: true }).map((log) => 10 ** log);
const anyPair: fc.Arbitrary<GammaPair> = fc.record({
  aX: anyShape,
  rX: anyShape,
  aY: anyShape,
  rY: anyShape,
});
const swap = ({ aX, rX, aY, rY }: GammaPair): GammaPair => ({ aX: aY, rX: rY, aY: aX, rY: rX });

describe("gammaProbGreater", () => {
  it("gives the documented value", () => {
    expectNear(gammaProbGreater({ aX: 10, rX: 100, aY: 20, rY: 150 }), 0.2146816102371739, 1e-13);
  });

  it("is the share of the other rate for exponential distributions", () => {
    for (const rX of [1e-9, 0.5, 3, 1e9]) {
      expectNear(gammaProbGreater({ aX: 1, rX, aY: 1, rY: 2 }), 2 / (rX + 2), 1e-13);
    }
  });

  it("adds up to 1 with X and Y exchanged", () => {
    fc.assert(
      fc.property(anyPair, (pair) =>
        expectNear(gammaProbGreater(pair) + gammaProbGreater(swap(pair)), 1, 1e-13),
      ),
    );
  });

  it("refuses shapes and rates outside (0, 1e12]", () => {
    const pair = { aX: 1, rX: 1, aY: 1, rY: 1 };
    expect(() => gammaProbGreater({ ...pair, rY: 0 })).toThrow(/^rY must be/);
    expect(() => gammaProbGreater({ ...pair, aX: 1.1e12 })).toThrow(/^aX must be/);
    expect(() => gammaProbGreater({ ...pair, rX: "1" as never })).toThrow(/^rX must be/);
  });
});

describe("gammaExpectedLoss", () => {
  it("gives the documented values", () => {
    const [x, y] = gammaExpectedLoss({ aX: 10, rX: 100, aY: 20, rY: 150 });
    expectNear(x, 0.038975654823148, 1e-12);
    expectNear(y, 0.0056423214898147, 1e-12);
  });

  it("has a closed form for exponential distributions", () => {
    // E max(Y - X, 0) = P(Y > X) E Y, because Y has no memory.
    const [x, y] = gammaExpectedLoss({ aX: 1, rX: 5, aY: 1, rY: 2 });
    expectNear(x, 5 / 7 / 2, 1e-13);
    expectNear(y, 2 / 7 / 5, 1e-13);
    expectNear(gammaExpectedLoss({ aX: 1, rX: 1e-6, aY: 1, rY: 1e6 })[0], 1e-12 / (1 + 1e-12) / 1e6, 1e-12);
  });

  it("differs between the two by the difference of the means", () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        const [x, y] = gammaExpectedLoss(pair);
        const [meanX, meanY] = [pair.aX / pair.rX, pair.aY / pair.rY];
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
        expect(Math.abs(x - y - (meanY - meanX))).toBeLessThanOrEqual(1e-12 * Math.max(meanX, meanY));
      }),
    );
  });

  it("is never negative or not a number, however far apart the two are", () => {
    const [x, y] = gammaExpectedLoss({ aX: 1e12, rX: 1e-300, aY: 1e-300, rY: 1e12 });
    expect([x, y]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});

describe("gammaQuantile", () => {
  it("gives the documented value", () => {
    expectNear(gammaQuantile({ a: 1, r: 2, p: 0.5 }), 0.34657359027997, 1e-13);
  });

  it("is a logarithm for the exponential distribution", () => {
    for (const p of [1e-300, 1e-9, 0.3, 0.5, 0.7, 0.999999]) {
      expectNear(gammaQuantile({ a: 1, r: 4, p }), -Math.log1p(-p) / 4, 1e-12);
    }
  });

  it("keeps its digits next to certainty and next to nothing", () => {
    for (const k of [20, 45, 52]) {
      expectNear(gammaQuantile({ a: 1, r: 1, p: 1 - 2 ** -k }), k * Math.LN2, 1e-14);
    }
    // P(X < x) is x^a/Gamma(1 + a) for a small x; Gamma(1.5) is sqrt(pi)/2, and Gamma(1.01) as below.
    expectNear(gammaQuantile({ a: 0.5, r: 1, p: 1e-100 }), (Math.PI / 4) * 1e-200, 1e-12);
    expectNear(
      gammaQuantile({ a: 0.01, r: 2, p: 0.1 }) ** 0.01,
      0.1 * 0.5 ** 0.01 * 0.994325851191506,
      1e-13,
    );
  });

  it("is found in at most 30 steps", () => {
    for (const a of [0.5, 1, 7, 1e4])
      for (const p of [1e-9, 0.1, 0.5, 0.9, 1 - 1e-9]) {
        calls.tails = 0;
        gammaQuantile({ a, r: 1, p });
        expect(calls.tails, `${a}, ${p}`).toBeLessThanOrEqual(30);
      }
  });

  it("has the stated probability below it", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -0.3, max: 7, noNaN: true }),
        fc.double({ min: 1e-9, max: 0.999, noNaN: true }),
        (log, p) => {
          const { lower, upper } = logGammaTails(10 ** log, gammaQuantile({ a: 10 ** log, r: 1, p }));
          expectNear(Math.exp(lower), p, 1e-9);
          expectNear(Math.exp(upper), 1 - p, 1e-9);
        },
      ),
    );
  });

  it("goes from 0 to infinity", () => {
    const quantiles = [0, 1].map((p) => gammaQuantile({ a: 2, r: 3, p }));
    expect(quantiles).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(gammaQuantile({ a: 1e-3, r: 3, p: 1e-6 })).toBe(0);
    expect(() => gammaQuantile({ a: 2, r: 3, p: 1.5 })).toThrow(/^p must be/);
  });

  it("stays finite at the ends of the domain", () => {
    for (const a of [1e-300, 1e12]) {
      for (const p of [1e-320, 0.4, 1 - 1e-16]) {
        const x = gammaQuantile({ a, r: 1, p });
        expect(x >= 0 && Number.isFinite(x)).toBe(true);
      }
    }
  });
});

describe("gammaRatioInterval", () => {
  it("gives the documented value", () => {
    const [low, high] = gammaRatioInterval({ aX: 12, rX: 10, aY: 95, rY: 100, level: 0.95 });
    expect(low).toBeCloseTo(-0.36302429997641, 12);
    expect(high).toBeCloseTo(1.16687903326493, 12);
  });

  it("leaves the stated probability outside at either end", () => {
    fc.assert(
      fc.property(anyPair, fc.constantFrom(0.5, 0.95, 0.999), (pair, level) => {
        const [low, high] = gammaRatioInterval({ ...pair, level });
        const below = (end: number): number =>
          gammaProbGreater({ aX: pair.aY, rX: pair.rY / (1 + end), aY: pair.aX, rY: pair.rX });
        const scaled = Math.max(pair.rX, pair.rY / (1 + low), pair.rY / (1 + high)) < 1e12;
        // An end next to -1 has lost the digits of the ratio itself.
        if (scaled && low > -0.999) expectNear(below(low), (1 - level) / 2, 1e-7);
        if (scaled && high > -0.999) expectNear(1 - below(high), (1 - level) / 2, 1e-7);
      }),
    );
  });

  it("is that of the odds of a uniform variable for exponential distributions", () => {
    const [low, high] = gammaRatioInterval({ aX: 1, rX: 5, aY: 1, rY: 2, level: 0.9 });
    expectNear(low + 1, 0.4 / 19, 1e-13);
    expectNear(high + 1, 0.4 * 19, 1e-13);
  });

  it("refuses shapes and rates that are none", () => {
    const pair = { aX: 1, rX: 1, aY: 1, rY: 1 };
    expect(() => gammaRatioInterval({ ...pair, aY: 0, level: 0.9 })).toThrow(/^aY must be/);
    expect(() => gammaExpectedLoss({ ...pair, rX: -1 })).toThrow(/^rX must be/);
    expect(() => gammaQuantile({ a: Number.NaN, r: 1, p: 0.5 })).toThrow(/^a must be/);
    expect(() => gammaQuantile({ a: 1, r: 0, p: 0.5 })).toThrow(/^r must be/);
  });

  it("refuses a level outside (0, 1)", () => {
    expect(() => gammaRatioInterval({ aX: 1, rX: 1, aY: 1, rY: 1, level: 0 })).toThrow(/^level must be/);
  });
});
