import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eLondLevel } from "../../src/core/decision/ledger.js";
import { createRandom } from "../../src/core/random.js";
import type { ChallengeOptions } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { query } from "../support/query.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const BECAUSE = { reason: "because", actor: "ada" };

let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;
let path: string;

beforeEach(async () => {
  logger = recordingLogger();
  path = temporaryDatabase();
  test = await createTestEngine({ seed: 5, logger, url: path });
});

afterEach(() => test.close());

async function contest(options: ChallengeOptions = {}) {
  const bot = await test.engine.project("support", { champion: LONG });
  const outcome = await bot.challenge(SHORT, { share: 0.5, ...options });
  return { bot, outcome };
}

type Run = { readonly isShort: boolean; readonly uniform: () => number };

/** Sessions of a simulated agent: what it scores and what it signals, by its prompt. */
async function play(
  count: number,
  agent: { score: (run: Run) => number; signals?: (run: Run) => Record<string, number>; context?: object },
  seed = 1,
) {
  const bot = await test.engine.project<{ prompt: string }>("support");
  const random = createRandom(seed);
  const writes: Promise<unknown>[] = [];
  await test.runSessions(count, async () => {
    const session = await bot.session({ context: agent.context });
    const run = { isShort: session.config.prompt === "short", uniform: () => random.next() };
    for (const [name, value] of Object.entries(agent.signals?.(run) ?? {}))
      writes.push(session.signal({ name, value }));
    writes.push(session.end({ score: agent.score(run) }));
  });
  await Promise.all(writes);
}

const coin =
  (rate: number) =>
  ({ uniform }: Run): number =>
    uniform() < rate ? 1 : 0;

/** A positive number with a long tail, around 1. */
const tailed = ({ uniform }: Run): number => 1 / (0.2 + uniform());

describe("metrics", () => {
  it("are folded beside the score: per arm, and challenger against champion", async () => {
    await contest({ policy: { metrics: { tools: { kind: "count" } } } });
    await play(200, {
      score: coin(0.5),
      signals: (run) => ({ cost_usd: tailed(run) * (run.isShort ? 0.5 : 1), tools: run.isShort ? 2 : 3 }),
    });
    await test.engine.decide();
    const bot = await test.engine.project("support");
    const { metrics, arms } = (await bot.evaluate())!;
    expect(Object.keys(metrics)).toEqual(["cost_usd", "duration_ms", "error", "tools"]);
    const { cost_usd: cost, tools, error } = metrics;
    expect(cost).toMatchObject({ kind: "positive", direction: "lower", scale: "ratio" });
    expect(cost!.champion!.sessionCount + cost!.challenger!.sessionCount).toBe(200);
    expect(cost!.probabilityBetter).toBeGreaterThan(0.999);
    expect(cost!.change).toBeCloseTo(-0.5, 1);
    expect(cost!.perSuccess!.challenger).toBeLessThan(cost!.perSuccess!.champion);
    expect(tools).toMatchObject({ kind: "count", champion: { mean: 3 }, challenger: { mean: 2 } });
    expect(error).toMatchObject({
      kind: "binary",
      champion: { mean: 0, sessionCount: arms[0]!.sessionCount },
    });
  });

  it("of any size keep no experiment from its decision, and it verifies", async () => {
    const policy = {
      metrics: { bytes: { kind: "count" }, delta: { kind: "real" } },
      guardrails: [
        { metric: "cost_usd", margin: -0.5, mode: "require" },
        { metric: "delta", margin: 1e308, mode: "require" },
      ],
    } as const;
    await contest({ policy, horizon: 40 });
    const sizes = [1.7e308, -1.7e308, 1, 0];
    for (let tick = 0; tick < 4; tick += 1) {
      let at = 0;
      await play(10, {
        score: () => at % 2,
        signals: () => {
          at += 1;
          const size = sizes[at % sizes.length] as number;
          return { cost_usd: Math.abs(size), delta: size, other: size, bytes: 1e12 };
        },
      });
      await test.engine.decide();
    }
    const bot = await test.engine.project("support");
    expect((await bot.report())!.decision).toMatchObject({ verdict: "hold" });
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true, differences: [] }]);
  });

  it("a signal that arrives late is not counted in them", async () => {
    await contest();
    const bot = await test.engine.project("support");
    const session = await bot.session();
    await session.end({ score: 1 });
    expect(await session.signal({ name: "cost_usd", value: 5 })).toEqual({ status: "late" });
    await test.engine.decide();
    expect((await bot.evaluate())!.metrics.cost_usd).toBeUndefined();
  });
});

describe("guardrails", () => {
  it("abort a challenger that is better but costs too much", async () => {
    await contest({ policy: { guardrails: [{ metric: "cost_usd" }], alphaHarm: 0.0001 } });
    await play(400, {
      score: coin(0.6),
      signals: (run) => ({ cost_usd: tailed(run) * (run.isShort ? 2 : 1) }),
    });
    const [result] = await test.engine.decide();
    expect(result).toMatchObject({ verdict: "abort", reason: "guardrail", changed: true });
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true, reason: "guardrail" }]);
  });

  it("on errors there is one by default", async () => {
    await contest({ policy: { fuse: null, alphaHarm: 0.0001, futility: null } });
    await play(600, {
      score: coin(0.6),
      signals: ({ isShort, uniform }): Record<string, number> =>
        uniform() < (isShort ? 0.25 : 0.05) ? { error: 1 } : {},
    });
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "guardrail" }]);
  });

  it("as good but cheaper: promotes an equal challenger that is proven to cost less, and no other", async () => {
    const policy = {
      minUplift: -0.3,
      alphaHarm: 0.0001,
      guardrails: [{ metric: "cost_usd", margin: 0, mode: "require" }],
    } as const;
    await contest({ policy, horizon: 1000 });
    await play(400, { score: coin(0.6), signals: (run) => ({ cost_usd: tailed(run) }) });
    const [equal] = await test.engine.decide();
    expect(equal).toMatchObject({ verdict: "continue" });
    expect(equal!.logSupPromote).toBeGreaterThan(Math.log(20));
    await play(
      600,
      { score: coin(0.6), signals: (run) => ({ cost_usd: tailed(run) * (run.isShort ? 0.4 : 1) }) },
      2,
    );
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote", reason: "evidence" }]);
  });

  it("look at a segment alone", async () => {
    const guardrail = { metric: "score", margin: 0.05, where: { plan: "enterprise" } } as const;
    await contest({ policy: { guardrails: [guardrail], alphaHarm: 0.0001, futility: null }, horizon: 3000 });
    await play(300, { score: coin(0.7), context: { plan: "free" } });
    const enterprise = (run: Run): number => (run.uniform() < (run.isShort ? 0.3 : 0.8) ? 1 : 0);
    await play(150, { score: enterprise, context: { plan: "enterprise" } }, 2);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "guardrail" }]);
    const bot = await test.engine.project("support");
    const { guardrails, sessionCount } = (await bot.evaluate())!;
    expect(guardrails[0]).toMatchObject({ ...guardrail, isCrossed: true });
    expect(guardrails[0]!.sessionCount).toBe(sessionCount - 300);
  });
});

describe("the fuse", () => {
  const failing = async (isOfChallenger: (isShort: boolean) => boolean, count = 100) => {
    const bot = await test.engine.project<{ prompt: string }>("support", { champion: LONG });
    const answer = bot.wrap(
      (session) => {
        if (isOfChallenger(session.config.prompt === "short")) throw new Error("down");
        return session.config.prompt;
      },
      // Left to signals: nothing settles, so no other rule can decide.
      { score: () => undefined, onError: () => "missing" },
    );
    const served = await test.runSessions(count, () => answer().catch(() => "failed"));
    await test.engine.flush();
    return served;
  };

  it("sends everyone to the champion at once and aborts, before anything has settled", async () => {
    await contest();
    const served = await failing((isShort) => isShort);
    expect(served.filter((answer) => answer === "failed")).toHaveLength(20);
    const bot = await test.engine.project("support");
    const report = (await bot.report())!;
    expect(report).toMatchObject({
      status: "aborted",
      decision: { verdict: "abort", reason: "fuse", actor: "fuse" },
    });
    expect(report.evaluation.sessionCount).toBe(0);
    expect(logger.messages.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
      expect.stringMatching(/^fuse: /),
    ]);
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true, reason: "fuse" }]);
  });

  it("does not blow where the champion fails as often", async () => {
    await contest();
    await failing(() => true);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
  });

  it("counts what other processes have seen, and timeouts", async () => {
    await contest();
    const bot = await test.engine.project("support");
    // Signals by id, as from another process: this one's memory knows nothing of them.
    for (let i = 0; i < 60; i += 1) {
      const session = await bot.session();
      if (session.arm === "challenger") await test.engine.signal(session.id, { name: "timeout", value: 1 });
      else await test.engine.signal(session.id, { name: "fine", value: 1 });
    }
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
    for (let i = 0; i < 60; i += 1) {
      const session = await bot.session();
      if (session.arm === "champion") await session.end();
    }
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "fuse" }]);
  });

  it("blows for a failure that sets in late, however much went well before", async () => {
    await contest();
    await failing(() => false, 600);
    const served = await failing((isShort) => isShort, 300);
    expect(served.filter((answer) => answer === "failed")).toHaveLength(100);
    const bot = await test.engine.project("support");
    expect((await bot.report())!.decision).toMatchObject({ verdict: "abort", reason: "fuse" });
  });

  it("counts a session that is resumed again and again once", async () => {
    await contest();
    const bot = await test.engine.project("support");
    for (let i = 0; i < 60; i += 1) await (await bot.session()).end({ score: 1 });
    const ids = Array.from({ length: 20 }, (_, i) => `conversation-${i}`);
    const arms = await Promise.all(ids.map(async (id) => (await bot.session({ id })).arm));
    const id = ids[arms.indexOf("challenger")] as string;
    for (let i = 0; i < 200; i += 1) {
      const session = await bot.session({ id });
      await session.signal({ name: "error", value: 1, key: `turn-${i}` });
    }
    const served = await test.runSessions(20, async () => (await bot.session()).arm);
    expect(served).toContain("challenger");
  });

  it("gives the challenger another try where the database does not confirm it", async () => {
    await contest();
    await using other = await createTestEngine({ seed: 6, url: path });
    const elsewhere = await other.engine.project("support");
    await other.runSessions(400, async () => {
      await (await elsewhere.session()).end({ score: 1 });
    });
    expect((await failing((isShort) => isShort)).filter((answer) => answer === "failed")).toHaveLength(20);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
    test.clock.advance(60_000);
    expect(await failing(() => false)).toContain("short");
  });

  it("can be left out", async () => {
    await contest({ policy: { fuse: null } });
    await failing((isShort) => isShort);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue" }]);
  });
});

describe("shares that move", () => {
  it("a ramp goes up step by step, and each session keeps the share it was assigned under", async () => {
    const steps = [
      { share: 0.1, minSessions: 50 },
      { share: 0.5, minSessions: 50 },
    ];
    await contest({ share: { kind: "ramp", steps } });
    const bot = await test.engine.project("support");
    await play(49, { score: coin(0.5) });
    await test.engine.decide();
    expect((await bot.report())!.share).toBe(0.1);
    await play(1, { score: coin(0.5) });
    await test.engine.decide();
    expect((await bot.report())!.share).toBe(0.5);
    await play(40, { score: coin(0.5) }, 2);
    await test.engine.decide();
    const rows = await query(
      path,
      "SELECT shares, count(*) AS n FROM sessions GROUP BY shares ORDER BY shares",
    );
    expect(rows).toEqual([
      { shares: "[0.1]", n: 50 },
      { shares: "[0.5]", n: 40 },
    ]);
    expect((await bot.history()).map(({ action }) => action)).toContain("share-raised");
  });

  it("an adaptive share follows the chance of being better; the evidence folds the same from zero", async () => {
    await contest({ share: "adaptive", policy: { alphaHarm: 0.0001, futility: null } });
    const bot = await test.engine.project("support");
    expect((await bot.report())!.share).toBe(0.5);
    await play(40, { score: ({ isShort, uniform }) => (uniform() < (isShort ? 0.3 : 0.7) ? 1 : 0) });
    await test.engine.decide();
    const { share, evaluation } = (await bot.report())!;
    expect(share).toBe(Math.max(0.05, Math.round(100 * evaluation.probabilityBetter) / 100));
    await play(60, { score: coin(0.5) }, 2);
    await test.engine.decide();
    await bot.abort(BECAUSE);
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }]);
  });
});

describe("changes in flight", () => {
  it("hold from the next session on, and never for earlier ones", async () => {
    await contest({ horizon: 500, policy: { futility: null } });
    const bot = await test.engine.project("support");
    await play(60, { score: coin(0.5) });
    await bot.revise({ horizon: 100, minPerArm: 5, share: 0.2, ...BECAUSE });
    // What was assigned before the change folds under the terms it had.
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue", sessionCount: 60 }]);
    expect((await bot.report())!).toMatchObject({ share: 0.2, policy: { horizon: 500 } });
    await play(40, { score: coin(0.5) }, 2);
    expect(await test.engine.decide()).toMatchObject([
      { verdict: "hold", reason: "horizon", sessionCount: 100 },
    ]);
    const { decision } = (await bot.report())!;
    expect(decision).toMatchObject({ policy: { horizon: 100, minPerArm: 5 }, planShares: [0.2] });
    expect(await test.engine.verify()).toMatchObject([{ isEqual: true }]);
    expect((await bot.history()).find(({ action }) => action === "revised")).toMatchObject({
      actor: "ada",
      reason: "because",
      details: { horizon: 100, minPerArm: 5 },
    });
  });

  it("nothing else can change: a policy edited in the database is refused", async () => {
    await contest();
    const bot = await test.engine.project("support");
    await play(10, { score: coin(0.5) });
    await query(path, `UPDATE experiments SET policy = replace(policy, '"alpha":0.05', '"alpha":0.5')`);
    await expect(test.engine.decide({ project: "support" })).rejects.toMatchObject({
      code: "stored_data_invalid",
    });
    await expect(bot.revise({ ...BECAUSE })).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(bot.revise({ horizon: 300, alpha: 0.5, ...BECAUSE } as never)).rejects.toMatchObject({
      code: "settings_invalid",
      details: { field: "alpha" },
    });
    await expect(bot.revise({ horizon: 0, ...BECAUSE })).rejects.toMatchObject({ code: "policy_invalid" });
    await expect(bot.revise({ share: 2, ...BECAUSE })).rejects.toMatchObject({ code: "share_out_of_range" });
  });
});

describe("a challenge sized by what it is to find", () => {
  it("takes share and horizon from the project's own traffic and success rate", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await test.runSessions(300, async (index) => {
      await (await bot.session()).end({ score: index % 5 < 3 ? 1 : 0 });
    });
    test.clock.advance(2 * 86_400_000);
    const { experiment, forecast } = await bot.challenge(SHORT, { detect: 0.15, within: "14d" });
    expect(forecast).toMatchObject({ baseRate: 0.6, isBaseRateKnown: true, effect: 0.15 });
    expect(forecast!.sessionsPerDay).toBeCloseTo(150, 0);
    expect(forecast!.horizon).toBe(Math.round(14 * forecast!.sessionsPerDay!));
    expect(forecast!.power).toBeGreaterThanOrEqual(0.8);
    // The smallest share that has this power: one bucket less would not.
    expect(forecast!.power).toBeLessThan(0.802);
    expect(forecast!.daysToHorizon).toBeCloseTo(14, 1);
    expect(forecast!.daysExpected).toBeLessThan(14);
    expect(experiment).toMatchObject({ share: forecast!.share, policy: { horizon: forecast!.horizon } });
  });

  it("previews without starting anything", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    const preview = await test.engine.previewChallenge("support", SHORT, { detect: 0.1, within: "7d" });
    expect(preview).toMatchObject({ known: null, champion: LONG, design: { planShares: [0.5] } });
    expect(preview.design.forecast).toMatchObject({
      sessionsPerDay: null,
      daysExpected: null,
      isBaseRateKnown: false,
    });
    expect(await bot.report()).toBeNull();
  });

  it.each([
    ["an uplift of 2", { detect: 2, within: "7d" }],
    ["no time", { detect: 0.1 }],
    ["a time that is none", { detect: 0.1, within: "soon" }],
    ["a share beside it", { detect: 0.1, within: "7d", share: 0.2 }],
    ["a horizon beside it", { detect: 0.1, within: "7d", policy: { horizon: 100 } }],
    ["a false discovery rate of 1", { fdr: 1 }],
  ])("refuses %s", async (_, options) => {
    const bot = await test.engine.project("support", { champion: LONG });
    await expect(bot.challenge(SHORT, options)).rejects.toMatchObject({ code: "settings_invalid" });
  });
});

describe("many experiments in a row", () => {
  it("are kept in a ledger, and by e-LOND each gets its own level", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { policy: "strict" });
    await bot.abort(BECAUSE);
    await bot.challenge({ prompt: "other" }, { fdr: 0.1 });
    const second = (await bot.report())!;
    expect(second.policy.alpha).toBeLessThan(0.02);
    expect(second.ledger).toMatchObject({ experiments: 2, promotions: 0 });
    expect(second.ledger.expectedFalseMax).toBeCloseTo(0.02 + second.policy.alpha, 12);
    await bot.promote(BECAUSE);
    expect((await bot.report())!.ledger).toMatchObject({ promotions: 0, unproven: 1 });
    await bot.challenge({ prompt: "third" }, { fdr: 0.1 });
    const level = eLondLevel({ fdr: 0.1, index: 3, promotions: 0 });
    expect((await bot.report())!.policy.alpha).toBe(level);
  });

  it("refuse a level for the plain rule, which has none", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    const plain = bot.challenge(SHORT, { fdr: 0.1, policy: "threshold" });
    await expect(plain).rejects.toMatchObject({ code: "settings_invalid", details: { field: "fdr" } });
  });
});

describe("scores by rule", () => {
  it("a session that a human took over has failed, whatever else was said", async () => {
    const { bot } = await contest();
    const session = await bot.session();
    await session.signal({ name: "thumbs", value: 1, kind: "explicit" });
    await session.signal({ name: "escalated", value: true });
    await session.end();
    await test.settleAll();
    const { arms } = (await bot.evaluate())!;
    expect(arms.map(({ scoreSum }) => scoreSum)).toEqual([0, 0]);
    expect(arms.reduce((sum, arm) => sum + arm.sessionCount, 0)).toBe(1);
  });
});
