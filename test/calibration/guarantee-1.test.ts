/**
 * Guarantee 1: a challenger that is never better is promoted with probability at most alpha, looked at after every
 * session. Simulated through the real fold and the real decision. `npm run calibration` runs the full form.
 */
import { describe, expect, it } from "vitest";
import type { FoldInput } from "../../src/core/evidence.js";
import type { PolicyInput } from "../../src/core/policy.js";
import { createRandom } from "../../src/core/random.js";
import { firstRuling, simulatedUnits, termsOf } from "../support/evidence.js";

const isFull = process.env.CALIBRATION === "full";
const RUNS = isFull ? 10_000 : 500;
const HORIZON = isFull ? 2000 : 250;
const SEED = 20_261_121;

function isPromoted(units: readonly FoldInput[], input: PolicyInput, planShare: number): boolean {
  return firstRuling(units, termsOf(input, [planShare])).verdict === "promote";
}

interface Cell {
  readonly title: string;
  readonly share: number | ((index: number) => number);
  readonly champion: number | ((index: number) => number);
  readonly uplift: number;
  readonly change?: (unit: FoldInput, random: () => number) => FoldInput;
}

/** Fraction of runs that promote; the seed of each run is printed by the caller's message. */
function promotionRate(cell: Cell, input: PolicyInput): number {
  let promoted = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const random = createRandom(SEED + 7 * run);
    const units = simulatedUnits({ ...cell, count: HORIZON, seed: SEED + run });
    const changed = cell.change ? units.map((unit) => cell.change?.(unit, random.next) as FoldInput) : units;
    const planShare = typeof cell.share === "number" ? cell.share : cell.share(0);
    promoted += isPromoted(changed, { horizon: HORIZON, ...input }, planShare) ? 1 : 0;
  }
  return promoted / RUNS;
}

const RAMP = [0.05, 0.1, 0.25, 0.5];
const ramp = (index: number): number => RAMP[Math.min(3, Math.floor((4 * index) / HORIZON))] as number;

const NULLS: Cell[] = [
  { title: "share 0.5, rate 0.5", share: 0.5, champion: 0.5, uplift: 0 },
  { title: "share 0.05, rate 0.95", share: 0.05, champion: 0.95, uplift: 0 },
  { title: "share 0.2, rate 0.05", share: 0.2, champion: 0.05, uplift: 0 },
  {
    title: "ramp while the base rate drifts",
    share: ramp,
    champion: (index) => 0.5 + (0.3 * index) / HORIZON,
    uplift: 0,
  },
  { title: "a slightly worse challenger", share: 0.5, champion: 0.6, uplift: -0.02 },
  {
    title: "graded scores",
    share: 0.5,
    champion: 0.5,
    uplift: 0,
    change: (unit, random) => ({ ...unit, score: Math.round(8 * random()) / 8 }),
  },
  {
    title: "a quarter missing in both arms",
    share: 0.5,
    champion: 0.5,
    uplift: 0,
    change: (unit, random) => (random() < 0.25 ? { ...unit, score: null } : unit),
  },
];

describe(`guarantee 1, ${RUNS} experiments of ${HORIZON} sessions, seed ${SEED}`, () => {
  it.each(NULLS)("$title: promoted in at most alpha plus three standard errors", (cell) => {
    for (const alpha of isFull ? [0.05, 0.02] : [0.05]) {
      const bound = alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / RUNS);
      expect(promotionRate(cell, { alpha, futility: null })).toBeLessThanOrEqual(bound);
    }
  });

  it("the same simulation finds the plain rule out", () => {
    const cell = NULLS[0] as Cell;
    expect(promotionRate(cell, { kind: "threshold" })).toBeGreaterThan(0.12);
  });

  it("and a truly better challenger is found", () => {
    const power = promotionRate({ title: "", share: 0.5, champion: 0.5, uplift: 0.3 }, {});
    expect(power).toBeGreaterThan(0.9);
  });
});
