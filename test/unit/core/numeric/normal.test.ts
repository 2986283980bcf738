import fc from "fast-check";
import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import {
  millsRatio,
  normalCdf,
  normalQuantile,
  standardDensity,
} from "../../../../src/core/numeric/normal.js";

const near = (got: number, expected: number, tolerance: number): void =>
  expect(Math.abs(got - expected)).toBeLessThanOrEqual(tolerance * Math.abs(expected));

describe("normalCdf", () => {
  it("gives the documented value", () => {
    near(normalCdf({ x: -1.959963984540054 }), 0.025, 1e-14);
  });

  it("covers the infinities", () => {
    expect(normalCdf({ x: Number.NEGATIVE_INFINITY })).toBe(0);
    expect(normalCdf({ x: Number.POSITIVE_INFINITY })).toBe(1);
    expect(normalCdf({ x: 0 })).toBe(0.5);
  });

  it("refuses what is not a number", () => {
    expect(() => normalCdf({ x: Number.NaN })).toThrow(/^x must be a number/);
    expect(() => normalCdf({ x: "0" as never })).toThrow(/^x must be/);
  });

  it("agrees with jstat in its good range", () => {
    for (let x = -5; x <= 5; x += 0.25) near(normalCdf({ x }), jStat.normal.cdf(x, 0, 1), 1e-9);
  });

  it("is symmetric and increasing", () => {
    fc.assert(
      fc.property(fc.double({ min: -38, max: 38, noNaN: true }), (x) => {
        expect(normalCdf({ x }) + normalCdf({ x: -x })).toBeCloseTo(1, 14);
        expect(normalCdf({ x: x + 1e-3 })).toBeGreaterThanOrEqual(normalCdf({ x }));
      }),
    );
  });
});

describe("standardDensity", () => {
  it.each([
    // exp(-x^2/2)/sqrt(2 pi) by mpmath, at these doubles exactly: x^2 rounded would cost the last three digits.
    [0.3, 0.3813878154605241],
    [-7.7, 5.3241483722529524e-14],
    [21.13, 4.4635775253057343e-98],
    [37.3, 3.062846290695667e-303],
  ])("keeps its digits at %s", (x, density) => near(standardDensity(x), density, 1e-15));
});

describe("millsRatio", () => {
  it("is continuous where the method changes, and tail over density", () => {
    near(millsRatio(2 - 1e-15), millsRatio(2), 1e-13);
    near(millsRatio(0), Math.sqrt(Math.PI / 2), 1e-15);
    near(millsRatio(3) * standardDensity(3), normalCdf({ x: -3 }), 1e-14);
  });
});

describe("normalQuantile", () => {
  it("gives the documented value and the ends", () => {
    near(normalQuantile({ p: 0.025 }), -1.9599639845400543, 1e-15);
    expect(normalQuantile({ p: 0 })).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile({ p: 1 })).toBe(Number.POSITIVE_INFINITY);
  });

  it("refuses a p outside [0, 1]", () => {
    for (const p of [-1e-9, 1.1, Number.NaN, undefined as never]) {
      expect(() => normalQuantile({ p })).toThrow(/^p must be in \[0, 1\]/);
    }
  });

  it("inverts the distribution function", () => {
    fc.assert(
      fc.property(fc.double({ min: -37, max: 5, noNaN: true }), (x) => {
        near(normalCdf({ x: normalQuantile({ p: normalCdf({ x }) }) }), normalCdf({ x }), 2e-12);
      }),
    );
  });
});
