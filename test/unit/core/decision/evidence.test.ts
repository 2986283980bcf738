import { describe, expect, it } from "vitest";
import {
  type ArmSummary,
  emptyEvidence,
  type FoldInput,
  fold,
  missingLogE,
  type PairState,
  srmLogE,
} from "../../../../src/core/decision/evidence.js";
import { eProcess } from "../../../../src/core/sequential/e-process.js";
import { srmSequentialLogE } from "../../../../src/core/sequential/srm.js";
import { foldAll, simulatedUnits, termsOf } from "../../../support/evidence.js";

const units = simulatedUnits({ count: 400, share: 0.3, champion: 0.5, uplift: 0.1, seed: 4 });
const TERMS = termsOf({}, [0.3]);

describe("fold", () => {
  it("keeps counts and sums per arm", () => {
    const evidence = foldAll(units, TERMS);
    for (const arm of [0, 1]) {
      const own = units.filter((unit) => unit.arm === arm);
      const sum = own.reduce((total, unit) => total + unit.score!, 0);
      const summary = { count: own.length, sum, sumSquares: sum, missingCount: 0, metrics: {} };
      expect(evidence.arms[arm]).toEqual(summary);
    }
    expect(evidence).toMatchObject({ index: 400, shares: [0.3], phaseCount: 400 });
  });

  it("drives both e-processes as the whole-run function does", () => {
    const evidence = foldAll(units, termsOf({ minUplift: 0.02, harmMargin: 0.01 }, [0.3]));
    const data = {
      g: units.map((unit) => unit.arm),
      y: units.map((unit) => unit.score!),
      w: units.map((unit) => unit.shares[0]!),
    };
    const plan = { horizon: 2000, planShare: 0.3, data };
    const promote = eProcess({ ...plan, alpha: 0.05, direction: 1, shift: 0.02 });
    const harm = eProcess({ ...plan, alpha: 0.1, direction: -1, shift: -0.01 });
    const pair = evidence.pairs[0] as PairState;
    expect([pair.promote.logE, pair.promote.logSup]).toEqual(promote.slice(0, 2));
    expect([pair.harm.logE, pair.harm.logSup]).toEqual(harm.slice(0, 2));
  });

  it("survives its storage as JSON, and folds on from there bit for bit", () => {
    const half = foldAll(units.slice(0, 200), TERMS);
    const stored = JSON.parse(JSON.stringify(half)) as typeof half;
    const resumed = units.slice(200).reduce((evidence, unit) => fold(evidence, unit, TERMS), stored);
    expect(resumed).toEqual(foldAll(units, TERMS));
  });

  it("a missing unit moves the tests of ratio and missingness alone", () => {
    const before = foldAll(units.slice(0, 50), TERMS);
    const after = fold(before, { arm: 1, shares: [0.3], score: null, metrics: { cost_usd: 1 } }, TERMS);
    expect(after.arms).toEqual([before.arms[0], { ...(before.arms[1] as ArmSummary), missingCount: 1 }]);
    const pair = before.pairs[0] as PairState;
    const { missingMore, missingLess, ...rest } = after.pairs[0] as PairState;
    expect(pair).toMatchObject(rest);
    expect(missingMore.logE).toBeGreaterThan(pair.missingMore.logE);
    expect(missingLess.logE).toBeLessThan(pair.missingLess.logE);
    expect(after.index).toBe(before.index);
    expect(after.phaseCount).toBe(before.phaseCount + 1);
    expect(after.srm.counts[1]).toBe(before.srm.counts[1]! + 1);
  });
});

describe("srmLogE", () => {
  it("is the sequential test's while the share is constant, and keeps what it learned when it moves", () => {
    const evidence = foldAll(units, TERMS);
    const counts = evidence.arms.map(({ count }) => count);
    const logE = srmSequentialLogE({ counts, shares: [0.7, 0.3], concentration: 100 });
    expect(Math.abs(srmLogE(evidence) - logE)).toBeLessThan(1e-10);
    // The next unit is forecast from the ratios so far: p = q (C + n r) over its sum.
    const moved = fold(evidence, { arm: 0, shares: [0.5], score: 1 }, TERMS);
    const weight = (arm: number, share: number) => 100 + counts[arm]! / share;
    const gain = Math.log(weight(0, 0.7) / ((weight(0, 0.7) + weight(1, 0.3)) / 2));
    expect(srmLogE(moved)).toBeCloseTo(logE + gain, 10);
    expect(moved.phaseCount).toBe(1);
  });

  it("is 0 for an experiment planned with a share of 0, whatever its later shares", () => {
    const none = termsOf({}, [0]);
    expect(srmLogE(emptyEvidence(none))).toBe(0);
    const moved = fold(emptyEvidence(none), { arm: 0, shares: [0.2], score: 1 }, none);
    expect(srmLogE(moved)).toBeCloseTo(0, 12);
    expect(Number.isFinite(moved.pairs[0]?.promote.logE)).toBe(true);
  });

  it("grows where the arms do not get their shares", () => {
    const skewed = simulatedUnits({ count: 1000, share: 0.5, champion: 0.5, uplift: 0, seed: 8 });
    const claimed = skewed.map((unit) => ({ ...unit, shares: [0.3] }));
    expect(srmLogE(foldAll(claimed, TERMS))).toBeGreaterThan(Math.log(1000));
  });
});

describe("missingLogE", () => {
  const logE = (given: readonly FoldInput[]) => missingLogE(foldAll(given, TERMS), 0);

  it("is 0 while nothing is missing, small where it goes missing alike, large where it does not", () => {
    expect(logE(units)).toBe(0);
    const alike = units.map((unit, index) => (index % 7 === 0 ? { ...unit, score: null } : unit));
    expect(logE(alike)).toBeLessThan(Math.log(20));
    const unlike = units.map((unit) =>
      unit.arm === 1 && unit.score === 0 ? { ...unit, score: null } : unit,
    );
    expect(logE(unlike)).toBeGreaterThan(Math.log(2000));
    const other = units.map((unit, index) => (unit.arm === 0 && index % 2 ? { ...unit, score: null } : unit));
    expect(logE(other)).toBeGreaterThan(Math.log(2000));
  });
});
