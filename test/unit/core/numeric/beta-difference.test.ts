import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BetaPair } from "../../../../src/core/numeric/beta-compare.js";
import { diffInterval, probGreaterBy } from "../../../../src/core/numeric/beta-difference.js";

const near = (got: number, expected: number, tolerance: number): void =>
  expect(Math.abs(got - expected), `${got} against ${expected}`).toBeLessThanOrEqual(
    tolerance * Math.abs(expected),
  );

const anyShape = fc.double({ min: -0.3, max: 5, noNaN: true }).map((log) => 10 ** log);
const anyPair: fc.Arbitrary<BetaPair> = fc.record({ aX: anyShape, bX: anyShape, aY: anyShape, bY: anyShape });

describe("probGreaterBy", () => {
  it("gives the documented value", () => {
    near(probGreaterBy({ aX: 18, bX: 4, aY: 12, bY: 10, delta: 0.05 }), 0.9519198914127, 1e-12);
  });

  it("is a triangle for uniform distributions", () => {
    for (const delta of [-0.9, -0.3, 0, 0.2, 0.999]) {
      const corner = (1 - Math.abs(delta)) ** 2 / 2;
      near(probGreaterBy({ aX: 1, bX: 1, aY: 1, bY: 1, delta }), delta < 0 ? 1 - corner : corner, 1e-13);
    }
  });

  it("is a difference of means where one is uniform and the other next to a point", () => {
    // P(X > Y + delta) = E(1 - Y - delta) for uniform X, E(X - delta) for uniform Y: exact while these stay in [0, 1].
    for (const [a, b, delta] of [
      [3e6, 7e6, -0.15],
      [3e6, 7e6, 0.1],
      [7e6, 3e6, -0.15],
      [8e4, 2e4, 0.1],
      [1e5, 1, -0.5],
      [1e5, 1, -1e-3],
    ] as const) {
      const mean = a / (a + b);
      near(probGreaterBy({ aX: 1, bX: 1, aY: a, bY: b, delta }), 1 - mean - delta, 1e-11);
      near(probGreaterBy({ aX: b, bX: a, aY: 1, bY: 1, delta }), 1 - mean - delta, 1e-11);
    }
  });

  it.each([
    // Integrals over X by mpmath at 30 digits: one of the two reaches beyond the other, or is the wider, or is likelier.
    [{ aX: 3, bX: 7, aY: 0.4, bY: 0.1, delta: -0.5 }, 0.34280676021786416],
    [{ aX: 0.6, bX: 0.9, aY: 8, bY: 2, delta: -0.25 }, 0.33815795783379876],
    [{ aX: 2, bX: 5, aY: 6, bY: 3, delta: -0.25 }, 0.26678113558596667],
    [{ aX: 6, bX: 3, aY: 2, bY: 5, delta: 0.25 }, 0.7332188644140334],
    [{ aX: 0.9, bX: 0.6, aY: 2, bY: 8, delta: 0.25 }, 0.66184204216620124],
  ])("meets the reference value of %j", (input, expected) => {
    near(probGreaterBy(input), expected, 1e-12);
  });

  it("is certain at the ends", () => {
    const pair = { aX: 2, bX: 3, aY: 4, bY: 5 };
    expect([-1, 1].map((delta) => probGreaterBy({ ...pair, delta }))).toEqual([1, 0]);
  });

  it("adds up to 1 with X and Y exchanged", () => {
    fc.assert(
      fc.property(anyPair, fc.double({ min: -0.99, max: 0.99, noNaN: true }), (pair, delta) => {
        const swapped = { aX: pair.aY, bX: pair.bY, aY: pair.aX, bY: pair.bX };
        const sum = probGreaterBy({ ...pair, delta }) + probGreaterBy({ ...swapped, delta: -delta });
        expect(sum).toBeCloseTo(1, 13);
      }),
      { numRuns: 60 },
    );
  });

  it("mirrors with successes and failures exchanged, which integrates another density", () => {
    fc.assert(
      fc.property(anyPair, fc.double({ min: -0.5, max: 0.5, noNaN: true }), (pair, delta) => {
        const mirror = { aX: pair.bY, bX: pair.aY, aY: pair.bX, bY: pair.aX };
        const p = probGreaterBy({ ...pair, delta });
        if (p > 1e-280) near(probGreaterBy({ ...mirror, delta }), p, 1e-11);
      }),
      { numRuns: 60 },
    );
  });

  it("stays a probability for shapes near 0 and at 1e12", () => {
    for (const shape of [1e-300, 1e-3, 1e12]) {
      const p = probGreaterBy({ aX: shape, bX: 1, aY: 1, bY: shape, delta: 0.1 });
      expect(p).toBeGreaterThanOrEqual(0);
      expect(p).toBeLessThanOrEqual(1);
    }
  });

  it("refuses a delta outside [-1, 1] and a wrong shape", () => {
    const pair = { aX: 1, bX: 1, aY: 1, bY: 1 };
    for (const delta of [-1.1, 1.1, Number.NaN]) {
      expect(() => probGreaterBy({ ...pair, delta })).toThrow(/^delta must be in \[-1, 1\]/);
    }
    expect(() => probGreaterBy({ ...pair, bY: 0, delta: 0 })).toThrow(/^bY must be/);
  });
});

describe("diffInterval", () => {
  it("gives the documented value", () => {
    const [low, high] = diffInterval({ aX: 18, bX: 4, aY: 12, bY: 10, level: 0.95 });
    expect(low).toBeCloseTo(0.0088105573048, 12);
    expect(high).toBeCloseTo(0.52254992138012, 12);
  });

  it("leaves the stated probability outside at either end", () => {
    fc.assert(
      fc.property(anyPair, fc.constantFrom(0.5, 0.95, 0.999), (pair, level) => {
        const [low, high] = diffInterval({ ...pair, level });
        const tail = (1 - level) / 2;
        expect(1 - probGreaterBy({ ...pair, delta: low })).toBeCloseTo(tail, 9);
        near(probGreaterBy({ ...pair, delta: high }), tail, 1e-6);
      }),
      { numRuns: 25 },
    );
  });

  it("holds its level to the far tails, where only the smaller side has digits left", () => {
    for (const pair of [
      { aX: 18, bX: 4, aY: 12, bY: 10 },
      { aX: 300, bX: 700, aY: 9000, bY: 1000 },
    ]) {
      const swapped = { aX: pair.aY, bX: pair.bY, aY: pair.aX, bY: pair.bX };
      const level = 1 - 2 ** -40;
      const [low, high] = diffInterval({ ...pair, level });
      near(probGreaterBy({ ...pair, delta: high }), 2 ** -41, 1e-9);
      near(probGreaterBy({ ...swapped, delta: -low }), 2 ** -41, 1e-9);
    }
  });

  it("is the quantiles of a triangle for uniform distributions", () => {
    const [low, high] = diffInterval({ aX: 1, bX: 1, aY: 1, bY: 1, level: 0.5 });
    near(low, Math.SQRT1_2 - 1, 1e-12);
    near(high, 1 - Math.SQRT1_2, 1e-12);
  });

  it("holds its level where both densities are highest at the ends", () => {
    const pair = { aX: 0.3, bX: 0.3, aY: 0.3, bY: 0.3 };
    const [low, high] = diffInterval({ ...pair, level: 0.5 });
    near(probGreaterBy({ ...pair, delta: high }), 0.25, 1e-9);
    near(low, -high, 1e-12);
  });

  it("finds an end next to the limit of the difference", () => {
    const [low, high] = diffInterval({ aX: 1e7, bX: 0.5, aY: 0.5, bY: 50, level: 0.95 });
    expect(low).toBeCloseTo(0.950763753616, 9);
    expect(high).toBeCloseTo(0.999990080004, 9);
  });

  it("refuses a level outside (0, 1) and a wrong shape", () => {
    const input = { aX: 1, bX: 1, aY: 1, bY: 1, level: 0.5 };
    expect(() => diffInterval({ ...input, level: 1 })).toThrow(/^level must be/);
    for (const name of ["aX", "bX", "aY", "bY"]) {
      expect(() => diffInterval({ ...input, [name]: 0 })).toThrow(new RegExp(`^${name} must be`));
    }
  });
});
