/** Flaws of autumn's experiments that bear on this package, each as a test that it is not here. */
import { describe, expect, it } from "vitest";
import { bucketOf } from "../../src/core/index.js";
import { createEngine } from "../../src/index.js";
import { eventually } from "../support/eventually.js";
import { recordingLogger } from "../support/recording-logger.js";
import { BECAUSE, type Bot, LONG, SHORT, started, TERSE, unitIn, useSetting } from "../support/setting.js";
import { temporaryDatabase } from "../support/temporary.js";

describe("autumn's statistics", () => {
  const setting = useSetting();

  it("not here: exposures of one user without an end, each as good as the first", async () => {
    const bot = await setting.contest();
    for (let i = 0; i < 4; i += 1) await bot.session({ unit: "ada" });
    const session = await bot.session({ id: "conversation-7" });
    await bot.session({ id: "conversation-7" });
    await setting.test.engine.flush();
    const told = setting.sink.exposures.filter(({ unit }) => unit === "ada");
    expect(told.map(({ isEvidence }) => isEvidence)).toEqual([true, false, false, false]);
    expect(setting.sink.exposures.filter((each) => each.session === session.id)).toHaveLength(1);
  });

  it("not here: an override marks a user for ever, with no way to take it away", async () => {
    const bot = await setting.contest({ share: 0.99 });
    await bot.override("ada", "champion", BECAUSE);
    await bot.session({ unit: "ada" });
    await bot.override("ada", null, BECAUSE);
    await (await bot.session({ unit: "ada" })).end({ score: 1 });
    await setting.test.engine.decide();
    await setting.test.engine.flush();
    expect(await bot.overrides()).toEqual([]);
    expect(setting.sink.exposures.map(({ isOverride }) => isOverride)).toEqual([true, false]);
    expect((await bot.evaluate())!.sessionCount).toBe(1);
  });

  it("not here: similar names of experiments share their users' arms", () => {
    const arms = Array.from({ length: 10 }, (_, e) =>
      Array.from({ length: 2000 }, (__, u) =>
        bucketOf({ version: 2, experiment: `exp_${e}`, unit: `user:${u}` }) < 5000 ? 1 : -1,
      ),
    );
    const product = (one: readonly number[], other: readonly number[]) =>
      Math.abs(one.reduce((sum, arm, i) => sum + arm * (other[i] as number), 0)) / 2000;
    const pairs = arms.flatMap((one, i) => arms.slice(i + 1).map((other) => product(one, other)));
    // 45 pairs, the standard error of each is 0.022.
    expect(Math.max(...pairs)).toBeLessThan(0.09);
  });

  it("not here: ('a:b', 'c') and ('a', 'b:c') are one key", async () => {
    const bot = await setting.contest();
    // No experiment is called "a:b": its id is a UUID, so the first colon ends it.
    expect((await bot.experiments())[0]!.id).toMatch(/^[0-9a-f-]{36}$/);
    const heldOut = async (key: string, prefix: string) => {
      const held = await setting.project(key);
      await held.holdout(0.5, BECAUSE);
      await held.challenge(SHORT, { share: 0.99 });
      return (await started(held, 60, prefix)).map(({ experiment }) => experiment === null);
    };
    expect(await heldOut("a", "b:u")).not.toEqual(await heldOut("a:b", "u"));
  });

  it("not here: shares that move and leave no record of who was assigned under which", async () => {
    const bot = await setting.contest({ share: 0.1 });
    await started(bot, 3);
    await bot.revise({ share: 0.3, ...BECAUSE });
    await started(bot, 2);
    const shares = await setting.sql<{ shares: string }>("SELECT shares FROM sessions ORDER BY seq");
    expect(shares.map((row) => row.shares)).toEqual(["[0.1]", "[0.1]", "[0.1]", "[0.3]", "[0.3]"]);
    expect((await bot.report())!.revisions).toMatchObject([
      { fromSeq: 4, fields: { shareRule: { share: 0.3 } } },
    ]);
  });

  it("not here: no targeting, no schedule, no holdout, no payload", async () => {
    const bot = await setting.project();
    await bot.holdout(0.1, BECAUSE);
    const { experiment } = await bot.draft(
      { prompt: "short", model: { name: "m", temperature: 0.2 } },
      { audience: { where: { plan: "pro" } }, startsAt: setting.test.clock.now() + 1000 },
    );
    setting.test.clock.advance(1000);
    await setting.test.engine.decide();
    expect(await bot.report({ experiment: experiment!.id })).toMatchObject({
      status: "running",
      holdout: 0.1,
      audience: { where: { plan: "pro" } },
      challenger: { body: { model: { temperature: 0.2 } } },
    });
  });
});

describe("autumn's integrity", () => {
  const setting = useSetting();

  /** Another process's project, which does not look at the database until told to. */
  const elsewhere = async (): Promise<Bot> => setting.project("support", await setting.elsewhere());

  it("not here: a race over a change of shares puts a user in two arms", async () => {
    const bot = await setting.contest({ share: 0.99 });
    const there = await elsewhere();
    await bot.revise({ share: 0.01, ...BECAUSE });
    const units = Array.from({ length: 20 }, (_, i) => `racer-${i}`);
    const pairs = await Promise.all(
      units.map((unit) => Promise.all([there.session({ unit }), bot.session({ unit })])),
    );
    for (const [away, here] of pairs) expect(away.config).toEqual(here.config);
    expect(await setting.sql("SELECT count(*) AS n FROM units")).toEqual([{ n: 20 }]);
  });

  it("not here: a user once in an experiment that has ended is shut out of the group for ever", async () => {
    const first = await setting.contest({ exclusionGroup: "checkout" }, "first");
    await first.session({ unit: "ada" });
    const second = await setting.contest({ exclusionGroup: "checkout" }, "second");
    expect((await second.session({ unit: "ada" })).experiment).toBeNull();
    const { id } = (await first.experiments())[0]!;
    await first.abort(BECAUSE);
    await first.archive(id, BECAUSE);
    expect((await second.session({ unit: "ada" })).experiment).not.toBeNull();
  });

  it("not here: an override blocks its user's other experiments", async () => {
    const first = await setting.contest({ exclusionGroup: "checkout" }, "first");
    await first.override("ada", "challenger", BECAUSE);
    await first.session({ unit: "ada" });
    const second = await setting.contest({ exclusionGroup: "checkout" }, "second");
    expect((await second.session({ unit: "ada" })).experiment).not.toBeNull();
  });

  it("not here: creating again revives what has ended, or restarts it with a stale winner", async () => {
    const bot = await setting.contest();
    const { id } = (await bot.experiments())[0]!;
    await bot.promote(BECAUSE);
    await bot.archive(id, BECAUSE);
    await bot.rollback(BECAUSE);
    expect(await bot.challenge(SHORT)).toMatchObject({ started: false, experiment: { status: "promoted" } });
    await expect(bot.start(id, BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    const again = await bot.challenge(SHORT, { again: "a new model version" });
    expect(again.experiment!.id).not.toBe(id);
    expect(await bot.report()).toMatchObject({ status: "running", decision: null });
  });

  it("not here: an edit that sets any state, or a conclusion of a draft", async () => {
    const bot = await setting.project();
    const { id } = (await bot.draft(SHORT)).experiment!;
    await expect(bot.promote({ ...BECAUSE, experiment: id })).rejects.toMatchObject({
      code: "transition_illegal",
    });
    await bot.start(id, BECAUSE);
    const edit = bot.edit(id, { status: "draft", ...BECAUSE } as never);
    await expect(edit).rejects.toMatchObject({ code: "settings_invalid" });
  });

  it("not here: after the end, others still assign into what has ended", async () => {
    const bot = await setting.contest({ share: 0.99 });
    const there = await elsewhere();
    await bot.abort(BECAUSE);
    const stale = await there.session();
    await stale.end({ score: 0 });
    await setting.test.settleAll();
    // It runs as it was routed, for as long as the other process may not know; and it changes nothing.
    expect((await bot.evaluate())!.sessionCount).toBe(0);
    setting.test.clock.advance(5001);
    await eventually(async () => expect((await there.session()).config).toEqual(LONG));
  });

  it("not here: a history whose order hangs on its limit, with lines by nobody", async () => {
    const bot = await setting.contest();
    await bot.pause(BECAUSE);
    await bot.override("qa", "challenger", { reason: "to try it" });
    expect((await bot.history(1)).map(({ action }) => action)).toEqual(["override"]);
    expect((await bot.history()).map(({ actor }) => actor)).toEqual(["library", "ada", "library", "library"]);
    await expect(bot.history(0)).rejects.toMatchObject({ code: "input_invalid" });
  });

  it("not here: one error for whatever is wrong, and experiments without variants", async () => {
    const bot = await setting.project();
    const codes = [];
    for (const attempt of [
      () => bot.challenge([]),
      () => bot.challenge(SHORT, { share: 2 }),
      () => bot.challenge(TERSE, { audience: { where: { $where: "1" } } }),
      () => bot.challenge(TERSE, { label: "2" }),
    ])
      codes.push(await attempt().catch(({ code }: { code: string }) => code));
    expect(codes).toEqual(["config_invalid", "share_out_of_range", "audience_invalid", "settings_invalid"]);
    expect(await bot.experiments()).toEqual([]);
  });

  it("not here: a change of shares that forgets who has which arm", async () => {
    const bot = await setting.contest();
    const [one, other] = [await unitIn(bot, "champion", "a"), await unitIn(bot, "challenger", "b")];
    for (const share of [0, 0.99, 0.01]) {
      await bot.revise({ share, ...BECAUSE });
      expect((await bot.session({ unit: one })).arm).toBe("champion");
      expect((await bot.session({ unit: other })).arm).toBe("challenger");
    }
  });
});

describe("autumn's sinks", () => {
  it("not here: a sink that fails is heard of by nobody, and a slow one is waited for", async () => {
    const broken = { expose: () => Promise.reject(new Error("sink")) };
    let isTold = false;
    const slow = {
      expose: () => {
        isTold = true;
      },
    };
    const url = temporaryDatabase();
    const engine = await createEngine({ url, logger: recordingLogger(), exposures: [broken, slow] });
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.5 });
    const session = await bot.session();
    expect(isTold).toBe(false);
    await session.end({ score: 1 });
    await engine.flush();
    expect(isTold).toBe(true);
    expect(engine.health()).toMatchObject({ listenersFailed: 1, status: "ok" });
    await engine.close();
  });
});

/*
 * Not tested here:
 *
 * no outcome side                        the rest of this package
 * buckets of 1/10,000                    what is stored is the share truly used; test/unit/core/sessions/assignment
 * errors as texts that are parsed back   test/prior/autumn 2.4.15
 * a lock by a hash of the user alone     one writer per process, transactions of the database; bench/
 * a poller that loses invalidations      each refresh reads the state whole: test/integration/processes
 * the command line bypasses the guard    it calls the library: test/prior/autumn 2.4.17
 */
