import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { Names } from "../../src/client/names.js";
import { fromBaggage, toBaggage } from "../../src/engine/sessions/baggage.js";
import { routeOf } from "../../src/engine/sessions/route.js";
import { servedState } from "../../src/engine/sessions/snapshot.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { clientOf, serverOf } from "../support/client.js";
import { BECAUSE, type Bot, LONG, SHORT, TERSE, useSetting } from "../support/setting.js";

const setting = useSetting();

async function clientBot(more: Parameters<typeof clientOf>[1] = {}) {
  const { client, logger } = clientOf(setting.test, more);
  const bot = (await client.project("support", { champion: LONG })) as unknown as Bot;
  return { client, logger, bot };
}

describe("sessions of a client", () => {
  it("are assigned, recorded and folded as the engine's own", async () => {
    await setting.contest({ policy: { horizon: 2000 } });
    const { client, bot } = await clientBot();
    const arms = new Set<string>();
    for (let i = 0; i < 30; i += 1) {
      const session = await bot.session({ context: { plan: "pro" } });
      arms.add(session.arm);
      expect(session.config).toEqual(session.arm === "champion" ? LONG : SHORT);
      expect(await session.signal({ name: "cost_usd", value: 0.5 })).toEqual({ status: "recorded" });
      expect(await session.end({ score: 1 })).toEqual({ status: "recorded" });
    }
    expect(arms).toEqual(new Set(["champion", "challenger"]));
    expect(await setting.test.engine.decide()).toMatchObject([{ sessionCount: 30 }]);
    const { sessions } = await setting.test.engine.sessions({ limit: 1 });
    expect(await setting.test.engine.sessionDetail(sessions[0]!.id)).toMatchObject({
      context: { plan: "pro" },
      signals: [{ name: "cost_usd", value: 0.5 }],
    });
    expect(client.health()).toMatchObject({ status: "ok", sessionsDropped: 0, queueLength: 0 });
    await client.close();
  });

  it("of wrapped calls are stored, their errors too, and the result comes back unchanged", async () => {
    await setting.contest();
    const { client, bot } = await clientBot();
    const result = { resolved: true };
    const run = bot.wrap(
      (_session, what: string) => {
        if (what === "fail") throw new Error("out");
        return result;
      },
      { score: ({ resolved }) => resolved },
    );
    expect(await run("go")).toBe(result);
    await expect(run("fail")).rejects.toThrow("out");
    await client.flush();
    const { sessions } = await setting.test.engine.sessions();
    expect(sessions.map(({ score }) => score)).toEqual([0, 1]);
    await client.close();
  });

  it("keep the arm that their unit is stored with, which is remembered", async () => {
    await setting.contest({ share: 0.99 });
    const there = await clientBot();
    const first = await there.bot.session({ unit: "user-1" });
    expect(first).toMatchObject({ arm: "challenger", unit: "user-1" });
    await there.bot.revise({ share: 0.01, ...BECAUSE });

    const server = serverOf(setting.test);
    let answers = Promise.resolve();
    const here = await clientBot({ fetch: async (...asked) => answers.then(() => server(...asked)) });
    const second = await here.bot.session({ unit: "user-1" });
    expect(second).toMatchObject({ arm: "challenger", config: SHORT });
    let release = (): void => undefined;
    answers = new Promise((resolve) => {
      release = resolve;
    });
    const third = await here.bot.session({ unit: "user-1" });
    expect(third.arm).toBe("challenger");
    release();
    expect(await third.end({ score: 1 })).toEqual({ status: "recorded" });
    const { sessions } = await setting.test.engine.sessions();
    expect(sessions.map(({ excluded }) => excluded)).toEqual(["repeat", "repeat", null]);
    await there.client.close();
    await here.client.close();
  });

  it("are resumed by their id with the config they began with, across a promotion too", async () => {
    await setting.contest({ share: 0.99 });
    const there = await clientBot();
    const { id } = await there.bot.session({ id: "ticket-7" });
    await there.bot.promote(BECAUSE);
    await there.bot.challenge(TERSE, { share: 0.99 });
    const here = await clientBot();
    const resumed = await here.bot.session({ id });
    expect(resumed).toMatchObject({ id, isResumed: true, config: SHORT });
    const fresh = await here.bot.session({ id: "ticket-8" });
    expect(fresh).toMatchObject({ isResumed: false, config: TERSE });
    await there.client.close();
    await here.client.close();
  });

  it("of another project cannot be resumed", async () => {
    await setting.contest();
    const { client, bot } = await clientBot();
    const other = await client.project("other", { champion: TERSE });
    await other.session({ id: "theirs" });
    await expect(bot.session({ id: "theirs" })).rejects.toMatchObject({ code: "input_invalid" });
    await client.flush();
    expect(await setting.test.engine.sessionDetail("theirs")).toMatchObject({ excluded: null });
    await client.close();
  });

  it("that another process began are joined, by what a request says of them", async () => {
    await setting.contest();
    const there = await clientBot();
    const outer = await there.bot.session({ unit: "user-1" });
    const parent = fromBaggage(toBaggage(outer));
    const here = await clientBot();
    const inner = await here.bot.session({ parent });
    expect(inner).toMatchObject({ id: outer.id, arm: outer.arm, config: outer.config, isResumed: true });
    const unknown = await here.bot.session({ parent: { id: "nobody", project: "support", root: null } });
    expect(unknown.id).toBe("nobody");
    await there.client.close();
    await here.client.close();
  });

  it("take signals by their id, from anywhere", async () => {
    await setting.contest();
    const { client, bot } = await clientBot();
    const { id } = await bot.session();
    const thumbs = { name: "thumbs", value: 1, kind: "explicit", key: "k" } as const;
    expect(await client.signal(id, thumbs)).toEqual({ status: "recorded" });
    expect(await client.signal(id, thumbs)).toEqual({ status: "duplicate" });
    await expect(client.signal(id, { ...thumbs, value: 0 })).rejects.toMatchObject({
      code: "idempotency_mismatch",
      kind: "conflict",
    });
    await expect(client.signal("nobody", thumbs)).rejects.toMatchObject({ code: "session_not_found" });
    await expect(client.signal(id, { name: "", value: 1 })).rejects.toMatchObject({ code: "signal_invalid" });
    await expect(client.signal("", thumbs)).rejects.toMatchObject({ code: "input_invalid" });
    await client.close();
  });

  it("count against no rate: a client paces itself", async () => {
    await setting.contest();
    const { client, bot } = await clientBot({ fetch: serverOf(setting.test, { requestsPerMinute: 1 }) });
    for (let i = 0; i < 5; i += 1) expect(await (await bot.session()).end()).toEqual({ status: "recorded" });
    await client.close();
  });

  it("tell the host's sinks of their assignment", async () => {
    await setting.contest();
    const exposures: unknown[] = [];
    const sink = { expose: (exposure: unknown) => void exposures.push(exposure) };
    const { client, bot } = await clientBot({ exposures: [sink] });
    const session = await bot.session({ unit: "user-1" });
    await client.flush();
    expect(exposures).toMatchObject([
      { session: session.id, arm: session.arm, unit: "user-1", isEvidence: true },
    ]);
    await client.close();
  });
});

describe("a client assigns as the engine does", () => {
  const audience = { where: { plan: { $in: ["pro", "team"] } } };
  const plans = ["pro", "team", "free"] as const;
  const two = ["0 null", "1 null", "0 holdout", "0 override", "1 override"];
  const contests = {
    "hash version 1": { challengers: SHORT, options: { share: 0.3, hashVersion: 1 as const }, expected: two },
    "hash version 2": { challengers: SHORT, options: { share: 0.3 }, expected: two },
    "several challengers, an audience": {
      challengers: [SHORT, TERSE],
      options: { share: [0.2, 0.45], audience },
      expected: [...two, "2 null", "0 audience"],
    },
  };

  it.each(Object.entries(contests))("10,000 units: %s", async (_, { challengers, options, expected }) => {
    const theirs = await setting.project();
    await theirs.holdout(0.1, BECAUSE);
    await theirs.challenge(challengers, options);
    for (let i = 0; i < 20; i += 1) await theirs.override(`user-${i * 500}`, i % 2, BECAUSE);
    const { client } = await clientBot();
    const store = await openSqlStore(locate(setting.path), { mustExist: true });
    const there = (await store.projectState("support"))!;
    const [snapshot] = client.snapshots();
    const here = servedState(snapshot!, new Names().idOf);

    const routes = Array.from({ length: 10_000 }, (__, i) =>
      [there, here].map((state) => {
        const context = { plan: plans[i % 3] as string };
        const route = routeOf(state, { unit: `user-${i}`, context, forced: undefined, turn: i });
        const place = state.experiment?.arms.findIndex(({ id }) => id === route.arm?.id);
        return { place, config: route.config.hash, excluded: route.excluded, shares: route.shares };
      }),
    );
    expect(routes.filter(([a, b]) => !isDeepStrictEqual(a, b))).toEqual([]);
    const kinds = new Set(routes.map(([a]) => `${a?.place} ${a?.excluded}`));
    expect(kinds).toEqual(new Set(expected));
    await store.close();
    await client.close();
  });
});
