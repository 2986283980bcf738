import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import { normalCdf, normalQuantile } from "../../../../src/core/numeric/normal.js";
import { createRandom } from "../../../../src/core/random.js";
import { confidenceSequence } from "../../../../src/core/sequential/confidence-sequence.js";
import {
  type EProcessPlan,
  eProcess,
  hasCrossed,
  startEProcess,
  stepEProcess,
} from "../../../../src/core/sequential/e-process.js";
import { chanceOfPromotion, predictivePromotion } from "../../../../src/core/sequential/promotion-chance.js";
import { srmChiSquare, srmSequentialLogE } from "../../../../src/core/sequential/srm.js";

const numericDomain = expect.objectContaining({ code: "numeric_domain" });
const plan: EProcessPlan = { alpha: 0.05, horizon: 400, planShare: 0.3, direction: 1, shift: 0 };

function data(count: number, uplift: number, seed: number, w = 0.3) {
  const random = createRandom(seed);
  const g = Array.from({ length: count }, () => (random.next() < w ? 1 : 0));
  return { g, y: g.map((each) => (random.next() < 0.5 + uplift * each ? 1 : 0)), w: g.map(() => w) };
}

describe("the normal distribution", () => {
  it("cdf and quantile invert each other, mirror, and agree with jstat where it is good", () => {
    for (let k = -60; k <= 60; k += 1) {
      const x = k / 10;
      expect(normalCdf({ x }) + normalCdf({ x: -x })).toBeCloseTo(1, 15);
      expect(normalCdf({ x })).toBeCloseTo(jStat.normal.cdf(x, 0, 1), 9);
      if (Math.abs(x) < 5.5) expect(normalQuantile({ p: normalCdf({ x }) })).toBeCloseTo(x, 8);
    }
    expect(normalCdf({ x: 0 })).toBe(0.5);
    expect(normalQuantile({ p: 0.5 })).toBe(0);
    expect(normalQuantile({ p: 1e-300 })).toBeCloseTo(-37.0471, 4);
  });

  it("refuses what is no number or no probability", () => {
    expect(() => normalCdf({ x: Number.NaN })).toThrow(numericDomain);
    for (const p of [1.5, -1, Number.NaN]) expect(() => normalQuantile({ p })).toThrow(numericDomain);
  });
});

describe("the e-process", () => {
  it("has mean at most 1 at each step: over both arms and any outcome, weighted by the share", () => {
    // Exact, not simulated: from any state, E[E_next] <= E_now when both arms have the same mean.
    const random = createRandom(5);
    let state = startEProcess();
    for (let i = 0; i < 300; i += 1) {
      const w = 0.05 + 0.9 * random.next();
      const rate = random.next();
      const before = state;
      const mean = [
        { g: 0, y: 0, weight: (1 - w) * (1 - rate) },
        { g: 0, y: 1, weight: (1 - w) * rate },
        { g: 1, y: 0, weight: w * (1 - rate) },
        { g: 1, y: 1, weight: w * rate },
      ].reduce((sum, { g, y, weight }) => {
        const after = stepEProcess(plan, before, { g: g as 0 | 1, y, w });
        return sum + weight * Math.exp(after.logE - before.logE);
      }, 0);
      expect(mean).toBeLessThanOrEqual(1 + 1e-12);
      state = stepEProcess(plan, state, { g: random.next() < w ? 1 : 0, y: random.next() < rate ? 1 : 0, w });
    }
  });

  it("latches: what has crossed stays crossed", () => {
    let state = startEProcess();
    const better = data(200, 0.5, 9);
    for (let i = 0; i < 200; i += 1)
      state = stepEProcess(plan, state, { g: better.g[i] as 0 | 1, y: better.g[i]!, w: 0.3 });
    expect(hasCrossed(plan, state)).toBe(true);
    for (let i = 0; i < 400; i += 1) state = stepEProcess(plan, state, { g: 1, y: 0, w: 0.3 });
    expect(state.logE).toBeLessThan(0);
    expect(hasCrossed(plan, state)).toBe(true);
  });

  it("mirrors: the harm test is the promotion test with the outcomes turned over", () => {
    const given = data(300, 0.1, 2);
    const turned = { ...given, y: given.y.map((y) => 1 - y) };
    const better = eProcess({ ...plan, data: given });
    const worse = eProcess({ ...plan, direction: -1, data: turned });
    for (const [index, value] of better.entries()) expect(worse[index]).toBeCloseTo(value, 10);
  });

  it("is a number for an experiment planned with a share of 0", () => {
    const [logE] = eProcess({ ...plan, planShare: 0, data: data(50, 0, 1) });
    expect(Number.isFinite(logE)).toBe(true);
  });

  it("refuses plans and data outside their domain", () => {
    const good = { ...plan, data: data(3, 0, 1) };
    for (const change of [
      { alpha: 0 },
      { alpha: 1 },
      { horizon: 0 },
      { horizon: Number.NaN },
      { planShare: -0.1 },
      { direction: 2 as 1 },
      { shift: 1.5 },
      { data: { g: [1], y: [1, 0], w: [0.5] } },
      { data: { g: [1], y: [1], w: [] } },
      { data: { g: [2], y: [1], w: [0.5] } },
      { data: { g: [1], y: [1.5], w: [0.5] } },
      { data: { g: [1], y: [1], w: [0] } },
    ]) {
      expect(() => eProcess({ ...good, ...change })).toThrow(numericDomain);
    }
  });
});

describe("the predicted chance of promotion", () => {
  it("is certain once the line is reached, small once it is out of reach", () => {
    const outlook = { w: 0.3, upliftMean: 0, upliftVariance: 0.001 };
    let state = startEProcess();
    expect(chanceOfPromotion(plan, state, outlook)).toBeGreaterThan(0.01);
    for (let i = 0; i < 60; i += 1) state = stepEProcess(plan, state, { g: i % 2 ? 1 : 0, y: i % 2, w: 0.3 });
    expect(chanceOfPromotion(plan, state, outlook)).toBe(1);
    let lost = startEProcess();
    for (let i = 0; i < 390; i += 1)
      lost = stepEProcess(plan, lost, { g: i % 2 ? 1 : 0, y: (i + 1) % 2, w: 0.3 });
    expect(chanceOfPromotion(plan, lost, outlook)).toBeLessThan(1e-6);
    let hopeless = lost;
    for (let i = 0; i < 4000; i += 1) hopeless = { ...hopeless, logTouch: hopeless.logTouch - 1, count: 399 };
    expect(chanceOfPromotion(plan, hopeless, outlook)).toBeLessThan(1e-300);
  });

  it("counts no time beyond the horizon", () => {
    const late = { ...startEProcess(), count: 500 };
    expect(chanceOfPromotion(plan, late, { w: 0.3, upliftMean: 0.5, upliftVariance: 0.01 })).toBeLessThan(
      0.2,
    );
  });

  it("without drift is twice the normal tail (reflection), and refuses what is no motion", () => {
    for (const u of [-0.5, -1.5, -3]) {
      expect(predictivePromotion({ u, m: 0, s2: 0 })).toBeCloseTo(2 * normalCdf({ x: u }), 13);
    }
    expect(predictivePromotion({ u: 0, m: 1, s2: 0.5 })).toBe(1);
    for (const bad of [
      { u: 1 },
      { u: Number.NaN },
      { m: Number.NaN },
      { s2: -1 },
      { s2: Number.POSITIVE_INFINITY },
    ]) {
      expect(() => predictivePromotion({ u: -1, m: 0, s2: 1, ...bad })).toThrow(numericDomain);
    }
  });
});

describe("the confidence sequence", () => {
  const whole = { level: 0.95, horizon: 400, planShare: 0.3 };

  it("covers everything without data, narrows with it, and contains the uplift", () => {
    expect(confidenceSequence({ ...whole, data: data(0, 0, 1) })).toEqual([-1, 1]);
    const [low, high] = confidenceSequence({ ...whole, data: data(400, 0.2, 4) });
    const [wideLow, wideHigh] = confidenceSequence({ ...whole, data: data(100, 0.2, 4) });
    expect(high - low).toBeLessThan(wideHigh - wideLow);
    expect(low).toBeLessThan(0.2);
    expect(high).toBeGreaterThan(0.2);
  });

  it("refuses a level that is none", () => {
    expect(() => confidenceSequence({ ...whole, level: 1, data: data(1, 0, 1) })).toThrow(numericDomain);
  });
});

describe("sample ratio", () => {
  it("the fixed test is jstat's chi-square where that is good", () => {
    for (const counts of [
      [50, 61],
      [480, 520],
      [30, 40, 20],
    ]) {
      const [statistic, p] = srmChiSquare({ counts, shares: counts.map(() => 1) });
      expect(p).toBeCloseTo(1 - jStat.chisquare.cdf(statistic, counts.length - 1), 8);
    }
    expect(srmChiSquare({ counts: [10, 10], shares: [2, 2] })).toEqual([0, 1]);
  });

  it("the sequential test has mean 1 over the next session, from any counts", () => {
    for (const counts of [
      [0, 0],
      [7, 2],
      [900, 130],
    ] as [number, number][]) {
      const logE = (next: [number, number]) =>
        srmSequentialLogE({ counts: next, shares: [0.9, 0.1], concentration: 100 });
      const now = logE(counts);
      const mean =
        0.9 * Math.exp(logE([counts[0] + 1, counts[1]]) - now) +
        0.1 * Math.exp(logE([counts[0], counts[1] + 1]) - now);
      expect(mean).toBeCloseTo(1, 11);
    }
    expect(srmSequentialLogE({ counts: [0, 0], shares: [0.9, 0.1], concentration: 100 })).toBeCloseTo(0, 12);
  });

  it("refuses counts, shares and weights that are none", () => {
    const good = { counts: [1, 2], shares: [0.5, 0.5], concentration: 100 };
    for (const change of [
      { counts: [1] },
      { counts: [1, 2, 3] },
      { counts: [1.5, 2] },
      { counts: [-1, 2] },
      { shares: [0, 1] },
      { shares: [Number.NaN, 1] },
      { concentration: 0 },
    ]) {
      expect(() => srmSequentialLogE({ ...good, ...change })).toThrow(numericDomain);
    }
  });
});
