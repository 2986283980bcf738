import { createClient } from "@libsql/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identifyConfig } from "../../src/engine/configs/config.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { query } from "../support/query.js";
import { recordingLogger } from "../support/recording-logger.js";
import { isOnFile, temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const OTHER = { prompt: "other" };
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

const project = () => test.engine.project("support", { champion: LONG });

/** Sessions in which the short prompt always wins and the long one never. */
async function shortWins(count: number) {
  const bot = await project();
  const answer = bot.wrap((session) => session.config.prompt, { score: (prompt) => prompt === "short" });
  await test.runSessions(count, () => answer());
}

describe("challenge", () => {
  it("is idempotent: boot code may run it in every process", async () => {
    const bot = await project();
    const first = await bot.challenge(SHORT, { share: 0.5 });
    expect(first).toMatchObject({
      started: true,
      status: "started",
      experiment: { status: "running", share: 0.5 },
    });
    const again = await bot.challenge(SHORT, { share: 0.5 });
    expect(again).toMatchObject({ started: false, status: "existing" });
    expect(again.experiment?.id).toBe(first.experiment?.id);
  });

  it("by many at once starts one experiment", async () => {
    const bot = await project();
    const results = await Promise.all(Array.from({ length: 10 }, () => bot.challenge(SHORT)));
    expect(results.filter((result) => result.started)).toHaveLength(1);
    expect(new Set(results.map((result) => result.experiment?.id)).size).toBe(1);
  });

  it("returns an ended experiment of the pair, unless a reason says to contend again", async () => {
    const bot = await project();
    const first = await bot.challenge(SHORT);
    await bot.abort(BECAUSE);
    expect(await bot.challenge(SHORT)).toMatchObject({
      started: false,
      experiment: { id: first.experiment?.id, status: "aborted" },
    });
    const second = await bot.challenge(SHORT, { again: "new model version" });
    expect(second).toMatchObject({ started: true });
    await bot.abort(BECAUSE);
    expect(await bot.challenge(SHORT, { again: "new model version" })).toMatchObject({
      started: false,
      experiment: { id: second.experiment?.id },
    });
  });

  it("an overlap is logged and returns the running experiment", async () => {
    const bot = await project();
    const first = await bot.challenge(SHORT);
    expect(await bot.challenge(OTHER)).toMatchObject({
      started: false,
      status: "overlap",
      experiment: { id: first.experiment?.id },
    });
    expect(logger.messages.map(({ message }) => message).join()).toContain("experiment_overlap");
  });

  it("of the champion itself starts nothing, and after its promotion returns that experiment", async () => {
    const bot = await project();
    expect(await bot.challenge(LONG)).toEqual({
      experiment: null,
      started: false,
      status: "is-champion",
      forecast: null,
    });
    const { experiment } = await bot.challenge(SHORT);
    await bot.promote(BECAUSE);
    expect(await bot.challenge(SHORT)).toMatchObject({
      started: false,
      status: "is-champion",
      experiment: { id: experiment?.id },
    });
  });

  it("a champion in the code that differs is logged, not used", async () => {
    await project();
    await test.close();
    test = await createTestEngine({ seed: 6, logger, url: path });
    const bot = await test.engine.project("support", { champion: OTHER });
    expect(bot.champion).toEqual(LONG);
    expect(logger.messages.map(({ message }) => message).join()).toContain("champion_differs");
  });
});

describe("deciding", () => {
  it("promotes a better challenger, and everyone gets it", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await shortWins(100);
    const [result] = await test.engine.decide();
    expect(result).toMatchObject({
      verdict: "promote",
      reason: "evidence",
      changed: true,
      project: "support",
    });
    expect(bot.champion).toEqual(SHORT);
    expect((await bot.session()).config).toEqual(SHORT);
    expect(await test.engine.decide()).toEqual([]);
    expect((await bot.history()).map((entry) => entry.action)).toEqual(["promoted", "started", "created"]);
    expect((await test.engine.verify()).map((each) => each.isEqual)).toEqual([true]);
  });

  it("sessions after the deciding one never fold", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await shortWins(200);
    const [result] = await test.engine.decide();
    const report = await bot.report();
    expect(result!.sessionCount).toBeLessThan(100);
    expect(report!.evaluation.sessionCount).toBe(result!.sessionCount);
    expect(report!.sessions.reduce((sum, arm) => sum + arm.served, 0)).toBe(200);
  });

  it("aborts a worse challenger", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    const answer = bot.wrap((session) => session.config.prompt, { score: (prompt) => prompt === "long" });
    await test.runSessions(100, () => answer());
    expect(await test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "harm", changed: true }]);
    expect(bot.champion).toEqual(LONG);
  });

  it("holds at the horizon, and where a promotion has become unlikely", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, policy: { futility: null }, horizon: 20 });
    expect(await test.runSessions(30, async () => (await bot.session()).end({ score: 1 }))).toHaveLength(30);
    expect(await test.engine.decide()).toMatchObject([
      { verdict: "hold", reason: "horizon", sessionCount: 20 },
    ]);
    await bot.challenge(SHORT, { share: 0.5, horizon: 500, again: "futility" });
    const ended = await test.runSessions(500, async (index) =>
      (await bot.session()).end({ score: index % 2 }),
    );
    expect(ended).toHaveLength(500);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "hold", reason: "futility" }]);
    expect((await test.engine.verify()).every((each) => each.isEqual)).toBe(true);
  });

  it("aborts when one arm loses outcomes and the other does not", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, policy: { futility: null } });
    // The challenger's failures go missing: what is left of it looks perfect.
    await test.runSessions(300, async (index) => {
      const session = await bot.session();
      const isGood = index % 2 === 0;
      await session.end(session.arm === "challenger" && !isGood ? {} : { score: isGood });
    });
    expect(await test.settleAll()).toMatchObject([{ verdict: "abort", reason: "srm" }]);
  });

  it("a dry run says the same and stores nothing", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await shortWins(100);
    expect(await test.engine.decide({ dryRun: true })).toMatchObject([
      { verdict: "promote", changed: false },
    ]);
    expect(bot.champion).toEqual(LONG);
    expect(await test.engine.verify()).toEqual([]);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote", changed: true }]);
  });

  it("the plain rule promotes at P > tau and aborts below 1 - tau", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, policy: "threshold" });
    await shortWins(200);
    const [result] = await test.engine.decide();
    expect(result).toMatchObject({ verdict: "promote", reason: "evidence" });
    const report = await bot.report();
    expect(Math.min(...report!.evaluation.arms.map((arm) => arm.sessionCount))).toBe(20);
  });

  it("many schedulers at once make one decision", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await shortWins(100);
    const others = await Promise.all(
      [7, 8, 9].map((seed) => createTestEngine({ seed, url: path, clock: test.clock })),
    );
    const ticks = await Promise.all([test, ...others].map((each) => each.engine.decide()));
    expect(ticks.flat().filter((result) => result.changed)).toHaveLength(1);
    expect(await test.engine.verify()).toHaveLength(1);
    for (const other of others) await other.close();
  });

  it("expires, approval time included", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, promotion: "approve", policy: { maxDurationMs: 3_600_000 } });
    await shortWins(100);
    expect(await test.engine.decide()).toMatchObject([
      { verdict: "continue", reason: "awaiting-approval", changed: true },
    ]);
    test.clock.advance(3_600_001);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "hold", reason: "expired", changed: true }]);
    expect((await test.engine.verify()).map((each) => each.isEqual)).toEqual([true, true]);
  });

  it("outcomes that settled before the time ran out still count", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, policy: { maxDurationMs: 3_600_000 } });
    await shortWins(100);
    test.clock.advance(7_200_000);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote", reason: "evidence" }]);
  });
});

describe("by hand", () => {
  it("approval: folding stops, traffic goes on, approve promotes", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, promotion: "approve" });
    await expect(bot.approve(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await shortWins(100);
    const [waiting] = await test.engine.decide();
    expect(waiting).toMatchObject({ reason: "awaiting-approval" });
    await shortWins(50);
    expect(await test.engine.decide()).toMatchObject([
      { sessionCount: waiting!.sessionCount, changed: false, verdict: "continue" },
    ]);
    const arms = new Set(await test.runSessions(30, async () => (await bot.session()).arm));
    expect(arms.size).toBe(2);
    await bot.approve(BECAUSE);
    expect(bot.champion).toEqual(SHORT);
    expect((await bot.report())!.decision).toMatchObject({
      verdict: "promote",
      reason: "evidence",
      actor: "ada",
      note: "because",
    });
    expect((await test.engine.verify()).map((each) => each.isEqual)).toEqual([true, true]);
  });

  it("decline holds", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5, promotion: "approve" });
    await shortWins(100);
    await test.engine.decide();
    await bot.decline(BECAUSE);
    expect((await bot.report())!).toMatchObject({
      status: "held",
      decision: { verdict: "hold", reason: "declined" },
    });
    expect(bot.champion).toEqual(LONG);
  });

  it("pause gives everyone the champion and decides nothing; resume goes on", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await shortWins(100);
    await bot.pause(BECAUSE);
    expect(await test.engine.decide()).toEqual([]);
    const arms = await test.runSessions(20, async () => (await bot.session()).arm);
    expect(new Set(arms)).toEqual(new Set(["champion"]));
    await expect(bot.pause(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await bot.resume(BECAUSE);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote" }]);
  });

  it("rollback restores the previous champion and aborts what contends against the present one", async () => {
    const bot = await project();
    await expect(bot.rollback(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await bot.challenge(SHORT);
    await bot.promote(BECAUSE);
    await bot.challenge(OTHER);
    expect(await bot.rollback(BECAUSE)).toEqual(LONG);
    expect(bot.champion).toEqual(LONG);
    expect((await test.engine.experiments("support"))[0]).toMatchObject({ status: "aborted" });
    expect((await bot.report())!.decision).toMatchObject({ verdict: "abort", reason: "champion-changed" });
    expect((await test.engine.verify()).every((each) => each.isEqual)).toBe(true);
    // A rollback undoes a reign; the one it undid is no predecessor, but can be named.
    await expect(bot.rollback(BECAUSE)).rejects.toMatchObject({ code: "transition_illegal" });
    await bot.rollback({ ...BECAUSE, to: identifyConfig(SHORT).hash.slice(0, 8) });
    expect(bot.champion).toEqual(SHORT);
  });

  it("takes a reason, and something to act on", async () => {
    const bot = await project();
    await expect(bot.abort(BECAUSE)).rejects.toMatchObject({ code: "experiment_not_found" });
    await bot.challenge(SHORT);
    await expect(bot.abort({ reason: " " })).rejects.toMatchObject({ code: "settings_invalid" });
  });
});

describe("a state that keeps changing", () => {
  it.runIf(isOnFile)("is reported after a few tries, and nothing was done", async () => {
    const bot = await project();
    await bot.challenge(SHORT);
    // Another process takes the slot's experiment on between each look and the write.
    const client = createClient({ url: `file:${path}`, timeout: 5000 });
    await client.execute(
      "CREATE TRIGGER busy BEFORE UPDATE OF status ON experiments BEGIN UPDATE experiments SET version = version + 1 WHERE id = OLD.id AND NEW.status <> OLD.status; SELECT RAISE(IGNORE); END",
    );
    await expect(bot.pause(BECAUSE)).rejects.toMatchObject({ code: "state_changed", exitCode: 4 });
    await client.execute("DROP TRIGGER busy");
    client.close();
    expect((await test.engine.experiments("support"))[0]?.status).toBe("running");
    await bot.pause(BECAUSE);
  });
});

describe("guarantee 4: the database itself refuses", () => {
  const refused = async (sql: string) => {
    await test.engine.flush();
    await expect(query(path, sql)).rejects.toThrow(/constraint/i);
  };

  it("a second occupied slot", async () => {
    const bot = await project();
    await bot.challenge(SHORT);
    await bot.abort(BECAUSE);
    await bot.challenge(OTHER);
    await refused("UPDATE experiments SET status = 'paused' WHERE status = 'aborted'");
  });

  it("a project without a champion, or with one that is no config", async () => {
    await project();
    await refused("UPDATE projects SET champion_config_id = NULL");
    await refused("UPDATE projects SET champion_config_id = 999");
  });

  it("a second terminal decision", async () => {
    const bot = await project();
    await bot.challenge(SHORT);
    await bot.abort(BECAUSE);
    const same =
      "experiment_id, is_terminal, verdict, reason, session_count, folded_seq, is_expired, policy, promotion, evidence, evaluation, engine_version, actor, decided_at_ms";
    await refused(`INSERT INTO decisions (id, uid, ${same}) SELECT id + 1, 'other', ${same} FROM decisions`);
  });

  it("a second champion arm, a score outside [0, 1], a second session of an id, a second claim of a unit", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await (await bot.session({ unit: "u" })).end({ score: 1 });
    await refused("UPDATE arms SET role = 'champion'");
    await refused("UPDATE sessions SET score = 1.5");
    await refused(
      "INSERT INTO sessions (id, project_id, config_id, is_evidence, started_at_ms, window_ends_at_ms) SELECT id, project_id, config_id, 0, 0, 0 FROM sessions",
    );
    await refused("INSERT INTO units SELECT * FROM units");
  });
});

describe("guarantee 6: verify", () => {
  it("finds a stored decision that was tampered with, and a session log that was", async () => {
    const bot = await project();
    await bot.challenge(SHORT, { share: 0.5 });
    await shortWins(100);
    await test.engine.decide();
    const tamper = async (sql: string) => {
      await query(path, sql);
      const [result] = await test.engine.verify();
      return result!;
    };
    expect((await tamper("UPDATE decisions SET verdict = 'hold'")).differences[0]).toContain(
      "verdict: hold -> promote",
    );
    expect((await tamper("UPDATE decisions SET verdict = 'promote'")).isEqual).toBe(true);
    const result = await tamper("UPDATE sessions SET score = 1 - score WHERE seq = 3");
    expect(result.isEqual).toBe(false);
    expect(result.differences.join()).toContain("evidence.");
    await expect(test.engine.verify("nothing")).rejects.toMatchObject({ code: "decision_not_found" });
  });
});
