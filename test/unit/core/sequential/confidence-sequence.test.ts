import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../../../src/core/random.js";
import {
  confidenceSequence,
  RunningConfidence,
} from "../../../../src/core/sequential/confidence-sequence.js";
import { eProcess } from "../../../../src/core/sequential/e-process.js";
import { SessionLog } from "../../../../src/core/sequential/session-log.js";

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

interface Drawn {
  readonly count: number;
  readonly seed: number;
  readonly horizon: number;
  readonly level: number;
  /** drawn from once at the start, then now and then */
  readonly shares: readonly number[];
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  count: fc.integer({ min: 0, max: 250 }),
  seed: fc.nat(),
  horizon: fc.integer({ min: 1, max: 400 }),
  level: fc.constantFrom(0.95, 0.5, 0.999, 1e-6),
  shares: fc.array(fc.double({ min: 0.05, max: 0.95, noNaN: true }), { minLength: 1, maxLength: 4 }),
});

/** Sessions whose share moves and whose rates drift, graded or not. */
function sessionsOf({ count, seed, shares }: Drawn) {
  const random = createRandom(seed);
  const rates = [random.next(), random.next()];
  const grades = random.next() < 0.5 ? 1 : 4;
  return Array.from({ length: count }, (_, i) => {
    const w = shares[Math.floor((i * shares.length) / count)] as number;
    const g = random.next() < w ? (1 as const) : (0 as const);
    const rate = (rates[g] as number) * (1 - i / (2 * count));
    return { g, y: random.next() < rate ? Math.ceil(random.next() * grades) / grades : 0, w };
  });
}

/** The definition, word by word: each shift from the outside inwards, each on all sessions. */
function byDefinition({ horizon, level }: Drawn, sessions: ReturnType<typeof sessionsOf>) {
  const data = {
    g: sessions.map(({ g }) => g),
    y: sessions.map(({ y }) => y),
    w: sessions.map(({ w }) => w),
  };
  const endOf = (direction: 1 | -1): number => {
    const plan = { alpha: (1 - level) / 2, horizon, planShare: 0.4, direction, data };
    let last = -direction;
    for (let step = 0; step < 400; step += 1) {
      const shift = direction * ((step - 200) / 200);
      if (eProcess({ ...plan, shift })[4] === 0) break;
      last = shift;
    }
    return last;
  };
  return [endOf(1), endOf(-1)];
}

describe("a running confidence sequence", () => {
  it("is the one by definition at every moment so far, however its sessions and its work were divided", () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5000 }), (...given) => {
        const [design, batch, steps] = given;
        const sessions = sessionsOf(design);
        const log = new SessionLog();
        const { horizon, level } = design;
        const running = new RunningConfidence({ level, horizon, planShare: 0.4 }, log);
        sessions.forEach((session, i) => {
          log.push(session);
          if (i % batch === 0) running.work(steps);
        });
        while (running.work(steps) === steps);
        for (const count of new Set([0, Math.floor(sessions.length / 3), sessions.length])) {
          expect(running.at(count)).toEqual(byDefinition(design, sessions.slice(0, count)));
        }
      }),
      { numRuns: 20 },
    );
  });

  it("takes no step twice: to follow a log costs what to read it at once does", () => {
    const sessions = sessionsOf({ count: 3000, seed: 8, horizon: 0, level: 0, shares: [0.5] });
    const plan = { level: 0.95, horizon: 3000, planShare: 0.5 };
    const workOf = (looks: number): number => {
      const log = new SessionLog();
      const running = new RunningConfidence(plan, log);
      let taken = 0;
      sessions.forEach((session, i) => {
        log.push(session);
        if ((i + 1) % (3000 / looks) === 0) taken += running.work(Number.POSITIVE_INFINITY);
      });
      expect(running.work(100)).toBe(0);
      return taken;
    };
    expect(workOf(300)).toBe(workOf(1));
    // As few as 40 passes, for 400 shifts: most are rejected early.
    expect(workOf(1)).toBeLessThan(40 * sessions.length);
  });

  it("gives no more work than it is asked for", () => {
    const log = new SessionLog();
    const running = new RunningConfidence({ level: 0.95, horizon: 100, planShare: 0.5 }, log);
    for (let i = 0; i < 100; i += 1) log.push({ g: i % 2 === 0 ? 1 : 0, y: 0.5, w: 0.5 });
    expect([running.work(150), running.work(0), running.work(1)]).toEqual([150, 0, 1]);
    expect(running.work(Number.POSITIVE_INFINITY)).toBeGreaterThan(0);
    expect(running.work(1)).toBe(0);
  });
});
