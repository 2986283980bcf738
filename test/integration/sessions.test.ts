import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_WINDOW_MS } from "../../src/core/decision/policy.js";
import { currentSession } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { recordingLogger } from "../support/recording-logger.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };

let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;

beforeEach(async () => {
  logger = recordingLogger();
  test = await createTestEngine({ seed: 5, logger });
});

afterEach(() => test.close());

async function contest(options = {}) {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge(SHORT, { share: 0.5, ...options });
  return bot;
}

/** Sums over both arms of the newest experiment. */
async function tally(key = "support") {
  const bot = await test.engine.project(key);
  const report = await bot.report();
  const sum = (field: "served" | "excluded" | "unsettled" | "missing" | "abandoned" | "lateSignals") =>
    report!.sessions.reduce((total, arm) => total + arm[field], 0);
  return {
    folded: report!.evaluation.sessionCount,
    scoreSum: report!.evaluation.arms.reduce((total, arm) => total + arm.scoreSum, 0),
    served: sum("served"),
    excluded: sum("excluded"),
    unsettled: sum("unsettled"),
    missing: sum("missing"),
    abandoned: sum("abandoned"),
    lateSignals: sum("lateSignals"),
  };
}

describe("settling", () => {
  it("end with a score settles at once", async () => {
    const bot = await contest();
    const session = await bot.session();
    expect(await session.end({ score: 1 })).toEqual({ status: "recorded" });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 1, unsettled: 0 });
  });

  it("a signal after end() but within the window counts; one after it does not and is shown as late", async () => {
    const bot = await contest();
    const session = await bot.session();
    await session.end();
    test.clock.advance(DEFAULT_WINDOW_MS);
    expect(await session.signal({ name: "thumbs", value: 0.25, kind: "explicit" })).toEqual({
      status: "recorded",
    });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 0, unsettled: 1 });
    test.clock.advance(1);
    expect(await session.signal({ name: "thumbs", value: 1, kind: "explicit" })).toEqual({ status: "late" });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0.25, lateSignals: 1 });
    expect(await session.signal({ name: "thumbs", value: 1, kind: "explicit" })).toEqual({ status: "late" });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0.25, lateSignals: 2 });
  });

  it("a session that never ends scores 0, whatever its signals: a process that dies gains nothing", async () => {
    const bot = await contest();
    const session = await bot.session();
    await session.signal({ name: "thumbs", value: 1, kind: "explicit" });
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0, abandoned: 1, missing: 0 });
  });

  it("an ended session without a scoring signal is missing and left out; metrics do not score", async () => {
    const bot = await contest();
    const session = await bot.session();
    await session.signal({ name: "cost_usd", value: 0.3 });
    await session.end();
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 0, missing: 1, abandoned: 0 });
  });

  it("the policy may score a missing session instead", async () => {
    const bot = await contest({ policy: { missing: 0.5 } });
    await (await bot.session()).end();
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0.5, missing: 1 });
  });

  it("the window is the experiment's own, stored with the session", async () => {
    const bot = await contest({ policy: { windowMs: 60_000 } });
    await bot.session();
    test.clock.advance(60_001);
    await test.engine.decide();
    expect(await tally()).toMatchObject({ abandoned: 1 });
  });

  it("ending twice: the same is a duplicate, another score a mismatch, after the window late", async () => {
    const bot = await contest();
    const session = await bot.session();
    await session.end({ score: true });
    expect(await session.end({ score: 1 })).toEqual({ status: "duplicate" });
    expect(await session.end()).toEqual({ status: "duplicate" });
    await expect(session.end({ score: 0 })).rejects.toMatchObject({ code: "idempotency_mismatch" });
    const late = await bot.session();
    test.clock.advance(DEFAULT_WINDOW_MS + 1);
    expect(await late.end({ score: 1 })).toEqual({ status: "late" });
    await test.settleAll();
    expect(await tally()).toMatchObject({ abandoned: 1, lateSignals: 1, scoreSum: 1 });
  });
});

describe("guarantee 2: every settled unit counts once", () => {
  it("the same key and body is a duplicate, with another body a mismatch; other sessions have keys of their own", async () => {
    const bot = await contest();
    const session = await bot.session();
    const signal = { name: "thumbs", value: 1, kind: "explicit", key: "hook-1" } as const;
    expect(await session.signal(signal)).toEqual({ status: "recorded" });
    expect(await test.engine.signal(session.id, signal)).toEqual({ status: "duplicate" });
    await expect(session.signal({ ...signal, value: 0 })).rejects.toMatchObject({
      code: "idempotency_mismatch",
      details: { stored: 1, received: 0 },
    });
    expect(await (await bot.session()).signal({ ...signal, value: 0 })).toEqual({ status: "recorded" });
    await session.end();
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 2, scoreSum: 1, abandoned: 1 });
  });

  it("two signals without a key are two signals", async () => {
    const bot = await contest();
    const session = await bot.session();
    await session.signal({ name: "thumbs", value: 1, kind: "explicit" });
    await session.signal({ name: "thumbs", value: 0, kind: "explicit" });
    await session.end();
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0.5 });
  });

  it("a unit's second session gets the same arm, is reported, and does not fold", async () => {
    const bot = await contest();
    const first = await bot.session({ unit: "user-42" });
    await first.end({ score: 1 });
    for (let i = 0; i < 5; i += 1) {
      const next = await bot.session({ unit: "user-42" });
      expect(next.arm).toBe(first.arm);
      expect(next.config).toEqual(first.config);
      await next.end({ score: 0 });
    }
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 1, served: 6, excluded: 5 });
  });

  it("an unfinished second session of a unit keeps nobody waiting", async () => {
    const bot = await contest();
    await (await bot.session({ unit: "u" })).end({ score: 1 });
    await bot.session({ unit: "u" });
    await (await bot.session({ unit: "v" })).end({ score: 1 });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 2 });
  });
});

describe("folding in assignment order", () => {
  it("a settled session waits for every earlier one", async () => {
    const bot = await contest();
    const first = await bot.session();
    const second = await bot.session();
    await second.end({ score: 1 });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 0 });
    await first.end({ score: 0 });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 2, scoreSum: 1 });
  });

  it("outcomes that arrive in any order, under any job schedule, give the same evidence bit for bit", async () => {
    const scores = Array.from({ length: 60 }, (_, index) => ((index * 7919) % 11) / 10);
    const orders = [
      scores.map((_, index) => index),
      scores.map((_, index) => scores.length - 1 - index),
      scores.map((_, index) => (index * 37) % scores.length),
    ];
    const evaluations = [];
    for (const [run, order] of orders.entries()) {
      const other = await createTestEngine({ seed: 11 });
      const bot = await other.engine.project("support", { champion: LONG });
      await bot.challenge(SHORT, { share: 0.5 });
      const sessions = await other.runSessions(scores.length, () => bot.session());
      for (const [done, index] of order.entries()) {
        await sessions[index]!.end({ score: scores[index]! });
        if (run > 0 && done % (3 * run) === 0) await other.engine.decide();
      }
      await other.engine.decide();
      evaluations.push(await bot.evaluate());
      await other.close();
    }
    expect(evaluations[0]!.sessionCount).toBe(60);
    expect(evaluations[1]).toEqual(evaluations[0]);
    expect(evaluations[2]).toEqual(evaluations[0]);
  });
});

describe("wrap", () => {
  it("hands back the runner's own result and records the outcome", async () => {
    const bot = await contest();
    const result = { resolved: true };
    const answer = bot.wrap(
      (session, question: string) => {
        expect(currentSession()?.id).toBe(session.id);
        expect(["long", "short"]).toContain(session.config.prompt);
        return question === "hi" ? result : null;
      },
      { score: (value) => value?.resolved },
    );
    expect(await answer("hi")).toBe(result);
    expect(currentSession()).toBeUndefined();
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 1 });
  });

  it("rethrows what the runner throws, as it is, and scores 0", async () => {
    const bot = await contest();
    const boom = new TypeError("boom");
    const answer = bot.wrap(() => {
      throw boom;
    });
    await expect(answer()).rejects.toBe(boom);
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0, missing: 0 });
  });

  it("onError gives another score, or leaves the session missing", async () => {
    const bot = await contest();
    const fails = (onError: () => number | "missing") =>
      bot
        .wrap(() => Promise.reject(new Error("rate limit")), { onError })()
        .catch(() => undefined);
    await fails(() => 0.5);
    await fails(() => "missing");
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0.5, missing: 1 });
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["returns 1.5", () => 1.5],
    ["returns NaN", () => Number.NaN],
    ["rejects", () => Promise.reject(new Error("no"))],
  ])("a score that %s is logged and the session is missing", async (_title, score) => {
    const bot = await contest();
    expect(await bot.wrap(() => "fine", { score: score as () => number })()).toBe("fine");
    await test.engine.flush();
    expect(logger.messages).toContainEqual(
      expect.objectContaining({
        level: "warn",
        message: "a score could not be taken; the session is missing",
      }),
    );
    expect(test.engine.health().callbacksFailed).toBe(1);
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 0, missing: 1 });
  });

  it("a score that is undefined leaves it to signals", async () => {
    const bot = await contest();
    let id = "";
    await bot.wrap(
      (session) => {
        id = session.id;
      },
      { score: () => undefined },
    )();
    await test.engine.flush();
    await test.engine.signal(id, { name: "judge", value: 0.75, kind: "implicit" });
    await test.settleAll();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0.75 });
  });

  it("end: manual leaves the end to the host, resumed by id", async () => {
    const bot = await contest();
    const start = bot.wrap((session) => session.id, { end: "manual" });
    const id = await start();
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 0, unsettled: 1 });
    const session = await bot.session({ id });
    expect(session).toMatchObject({ id, isResumed: true });
    await session.end({ score: 1 });
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 1, served: 1 });
  });

  it("a stream is handed on as it comes and ends the session when drained", async () => {
    const bot = await contest();
    const seen: (string | undefined)[] = [];
    const stream = bot.wrap(
      async function* () {
        seen.push(currentSession()?.id);
        yield "a";
        yield "b";
      },
      { score: () => 1 },
    );
    const chunks: string[] = [];
    for await (const chunk of await stream()) {
      chunks.push(chunk);
      await test.engine.decide();
      expect(await tally()).toMatchObject({ folded: 0 });
    }
    expect(chunks).toEqual(["a", "b"]);
    expect(seen[0]).toBeDefined();
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 1 });
  });

  it("a stream that fails scores 0 and fails for the host", async () => {
    const bot = await contest();
    const stream = bot.wrap(async function* () {
      yield 1;
      throw new Error("cut off");
    });
    const read = async () => {
      for await (const _ of await stream()) {
        /* drain */
      }
    };
    await expect(read()).rejects.toThrow("cut off");
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0 });
  });

  it("timeoutMs fires the session's abort signal and is recorded; the call goes on", async () => {
    const bot = await contest();
    const slow = bot.wrap(
      (session) => {
        test.clock.advance(50);
        expect(session.abortSignal.aborted).toBe(false);
        test.clock.advance(51);
        return session.abortSignal.aborted;
      },
      { timeoutMs: 100, score: (aborted) => !aborted },
    );
    expect(await slow()).toBe(true);
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, scoreSum: 0 });
  });

  it("unit and context come from the arguments; a callback that throws makes it the champion's, unrecorded", async () => {
    const bot = await contest();
    const answer = bot.wrap((session, _user: string) => [session.arm, session.unit], {
      unit: (user) => {
        if (user === "bad") throw new Error("no user");
        return user;
      },
      context: (user) => ({ user }),
      score: () => 1,
    });
    const [arm, unit] = await answer("user-1");
    expect(unit).toBe("user-1");
    expect((await answer("user-1"))[0]).toBe(arm);
    expect(await answer("bad")).toEqual(["champion", null]);
    await test.engine.decide();
    expect(await tally()).toMatchObject({ folded: 1, served: 2, excluded: 1 });
    expect(test.engine.health().callbacksFailed).toBe(1);
  });

  it("a host that changes its config changes nothing else", async () => {
    const bot = await test.engine.project("solo", { champion: { tools: ["a"] } });
    const first = await bot.session();
    (first.config.tools as string[]).push("b");
    expect((await bot.session()).config).toEqual({ tools: ["a"] });
    expect(bot.champion).toEqual({ tools: ["a"] });
  });
});

describe("sessions by id", () => {
  it("keep their config across a promotion", async () => {
    const bot = await contest();
    const session = await bot.session({ id: "conversation-7" });
    await test.engine.flush();
    await bot.promote({ reason: "test" });
    const resumed = await bot.session({ id: "conversation-7" });
    expect(resumed.config).toEqual(session.config);
    expect(resumed.arm).toBe(session.arm);
    expect(resumed.isResumed).toBe(true);
    expect((await bot.session()).config).toEqual(SHORT);
  });

  it("refuse to be resumed in another project, and unknown ones have no signals", async () => {
    const bot = await contest();
    await bot.session({ id: "shared" });
    const other = await test.engine.project("other", { champion: LONG });
    await expect(other.session({ id: "shared" })).rejects.toMatchObject({ code: "input_invalid" });
    await expect(test.engine.signal("nobody", { name: "x", value: 1 })).rejects.toMatchObject({
      code: "session_not_found",
      details: { received: "nobody" },
    });
  });
});

describe("bad input writes nothing", () => {
  it.each([1.5, -0.1, Number.NaN, "good", null])("a score of %s given to end", async (score) => {
    const bot = await contest();
    const session = await bot.session();
    await expect(session.end({ score: score as number })).rejects.toMatchObject({
      code: "score_out_of_range",
    });
    await test.engine.flush();
    expect(await tally()).toMatchObject({ unsettled: 1 });
  });

  it.each<[string, unknown]>([
    ["value", { name: "x", value: Number.NaN }],
    ["value", { name: "x", value: "1" }],
    ["value", { name: "x", value: 1.5, kind: "explicit" }],
    ["name", { name: "", value: 1 }],
    ["kind", { name: "x", value: 1, kind: "loud" }],
    ["key", { name: "x", value: 1, key: "" }],
    ["source", { name: "x", value: 1, source: 7 }],
    ["body", null],
  ])("a signal with a bad %s", async (field, signal) => {
    const bot = await contest();
    const session = await bot.session();
    await expect(session.signal(signal as never)).rejects.toMatchObject({
      code: "signal_invalid",
      details: { field },
    });
    await expect(test.engine.signal(session.id, signal as never)).rejects.toMatchObject({
      code: "signal_invalid",
    });
  });

  it.each([0.005, 1, Number.NaN])("a share of %s", async (share) => {
    const bot = await test.engine.project("support", { champion: LONG });
    await expect(bot.challenge(SHORT, { share })).rejects.toMatchObject({ code: "share_out_of_range" });
    expect(await test.engine.experiments("support")).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["an array", [1]],
    ["null", null],
    ["a text", "gpt"],
    ["a date inside", { at: new Date() }],
    ["NaN inside", { temperature: Number.NaN }],
    ["undefined inside", { model: undefined }],
    ["a function inside", { tools: [() => 1] }],
  ])("a config that is %s", async (_title, config) => {
    await expect(test.engine.project("p", { champion: config as never })).rejects.toMatchObject({
      code: "config_invalid",
    });
    const bot = await test.engine.project("support", { champion: LONG });
    await expect(bot.challenge(config as never)).rejects.toMatchObject({ code: "config_invalid" });
    expect(await test.engine.projectKeys()).toEqual(["support"]);
  });

  it("a cyclic config, an unknown project, a bad key, unit, id or context", async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    await expect(test.engine.project("p", { champion: cycle as never })).rejects.toMatchObject({
      code: "config_invalid",
    });
    await expect(test.engine.project("ghost")).rejects.toMatchObject({
      code: "project_not_found",
      details: { received: "ghost" },
    });
    await expect(test.engine.project("")).rejects.toMatchObject({ code: "settings_invalid" });
    const bot = await contest();
    await expect(bot.session({ unit: "" })).rejects.toMatchObject({ code: "input_invalid" });
    await expect(bot.session({ id: 7 as never })).rejects.toMatchObject({ code: "input_invalid" });
    await expect(bot.session({ context: [] as never })).rejects.toMatchObject({ code: "input_invalid" });
  });
});

describe("what a session tells of its place", () => {
  it("its config's hash as stored, its arm's share, and why it is no evidence", async () => {
    const bot = await contest({ share: 0.25 });
    const [experiment] = await test.engine.experiments("support");
    const first = await bot.session({ unit: "ada" });
    const repeat = await bot.session({ unit: "ada" });
    for (const session of [first, repeat]) {
      const arm = experiment!.arms[session.place]!;
      expect(session).toMatchObject({ configHash: arm.config.hash, share: arm.bucketCount / 10_000 });
    }
    expect([first.excluded, repeat.excluded]).toEqual([null, "repeat"]);
    await bot.override("qa", "challenger", { reason: "a look" });
    expect(await bot.session({ unit: "qa" })).toMatchObject({ share: 0.25, excluded: "override" });
  });

  it("no share outside of an experiment, nor once its own has ended", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    expect(await bot.session()).toMatchObject({ share: null, excluded: null, configHash: bot.championHash });
    await bot.challenge(SHORT, { share: 0.5 });
    const { id } = await bot.session();
    await bot.abort({ reason: "enough" });
    expect(await bot.session({ id })).toMatchObject({ share: null, isResumed: true });
  });

  it("a project tells its champion's hash and the experiment that runs, and none while it is paused", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    const before = bot.championHash;
    expect(bot.experiment).toBeNull();
    await bot.challenge(SHORT, { share: 0.5 });
    const [experiment] = await test.engine.experiments("support");
    expect(bot.experiment).toBe(experiment!.uid);
    await bot.pause({ reason: "lunch" });
    expect(bot.experiment).toBeNull();
    await bot.promote({ reason: "because" });
    expect(bot.championHash).not.toBe(before);
  });
});
