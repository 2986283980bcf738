import fc from "fast-check";
import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../../../src/core/random.js";
import {
  advance,
  preparePlan,
  runningCopy,
  startEProcess,
} from "../../../../src/core/sequential/e-process.js";
import {
  type Design,
  horizonFor,
  type PowerGoal,
  powerOf,
  shareFor,
  smallestEffect,
} from "../../../../src/core/simulation/planning.js";

const DESIGN: Design = { baseRate: 0.6, effect: 0.1, share: 0.2, horizon: 2000, alpha: 0.05 };
const GOAL = { ...DESIGN, power: 0.8 };

/** The same chance another way: the density of the time at which the height is reached, summed over unit time. */
function chanceOfReaching({ baseRate, effect, share, horizon, alpha }: Design): number {
  const rate = (1 - share) * baseRate + share * (baseRate + effect);
  const drift = effect * Math.sqrt((horizon * share * (1 - share)) / (rate * (1 - rate)));
  const height = -jStat.normal.inv(0.7 / (2 * (1 / alpha - 1 + 0.7)), 0, 1);
  const steps = 4000;
  let sum = 0;
  for (let k = 0; k < steps; k++) {
    const t = (k + 0.5) / steps;
    sum += (height / Math.sqrt(2 * Math.PI * t ** 3)) * Math.exp(-((height - drift * t) ** 2) / (2 * t));
  }
  return sum / steps;
}

/** How often the test itself crosses by the horizon. */
function simulated({ baseRate, effect, share, horizon, alpha }: Design, runs: number): number {
  const prepared = preparePlan({ alpha, horizon, planShare: share, direction: 1, shift: 0 });
  const random = createRandom(7);
  let crossed = 0;
  for (let run = 0; run < runs; run++) {
    const state = runningCopy(startEProcess());
    while (state.count < horizon && state.logSup < prepared.logThreshold) {
      const g = random.next() < share ? 1 : 0;
      const y = random.next() < baseRate + g * effect ? 1 : 0;
      advance(prepared, state, { g, y, w: share });
    }
    crossed += state.logSup >= prepared.logThreshold ? 1 : 0;
  }
  return crossed / runs;
}

const rate = fc.double({ min: 0, max: 1, noNaN: true });
const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });
const horizon = fc.integer({ min: 1, max: 100_000 });
const alpha = fc.constantFrom(0.001, 0.02, 0.05, 0.5, 0.9);
const power = fc.double({ min: 0.05, max: 0.99, noNaN: true });

describe("powerOf", () => {
  it("gives the documented value", () => {
    expect(powerOf(DESIGN)).toBeCloseTo(0.962454214265, 11);
  });

  it("equals the integral over the time of crossing", () => {
    for (const baseRate of [0.05, 0.3, 0.6, 0.85])
      for (const effect of [-0.02, 0, 0.01, 0.05, 0.12])
        for (const level of [0.02, 0.05, 0.2]) {
          const design = { ...DESIGN, baseRate, effect, alpha: level };
          expect(powerOf(design)).toBeCloseTo(chanceOfReaching(design), 6);
        }
  });

  it.each([
    { baseRate: 0.6, effect: 0.1, share: 0.5, horizon: 500 },
    { baseRate: 0.3, effect: 0.1, share: 0.2, horizon: 500 },
    { baseRate: 0.3, effect: 0, share: 0.5, horizon: 500 },
  ])("is near the simulated power, %j", (cell) => {
    const design = { ...DESIGN, ...cell };
    const found = simulated(design, 400);
    // The approximation's own error of 0.04, and three standard errors.
    const allowed = 0.04 + 3 * Math.sqrt((found * (1 - found)) / 400);
    expect(Math.abs(powerOf(design) - found)).toBeLessThan(allowed);
  });

  it.each([
    [0.3, 0.05, 0.2, 0.5],
    [0.6, 0.05, 0.2, 0.47],
    [0.6, 0.1, 0.05, 0.53],
    [0.8, 0.05, 0.5, 0.8],
    [0.9, 0.05, 0.2, 0.91],
  ])(
    "is within 0.06 of a large study of the whole policy, which has futility: %d + %d, share %d",
    (...cell) => {
      const [baseRate, effect, w, studied] = cell;
      expect(Math.abs(powerOf({ ...DESIGN, baseRate, effect, share: w }) - studied)).toBeLessThan(0.06);
    },
  );

  it("is 0.7 alpha/(1 - 0.3 alpha) without an effect, and less with a worse challenger", () => {
    for (const level of [0.001, 0.05, 0.5]) {
      const none = powerOf({ ...DESIGN, effect: 0, alpha: level });
      expect(none).toBeCloseTo((0.7 * level) / (1 - 0.3 * level), 12);
      expect(powerOf({ ...DESIGN, effect: -0.01, alpha: level })).toBeLessThan(none);
    }
  });

  it("is a probability at every extreme, and rises with horizon, effect and alpha", () => {
    fc.assert(
      fc.property(rate, rate, share, horizon, alpha, (baseRate, other, w, n, level) => {
        const design = { baseRate, effect: other - baseRate, share: w, horizon: n, alpha: level };
        const found = powerOf(design);
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(1);
        const slack = found - 1e-12;
        if (other > baseRate) expect(powerOf({ ...design, horizon: 2 * n })).toBeGreaterThanOrEqual(slack);
        const better = { ...design, effect: design.effect + (1 - other) / 2 };
        expect(powerOf(better)).toBeGreaterThanOrEqual(slack);
        expect(powerOf({ ...design, alpha: (1 + level) / 2 })).toBeGreaterThanOrEqual(slack);
      }),
    );
    expect(powerOf({ ...DESIGN, horizon: 1e12 })).toBe(1);
    expect(powerOf({ ...DESIGN, effect: -0.1, horizon: 1e12 })).toBeCloseTo(0, 12);
    expect(powerOf({ ...DESIGN, baseRate: 1, effect: -1e-300 })).toBeCloseTo(0.035533, 6);
    expect(powerOf({ ...DESIGN, baseRate: 0, effect: 1, horizon: 1, alpha: 1e-300 })).toBeLessThan(1e-100);
  });
});

describe("horizonFor", () => {
  it("gives the documented value", () => {
    expect(horizonFor({ baseRate: 0.6, effect: 0.05, share: 0.5, alpha: 0.05, power: 0.8 })).toBe(2794);
  });

  it("is the smallest horizon with the wanted power", () => {
    fc.assert(
      fc.property(rate, rate, share, alpha, power, (baseRate, gain, w, level, wanted) => {
        const design = { baseRate, effect: gain * (1 - baseRate), share: w, alpha: level };
        const found = horizonFor({ ...design, power: wanted });
        if (found === null) {
          expect(powerOf({ ...design, horizon: 1e12 })).toBeLessThan(wanted);
          return;
        }
        expect(powerOf({ ...design, horizon: found })).toBeGreaterThanOrEqual(wanted);
        if (found > 1) expect(powerOf({ ...design, horizon: found - 1 })).toBeLessThan(wanted);
      }),
    );
  });

  it("follows the rule of thumb at 80 % power", () => {
    for (const [baseRate, effect, w] of [
      [0.6, 0.05, 0.5],
      [0.1, 0.02, 0.5],
      [0.9, 0.05, 0.2],
      [0.3, 0.03, 0.05],
    ] as const) {
      const mean = baseRate + w * effect;
      const rule = (7.5 * mean * (1 - mean)) / (effect * effect * w * (1 - w));
      const found = horizonFor({ baseRate, effect, share: w, alpha: 0.05, power: 0.8 }) as number;
      expect(Math.abs(found / rule - 1)).toBeLessThan(0.01);
    }
  });

  it("is 1 where one session is enough, and null where none is", () => {
    expect(horizonFor({ ...GOAL, effect: -0.1, power: 0.001 })).toBe(1);
    expect(horizonFor({ ...GOAL, effect: 0 })).toBeNull();
    expect(horizonFor({ ...GOAL, effect: -0.1 })).toBeNull();
    expect(horizonFor({ ...GOAL, effect: 1e-9 })).toBeNull();
  });
});

describe("smallestEffect", () => {
  it("gives the documented value", () => {
    const found = smallestEffect({ baseRate: 0.6, share: 0.5, horizon: 2000, alpha: 0.05, power: 0.8 });
    expect(found).toBeCloseTo(0.0589527513317, 12);
  });

  it("is the smallest effect with the wanted power", () => {
    fc.assert(
      fc.property(rate, share, horizon, alpha, power, (baseRate, w, n, level, wanted) => {
        const design = { baseRate, share: w, horizon: n, alpha: level };
        const found = smallestEffect({ ...design, power: wanted });
        if (found === null) {
          expect(powerOf({ ...design, effect: 1 - baseRate })).toBeLessThan(wanted);
          return;
        }
        expect(powerOf({ ...design, effect: found })).toBeGreaterThanOrEqual(wanted);
        if (found > 1e-9) expect(powerOf({ ...design, effect: found * (1 - 1e-6) })).toBeLessThan(wanted);
      }),
    );
  });

  it("is null where there is no room above the champion", () => {
    expect(smallestEffect({ ...GOAL, baseRate: 1 })).toBeNull();
    expect(smallestEffect({ ...GOAL, baseRate: 1, power: 0.01 })).toBeNull();
    expect(smallestEffect({ ...GOAL, baseRate: 0.999 })).toBeNull();
    expect(smallestEffect({ ...GOAL, power: 0.01 })).toBeLessThan(1e-15);
  });
});

describe("shareFor", () => {
  it("gives the documented value", () => {
    expect(shareFor(GOAL)).toBe(0.0983);
  });

  it("is the smallest share of the grid with the wanted power, and null where none suffices", () => {
    const found = shareFor(GOAL) as number;
    expect(powerOf({ ...DESIGN, share: found })).toBeGreaterThanOrEqual(0.8);
    expect(powerOf({ ...DESIGN, share: found - 0.0001 })).toBeLessThan(0.8);
    expect(shareFor({ ...GOAL, horizon: 100 })).toBeNull();
    expect(shareFor({ ...GOAL, effect: 0.4 })).toBe(0.01);
  });

  it("finds a small share where a larger one would have less power", () => {
    const rare = { baseRate: 0, effect: 0.02, horizon: 300, alpha: 0.05 };
    expect(powerOf({ ...rare, share: 0.5 })).toBeLessThan(0.5);
    expect(shareFor({ ...rare, power: 0.7 })).toBe(0.01);
  });
});

describe("all of them", () => {
  it("take a power that is met exactly as met, at the largest share too", () => {
    const design = { ...DESIGN, share: 0.5, horizon: 700 };
    const goal = { ...design, power: powerOf(design) };
    expect(horizonFor(goal)).toBe(700);
    expect(shareFor(goal)).toBe(0.5);
    expect(powerOf({ ...design, effect: smallestEffect(goal) as number })).toBe(goal.power);
  });

  it("say what an effect has to be", () => {
    expect(() => powerOf({ ...DESIGN, effect: 0.41 })).toThrow(
      "effect must be such that baseRate + effect is in [0, 1]; received 0.41.",
    );
  });

  const each: readonly [string, (change: Partial<Design & PowerGoal>) => unknown, readonly string[]][] = [
    ["powerOf", (change) => powerOf({ ...DESIGN, ...change }), ["effect", "share", "horizon"]],
    ["horizonFor", (change) => horizonFor({ ...GOAL, ...change }), ["effect", "share", "power"]],
    ["smallestEffect", (change) => smallestEffect({ ...GOAL, ...change }), ["share", "horizon", "power"]],
    ["shareFor", (change) => shareFor({ ...GOAL, ...change }), ["effect", "horizon", "power"]],
  ];
  const wrong: Record<string, readonly number[]> = {
    baseRate: [-0.1, 1.1, Number.NaN],
    effect: [-0.61, 0.41, Number.NaN],
    share: [0, 1],
    horizon: [0, 1.5],
    alpha: [0, 1],
    power: [0, 1],
  };

  it.each(each)("%s refuses numbers outside their ranges", (_, call, names) => {
    for (const name of ["baseRate", "alpha", ...names])
      for (const value of wrong[name] as readonly number[])
        expect(() => call({ [name]: value }), `${name} = ${value}`).toThrow(new RegExp(`^${name} must be`));
  });
});
