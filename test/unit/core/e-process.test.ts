import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advance,
  type EProcessData,
  type EProcessPlan,
  type EProcessState,
  eProcess,
  hasCrossed,
  preparePlan,
  runningCopy,
  sessionsOf,
  startEProcess,
  stepEProcess,
  touchOutlook,
} from "../../../src/core/e-process.js";
import { chanceOfPromotion, isChanceBelow, predictivePromotion } from "../../../src/core/promotion-chance.js";
import { expectCase, fixture, type NumericCase } from "../../support/numeric.js";

const PLAN: EProcessPlan = { alpha: 0.05, horizon: 100, planShare: 0.5, direction: 1, shift: 0 };

/** mulberry32: 32-bit generator, for simulations whose seed is part of the test. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

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

  it("stays finite over a million sessions and with a planned share of 0", () => {
    for (const planShare of [0, 0.2, 1]) {
      const plan = { ...PLAN, planShare, shift: -1 };
      const prepared = preparePlan(plan);
      const state = runningCopy(startEProcess());
      for (let k = 0; k < 200_000; k++)
        advance(prepared, state, { g: (k % 2) as 0 | 1, y: k % 3 === 0 ? 1 : 0, w: 0.5 });
      expect(Number.isFinite(state.logE)).toBe(true);
      expect(state.logE).toBeGreaterThan(700);
    }
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
    ["shift", { shift: 1.01 }],
  ])("refuses a wrong %s", (name, change) => {
    const plan = { ...PLAN, ...change };
    const session = { g: 1, y: 1, w: 0.5 } as const;
    expect(() => stepEProcess(plan, startEProcess(), session)).toThrow(new RegExp(`^${name} must be`));
    const belief = { w: 0.5, upliftMean: 0, upliftVariance: 0.01 };
    expect(() => chanceOfPromotion(plan, startEProcess(), belief)).toThrow(new RegExp(`^${name} must be`));
  });

  it.each([
    ["g", { g: 2 as never }],
    ["y", { y: 1.01 }],
    ["y", { y: Number.NaN }],
    ["w", { w: 0 }],
    ["w", { w: 1 }],
  ])("refuses a wrong %s of a session", (name, change) => {
    const session = { g: 1, y: 1, w: 0.5, ...change } as const;
    expect(() => stepEProcess(PLAN, startEProcess(), session)).toThrow(new RegExp(`^${name} must be`));
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

/** Runs under the null; how many cross. */
function falseCrossings(base: number, shareAt: (k: number) => number, drift: number, seed: number): number {
  const plan = preparePlan({ ...PLAN, horizon: 150, planShare: shareAt(0) });
  const random = generator(seed);
  let crossed = 0;
  for (let run = 0; run < 2000; run++) {
    const state = runningCopy(startEProcess());
    for (let k = 0; k < 150 && state.logSup < plan.logThreshold; k++) {
      const w = shareAt(k);
      const g = random() < w ? 1 : 0;
      const y = random() < base + (drift * k) / 150 ? 1 : 0;
      advance(plan, state, { g, y, w });
    }
    if (state.logSup >= plan.logThreshold) crossed++;
  }
  return crossed;
}

describe("2,000 runs of identical arms", () => {
  const most = 2000 * (0.05 + 3 * Math.sqrt((0.05 * 0.95) / 2000));
  const ramp = (k: number): number => [0.05, 0.1, 0.25, 0.5][Math.floor((k * 4) / 150)] as number;

  it.each([
    ["share 0.05, base 0.05", 0.05, () => 0.05, 0],
    ["share 0.05, base 0.5", 0.5, () => 0.05, 0],
    ["share 0.05, base 0.95", 0.95, () => 0.05, 0],
    ["share 0.5, base 0.05", 0.05, () => 0.5, 0],
    ["share 0.5, base 0.5", 0.5, () => 0.5, 0],
    ["share 0.5, base 0.95", 0.95, () => 0.5, 0],
    ["a ramp while the base rate drifts from 0.3 to 0.9", 0.3, ramp, 0.6],
  ])("cross 1/alpha in at most alpha of them: %s", (_, base, shareAt, drift) => {
    expect(falseCrossings(base, shareAt, drift, 4711)).toBeLessThanOrEqual(most);
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
    ["u", { u: 0.1 }],
    ["u", { u: Number.NaN }],
    ["m", { m: Number.POSITIVE_INFINITY }],
    ["s2", { s2: -1 }],
  ])("refuses a wrong %s", (name, change) => {
    expect(() => predictivePromotion({ u: -1, m: 0, s2: 0, ...change })).toThrow(
      new RegExp(`^${name} must be`),
    );
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
    expect(() => chanceOfPromotion(PLAN, startEProcess(), wrong)).toThrow(new RegExp(`^${name} must be`));
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
