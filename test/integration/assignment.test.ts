import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChallengeOptions, JsonObject, Project, Session } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const TERSE = { prompt: "terse" };
const BECAUSE = { reason: "because" };

let path: string;
let test: TestEngine;
let others: TestEngine[];

beforeEach(async () => {
  path = temporaryDatabase();
  others = [];
  test = await createTestEngine({ seed: 5, url: path });
});

afterEach(async () => {
  for (const each of [test, ...others]) await each.close();
});

/** Another engine on the same database, as another process would have. */
async function elsewhere(seed = 6): Promise<TestEngine> {
  const other = await createTestEngine({ seed, url: path });
  others.push(other);
  return other;
}

async function contest(options: ChallengeOptions = {}, key = "support") {
  const bot = await test.engine.project(key, { champion: LONG });
  await bot.challenge(SHORT, { share: 0.5, ...options });
  return bot;
}

type Bot = Project<JsonObject>;

const asBot = (bot: unknown): Bot => bot as Bot;

const placeOf = ({ place, experiment }: Session<unknown>) => (experiment === null ? "outside" : place);

/** Units of the given names, the first of which the experiment gives this place. */
async function unitAt(bot: unknown, place: number | "outside", prefix = "unit"): Promise<string> {
  for (let i = 0; ; i += 1) {
    const unit = `${prefix}-${i}`;
    if (placeOf(await asBot(bot).session({ unit })) === place) return unit;
  }
}

interface Row {
  readonly unit: string | null;
  readonly excluded: string | null;
  readonly evidence: number;
  /** 1 with experiment, arm and shares, 0 without any of them */
  readonly isInside: number;
  readonly prompt: string;
}

/** What is stored of the sessions of a unit, or of all. */
async function stored(unit?: string): Promise<Row[]> {
  await test.engine.flush();
  return query<Row>(
    path,
    `SELECT unit, excluded, is_evidence AS evidence, body ->> 'prompt' AS prompt,
       CASE WHEN experiment_id IS NOT NULL AND arm_id IS NOT NULL AND shares IS NOT NULL THEN 1
         WHEN experiment_id IS NULL AND arm_id IS NULL AND shares IS NULL THEN 0 END AS isInside
       FROM sessions JOIN configs ON configs.id = config_id WHERE CAST(?1 AS TEXT) IN ('', unit) ORDER BY seq`,
    [unit ?? ""],
  );
}

const OUTSIDE = { evidence: 0, isInside: 0, prompt: "long" };

const claims = async (): Promise<number> =>
  (await query<{ n: number }>(path, "SELECT count(*) AS n FROM units"))[0]?.n as number;

describe("a unit's arm", () => {
  it("is the same from two independent engines, over and over", async () => {
    const bot = await contest();
    const there = await (await elsewhere()).engine.project("support");
    const places = new Set<unknown>();
    for (let i = 0; i < 50; i += 1) {
      const here = await bot.session({ unit: `user:${i}` });
      for (const again of [bot, there, bot])
        expect((await again.session({ unit: `user:${i}` })).place).toBe(here.place);
      places.add(here.place);
    }
    expect(places).toEqual(new Set([0, 1]));
  });

  it("is never changed in 10 000 calls, of which the first alone is evidence", async () => {
    const bot = await contest();
    const places = new Set<number>();
    for (let done = 0; done < 10_000; done += 1000) {
      const calls = Array.from({ length: 1000 }, () => bot.session({ unit: "actor" }));
      for (const { place } of await Promise.all(calls)) places.add(place);
    }
    expect(places.size).toBe(1);
    const rows = await stored("actor");
    expect(rows.map(({ evidence }) => evidence)).toEqual([1, ...Array(9999).fill(0)]);
    expect(new Set(rows.slice(1).map(({ excluded }) => excluded))).toEqual(new Set(["repeat"]));
  });

  it("is never a challenger's that has no share, and about evenly spread between equal ones", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge([SHORT, TERSE], { share: [0, 0.5] });
    const places = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => (await bot.session({ unit: `user:${i}` })).place),
    );
    expect(places.slice(0, 200)).not.toContain(1);
    const champions = places.filter((place) => place === 0).length;
    expect(champions).toBeGreaterThan(400);
    expect(champions).toBeLessThan(600);
    // The pair of the one with a share is random, whatever the other has.
    expect((await stored()).every(({ evidence }) => evidence === 1)).toBe(true);
  });

  it("stays when the share goes to 0, and its later sessions fold no more than before", async () => {
    const bot = await contest();
    const challenged = await unitAt(bot, 1);
    await bot.revise({ share: 0, ...BECAUSE });
    expect(await bot.session({ unit: challenged })).toMatchObject({ place: 1, config: SHORT });
    expect((await stored(challenged)).map(({ excluded }) => excluded)).toEqual([null, "repeat"]);
    const before = await claims();
    for (let i = 0; i < 50; i += 1)
      expect(await bot.session({ unit: `new-${i}` })).toMatchObject({ place: 0, config: LONG });
    // Nothing is random about them: they are not taken, and may still be randomised later.
    expect(await stored("new-7")).toMatchObject([{ excluded: "share", evidence: 0, isInside: 1 }]);
    expect(await claims()).toBe(before);
  });

  it("stays when the share rises", async () => {
    const bot = await contest({ share: 0.01 });
    const units = Array.from({ length: 40 }, (_, i) => `user-${i}`);
    const before = await Promise.all(units.map(async (unit) => (await bot.session({ unit })).place));
    await bot.revise({ share: 0.99, ...BECAUSE });
    const after = await Promise.all(units.map(async (unit) => (await bot.session({ unit })).place));
    expect(after).toEqual(before);
    expect(before.filter((place) => place === 0).length).toBeGreaterThan(30);
  });

  it("is given up for the champion when its challenger is dropped, and kept by the others", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge([SHORT, TERSE], { share: 0.6 });
    const [dropped, kept, champion] = [await unitAt(bot, 1), await unitAt(bot, 2), await unitAt(bot, 0)];
    await bot.drop({ challenger: 1, ...BECAUSE });
    expect(await bot.session({ unit: dropped })).toMatchObject({
      place: 0,
      arm: "champion",
      experiment: null,
      config: LONG,
    });
    expect((await stored(dropped)).at(-1)).toEqual({ unit: dropped, excluded: "dropped", ...OUTSIDE });
    expect(await bot.session({ unit: kept })).toMatchObject({ place: 2, config: TERSE });
    expect(await bot.session({ unit: champion })).toMatchObject({ place: 0, config: LONG });
  });

  it("is one and the same where two engines assign it at once under different shares, and folds once", async () => {
    const bot = await contest({ share: 0.99 });
    const there = await (await elsewhere()).engine.project("support");
    // The other engine does not know of the new share: by its own arithmetic every other unit has another arm.
    await bot.revise({ share: 0.01, ...BECAUSE });
    const units = Array.from({ length: 100 }, (_, i) => `racer-${i}`);
    const places = await Promise.all(
      units.map(async (unit) => {
        const started = await Promise.all([there.session({ unit }), bot.session({ unit })]);
        return started.map(({ place, config }) => `${place} ${JSON.stringify(config)}`);
      }),
    );
    expect(places.filter(([here, away]) => here !== away)).toEqual([]);
    const perUnit = await query<{ n: number }>(
      path,
      "SELECT sum(is_evidence) AS n FROM sessions WHERE unit LIKE 'racer-%' GROUP BY unit",
    );
    expect(perUnit).toEqual(Array(100).fill({ n: 1 }));
  });

  it("is claimed by its first session, and returned without another claim", async () => {
    const bot = await contest();
    expect(await claims()).toBe(0);
    await bot.session({ unit: "u" });
    expect(await claims()).toBe(1);
    for (let i = 0; i < 5; i += 1) await bot.session({ unit: "u" });
    expect(await claims()).toBe(1);
  });

  it("does not exist where no experiment runs", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    expect(await bot.session({ unit: "u" })).toMatchObject({ place: 0, experiment: null });
    await bot.challenge(SHORT, { share: 0.99 });
    await bot.pause(BECAUSE);
    expect(await bot.session({ unit: "v" })).toMatchObject({ place: 0, experiment: null, config: LONG });
    expect(await stored()).toMatchObject([
      { excluded: null, ...OUTSIDE },
      { excluded: null, ...OUTSIDE },
    ]);
    expect(await claims()).toBe(0);
  });
});

describe("an override", () => {
  it("beats a share of 0, is flagged and no evidence, and takes nothing for good", async () => {
    const bot = await contest({ share: 0 });
    await bot.override("ada", "challenger", BECAUSE);
    expect(await bot.session({ unit: "ada" })).toMatchObject({ place: 1, config: SHORT });
    expect(await stored("ada")).toEqual([
      { unit: "ada", excluded: "override", evidence: 0, isInside: 1, prompt: "short" },
    ]);
    expect(await claims()).toBe(0);
    await bot.override("ada", null, BECAUSE);
    await bot.revise({ share: 0.5, ...BECAUSE });
    await bot.session({ unit: "ada" });
    // As if it had never been: what an override serves does not shut the unit out of the experiment.
    expect((await stored("ada")).at(-1)).toMatchObject({ excluded: null, evidence: 1 });
  });

  it("beats the arm a unit has, and gives it back when it is taken away", async () => {
    const bot = await contest();
    const unit = await unitAt(bot, 1);
    await bot.override(unit, "champion", BECAUSE);
    expect(await bot.session({ unit })).toMatchObject({ place: 0, config: LONG });
    await bot.override(unit, null, BECAUSE);
    expect(await bot.session({ unit })).toMatchObject({ place: 1, config: SHORT });
    expect((await stored(unit)).map(({ excluded }) => excluded)).toEqual([null, "override", "repeat"]);
  });

  it("bypasses the holdout, the audience and the exclusion group", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.holdout(0.5, BECAUSE);
    const sibling = await contest({ share: 0.99, exclusionGroup: "checkout" }, "sibling");
    await bot.challenge(SHORT, {
      share: 0.01,
      exclusionGroup: "checkout",
      audience: { where: { plan: "pro" } },
    });
    for (let i = 0; i < 20; i += 1) {
      await sibling.session({ unit: `u${i}` });
      await bot.override(`u${i}`, "challenger", BECAUSE);
      expect(await bot.session({ unit: `u${i}` })).toMatchObject({ place: 1, config: SHORT });
    }
  });

  it("keeps its unit out of no other experiment of the group", async () => {
    const bot = await contest({ exclusionGroup: "checkout" });
    const sibling = await contest({ exclusionGroup: "checkout" }, "sibling");
    await bot.override("ada", "challenger", BECAUSE);
    await bot.session({ unit: "ada" });
    expect((await sibling.session({ unit: "ada" })).experiment).not.toBeNull();
    expect((await stored("ada")).at(-1)).toMatchObject({ excluded: null, evidence: 1 });
  });

  it("of a challenger that is out is ignored", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge([SHORT, TERSE], { share: 0.6 });
    await bot.override("ada", 1, BECAUSE);
    expect((await bot.session({ unit: "ada" })).place).toBe(1);
    await bot.drop({ challenger: 1, ...BECAUSE });
    expect((await bot.session({ unit: "ada" })).place).not.toBe(1);
    expect((await stored("ada")).at(-1)).toMatchObject({ excluded: null, evidence: 1 });
  });

  it("reaches a session without a unit by its id", async () => {
    const bot = await contest({ share: 0 });
    await bot.override("conversation-7", "challenger", BECAUSE);
    expect(await bot.session({ id: "conversation-7" })).toMatchObject({ place: 1, unit: null });
  });
});

describe("an exclusion group", () => {
  it("keeps a unit of one experiment out of the next, unclaimed; other groups and none do not", async () => {
    const first = await contest({ exclusionGroup: "checkout" }, "first");
    await first.session({ unit: "u" });
    const before = await claims();
    const second = await contest({ exclusionGroup: "checkout" }, "second");
    expect(await second.session({ unit: "u" })).toMatchObject({ experiment: null, place: 0, config: LONG });
    expect((await stored("u")).at(-1)).toEqual({ unit: "u", excluded: "exclusive", ...OUTSIDE });
    expect(await claims()).toBe(before);
    expect((await first.session({ unit: "u" })).experiment).not.toBeNull();
    expect((await second.session({ unit: "v" })).experiment).not.toBeNull();
    for (const [key, exclusionGroup] of [
      ["third", "onboarding"],
      ["fourth", undefined],
    ] as const) {
      const other = await contest({ exclusionGroup }, key);
      expect((await other.session({ unit: "u" })).experiment).not.toBeNull();
    }
  });

  it("holds while the sibling is paused, and lets go when it ends", async () => {
    const first = await contest({ exclusionGroup: "checkout" }, "first");
    const second = await contest({ exclusionGroup: "checkout" }, "second");
    await first.session({ unit: "u" });
    await first.pause(BECAUSE);
    expect((await second.session({ unit: "u" })).experiment).toBeNull();
    await first.abort(BECAUSE);
    expect((await second.session({ unit: "u" })).experiment).not.toBeNull();
    expect((await stored("u")).at(-1)).toMatchObject({ excluded: null, evidence: 1 });
  });

  it("lets a unit into one of two experiments where two engines race for it", async () => {
    const here = await contest({ exclusionGroup: "checkout" }, "first");
    await contest({ exclusionGroup: "checkout" }, "second");
    const there = await (await elsewhere()).engine.project("second");
    const units = Array.from({ length: 100 }, (_, i) => `racer-${i}`);
    const entered = await Promise.all(
      units.map(async (unit, i) => {
        const order = i % 2 === 0 ? [here, there] : [there, here];
        const started = await Promise.all(order.map((bot) => bot.session({ unit })));
        return started.filter(({ experiment }) => experiment !== null).length;
      }),
    );
    expect(entered).toEqual(Array(100).fill(1));
    expect(await claims()).toBe(100);
  });

  it("does not concern sessions without a unit", async () => {
    const first = await contest({ exclusionGroup: "checkout" }, "first");
    const second = await contest({ exclusionGroup: "checkout" }, "second");
    expect((await first.session({ id: "a" })).experiment).not.toBeNull();
    expect((await second.session()).experiment).not.toBeNull();
  });
});

describe("the audience", () => {
  const IOS = { audience: { where: { platform: "ios" } } };

  it("takes in who fits it, and leaves the others with the champion, unclaimed", async () => {
    const bot = await contest(IOS);
    expect(await bot.session({ unit: "android", context: { platform: "android" } })).toMatchObject({
      experiment: null,
      config: LONG,
    });
    expect(await bot.session({ unit: "unknown" })).toMatchObject({ experiment: null });
    expect(await stored()).toEqual([
      { unit: "android", excluded: "audience", ...OUTSIDE },
      { unit: "unknown", excluded: "audience", ...OUTSIDE },
    ]);
    expect(await claims()).toBe(0);
    expect((await bot.session({ unit: "ios", context: { platform: "ios" } })).experiment).not.toBeNull();
  });

  it("judges sessions without a unit one by one", async () => {
    const bot = await contest({ ...IOS, share: 0.99 });
    const session = (platform: string) => bot.session({ context: { platform } });
    expect((await session("android")).experiment).toBeNull();
    expect((await session("ios")).experiment).not.toBeNull();
    expect(await stored()).toMatchObject([
      { excluded: "audience", ...OUTSIDE },
      { excluded: null, evidence: 1, isInside: 1 },
    ]);
  });

  it("takes everyone where it is empty", async () => {
    const bot = await contest({ audience: {} });
    expect((await bot.session({ unit: "u" })).experiment).not.toBeNull();
  });

  it("does not take a unit's arm away when its attributes change", async () => {
    const bot = await contest({ ...IOS, share: 0.99 });
    const before = await bot.session({ unit: "u", context: { platform: "ios" } });
    const after = await bot.session({ unit: "u", context: { platform: "android" } });
    expect(after).toMatchObject({
      place: before.place,
      experiment: before.experiment,
      config: before.config,
    });
    expect((await stored("u")).map(({ excluded }) => excluded)).toEqual([null, "repeat"]);
  });
});

describe("the holdout", () => {
  it("gives its units the champion, the same ones in every experiment, whatever its hash", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.holdout(0.2, BECAUSE);
    const units = Array.from({ length: 300 }, (_, i) => `user-${i}`);
    const heldOut = async () => {
      const sessions = await Promise.all(units.map((unit) => bot.session({ unit })));
      return units.filter((_, i) => sessions[i]?.experiment === null);
    };
    await bot.challenge(SHORT, { share: 0.99 });
    const first = await heldOut();
    await bot.abort(BECAUSE);
    await bot.challenge(TERSE, { share: 0.99, hashVersion: 1 });
    expect(await heldOut()).toEqual(first);
    expect(first.length).toBeGreaterThan(30);
    expect(first.length).toBeLessThan(90);
    expect(await stored(first[0])).toEqual(
      Array(2).fill({ unit: first[0], excluded: "holdout", ...OUTSIDE }),
    );
    expect(await claims()).toBe(600 - 2 * first.length);
  });

  it("is of the experiment's start: it holds nobody out of one that runs", async () => {
    const bot = await contest({ share: 0.99 });
    await bot.holdout(0.5, BECAUSE);
    const sessions = await Promise.all(Array.from({ length: 50 }, (_, i) => bot.session({ unit: `u${i}` })));
    expect(sessions.filter(({ experiment }) => experiment === null)).toEqual([]);
  });

  it("holds sessions without a unit out one by one", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.holdout(0.5, BECAUSE);
    await bot.challenge(SHORT, { share: 0.99 });
    for (let i = 0; i < 40; i += 1) await bot.session();
    const outside = (await stored()).filter(({ excluded }) => excluded === "holdout");
    expect(outside.length).toBeGreaterThan(5);
    expect(outside.length).toBeLessThan(35);
    expect(outside).toEqual(outside.map(({ unit }) => ({ unit, excluded: "holdout", ...OUTSIDE })));
  });
});

describe("a unit the store does not answer for in time", () => {
  it("runs as its hash, its holdout or its audience has it, and is stored as what it was served", async () => {
    let isSlow = false;
    const { store } = await faultyStore((real) => ({
      startSession: (start) => {
        const started = real.startSession(start);
        return isSlow ? started.then(() => new Promise(() => undefined)) : started;
      },
    }));
    const { engine, clock } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.99, audience: { where: { plan: "pro" } } });
    const pro = { context: { plan: "pro" } };
    const assigned = await unitAt({ session: (options: object) => bot.session({ ...options, ...pro }) }, 1);
    isSlow = true;
    const late = async (options: object) => {
      const starting = bot.session(options);
      clock.advance(250);
      const { id, config, experiment } = await starting;
      await engine.flush();
      const session = await store.findSession(id);
      expect(session).toMatchObject({ excluded: "unconfirmed", configId: config.prompt === "long" ? 1 : 2 });
      expect(session?.experimentUid ?? null).toBe(experiment);
      expect(session?.arm ?? null).toBe(experiment && 1);
      return experiment && config.prompt;
    };
    expect(await late({ unit: "new", ...pro })).toBe("short");
    expect(await late({ unit: "stranger" })).toBeNull();
    // Confirmed to this process before, it needs no answer.
    const again = await bot.session({ unit: assigned });
    expect(again).toMatchObject({ unit: assigned, arm: "challenger", config: SHORT });
    await engine.close();
  });
});

describe("a session by its id", () => {
  it("is pinned however it came to its config: override, holdout, audience, exclusion, dropped", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.holdout(0.3, BECAUSE);
    const sibling = await contest({ exclusionGroup: "checkout" }, "sibling");
    await bot.challenge([SHORT, TERSE], {
      share: 0.9,
      exclusionGroup: "checkout",
      audience: { where: { plan: { $ne: "free" } } },
    });
    const heldOut = await unitAt(bot, "outside", "held");
    const dropped = await unitAt(bot, 1, "dropped");
    const taken = await unitAt(bot, 2, "taken");
    await sibling.session({ unit: "busy" });
    await bot.override("ada", 1, BECAUSE);
    const starts = {
      override: { unit: "ada" },
      holdout: { unit: heldOut },
      audience: { unit: "stranger", context: { plan: "free" } },
      exclusive: { unit: "busy" },
      kept: { unit: dropped },
      repeat: { unit: taken },
    };
    const first = new Map<string, Session<JsonObject>>();
    for (const [id, options] of Object.entries(starts))
      first.set(id, asSession(await bot.session({ id, ...options })));
    await bot.drop({ challenger: 1, ...BECAUSE });
    first.set("dropped", asSession(await bot.session({ id: "dropped", unit: dropped })));
    await bot.override("ada", null, BECAUSE);
    await bot.promote({ challenger: 2, ...BECAUSE });
    for (const [id, { config, place, arm, experiment, unit }] of first) {
      expect(await bot.session({ id })).toMatchObject({
        id,
        config,
        place,
        arm,
        experiment,
        unit,
        isResumed: true,
      });
    }
    expect([...first].map(([id, { place, experiment }]) => [id, experiment && place])).toEqual([
      ["override", 1],
      ["holdout", null],
      ["audience", null],
      ["exclusive", null],
      ["kept", 1],
      ["repeat", 2],
      ["dropped", null],
    ]);
  });

  it("keeps its config across a promotion in another engine, which this one has not heard of or has", async () => {
    const bot = await contest();
    const started = await bot.session({ id: "conversation-7", unit: "u" });
    const there = await elsewhere();
    const away = await there.engine.project("support");
    await away.promote(BECAUSE);
    for (const where of [bot, away, await (await elsewhere(7)).engine.project("support")]) {
      expect(await where.session({ id: "conversation-7" })).toMatchObject({
        config: started.config,
        place: started.place,
        arm: started.arm,
        experiment: started.experiment,
        isResumed: true,
      });
    }
    expect((await away.session()).config).toEqual(SHORT);
  });
});

const asSession = (session: unknown): Session<JsonObject> => session as Session<JsonObject>;
