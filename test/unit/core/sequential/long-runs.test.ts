/**
 * What takes long: error rates by simulation, very long runs and speed. Mutation testing leaves this file out, because it
 * would run it hundreds of times.
 */
import { describe, expect, it } from "vitest";
import { createRandom } from "../../../../src/core/random.js";
import { confidenceSequence } from "../../../../src/core/sequential/confidence-sequence.js";
import {
  advance,
  type EProcessPlan,
  eProcess,
  preparePlan,
  runningCopy,
  startEProcess,
} from "../../../../src/core/sequential/e-process.js";

const PLAN: EProcessPlan = { alpha: 0.05, horizon: 400, planShare: 0.3, direction: 1, shift: 0 };

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

function data(count: number, uplift: number, seed: number, w = 0.3) {
  const random = createRandom(seed);
  const g = Array.from({ length: count }, () => (random.next() < w ? 1 : 0));
  return { g, y: g.map((each) => (random.next() < 0.5 + uplift * each ? 1 : 0)), w: g.map(() => w) };
}

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

describe("the e-process", () => {
  it("stays finite over a million sessions and with a planned share of 0", () => {
    for (const planShare of [0, 0.2, 1]) {
      const plan = { ...PLAN, horizon: 100, planShare, shift: -1 };
      const prepared = preparePlan(plan);
      const state = runningCopy(startEProcess());
      for (let k = 0; k < 200_000; k++)
        advance(prepared, state, { g: (k % 2) as 0 | 1, y: k % 3 === 0 ? 1 : 0, w: 0.5 });
      expect(Number.isFinite(state.logE)).toBe(true);
      expect(state.logE).toBeGreaterThan(700);
    }
  });

  it("neither under- nor overflows over very long runs", () => {
    const same = data(60_000, 0, 3);
    const better = { g: same.g, y: same.g, w: same.w };
    const [logE] = eProcess({ ...PLAN, data: better });
    expect(logE).toBeGreaterThan(1000);
    expect(Number.isFinite(logE)).toBe(true);
    const worse = { ...better, y: same.g.map((each) => 1 - each) };
    const [lost] = eProcess({ ...PLAN, data: worse });
    expect(lost).toBeLessThan(-300);
    expect(Number.isFinite(lost)).toBe(true);
  });
});

describe("the confidence sequence", () => {
  it("misses a true uplift of 0 in at most its level of 200 runs, looked at at the end of each", () => {
    let missed = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const [low, high] = confidenceSequence({
        level: 0.95,
        horizon: 100,
        planShare: 0.3,
        data: data(100, 0, seed),
      });
      if (low > 0 || high < 0) missed += 1;
    }
    expect(missed / 200).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 200));
  });

  it("takes under a second for 2,000 sessions of no difference", () => {
    const g = Array.from({ length: 2000 }, (_, k) => k % 2);
    const y = g.map((_, k) => ((k * 7919) % 100 < 60 ? 1 : 0));
    const sessions = { g, y, w: g.map(() => 0.5) };
    const times = Array.from({ length: 3 }, () => {
      const start = performance.now();
      confidenceSequence({ level: 0.95, horizon: 2000, planShare: 0.5, data: sessions });
      return performance.now() - start;
    });
    // The best of a few, and a wide margin: the machine that runs this may be busy.
    expect(Math.min(...times)).toBeLessThan(1000);
  });
});
