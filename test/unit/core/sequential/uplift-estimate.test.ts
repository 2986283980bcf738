import { describe, expect, it } from "vitest";
import { createRandom } from "../../../../src/core/random.js";
import { upliftEstimate } from "../../../../src/core/sequential/uplift-estimate.js";

const RUNS = 2000;
const LENGTH = 200;

/** A ramp from 5 to 50 % while the base rate climbs from 0.2 to 0.8. */
function drifting(uplift: number, seed: number) {
  const random = createRandom(seed);
  const data = { g: [] as number[], y: [] as number[], w: [] as number[] };
  for (let i = 0; i < LENGTH; i += 1) {
    const w = [0.05, 0.1, 0.25, 0.5][Math.floor((4 * i) / LENGTH)] as number;
    const g = random.next() < w ? 1 : 0;
    data.g.push(g);
    data.w.push(w);
    data.y.push(random.next() < 0.2 + (0.6 * i) / LENGTH + uplift * g ? 1 : 0);
  }
  return data;
}

function pooled({ g, y }: { g: number[]; y: number[] }): number | null {
  const meanOf = (arm: number): number => {
    const own = y.filter((_, i) => g[i] === arm);
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  };
  const difference = meanOf(1) - meanOf(0);
  return Number.isNaN(difference) ? null : difference;
}

function meanAndError(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

describe("upliftEstimate", () => {
  it("gives the documented value", () => {
    expect(upliftEstimate({ g: [1, 0], y: [1, 0], w: [0.5, 0.5] })).toBeCloseTo(7 / 6, 14);
  });

  it("is null without sessions, and refuses lists of different length", () => {
    expect(upliftEstimate({ g: [], y: [], w: [] })).toBeNull();
    expect(() => upliftEstimate({ g: [1], y: [], w: [0.5] })).toThrow(
      expect.objectContaining({ code: "numeric_domain" }),
    );
  });

  it("is the mean of (g - w)(y - c)/(w(1 - w)), c from the outcomes before", () => {
    const { g, y, w } = drifting(0.1, 3);
    const terms = g.map((arm, i) => {
      const before = [0, 1, ...y.slice(0, i)];
      const c = before.reduce((sum, value) => sum + value, 0) / before.length;
      return ((arm - w[i]!) * (y[i]! - c)) / (w[i]! * (1 - w[i]!));
    });
    const mean = terms.reduce((sum, term) => sum + term, 0) / terms.length;
    expect(upliftEstimate({ g, y, w })).toBeCloseTo(mean, 12);
  });

  it.each([0, 0.1, -0.15])(
    "meets an uplift of %d under a ramp with drift, where pooled means are 10 points off (2,000 runs)",
    (uplift) => {
      const runs = Array.from({ length: RUNS }, (_, run) => drifting(uplift, 9000 + run));
      const unbiased = meanAndError(runs.map((data) => upliftEstimate(data) as number));
      expect(Math.abs(unbiased.mean - uplift)).toBeLessThan(4 * unbiased.error);
      const biased = meanAndError(runs.map(pooled).filter((value) => value !== null));
      expect(biased.mean - uplift).toBeGreaterThan(0.1);
    },
  );
});
