/** The log of evaluations: what ticks found, as far as it is kept. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredEvaluation } from "../../src/engine/ports.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { testApp } from "../support/app.js";
import { playRates, type RateConfig } from "../support/contest.js";

const CHAMPION: RateConfig = { rate: 0.5 };
const BETTER: RateConfig = { rate: 0.9 };
const SAME: RateConfig = { rate: 0.5000001 };
const MINUTE_MS = 60_000;

let test: TestEngine;

beforeEach(async () => {
  test = await createTestEngine({ seed: 11 });
});
afterEach(() => test.close());

async function contest(key: string, challenger: RateConfig, options = {}) {
  const bot = await test.engine.project<RateConfig>(key, { champion: CHAMPION });
  await bot.challenge(challenger, { share: 0.5, ...options });
  return bot;
}

describe("the log of evaluations", () => {
  it("has what each tick found that folded something, down to the promotion", async () => {
    const bot = await contest("support", BETTER, { owner: "ada", tags: ["prompt"] });
    await playRates(test, 20);
    await test.engine.decide({ actor: "nightly" });
    await playRates(test, 120, { seed: 2 });
    const [result] = await test.engine.decide();
    expect(result).toMatchObject({ verdict: "promote", changed: true });

    const { evaluations, nextCursor } = await bot.evaluations();
    expect(nextCursor).toBeNull();
    expect(evaluations.map(({ verdict, actor, isTurn }) => [verdict, actor, isTurn])).toEqual([
      ["promote", "tick", true],
      ["continue", "nightly", true],
    ]);
    const [last] = evaluations as [StoredEvaluation];
    const evaluation = await bot.evaluate();
    expect(last).toMatchObject({
      project: "support",
      experiment: result?.experiment,
      status: "promoted",
      owner: "ada",
      tags: ["prompt"],
      reason: "evidence",
      numbers: { sessionCount: evaluation?.sessionCount, srmLogE: evaluation?.srmLogE },
      shares: [0.5],
    });
    expect(evaluation).toMatchObject({ ...last.numbers.contests[0] });
  });

  it("is written only where something was folded", async () => {
    const bot = await contest("support", SAME);
    for (let i = 0; i < 3; i += 1) await test.engine.decide();
    expect((await bot.evaluations()).evaluations).toEqual([]);
    await playRates(test, 5);
    for (let i = 0; i < 3; i += 1) await test.engine.decide();
    await test.engine.decide({ dryRun: true });
    expect((await bot.evaluations()).evaluations).toHaveLength(1);
  });

  it("keeps the last of each hour, and all that say something new", async () => {
    const bot = await contest("support", SAME);
    for (let minute = 0; minute < 70; minute += 1) {
      await (await bot.session()).end({ score: minute % 2 });
      test.clock.advance(MINUTE_MS);
      await test.engine.decide();
    }
    const { evaluations } = await bot.evaluations({ limit: 200 });
    const quiet = evaluations.filter(({ isTurn }) => !isTurn);
    expect(quiet.length).toBeLessThanOrEqual(2 + evaluations.filter(({ isTurn }) => isTurn).length);
    expect(evaluations[0]?.numbers.sessionCount).toBe(70);
    const ids = evaluations.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
  });

  it("names the evidence it is of by a digest that is the same however often a job ran", async () => {
    const digests: (string | undefined)[] = [];
    for (const isOften of [true, false]) {
      const each = await createTestEngine({ seed: 23 });
      const bot = await each.engine.project<RateConfig>("support", { champion: CHAMPION });
      await bot.challenge(SAME, { share: 0.5 });
      for (let i = 0; i < 12; i += 1) {
        const session = await bot.session();
        await session.signal({ name: "cost_usd", value: i / 7 });
        await session.end({ score: i % 2 });
        if (isOften) await each.engine.decide();
      }
      await each.engine.decide();
      digests.push((await bot.evaluations({ limit: 1 })).evaluations[0]?.digest);
      await each.close();
    }
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
  });

  it("is looked through by project, experiment, verdict, review, status, owner, tag and time", async () => {
    await contest("a", BETTER, { owner: "ada", tags: ["prompt", "model"] });
    await contest("b", SAME, { owner: "bo" });
    await playRates(test, 150, { project: "a" });
    const startMs = test.clock.now();
    await test.engine.decide();
    test.clock.advance(1000);
    await playRates(test, 30, { project: "b" });
    await test.engine.decide();
    const of = async (filter: object): Promise<string[]> =>
      (await test.engine.evaluations(filter)).evaluations.map(({ project }) => project);
    expect(await of({})).toEqual(["b", "a"]);
    expect(await of({ project: "a" })).toEqual(["a"]);
    expect(await of({ projects: ["b"] })).toEqual(["b"]);
    expect(await of({ project: "a", projects: ["b"] })).toEqual([]);
    expect(await of({ verdict: "promote" })).toEqual(["a"]);
    expect(await of({ verdict: "continue" })).toEqual(["b"]);
    expect(await of({ status: "running" })).toEqual(["b"]);
    expect(await of({ owner: "ada" })).toEqual(["a"]);
    expect(await of({ tag: "model" })).toEqual(["a"]);
    expect(await of({ tag: "mod" })).toEqual([]);
    expect(await of({ sinceMs: startMs + 1000 })).toEqual(["b"]);
    expect(await of({ untilMs: startMs + 1000 })).toEqual(["a"]);
    expect(await of({ isNewest: true })).toEqual(["b", "a"]);
    const [experiment] = await test.engine.experiments("b");
    expect(await of({ project: "b", experiment: experiment?.uid.slice(0, 13) })).toEqual(["b"]);

    const first = await test.engine.evaluations({ limit: 1 });
    expect(first.evaluations.map(({ project }) => project)).toEqual(["b"]);
    const second = await test.engine.evaluations({ limit: 1, cursor: first.nextCursor as string });
    expect(second).toMatchObject({ evaluations: [{ project: "a" }], nextCursor: null });

    await expect(test.engine.evaluations({ verdict: "win" as never })).rejects.toMatchObject({
      code: "input_invalid",
      details: { field: "verdict", allowed: expect.arrayContaining(["promote"]) },
    });
    await expect(test.engine.evaluations({ status: "x" as never })).rejects.toMatchObject({
      code: "input_invalid",
    });
    await expect(test.engine.evaluations({ limit: 0 })).rejects.toMatchObject({ code: "input_invalid" });
    await expect(test.engine.evaluations({ project: "a", experiment: "x" })).rejects.toMatchObject({
      code: "experiment_not_found",
    });
    await expect(
      (await test.engine.project("c", { champion: { rate: 1 } })).evaluations(),
    ).resolves.toMatchObject({
      evaluations: [],
    });
  });

  it("marks where criteria disagree, in the report, among the alarms and over HTTP", async () => {
    // Likely better by the posterior, and far from proven.
    const bot = await contest("support", SAME, { policy: { minPerArm: 4, tau: 0.8 } });
    let champions = 0;
    for (let i = 0; i < 20; i += 1) {
      const session = await bot.session();
      if (session.arm === "champion") champions += 1;
      await session.end({ score: session.arm === "champion" && champions % 3 === 0 ? 0 : 1 });
    }
    await test.engine.decide();
    const { evaluations } = await bot.evaluations({ needsReview: true });
    const report = await bot.report();
    expect(evaluations.map(({ review }) => review.map(({ reason }) => reason))).toEqual([["evidence-lags"]]);
    expect(report?.review).toEqual(evaluations[0]?.review);
    expect(await test.engine.projects()).toMatchObject([
      { experiment: { standing: { alarms: [], review: [{ reason: "evidence-lags" }] } } },
    ]);
    const { ask } = testApp(test);
    const { status, body } = await ask(
      "GET",
      "/v1/evaluations?needsReview=true&project=support&isNewest=true",
    );
    expect(status).toBe(200);
    expect(body).toEqual({ evaluations, nextCursor: null });
    expect((await ask("GET", "/v1/evaluations?needsReview=false")).body).toEqual({
      evaluations: [],
      nextCursor: null,
    });
    expect((await ask("GET", "/v1/evaluations?verdict=win")).status).toBe(400);
  });

  it("alarms the overview and the doctor where what was reached earlier is no longer borne out", async () => {
    const bot = await contest("support", SAME, {
      policy: { futility: null, guardrails: [], alphaHarm: 0.001 },
    });
    // The challenger shines until the evidence is halfway, and does worse then: something has changed on the way.
    let isShining = true;
    for (let i = 0; i < 200; i += 1) {
      const session = await bot.session();
      const isWinner = (session.arm === "challenger") === isShining;
      await session.end({ score: isWinner || i % 3 === 0 ? 1 : 0 });
      await test.engine.decide();
      const standing = (await test.engine.projects())[0]?.experiment?.standing;
      isShining &&= (standing?.logSupPromote ?? 0) < (standing?.logLinePromote ?? 0) / 2;
      if (standing?.alarms.includes("review")) break;
    }
    expect(await test.engine.projects()).toMatchObject([
      { experiment: { standing: { alarms: ["review"], review: [{ reason: "evidence-turned" }] } } },
    ]);
    expect((await test.engine.doctor()).findings.find(({ check }) => check === "review")).toMatchObject({
      severity: "warning",
      message: expect.stringMatching(/^In 'support' the criteria disagree\. The evidence /),
    });
  });

  it("loses to prune what is old and no news, and never the newest", async () => {
    const bot = await contest("support", SAME);
    for (let hour = 0; hour < 6; hour += 1) {
      await (await bot.session()).end({ score: hour % 2 });
      test.clock.advance(60 * MINUTE_MS);
      await test.engine.decide();
    }
    const before = (await bot.evaluations()).evaluations;
    const dry = await test.engine.prune({ olderThanMs: 0, dryRun: true });
    const quiet = before.slice(1).filter(({ isTurn }) => !isTurn).length;
    expect(quiet).toBeGreaterThan(2);
    expect(dry.evaluations).toBe(quiet);
    expect((await bot.evaluations()).evaluations).toEqual(before);
    expect(await test.engine.prune({ olderThanMs: 0 })).toMatchObject({ evaluations: quiet });
    const left = (await bot.evaluations()).evaluations;
    expect(left[0]).toEqual(before[0]);
    expect(left.slice(1).every(({ isTurn }) => isTurn)).toBe(true);
    expect((await bot.history(1))[0]).toMatchObject({ action: "pruned", details: { evaluations: quiet } });
  });
});
