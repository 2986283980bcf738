import fc from "fast-check";
import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import {
  betaCdf,
  betaHdi,
  betaInterval,
  betaPdf,
  betaQuantile,
  betaSf,
} from "../../../../src/core/numeric/beta.js";

const near = (got: number, expected: number, tolerance: number): void =>
  expect(Math.abs(got - expected), `${got} against ${expected}`).toBeLessThanOrEqual(
    tolerance * Math.abs(expected),
  );

const anyShape = fc.double({ min: -0.3, max: 7, noNaN: true }).map((power) => 10 ** power);
const anyProbability = fc.double({ min: 1e-12, max: 1 - 1e-9, noNaN: true });

describe("betaPdf", () => {
  it("gives the documented value", () => near(betaPdf({ a: 2, b: 3, x: 0.25 }), 1.6875, 1e-14));

  it("has its limits at the ends", () => {
    expect([0.5, 1, 2].map((a) => betaPdf({ a, b: 3, x: 0 }))).toEqual([Number.POSITIVE_INFINITY, 3, 0]);
    expect([0.5, 1, 2].map((b) => betaPdf({ a: 3, b, x: 1 }))).toEqual([Number.POSITIVE_INFINITY, 3, 0]);
  });

  it("agrees with jstat in its good range", () => {
    for (const [a, b] of [
      [0.7, 0.9],
      [3, 8],
      [40, 25],
    ] as const) {
      for (const x of [0.1, 0.35, 0.8]) near(betaPdf({ a, b, x }), jStat.beta.pdf(x, a, b), 1e-6);
    }
  });
});

describe("betaCdf and betaSf", () => {
  it("give the documented values", () => {
    near(betaCdf({ a: 2, b: 3, x: 0.25 }), 0.26171875, 1e-14);
    near(betaSf({ a: 2, b: 3, x: 0.25 }), 0.73828125, 1e-14);
  });

  it("are 0 and 1 at the ends", () => {
    for (const a of [1e-3, 0.5, 3, 1e12]) {
      expect([betaCdf({ a, b: 2, x: 0 }), betaCdf({ a, b: 2, x: 1 })]).toEqual([0, 1]);
      expect([betaSf({ a, b: 2, x: 0 }), betaSf({ a, b: 2, x: 1 })]).toEqual([1, 0]);
    }
  });

  it("are powers where a shape is 1", () => {
    for (const x of [1e-200, 1e-5, 0.3, 0.999]) {
      near(betaCdf({ a: 3.5, b: 1, x }), x ** 3.5, 1e-12);
      near(betaSf({ a: 1, b: 3.5, x }), (1 - x) ** 3.5, 1e-12);
    }
  });

  it("keep their digits with one huge shape", () => {
    const x = 0.999999;
    near(betaCdf({ a: 1e7, b: 1, x }), Math.exp(1e7 * Math.log(x)), 1e-11);
    near(betaCdf({ a: 1e7, b: 2, x }), 0.0004993967302652242, 1e-12);
  });

  it("agree with jstat in its good range", () => {
    for (const [a, b, x] of [
      [2, 5, 0.3],
      [30, 20, 0.55],
      [0.5, 0.5, 0.9],
    ] as const) {
      expect(betaCdf({ a, b, x })).toBeCloseTo(jStat.beta.cdf(x, a, b), 7);
    }
  });

  it("mirror each other and add up to 1", () => {
    fc.assert(
      fc.property(anyShape, anyShape, fc.integer({ min: 1, max: 1023 }), (a, b, k) => {
        // k/1024 and its complement are both exact.
        const x = k / 1024;
        const lower = betaCdf({ a, b, x });
        near(betaSf({ a: b, b: a, x: 1 - x }), lower, 1e-13);
        expect(lower + betaSf({ a, b, x })).toBeCloseTo(1, 14);
      }),
    );
  });
});

describe("betaQuantile", () => {
  it("gives the documented value and the ends", () => {
    near(betaQuantile({ a: 2, b: 3, p: 0.5 }), 0.3857275681323896, 1e-14);
    expect([0, 1].map((p) => betaQuantile({ a: 2, b: 3, p }))).toEqual([0, 1]);
  });

  it("is 0 where it is below the least double", () => {
    expect(betaQuantile({ a: 0.001, b: 1, p: 0.025 })).toBe(0);
  });

  it("inverts the distribution function", () => {
    fc.assert(
      fc.property(anyShape, anyShape, anyProbability, (a, b, p) => {
        const x = betaQuantile({ a, b, p });
        fc.pre(x < 1 - 1e-6);
        // x is rounded: the density times half a unit in its last place is what a double cannot resolve.
        const blur = betaPdf({ a, b, x }) * x * 4e-16;
        expect(Math.abs(betaCdf({ a, b, x }) - p)).toBeLessThanOrEqual(1e-12 * p + blur);
      }),
    );
  });

  it("stays finite at the largest shapes", () => {
    near(betaQuantile({ a: 1e12, b: 1e12, p: 0.5 }), 0.5, 1e-14);
    expect(betaQuantile({ a: 1e12, b: 0.5, p: 0.1 })).toBeGreaterThan(0.999);
  });
});

describe("betaInterval", () => {
  it("gives the documented value", () => {
    const [low, high] = betaInterval({ a: 2, b: 3, level: 0.95 });
    expect(low).toBeCloseTo(betaQuantile({ a: 2, b: 3, p: 0.025 }), 14);
    expect(high).toBeCloseTo(betaQuantile({ a: 2, b: 3, p: 0.975 }), 14);
    expect(low).toBeCloseTo(0.06758598648854, 12);
    expect(high).toBeCloseTo(0.80587955031675, 12);
  });
});

describe("betaHdi", () => {
  it("gives the documented value", () => {
    const [low, high] = betaHdi({ a: 2, b: 2, level: 0.95 });
    expect(low).toBeCloseTo(0.09429932405025, 12);
    expect(high).toBeCloseTo(0.90570067594975, 12);
  });

  it("holds its probability, has equal density at its ends, and mirrors", () => {
    const interior = fc.double({ min: 0.02, max: 5, noNaN: true }).map((power) => 10 ** power);
    fc.assert(
      fc.property(interior, interior, fc.constantFrom(0.5, 0.9, 0.99), (a, b, level) => {
        const [low, high] = betaHdi({ a, b, level });
        expect(betaCdf({ a, b, x: high }) - betaCdf({ a, b, x: low })).toBeCloseTo(level, 8);
        fc.pre(low > 1e-200 && high < 1 - 1e-12);
        near(betaPdf({ a, b, x: low }), betaPdf({ a, b, x: high }), 1e-4);
        const mirror = betaHdi({ a: b, b: a, level });
        expect(1 - mirror[1]).toBeCloseTo(low, 12);
      }),
      { numRuns: 40 },
    );
  });

  it("starts at an end where the density is highest there", () => {
    expect(betaHdi({ a: 0.7, b: 3, level: 0.9 })).toEqual([0, betaQuantile({ a: 0.7, b: 3, p: 0.9 })]);
    expect(betaHdi({ a: 3, b: 0.7, level: 0.9 })[1]).toBe(1);
    expect(betaHdi({ a: 0.7, b: 0.7, level: 0.9 })).toEqual(betaInterval({ a: 0.7, b: 0.7, level: 0.9 }));
  });

  it("starts at an end of finite density as well: a power where a shape is 1", () => {
    const high = 1 - 0.1 ** (1 / 3);
    const [fromZero, toOne] = [betaHdi({ a: 1, b: 3, level: 0.9 }), betaHdi({ a: 3, b: 1, level: 0.9 })];
    expect(fromZero[0]).toBe(0);
    near(fromZero[1], high, 1e-14);
    near(toOne[0], 1 - high, 1e-14);
    expect(toOne[1]).toBe(1);
    expect(betaHdi({ a: 1, b: 1, level: 0.9 })).toEqual([expect.closeTo(0.05, 14), expect.closeTo(0.95, 14)]);
  });

  it("has a lower end of 0 where it is below the least double", () => {
    const [low, high] = betaHdi({ a: 1.0001, b: 1000, level: 0.9 });
    expect(low).toBe(0);
    expect(high).toBeCloseTo(betaQuantile({ a: 1.0001, b: 1000, p: 0.9 }), 14);
  });

  it("is found where it is astronomically small", () => {
    expect(betaHdi({ a: 1.01, b: 40, level: 0.95 })[0]).toBeGreaterThan(1e-129);
    expect(betaHdi({ a: 1.01, b: 40, level: 0.95 })[0]).toBeLessThan(2e-129);
  });
});

describe("a value outside its range", () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.1e12, "2" as never])(
    "is refused as a shape: %s",
    (shape) => {
      expect(() => betaPdf({ a: shape, b: 1, x: 0.5 })).toThrow(/^a must be in \(0, 1e12\]/);
      expect(() => betaCdf({ a: 1, b: shape, x: 0.5 })).toThrow(/^b must be/);
      expect(() => betaQuantile({ a: 1, b: shape, p: 0.5 })).toThrow(/^b must be/);
      expect(() => betaInterval({ a: shape, b: 1, level: 0.5 })).toThrow(/^a must be/);
      expect(() => betaHdi({ a: 1, b: shape, level: 0.5 })).toThrow(/^b must be/);
    },
  );

  it.each([-1e-9, 1.000001, Number.NaN])("is refused as x or p: %s", (value) => {
    expect(() => betaSf({ a: 1, b: 1, x: value })).toThrow(/^x must be in \[0, 1\]/);
    expect(() => betaQuantile({ a: 1, b: 1, p: value })).toThrow(/^p must be/);
  });

  it.each([0, 1, Number.NaN])("is refused as a level: %s", (level) => {
    expect(() => betaInterval({ a: 1, b: 1, level })).toThrow(/^level must be in \(0, 1\)/);
    expect(() => betaHdi({ a: 1, b: 1, level })).toThrow(/^level must be/);
  });
});
