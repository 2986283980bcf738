import fc from "fast-check";
import jStat from "jstat";
import { describe, expect, it } from "vitest";
import { betaCdf, betaHdi, betaInterval, betaPdf, betaQuantile, betaSf } from "../../../src/core/beta.js";
import { expectedLoss, probGreater } from "../../../src/core/beta-compare.js";
import { diffInterval, probGreaterBy } from "../../../src/core/beta-difference.js";

const shape = fc.double({ min: Math.log(0.5), max: Math.log(1e6), noNaN: true }).map(Math.exp);
const small = fc.double({ min: Math.log(0.5), max: Math.log(500), noNaN: true }).map(Math.exp);
const pair = fc.record({ aX: small, bX: small, aY: small, bY: small });
const numericDomain = expect.objectContaining({ code: "numeric_domain" });

describe("one Beta distribution", () => {
  it("agrees with jstat in its good range, to jstat's accuracy", () => {
    fc.assert(
      fc.property(small, small, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (a, b, x) => {
        expect(betaCdf({ a, b, x })).toBeCloseTo(jStat.beta.cdf(x, a, b), 5);
        expect(betaQuantile({ a, b, p: x })).toBeCloseTo(jStat.beta.inv(x, a, b), 4);
      }),
      { numRuns: 200 },
    );
  });

  it("both tails add to one, mirror each other, and the quantile inverts them, up to a million", () => {
    fc.assert(
      fc.property(shape, shape, fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), (a, b, p) => {
        const x = betaQuantile({ a, b, p });
        expect(betaCdf({ a, b, x }) + betaSf({ a, b, x })).toBeCloseTo(1, 14);
        if (x > 1e-3 && x < 0.999) {
          // x itself is rounded to a double, which moves the tail by its density.
          const slack = (betaPdf({ a, b, x }) * x * 4e-16) / Math.min(p, 1 - p);
          expect(Math.abs(betaCdf({ a, b, x }) - p)).toBeLessThan((1e-10 + slack) * p + 1e-15);
          expect(Math.abs(betaSf({ a: b, b: a, x: 1 - x }) - p)).toBeLessThan((1e-6 + slack) * p);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("has closed forms: Beta(1, b), Beta(a, 1), the arcsine law", () => {
    expect(betaCdf({ a: 1, b: 3, x: 0.2 })).toBeCloseTo(1 - 0.8 ** 3, 13);
    expect(betaSf({ a: 4, b: 1, x: 0.7 })).toBeCloseTo(1 - 0.7 ** 4, 13);
    expect(betaCdf({ a: 0.5, b: 0.5, x: 0.3 })).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(0.3)), 13);
    expect(betaPdf({ a: 0.5, b: 0.5, x: 0.5 })).toBeCloseTo(0.6366197723675814, 14);
    expect(betaQuantile({ a: 1, b: 1, p: 0.37 })).toBeCloseTo(0.37, 13);
  });

  it("is right at the ends", () => {
    expect([0, 1].map((x) => betaCdf({ a: 2, b: 3, x }))).toEqual([0, 1]);
    expect([0, 1].map((x) => betaSf({ a: 2, b: 3, x }))).toEqual([1, 0]);
    expect([0, 1].map((p) => betaQuantile({ a: 2, b: 3, p }))).toEqual([0, 1]);
    expect([0, 1].map((x) => betaPdf({ a: 2, b: 1, x }))).toEqual([0, 2]);
    expect([0, 1].map((x) => betaPdf({ a: 1, b: 0.5, x }))).toEqual([0.5, Number.POSITIVE_INFINITY]);
  });

  it("intervals hold their mass; the highest-density one is the shortest", () => {
    fc.assert(
      fc.property(small, small, fc.double({ min: 0.5, max: 0.99, noNaN: true }), (a, b, level) => {
        const [low, high] = betaInterval({ a, b, level });
        expect(betaCdf({ a, b, x: high }) - betaCdf({ a, b, x: low })).toBeCloseTo(level, 9);
        const [from, to] = betaHdi({ a, b, level });
        expect(betaCdf({ a, b, x: to }) - betaCdf({ a, b, x: from })).toBeCloseTo(level, 9);
        expect(to - from).toBeLessThanOrEqual((high - low) * (1 + 1e-9));
      }),
      { numRuns: 100 },
    );
    expect(betaHdi({ a: 0.5, b: 0.5, level: 0.9 })).toEqual(betaInterval({ a: 0.5, b: 0.5, level: 0.9 }));
    expect(betaHdi({ a: 1, b: 5, level: 0.9 })[0]).toBe(0);
    expect(betaHdi({ a: 5, b: 1, level: 0.9 })[1]).toBe(1);
    expect(betaHdi({ a: 1.0001, b: 40, level: 0.9 })[0]).toBeLessThan(1e-200);
  });

  it("accepts parameters to 1e12 and refuses what is none", () => {
    expect(betaCdf({ a: 1e12, b: 1e12, x: 0.5 })).toBeCloseTo(0.5, 6);
    expect(betaCdf({ a: 1e-3, b: 1e-3, x: 0.5 })).toBeCloseTo(0.5, 9);
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.1e12]) {
      expect(() => betaPdf({ a: bad, b: 1, x: 0.5 })).toThrow(numericDomain);
      expect(() => betaCdf({ a: 1, b: bad, x: 0.5 })).toThrow(numericDomain);
      expect(() => probGreater({ aX: 1, bX: 1, aY: bad, bY: 1 })).toThrow(numericDomain);
    }
    for (const bad of [-0.1, 1.1, Number.NaN]) {
      expect(() => betaSf({ a: 1, b: 1, x: bad })).toThrow(numericDomain);
      expect(() => betaQuantile({ a: 1, b: 1, p: bad })).toThrow(numericDomain);
    }
    for (const level of [0, 1, Number.NaN]) {
      expect(() => betaInterval({ a: 1, b: 1, level })).toThrow(numericDomain);
      expect(() => diffInterval({ aX: 1, bX: 1, aY: 1, bY: 1, level })).toThrow(numericDomain);
    }
    expect(() => probGreaterBy({ aX: 1, bX: 1, aY: 1, bY: 1, delta: 1.5 })).toThrow(numericDomain);
  });
});

/** P(X > Y) for a whole aX, as a finite sum of positive terms (Miller; Cook). */
function integerSum(aX: number, bX: number, aY: number, bY: number): number {
  const logGamma = (x: number): number => {
    let shifted = x;
    let product = 0;
    for (; shifted < 15; shifted += 1) product += Math.log(shifted);
    const series = 1 / (12 * shifted) - 1 / (360 * shifted ** 3) + 1 / (1260 * shifted ** 5);
    return (shifted - 0.5) * Math.log(shifted) - shifted + 0.5 * Math.log(2 * Math.PI) + series - product;
  };
  const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);
  let sum = 0;
  for (let i = 0; i < aX; i += 1) {
    sum += Math.exp(logBeta(aY + i, bX + bY) - Math.log(bX + i) - logBeta(1 + i, bX) - logBeta(aY, bY));
  }
  return sum;
}

describe("two Beta distributions", () => {
  it("P(X > Y) equals the finite sum for whole parameters", () => {
    const whole = fc.integer({ min: 1, max: 120 });
    fc.assert(
      fc.property(whole, small, small, small, (aX, bX, aY, bY) => {
        const sum = integerSum(aX, bX, aY, bY);
        expect(Math.abs(probGreater({ aX, bX, aY, bY }) - sum)).toBeLessThan(1e-9 * Math.max(sum, 1e-6));
      }),
      { numRuns: 150 },
    );
  });

  it("P(X > Y) equals the quadrature of P(X > Y + 0), and both sides add to one", () => {
    fc.assert(
      fc.property(pair, ({ aX, bX, aY, bY }) => {
        const p = probGreater({ aX, bX, aY, bY });
        expect(Math.abs(probGreaterBy({ aX, bX, aY, bY, delta: 0 }) - p)).toBeLessThan(1e-9 * p + 1e-15);
        expect(p + probGreater({ aX: aY, bX: bY, aY: aX, bY: bX })).toBeCloseTo(1, 13);
        expect(probGreater({ aX: bY, bX: aY, aY: bX, bY: aX })).toBeCloseTo(p, 12);
      }),
      { numRuns: 60 },
    );
  });

  it("one more success moves P(X > Y) by H / aX (recurrence of Cook)", () => {
    let h = 1 / 6;
    let g = 0.5;
    let [aX, aY, bX, bY] = [1, 1, 1, 1];
    for (let i = 0; i < 400; i += 1) {
      if (i % 3 === 0) {
        g -= h / bX;
        h *= ((bX + bY) * (aX + bX)) / ((aX + bX + aY + bY) * bX);
        bX += 1;
      } else if (i % 3 === 1) {
        g -= h / aY;
        h *= ((aX + aY) * (aY + bY)) / ((aX + bX + aY + bY) * aY);
        aY += 1;
      } else {
        g += h / aX;
        h *= ((aX + aY) * (aX + bX)) / ((aX + bX + aY + bY) * aX);
        aX += 1;
      }
      if (i % 40 === 0) expect(probGreater({ aX, bX, aY, bY })).toBeCloseTo(g, 11);
    }
  });

  it("keeps the relative accuracy of tiny probabilities, and survives extremes", () => {
    const tiny = probGreater({ aX: 5, bX: 495, aY: 450, bY: 50 });
    expect(Math.abs(tiny / 5.065478378174541e-220 - 1)).toBeLessThan(1e-10);
    expect(probGreater({ aX: 1e12, bX: 1e12, aY: 1e12, bY: 1e12 })).toBe(0.5);
    expect(probGreater({ aX: 1e7, bX: 1e7 + 1, aY: 1e7, bY: 1e7 })).toBeLessThan(0.5);
    expect(probGreater({ aX: 0.01, bX: 0.02, aY: 0.03, bY: 0.01 })).toBeGreaterThan(0);
  });

  it("losses differ by the difference of the means, and are positive however small", () => {
    fc.assert(
      fc.property(pair, ({ aX, bX, aY, bY }) => {
        const [chooseX, chooseY] = expectedLoss({ aX, bX, aY, bY });
        expect(chooseX - chooseY).toBeCloseTo(aY / (aY + bY) - aX / (aX + bX), 11);
        expect(chooseX).toBeGreaterThanOrEqual(0);
        expect(chooseY).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 60 },
    );
  });

  it("P(X > Y + delta) falls from 1 to 0 and has closed forms", () => {
    const at = (delta: number) => probGreaterBy({ aX: 3, bX: 2, aY: 4, bY: 5, delta });
    expect([at(-1), at(1)]).toEqual([1, 0]);
    for (let k = -9; k < 10; k += 1) expect(at(k / 10)).toBeLessThan(at((k - 1) / 10));
    expect(probGreaterBy({ aX: 1, bX: 1, aY: 1, bY: 1, delta: 0.1 })).toBeCloseTo(0.405, 14);
    expect(probGreaterBy({ aX: 1, bX: 1, aY: 1, bY: 1, delta: -0.3 })).toBeCloseTo(1 - 0.245, 14);
  });

  it("the interval of the difference holds its mass and mirrors", () => {
    fc.assert(
      fc.property(pair, fc.double({ min: 0.5, max: 0.99, noNaN: true }), ({ aX, bX, aY, bY }, level) => {
        const [low, high] = diffInterval({ aX, bX, aY, bY, level });
        const mass =
          probGreaterBy({ aX, bX, aY, bY, delta: low }) - probGreaterBy({ aX, bX, aY, bY, delta: high });
        expect(mass).toBeCloseTo(level, 8);
        const [mirroredLow, mirroredHigh] = diffInterval({ aX: aY, bX: bY, aY: aX, bY: bX, level });
        expect([mirroredLow, mirroredHigh]).toEqual([expect.closeTo(-high, 8), expect.closeTo(-low, 8)]);
      }),
      { numRuns: 25 },
    );
  });
});
