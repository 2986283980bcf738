import { describe, expect, it } from "vitest";
import { confidenceSequence } from "../../../../src/core/sequential/confidence-sequence.js";
import { eProcess } from "../../../../src/core/sequential/e-process.js";

const alternating = (count: number, yOf: (arm: number, k: number) => number) => {
  const g = Array.from({ length: count }, (_, k) => k % 2);
  return { g, y: g.map((arm, k) => yOf(arm, k)), w: g.map(() => 0.5) };
};

describe("confidenceSequence", () => {
  it("is [-1, 1] before the first session, as documented", () => {
    const data = { g: [], y: [], w: [] };
    expect(confidenceSequence({ level: 0.95, horizon: 100, planShare: 0.5, data })).toEqual([-1, 1]);
  });

  it("holds the difference of the rates, and excludes what the e-process rejects", () => {
    const data = alternating(600, (arm, k) => ((k * 7919) % 100 < (arm === 1 ? 70 : 50) ? 1 : 0));
    const [low, high] = confidenceSequence({ level: 0.95, horizon: 600, planShare: 0.5, data });
    expect(low).toBeLessThan(0.2);
    expect(high).toBeGreaterThan(0.2);
    expect(high - low).toBeLessThan(0.3);
    const plan = { alpha: 0.025, horizon: 600, planShare: 0.5, data };
    expect(eProcess({ ...plan, direction: 1, shift: low })[4]).toBeGreaterThan(0);
    expect(eProcess({ ...plan, direction: 1, shift: low + 0.005 })[4]).toBe(0);
    expect(eProcess({ ...plan, direction: -1, shift: high })[4]).toBeGreaterThan(0);
    expect(eProcess({ ...plan, direction: -1, shift: high - 0.005 })[4]).toBe(0);
  });

  it("ends at the far end where even that is rejected", () => {
    // No sessions can do it: a level of next to nothing rejects everything at once.
    const data = alternating(400, (arm) => arm);
    const [low, high] = confidenceSequence({ level: 1e-6, horizon: 400, planShare: 0.5, data });
    expect(low).toBeGreaterThan(0.9);
    expect(high).toBe(1);
  });

  it("refuses a wrong level, plan or session", () => {
    const input = { level: 0.95, horizon: 100, planShare: 0.5, data: { g: [1], y: [1], w: [0.5] } };
    expect(() => confidenceSequence({ ...input, level: 1 })).toThrow(/^level must be/);
    expect(() => confidenceSequence({ ...input, horizon: 0 })).toThrow(/^horizon must be/);
    expect(() => confidenceSequence({ ...input, data: { g: [1], y: [2], w: [0.5] } })).toThrow(/^y must be/);
  });
});
