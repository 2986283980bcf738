import { describe, expect, it } from "vitest";
import type { AssignInput } from "../../src/index.js";
import { BECAUSE, type Bot, LONG, SHORT, started, TERSE, useSetting } from "../support/setting.js";

const setting = useSetting();

const BY_PLAN: AssignInput = { by: "attribute", field: "plan", map: { pro: "challenger", free: "champion" } };

async function ruled(assign: AssignInput, challengers: object | object[] = SHORT): Promise<Bot> {
  const bot = await setting.project();
  await bot.challenge(challengers as never, { assign });
  return bot;
}

/** Sessions in which the challenger always succeeds and the champion never does. */
async function playPlans(bot: Bot, count: number): Promise<void> {
  const ends: Promise<unknown>[] = [];
  for (let i = 0; i < count; i += 1) {
    const session = await bot.session({ unit: `user-${i}`, context: { plan: i % 2 ? "pro" : "free" } });
    ends.push(session.end({ score: session.arm === "challenger" ? 1 : 0 }));
  }
  await Promise.all(ends);
}

const armsOf = async (bot: Bot, contexts: readonly (object | undefined)[]): Promise<string[]> => {
  const arms: string[] = [];
  for (const context of contexts) {
    const { arm, excluded } = await bot.session({ ...(context && { context: context as never }) });
    expect(excluded).toBe("assigned");
    arms.push(arm);
  }
  return arms;
};

describe("arms given by a rule", () => {
  it("go by an attribute of the context, and to the champion without it", async () => {
    const bot = await ruled(BY_PLAN);
    const contexts = [{ plan: "pro" }, { plan: "free" }, { plan: "team" }, {}, undefined];
    expect(await armsOf(bot, contexts)).toEqual([
      ...["challenger", "champion", "champion", "champion", "champion"],
    ]);
  });

  it("go by the first group that is listed", async () => {
    const bot = await ruled({ by: "group", map: { staff: "challenger" } });
    expect(await armsOf(bot, [{ groups: ["beta", "staff"] }, { groups: ["beta"] }])).toEqual([
      ...["challenger", "champion"],
    ]);
  });

  it("are the same for everyone", async () => {
    const bot = await ruled({ by: "fixed", arm: "challenger" });
    expect(await armsOf(bot, [undefined, { plan: "free" }])).toEqual(["challenger", "challenger"]);
  });

  it("take turns, one process by itself", async () => {
    const bot = await ruled({ by: "round-robin" }, [SHORT, TERSE]);
    const places = (await started(bot, 7)).map(({ place }) => place);
    expect(places).toEqual([0, 1, 2, 0, 1, 2, 0]);
    const there = await setting.project("support", await setting.elsewhere());
    expect((await there.session()).place).toBe(0);
  });

  it("yield to the holdout, the audience and an arm by hand, as those of chance do", async () => {
    const bot = await setting.project();
    const assign = { by: "fixed", arm: "challenger" } as const;
    await bot.challenge(SHORT, { assign, audience: { where: { plan: "pro" } } });
    expect(await bot.session({ context: { plan: "free" } })).toMatchObject({ excluded: "audience" });
    await bot.override("ada", "champion", BECAUSE);
    const byHand = await bot.session({ unit: "ada", context: { plan: "pro" } });
    expect(byHand).toMatchObject({ arm: "champion", excluded: "override" });
  });

  it("send the sessions of a challenger that was dropped to the champion", async () => {
    const bot = await ruled({ by: "fixed", arm: 2 }, [SHORT, TERSE]);
    expect((await bot.session()).config).toEqual(TERSE);
    await bot.drop({ challenger: 2, ...BECAUSE });
    expect(await bot.session()).toMatchObject({ arm: "champion", config: LONG });
  });
});

describe("an experiment whose arms a rule gives", () => {
  it("is never decided by a tick, however clear its numbers are", async () => {
    const bot = await ruled(BY_PLAN);
    await playPlans(bot, 400);
    for (let i = 0; i < 3; i += 1) {
      const [tick] = await setting.test.engine.decide();
      expect(tick).toMatchObject({
        verdict: "continue",
        reason: "collecting",
        sessionCount: 0,
        changed: false,
      });
    }
    expect(bot.champion).toEqual(LONG);
    expect(await setting.sql("SELECT count(*) AS n FROM sessions WHERE is_evidence = 1")).toEqual([{ n: 0 }]);
    expect(await setting.sql("SELECT count(*) AS n FROM units")).toEqual([{ n: 0 }]);
    await expect(bot.approve(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
  });

  it("is promoted by a person alone, without proof, and costs no false promotion", async () => {
    const bot = await ruled(BY_PLAN);
    await playPlans(bot, 20);
    await bot.promote(BECAUSE);
    expect(bot.champion).toEqual(SHORT);
    const report = await bot.report();
    expect(report?.decision).toMatchObject({ verdict: "promote", reason: "manual" });
    expect(report?.ledger).toMatchObject({ experiments: 0, promotions: 0, unproven: 1, expectedFalseMax: 0 });
    const verified = await setting.test.engine.verify();
    expect(verified.map(({ isEqual }) => isEqual)).toEqual([true]);
  });

  it("reports what was observed, and calls it that", async () => {
    const bot = await ruled(BY_PLAN);
    await playPlans(bot, 100);
    const report = await bot.report();
    expect(report).toMatchObject({
      assign: { by: "attribute", field: "plan", map: { pro: 1, free: 0 } },
      promotion: "approve",
      evaluation: { sessionCount: 0 },
      observed: [{ kind: "observational", sessionCount: 100, placed: { assign: 100 } }],
    });
    expect(report?.observed?.[0]?.arms.map(({ count, mean }) => [count, mean])).toEqual([
      [50, 0],
      [50, 1],
    ]);
    const randomised = await (await setting.contest({}, "sales")).report();
    expect(randomised).toMatchObject({ assign: null, observed: null });
  });

  it("reports each of several challengers beside the champion", async () => {
    const bot = await ruled({ by: "round-robin" }, [SHORT, TERSE]);
    for (const session of await started(bot, 30)) await session.end({ score: session.place / 2 });
    const means = (await bot.report())?.observed?.map(({ arms }) => arms.map(({ mean }) => mean));
    expect(means).toEqual([
      [0, 0.5],
      [0, 1],
    ]);
  });

  it("still blows its fuse", async () => {
    const bot = await ruled(BY_PLAN);
    const failing = bot.wrap(
      ({ arm }, plan: string) => {
        if (arm === "challenger") throw new Error(`broken for ${plan}`);
        return plan;
      },
      { context: (plan) => ({ plan }), score: () => 1 },
    );
    for (let i = 0; i < 60; i += 1) await failing(i % 2 ? "pro" : "free").catch(() => undefined);
    await setting.test.engine.flush();
    const [tick] = await setting.test.engine.decide();
    const ended = tick ?? { reason: (await bot.report())?.decision?.reason };
    expect(ended).toMatchObject({ reason: "fuse" });
    expect(bot.champion).toEqual(LONG);
  });

  it.each([
    ["a share", { share: 0.2 }],
    ["a goal", { detect: 0.1, within: "14d" }],
    ["a level", { fdr: 0.1 }],
    ["an exclusion group", { exclusionGroup: "checkout" }],
    ["a promotion by itself", { promotion: "auto" }],
    ["another rule", { assign: { by: "weather" } }],
  ])("takes no %s", async (_what, options) => {
    const bot = await setting.project();
    const challenge = bot.challenge(SHORT, { assign: BY_PLAN, ...options } as never);
    await expect(challenge).rejects.toMatchObject({ code: "settings_invalid" });
    expect(await bot.experiments()).toEqual([]);
  });

  it("has no share to revise", async () => {
    const bot = await ruled(BY_PLAN);
    await expect(bot.revise({ share: 0.5, ...BECAUSE })).rejects.toMatchObject({
      code: "settings_invalid",
      details: { field: "share" },
    });
  });

  it("may be drafted, and a draft may change from chance to a rule and back", async () => {
    const bot = await setting.project();
    const { id } = (await bot.draft(SHORT, { share: 0.3, fdr: 0.1 })).experiment ?? { id: "" };
    const toRule = await bot.edit(id, { assign: BY_PLAN, ...BECAUSE });
    expect(toRule).toMatchObject({ share: 0, promotion: "approve", assign: { by: "attribute" } });
    const kept = await bot.edit(id, { horizon: 500, ...BECAUSE });
    expect(kept).toMatchObject({ share: 0, assign: { by: "attribute" }, policy: { horizon: 500 } });
    await expect(bot.edit(id, { share: 0.5, ...BECAUSE })).rejects.toMatchObject({
      code: "settings_invalid",
    });
    await expect(bot.edit(id, { promotion: "auto", ...BECAUSE })).rejects.toMatchObject({
      code: "settings_invalid",
    });
    const back = await bot.edit(id, { assign: null, share: 0.4, promotion: "auto", ...BECAUSE });
    expect(back).toMatchObject({ share: 0.4, promotion: "auto", assign: null });
    await bot.edit(id, { assign: { by: "fixed", arm: 1 }, ...BECAUSE });
    await bot.start(id, BECAUSE);
    expect(await bot.session()).toMatchObject({ arm: "challenger", excluded: "assigned" });
  });

  it("is followed by a watch that chance decides", async () => {
    const bot = await setting.project();
    await bot.challenge(SHORT, { assign: BY_PLAN, watch: true });
    await bot.promote(BECAUSE);
    const [watch] = await bot.experiments();
    expect(watch).toMatchObject({ kind: "watch", status: "running", assign: null, promotion: "auto" });
  });

  it("takes no evidence from a process that says otherwise", async () => {
    const bot = await ruled(BY_PLAN);
    const { engine, clock } = setting.test;
    const { experiment } = await engine.snapshot("support");
    const start = {
      ...{ type: "start" as const, id: "told", project: "support", experiment: experiment?.id ?? "", arm: 0 },
      ...{ config: bot.championHash, unit: null, shares: [0], context: null, root: null, atMs: clock.now() },
    } as const;
    const [refused, taken] = await engine.record([
      { ...start, excluded: null },
      { ...start, excluded: "assigned" },
    ]);
    expect(refused).toMatchObject({ status: "failed", error: { code: "input_invalid" } });
    expect(taken).toMatchObject({ status: "started", session: { excluded: "assigned" } });
  });
});
