import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../../../src/core/decision/evaluation.js";
import { emptyEvidence, type FoldInput, Folding } from "../../../../src/core/decision/evidence.js";
import { DEFAULT_POLICY } from "../../../../src/core/decision/policy.js";
import type { Terms } from "../../../../src/core/decision/terms.js";
import {
  RunningTrajectory,
  type Trajectory,
  type TrajectoryPoint,
  type TrajectoryUnit,
  trajectoryOf,
} from "../../../../src/core/decision/trajectory.js";
import { UpliftLog, upliftLogOf } from "../../../../src/core/decision/uplift-log.js";
import { createRandom } from "../../../../src/core/random.js";
import { drawnArm, foldAll, simulatedContest, simulatedUnits, termsOf } from "../../../support/evidence.js";

/** Units with sequences that leave gaps, as those of a database do. */
const inLog = (units: readonly FoldInput[]): TrajectoryUnit[] =>
  units.map((unit, i) => ({ ...unit, seq: 3 * i + 5, startedAtMs: 1000 * i }));

const simulated = (count: number): TrajectoryUnit[] =>
  inLog(simulatedUnits({ count, share: 0.5, champion: 0.5, uplift: 0.1, seed: 4 }));

const indexes = ({ points }: Trajectory): number[] => points.map(({ index }) => index);

/** A point by the slow way: an evaluation of the units up to it. */
function slowly(units: readonly TrajectoryUnit[], terms: Terms, seq: number): TrajectoryPoint {
  const prefix = units.filter((unit) => unit.seq <= seq);
  const evaluation = evaluate({ ...terms, evidence: foldAll(prefix, terms), units: prefix });
  const comparisons = [evaluation, ...evaluation.others].sort((left, right) => left.arm - right.arm);
  const newest = prefix.at(-1) as TrajectoryUnit;
  return {
    index: evaluation.sessionCount,
    seq,
    startedAtMs: newest.startedAtMs ?? null,
    share: newest.shares.reduce((total, share) => total + share, 0),
    arms: evaluation.arms.map(({ arm, sessionCount, mean, interval }) => ({
      ...{ arm, sessionCount, mean, interval },
    })),
    perChallenger: comparisons.map((each) => ({
      arm: each.arm,
      logEPromote: each.logEPromote,
      logSupPromote: each.logSupPromote,
      logEHarm: each.logEHarm,
      logSupHarm: each.logSupHarm,
      probabilityBetter: each.probabilityBetter,
      upliftMean: each.upliftMean,
      upliftInterval: each.upliftInterval,
    })),
  };
}

describe("trajectoryOf", () => {
  it("is empty before the first unit, but has its lines", () => {
    const { logLinePromote, logLineHarm, points } = trajectoryOf({ ...termsOf(), units: [] });
    expect(points).toEqual([]);
    expect(logLinePromote).toBeCloseTo(Math.log(20), 14);
    expect(logLineHarm).toBeCloseTo(Math.log(10), 14);
  });

  it("has its levels from the policy, alpha divided among the challengers", () => {
    const terms = termsOf({ alpha: 0.02, alphaHarm: 0.3 }, [0.3, 0.3]);
    const { logLinePromote, logLineHarm } = trajectoryOf({ ...terms, units: [] });
    expect(logLinePromote).toBeCloseTo(Math.log(100), 14);
    expect(logLineHarm).toBeCloseTo(-Math.log(0.3), 14);
  });

  it("begins as its example says", () => {
    const units = [{ arm: 1, shares: [0.5], score: 1, seq: 7 }];
    const [point] = trajectoryOf({ policy: DEFAULT_POLICY, planShares: [0.5], units }).points;
    expect(point).toMatchObject({ index: 1, seq: 7, startedAtMs: null, share: 0.5 });
    expect(point?.perChallenger[0]?.upliftMean).toBeCloseTo(1 / 6, 14);
  });

  it("has a point for each unit of a small experiment, and few for one of 20,000, dense at the start", () => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128];
    const small = indexes(trajectoryOf({ ...termsOf(), units: simulated(9) }));
    expect(small).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const large = indexes(trajectoryOf({ ...termsOf({ horizon: 20_000 }), units: simulated(20_000) }));
    expect(large.slice(0, all.length)).toEqual(all);
    expect(large.at(-1)).toBe(20_000);
    expect(large.length).toBeGreaterThan(100);
    expect(large.length).toBeLessThan(200);
    const gaps = large.slice(1).map((index, i) => index - (large[i] as number));
    expect(Math.max(...gaps)).toBe(256);
  });

  it("leaves units without a score out, and ends with the last one that has one", () => {
    const units = simulated(40).map((unit, i) => (i % 3 === 0 || i > 30 ? { ...unit, score: null } : unit));
    const { points } = trajectoryOf({ ...termsOf(), units });
    const scored = units.filter(({ score }) => score !== null);
    expect(points.at(-1)).toMatchObject({ index: scored.length, seq: scored.at(-1)?.seq });
    for (const { index, seq } of points) expect(scored[index - 1]?.seq).toBe(seq);
  });
});

const contest = fc.record({
  count: fc.integer({ min: 1, max: 400 }),
  seed: fc.nat(),
  challengers: fc.integer({ min: 1, max: 2 }),
  horizon: fc.integer({ min: 20, max: 600 }),
  grades: fc.constantFrom(1, 4),
});

/** Units whose shares move, some without a score, some with graded ones. */
function unitsOf({ count, seed, challengers, grades }: ReturnType<typeof contest.generate>["value"]) {
  const random = createRandom(seed);
  const rates = [random.next(), random.next(), random.next()];
  let shares = Array.from({ length: challengers }, () => 0.3);
  return inLog(
    Array.from({ length: count }, () => {
      if (random.next() < 0.02) shares = shares.map(() => Math.floor(random.next() * 5) / 10);
      const arm = drawnArm(shares, random.next());
      const graded = Math.round(random.next() * grades) / grades;
      const score = random.next() < (rates[arm] as number) ? graded : 0;
      return { arm, shares, score: random.next() < 0.05 ? null : score };
    }),
  );
}

describe("a trajectory", () => {
  it("says at each point what an evaluation of the units up to it says, number for number", () => {
    fc.assert(
      fc.property(contest, (given) => {
        const units = unitsOf(given);
        const terms = termsOf({ horizon: given.horizon }, new Array(given.challengers).fill(0.3));
        const { points } = trajectoryOf({ ...terms, units });
        for (const point of [points[0], points[Math.floor(points.length / 2)], points.at(-1)])
          if (point) expect(point).toEqual(slowly(units, terms, point.seq));
      }),
      { numRuns: 25 },
    );
  });
});

describe("a running trajectory", () => {
  const terms = termsOf({ horizon: 500 }, [0.2, 0.3]);
  const units = inLog(
    simulatedContest({ count: 700, shares: [0.2, 0.3], rates: [0.5, 0.55, 0.6], seed: 12 }),
  );

  it("is the same however its units came, and whatever was asked of it on the way", () => {
    const running = new RunningTrajectory(terms);
    const log = new UpliftLog(terms);
    units.forEach((unit, i) => {
      running.add(unit);
      log.add(unit);
      if (i % 37 !== 0) return;
      while (!log.work(100));
      const soFar = units.slice(0, i + 1);
      if (i % 2 === 0) while (!running.work(log, 3));
      expect(running.trajectory(log)).toEqual(trajectoryOf({ ...terms, units: soFar }));
    });
  });

  it("works out as many points at a time as it is told to, each once", () => {
    const running = new RunningTrajectory(terms);
    for (const unit of units) running.add(unit);
    const log = upliftLogOf(units, terms);
    const { points } = running.trajectory(log);
    let turns = 1;
    while (!running.work(log, 10)) turns += 1;
    expect(turns).toBe(Math.ceil(points.length / 10));
    expect(running.trajectory(log).points[3]).toBe(running.trajectory(log).points[3]);
  });

  it("goes on under new terms where these were changed in flight", () => {
    const later = { ...terms, policy: { ...terms.policy, horizon: 300 } };
    const running = new RunningTrajectory(terms);
    const folding = new Folding(emptyEvidence(terms), terms);
    units.forEach((unit, i) => {
      if (i === 100) {
        running.setTerms(later);
        folding.setTerms(later);
      }
      running.add(unit);
      folding.add(unit);
    });
    const last = running.trajectory(upliftLogOf(units, terms)).points.at(-1) as TrajectoryPoint;
    const evaluation = evaluate({ ...later, startTerms: terms, evidence: folding.evidence, units });
    const same = last.perChallenger[evaluation.arm - 1]!;
    expect(evaluation).toMatchObject(same);
    expect(same.logEPromote).not.toBe(
      trajectoryOf({ ...terms, units }).points.at(-1)?.perChallenger[evaluation.arm - 1]?.logEPromote,
    );
  });
});
