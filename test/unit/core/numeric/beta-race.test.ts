import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BetaPair, probGreater } from "../../../../src/core/numeric/beta-compare.js";
import { BetaRace } from "../../../../src/core/numeric/beta-race.js";
import { createRandom } from "../../../../src/core/random.js";

const UNIFORM: BetaPair = { aX: 1, bX: 1, aY: 1, bY: 1 };

interface Race {
  readonly start: BetaPair;
  readonly updates: number;
  readonly share: number;
  readonly rateX: number;
  readonly rateY: number;
}

/** The race, and the shapes it has reached. */
function raced({ start, updates, share, rateX, rateY }: Race, seed = 7): { race: BetaRace; pair: BetaPair } {
  const random = createRandom(seed);
  const race = new BetaRace(start);
  const pair = { ...start };
  for (let i = 0; i < updates; i++) {
    const isX = random.next() < share;
    const isSuccess = random.next() < (isX ? rateX : rateY);
    if (isX) race.addX(isSuccess);
    else race.addY(isSuccess);
    pair[`${isSuccess ? "a" : "b"}${isX ? "X" : "Y"}`] += 1;
  }
  return { race, pair };
}

describe("BetaRace", () => {
  it("starts at the exact probability, whatever the shapes", () => {
    expect(new BetaRace(UNIFORM).greater).toBe(0.5);
    const pair = { aX: 0.5, bX: 7.25, aY: 123.4, bY: 56 };
    expect(new BetaRace(pair).greater).toBe(probGreater(pair));
  });

  it("knows the closed forms after one outcome of each sort", () => {
    const reached = (add: (race: BetaRace) => void): number => {
      const race = new BetaRace(UNIFORM);
      add(race);
      return race.greater;
    };
    expect(reached((race) => race.addX(true))).toBeCloseTo(2 / 3, 14);
    expect(reached((race) => race.addX(false))).toBeCloseTo(1 / 3, 14);
    expect(reached((race) => race.addY(true))).toBeCloseTo(1 / 3, 14);
    expect(reached((race) => race.addY(false))).toBeCloseTo(2 / 3, 14);
  });

  it.each([
    { share: 0.5, rateX: 0.6, rateY: 0.6 },
    { share: 0.05, rateX: 0.95, rateY: 0.95 },
    { share: 0.2, rateX: 0.02, rateY: 0.03 },
    { share: 0.5, rateX: 0.52, rateY: 0.5 },
  ])("is within 1e-12 after 9,999 updates (before it is computed anew): %o", (race) => {
    const { race: at, pair } = raced({ start: UNIFORM, updates: 9999, ...race });
    expect(Math.abs(at.greater - probGreater(pair))).toBeLessThan(1e-12);
  });

  it("is within 1e-12 far beyond that, too", () => {
    const { race, pair } = raced({ start: UNIFORM, updates: 54_321, share: 0.3, rateX: 0.7, rateY: 0.702 });
    expect(Math.abs(race.greater - probGreater(pair))).toBeLessThan(1e-12);
  });

  it.each([10_000, 20_000])(
    "is computed anew after %d updates: exact to the last bit, as just before it is not",
    (updates) => {
      const even = { start: UNIFORM, share: 0.5, rateX: 0.6, rateY: 0.61 };
      const { race, pair } = raced({ ...even, updates });
      expect(race.greater).toBe(probGreater(pair));
      const before = raced({ ...even, updates: updates - 1 });
      expect(before.race.greater).not.toBe(probGreater(before.pair));
    },
  );

  it("is right for any start and any outcomes", () => {
    const shape = fc.double({ min: 0.1, max: 500, noNaN: true });
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({
          start: fc.record({ aX: shape, bX: shape, aY: shape, bY: shape }),
          updates: fc.integer({ min: 0, max: 300 }),
          share: rate,
          rateX: rate,
          rateY: rate,
        }),
        fc.integer({ min: 0, max: 1e6 }),
        (race, seed) => {
          const { race: at, pair } = raced(race, seed);
          expect(Math.abs(at.greater - probGreater(pair))).toBeLessThan(1e-12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("survives a lead so large that the density falls out of the doubles, and its end", () => {
    const race = new BetaRace(UNIFORM);
    const pair = { ...UNIFORM };
    for (let i = 0; i < 1500; i++) {
      race.addX(true);
      race.addY(false);
    }
    expect(race.greater).toBeCloseTo(1, 12);
    for (let i = 0; i < 1450; i++) {
      race.addX(false);
      race.addY(true);
    }
    Object.assign(pair, { aX: 1501, bX: 1451, aY: 1451, bY: 1501 });
    expect(race.greater).toBeLessThan(1);
    expect(Math.abs(race.greater - probGreater(pair))).toBeLessThan(1e-12);
  });

  it("starts from a lead out of the doubles", () => {
    const race = new BetaRace({ aX: 2001, bX: 1, aY: 1, bY: 2001 });
    for (let i = 0; i < 1980; i++) {
      race.addX(false);
      race.addY(true);
    }
    const expected = probGreater({ aX: 2001, bX: 1981, aY: 1981, bY: 2001 });
    expect(Math.abs(race.greater - expected)).toBeLessThan(1e-12);
  });

  it("refuses shapes that are none", () => {
    expect(() => new BetaRace({ ...UNIFORM, bY: 0 })).toThrow(
      expect.objectContaining({ code: "numeric_domain" }),
    );
  });
});
