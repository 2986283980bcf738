import { describe, expect, it } from "vitest";
import { createSimulation, type SimulatedRuns } from "../../../../src/core/simulation/simulate.js";
import { standardErrorOf, summarise } from "../../../../src/core/simulation/simulation-summary.js";

/** One run by hand: how it ended, the arm promoted, units, sessions by arm and the uplift of a promotion. */
type ByHand = readonly [
  ending: number,
  promoted: number,
  units: number,
  armSessions: number[],
  uplift?: number,
];

function runsOf(from: number, runs: readonly ByHand[]): SimulatedRuns {
  return {
    from,
    endings: Uint8Array.from(runs, ([ending]) => ending),
    promoted: Uint8Array.from(runs, ([, promoted]) => promoted),
    units: Int32Array.from(runs, ([, , units]) => units),
    armSessions: Int32Array.from(runs.flatMap(([, , , armSessions]) => armSessions)),
    uplifts: Float64Array.from(runs, ([, , , , uplift]) => uplift ?? Number.NaN),
  };
}

// Two challengers, the first better and the second worse; the runs take 10, 20, 30, 5 and 40 sessions.
const SIMULATION = createSimulation({ baseRate: 0.5, effect: [0.1, -0.1], share: 0.5 });
const FIRST = runsOf(0, [
  [0, 1, 10, [4, 3, 3], 0.2],
  [1, 0, 18, [10, 5, 5]],
  [2, 0, 30, [20, 4, 6]],
]);
const SECOND = runsOf(3, [
  [3, 0, 5, [2, 0, 3]],
  [0, 2, 40, [10, 14, 16], 0.1],
]);

describe("summarise, by hand", () => {
  it("counts how the runs ended, and how sure that is", () => {
    const summary = summarise(SIMULATION, [FIRST, SECOND]);
    expect(summary).toMatchObject({ runs: 5, promoted: 0.4, held: 0.4, aborted: 0.2, promotedWrongly: 0.2 });
    expect(summary.reasons).toEqual({ evidence: 0.4, futility: 0.2, horizon: 0.2, harm: 0.2, srm: 0 });
    const { sessionsMean, ...errors } = summary.standardErrors;
    const [two, one] = [Math.sqrt((0.4 * 0.6) / 5), Math.sqrt((0.2 * 0.8) / 5)];
    expect(errors).toEqual({ promoted: two, held: two, aborted: one, promotedWrongly: one });
    // The squares of -11, -1, 9, -16 and 19 add up to 820.
    expect(sessionsMean).toBeCloseTo(Math.sqrt(820 / 5 / 5), 13);
  });

  it("counts sessions of all arms, of the challengers, and of those worse than the best", () => {
    const summary = summarise(SIMULATION, [SECOND, FIRST]);
    expect(summary).toMatchObject({ sessionsMean: 21, sessionsMedian: 20, sessionsP90: 40, unitsMean: 20.6 });
    expect(summary.challengerSessionsMean).toBe(59 / 5);
    expect(summary.worseArmSessionsMean).toBe((46 + 33) / 5);
    expect(summary.upliftAtPromotionMean).toBeCloseTo(0.15, 14);
  });

  it("no arm is worse where all are equal, the champion among the best", () => {
    const equal = createSimulation({ baseRate: 0.5, effect: [0, 0], share: 0.5 });
    expect(summarise(equal, [FIRST, SECOND]).worseArmSessionsMean).toBe(0);
    const worse = createSimulation({ baseRate: 0.5, effect: [-0.2, -0.1], share: 0.5 });
    expect(summarise(worse, [FIRST, SECOND]).worseArmSessionsMean).toBe(59 / 5);
  });

  it("the curve steps up where runs end: 61 points from 0 to the longest run", () => {
    const { curve } = summarise(SIMULATION, [FIRST, SECOND]);
    expect(curve).toHaveLength(61);
    expect(curve[0]).toEqual({ sessions: 0, promoted: 0, held: 0, aborted: 0 });
    expect(curve[60]).toEqual({ sessions: 40, promoted: 0.4, held: 0.4, aborted: 0.2 });
    for (const { sessions, ...part } of curve) {
      const by = (...ends: number[]): number => ends.filter((end) => end <= sessions + 1e-9).length / 5;
      expect(part).toEqual({ promoted: by(10, 40), held: by(20, 30), aborted: by(5) });
    }
  });

  it("a promotion of exactly minUplift is wrong, one of more is not", () => {
    const wronglyAt = (minUplift: number): number => {
      const policy = { kind: "threshold", minUplift } as const;
      const simulation = createSimulation({ baseRate: 0.6, effect: [0.05, 0.2], share: 0.5, policy });
      return summarise(simulation, [FIRST, SECOND]).promotedWrongly;
    };
    expect([0.04, 0.05, 0.2].map(wronglyAt)).toEqual([0, 0.2, 0.4]);
  });

  it("has no uplift without a promotion, and a median between two runs", () => {
    const held = runsOf(0, [
      [1, 0, 7, [1, 2, 4]],
      [2, 0, 9, [3, 3, 4]],
    ]);
    const summary = summarise(SIMULATION, [held]);
    expect(summary.upliftAtPromotionMean).toBeNull();
    expect(summary).toMatchObject({ sessionsMedian: 8.5, sessionsP90: 10 });
  });

  it("says which run is missing", () => {
    expect(() => summarise(SIMULATION, [FIRST, { ...SECOND, from: 4 }])).toThrow(
      "Run 3 is missing or doubled.",
    );
    expect(() => summarise(SIMULATION, [runsOf(0, [])])).toThrow("There is no run to sum up.");
  });
});

describe("standardErrorOf", () => {
  it("is that of a binomial fraction", () => {
    expect(standardErrorOf(0.5, 100)).toBe(0.05);
    expect(standardErrorOf(0.2, 64)).toBe(0.05);
    expect(standardErrorOf(1, 100)).toBe(0);
  });
});
