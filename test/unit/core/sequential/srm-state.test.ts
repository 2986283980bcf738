import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../../../src/core/random.js";
import { srmSequentialLogE } from "../../../../src/core/sequential/srm.js";
import { addToSrm, type SrmState, startSrm } from "../../../../src/core/sequential/srm-state.js";
import { drawnArm } from "../../../support/evidence.js";

const SRM_ALPHA = 0.001;
const LINE = -Math.log(SRM_ALPHA);

/** The state after some units, each an arm and the shares it was drawn by. */
function stateOf(units: readonly (readonly [number, readonly number[]])[], armCount: number): SrmState {
  const state = { ...startSrm(armCount) };
  for (const [arm, shares] of units) addToSrm(state, arm, shares);
  return state;
}

/** The session at which the test crosses its line, or null: units are drawn by `actual`, and said to be by `intended`. */
function crossing(input: {
  readonly intended: (index: number) => readonly number[];
  readonly actual: (index: number) => readonly number[];
  readonly count: number;
  readonly seed: number;
}): number | null {
  const random = createRandom(input.seed);
  const state = { ...startSrm(input.intended(0).length + 1) };
  for (let i = 0; i < input.count; i += 1) {
    addToSrm(state, drawnArm(input.actual(i), random.next()), input.intended(i));
    if (state.logE >= LINE) return i + 1;
  }
  return null;
}

/** In how many of `runs` the test crosses, and after how many sessions on average. */
function crossings(runs: number, input: Omit<Parameters<typeof crossing>[0], "seed">, seed: number) {
  const found = Array.from({ length: runs }, (_, run) => crossing({ ...input, seed: seed + run })).filter(
    (index) => index !== null,
  );
  return { rate: found.length / runs, mean: found.reduce((sum, index) => sum + index, 0) / found.length };
}

describe("the running test of the sample ratio", () => {
  it("is the sequential test of the counts while the shares stand still", () => {
    const shares = fc.constantFrom([0.5], [0.01], [0.1], [0.99], [0.2, 0.2], [0.05, 0.3, 0.5]);
    fc.assert(
      fc.property(shares, fc.integer({ min: 0, max: 2000 }), fc.nat(1e6), (given, count, seed) => {
        const random = createRandom(seed);
        const arms = Array.from({ length: count }, () => drawnArm(given, random.next()));
        const state = stateOf(
          arms.map((arm) => [arm, given] as const),
          given.length + 1,
        );
        const champion = 1 - given.reduce((sum, share) => sum + share, 0);
        const expected = srmSequentialLogE({
          counts: state.counts,
          shares: [champion, ...given],
          concentration: 100,
        });
        expect(Math.abs(state.logE - expected)).toBeLessThanOrEqual(1e-10);
        expect(state.counts).toEqual(
          [champion, ...given].map((_, j) => arms.filter((arm) => arm === j).length),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("expects to gain exactly nothing from the next unit, whatever came before and whatever the shares are now", () => {
    const shares = fc.constantFrom([0.2, 0.3], [0.01, 0.5], [0, 0.4], [0.33, 0.33]);
    const unit = fc.tuple(fc.integer({ min: 0, max: 2 }), shares);
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 80 }), shares, (units, now) => {
        const before = stateOf(units, 3).logE;
        const [first, second] = now as [number, number];
        const mean = [1 - first - second, first, second]
          .map((q, arm) => q * Math.exp(stateOf([...units, [arm, now]], 3).logE - before))
          .reduce((sum, part) => sum + part, 0);
        expect(mean).toBeCloseTo(1, 11);
      }),
    );
  });

  it("has the counts, and what the shares expected of each arm", () => {
    const state = stateOf(
      [
        [0, [0.2]],
        [1, [0.5]],
        [1, [0.5]],
      ],
      2,
    );
    expect(state.counts).toEqual([1, 2]);
    expect(state.expected[0]).toBeCloseTo(1.8, 14);
    expect(state.expected[1]).toBeCloseTo(1.2, 14);
  });

  it("notices units in an arm that has no share", () => {
    const units = Array.from({ length: 120 }, (_, i) => [i % 2 ? 1 : 0, [0, 0.3]] as const);
    expect(stateOf(units, 3).logE).toBeGreaterThan(LINE);
  });
});

describe("the running test of the sample ratio, simulated from seed 31,000", () => {
  const RUNS = 3000;
  const most = SRM_ALPHA + 3 * Math.sqrt((SRM_ALPHA * (1 - SRM_ALPHA)) / RUNS);
  const ramp = (i: number): readonly number[] => [[0.05, 0.1, 0.25, 0.5][Math.floor(i / 75) % 4] as number];
  const restless = (i: number): readonly number[] => [0.05 + 0.4 * ((i * 0.618) % 1), i % 3 ? 0.2 : 0.4];

  it.each([
    ["a constant share", () => [0.1]],
    ["a ramp", ramp],
    ["three arms whose shares never rest", restless],
  ] as const)("false alarms stay within the level under %s (3,000 runs of 300)", (_, shares) => {
    const { rate } = crossings(RUNS, { intended: shares, actual: shares, count: 300 }, 31_000);
    expect(rate).toBeLessThanOrEqual(most);
  });

  it("finds 0.15 in place of 0.10 nearly always within 2,000 sessions, after some 730", () => {
    const { rate, mean } = crossings(
      300,
      { intended: () => [0.1], actual: () => [0.15], count: 2000 },
      32_000,
    );
    expect(rate).toBeGreaterThanOrEqual(0.997 - 3 * Math.sqrt((0.997 * 0.003) / 300));
    expect(mean).toBeGreaterThan(650);
    expect(mean).toBeLessThan(810);
  });

  it("finds half as much again while the share moves, and remembers over a move", () => {
    const moving = (i: number): readonly number[] => [i % 200 < 100 ? 0.1 : 0.2];
    const half = (i: number): readonly number[] => [1.5 * (moving(i)[0] as number)];
    expect(crossings(100, { intended: moving, actual: half, count: 2000 }, 33_000).rate).toBeGreaterThan(
      0.99,
    );
    // 40 phases of 50 sessions: none is long enough to tell by itself.
    const alone = crossings(100, { intended: () => [0.1], actual: () => [0.15], count: 50 }, 34_000);
    expect(alone.rate).toBeLessThan(0.05);
    const often = (i: number): readonly number[] => [Math.floor(i / 50) % 2 ? 0.1 : 0.12];
    const wrong = (i: number): readonly number[] => [1.5 * (often(i)[0] as number)];
    expect(crossings(100, { intended: often, actual: wrong, count: 2000 }, 35_000).rate).toBeGreaterThan(
      0.98,
    );
  });

  it("finds one of three arms that gets the units of another", () => {
    const swapped = crossings(
      100,
      { intended: () => [0.2, 0.2], actual: () => [0.27, 0.13], count: 2000 },
      36_000,
    );
    expect(swapped.rate).toBeGreaterThan(0.99);
  });
});
