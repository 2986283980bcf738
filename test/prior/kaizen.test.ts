/** What the tests of kaizen assert of experiments, tags and verdicts, asked of this package. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasEnded, nextStatus } from "../../src/core/decision/life-cycle.js";
import {
  decide,
  type ExperimentAction,
  type ExperimentStatus,
  smallestEffect,
  srmChiSquare,
} from "../../src/core/index.js";
import { foldAll, termsOf } from "../support/evidence.js";
import { BECAUSE, play, SHORT, started, unitIn, useSetting } from "../support/setting.js";

const setting = useSetting();

const ACTIONS = ["start", "pause", "resume", "promote", "hold", "abort"] as const;

/** The status after an action, or null where it is refused. */
function after(status: ExperimentStatus, action: ExperimentAction): ExperimentStatus | null {
  try {
    return nextStatus(status, action);
  } catch {
    return null;
  }
}

describe("kaizen: experiments", () => {
  it("2.2.1 an experiment comes back as it was saved; a change of state stays, and the end is stamped", async () => {
    const bot = await setting.contest({ hypothesis: "brief is better", tags: ["prompt"], horizon: 500 });
    setting.test.clock.advance(5000);
    await bot.abort(BECAUSE);
    const [before] = await bot.experiments();
    await setting.restart();
    const [saved] = await (await setting.project()).experiments();
    expect(saved).toEqual(before);
    expect(saved).toMatchObject({ status: "aborted", hypothesis: "brief is better", tags: ["prompt"] });
    expect(saved!.endedAtMs! - saved!.startedAtMs!).toBe(5000);
  });

  it("2.2.4 draft, running, ended, archived: no step is skipped, and none goes back", async () => {
    const bot = await setting.project();
    const { id } = (await bot.draft(SHORT)).experiment!;
    const refused = { code: "transition_illegal" };
    await expect(bot.archive(id, BECAUSE)).rejects.toMatchObject(refused);
    await expect(bot.promote({ ...BECAUSE, experiment: id })).rejects.toMatchObject(refused);
    await bot.start(id, BECAUSE);
    await expect(bot.start(id, BECAUSE)).rejects.toMatchObject(refused);
    await expect(bot.archive(id, BECAUSE)).rejects.toMatchObject(refused);
    await bot.promote(BECAUSE);
    await bot.archive(id, BECAUSE);
    await expect(bot.start(id, BECAUSE)).rejects.toMatchObject(refused);
    await expect(bot.abort({ ...BECAUSE, experiment: id })).rejects.toMatchObject(refused);
    expect(await bot.experiments({ archived: true })).toMatchObject([{ status: "promoted" }]);
  });

  it("2.2.5 names of metrics come back as they were", async () => {
    const names = ["tokens_per_session", "files touched", "größe"];
    const metrics = Object.fromEntries(names.map((name) => [name, { kind: "count" } as const]));
    const bot = await setting.contest({ policy: { metrics } });
    await setting.restart();
    expect(Object.keys((await (await setting.project()).report())!.policy.metrics)).toEqual(
      expect.arrayContaining(names),
    );
    expect(bot.key).toBe("support");
  });

  it("2.2.17 an end is final, whatever was done before and is tried after", () => {
    const property = fc.property(fc.array(fc.constantFrom(...ACTIONS), { maxLength: 12 }), (actions) => {
      let status: ExperimentStatus = "draft";
      for (const action of actions) {
        const next = after(status, action);
        if (hasEnded(status) || next === "draft") expect(next).toBeNull();
        status = next ?? status;
      }
    });
    fc.assert(property, { numRuns: 200 });
  });

  it("2.2.18 all that can be done to an experiment, from end to end", async () => {
    const bot = await setting.project();
    const { id } = (await bot.draft(SHORT, { share: 0.5 })).experiment!;
    expect(await bot.experiments()).toMatchObject([{ id, status: "draft" }]);
    await bot.start(id, BECAUSE);
    await bot.override("ada", "challenger", BECAUSE);
    await play(bot, 6, () => 1);
    await setting.test.engine.decide();
    expect(await bot.report()).toMatchObject({ experiment: id, evaluation: { sessionCount: 6 } });
    await bot.abort(BECAUSE);
    await bot.archive(id, BECAUSE);
    expect((await bot.history()).map(({ action }) => action)).toEqual([
      ...["archived", "aborted", "override", "started", "drafted", "created"],
    ]);
  });
});

describe("kaizen: tags, here overrides", () => {
  it("2.2.2 the same again is fine; another is a conflict; here: it replaces the first, on record", async () => {
    const bot = await setting.contest();
    await bot.override("ada", "challenger", BECAUSE);
    await bot.override("ada", "challenger", BECAUSE);
    expect(await bot.overrides()).toMatchObject([{ unit: "ada", arm: 1, actor: "ada", reason: "because" }]);
    await bot.override("ada", "champion", { reason: "changed her mind" });
    expect(await bot.overrides()).toMatchObject([{ unit: "ada", arm: 0, reason: "changed her mind" }]);
    expect((await bot.history()).filter(({ action }) => action === "override")).toHaveLength(3);
  });

  it("2.2.2, 2.2.17 what was observed is a conflict if it is told otherwise, and the first stays", async () => {
    const session = await (await setting.contest()).session();
    const grade = { name: "grade", value: 1, kind: "explicit", key: "k" } as const;
    expect(await session.signal(grade)).toEqual({ status: "recorded" });
    expect(await session.signal(grade)).toEqual({ status: "duplicate" });
    await expect(session.signal({ ...grade, value: 0 })).rejects.toMatchObject({
      code: "idempotency_mismatch",
      details: { stored: 1, received: 0 },
    });
    expect(await setting.sql("SELECT value FROM signals")).toEqual([{ value: 1 }]);
  });

  it("2.2.3 eight concurrent taggers leave one row; here: all of them succeed", async () => {
    const bot = await setting.contest();
    const there = await setting.project("support", await setting.elsewhere());
    const bots = [bot, there, bot, there, bot, there, bot, there];
    await Promise.all(bots.map((each) => each.override("ada", "challenger", BECAUSE)));
    expect(await bot.overrides()).toMatchObject([{ unit: "ada", arm: 1 }]);
    const sessions = await Promise.all(bots.map((each) => each.session({ id: "one", unit: "bo" })));
    expect(new Set(sessions.map(({ place }) => place)).size).toBe(1);
    expect(await setting.sql("SELECT id FROM sessions")).toEqual([{ id: "one" }]);
  });

  it("2.2.6 a tag by hand beats all else; sessions fall into champion, challenger and outside", async () => {
    const bot = await setting.contest({ audience: { excludeGroups: ["staff"] } });
    const unit = await unitIn(bot, "champion");
    await bot.override(unit, "challenger", BECAUSE);
    expect((await bot.session({ unit })).arm).toBe("challenger");
    const outside = await bot.session({ unit: "bo", context: { groups: ["staff"] } });
    expect(outside).toMatchObject({ arm: "champion", experiment: null });
    const parts = new Set((await started(bot, 20)).map(({ arm }) => arm));
    expect(parts).toEqual(new Set(["champion", "challenger"]));
  });

  it("2.2.8 tags by hand alone form both arms; here: both are served, and neither is evidence", async () => {
    const bot = await setting.contest();
    const arms = ["champion", "challenger"] as const;
    for (const arm of arms) await bot.override(arm, arm, BECAUSE);
    for (const unit of arms) await (await bot.session({ unit })).end({ score: 1 });
    await setting.test.engine.decide();
    const report = (await bot.report())!;
    expect(report.sessions).toMatchObject([
      { served: 1, excluded: 1 },
      { served: 1, excluded: 1 },
    ]);
    expect(report.evaluation.sessionCount).toBe(0);
  });
});

describe("kaizen: numbers and verdicts", () => {
  it("2.2.9 a shift of +100 shows in the median; here: in the mean, with an interval, and without a flag", async () => {
    const policy = { metrics: { tokens: { kind: "real", direction: "higher" } }, guardrails: [] } as const;
    const bot = await setting.contest({ policy });
    for (const [i, session] of (await started(bot, 120)).entries()) {
      const tokens = (session.arm === "challenger" ? 200 : 100) + (i % 9);
      await session.signal({ name: "tokens", value: tokens });
      await session.end({ score: i % 2 });
    }
    await setting.test.engine.decide();
    const { metrics, srmLogE } = (await bot.evaluate())!;
    expect(metrics.tokens!.change).toBeCloseTo(100, -1);
    expect(metrics.tokens!.changeInterval![0]).toBeGreaterThan(90);
    expect(metrics.tokens!.probabilityBetter).toBeGreaterThan(0.99);
    expect(srmLogE).toBeLessThan(Math.log(1000));
  });

  it("2.2.10 800 to 200 raises the flag of the sample ratio; 500 to 500, 100 to 100 and 0 to 0 do not", () => {
    const significance = (counts: readonly number[]) => srmChiSquare({ counts, shares: [0.5, 0.5] })[1];
    expect(significance([800, 200])).toBeLessThan(0.001);
    for (const counts of [
      [500, 500],
      [100, 100],
      [0, 0],
    ])
      expect(significance(counts)).toBe(1);
    const terms = termsOf({ futility: null });
    const unit = (i: number) => ({ arm: i % 5 === 0 ? 1 : 0, shares: [0.5], score: i % 2 });
    const evidence = foldAll(
      Array.from({ length: 400 }, (_, i) => unit(i)),
      terms,
    );
    const ruling = decide({ ...terms, promotion: "auto", evidence, isExpired: false });
    expect(ruling).toEqual({ verdict: "abort", reason: "srm" });
  });

  it("2.2.11 three per arm are a small sample, and none at all is safe; here: collecting, every number finite", async () => {
    const bot = await setting.contest();
    const empty = (await bot.evaluate())!;
    expect(empty).toMatchObject({ sessionCount: 0, probabilityBetter: 0.5, upliftMean: 0, metrics: {} });
    expect(empty.upliftInterval).toEqual([-1, 1]);
    expect(JSON.stringify(empty)).not.toMatch(/NaN|Infinity/);
    await play(bot, 6, (arm) => Number(arm === "challenger"));
    expect(await setting.test.engine.decide()).toMatchObject([{ verdict: "continue", reason: "collecting" }]);
  });

  it("2.2.14 the smallest effect that is found shrinks with the sample", () => {
    const found = [200, 1000, 5000].map(
      (horizon) => smallestEffect({ baseRate: 0.6, share: 0.5, horizon, alpha: 0.05, power: 0.8 }) ?? 1,
    );
    expect(found).toEqual(found.toSorted((a, b) => b - a));
    expect(new Set(found).size).toBe(3);
  });

  it("2.2.15 what was significant stays so after noisier data; tiny samples are insufficient", async () => {
    const bot = await setting.contest();
    const late = await started(bot, 20, "late");
    await play(bot, 80, (arm) => Number(arm === "challenger"));
    expect(await setting.test.engine.decide()).toMatchObject([{ reason: "collecting", sessionCount: 0 }]);
    for (const [i, session] of late.entries()) await session.end({ score: i % 2 });
    expect(await setting.test.engine.decide()).toMatchObject([{ verdict: "promote" }]);
    const decided = (await bot.report())!;
    await play(bot, 40, () => 0);
    await setting.test.engine.decide();
    expect(await bot.report()).toMatchObject({ status: "promoted", evaluation: decided.evaluation });
  });

  it("2.2.16 token signals of a session add up; an error is a failure; a duration needs an end", async () => {
    const bot = await setting.contest({ policy: { metrics: { tokens: { kind: "count" } }, fuse: null } });
    const session = await bot.session();
    for (const value of [100, 20, 3]) await session.signal({ name: "tokens", value });
    setting.test.clock.advance(60_000);
    await session.end({ score: 1 });
    const fails = bot.wrap(() => Promise.reject(new Error("boom")));
    await expect(fails()).rejects.toThrow("boom");
    await bot.session();
    await setting.test.settleAll();
    const { metrics, arms } = (await bot.evaluate())!;
    const sums = (name: string) =>
      [metrics[name]!.champion, metrics[name]!.challenger].map((arm) =>
        arm ? arm.mean * arm.sessionCount : 0,
      );
    expect(sums("tokens")[0]! + sums("tokens")[1]!).toBeCloseTo(123, 9);
    expect(sums("error")[0]! + sums("error")[1]!).toBeCloseTo(1, 9);
    expect(sums("duration_ms")[0]! + sums("duration_ms")[1]!).toBeCloseTo(60_000, 5);
    expect(arms.reduce((sum, { scoreSum }) => sum + scoreSum, 0)).toBe(1);
  });
});

/*
 * Not tested here:
 *
 * 2.2.6       git commits and prompt fingerprints that classify afterwards: sessions are assigned, not classified
 * 2.2.7       criteria of an interval: the promotion rule and required guardrails, in test/integration/judgement
 * 2.2.12      winsorised outliers: guardrails go by ranks, in test/unit/core/sequential
 * 2.2.13      CUPED: no variance reduction by the past
 * 2.2.14      no effect for empty data: plans are made of rates, not of samples
 * 2.2.16      tool loops, files, per-prompt numbers: metrics are what the host signals; cost per success is reported
 * 2.2.17      the alert on bad feedback: a later matter of operations; grades are signals, `escalated` fails a session
 * 2.2.18      as MCP tools: come with the MCP server
 */
