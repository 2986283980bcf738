import { describe, expect, it } from "vitest";
import { eProcess } from "../../../src/core/e-process.js";
import { emptyEvidence, fold, missingLogE, srmLogE } from "../../../src/core/evidence.js";
import { createPolicy, DEFAULT_POLICY } from "../../../src/core/policy.js";
import { srmSequentialLogE } from "../../../src/core/srm.js";
import { foldAll, simulatedUnits } from "../../support/evidence.js";

const units = simulatedUnits({ count: 400, share: 0.3, champion: 0.5, uplift: 0.1, seed: 4 });

describe("fold", () => {
  it("keeps counts and sums per arm", () => {
    const evidence = foldAll(units, DEFAULT_POLICY, 0.3);
    for (const role of ["champion", "challenger"] as const) {
      const own = units.filter((unit) => unit.arm === role);
      const sum = own.reduce((total, unit) => total + unit.score!, 0);
      expect(evidence[role]).toEqual({ count: own.length, sum, sumSquares: sum, missingCount: 0 });
    }
    expect(evidence).toMatchObject({ index: 400, share: 0.3 });
  });

  it("drives both e-processes as the whole-run function does", () => {
    const policy = createPolicy({ minUplift: 0.02, harmMargin: 0.01 });
    const evidence = foldAll(units, policy, 0.3);
    const data = {
      g: units.map((unit) => (unit.arm === "challenger" ? 1 : 0)),
      y: units.map((unit) => unit.score!),
      w: units.map((unit) => unit.share),
    };
    const plan = { horizon: 2000, planShare: 0.3, data };
    const promote = eProcess({ ...plan, alpha: 0.05, direction: 1, shift: 0.02 });
    const harm = eProcess({ ...plan, alpha: 0.1, direction: -1, shift: -0.01 });
    expect([evidence.promote.logE, evidence.promote.logSup]).toEqual(promote.slice(0, 2));
    expect([evidence.harm.logE, evidence.harm.logSup]).toEqual(harm.slice(0, 2));
  });

  it("survives its storage as JSON, and folds on from there bit for bit", () => {
    const half = foldAll(units.slice(0, 200), DEFAULT_POLICY, 0.3);
    const stored = JSON.parse(JSON.stringify(half)) as typeof half;
    const resumed = units
      .slice(200)
      .reduce((evidence, unit) => fold(evidence, unit, DEFAULT_POLICY, 0.3), stored);
    expect(resumed).toEqual(foldAll(units, DEFAULT_POLICY, 0.3));
  });

  it("a missing unit moves the tests of ratio and missingness alone", () => {
    const before = foldAll(units.slice(0, 50), DEFAULT_POLICY, 0.3);
    const after = fold(before, { arm: "challenger", share: 0.3, score: null }, DEFAULT_POLICY, 0.3);
    expect(after.challenger).toEqual({ ...before.challenger, missingCount: 1 });
    const { challenger: _challenger, srm: _srm, missingMore: _more, missingLess: _less, ...rest } = after;
    expect(before).toMatchObject(rest);
    expect(after.srm.settled[1]).toBe(before.srm.settled[1] + 1);
  });
});

describe("srmLogE", () => {
  it("is the sequential test's while the share is constant, and sums over phases when it moves", () => {
    const evidence = foldAll(units, DEFAULT_POLICY, 0.3);
    const counts = [evidence.champion.count, evidence.challenger.count];
    const logE = srmSequentialLogE({ counts, shares: [0.7, 0.3], concentration: 100 });
    expect(srmLogE(evidence)).toBe(logE);
    const moved = fold(evidence, { arm: "champion", share: 0.5, score: 1 }, DEFAULT_POLICY, 0.3);
    const second = srmSequentialLogE({ counts: [1, 0], shares: [0.5, 0.5], concentration: 100 });
    expect(srmLogE(moved)).toBeCloseTo(logE + second, 12);
  });

  it("is 0 for an experiment planned with a share of 0, whatever its later shares", () => {
    expect(srmLogE(emptyEvidence(0))).toBe(0);
    const moved = fold(emptyEvidence(0), { arm: "champion", share: 0.2, score: 1 }, DEFAULT_POLICY, 0);
    expect(Number.isFinite(srmLogE(moved))).toBe(true);
    expect(Number.isFinite(moved.promote.logE)).toBe(true);
  });

  it("grows where the arms do not get their shares", () => {
    const skewed = simulatedUnits({ count: 1000, share: 0.5, champion: 0.5, uplift: 0, seed: 8 });
    const claimed = skewed.map((unit) => ({ ...unit, share: 0.3 }));
    expect(srmLogE(foldAll(claimed, DEFAULT_POLICY, 0.3))).toBeGreaterThan(Math.log(1000));
  });
});

describe("missingLogE", () => {
  it("is 0 while nothing is missing, small where it goes missing alike, large where it does not", () => {
    expect(missingLogE(foldAll(units, DEFAULT_POLICY, 0.3))).toBe(0);
    const alike = units.map((unit, index) => (index % 7 === 0 ? { ...unit, score: null } : unit));
    expect(missingLogE(foldAll(alike, DEFAULT_POLICY, 0.3))).toBeLessThan(Math.log(20));
    const unlike = units.map((unit) =>
      unit.arm === "challenger" && unit.score === 0 ? { ...unit, score: null } : unit,
    );
    expect(missingLogE(foldAll(unlike, DEFAULT_POLICY, 0.3))).toBeGreaterThan(Math.log(2000));
    const other = units.map((unit, index) =>
      unit.arm === "champion" && index % 2 ? { ...unit, score: null } : unit,
    );
    expect(missingLogE(foldAll(other, DEFAULT_POLICY, 0.3))).toBeGreaterThan(Math.log(2000));
  });
});
