import { describe, expect, it } from "vitest";
import { betaCdf } from "../../../../src/core/numeric/beta.js";
import { createRandom, type Random } from "../../../../src/core/random.js";
import {
  bestEffect,
  createWorld,
  sessionSource,
  type WorldInput,
} from "../../../../src/core/simulation/simulated-sessions.js";

/** Random numbers as given, one after the other. */
function scripted(...numbers: number[]): Random {
  const next = (): number => {
    const number = numbers.shift();
    if (number === undefined) throw new Error("more numbers taken than given");
    return number;
  };
  return { next, uint32: () => Math.floor(next() * 2 ** 32) };
}

/** One session of a world, from the numbers given. */
function sessionOf(input: WorldInput, shares: readonly number[], ...numbers: number[]) {
  return { ...sessionSource(createWorld(input), 10, scripted(...numbers))(shares) };
}

describe("a session, number by number", () => {
  it("is served by the challengers in order from 0 upwards, by the champion beyond", () => {
    const shares = [0.2, 0.1];
    const effect = [0, 0];
    const armAt = (point: number): number => sessionOf({ effect }, shares, point, 0.5).arm;
    expect([0, 0.19, 0.2, 0.29, 0.31, 0.99].map(armAt)).toEqual([1, 1, 2, 2, 0, 0]);
    expect(sessionOf({ effect }, [0, 0.5], 0, 0.5).arm).toBe(2);
  });

  it("succeeds below its arm's rate", () => {
    const scoreAt = (arm: 0 | 1, point: number) =>
      sessionOf({ baseRate: 0.4, effect: 0.3 }, [0.5], arm === 1 ? 0.1 : 0.9, point).score;
    expect([scoreAt(0, 0.39), scoreAt(0, 0.4), scoreAt(1, 0.69), scoreAt(1, 0.71)]).toEqual([1, 0, 1, 0]);
  });

  it("of three levels is the mean of two of the kind", () => {
    const scoreOf = (first: number, second: number) =>
      sessionOf({ baseRate: 0.4, outcomes: { kind: "levels" } }, [0.5], 0.9, first, second).score;
    expect([scoreOf(0.1, 0.1), scoreOf(0.1, 0.4), scoreOf(0.9, 0.1), scoreOf(0.4, 0.4)]).toEqual([
      1, 0.5, 0.5, 0,
    ]);
  });

  it("of a pool is one of its arm's scores, each as likely", () => {
    const outcomes = { kind: "pool", scores: [[0.1, 0.2, 0.3, 0.4], [1]] } as const;
    const scores = [0, 0.24, 0.25, 0.5, 0.99].map((at) => sessionOf({ outcomes }, [0.5], 0.9, at).score);
    expect(scores).toEqual([0.1, 0.1, 0.2, 0.3, 0.4]);
    expect(sessionOf({ outcomes }, [0.5], 0.1, 0.7).score).toBe(1);
  });

  it("of a Beta is the rate itself at 0 and 1, without a draw", () => {
    const outcomes = { kind: "beta", concentration: 4 } as const;
    expect(sessionOf({ baseRate: 0, outcomes }, [0.5], 0.9).score).toBe(0);
    expect(sessionOf({ baseRate: 1, outcomes }, [0.5], 0.9).score).toBe(1);
  });

  it("drifts by a tenth of the way with each of ten sessions", () => {
    const world = createWorld({ drift: { from: 0.2, to: 0.7 } });
    const scores = [0.21, 0.24, 0.29, 0.36, 0.39, 0.46, 0.49, 0.56, 0.59, 0.66, 0.69, 0.71, 0.69];
    const next = sessionSource(world, 10, scripted(...scores.flatMap((score) => [0.9, score])));
    // 0.2, 0.25, 0.3 ... 0.7, and then no further.
    expect(scores.map(() => next([0.5]).score)).toEqual([0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it("waits as its arm and its score say, a half being a success", () => {
    const delay = { champion: { success: 1, failure: 2 }, challenger: { success: 3, failure: 4 } };
    const delayOf = (arm: number, score: number): number =>
      sessionOf({ delay, outcomes: { kind: "pool", scores: [[score], [score]] } }, [0.5], arm ? 0.1 : 0.9, 0)
        .delay;
    expect([delayOf(0, 1), delayOf(0, 0), delayOf(1, 0.5), delayOf(1, 0.49)]).toEqual([1, 2, 3, 4]);
    expect(createWorld({ delay: 7 }).delay?.challenger).toEqual({ success: 7, failure: 7 });
    expect(createWorld({ delay: 0 }).delay).toBeNull();
    expect(createWorld().delay).toBeNull();
  });

  it("is missing by its arm's chance, and where only failures are, no success ever is", () => {
    const missing = { champion: 0.1, challenger: 0.3 };
    const scoreOf = (only: "all" | "failures" | undefined, arm: number, score: number, at: number) =>
      sessionOf(
        {
          missing: only === undefined ? missing : { ...missing, only },
          outcomes: { kind: "pool", scores: [[score], [score]] },
        },
        [0.5],
        arm ? 0.1 : 0.9,
        0,
        at,
      ).score;
    expect(scoreOf(undefined, 0, 1, 0.09)).toBeNull();
    expect(scoreOf(undefined, 0, 1, 0.1)).toBe(1);
    expect(scoreOf("all", 1, 1, 0.29)).toBeNull();
    expect(scoreOf("failures", 1, 0.49, 0.29)).toBeNull();
    expect(scoreOf("failures", 1, 0.5, 0)).toBe(0.5);
    expect(createWorld({ missing: 0.2 }).missing).toEqual({ champion: 0.2, challenger: 0.2, only: "all" });
    expect(createWorld({ missing: 0 }).missing).toBeNull();
  });

  it("takes the same numbers whatever the shares, so that policies see the same sessions", () => {
    const scoresOf = (share: number): number[] => {
      const next = sessionSource(createWorld({ missing: 0.2 }), 100, createRandom(5));
      return Array.from({ length: 100 }, () => next([share]).score ?? -1);
    };
    expect(scoresOf(0.1)).toEqual(scoresOf(0.9));
  });
});

describe("Beta scores", () => {
  // Shapes above and below 1: each sort is drawn in its own way.
  it.each([
    [0.3, 20],
    [0.6, 2.5],
    [0.2, 1],
  ])("of mean %d and a + b = %d follow their distribution (Kolmogorov's test of 30,000)", (mean, sum) => {
    const world = createWorld({ baseRate: mean, outcomes: { kind: "beta", concentration: sum } });
    const next = sessionSource(world, 100, createRandom(3));
    const draws = Array.from({ length: 30_000 }, () => next([0]).score as number).sort((p, q) => p - q);
    const [a, b] = [mean * sum, (1 - mean) * sum];
    const farthest = draws.reduce((most, x, k) => {
      const expected = betaCdf({ a, b, x });
      return Math.max(most, expected - k / 30_000, (k + 1) / 30_000 - expected);
    }, 0);
    // Exceeded by one sample in a hundred.
    expect(farthest * Math.sqrt(30_000)).toBeLessThan(1.63);
  });
});

describe("createWorld", () => {
  it("has one challenger as good as a champion of 0.6 unless told otherwise", () => {
    expect(createWorld()).toEqual({
      baseRate: 0.6,
      endRate: 0.6,
      effects: [0],
      outcomes: { kind: "binary" },
      delay: null,
      missing: null,
    });
    expect(createWorld({ drift: null, baseRate: 0.3 })).toMatchObject({ baseRate: 0.3, endRate: 0.3 });
    expect(createWorld({ drift: { from: 0.1, to: 0.4 } })).toMatchObject({ baseRate: 0.1, endRate: 0.4 });
  });

  it("takes what lies at the ends of the ranges", () => {
    for (const input of [
      { baseRate: 0, effect: 1 },
      { baseRate: 1, effect: -1 },
      { drift: { from: 0, to: 1 }, effect: 1 },
      { delay: 1e6 },
      { missing: 0.95 },
      { outcomes: { kind: "beta", concentration: 0.5 } },
      { outcomes: { kind: "beta", concentration: 1e6 } },
      { effect: Array(20).fill(0) },
      { outcomes: { kind: "pool", scores: Array(21).fill([0, 1]) } },
      // In doubles 0.3 - 0.1 - 0.2 is 3e-17 below 0.
      { baseRate: 0.3 - 0.1, effect: -0.2 },
    ] as WorldInput[])
      expect(() => createWorld(input), JSON.stringify(input)).not.toThrow();
  });

  it.each([
    [{ baseRate: -0.1 }, "baseRate must be a number in [0, 1]; received -0.1."],
    [{ baseRate: "0.5" as never }, 'baseRate must be a number in [0, 1]; received "0.5".'],
    [{ baseRate: 0.5, effect: -1.5 }, "effect must be a number in [-1, 1]; received -1.5."],
    [{ baseRate: 0.9, effect: 0.25 }, "baseRate + effect must be a rate in [0, 1]; received 1.15."],
    [{ baseRate: 0.5, effect: -0.75 }, "baseRate + effect must be a rate in [0, 1]; received -0.25."],
    [{ drift: { from: 0.5, to: 0.5 }, effect: -1.1 }, "effect must be a number in [-1, 1]; received -1.1."],
    [
      { effect: Array(21).fill(0) },
      "the number of challengers must be a whole number in [1, 20]; received 21.",
    ],
    [{ delay: 1e6 + 1 }, "delay must be a whole number in [0, 1000000]; received 1000001."],
    [
      { delay: { champion: { success: 1, failure: 1 }, challenger: { success: -1, failure: 1 } } },
      "delay must be a whole number in [0, 1000000]; received -1.",
    ],
    [
      { delay: { champion: { success: 1, failure: 0.5 }, challenger: { success: 1, failure: 1 } } },
      "delay must be a whole number in [0, 1000000]; received 0.5.",
    ],
    [{ missing: -0.1 }, "missing must be a number in [0, 0.95]; received -0.1."],
    [{ missing: { champion: 0, challenger: 0.96 } }, "missing must be a number in [0, 0.95]; received 0.96."],
    [
      { outcomes: { kind: "beta", concentration: 2e6 } as const },
      "concentration must be a number in [0.5, 1000000]; received 2000000.",
    ],
    [
      { outcomes: { kind: "pool", scores: Array(22).fill([1]) } as const },
      "the number of arms with recorded scores must be a whole number in [2, 21]; received 22.",
    ],
    [
      { outcomes: { kind: "pool", scores: [[1], [-0.5]] } as const },
      "a recorded score must be a number in [0, 1]; received -0.5.",
    ],
  ] as [WorldInput, string][])("says of %j what is wrong", (input, message) => {
    expect(() => createWorld(input)).toThrow(message);
  });

  it("asks for at least one recorded score of each arm", () => {
    const outcomes = { kind: "pool", scores: [[1], []] } as const;
    expect(() => createWorld({ outcomes })).toThrow(
      /^recorded scores must be a list of at least one score; received /,
    );
  });
});

describe("bestEffect", () => {
  it("is the larger of the start's and the end's, held to [0, 1]", () => {
    const best = (from: number, to: number, effect: number): number =>
      bestEffect(createWorld({ drift: { from, to }, effect }), effect);
    expect(best(0.5, 0.9, 0.25)).toBe(0.25);
    expect(best(0.9, 0.5, 0.25)).toBe(0.25);
    expect(best(0.75, 0.875, 0.5)).toBe(0.25);
    expect(best(0.125, 0.75, -0.5)).toBe(-0.125);
    expect(best(0.75, 0.125, -0.5)).toBe(-0.125);
  });
});
