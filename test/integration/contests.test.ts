/** Several challengers in one experiment, drafts, what follows a promotion, and the lineage of configs. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "../../src/core/random.js";
import { identifyConfig } from "../../src/engine/configs/config.js";
import type { ChallengeOptions } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { playRates, type RateConfig } from "../support/contest.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { query } from "../support/query.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase } from "../support/temporary.js";

const CHAMPION: RateConfig = { rate: 0.5 };
const BETTER: RateConfig = { rate: 0.85 };
const WORSE: RateConfig = { rate: 0.1 };
const SAME: RateConfig = { rate: 0.5000001 };
const BECAUSE = { reason: "because", actor: "ada" };
const DAY_MS = 86_400_000;

let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;
let path: string;

beforeEach(async () => {
  logger = recordingLogger();
  path = temporaryDatabase();
  test = await createTestEngine({ seed: 5, logger, url: path });
});

afterEach(() => test.close());

const project = () => test.engine.project<RateConfig>("support", { champion: CHAMPION });
const hashOf = (config: RateConfig): string => identifyConfig(config).hash;

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return query(path, sql);
}

async function contest(challengers: readonly RateConfig[], options: ChallengeOptions = {}) {
  const bot = await project();
  const { experiment } = await bot.challenge(challengers, { share: 0.6, ...options });
  return { bot, id: experiment!.id };
}

describe("several challengers", () => {
  it("divide the share, or have one each; the champion has the rest", async () => {
    const { bot, id } = await contest([BETTER, SAME, WORSE]);
    const [experiment] = await bot.experiments();
    expect(experiment).toMatchObject({ id, share: 0.6 });
    expect(experiment!.challengers).toMatchObject([
      { place: 1, share: 0.2, config: BETTER, out: null },
      { place: 2, share: 0.2, config: SAME },
      { place: 3, share: 0.2, config: WORSE },
    ]);
    await bot.abort(BECAUSE);
    await bot.challenge([SAME, WORSE], { share: [0.3, 0.05] });
    expect((await bot.experiments())[0]!.challengers.map(({ share }) => share)).toEqual([0.3, 0.05]);
    expect(await rows("SELECT bucket_count AS n FROM arms ORDER BY id DESC LIMIT 3")).toEqual([
      { n: 500 },
      { n: 3000 },
      { n: 6500 },
    ]);
  });

  it("are served in their shares, and each session keeps the shares it was assigned under", async () => {
    const { bot } = await contest([BETTER, SAME], { share: [0.1, 0.3], policy: { horizon: 100_000 } });
    await playRates(test, 1500);
    const served = await rows(
      "SELECT position AS place, count(*) AS n FROM sessions JOIN arms ON arms.id = arm_id GROUP BY position ORDER BY 1",
    );
    const sd = (share: number): number => Math.sqrt(1500 * share * (1 - share));
    for (const [place, share] of [0.6, 0.1, 0.3].entries())
      expect(Math.abs((served[place]!.n as number) - 1500 * share)).toBeLessThan(4 * sd(share));
    expect(await rows("SELECT DISTINCT shares FROM sessions")).toEqual([{ shares: "[0.1,0.3]" }]);
    expect((await bot.evaluate())!.arms).toHaveLength(3);
  });

  it("the first one proven better is promoted, and everyone gets it", async () => {
    const { bot } = await contest([SAME, BETTER], { policy: { horizon: 2000 } });
    await playRates(test, 700);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote", reason: "evidence" }]);
    expect(bot.champion).toEqual(BETTER);
    expect((await bot.session()).config).toEqual(BETTER);
    const report = await bot.report();
    expect(report!.decision).toMatchObject({ arm: 2, verdict: "promote" });
    expect(report!.challenger).toMatchObject({ place: 2, hash: hashOf(BETTER) });
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }]);
    await rows("UPDATE decisions SET arm = 1");
    expect(await test.engine.verify()).toMatchObject([{ isEqual: false, differences: ["arm: 1 -> 2"] }]);
  });

  it("one that does harm is dropped, its share returns to the champion, and the others go on", async () => {
    const { bot } = await contest([WORSE, SAME], { policy: { horizon: 5000, futility: null } });
    await playRates(test, 300);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue", reason: "collecting" }]);
    const [experiment] = await bot.experiments();
    expect(experiment!.challengers).toMatchObject([
      { share: 0, out: "harm" },
      { share: 0.3, out: null },
    ]);
    expect((await bot.history())[0]).toMatchObject({
      action: "dropped",
      reason: "harm",
      details: { place: 1, challenger: hashOf(WORSE) },
    });
    await playRates(test, 100, { seed: 2 });
    const late = await rows(
      "SELECT DISTINCT position AS place FROM sessions JOIN arms ON arms.id = arm_id WHERE seq > 300 ORDER BY 1",
    );
    expect(late).toEqual([{ place: 0 }, { place: 2 }]);
    expect((await bot.evaluate())!.others).toMatchObject([{ arm: 1, out: "harm" }]);
  });

  it("are out by the session log alone, not by how often a job ran", async () => {
    const play = async (ticks: number) => {
      const own = await createTestEngine({ seed: 9 });
      const bot = await own.engine.project<RateConfig>("support", { champion: CHAMPION });
      const policy = { kind: "threshold", horizon: 900, minPerArm: 20 } as const;
      await bot.challenge([WORSE, SAME, { rate: 0.499999 }], { share: 0.75, policy });
      // All are assigned before any ends, so that a drop in between moves nobody.
      const sessions = await own.runSessions(240, () => bot.session());
      const random = createRandom(4);
      for (const [index, session] of sessions.entries()) {
        await session.end({ score: random.next() < session.config.rate ? 1 : 0 });
        if ((index + 1) % (240 / ticks) === 0) await own.engine.decide();
      }
      const { evaluation, challengers } = (await bot.report())!;
      await own.close();
      return { out: challengers.map(({ out }) => out), evaluation };
    };
    const atOnce = await play(1);
    expect(new Set(atOnce.out)).toEqual(new Set(["harm", null]));
    expect(await play(12)).toEqual(atOnce);
  });

  it("all of them harmful ends the experiment", async () => {
    await contest([WORSE, { rate: 0.05 }], { policy: { horizon: 5000 } });
    await playRates(test, 500);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "harm" }]);
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }]);
  });

  it("one is dropped by hand, and never promoted afterwards; the last one cannot be", async () => {
    const { bot } = await contest([BETTER, SAME], { policy: { horizon: 400, futility: null } });
    await playRates(test, 60);
    await bot.drop({ ...BECAUSE, challenger: 1 });
    expect((await bot.experiments())[0]!.challengers).toMatchObject([
      { out: "manual", share: 0 },
      { share: 0.3 },
    ]);
    expect((await bot.history())[0]).toMatchObject({ action: "dropped", actor: "ada", reason: "because" });
    await expect(bot.drop({ ...BECAUSE, challenger: 2 })).rejects.toMatchObject({
      code: "transition_illegal",
    });
    // What it had done before still folds, and proves it better; but it is out.
    await playRates(test, 400, { seed: 4 });
    expect(await test.engine.decide()).toMatchObject([{ verdict: "hold", reason: "horizon" }]);
    expect(bot.champion).toEqual(CHAMPION);
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }]);
  });

  it("the one that waits for approval is dropped by hand: nobody waits then, and the others go on", async () => {
    const { bot } = await contest([SAME, BETTER], { promotion: "approve", policy: { horizon: 2000 } });
    await playRates(test, 300);
    expect(await test.engine.decide()).toMatchObject([{ reason: "awaiting-approval" }]);
    await bot.drop({ challenger: 2, ...BECAUSE });
    expect((await bot.experiments())[0]).toMatchObject({ status: "running", isAwaitingApproval: false });
    await expect(bot.approve(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await playRates(test, 10, { seed: 2 });
    expect(await test.engine.decide()).toMatchObject([{ reason: "collecting", sessionCount: 310 }]);
    await bot.promote({ challenger: 1, ...BECAUSE });
    const verified = await test.engine.verify();
    expect(verified.map(({ reason, isEqual }) => [reason, isEqual])).toEqual([
      ["awaiting-approval", true],
      ["manual", true],
    ]);
  });

  it("are named by place, label or hash; one alone needs no name", async () => {
    const { bot } = await contest([BETTER, SAME], { label: ["bold", null] });
    await expect(bot.promote(BECAUSE)).rejects.toMatchObject({
      code: "arm_not_found",
      details: { known: ["1 (bold)", expect.stringMatching(/^2 \(\w{10}\)$/)] },
    });
    await expect(bot.promote({ ...BECAUSE, challenger: "timid" })).rejects.toMatchObject({
      code: "arm_not_found",
    });
    await expect(bot.promote({ ...BECAUSE, challenger: 0 })).rejects.toMatchObject({ code: "arm_not_found" });
    await bot.promote({ ...BECAUSE, challenger: "bold" });
    expect(bot.champion).toEqual(BETTER);
    await bot.challenge([SAME, WORSE]);
    await bot.promote({ ...BECAUSE, challenger: hashOf(WORSE).slice(0, 8) });
    expect(bot.champion).toEqual(WORSE);
  });

  it("the same ones again, in whatever order, are the same challenge", async () => {
    const { bot, id } = await contest([BETTER, SAME]);
    expect(await bot.challenge([SAME, BETTER])).toMatchObject({ status: "existing", experiment: { id } });
    expect(await bot.challenge([SAME])).toMatchObject({ status: "overlap", experiment: { id } });
    await bot.promote({ ...BECAUSE, challenger: 1 });
    expect(await bot.challenge([SAME, BETTER])).toMatchObject({ status: "is-champion", experiment: { id } });
  });

  it("a function makes a challenger from the champion", async () => {
    const bot = await test.engine.project("patch", { champion: { model: "m", prompt: "long" } });
    const { experiment } = await bot.challenge((champion) => ({ ...champion, prompt: "short" }));
    expect(experiment).toMatchObject({ challenger: { model: "m", prompt: "short" } });
  });

  it("a function makes it from the champion as stored, of which this process may not have heard yet", async () => {
    const champion = { model: "m", prompt: "long" };
    const here = await test.engine.project("patch", { champion });
    const elsewhere = await createTestEngine({ seed: 6, url: path });
    const there = await elsewhere.engine.project("patch", { champion });
    await there.challenge({ model: "n", prompt: "long" });
    await there.promote(BECAUSE);
    const drafted = await here.draft((known) => ({ ...known, prompt: "kind" }));
    expect(drafted.experiment!.challenger).toEqual({ model: "n", prompt: "kind" });
    const { experiment } = await here.challenge((known) => ({ ...known, prompt: "short" }));
    expect(experiment!.challenger).toEqual({ model: "n", prompt: "short" });
    const failing = here.challenge(() => {
      throw new TypeError("no such field");
    });
    await expect(failing).rejects.toMatchObject({ code: "config_invalid" });
    await elsewhere.close();
  });

  it.each<[string, readonly unknown[] | object, object, string]>([
    ["none", [], {}, "config_invalid"],
    ["one twice", [SAME, { rate: 0.5000001 }], {}, "config_invalid"],
    ["too many", Array.from({ length: 21 }, (_, i) => ({ rate: i })), {}, "config_invalid"],
    ["a share too few", [SAME, BETTER], { share: [0.1] }, "settings_invalid"],
    ["shares that leave the champion none", [SAME, BETTER], { share: [0.5, 0.5] }, "settings_invalid"],
    [
      "a goal for several",
      [SAME, BETTER],
      { share: undefined, detect: 0.1, within: "7d" },
      "settings_invalid",
    ],
    ["a label too many", [SAME], { label: ["a", "b"] }, "settings_invalid"],
    ["a label like a hash", [SAME], { label: "abcdef12" }, "settings_invalid"],
    ["a label like a place", [SAME], { label: "2" }, "settings_invalid"],
    ["a label twice", [SAME, BETTER], { label: ["a", "a"] }, "label_taken"],
    ["a group without a name", [SAME], { exclusionGroup: " " }, "settings_invalid"],
    ["another hash", [SAME], { hashVersion: 3 }, "settings_invalid"],
    ["a watch of nothing", [SAME], { watch: { share: 0.9, horizon: 10 } }, "settings_invalid"],
    ["tags that are no texts", [SAME], { tags: [3] }, "settings_invalid"],
    ["an owner that is no text", [SAME], { owner: 3 }, "settings_invalid"],
    ["an audience that is none", [SAME], { audience: { where: { $where: "1" } } }, "audience_invalid"],
  ])("refuses %s, and writes nothing", async (_name, challengers, options, code) => {
    const bot = await project();
    await expect(bot.challenge(challengers as never, options as ChallengeOptions)).rejects.toMatchObject({
      code,
    });
    expect(await rows("SELECT id FROM experiments")).toEqual([]);
    expect(await rows("SELECT id FROM configs")).toHaveLength(1);
  });
});

describe("drafts", () => {
  it("are planned, edited and started; meanwhile everyone gets the champion", async () => {
    const bot = await project();
    const { experiment, started, status } = await bot.draft([BETTER], {
      share: 0.2,
      hypothesis: "shorter is better",
      owner: "ada",
      tags: ["prompt"],
    });
    expect({ started, status }).toEqual({ started: false, status: "drafted" });
    expect(experiment).toMatchObject({ status: "draft", startedAtMs: null, hypothesis: "shorter is better" });
    const { id } = experiment!;
    expect((await bot.session()).experiment).toBeNull();
    const edited = await bot.edit(id, {
      add: [SAME],
      label: "same",
      share: [0.1, 0.1],
      owner: "bo",
      ...BECAUSE,
    });
    expect(edited).toMatchObject({ id, owner: "bo", hypothesis: "shorter is better", tags: ["prompt"] });
    expect(edited.challengers).toMatchObject([{ config: BETTER }, { config: SAME }]);
    const fewer = await bot.edit(id, { remove: 1, share: 0.25, policy: { horizon: 700 }, ...BECAUSE });
    expect(fewer).toMatchObject({
      challengers: [{ config: SAME, planShare: 0.25 }],
      policy: { horizon: 700 },
    });
    const running = await bot.start(id.slice(0, 20), BECAUSE);
    expect(running).toMatchObject({
      id,
      status: "running",
      share: 0.25,
      policy: { horizon: 700 },
      owner: "bo",
    });
    expect((await bot.session()).experiment).toBe(id);
    expect((await bot.history()).map(({ action }) => action)).toEqual([
      "started",
      "edited",
      "edited",
      "drafted",
      "created",
    ]);
  });

  it("keep what an edit of their policy leaves out; another rule begins with its own defaults", async () => {
    const bot = await project();
    const policy = { alpha: 0.01, guardrails: [], maxDurationMs: 10 * DAY_MS };
    const { experiment } = await bot.draft(BETTER, { policy });
    const edited = await bot.edit(experiment!.id, { policy: { horizon: 700 }, ...BECAUSE });
    expect(edited.policy).toMatchObject({ ...policy, horizon: 700 });
    const other = await bot.edit(experiment!.id, { policy: "threshold", ...BECAUSE });
    expect(other.policy).toMatchObject({ kind: "threshold", alpha: 0.05, minPerArm: 20, horizon: 2000 });
  });

  it("with a goal take another size in its place, and no further challenger", async () => {
    const bot = await project();
    const { experiment } = await bot.draft(BETTER, { detect: 0.1, within: "7d" });
    const edit = (changes: object) => bot.edit(experiment!.id, { ...changes, ...BECAUSE });
    await expect(edit({ add: SAME })).rejects.toMatchObject({ code: "settings_invalid" });
    const { policy } = await edit({ policy: { alpha: 0.01 } });
    expect(policy.horizon).toBeGreaterThan(experiment!.policy.horizon);
    await edit({ policy: { horizon: 700 } });
    expect((await bot.start(experiment!.id, BECAUSE)).policy).toMatchObject({ horizon: 700, alpha: 0.01 });
  });

  it("contend against whoever is champion when they start", async () => {
    const bot = await project();
    const { experiment } = await bot.draft([SAME]);
    await bot.challenge([BETTER]);
    await expect(bot.start(experiment!.id, BECAUSE)).rejects.toMatchObject({ code: "experiment_overlap" });
    await bot.promote(BECAUSE);
    expect(await bot.start(experiment!.id, BECAUSE)).toMatchObject({ champion: BETTER, challenger: SAME });
  });

  it("stand for the same challenge under another champion too", async () => {
    const bot = await project();
    const { experiment } = await bot.draft(SAME);
    await bot.challenge(BETTER);
    await bot.promote(BECAUSE);
    const again = await bot.draft(SAME);
    expect(again).toMatchObject({ status: "existing", experiment: { id: experiment!.id, status: "draft" } });
  });

  it("cannot start with the champion as a challenger, nor twice, nor once discarded", async () => {
    const bot = await project();
    const first = await bot.draft([SAME]);
    await bot.challenge([SAME, BETTER]);
    await bot.promote({ ...BECAUSE, challenger: 1 });
    const { id } = first.experiment!;
    await expect(bot.start(id, BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await bot.abort({ ...BECAUSE, experiment: id });
    await expect(bot.start(id, BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    const second = await bot.draft([WORSE]);
    await bot.start(second.experiment!.id, BECAUSE);
    await expect(bot.start(second.experiment!.id, BECAUSE)).rejects.toMatchObject({
      code: "transition_illegal",
    });
    await expect(bot.start("nothing", BECAUSE)).rejects.toMatchObject({ code: "experiment_not_found" });
  });

  it("that are discarded never stood for a challenge, nor count in the ledger", async () => {
    const bot = await project();
    const { experiment } = await bot.draft([SAME]);
    expect(await bot.challenge([SAME])).toMatchObject({
      status: "existing",
      experiment: { status: "draft" },
    });
    await bot.abort({ ...BECAUSE, experiment: experiment!.id });
    expect(await bot.challenge([SAME], { share: 0.2 })).toMatchObject({ started: true });
    expect((await bot.report())!.ledger.experiments).toBe(1);
  });

  it("start at their time, at the first tick that finds the slot free", async () => {
    const bot = await project();
    const startsAt = new Date(test.clock.now() + DAY_MS);
    const { experiment } = await bot.draft([BETTER], { startsAt, detect: 0.2, within: "7d" });
    const { id } = experiment!;
    await bot.challenge([SAME], { share: 0.2 });
    await test.engine.decide();
    test.clock.advance(DAY_MS);
    await test.engine.decide();
    expect((await bot.experiments()).find((each) => each.id === id)).toMatchObject({ status: "draft" });
    expect(logger.messages.map(({ message }) => message)).toContain(
      "a draft could not start at its time; the next tick tries again",
    );
    await bot.abort(BECAUSE);
    await test.engine.decide();
    // The process that has started it serves it at once.
    expect((await bot.session()).experiment).toBe(id);
    expect((await bot.report())!).toMatchObject({ experiment: id, status: "running", startsAtMs: null });
    expect((await bot.history())[0]).toMatchObject({ action: "started", actor: "schedule" });
  });

  it("whose times have all come start in the order of their times", async () => {
    const bot = await project();
    const inTwoDays = await bot.draft([SAME], { startsAt: test.clock.now() + 2 * DAY_MS });
    const tomorrow = await bot.draft([BETTER], { startsAt: test.clock.now() + DAY_MS });
    const tomorrowToo = await bot.draft([WORSE], { startsAt: test.clock.now() + DAY_MS });
    test.clock.advance(3 * DAY_MS);
    for (const { experiment } of [tomorrow, tomorrowToo, inTwoDays]) {
      await test.engine.decide();
      expect((await bot.report())!).toMatchObject({ experiment: experiment!.id, status: "running" });
      await bot.abort(BECAUSE);
    }
  });

  it("lose their time by an edit", async () => {
    const bot = await project();
    const { experiment } = await bot.draft([BETTER], { startsAt: test.clock.now() + 1000 });
    expect(await bot.edit(experiment!.id, { startsAt: null, ...BECAUSE })).toMatchObject({
      startsAtMs: null,
    });
    test.clock.advance(DAY_MS);
    await test.engine.decide();
    expect((await bot.experiments())[0]).toMatchObject({ status: "draft" });
    await expect(bot.edit(experiment!.id, { startsAt: "soon", ...BECAUSE })).rejects.toMatchObject({
      code: "settings_invalid",
    });
  });

  it("settle what depends on the project's past at their start", async () => {
    const bot = await project();
    const { experiment } = await bot.draft([BETTER], { fdr: 0.1 });
    await bot.challenge([SAME]);
    await bot.abort(BECAUSE);
    const running = await bot.start(experiment!.id, BECAUSE);
    // The second experiment of the project has a lower level than the first would have had.
    expect(running.policy.alpha).toBeLessThan(experiment!.policy.alpha);
  });

  it("once started, keep their arms: nothing can be added or deleted", async () => {
    const { bot, id } = await contest([BETTER, SAME]);
    await expect(bot.edit(id, { remove: 1, ...BECAUSE })).rejects.toMatchObject({ code: "arm_in_use" });
    await expect(bot.edit(id, { add: WORSE, ...BECAUSE })).rejects.toMatchObject({ code: "arm_in_use" });
    await expect(bot.edit(id, { share: 0.1, ...BECAUSE })).rejects.toMatchObject({
      code: "transition_illegal",
    });
    expect(await bot.edit(id, { hypothesis: "h", tags: ["a", "a"], ...BECAUSE })).toMatchObject({
      hypothesis: "h",
      tags: ["a"],
    });
    await bot.session({ unit: "u" });
    await test.engine.flush();
    await expect(rows("DELETE FROM arms")).rejects.toThrow(/foreign key/i);
  });
});

describe("a challenge or draft that meets another champion than it was planned for", () => {
  it("is planned again, and leaves the champion alone", async () => {
    let meanwhile: (() => Promise<unknown>) | null = null;
    const { store, real } = await faultyStore((open) => ({
      addExperiment: async (...input) => {
        const first = meanwhile;
        meanwhile = null;
        await first?.();
        return open.addExperiment(...input);
      },
    }));
    const { engine } = await engineOver(async () => store);
    const quick = await engineOver(async () => real);
    const bot = await engine.project<RateConfig>("support", { champion: CHAMPION });
    const there = await quick.engine.project<RateConfig>("support", { champion: CHAMPION });
    await there.challenge(BETTER);
    meanwhile = () => there.promote(BECAUSE);
    expect((await bot.draft(SAME)).experiment).toMatchObject({ champion: BETTER, challenger: SAME });
    meanwhile = () => there.rollback(BECAUSE);
    expect((await bot.challenge(WORSE)).experiment).toMatchObject({ champion: CHAMPION, challenger: WORSE });
    const reigning = (await there.configs()).filter(({ role }) => role === "champion");
    expect(reigning).toMatchObject([
      { body: CHAMPION, reigns: [{ cause: "created" }, { cause: "rollback" }] },
    ]);
    await engine.close();
  });
});

describe("after a promotion", () => {
  const WATCH = { share: 0.3, horizon: 400 };

  async function promoted(challenger: RateConfig, options: ChallengeOptions = {}) {
    const { bot, id } = await contest([challenger], { watch: WATCH, ...options });
    await bot.promote(BECAUSE);
    return { bot, id };
  }

  it("a watch keeps a small share on the old champion", async () => {
    const { bot, id } = await promoted(BETTER);
    const watch = (await bot.experiments())[0]!;
    expect(watch).toMatchObject({ kind: "watch", status: "running", champion: BETTER, challenger: CHAMPION });
    expect(watch).toMatchObject({ share: 0.3, policy: { horizon: 400, guardrails: [] }, watch: null });
    expect((await bot.history()).slice(0, 2)).toMatchObject([
      { action: "watch-started", reason: `watch over the promotion by ${id}` },
      { action: "promoted" },
    ]);
    await playRates(test, 450);
    const [result] = await test.engine.decide();
    expect(["horizon", "harm"]).toContain(result!.reason);
    expect(bot.champion).toEqual(BETTER);
  });

  it("and rolls back if that proves better", async () => {
    const { bot } = await promoted(WORSE);
    await playRates(test, 400);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote", reason: "evidence" }]);
    expect(bot.champion).toEqual(CHAMPION);
    expect((await bot.history())[0]).toMatchObject({ action: "rolled-back", actor: "tick" });
    expect((await bot.configs()).find(({ hash }) => hash === hashOf(CHAMPION))).toMatchObject({
      role: "champion",
      reigns: [{ cause: "created" }, { cause: "rollback", untilMs: null }],
    });
    // Neither a watch over the rollback, nor a challenge that it stood for, nor a line in the ledger.
    expect((await bot.report())!.ledger.experiments).toBe(1);
    expect((await bot.experiments()).filter(({ kind }) => kind === "watch")).toHaveLength(1);
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }, { isEqual: true }]);
  });

  it("and does so however many units the contest asked of each arm", async () => {
    const bot = await project();
    await bot.challenge(WORSE, { watch: true, policy: { minPerArm: 200 } });
    await bot.promote(BECAUSE);
    await playRates(test, 900);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote", reason: "evidence" }]);
    expect(bot.champion).toEqual(CHAMPION);
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }, { isEqual: true }]);
  });

  it("a promotion by evidence is watched too, in the same transaction", async () => {
    const { bot } = await contest([BETTER], { share: 0.5, watch: true });
    await playRates(test, 300);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote" }]);
    expect((await bot.experiments())[0]).toMatchObject({
      kind: "watch",
      share: 0.05,
      policy: { horizon: 1000 },
    });
  });

  it("rollback goes back one reign at a time, or to a former champion by name", async () => {
    const bot = await test.engine.project<RateConfig>("support", { champion: CHAMPION });
    for (const [config, label] of [
      [SAME, "same"],
      [BETTER, "better"],
    ] as const) {
      await bot.challenge(config, { label });
      await bot.promote(BECAUSE);
    }
    expect(await bot.rollback(BECAUSE)).toEqual(SAME);
    expect(await bot.rollback(BECAUSE)).toEqual(CHAMPION);
    await expect(bot.rollback(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    expect(await bot.rollback({ ...BECAUSE, to: "better" })).toEqual(BETTER);
    expect(await bot.rollback(BECAUSE)).toEqual(CHAMPION);
    await expect(bot.rollback({ ...BECAUSE, to: "nobody" })).rejects.toMatchObject({
      code: "config_not_found",
    });
    await bot.challenge(WORSE, { label: "worse" });
    await expect(bot.rollback({ ...BECAUSE, to: "worse" })).rejects.toMatchObject({
      code: "transition_illegal",
    });
  });
});

describe("configs", () => {
  it("tell which came from which, by whom and why, and when each reigned", async () => {
    const bot = await project();
    await bot.challenge(SAME, { label: "same", again: "to see", actor: "ada" });
    const startedAtMs = test.clock.now();
    test.clock.advance(1000);
    await bot.promote(BECAUSE);
    await bot.challenge(BETTER, { hypothesis: "a higher rate" });
    expect(await bot.configs()).toMatchObject([
      { hash: hashOf(CHAMPION), parent: null, role: "former champion", label: null, changes: [] },
      {
        hash: hashOf(SAME),
        parent: hashOf(CHAMPION),
        label: "same",
        actor: "ada",
        reason: "to see",
        role: "champion",
        changes: [{ path: "/rate", kind: "changed", before: 0.5, after: SAME.rate }],
        reigns: [{ cause: "promoted", fromMs: startedAtMs + 1000, untilMs: null }],
      },
      { hash: hashOf(BETTER), parent: hashOf(SAME), reason: "a higher rate", role: "contending", reigns: [] },
    ]);
    expect(await bot.diff("same", hashOf(BETTER).slice(0, 10))).toMatchObject([{ path: "/rate" }]);
  });

  it("are named once, and not by a name that is taken", async () => {
    const { bot } = await contest([BETTER, SAME], { label: ["bold", "same"] });
    await expect(bot.label("bold", "same", BECAUSE)).rejects.toMatchObject({ code: "label_taken" });
    await expect(bot.challenge([WORSE], { label: "bold", again: "x" })).resolves.toMatchObject({
      status: "overlap",
    });
    await bot.abort(BECAUSE);
    await expect(bot.challenge([WORSE], { label: "bold" })).rejects.toMatchObject({ code: "label_taken" });
    await bot.label("bold", "brave", BECAUSE);
    await bot.label("brave", null, BECAUSE);
    await expect(bot.label("brave", "x", BECAUSE)).rejects.toMatchObject({ code: "config_not_found" });
    expect((await bot.configs()).map(({ label }) => label)).toEqual([null, null, "same"]);
  });
});

describe("what people change", () => {
  it("is refused where its name is not known: it would do nothing, without a word", async () => {
    const bot = await project();
    await expect(bot.challenge(SAME, { shares: 0.5 } as never)).rejects.toMatchObject({
      code: "settings_invalid",
      details: { received: "shares" },
    });
    const { experiment } = await bot.draft(SAME);
    await expect(bot.edit(experiment!.id, { status: "promoted", ...BECAUSE } as never)).rejects.toMatchObject(
      {
        code: "settings_invalid",
      },
    );
    expect((await bot.history()).map(({ action }) => action)).toEqual(["drafted", "created"]);
  });

  it("is logged with what it was: a hypothesis cannot change without a trace", async () => {
    const { bot, id } = await contest([BETTER], { hypothesis: "faster" });
    await bot.edit(id, { hypothesis: "cheaper", owner: "bo", ...BECAUSE });
    expect((await bot.history())[0]).toMatchObject({
      action: "edited",
      details: { hypothesis: { from: "faster", to: "cheaper" }, owner: { from: null, to: "bo" } },
    });
  });

  it("can be taken away from a draft by null", async () => {
    const bot = await project();
    const { experiment } = await bot.draft(SAME, {
      audience: { excludeGroups: ["staff"] },
      exclusionGroup: "g",
      watch: true,
      fdr: 0.1,
    });
    const { id } = experiment!;
    const given = { audience: null, exclusionGroup: null, watch: false, fdr: null };
    expect(await bot.edit(id, { ...given, ...BECAUSE })).toMatchObject({
      audience: null,
      exclusionGroup: null,
      watch: null,
    });
  });

  it("of a fixed share goes to those who are left", async () => {
    const { bot } = await contest([BETTER, SAME], { policy: { futility: null } });
    await bot.drop({ ...BECAUSE, challenger: 1 });
    await bot.revise({ share: 0.4, ...BECAUSE });
    expect((await bot.experiments())[0]!.challengers.map(({ share }) => share)).toEqual([0, 0.4]);
    expect((await bot.configs()).map(({ role }) => role)).toEqual(["champion", "challenger", "contending"]);
  });

  it("of a watch by hand is a rollback", async () => {
    const { bot } = await contest([BETTER], { watch: true });
    await bot.promote(BECAUSE);
    await bot.promote(BECAUSE);
    expect((await bot.history())[0]).toMatchObject({ action: "rolled-back", actor: "ada" });
    expect(bot.champion).toEqual(CHAMPION);
    await expect(bot.rollback({ ...BECAUSE, to: hashOf(CHAMPION) })).rejects.toThrow("is the champion");
  });

  it("a tick tells the numbers of the challenger that leads", async () => {
    const { bot } = await contest([WORSE, BETTER], { policy: { horizon: 5000, minPerArm: 1000 } });
    await playRates(test, 200);
    const [result] = await test.engine.decide();
    expect(result!.probabilityBetter).toBe((await bot.evaluate())!.probabilityBetter);
    expect(result!.probabilityBetter).toBeGreaterThan(0.9);
  });
});

describe("archiving", () => {
  it("puts an experiment that has ended away, once", async () => {
    const { bot, id } = await contest([BETTER]);
    await expect(bot.archive(id, BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await bot.abort(BECAUSE);
    await bot.archive(id, BECAUSE);
    await bot.archive(id, BECAUSE);
    expect(await bot.experiments()).toEqual([]);
    expect(await bot.experiments({ archived: true })).toMatchObject([{ id, archivedAtMs: test.clock.now() }]);
    expect((await bot.history()).filter(({ action }) => action === "archived")).toHaveLength(1);
  });
});

describe("the host is told of decisions", () => {
  it("made by a tick or by hand, once each, and never broken by a hook that fails", async () => {
    const told: unknown[] = [];
    const own = await createTestEngine({
      seed: 5,
      onDecision: (decision) => {
        told.push(decision);
        throw new Error("hook");
      },
    });
    const bot = await own.engine.project<RateConfig>("support", { champion: CHAMPION });
    await bot.challenge(BETTER, { share: 0.5 });
    await playRates(own, 300);
    await own.engine.decide();
    await bot.challenge(WORSE);
    await bot.abort(BECAUSE);
    await bot.challenge(SAME);
    await bot.rollback(BECAUSE);
    await own.engine.flush();
    expect(told).toMatchObject([
      { verdict: "promote", reason: "evidence", actor: "tick", promoted: { config: BETTER }, out: null },
      { verdict: "abort", reason: "manual", actor: "ada", note: "because", promoted: null },
      { verdict: "abort", reason: "champion-changed", champion: { config: BETTER } },
    ]);
    expect(own.engine.health().listenersFailed).toBe(3);
    await own.close();
  });
});

describe("a report", () => {
  it("breaks scores down by the context, and tells what the experiment was set up as", async () => {
    const { bot } = await contest([BETTER, WORSE], {
      policy: { horizon: 5000 },
      hypothesis: "h",
      owner: "ada",
      tags: ["a"],
      label: ["better", "worse"],
    });
    await playRates(test, 120, { context: (i) => ({ plan: i % 3 === 0 ? "free" : "paid" }) });
    await test.engine.decide();
    const report = (await bot.report())!;
    expect(report).toMatchObject({ hypothesis: "h", owner: "ada", tags: ["a"], kind: "contest", holdout: 0 });
    expect(report.challengers.map(({ label }) => label)).toEqual(["better", "worse"]);
    expect(report.challenger.label).toBe("better");
    const [plan] = report.breakdown;
    expect(plan).toMatchObject({ attribute: "plan", values: [{ value: "paid" }, { value: "free" }] });
    const counts = plan!.values.map(({ arms }) => arms.reduce((sum, { count }) => sum + count, 0));
    expect(counts).toEqual([80, 40]);
  });
});
