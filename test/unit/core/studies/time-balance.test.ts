import { describe, expect, it } from "vitest";
import { createRandom } from "../../../../src/core/random.js";
import { type TimedScore, timeBalance } from "../../../../src/core/studies/time-balance.js";

const at = (arm: 0 | 1, startedAtMs: number, score = 1): TimedScore => ({ arm, startedAtMs, score });
const ofBoth = (count: number, of: (i: number) => TimedScore) =>
  Array.from({ length: count }, (_, i) => of(i));

describe("the balance of two arms over time", () => {
  it("is none while an arm is empty", () => {
    expect(timeBalance([])).toBeNull();
    expect(timeBalance([at(0, 1)])).toBeNull();
    expect(timeBalance([at(1, 1)])).toBeNull();
  });

  it("says that one arm came after the other, and then tells no difference of the same time", () => {
    const after = ofBoth(200, (i) => at(i < 100 ? 0 : 1, i));
    expect(timeBalance(after)).toEqual({
      overlap: 0,
      laterProbability: 1,
      difference: null,
      differenceInterval: null,
    });
    const before = ofBoth(200, (i) => at(i < 100 ? 1 : 0, i));
    expect(timeBalance(before)).toMatchObject({ overlap: 0, laterProbability: 0 });
  });

  it("says that they ran side by side", () => {
    const balance = timeBalance(ofBoth(200, (i) => at((i % 2) as 0 | 1, Math.floor(i / 2))));
    expect(balance?.overlap).toBe(1);
    expect(balance?.laterProbability).toBe(0.5);
  });

  it("does not depend on the order the sessions are given in", () => {
    const scores = ofBoth(100, (i) => at(((i * 7) % 3 ? 0 : 1) as 0 | 1, i, i % 2));
    expect(timeBalance([...scores].reverse())).toEqual(timeBalance(scores));
  });

  it("keeps sessions of one moment in one slice", () => {
    expect(timeBalance(ofBoth(40, (i) => at(i < 20 ? 0 : 1, 5)))).toMatchObject({
      overlap: 1,
      laterProbability: 0.5,
    });
  });

  it("takes what changed with time out of the difference", () => {
    // Everything gets better over time, the arms do not differ, and the challenger has most of the late sessions.
    const random = createRandom(3);
    const scores = ofBoth(20_000, (i) => {
      const time = i / 20_000;
      const arm = random.next() < time ? 1 : 0;
      return at(arm, i, random.next() < 0.2 + 0.6 * time ? 1 : 0);
    });
    const naive = (arm: 0 | 1) => {
      const own = scores.filter((each) => each.arm === arm);
      return own.reduce((sum, { score }) => sum + score, 0) / own.length;
    };
    const balance = timeBalance(scores);
    expect(naive(1) - naive(0)).toBeGreaterThan(0.15);
    expect(Math.abs(balance?.difference as number)).toBeLessThan(0.03);
    expect(balance?.overlap).toBeGreaterThan(0.5);
    expect(balance?.overlap).toBeLessThan(0.8);
    expect(balance?.laterProbability).toBeCloseTo(5 / 6, 1);
  });

  it("has an interval that holds the true difference as often as it says, and never one of no width", () => {
    let held = 0;
    const runs = 400;
    for (let seed = 0; seed < runs; seed += 1) {
      const random = createRandom(seed);
      const scores = ofBoth(200, (i) => {
        const arm = random.next() < 0.5 ? 1 : 0;
        return at(arm, i, random.next() < (arm ? 0.6 : 0.4) ? 1 : 0);
      });
      const [low, high] = timeBalance(scores)?.differenceInterval ?? [0, 0];
      if (low <= 0.2 && 0.2 <= high) held += 1;
    }
    // Three standard errors of the simulation below 95 %.
    expect(held / runs).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / runs));
    const [low, high] = timeBalance([at(0, 1), at(1, 1)])?.differenceInterval ?? [0, 0];
    expect(high - low).toBeGreaterThan(1);
    expect([low, high]).toEqual([Math.max(-1, low), Math.min(1, high)]);
  });
});
