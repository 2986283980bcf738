import { describe, expect, it } from "vitest";
import { decide } from "../../../../src/core/decision/decide.js";
import { emptyEvidence, Folding, fold } from "../../../../src/core/decision/evidence.js";
import { probabilityBetterBy } from "../../../../src/core/decision/posterior.js";
import { createShareRule, startShares } from "../../../../src/core/decision/share-rule.js";
import { createRandom } from "../../../../src/core/random.js";
import {
  createSimulation,
  ENDINGS,
  runSeed,
  type SimulationInput,
  simulateRuns,
} from "../../../../src/core/simulation/simulate.js";
import { probabilitiesOf } from "../../../../src/core/simulation/simulated-probability.js";
import {
  bestEffect,
  createWorld,
  sessionSource,
} from "../../../../src/core/simulation/simulated-sessions.js";
import { summarise } from "../../../../src/core/simulation/simulation-summary.js";

const run = (input: SimulationInput, runs = 40): ReturnType<typeof summarise> => {
  const simulation = createSimulation(input);
  return summarise(simulation, [simulateRuns(simulation, 0, runs)]);
};

const small = (extra: object = {}): SimulationInput["policy"] => ({ horizon: 200, ...extra });

/** MurmurHash3's finaliser once more, in whole numbers of any size. */
function finalised(value: bigint): bigint {
  const [mask, word] = [0xffff_ffffn, value & 0xffff_ffffn];
  const first = ((word ^ (word >> 16n)) * 0x85eb_ca6bn) & mask;
  const second = ((first ^ (first >> 13n)) * 0xc2b2_ae35n) & mask;
  return second ^ (second >> 16n);
}

describe("runSeed", () => {
  it("has the hash of the run in its low half, published values of which are known", () => {
    expect(runSeed(0, 0) % 2 ** 32).toBe(0);
    expect(runSeed(0, 1) % 2 ** 32).toBe(0x514e28b7);
    expect(runSeed(0, 2) % 2 ** 32).toBe(0x30f4c306);
  });

  it("hashes both halves of the seed into both of its own", () => {
    for (const seed of [0, 1, 2 ** 31, 2 ** 32, 3 * 2 ** 40 + 5, Number.MAX_SAFE_INTEGER])
      for (const run of [0, 1, 77, 2 ** 31, 2 ** 32 - 1]) {
        const low = finalised(BigInt(run) + finalised(BigInt(seed)));
        const high = finalised(low ^ finalised((BigInt(seed) >> 32n) ^ 0x2545_f491n)) >> 11n;
        expect(runSeed(seed, run), `${seed}, ${run}`).toBe(Number((high << 32n) + low));
      }
  });

  it("differs from run to run and from seed to seed, and is one that a stream takes", () => {
    const seeds = [0, 1, 2 ** 32, 2 ** 33].flatMap((seed) =>
      Array.from({ length: 1000 }, (_, run) => runSeed(seed, run)),
    );
    expect(new Set(seeds).size).toBe(4000);
    for (const seed of seeds) expect(() => createRandom(seed)).not.toThrow();
  });
});

describe("simulateRuns", () => {
  const simulation = createSimulation({ policy: small(), effect: 0.1, share: 0.5 });

  it("gives the same, however the runs are divided", () => {
    const whole = simulateRuns(simulation, 0, 30);
    const parts = [
      simulateRuns(simulation, 17, 30),
      simulateRuns(simulation, 0, 5),
      simulateRuns(simulation, 5, 17),
    ];
    expect(summarise(simulation, parts)).toEqual(summarise(simulation, [whole]));
  });

  it("depends on the seed alone, in all of its bits", () => {
    const endsOf = (seed: number): number[] => [
      ...simulateRuns(createSimulation({ seed, policy: small() }), 0, 20).units,
    ];
    expect(endsOf(3)).toEqual(endsOf(3));
    expect(endsOf(3)).not.toEqual(endsOf(4));
    expect(endsOf(3)).not.toEqual(endsOf(3 + 2 ** 40));
  });

  it.each(["calibrated", "threshold"] as const)(
    "ends where fold and decide end by themselves: %s",
    (kind) => {
      const simulation = createSimulation({
        policy: { kind, horizon: 200 },
        share: 0.5,
        effect: 0.1,
        seed: 9,
      });
      const { policy, world } = simulation;
      const runs = simulateRuns(simulation, 0, 8);
      for (let run = 0; run < 8; run++) {
        const terms = { policy, planShares: [0.5] };
        let evidence = emptyEvidence(terms);
        const next = sessionSource(world, policy.horizon, createRandom(runSeed(9, run)));
        const ruling = (): ReturnType<typeof decide> =>
          decide({ ...terms, promotion: "auto", evidence, isExpired: false });
        while (ruling().verdict === "continue") {
          const { arm, score } = next([0.5]);
          evidence = fold(evidence, { arm, score, shares: [0.5] }, terms);
        }
        expect(runs.units[run]).toBe(evidence.index);
        expect([...runs.armSessions.slice(2 * run, 2 * run + 2)]).toEqual(
          evidence.arms.map((arm) => arm.count),
        );
        expect(ruling()).toMatchObject(ENDINGS[runs.endings[run]!]!);
        const [champion, challenger] = evidence.arms.map(({ sum, count }) => sum / count) as [number, number];
        const uplift = runs.promoted[run] === 1 ? challenger - champion : Number.NaN;
        expect(runs.uplifts[run]).toBe(uplift);
      }
    },
  );

  it("tells after each run", () => {
    let told = 0;
    simulateRuns(simulation, 3, 8, () => {
      told += 1;
    });
    expect(told).toBe(5);
  });

  it("assigns by the share and counts every session", () => {
    const { sessionsMean, challengerSessionsMean, unitsMean } = run(
      { policy: small({ futility: null }), share: 0.3 },
      200,
    );
    expect(unitsMean).toBe(sessionsMean);
    expect(challengerSessionsMean / sessionsMean).toBeCloseTo(0.3, 1);
  });

  it("promotes what is far better, and aborts what is far worse, early", () => {
    const better = run({ policy: small(), baseRate: 0.2, effect: 0.7, share: 0.5 });
    expect(better).toMatchObject({ promoted: 1, promotedWrongly: 0 });
    expect(better.sessionsMean).toBeLessThan(60);
    expect(better.upliftAtPromotionMean).toBeGreaterThan(0.5);
    const worse = run({ policy: small(), baseRate: 0.9, effect: -0.8, share: 0.5 });
    expect(worse.promoted).toBe(0);
    expect(worse.aborted).toBeGreaterThan(0.5);
    expect(worse.upliftAtPromotionMean).toBeNull();
  });

  it("the plain rule promotes an equal challenger more often than the calibrated one", () => {
    const promoted = (kind: "threshold" | "calibrated"): number =>
      run({ policy: { kind, horizon: 500 }, share: 0.5 }, 120).promoted;
    expect(promoted("threshold")).toBeGreaterThan(0.15);
    expect(promoted("calibrated")).toBeLessThan(0.1);
  });

  it("late scores change when it is decided, not what, under a fixed share", () => {
    const now = run({ policy: small(), effect: 0.1 });
    const late = run({ policy: small(), effect: 0.1, delay: 30 });
    expect(late).toMatchObject({ promoted: now.promoted, held: now.held, unitsMean: now.unitsMean });
    expect(late.sessionsMean).toBe(now.sessionsMean + 30);
  });

  it("each score waits for every earlier session", () => {
    const delay = { champion: { success: 0, failure: 0 }, challenger: { success: 0, failure: 100 } };
    const { unitsMean, sessionsMean, ...late } = run({ policy: small(), effect: 0.1, delay });
    const now = run({ policy: small(), effect: 0.1 });
    expect(late).toMatchObject({ promoted: now.promoted, held: now.held });
    expect(unitsMean).toBe(now.unitsMean);
    expect(sessionsMean).toBeGreaterThan(now.sessionsMean + 20);
  });

  it("missing scores are not folded, and a difference in missingness aborts", () => {
    const both = run({ policy: small({ futility: null }), missing: 0.5 });
    expect(both.sessionsMean / both.unitsMean).toBeCloseTo(2, 0);
    const missing = { champion: 0, challenger: 0.9, only: "failures" } as const;
    expect(run({ policy: small(), share: 0.5, baseRate: 0.3, missing }).reasons.srm).toBeGreaterThan(0.9);
  });

  it.each(["calibrated", "threshold"] as const)(
    "several challengers: the better one is promoted by %s",
    (kind) => {
      const policy = { kind, horizon: 1000 };
      const summary = run({ policy, baseRate: 0.3, effect: [0, 0.5, -0.3], share: 0.75 });
      expect(summary.promoted - summary.promotedWrongly).toBeGreaterThan(0.8);
      expect(summary.worseArmSessionsMean).toBeGreaterThan(0);
    },
  );

  it("a challenger that is out leaves its share to the champion", () => {
    const input = { policy: { horizon: 4000, futility: null }, share: 0.6, baseRate: 0.5, effect: [-0.5, 0] };
    const { sessionsMean, challengerSessionsMean } = run(input, 10);
    expect(challengerSessionsMean / sessionsMean).toBeLessThan(0.4);
  });

  it("moves the share by its rule", () => {
    const part = (share: "ramp" | "adaptive", effect: number): number => {
      const policy = { horizon: 400, futility: null };
      const summary = run({ policy, share, effect, tickEvery: 10 }, 20);
      return summary.challengerSessionsMean / summary.sessionsMean;
    };
    // It starts at 0.05 and has a quarter of the horizon for each of 0.1, 0.25 and 0.5, unless it waits.
    expect(part("ramp", 0)).toBeGreaterThan(0.15);
    expect(part("ramp", 0)).toBeLessThan(0.225);
    expect(part("ramp", -0.2)).toBeLessThan(part("ramp", 0));
    expect(part("adaptive", 0.15)).toBeGreaterThan(part("adaptive", -0.15) + 0.1);
  });

  it("looks at the share after every so many sessions only", () => {
    const adaptive = { policy: small({ futility: null }), share: "adaptive", effect: 0.1 } as const;
    const [start] = startShares(createShareRule("adaptive", 200), 1) as [number];
    const armsOf = (input: SimulationInput): number[] => [
      ...simulateRuns(createSimulation(input), 0, 10).armSessions,
    ];
    // Never looked at within 200 sessions, the share stays what it was.
    const unmoved = armsOf({ ...adaptive, share: start });
    expect(armsOf({ ...adaptive, tickEvery: 200 })).toEqual(unmoved);
    expect(armsOf({ ...adaptive, tickEvery: 100 })).not.toEqual(unmoved);
  });

  it("refuses settings out of range, by name", () => {
    const code = (error: string, field?: string): unknown =>
      expect.objectContaining({ code: error, ...(field && { details: expect.objectContaining({ field }) }) });
    expect(() => createSimulation({ seed: -1 })).toThrow(code("settings_invalid", "seed"));
    expect(() => createSimulation({ tickEvery: 0 })).toThrow(code("settings_invalid", "tickEvery"));
    expect(() => createSimulation({ policy: { horizon: 1e8 } })).toThrow(code("settings_invalid", "horizon"));
    expect(() => createSimulation({ policy: { tau: 1 } })).toThrow(code("policy_invalid"));
    expect(() => createSimulation({ share: 0.001 })).toThrow(code("share_out_of_range"));
  });
});

describe("probabilities through an experiment", () => {
  const graded = { kind: "beta", concentration: 4 } as const;

  it("where the normal approximation is clear, nothing else is computed, and nothing else is decided", () => {
    for (const input of [
      { outcomes: graded },
      { outcomes: { kind: "levels" }, policy: { kind: "threshold", horizon: 150, tau: 0.99 } },
      { policy: { kind: "threshold", horizon: 150, minUplift: 0.03 } },
    ] as SimulationInput[]) {
      const simulation = createSimulation({
        policy: { kind: "threshold", horizon: 150 },
        share: 0.5,
        effect: 0.05,
        ...input,
      });
      const { policy, world } = simulation;
      const terms = { policy, planShares: [0.5] };
      for (let seed = 0; seed < 2; seed++) {
        const folding = new Folding(emptyEvidence(terms), terms);
        const { evidence } = folding;
        const { add, decisive } = probabilitiesOf(simulation, evidence);
        const facts = { ...terms, promotion: "auto", evidence, isExpired: false } as const;
        const next = sessionSource(world, policy.horizon, createRandom(seed));
        for (let i = 0; i < 150; i++) {
          const { arm, score } = next([0.5]);
          const unit = { arm, score, shares: [0.5] };
          folding.add(unit);
          add(unit);
          expect(decide({ ...facts, probability: decisive })).toEqual(decide(facts));
        }
      }
    }
  });

  it("are the normal approximation's where it is clear, P itself where it is not", () => {
    const simulation = createSimulation({ policy: { kind: "threshold", horizon: 150 }, outcomes: graded });
    const terms = { policy: simulation.policy, planShares: [0.2] };
    const folding = new Folding(emptyEvidence(terms), terms);
    const { evidence } = folding;
    const { decisive } = probabilitiesOf(simulation, evidence);
    const added = (challenger: number, champion: number): readonly [number, number] => {
      folding.add({ arm: 1, score: challenger, shares: [0.2] });
      folding.add({ arm: 0, score: champion, shares: [0.2] });
      return [decisive?.(0) as number, probabilityBetterBy(evidence, simulation.policy, 0, 0)];
    };
    for (const challenger of [0.7, 0.8]) {
      const [decided, exact] = added(challenger, 0.4);
      expect(decided).not.toBe(exact);
      expect(Math.abs(decided - exact)).toBeLessThan(0.02);
    }
    for (let i = 0; i < 30; i++) added(0.9 + 0.003 * i, 0.1);
    const [decided, exact] = added(0.9, 0.1);
    expect(decided).toBe(exact);
    expect(exact).toBeGreaterThan(0.99);
  });

  it("are left to the decision where it seldom asks", () => {
    const simulation = createSimulation();
    const terms = { policy: simulation.policy, planShares: [0.2] };
    const { add, decisive, better } = probabilitiesOf(simulation, emptyEvidence(terms));
    add({ arm: 0, score: 1, shares: [0.2] });
    expect(decisive).toBeUndefined();
    expect(better).toBeUndefined();
  });

  it("pools of zeros and ones are as fast as binary outcomes", () => {
    const pools = (scores: number[][]): SimulationInput => ({
      policy: "threshold",
      outcomes: { kind: "pool", scores },
    });
    const kinds = [
      [
        [0, 1],
        [1, 1],
      ],
      [[0, 1], [0.5]],
      [
        [0, 1],
        [0.5, 1],
      ],
    ].map((scores) => {
      const simulation = createSimulation(pools(scores));
      const terms = { policy: simulation.policy, planShares: [0.2] };
      return probabilitiesOf(simulation, emptyEvidence(terms)).better !== undefined;
    });
    expect(kinds).toEqual([true, false, false]);
  });

  it("a missing score changes none", () => {
    const simulation = createSimulation({ share: "adaptive" });
    const terms = { policy: simulation.policy, planShares: [0.2] };
    const { add, better } = probabilitiesOf(simulation, emptyEvidence(terms));
    add({ arm: 1, score: null, shares: [0.2] });
    expect(better?.(0)).toBe(0.5);
  });
});

describe("summarise", () => {
  const simulation = createSimulation({ policy: { horizon: 100, futility: null }, share: 0.5 });

  it("gives fractions, their errors, and quantiles of the sessions", () => {
    const runs = simulateRuns(simulation, 0, 51);
    const summary = summarise(simulation, [runs]);
    expect(summary.promoted + summary.held + summary.aborted).toBeCloseTo(1, 12);
    const { promoted, standardErrors } = summary;
    expect(standardErrors.promoted).toBeCloseTo(Math.sqrt((promoted * (1 - promoted)) / 51), 12);
    const sorted = [...runs.units].sort((a, b) => a - b);
    expect(summary.sessionsMedian).toBe(sorted[25]);
    expect(summary.sessionsP90).toBe(sorted[45]);
    expect(summary.sessionsMean).toBeCloseTo(sorted.reduce((a, b) => a + b, 0) / 51, 10);
    expect(Object.values(summary.reasons).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });

  it("the median of an even number of runs lies between the two in the middle", () => {
    const runs = simulateRuns(simulation, 0, 50);
    const sorted = [...runs.units].sort((a, b) => a - b);
    expect(summarise(simulation, [runs]).sessionsMedian).toBe(
      ((sorted[24] as number) + (sorted[25] as number)) / 2,
    );
  });

  it("the curve rises to where the runs end", () => {
    const { curve, promoted, held, aborted } = run({ policy: small(), effect: 0.2, share: 0.5 });
    expect(curve[0]).toEqual({ sessions: 0, promoted: 0, held: 0, aborted: 0 });
    expect(curve.at(-1)).toMatchObject({ promoted, held, aborted });
    for (let i = 1; i < curve.length; i++)
      expect(curve[i]!.promoted).toBeGreaterThanOrEqual(curve[i - 1]!.promoted);
  });

  it("a promotion is wrong unless the challenger is better by more than minUplift", () => {
    const far = { baseRate: 0.2, share: 0.5 } as const;
    expect(run({ ...far, effect: 0.6, policy: small() })).toMatchObject({ promotedWrongly: 0 });
    const wrong = run(
      { ...far, effect: 0.3, policy: { kind: "threshold", horizon: 200, minUplift: 0.3 } },
      100,
    );
    expect(wrong.promotedWrongly).toBe(wrong.promoted);
    expect(wrong.promoted).toBeGreaterThan(0.05);
  });

  it("refuses runs that are missing, doubled or none", () => {
    const [first, second] = [simulateRuns(simulation, 0, 2), simulateRuns(simulation, 2, 4)];
    const broken = expect.objectContaining({ code: "invariant_violated" });
    expect(() => summarise(simulation, [second])).toThrow(broken);
    expect(() => summarise(simulation, [first, first])).toThrow(broken);
    expect(() => summarise(simulation, [])).toThrow(broken);
  });
});

describe("simulated sessions", () => {
  const drawn = (
    input: Parameters<typeof createWorld>[0],
    count = 8000,
    horizon = count,
  ): { arm: number; score: number }[] => {
    const next = sessionSource(createWorld(input), horizon, createRandom(11));
    return Array.from({ length: count }, () => {
      const { arm, score } = next([0.25]);
      return { arm, score: score ?? Number.NaN };
    });
  };
  const momentsOf = (scores: number[]): [number, number] => {
    const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
    return [mean, scores.reduce((a, b) => a + (b - mean) ** 2, 0) / scores.length];
  };
  const scoresOf = (sessions: { arm: number; score: number }[], arm: number): number[] =>
    sessions.filter((session) => session.arm === arm).map((session) => session.score);

  it("binary scores have the rates of their arms", () => {
    const sessions = drawn({ baseRate: 0.7, effect: -0.2 });
    expect(scoresOf(sessions, 1).length / 8000).toBeCloseTo(0.25, 1);
    expect(momentsOf(scoresOf(sessions, 0))[0]).toBeCloseTo(0.7, 1);
    expect(momentsOf(scoresOf(sessions, 1))[0]).toBeCloseTo(0.5, 1);
  });

  it.each([0.6, 0.1])(
    "Beta scores have mean %d and variance mean (1 - mean)/(concentration + 1)",
    (baseRate) => {
      const [mean, variance] = momentsOf(
        scoresOf(drawn({ baseRate, outcomes: { kind: "beta", concentration: 4 } }), 0),
      );
      expect(Math.abs(mean - baseRate)).toBeLessThan(0.01);
      expect(Math.abs(variance - (baseRate * (1 - baseRate)) / 5)).toBeLessThan(0.003);
    },
  );

  it("Beta scores stay in [0, 1], however sharp they are or near the ends their mean", () => {
    for (const baseRate of [0, 0.001, 0.999, 1]) {
      const scores = scoresOf(drawn({ baseRate, outcomes: { kind: "beta", concentration: 0.5 } }, 4000), 0);
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
      expect(momentsOf(scores)[0]).toBeCloseTo(baseRate, 1);
    }
  });

  it("scores of three levels have half the variance of binary ones", () => {
    const scores = scoresOf(drawn({ baseRate: 0.6, outcomes: { kind: "levels" } }), 0);
    expect(new Set(scores)).toEqual(new Set([0, 0.5, 1]));
    expect(momentsOf(scores)[1]).toBeCloseTo(0.12, 2);
  });

  it("recorded scores are drawn with replacement, and say what the effect is", () => {
    const scores = [
      [0, 1, 1],
      [0.25, 0.75],
    ];
    const world = createWorld({ outcomes: { kind: "pool", scores } });
    expect(world.baseRate).toBeCloseTo(2 / 3, 12);
    expect(world.effects[0]).toBeCloseTo(0.5 - 2 / 3, 12);
    const sessions = drawn({ outcomes: { kind: "pool", scores } }, 4000);
    expect(new Set(scoresOf(sessions, 1))).toEqual(new Set([0.25, 0.75]));
    expect(momentsOf(scoresOf(sessions, 0))[0]).toBeCloseTo(2 / 3, 1);
  });

  it("a drifting rate moves evenly to the horizon and stays there; the effect is kept as far as it can be", () => {
    const sessions = drawn({ drift: { from: 0, to: 1 }, effect: 0.5 }, 16_000, 8000);
    const part = (from: number, to: number, arm: number): number =>
      momentsOf(scoresOf(sessions.slice(from, to), arm))[0];
    expect(part(0, 800, 0)).toBeCloseTo(0.05, 1);
    expect(part(3600, 4400, 0)).toBeCloseTo(0.5, 1);
    expect(part(8000, 16_000, 0)).toBe(1);
    expect(part(0, 800, 1)).toBeCloseTo(0.55, 1);
    expect(part(4000, 16_000, 1)).toBe(1);
    expect(bestEffect(createWorld({ drift: { from: 0.9, to: 1 }, effect: 0.5 }), 0.5)).toBeCloseTo(0.1, 12);
  });

  it("scores are missing by chance, or only those of failures", () => {
    const missingIn = (scores: number[]): number => scores.filter(Number.isNaN).length / scores.length;
    const all = drawn({ missing: { champion: 0.1, challenger: 0.4 } });
    expect(missingIn(scoresOf(all, 0))).toBeCloseTo(0.1, 1);
    expect(missingIn(scoresOf(all, 1))).toBeCloseTo(0.4, 1);
    const failures = drawn({ baseRate: 0.5, missing: { champion: 0.9, challenger: 0, only: "failures" } });
    expect(missingIn(scoresOf(failures, 0))).toBeCloseTo(0.45, 1);
    expect(scoresOf(failures, 0).filter((score) => score === 1).length).toBeGreaterThan(2000);
  });

  it.each([
    [{ baseRate: 1.1 }, "baseRate"],
    [{ baseRate: Number.NaN }, "baseRate"],
    [{ baseRate: 0.9, effect: 0.2 }, "baseRate + effect"],
    [{ baseRate: 0.1, effect: -0.2 }, "baseRate + effect"],
    [{ effect: 2 }, "effect"],
    [{ effect: [] }, "the number of challengers"],
    [{ drift: { from: -1, to: 0.5 } }, "drift.from"],
    [{ drift: { from: 0.5, to: 2 } }, "drift.to"],
    [{ delay: 0.5 }, "delay"],
    [{ delay: -1 }, "delay"],
    [{ missing: 0.96 }, "missing"],
    [{ outcomes: { kind: "beta", concentration: 0 } }, "concentration"],
    [{ outcomes: { kind: "pool", scores: [[1]] } }, "the number of arms with recorded scores"],
    [{ outcomes: { kind: "pool", scores: [[1], []] } }, "recorded scores"],
    [{ outcomes: { kind: "pool", scores: [[1], [2]] } }, "a recorded score"],
  ] as const)("refuses %j", (input, field) => {
    const wanted = { code: "settings_invalid", details: expect.objectContaining({ field }) };
    expect(() => createWorld(input)).toThrow(expect.objectContaining(wanted));
  });
});
