import { beforeEach, describe, expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import type { Project } from "../../src/index.js";
import { clientOf, serverOf } from "../support/client.js";
import { BECAUSE, type Bot, LONG, play, SHORT, TERSE, useSetting } from "../support/setting.js";

const setting = useSetting();
let client: Client;
let bot: Bot;

beforeEach(async () => {
  client = clientOf(setting.test).client;
  // The same interface: what takes a project of the library takes one of a client.
  const project: Project<typeof LONG> = await client.project("support", { champion: LONG });
  bot = project as unknown as Bot;
});

/** Waits between attempts take no time, and no answer is too late. */
const IMPATIENT = {
  clock: {
    now: () => setting.test.clock.now(),
    after: (ms: number, fn: () => void) => {
      if (ms > 5000) return () => undefined;
      const turn = setImmediate(fn);
      return () => clearImmediate(turn);
    },
  },
  timeoutMs: 1e6,
  patienceMs: 1e6,
  refreshMs: 1e6,
};

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("what people do through a client", () => {
  it("queues challengers, orders them, sets a budget and looks through evaluations, as the library does", async () => {
    const own = await setting.test.engine.project<typeof LONG>("support");
    await bot.challenge(SHORT, { share: 0.5 });
    const queued = await bot.challenge(TERSE, { queue: true });
    expect(queued).toMatchObject({ status: "queued", started: false, experiment: { isQueued: true } });
    await bot.budget(0.05, { ...BECAUSE, window: "30d" });
    expect(plain(await bot.queue())).toEqual(plain(await own.queue()));
    expect(await bot.queue()).toMatchObject({ waitsFor: "slot", budget: { spent: 0.05, left: 0 } });
    await bot.move(queued.experiment?.id as string, null, BECAUSE);
    expect((await bot.queue()).experiments).toEqual([]);
    await play(bot, 30, (arm, nth) => Number(arm === "champion" ? nth % 2 === 0 : nth % 3 > 0));
    await setting.test.engine.decide();
    const page = await bot.evaluations({ limit: 5, verdict: "continue" });
    expect(page.evaluations.length).toBeGreaterThan(0);
    expect(plain(page)).toEqual(plain(await own.evaluations({ limit: 5, verdict: "continue" })));
    await bot.abort(BECAUSE);
    expect(await bot.challenge({ ...TERSE, style: "curt" } as never)).toMatchObject({
      status: "over-budget",
    });
    await expect(client.project("other", { champion: LONG, proposer: () => null })).rejects.toMatchObject({
      code: "settings_invalid",
      details: { field: "proposer" },
    });
  });

  it("challenges: started once, an overlap is told, the champion's own config starts nothing", async () => {
    const challenged = await bot.challenge(SHORT, { share: 0.5, label: "short" });
    expect(challenged).toMatchObject({ started: true, status: "started", experiment: { share: 0.5 } });
    expect(challenged.forecast).not.toBeNull();
    // It is served at once, not after the next look.
    expect((await bot.session()).experiment).toBe(challenged.experiment?.id);
    expect(await bot.challenge((champion) => ({ ...champion, ...SHORT }))).toMatchObject({
      status: "existing",
    });
    expect(await bot.challenge([TERSE])).toMatchObject({ started: false, status: "overlap" });
    expect(await bot.challenge(LONG)).toMatchObject({ status: "is-champion" });
    for (const wrong of [1, [], { at: new Date() }])
      await expect(bot.challenge(wrong as never)).rejects.toMatchObject({ kind: "invalid_input" });
    await expect(bot.challenge(TERSE, { share: 2 })).rejects.toMatchObject({ code: "share_out_of_range" });
    await expect(
      bot.challenge(() => {
        throw new Error("no");
      }),
    ).rejects.toMatchObject({ code: "config_invalid" });
    await expect(bot.challenge({ apiKey: "sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaa" } as never)).rejects.toMatchObject(
      {
        code: "config_secret",
      },
    );
    await client.close();
  });

  it("drafts, edits, starts, archives", async () => {
    const { experiment } = await bot.draft(SHORT, { share: 0.5, startsAt: new Date(1.9e12) });
    const id = experiment?.id as string;
    expect(experiment).toMatchObject({ status: "draft", startsAtMs: 1.9e12 });
    expect(await bot.edit(id, { ...BECAUSE, owner: "ada", startsAt: null })).toMatchObject({
      owner: "ada",
      startsAtMs: null,
    });
    expect((await bot.edit(id, { ...BECAUSE, add: TERSE })).challengers).toHaveLength(2);
    expect((await bot.edit(id, { ...BECAUSE, remove: 2 })).challengers).toHaveLength(1);
    expect(await bot.start(id, BECAUSE)).toMatchObject({ status: "running" });
    await bot.abort({ ...BECAUSE, experiment: id });
    await bot.archive(id, BECAUSE);
    expect(await bot.experiments()).toEqual([]);
    expect(await bot.experiments({ archived: true })).toMatchObject([{ id, status: "aborted" }]);
    await client.close();
  });

  it("pauses, resumes, revises, drops, promotes, rolls back", async () => {
    await bot.challenge([SHORT, TERSE], { share: [0.3, 0.3] });
    await bot.pause(BECAUSE);
    expect((await bot.session()).experiment).toBeNull();
    await bot.resume(BECAUSE);
    await bot.revise({ ...BECAUSE, horizon: 300 });
    await bot.drop({ ...BECAUSE, challenger: 2 });
    expect((await bot.experiments())[0]).toMatchObject({ challengers: [{ out: null }, { out: "manual" }] });
    await bot.promote({ ...BECAUSE, challenger: 1 });
    expect(bot.champion).toEqual(SHORT);
    expect(await bot.rollback(BECAUSE)).toEqual(LONG);
    expect(bot.champion).toEqual(LONG);
    await expect(bot.pause(BECAUSE)).rejects.toMatchObject({ code: "experiment_not_found" });
    await expect(bot.pause({ reason: "" })).rejects.toMatchObject({ kind: "invalid_input" });
    await client.close();
  });

  it("approves and declines what waits for a person", async () => {
    const policy = { minPerArm: 10, horizon: 400 } as const;
    for (const verb of ["decline", "approve"] as const) {
      await bot.challenge(SHORT, { share: 0.5, promotion: "approve", policy, again: verb });
      await play(bot, 120, (arm) => (arm === "challenger" ? 1 : 0));
      await setting.test.engine.decide();
      expect((await bot.experiments())[0]).toMatchObject({ isAwaitingApproval: true });
      await bot[verb](BECAUSE);
      expect(bot.champion).toEqual(verb === "approve" ? SHORT : LONG);
    }
    await client.close();
  });

  it("gives units arms by hand, holds units out, names configs", async () => {
    await bot.challenge(SHORT, { share: 0.01 });
    await bot.override("user/1 & more", "challenger", BECAUSE);
    expect((await bot.session({ unit: "user/1 & more" })).arm).toBe("challenger");
    expect(await bot.overrides()).toMatchObject([{ unit: "user/1 & more", arm: 1, reason: "because" }]);
    await expect(bot.override("..", 1, BECAUSE)).rejects.toMatchObject({ code: "input_invalid" });
    await bot.holdout(0.1, BECAUSE);
    const [first] = await bot.configs();
    await bot.label(first!.hash, "thorough", BECAUSE);
    expect((await bot.configs())[0]).toMatchObject({ label: "thorough", body: LONG });
    expect(await bot.diff("thorough", (await bot.configs())[1]!.hash)).toMatchObject([{ path: "/prompt" }]);
    await client.close();
  });

  it("reads scores broken down by an attribute", async () => {
    await bot.challenge(SHORT, { share: 0.5 });
    for (let nth = 0; nth < 4; nth += 1) {
      const session = await bot.session({ context: { user: { plan: "pro" } } });
      await session.end({ score: 1 });
    }
    await client.flush();
    await setting.test.engine.decide();
    const byPlan = await bot.report({ by: "user.plan" });
    expect(byPlan?.breakdown).toMatchObject([{ attribute: "user.plan", values: [{ value: "pro" }] }]);
    expect((await bot.report({ by: "team" }))?.breakdown).toEqual([]);
    await client.close();
  });

  it("reads the same numbers as the library", async () => {
    const theirs = await setting.project();
    expect(await bot.report()).toBeNull();
    expect(await bot.evaluate()).toBeNull();
    expect(await bot.trajectory()).toBeNull();
    await expect(bot.report({ experiment: "0000" })).rejects.toMatchObject({ code: "experiment_not_found" });
    await bot.challenge(SHORT, { share: 0.5, hypothesis: "shorter is better" });
    await play(bot, 40, (arm, nth) => Number(arm === "challenger" || nth % 2 === 0));
    await setting.test.engine.decide();
    const reads = [
      "report",
      "evaluate",
      "trajectory",
      "experiments",
      "configs",
      "overrides",
      "history",
    ] as const;
    for (const read of reads) {
      expect([read, await bot[read]()]).toEqual([read, plain(await theirs[read]())]);
    }
    expect(bot.championHash).toBe((await theirs.configs())[0]?.hash);
    expect(bot.experiment).toBe((await theirs.experiments())[0]?.id);
    expect(await bot.history(2)).toHaveLength(2);
    await expect(bot.history(0)).rejects.toMatchObject({ code: "input_invalid" });
    await client.close();
  });

  it("reads an audit log of more than a page", async () => {
    const theirs = await setting.project();
    for (let i = 0; i < 130; i += 1) await theirs.holdout(i % 2 ? 0.1 : 0.2, BECAUSE);
    const { clock } = setting.test;
    const small = clientOf(setting.test, { fetch: serverOf(setting.test, { clock }) }).client;
    const there = await small.project("support");
    for (let i = 0; i < 130; i += 1) await theirs.holdout(i % 2 ? 0.1 : 0.2, BECAUSE);
    expect(await there.history(1000)).toEqual(plain(await theirs.history(1000)));
    await small.close();
    await client.close();
  });
});

describe("a verb whose answer is lost", () => {
  it("is repeated under the same name, and done once", async () => {
    const server = serverOf(setting.test);
    let lost = 0;
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await server(input, init);
      if (init?.method === "POST" && String(input).endsWith("/rollback") && lost < 2) {
        lost += 1;
        throw new TypeError("socket hang up");
      }
      return response;
    };
    const flaky = clientOf(setting.test, { fetch, ...IMPATIENT });
    const there = (await flaky.client.project("support")) as unknown as Bot;
    await there.challenge(SHORT, { share: 0.5 });
    await there.promote(BECAUSE);
    await there.challenge(TERSE, { share: 0.5 });
    await there.promote(BECAUSE);
    // Done twice, it would go back by two.
    expect(await there.rollback(BECAUSE)).toEqual(SHORT);
    expect(lost).toBe(2);
    expect(there.champion).toEqual(SHORT);
    await flaky.client.close();
    await client.close();
  });

  it("fails after five attempts", async () => {
    let asked = 0;
    const server = serverOf(setting.test);
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (!String(input).endsWith("/rollback")) return server(input, init);
      asked += 1;
      throw new TypeError("socket hang up");
    };
    const flaky = clientOf(setting.test, { fetch, ...IMPATIENT });
    const there = await flaky.client.project("support");
    await expect(there.rollback(BECAUSE)).rejects.toMatchObject({
      code: "server_unavailable",
      kind: "unavailable",
    });
    expect(asked).toBe(5);
    await flaky.client.close();
    await client.close();
  });
});

it("a challenge that the server cannot take starts once it can", async () => {
  const server = serverOf(setting.test);
  let isAway = true;
  const fetch: typeof globalThis.fetch = async (...asked) => {
    if (!isAway) return server(...asked);
    throw new TypeError("fetch failed");
  };
  const away = clientOf(setting.test, { fetch, ...IMPATIENT });
  const there = (await away.client.project("support", { champion: LONG })) as unknown as Bot;
  expect(await there.challenge(SHORT, { share: 0.5 })).toMatchObject({ started: false, status: "pending" });
  isAway = false;
  await expect.poll(async () => (await bot.experiments()).length, { timeout: 10_000 }).toBe(1);
  await expect.poll(async () => (await there.session()).experiment, { timeout: 10_000 }).not.toBeNull();
  await away.client.close();
  await client.close();
});

it("a challenge finds the project to be created, where the server was away before", async () => {
  const server = serverOf(setting.test);
  let isAway = true;
  const fetch: typeof globalThis.fetch = async (...asked) => {
    if (isAway) throw new TypeError("fetch failed");
    return server(...asked);
  };
  const away = clientOf(setting.test, { fetch });
  const there = (await away.client.project("new", { champion: LONG })) as unknown as Bot;
  isAway = false;
  expect(await there.challenge(SHORT, { share: 0.5 })).toMatchObject({ started: true });
  expect((await there.session()).experiment).not.toBeNull();
  await away.client.close();
  await client.close();
});
