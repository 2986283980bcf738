import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BetaPair, expectedLoss, probGreater } from "../../../../src/core/numeric/beta-compare.js";
import { probGreaterBy } from "../../../../src/core/numeric/beta-difference.js";

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

  it("is exactly 1/2 for equal distributions of any shape", () => {
    for (const a of [0.01, 0.5, 3, 1e4, 1e7, 1e12]) {
      for (const b of [0.3, a, 1e9]) expect(probGreater({ aX: a, bX: b, aY: a, bY: b })).toBe(0.5);
    }
    for (const a of [0.5, 3, 1e4]) near(probGreater({ aX: a, bX: a, aY: 3 * a, bY: 3 * a }), 0.5, 1e-13);
  });

  it("is the complement of the smaller side, to the last digit, where it is the larger", () => {
    for (const pair of [
      { aX: 80, bX: 20, aY: 20, bY: 80 },
      { aX: 7, bX: 1, aY: 1, bY: 7 },
      { aX: 1200, bX: 1800, aY: 1000, bY: 2000 },
      { aX: 0.7, bX: 0.6, aY: 0.6, bY: 0.7 },
    ]) {
      const smaller = probGreater(swap(pair));
      expect(smaller).toBeLessThan(0.5);
      expect(probGreater(pair)).toBe(1 - smaller);
    }
    near(probGreater({ aX: 1000, bX: 2000, aY: 1200, bY: 1800 }), 4.121416318977641e-8, 1e-12);
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

  it("agrees with the integral over one of them where all shapes are large", () => {
    const large = fc.double({ min: 4, max: 7, noNaN: true }).map((log) => 10 ** log);
    const shift = fc.double({ min: -5, max: 5, noNaN: true });
    fc.assert(
      fc.property(large, large, large, shift, (aX, bX, aY, z) => {
        // bY such that the logits of the means are z standard deviations apart.
        const spread = Math.sqrt(1 / aX + 1 / bX + 1 / aY);
        const pair = { aX, bX, aY, bY: ((aY * bX) / aX) * Math.exp(z * spread) };
        near(probGreater(pair), probGreaterBy({ ...pair, delta: 0 }), 1e-10);
      }),
      { numRuns: 30 },
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

  it.each([
    // The closed form by mpmath at 60 digits; in doubles it would leave none of the first two's.
    [{ aX: 80, bX: 20, aY: 20, bY: 80 }, 4.314851032588948e-21],
    [{ aX: 900, bX: 100, aY: 700, bY: 300 }, 3.255557929127032e-33],
    [{ aX: 18, bX: 4, aY: 3, bY: 30 }, 7.456083094937014e-11],
    [{ aX: 7, bX: 1, aY: 1, bY: 7 }, 1.9425019425019425e-5],
    [{ aX: 2.5, bX: 0.75, aY: 1, bY: 9 }, 0.0004657845680949624],
  ])("keeps its digits where the loss is next to nothing: %j", (pair, loss) => {
    near(expectedLoss(pair)[0], loss, 1e-11);
    near(expectedLoss(swap(pair))[1], loss, 1e-11);
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

  it("mirrors with successes and failures exchanged, up to 25 standard deviations apart", () => {
    // The closed form's terms, a thousand times its value there, round differently in the mirror: 1e-10 apart.
    const large = fc.double({ min: 4, max: 7, noNaN: true }).map((log) => 10 ** log);
    const shift = fc.double({ min: 5, max: 25, noNaN: true });
    fc.assert(
      fc.property(large, large, large, shift, (aX, bX, aY, z) => {
        const spread = Math.sqrt(1 / aX + 1 / bX + 1 / aY);
        const bY = ((aY * bX) / aX) * Math.exp(z * spread);
        const loss = expectedLoss({ aX, bX, aY, bY })[0];
        fc.pre(loss > 1e-290);
        near(expectedLoss({ aX: bY, bX: aY, aY: bX, bY: aX })[0], loss, 1e-12);
      }),
    );
  });

  it("is at most the mean of the other, and not negative, however small the shapes", () => {
    const tiny = fc.double({ min: -12, max: 0, noNaN: true }).map((log) => 10 ** log);
    // Here the integral would leave the range of doubles, and be a million times the bound.
    const small = {
      aX: 1.40672157170798e-7,
      bX: 0.08891390449991578,
      aY: 1.4737946756888985e-8,
      bY: 37.96904802213265,
    };
    fc.assert(
      fc.property(fc.record({ aX: tiny, bX: tiny, aY: tiny, bY: tiny }), (pair) => {
        const [ofX, ofY] = expectedLoss(pair);
        expect(ofX).toBeGreaterThanOrEqual(0);
        expect(ofX).toBeLessThanOrEqual((pair.aY / (pair.aY + pair.bY)) * (1 + 1e-6));
        expect(ofY).toBeLessThanOrEqual((pair.aX / (pair.aX + pair.bX)) * (1 + 1e-6));
      }),
      { numRuns: 60, examples: [[small], [swap(small)]] },
    );
  });

  it("is finite and not negative for shapes near 0", () => {
    for (const loss of expectedLoss({ aX: 1e-300, bX: 1e-300, aY: 1e-300, bY: 0.01 })) {
      expect(loss).toBeGreaterThanOrEqual(0);
      expect(loss).toBeLessThanOrEqual(1);
    }
  });
});
