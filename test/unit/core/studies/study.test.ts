import { describe, expect, it } from "vitest";
import { createPolicy } from "../../../../src/core/decision/policy.js";
import { allAtOnce } from "../../../../src/core/steps.js";
import { RunningStudy, type StudiedSession } from "../../../../src/core/studies/study.js";

const CHAMPION = { arm: "champion", by: "git" } as const;
const CHALLENGER = { arm: "challenger", by: "tag" } as const;

let clock = 0;
const session = (score: number | null, more: Partial<StudiedSession> = {}): StudiedSession => ({
  ...{ unit: null, startedAtMs: clock++, isSettled: true, score, signals: [], durationMs: null },
  ...more,
});

const numbersOf = (study: RunningStudy) => allAtOnce(study.numbers());

describe("a study", () => {
  it("is observational, and empty to begin with", () => {
    const numbers = numbersOf(new RunningStudy(createPolicy()));
    expect(numbers).toMatchObject({
      kind: "observational",
      sessionCount: 0,
      difference: null,
      differenceInterval: null,
      time: null,
      cautions: [{ what: "few", value: 0 }],
    });
    expect(numbers.arms[0]).toEqual({
      ...{ role: "champion", count: 0, mean: null, interval: null, firstAtMs: null, lastAtMs: null },
    });
  });

  it("tells each arm's mean and interval, and the difference", () => {
    const study = new RunningStudy(createPolicy());
    for (let i = 0; i < 200; i += 1) {
      study.add(CHAMPION, session(i % 4 === 0 ? 1 : 0));
      study.add(CHALLENGER, session(i % 2));
    }
    const { arms, placed, difference, differenceInterval, cautions } = numbersOf(study);
    expect(arms.map(({ count, mean }) => [count, mean])).toEqual([
      [200, 0.25],
      [200, 0.5],
    ]);
    expect(placed).toEqual({ git: 200, tag: 200 });
    // Posterior means, of a uniform prior: 101/202 - 51/202.
    expect(difference).toBeCloseTo(50 / 202, 12);
    const [low, high] = differenceInterval as readonly [number, number];
    expect(low).toBeGreaterThan(0.14);
    expect(high).toBeLessThan(0.36);
    expect(arms[0].interval?.[0]).toBeLessThan(0.25);
    expect(cautions).toEqual([]);
  });

  it("says why a session is in no arm's numbers", () => {
    const study = new RunningStudy(createPolicy());
    study.add({ arm: null, excluded: "both" }, session(1));
    study.add({ arm: null, excluded: "git-unknown" }, session(1));
    study.add({ arm: null, excluded: "git-unknown" }, session(1));
    study.add(CHAMPION, session(null, { isSettled: false }));
    study.add(CHAMPION, session(null));
    study.add(CHAMPION, session(1));
    const { leftOut, cautions, sessionCount, placed } = numbersOf(study);
    expect(leftOut).toEqual({ both: 1, "git-unknown": 2, unsettled: 1, missing: 1 });
    expect(placed).toEqual({ git: 3 });
    expect(sessionCount).toBe(6);
    expect(cautions).toEqual([
      { what: "few", value: 0 },
      { what: "left-out", value: 5 / 6 },
      { what: "git-unknown", value: 2 },
    ]);
  });

  it("counts the first session of a unit in each arm, settled or not", () => {
    const study = new RunningStudy(createPolicy());
    study.add(CHAMPION, session(0, { unit: "ada" }));
    study.add(CHAMPION, session(1, { unit: "ada" }));
    study.add(CHALLENGER, session(1, { unit: "ada" }));
    study.add(CHALLENGER, session(null, { unit: "bob", isSettled: false }));
    study.add(CHALLENGER, session(1, { unit: "bob" }));
    const { arms, leftOut } = numbersOf(study);
    expect(arms.map(({ count, mean }) => [count, mean])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(leftOut).toEqual({ repeat: 2, unsettled: 1 });
  });

  it("warns of arms of different times with the overlap, and tells when each ran", () => {
    const study = new RunningStudy(createPolicy());
    for (let i = 0; i < 60; i += 1) study.add(CHAMPION, session(0, { startedAtMs: i }));
    for (let i = 0; i < 60; i += 1) study.add(CHALLENGER, session(1, { startedAtMs: 60 + i }));
    const { cautions, arms, time } = numbersOf(study);
    expect(cautions).toEqual([{ what: "time", value: 0 }]);
    expect(time?.laterProbability).toBe(1);
    expect(arms.map(({ firstAtMs, lastAtMs }) => [firstAtMs, lastAtMs])).toEqual([
      [0, 59],
      [60, 119],
    ]);
  });

  it("compares metrics with intervals and percentiles, and tells no chance of being better", () => {
    const study = new RunningStudy(
      createPolicy({ metrics: { tests_passed: { direction: "higher", kind: "real" } } }),
    );
    const signals = (cost: number, i: number) => [
      { name: "cost_usd", value: cost + (i % 10) / 1000, kind: null },
      { name: "tests_passed", value: i, kind: null },
    ];
    for (let i = 0; i < 100; i += 1) {
      study.add(CHAMPION, session(1, { signals: signals(0.02, i) }));
      study.add(CHALLENGER, session(1, { signals: signals(0.01, i) }));
    }
    const { cost_usd: cost, tests_passed: tests } = numbersOf(study).metrics;
    expect(cost).toMatchObject({ kind: "positive", direction: "lower", scale: "ratio" });
    expect(cost?.change).toBeLessThan(-0.3);
    expect(cost?.changeInterval?.[1]).toBeLessThan(-0.3);
    expect(cost?.champion?.p50).toBeCloseTo(0.0245, 2);
    expect(cost).not.toHaveProperty("probabilityBetter");
    expect(tests).toMatchObject({ kind: "real", direction: "higher", scale: "difference" });
    expect(tests?.change).toBeCloseTo(0, 6);
  });
});
