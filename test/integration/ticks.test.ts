/** Ticks that cost nothing where nothing is new, and schedulers that take turns. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "../../src/core/random.js";
import { seededIds } from "../../src/engine/environment.js";
import type { Store } from "../../src/engine/ports.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { playRates, type RateConfig } from "../support/contest.js";
import { engineOver, faultyStore } from "../support/engine.js";

const CHAMPION: RateConfig = { rate: 0.5 };
const SAME: RateConfig = { rate: 0.5000001 };

let test: TestEngine;

beforeEach(async () => {
  test = await createTestEngine({ seed: 5 });
});
afterEach(() => test.close());

describe("a tick over many experiments", () => {
  it("looks only at those in which something is new, and tells of all", async () => {
    let looks = 0;
    const { store } = await faultyStore((real) => ({
      experimentsByUids: (uids) => {
        looks += uids.length;
        return real.experimentsByUids(uids);
      },
    }));
    const { engine, clock } = await engineOver(async () => store);
    for (let i = 0; i < 5; i += 1) {
      const bot = await engine.project<RateConfig>(`p${i}`, { champion: CHAMPION });
      await bot.challenge(SAME, { share: 0.5 });
    }
    const first = await engine.decide();
    expect(first).toHaveLength(5);
    looks = 0;
    expect(await engine.decide()).toEqual(first);
    expect(looks).toBe(0);

    const bot = await engine.project<RateConfig>("p3");
    const session = await bot.session();
    await session.end({ score: 1 });
    const next = await engine.decide();
    expect(next.find(({ project }) => project === "p3")).toMatchObject({ sessionCount: 1 });
    expect(looks).toBe(1);
    looks = 0;
    expect(await engine.decide()).toEqual(next);
    expect(looks).toBe(0);

    // Time alone may decide too.
    clock.advance(1);
    await bot.pause({ reason: "x" });
    expect((await engine.decide()).map(({ project }) => project)).toEqual(["p0", "p1", "p2", "p4"]);
    await bot.resume({ reason: "x" });
    expect(await engine.decide()).toHaveLength(5);
    await engine.close();
  });

  it("asks the fuse where a challenger's session may have failed since, and nowhere else", async () => {
    const asked: number[] = [];
    const { store, real } = await faultyStore((open) => ({
      liveCounts: (id) => {
        asked.push(id);
        return open.liveCounts(id);
      },
    }));
    const { engine, clock } = await engineOver(async () => store);
    const ids = seededIds(createRandom(2), clock);
    const other = await engineOver(async () => real, { ids, clock });
    const options = { share: 0.5, policy: { fuse: { minSessions: 20, errorRate: 0.5 } } };
    const bots = await Promise.all(["p0", "p1"].map((key) => engine.project(key, { champion: CHAMPION })));
    for (const bot of bots) await bot.challenge(SAME, options);
    /** Sessions of another process, and signals of a third, whose own fuses know of nothing. */
    const play = async (key: string, failed: number) => {
      const bot = await other.engine.project<RateConfig>(key);
      for (let i = 0; i < 40; i += 1) {
        const session = await bot.session();
        const signal = {
          sessionId: session.id,
          key: "e",
          name: "error",
          value: failed,
          kind: null,
          source: null,
        };
        if (session.arm === "challenger") await real.addSignal({ ...signal, atMs: clock.now() });
        await session.end();
      }
    };
    await engine.decide();
    expect(asked).toHaveLength(2);
    await Promise.all(["p0", "p1"].map((key) => play(key, 0)));
    expect(await engine.decide()).toHaveLength(2);
    expect(asked).toHaveLength(2);
    await play("p1", 1);
    await play("p0", 0);
    const results = await engine.decide();
    expect(asked).toHaveLength(3);
    expect(results).toMatchObject([{ reason: "collecting" }, { verdict: "abort", reason: "fuse" }]);
    await other.engine.close();
    await engine.close();
  });

  it("sees a maximum duration that is over, though nothing else has happened", async () => {
    const bot = await test.engine.project<RateConfig>("support", { champion: CHAMPION });
    await bot.challenge(SAME, { share: 0.5, policy: { maxDurationMs: 86_400_000 } });
    await test.engine.decide();
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
    test.clock.advance(86_400_001);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "hold", reason: "expired" }]);
  });

  it("sees failures of open sessions that nothing else has told of", async () => {
    const bot = await test.engine.project<RateConfig>("support", { champion: CHAMPION });
    await bot.challenge(SAME, { share: 0.5, policy: { fuse: { minSessions: 20, errorRate: 0.5 } } });
    const sessions = await test.runSessions(80, () => bot.session());
    for (const session of sessions) if (session.arm === "champion") await session.end();
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
    for (const { id, arm } of sessions)
      if (arm === "challenger") await test.engine.signal(id, { name: "error", value: 1 });
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "fuse" }]);
  });

  it("sees the ends of the champion's sessions where the challenger's have failed", async () => {
    const bot = await test.engine.project<RateConfig>("support", { champion: CHAMPION });
    await bot.challenge(SAME, { share: 0.5, policy: { fuse: { minSessions: 20, errorRate: 0.5 } } });
    const sessions = await test.runSessions(80, () => bot.session());
    const failing = sessions.filter(({ arm }) => arm === "challenger").slice(0, 22);
    for (const { id } of failing) await test.engine.signal(id, { name: "error", value: 1 });
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
    for (const session of sessions) if (session.arm === "champion") await session.end();
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "fuse" }]);
  });

  it("of what a ramp moves goes on at the next tick", async () => {
    const bot = await test.engine.project<RateConfig>("support", { champion: CHAMPION });
    const steps = [
      { share: 0.1, minSessions: 5 },
      { share: 0.5, minSessions: 5 },
    ];
    await bot.challenge(SAME, { share: { kind: "ramp", steps }, policy: { futility: null } });
    await playRates(test, 60);
    await test.engine.decide();
    expect((await bot.report())!.share).toBe(0.5);
  });
});

describe("a lease", () => {
  const lease = { name: "tick", ttlMs: 1000 };
  let store: Store;

  beforeEach(async () => {
    ({ store } = await faultyStore(() => ({})));
  });
  afterEach(() => store.close());

  const take = (holder: string, nowMs: number) => store.takeLease({ ...lease, holder, nowMs });

  it("is one's own until it is given back, and can be renewed", async () => {
    expect(await take("a", 0)).toBe(true);
    expect(await take("b", 500)).toBe(false);
    expect(await take("a", 900)).toBe(true);
    expect(await take("b", 1500)).toBe(false);
    await store.releaseLease({ name: "tick", holder: "b" });
    expect(await take("b", 1500)).toBe(false);
    await store.releaseLease({ name: "tick", holder: "a" });
    expect(await take("b", 1500)).toBe(true);
  });

  it("runs out with the process that held it", async () => {
    expect(await take("a", 0)).toBe(true);
    expect(await take("b", 1000)).toBe(true);
  });

  it("of a clock that is far ahead holds nobody up for long", async () => {
    expect(await take("a", 10_000_000)).toBe(true);
    expect(await take("b", 0)).toBe(true);
  });

  it("has one taker of many at once", async () => {
    const takers = await Promise.all(Array.from({ length: 10 }, (_, i) => take(`p${i}`, 0)));
    expect(takers.filter(Boolean)).toHaveLength(1);
  });

  it("on one project's ticks holds up no other project's", async () => {
    const { engine, clock } = await engineOver(async () => store);
    for (const key of ["a", "b"]) {
      const bot = await engine.project<RateConfig>(key, { champion: CHAMPION });
      await bot.challenge(SAME);
    }
    await store.takeLease({ name: "tick a", holder: "another", nowMs: clock.now(), ttlMs: 60_000 });
    const ticked = (project: string) =>
      new Promise((resolve) => engine.schedule("* * * * * *", { project, onTick: resolve }));
    const [a, b] = await Promise.all([ticked("a"), ticked("b")]);
    expect(a).toEqual([]);
    expect(b).toMatchObject([{ project: "b", verdict: "continue" }]);
    await engine.close();
  });
});
