import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { eventually } from "../support/eventually.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const BECAUSE = { reason: "because" };
const REFRESH_MS = 5000;

const schema = z.object({
  prompt: z.string().refine((prompt) => prompt !== "unusable"),
  temperature: z.number().default(0.2),
});

let path: string;
let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;
let others: TestEngine[];

beforeEach(async () => {
  path = temporaryDatabase();
  logger = recordingLogger();
  others = [];
  test = await createTestEngine({ seed: 5, url: path, logger });
});

afterEach(async () => {
  for (const each of [test, ...others]) await each.close();
});

/** The same project in another process, which neither checks nor builds. */
async function elsewhere() {
  const other = await createTestEngine({ seed: 6, url: path });
  others.push(other);
  return other.engine.project("support", { champion: LONG });
}

/** Lets this process look at the stored state again. */
async function refreshed(until: () => void | Promise<void>) {
  test.clock.advance(REFRESH_MS);
  await eventually(until);
}

describe("a schema", () => {
  it("says what the configs are, and fills in defaults, each session having a copy of its own", async () => {
    const bot = await test.engine.project("support", { schema, champion: LONG });
    const session = await bot.session();
    const temperature: number = session.config.temperature;
    expect(temperature).toBe(0.2);
    expect(bot.champion).toEqual({ prompt: "long", temperature: 0.2 });
    session.config.temperature = 1;
    expect((await bot.session()).config).toEqual({ prompt: "long", temperature: 0.2 });
    expect((await (await elsewhere()).session()).config).toEqual(LONG);
  });

  it("refuses a champion of the code and a challenger, and nothing is stored", async () => {
    const bad = { prompt: 7 } as never;
    await expect(test.engine.project("support", { schema, champion: bad })).rejects.toMatchObject({
      code: "config_invalid",
    });
    expect(await test.engine.projectKeys()).toEqual([]);
    const bot = await test.engine.project("support", { schema, champion: LONG });
    await expect(bot.challenge(bad)).rejects.toMatchObject({ code: "config_invalid" });
    await expect(bot.draft(bad)).rejects.toMatchObject({ code: "config_invalid" });
    expect(await test.engine.experiments("support")).toEqual([]);
  });
});

describe("build", () => {
  it("makes of each config what the agent uses, once a process, before the first session gets it", async () => {
    const build = vi.fn(async ({ prompt }: { prompt: string }) => ({ run: () => `agent on ${prompt}` }));
    const bot = await test.engine.project("support", { champion: LONG, build });
    await bot.challenge(SHORT, { share: 0.5 });
    expect(build.mock.calls.map(([config]) => config)).toEqual([LONG, SHORT]);
    const answer = bot.wrap((session) => [session.config.prompt, session.built.run()] as const);
    const served = await test.runSessions(20, () => answer());
    expect(new Set(served.map(([prompt, said]) => `${prompt}: ${said}`))).toEqual(
      new Set(["long: agent on long", "short: agent on short"]),
    );
    expect((await bot.session({ unit: "u" })).built).toBe((await bot.session({ unit: "u" })).built);
    expect(build).toHaveBeenCalledTimes(2);
  });

  it("that fails for the code's champion is refused: nothing could serve", async () => {
    const build = () => {
      throw new Error("no such model");
    };
    await expect(test.engine.project("support", { champion: LONG, build })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("no such model"),
    });
  });

  it("makes ready what a resumed session started with, long after the promotion", async () => {
    const there = await elsewhere();
    await there.challenge(SHORT, { share: 0.5 });
    const started = await there.session({ id: "conversation-7" });
    await there.promote(BECAUSE);
    await there.challenge({ prompt: "third" });
    const bot = await test.engine.project("support", { champion: LONG, build: ({ prompt }) => [prompt] });
    const resumed = await bot.session({ id: "conversation-7" });
    expect(resumed).toMatchObject({ config: started.config, built: [started.config.prompt] });
    expect((await bot.session({ unit: "u" })).built).toEqual([expect.any(String)]);
  });
});

describe("a challenger that is added to a draft", () => {
  it("is checked like any other: by the schema, the guard, and for secrets as the project allows them", async () => {
    const guard = (text: string): string | null => (text.includes("private") ? "it is private" : null);
    const guarded = await createTestEngine({ guard });
    others.push(guarded);
    const champion = { prompt: "long", api_key: "k-2f6b1c9e77d04a55" };
    const passing = z.looseObject({ prompt: z.string() });
    const bot = await guarded.engine.project("support", {
      schema: passing,
      champion,
      allowSecrets: ["api_key"],
    });
    const { experiment } = await bot.draft({ ...champion, prompt: "short" });
    const adding = (add: object) => bot.edit(experiment!.id, { add, ...BECAUSE });
    await expect(adding({ prompt: 7 })).rejects.toMatchObject({ code: "config_invalid" });
    await expect(adding({ prompt: "private" })).rejects.toMatchObject({ code: "privacy_refused" });
    await expect(adding({ prompt: "x", token: champion.api_key })).rejects.toMatchObject({
      code: "config_secret",
    });
    expect((await adding({ ...champion, prompt: "brief" })).challengers).toHaveLength(2);
    expect(await bot.configs()).toHaveLength(3);
    expect(await bot.edit(experiment!.id, { hypothesis: "h", ...BECAUSE })).toMatchObject({
      hypothesis: "h",
    });
  });
});

describe("a stored config that this process cannot use", () => {
  const UNUSABLE = { prompt: "unusable" };

  it("as a challenger: everyone here gets the champion, outside of the experiment; it is told of once", async () => {
    const bot = await test.engine.project("support", { schema, champion: LONG });
    const there = await elsewhere();
    await there.challenge(UNUSABLE, { share: 0.5 });
    const units = Array.from({ length: 20 }, (_, i) => `u${i}`);
    for (const unit of units) await there.session({ unit });
    await refreshed(() => expect(test.engine.health().callbacksFailed).toBe(1));
    for (let refreshes = 0; refreshes < 3; refreshes += 1) {
      test.clock.advance(REFRESH_MS);
      await test.engine.flush();
      for (const unit of units) {
        // One arm alone would bias the evidence, so nobody here has one, not even who has one elsewhere.
        const session = await bot.session({ unit });
        expect(session).toMatchObject({ experiment: null, arm: "champion", config: { prompt: "long" } });
        await session.end({ score: 1 });
      }
    }
    expect(test.engine.health()).toMatchObject({ callbacksFailed: 1, sessionsDropped: 0, writesFailed: 0 });
    expect(logger.messages.filter(({ message }) => /could not be prepared/.test(message))).toHaveLength(1);
    const report = (await there.report())!;
    expect(report.sessions.reduce((sum, { served }) => sum + served, 0)).toBe(20);

    await there.abort(BECAUSE);
    await there.challenge(SHORT, { share: 0.5 });
    await refreshed(async () => expect((await bot.session()).experiment).not.toBeNull());
  });

  it.each(["running", "paused"])(
    "leaves resumed sessions out whatever their arm, while it is %s",
    async (status) => {
      const bot = await test.engine.project("support", { schema, champion: LONG });
      const there = await elsewhere();
      await there.challenge(UNUSABLE, { share: 0.5 });
      const sessions = await Promise.all(Array.from({ length: 20 }, () => there.session()));
      if (status === "paused") await there.pause(BECAUSE);
      await refreshed(() => expect(test.engine.health().callbacksFailed).toBe(1));
      for (const { id } of sessions) {
        const session = await bot.session({ id });
        expect(session.config).toMatchObject(LONG);
        await session.end({ score: 1 });
      }
      if (status === "paused") await there.resume(BECAUSE);
      expect(await test.engine.decide()).toMatchObject([{ reason: "collecting", sessionCount: 0 }]);
      const excluded = (await there.report())!.sessions.map((arm) => arm.excluded);
      expect(excluded).toEqual([expect.any(Number), expect.any(Number)]);
      expect(excluded[0]! + excluded[1]!).toBe(20);
      expect(Math.min(...excluded)).toBeGreaterThan(0);
    },
  );

  it("is tried again: once it can be used, this process takes part", async () => {
    let isDown = true;
    const build = ({ prompt }: { prompt: string }) => {
      if (isDown && prompt === "short") throw new Error("the registry is down");
      return prompt;
    };
    const bot = await test.engine.project("support", { champion: LONG, build });
    await (await elsewhere()).challenge(SHORT, { share: 0.5 });
    await refreshed(() => expect(test.engine.health().callbacksFailed).toBe(1));
    expect((await bot.session()).experiment).toBeNull();
    isDown = false;
    await refreshed(async () => expect((await bot.session()).experiment).not.toBeNull());
  });

  it("as the champion: the code's champion runs unrecorded, and the call goes through", async () => {
    const bot = await test.engine.project("support", { schema, champion: LONG });
    const there = await elsewhere();
    await there.challenge(SHORT);
    await there.promote(BECAUSE);
    await refreshed(() => expect(bot.champion).toMatchObject(SHORT));
    await there.challenge(UNUSABLE);
    await there.promote(BECAUSE);
    await refreshed(() => expect(test.engine.health().callbacksFailed).toBe(1));
    const before = test.engine.health().sessionsDropped;
    const answer = bot.wrap((session) => session.config, { score: () => 1 });
    expect(await answer()).toEqual({ prompt: "long", temperature: 0.2 });
    expect(test.engine.health().sessionsDropped).toBe(before + 1);
    expect(bot.champion).toMatchObject(LONG);
    // Nothing can be made from it, which boot code must not fail for.
    const made = bot.challenge((champion) => ({ ...champion, prompt: "brief" }));
    expect(await made).toMatchObject({ status: "pending" });
    await there.rollback(BECAUSE);
    await refreshed(async () => {
      const { sessionsDropped } = test.engine.health();
      await answer();
      expect(test.engine.health().sessionsDropped).toBe(sessionsDropped);
    });
  });

  it("as the champion of a project opened without one of the code: there is nothing to serve", async () => {
    const there = await elsewhere();
    await there.challenge(UNUSABLE);
    await there.promote(BECAUSE);
    await expect(test.engine.project("support", { schema })).rejects.toMatchObject({
      code: "config_invalid",
    });
  });

  it("as a challenger that is out does not matter any more", async () => {
    const bot = await test.engine.project("support", { schema, champion: LONG });
    const there = await elsewhere();
    await there.challenge([UNUSABLE, SHORT], { share: 0.6 });
    await refreshed(() => expect(test.engine.health().callbacksFailed).toBe(1));
    await there.drop({ challenger: 1, ...BECAUSE });
    await refreshed(async () => expect((await bot.session()).experiment).not.toBeNull());
  });

  it("takes its time: a state that it belonged to does not come back once a newer one is served", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const building: string[] = [];
    const build = async ({ prompt }: { prompt: string }) => {
      building.push(prompt);
      if (prompt === "short") await held;
      return prompt;
    };
    const bot = await test.engine.project("support", { champion: LONG, build });
    const there = await elsewhere();
    await there.challenge(SHORT, { share: 0.99 });
    await refreshed(() => expect(building).toContain("short"));
    await there.abort(BECAUSE);
    // By hand, because the background's look still waits for the build.
    await bot.holdout(0, BECAUSE);
    release();
    await refreshed(async () => expect((await bot.session()).experiment).toBeNull());
    expect((await test.runSessions(20, () => bot.session())).map(({ experiment }) => experiment)).toEqual(
      Array(20).fill(null),
    );
  });

  it("is not waited for for ever", async () => {
    const { store } = await faultyStore(() => ({}));
    const { engine, clock } = await engineOver(async () => store);
    const bot = await engine.project("support", {
      champion: LONG,
      build: ({ prompt }) => (prompt === "long" ? prompt : new Promise<string>(() => undefined)),
    });
    const plain = await engineOver(async () => store);
    await (await plain.engine.project("support")).challenge(SHORT, { share: 0.5 });
    clock.advance(REFRESH_MS);
    await eventually(() => {
      clock.advance(1000);
      expect(engine.health().callbacksFailed).toBe(1);
    });
    expect(await bot.session()).toMatchObject({ experiment: null, built: "long" });

    // Nor again and again: other projects hear of a promotion elsewhere as soon as ever.
    const here = await engine.project("other", { champion: LONG });
    const there = await plain.engine.project("other");
    await there.challenge(SHORT);
    await there.promote(BECAUSE);
    const beganAtMs = clock.now();
    const hears = (): void => {
      clock.advance(400);
      expect(here.champion).toEqual(SHORT);
    };
    await eventually(hears);
    expect(clock.now() - beganAtMs).toBeLessThan(2 * REFRESH_MS);
    await engine.close();
  });
});
