import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../src/engine/ports.js";
import { createEngine } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { temporaryFolder } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const BECAUSE = { reason: "because" };

let test: TestEngine;

beforeEach(async () => {
  test = await createTestEngine({ seed: 5 });
});

afterEach(() => test.close());

const project = (key = "support") => test.engine.project(key, { champion: LONG });

/** An engine over the real store with some methods replaced, and that store. */
async function engineWith(faults: (store: Store) => Partial<Store>) {
  const { store: faulty, real } = await faultyStore(faults);
  return { ...(await engineOver(async () => faulty)), store: real };
}

describe("what a host may throw at it", () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  it.each<[string, object]>([
    ["a function", { f: () => 1 }],
    ["a proxy", { p: new Proxy({}, {}), f: () => 1 }],
    ["a bigint", { b: 1n }],
    ["a cycle", cycle],
  ])(
    "a context with %s: session() refuses it, wrap leaves it out, and the writer goes on",
    async (_title, context) => {
      const bot = await project();
      await bot.challenge(SHORT, { share: 0.5 });
      await expect(bot.session({ context })).rejects.toMatchObject({ code: "input_invalid" });
      expect(await bot.wrap(() => 7, { context: () => context, score: () => 1 })()).toBe(7);
      await (await bot.session({ context: { plan: "pro" } })).end({ score: 1 });
      await test.engine.decide();
      expect((await bot.evaluate())?.sessionCount).toBe(2);
      expect(test.engine.health()).toMatchObject({ callbacksFailed: 1, writesFailed: 0, sessionsDropped: 0 });
    },
  );

  it("an actor that is no text, session options that are none, a limit, wrap options", async () => {
    const bot = await project();
    await bot.challenge(SHORT);
    await expect(bot.pause({ reason: "x", actor: (() => 1) as never })).rejects.toMatchObject({
      code: "settings_invalid",
    });
    await expect(test.engine.decide({ actor: 7 as never })).rejects.toMatchObject({
      code: "settings_invalid",
    });
    await expect(test.engine.decide({ project: "typo" })).rejects.toMatchObject({
      code: "project_not_found",
    });
    await expect(bot.session(null as never)).rejects.toMatchObject({ code: "input_invalid" });
    await expect(bot.history(1.5)).rejects.toMatchObject({ code: "input_invalid" });
    await expect(bot.challenge(SHORT, { policy: 5 as never })).rejects.toMatchObject({
      code: "policy_invalid",
    });
    for (const options of [{ timeoutMs: "soon" }, { timeoutMs: 0 }, { end: "never" }]) {
      expect(() => bot.wrap(() => 1, options as never)).toThrow(
        expect.objectContaining({ code: "settings_invalid" }),
      );
    }
  });

  it("a score that never comes keeps neither the tick nor, for long, the end waiting", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await bot.wrap(() => 1, { score: () => new Promise<number>(() => undefined) })();
    await (await bot.session()).end({ score: 1 });
    expect(await test.engine.decide()).toHaveLength(1);
    const closing = test.engine.close();
    test.clock.advance(10_001);
    await closing;
  });

  it("one result object for many calls is watched once", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    const shared = {
      async *[Symbol.asyncIterator]() {
        yield 1;
      },
    };
    const answer = bot.wrap(() => shared, { score: () => 1 });
    for (let i = 0; i < 20_000; i += 1) if ((await answer()) !== shared) expect.unreachable();
    const seen: number[] = [];
    for await (const each of shared) seen.push(each);
    expect(seen).toEqual([1]);
  });

  it("a host that never yields is made to, so that more than the queue holds is recorded", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, horizon: 1e6, policy: { futility: null } });
    const answer = bot.wrap(() => 1, { score: () => 1 });
    for (let i = 0; i < 15_000; i += 1) await answer();
    await test.runSessions(5000, () => answer());
    await test.engine.decide();
    // The queue holds 20,000 rows, 10,000 sessions. What a slow machine still drops, it counts.
    const folded = (await bot.evaluate())?.sessionCount as number;
    expect(folded).toBeGreaterThan(16_000);
    expect(folded + test.engine.health().sessionsDropped).toBe(20_000);
  });

  it("callbacks and loggers that reject end nothing", async () => {
    const reject = () => Promise.reject(new Error("asynchronous"));
    const logger = { debug: reject, info: reject, warn: reject, error: reject } as never;
    const engine = await createEngine({ url: join(temporaryFolder(), "no", "x.db"), logger });
    await (await engine.project("p", { champion: LONG })).wrap(() => 1)();
    await engine.close();
    expect(() => engine.schedule("* * * * *")).toThrow(expect.objectContaining({ code: "engine_closed" }));
  });
});

describe("hands that race", () => {
  it("two rollbacks at once do not cancel each other out", async () => {
    const bot = await project();
    await bot.challenge(SHORT);
    await bot.promote(BECAUSE);
    const done = await Promise.allSettled([bot.rollback(BECAUSE), bot.rollback(BECAUSE)]);
    expect(done.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(bot.champion).toEqual(LONG);
  });

  it("a rollback decided on an empty slot does nothing once an experiment runs", async () => {
    let stale: Awaited<ReturnType<Store["projectState"]>> = null;
    const { engine, store } = await engineWith(() => ({}));
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT);
    await bot.promote(BECAUSE);
    stale = await store.projectState("support");
    await bot.challenge({ prompt: "third" });
    const audit = { action: "rollback", actor: "x", reason: "x", details: {}, atMs: 0 };
    const [first] = await store.reigns(stale!.id);
    expect(
      await store.changeChampion({
        project: stale!,
        configId: first!.config.id,
        cause: "rollback",
        audit,
        atMs: 0,
      }),
    ).toBe(false);
    expect((await store.projectState("support"))?.champion.body).toEqual(SHORT);
    await engine.close();
  });

  it("a change by hand never lands on another experiment than the one looked at", async () => {
    let isRaced = false;
    const { engine } = await engineWith((store) => ({
      changeExperiment: async (change) => {
        if (!isRaced && change.status === "promoted") {
          isRaced = true;
          // Between the look and the write, somebody aborts it and another one starts.
          await other.abort(BECAUSE);
          await other.challenge({ prompt: "third" });
        }
        return store.changeExperiment(change);
      },
    }));
    const bot = await engine.project("support", { champion: LONG });
    const other = bot;
    await bot.challenge(SHORT);
    await expect(bot.promote(BECAUSE)).rejects.toMatchObject({ code: "state_changed" });
    expect(bot.champion).toEqual(LONG);
    await engine.close();
  });

  it("a challenge planned before a holdout starts with it, if it starts after", async () => {
    let isRaced = false;
    const { engine } = await engineWith((store) => ({
      addExperiment: async (...experiment) => {
        if (!isRaced) {
          isRaced = true;
          await bot.holdout(0.1, BECAUSE);
        }
        return store.addExperiment(...experiment);
      },
    }));
    const bot = await engine.project("support", { champion: LONG });
    expect(await bot.challenge(SHORT)).toMatchObject({ started: true, experiment: { holdout: 0.1 } });
    await engine.close();
  });

  it("the same draft by many at once is one draft", async () => {
    const bot = await project();
    const third = { prompt: "third" };
    const drafted = await Promise.all(
      Array.from({ length: 8 }, (_, at) => bot.draft(at % 2 === 0 ? [SHORT, third] : [third, SHORT])),
    );
    expect(drafted.filter(({ status }) => status === "drafted")).toHaveLength(1);
    expect(new Set(drafted.map(({ experiment }) => experiment!.id)).size).toBe(1);
    expect(await bot.experiments()).toHaveLength(1);
  });

  it("edits of one draft at once are all made", async () => {
    const bot = await project();
    const { id } = (await bot.draft(SHORT)).experiment!;
    await Promise.all([
      bot.edit(id, { description: "shorter", ...BECAUSE }),
      bot.edit(id, { hypothesis: "as good", ...BECAUSE }),
      bot.edit(id, { share: 0.5, ...BECAUSE }),
    ]);
    const [edited] = await bot.experiments();
    expect(edited).toMatchObject({ description: "shorter", hypothesis: "as good", share: 0.5 });
  });

  it("a project asked for twice at once is one project", async () => {
    const [one, two] = await Promise.all([project("same"), project("same")]);
    expect(one).toBe(two);
  });
});

describe("projects beside each other", () => {
  it("a tick that fails for one goes on for the others, and says so", async () => {
    const { engine, logger } = await engineWith((store) => ({
      experimentsByUids: async (uids) => {
        const found = await store.experimentsByUids(uids);
        if (found.some(({ experiment }) => experiment.projectKey === "a")) throw new Error("broken");
        return found;
      },
    }));
    for (const key of ["a", "b"]) {
      const bot = await engine.project(key, { champion: LONG });
      await bot.challenge(SHORT, { share: 0.5 });
      await (await bot.session()).end({ score: 1 });
    }
    const failed: string[] = [];
    expect(await engine.decide({ onFailure: (key) => failed.push(key) })).toMatchObject([
      { project: "b", sessionCount: 1 },
    ]);
    expect(failed).toEqual(["a"]);
    expect(logger.messages.map(({ message }) => message)).toContain(
      "a project's tick failed; the others go on",
    );
    await expect(engine.decide({ project: "a" })).rejects.toThrow("broken");
    await engine.close();
  });

  it("a tick of one project settles no session of another", async () => {
    const [a, b] = [await project("a"), await project("b")];
    await a.challenge(SHORT, { share: 0.5 });
    await b.challenge(SHORT, { share: 0.5 });
    const session = await b.session();
    await a.session();
    test.clock.advance(2 * 86_400_000);
    await test.engine.decide({ project: "a" });
    expect((await b.report())?.sessions.map((arm) => arm.abandoned)).toEqual([0, 0]);
    expect((await a.evaluate())?.sessionCount).toBe(1);
    expect(session.arm).toBeDefined();
  });

  it("boot code that challenges before the project could be made succeeds once the database is back", async () => {
    let isLocked = true;
    const { engine } = await engineWith((store) => ({
      projectState: (key) => (isLocked ? Promise.reject(new Error("locked")) : store.projectState(key)),
    }));
    const bot = await engine.project("support", { champion: LONG });
    isLocked = false;
    expect(await bot.challenge(SHORT)).toMatchObject({ started: true });
    await engine.close();
  });
});

describe("schedule", () => {
  it("passes its options to the tick", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    const answer = bot.wrap((session) => session.config.prompt, { score: (prompt) => prompt === "short" });
    await test.runSessions(100, () => answer());
    const results = await new Promise((resolve) => {
      const schedule = test.engine.schedule("* * * * * *", {
        dryRun: true,
        keepsAlive: true,
        onTick: (ticks) => {
          schedule.stop();
          resolve(ticks);
        },
      });
      expect(schedule.nextAtMs()).toBeGreaterThan(0);
    });
    expect(results).toMatchObject([{ verdict: "promote", changed: false }]);
    expect(bot.champion).toEqual(LONG);
  });
});

describe("paths", () => {
  it.each(["with space", "with#hash", "with%20percent", "with%percent", "日本"])(
    "a folder %s",
    async (name) => {
      const folder = join(temporaryFolder(), name);
      mkdirSync(folder);
      const path = join(folder, "x.db");
      const engine = await createEngine({ url: path, strict: true });
      const bot = await engine.project("p", { champion: LONG });
      expect(bot.champion).toEqual(LONG);
      await engine.close();
      expect(existsSync(path)).toBe(true);
    },
  );

  it("refuses parameters in a file: URL", async () => {
    await expect(createEngine({ url: "file:x.db?mode=ro" })).rejects.toMatchObject({
      code: "settings_invalid",
    });
  });
});
