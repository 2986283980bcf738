import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BetaPair, expectedLoss, probGreater } from "../../../src/core/beta-compare.js";
import { probGreaterBy } from "../../../src/core/beta-difference.js";

const near = (got: number, expected: number, tolerance: number): void =>
  expect(Math.abs(got - expected), `${got} against ${expected}`).toBeLessThanOrEqual(
    tolerance * Math.abs(expected),
  );

const shapeUpTo = (power: number) =>
  fc.double({ min: -0.3, max: power, noNaN: true }).map((log) => 10 ** log);
const pairUpTo = (power: number): fc.Arbitrary<BetaPair> =>
  fc.record({ aX: shapeUpTo(power), bX: shapeUpTo(power), aY: shapeUpTo(power), bY: shapeUpTo(power) });
const swap = ({ aX, bX, aY, bY }: BetaPair): BetaPair => ({ aX: aY, bX: bY, aY: aX, bY: bX });
const meanGap = ({ aX, bX, aY, bY }: BetaPair): number => aY / (aY + bY) - aX / (aX + bX);

/** H by the product of its factors, for integer shapes: C(aX+aY-1...)... as a running product from H = 1/6 at ones. */
function densityAtEquality(target: BetaPair): number {
  const at = { aX: 1, bX: 1, aY: 1, bY: 1 };
  let density = 1 / 6;
  const total = (): number => at.aX + at.bX + at.aY + at.bY;
  while (at.aX < target.aX) {
    density *= ((at.aX + at.aY) * (at.aX + at.bX)) / (total() * at.aX++);
  }
  while (at.bX < target.bX) {
    density *= ((at.bX + at.bY) * (at.aX + at.bX)) / (total() * at.bX++);
  }
  while (at.aY < target.aY) {
    density *= ((at.aX + at.aY) * (at.aY + at.bY)) / (total() * at.aY++);
  }
  while (at.bY < target.bY) {
    density *= ((at.bX + at.bY) * (at.aY + at.bY)) / (total() * at.bY++);
  }
  return density;
}

describe("probGreater", () => {
  it("gives the documented value", () => {
    near(probGreater({ aX: 18, bX: 4, aY: 12, bY: 10 }), 0.97846449911753, 1e-13);
  });

  it("is 1/2 for equal distributions of any shape", () => {
    for (const a of [0.01, 0.5, 3, 1e4, 1e7, 1e12]) {
      near(
        probGreater({ aX: a, bX: 2 * a > 1e12 ? a : 2 * a, aY: a, bY: 2 * a > 1e12 ? a : 2 * a }),
        0.5,
        1e-12,
      );
    }
  });

  it("adds up to 1 with the shapes exchanged, and mirrors with successes and failures exchanged", () => {
    fc.assert(
      fc.property(pairUpTo(7), (pair) => {
        const p = probGreater(pair);
        expect(p + probGreater(swap(pair))).toBeCloseTo(1, 14);
        const mirror = { aX: pair.bY, bX: pair.aY, aY: pair.bX, bY: pair.aX };
        if (p > 1e-290) near(probGreater(mirror), p, 1e-11);
      }),
      { numRuns: 60 },
    );
  });

  it("agrees with the integral over one of them", () => {
    fc.assert(
      fc.property(pairUpTo(6), (pair) => {
        const p = probGreaterBy({ ...pair, delta: 0 });
        if (p > 1e-290) near(probGreater(pair), p, 1e-11);
      }),
      { numRuns: 60 },
    );
  });

  it("obeys the recurrences in each shape", () => {
    const integer = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(fc.record({ aX: integer, bX: integer, aY: integer, bY: integer }), (pair) => {
        const p = probGreater(pair);
        const density = densityAtEquality(pair);
        const { aX, bX, aY, bY } = pair;
        expect(probGreater({ ...pair, aX: aX + 1 })).toBeCloseTo(p + density / aX, 13);
        expect(probGreater({ ...pair, bX: bX + 1 })).toBeCloseTo(p - density / bX, 13);
        expect(probGreater({ ...pair, aY: aY + 1 })).toBeCloseTo(p - density / aY, 13);
        expect(probGreater({ ...pair, bY: bY + 1 })).toBeCloseTo(p + density / bY, 13);
      }),
      { numRuns: 40 },
    );
  });

  it("stays a probability at the edges of its domain", () => {
    const edges = [1e-12, 0.01, 1, 1e7, 1e12];
    for (const aX of edges) {
      for (const bX of edges) {
        for (const aY of edges) {
          const p = probGreater({ aX, bX, aY, bY: 3 });
          expect(p).toBeGreaterThanOrEqual(0);
          expect(p).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  it("is 0 where it is below the least double", () => {
    expect(probGreater({ aX: 1, bX: 1e7, aY: 1e7, bY: 1 })).toBe(0);
    expect(probGreater({ aX: 1e7, bX: 1, aY: 1, bY: 1e7 })).toBe(1);
  });

  it.each(["aX", "bX", "aY", "bY"])("refuses a wrong %s", (name) => {
    const pair = { aX: 1, bX: 1, aY: 1, bY: 1, [name]: 0 };
    expect(() => probGreater(pair)).toThrow(new RegExp(`^${name} must be`));
    expect(() => expectedLoss(pair)).toThrow(new RegExp(`^${name} must be`));
  });
});

describe("expectedLoss", () => {
  it("gives the documented value", () => {
    const [ofX, ofY] = expectedLoss({ aX: 18, bX: 4, aY: 12, bY: 10 });
    near(ofX, 0.00112234791484, 1e-11);
    near(ofY, 0.27384962064211, 1e-13);
  });

  it("differs by the difference of the means, and exchanges with the shapes", () => {
    fc.assert(
      fc.property(pairUpTo(6), (pair) => {
        const [ofX, ofY] = expectedLoss(pair);
        expect(ofX - ofY).toBeCloseTo(meanGap(pair), 14);
        expect(ofX).toBeGreaterThanOrEqual(0);
        const other = expectedLoss(swap(pair));
        if (ofX > 1e-290) near(other[1], ofX, 1e-10);
      }),
      { numRuns: 60 },
    );
  });

  it("is finite and not negative for shapes near 0", () => {
    for (const loss of expectedLoss({ aX: 1e-300, bX: 1e-300, aY: 1e-300, bY: 0.01 })) {
      expect(loss).toBeGreaterThanOrEqual(0);
      expect(loss).toBeLessThanOrEqual(1);
    }
  });
});
