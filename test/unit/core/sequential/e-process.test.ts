import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalCdf } from "../../../../src/core/numeric/normal.js";
import {
  type EProcessData,
  type EProcessPlan,
  type EProcessState,
  eProcess,
  hasCrossed,
  sessionsOf,
  startEProcess,
  stepEProcess,
  touchOutlook,
} from "../../../../src/core/sequential/e-process.js";
import {
  chanceOfPromotion,
  isChanceBelow,
  predictivePromotion,
} from "../../../../src/core/sequential/promotion-chance.js";
import { expectCase, fixture, type NumericCase } from "../../../support/numeric.js";

const PLAN: EProcessPlan = { alpha: 0.05, horizon: 100, planShare: 0.5, direction: 1, shift: 0 };

function stateAfter(plan: EProcessPlan, data: EProcessData): EProcessState {
  let state = startEProcess();
  for (const session of sessionsOf(data)) state = stepEProcess(plan, state, session);
  return state;
}

const anyData = fc
  .array(
    fc.tuple(
      fc.constantFrom(0, 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    ),
    { maxLength: 60 },
  )
  .map((rows) => ({
    g: rows.map((row) => row[0]),
    y: rows.map((row) => row[1]),
    w: rows.map((row) => row[2]),
  }));

describe("stepEProcess", () => {
  it("starts at 0 and gives the documented value", () => {
    expect(startEProcess().logE).toBe(0);
    expect(stepEProcess(PLAN, startEProcess(), { g: 1, y: 1, w: 0.5 }).logE).toBeCloseTo(0.334753745008, 11);
  });

  it("is the whole process, step by step", () => {
    fc.assert(
      fc.property(
        anyData,
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.constantFrom(1, -1),
        (data, shift, direction) => {
          const plan = { ...PLAN, horizon: 30, shift, direction: direction as 1 | -1 };
          const state = stateAfter(plan, data);
          const [logE, logSup, logTouch, , crossing] = eProcess({ ...plan, data });
          expect([state.logE, state.logSup, state.logTouch]).toEqual([logE, logSup, logTouch]);
          expect(hasCrossed(plan, state)).toBe(crossing > 0);
          expect(Number.isFinite(logE)).toBe(true);
        },
      ),
    );
  });

  it("goes on the same from a checkpoint that went through JSON, and leaves the old state alone", () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const before = stateAfter(PLAN, data);
        const text = JSON.stringify(before);
        const session = { g: 1, y: 0.25, w: 0.3 } as const;
        const next = stepEProcess(PLAN, before, session);
        expect(JSON.stringify(before)).toBe(text);
        expect(stepEProcess(PLAN, JSON.parse(text) as EProcessState, session)).toEqual(next);
      }),
    );
  });

  it("never expects to gain under the null, whatever the state", () => {
    const outcome = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anyData, outcome, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (data, y, w) => {
        const state = stateAfter(PLAN, data);
        const wealth = (g: 0 | 1): number =>
          Math.exp(stepEProcess(PLAN, state, { g, y, w }).logE - state.logE);
        // Equal arms: the outcome is the same whichever serves, and only the draw of the arm is random.
        expect(w * wealth(1) + (1 - w) * wealth(0)).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it("does not bet without limit where no outcome can lose", () => {
    // After one success of the challenger the mean is exactly 1 at a shift of -1, and so is the worst outcome.
    const plan = { ...PLAN, planShare: 0, shift: -1 };
    const first = stepEProcess(plan, startEProcess(), { g: 1, y: 1, w: 0.5 });
    const second = stepEProcess(plan, first, { g: 0, y: 1, w: 0.5 });
    expect(first.sum / first.n).toBe(1);
    expect(second.logE).toBeCloseTo(first.logE, 12);
  });

  it.each([
    ["alpha", { alpha: 0 }],
    ["alpha", { alpha: 1 }],
    ["horizon", { horizon: 0 }],
    ["horizon", { horizon: 10.5 }],
    ["planShare", { planShare: -0.1 }],
    ["direction", { direction: 0 as never }],
    ["direction must be 1 or -1", { direction: "1" as never }],
    ["shift", { shift: 1.01 }],
  ])("refuses a wrong %s", (name, change) => {
    const plan = { ...PLAN, ...change };
    const session = { g: 1, y: 1, w: 0.5 } as const;
    expect(() => stepEProcess(plan, startEProcess(), session)).toThrow(new RegExp(`^${name}`));
    const belief = { w: 0.5, upliftMean: 0, upliftVariance: 0.01 };
    expect(() => chanceOfPromotion(plan, startEProcess(), belief)).toThrow(new RegExp(`^${name}`));
  });

  it.each([
    ["g must be 0 or 1", { g: 2 as never }],
    ["y", { y: 1.01 }],
    ["y", { y: Number.NaN }],
    ["w", { w: 0 }],
    ["w", { w: 1 }],
  ])("refuses a wrong %s of a session", (name, change) => {
    const session = { g: 1, y: 1, w: 0.5, ...change } as const;
    expect(() => stepEProcess(PLAN, startEProcess(), session)).toThrow(new RegExp(`^${name}`));
  });
});

describe("eProcess", () => {
  it("has not crossed after two sessions, as documented", () => {
    const data = { g: [1, 0], y: [1, 0], w: [0.5, 0.5] };
    expect(eProcess({ ...PLAN, data })[4]).toBe(0);
  });

  it("refuses lists of different length", () => {
    const data = { g: [1, 0], y: [1], w: [0.5, 0.5] };
    expect(() => eProcess({ ...PLAN, data })).toThrow(/^y must be an array of length 2/);
  });

  it("crosses at 1/alpha, with an allowance of 1e-9 for rounding", () => {
    const line = -Math.log(PLAN.alpha);
    const hasCrossedAt = (logSup: number): boolean => hasCrossed(PLAN, { ...startEProcess(), logSup });
    expect([line + 1e-8, line, line - 5e-10].map(hasCrossedAt)).toEqual([true, true, true]);
    expect([line - 2e-9, 0].map(hasCrossedAt)).toEqual([false, false]);
  });

  it("mixes bets whose wealth is further apart than doubles reach", () => {
    // A champion's outcome right at the running mean moves nothing, so that only the mixture is computed anew.
    const still = { g: 0, y: 0.5, w: 0.5 } as const;
    const logEOf = (change: Partial<EProcessState>): number =>
      stepEProcess(PLAN, { ...startEProcess(), ...change }, still).logE;
    expect(logEOf({ logGrid: [-2000, -900, 800, -100], logTouch: -900 })).toBeCloseTo(
      800 + Math.log(0.3 / 4),
      10,
    );
    expect(logEOf({ logGrid: [-2000, -900, -800, -900], logTouch: 800 })).toBeCloseTo(
      800 + Math.log(0.7),
      10,
    );
  });

  it("latches its crossing", () => {
    const data = {
      g: [...Array(40).fill(1), ...Array(60).fill(1)],
      y: [...Array(40).fill(1), ...Array(60).fill(0)],
      w: Array(100).fill(0.5),
    };
    const state = stateAfter({ ...PLAN, alpha: 0.2 }, data);
    expect(state.logE).toBeLessThan(0);
    expect(hasCrossed({ ...PLAN, alpha: 0.2 }, state)).toBe(true);
  });
});

describe("predictivePromotion", () => {
  it("gives the documented value", () => {
    expect(predictivePromotion({ u: -0.828173, m: 2.91426, s2: 0.279775 })).toBeCloseTo(0.98582264456, 11);
  });

  it("is twice the tail without drift, and certain from the target itself", () => {
    expect(predictivePromotion({ u: -1.959963984540054, m: 0, s2: 0 })).toBeCloseTo(0.05, 15);
    expect(predictivePromotion({ u: 0, m: 0, s2: 0 })).toBe(1);
  });

  it("is the reflection principle, in its plain form where that does not overflow", () => {
    for (const [u, m, s2] of [
      [-1, 0.5, 0],
      [-1, -1.2, 0],
      [-0.5, -3, 0.2],
      [-2, 1, 0.5],
      [-1.5, 4, 1.5],
    ] as const) {
      const r = Math.sqrt(1 + s2);
      const plain =
        normalCdf({ x: (m + u) / r }) +
        Math.exp(2 * u * u * s2 - 2 * u * m) * normalCdf({ x: (u - m + 2 * u * s2) / r });
      expect(predictivePromotion({ u, m, s2 }) / plain).toBeCloseTo(1, 12);
    }
  });

  it("stays a probability where the plain formula overflows", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -38, max: 0, noNaN: true }),
        fc.double({ min: -100, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1e4, noNaN: true }),
        (u, m, s2) => {
          const chance = predictivePromotion({ u, m, s2 });
          expect(chance).toBeGreaterThanOrEqual(0);
          expect(chance).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it.each([
    ["u must be 0 or less", { u: 0.1 }],
    ["u", { u: Number.NaN }],
    ["m", { m: Number.POSITIVE_INFINITY }],
    ["s2", { s2: -1 }],
  ])("refuses a wrong %s", (name, change) => {
    expect(() => predictivePromotion({ u: -1, m: 0, s2: 0, ...change })).toThrow(new RegExp(`^${name}`));
  });
});

describe("chanceOfPromotion", () => {
  const belief = { w: 0.5, upliftMean: 0, upliftVariance: 0.01 };
  type Input = { plan: EProcessPlan; horizonNow: number; belief: typeof belief; data: EProcessData };
  const cases = fixture("promotion").filter(({ fn }) => fn === "chanceOfPromotion");

  it.each(cases.map((one, index) => [index, one] as const))(
    "meets reference value %i",
    (_, one: NumericCase) => {
      const { plan, horizonNow, belief: held, data } = one.input as unknown as Input;
      expectCase(one, chanceOfPromotion({ ...plan, horizon: horizonNow }, stateAfter(plan, data), held));
    },
  );

  it("is certain once the test has crossed by its grid alone", () => {
    const state: EProcessState = { ...startEProcess(), logGrid: [9, 9, 9, 9], logMean: 9 };
    expect(touchOutlook(PLAN, state).chance).toBe(1);
    expect(chanceOfPromotion(PLAN, state, belief)).toBe(1);
  });

  it("is next to nothing once the touch part is ruined", () => {
    const state: EProcessState = { ...startEProcess(), logTouch: -2000 };
    expect(chanceOfPromotion(PLAN, state, belief)).toBeLessThan(1e-12);
    expect(stepEProcess(PLAN, state, { g: 1, y: 1, w: 0.5 }).logTouch).toBe(-2000);
  });

  it("caps what a wide posterior alone would add where everything is lost", () => {
    // u = -38 and s2 = 100 * 0.01 = 1: the exponent of the reflected term is 2888, and its cap leaves the direct one.
    const state: EProcessState = { ...startEProcess(), logTouch: -2000 };
    const direct = normalCdf({ x: -38 / Math.SQRT2 });
    expect(direct).toBeGreaterThan(0);
    expect(chanceOfPromotion(PLAN, state, belief) / direct).toBeCloseTo(1, 12);
    expect(predictivePromotion({ u: -38, m: 0, s2: 1 }) / direct).toBeGreaterThan(1.3);
  });

  it("does not look beyond the horizon", () => {
    const state: EProcessState = { ...startEProcess(), count: 500 };
    const { chance } = touchOutlook(PLAN, state);
    expect(chanceOfPromotion(PLAN, state, belief)).toBeCloseTo(2 * chance, 12);
  });

  it.each([
    ["w", { w: 1 }],
    ["upliftMean", { upliftMean: Number.NaN }],
    ["upliftVariance", { upliftVariance: -1 }],
  ])("refuses a wrong %s", (name, change) => {
    const wrong = { ...belief, ...change };
    expect(() => chanceOfPromotion(PLAN, startEProcess(), wrong)).toThrow(new RegExp(`^${name}`));
  });
});

describe("isChanceBelow", () => {
  it("answers as the whole chance does, whichever way it takes", () => {
    const beliefs = fc.record({
      w: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      upliftMean: fc.double({ min: -1, max: 1, noNaN: true }),
      upliftVariance: fc.double({ min: 0, max: 0.2, noNaN: true }),
    });
    const limits = fc.double({ min: 1e-6, max: 0.999, noNaN: true });
    let below = 0;
    fc.assert(
      fc.property(anyData, beliefs, limits, (data, belief, limit) => {
        const state = stateAfter(PLAN, data);
        const chance = chanceOfPromotion(PLAN, state, belief);
        if (Math.abs(chance - limit) < 1e-7) return;
        expect(isChanceBelow(PLAN, state, belief, limit)).toBe(chance < limit);
        below += chance < limit ? 1 : 0;
      }),
      { numRuns: 400 },
    );
    expect(below).toBeGreaterThan(40);
    expect(below).toBeLessThan(360);
  });

  it("is never so where the line is reached already", () => {
    const state: EProcessState = { ...startEProcess(), logTouch: 5 };
    expect(isChanceBelow(PLAN, state, { w: 0.5, upliftMean: -1, upliftVariance: 0 }, 0.999)).toBe(false);
  });
});
