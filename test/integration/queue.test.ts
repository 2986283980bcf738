/** Challengers that wait their turn, and the budget of expected false promotions that starts are held to. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { testApp } from "../support/app.js";
import { playRates, type RateConfig } from "../support/contest.js";

const CHAMPION: RateConfig = { rate: 0.5 };
const [A, B, C] = [{ rate: 0.51 }, { rate: 0.52 }, { rate: 0.53 }] as const;
const BETTER: RateConfig = { rate: 0.95 };
const WHY = { reason: "test", actor: "ada" };
const DAY_MS = 86_400_000;

let test: TestEngine;

beforeEach(async () => {
  test = await createTestEngine({ seed: 31 });
});
afterEach(() => test.close());

const opened = (key = "support") => test.engine.project<RateConfig>(key, { champion: CHAMPION });

/** Rates of those that wait, in order. */
async function waiting(key = "support"): Promise<unknown[]> {
  const { experiments } = await (await opened(key)).queue();
  return experiments.map(({ challenger }) => challenger.rate);
}

const actions = async (): Promise<string[]> =>
  (await (await opened()).history(200)).map(({ action }) => action);

describe("a queued challenger", () => {
  it("starts at once where the slot is free and nobody waits", async () => {
    const bot = await opened();
    expect(await bot.challenge(A, { queue: true })).toMatchObject({ status: "started", started: true });
    expect(await bot.queue()).toEqual({ experiments: [], waitsFor: null, message: null, budget: null });
  });

  it("waits where the slot is occupied, and is the same challenge however often it is made", async () => {
    const bot = await opened();
    await bot.challenge(A);
    const first = await bot.challenge(B, { queue: true });
    expect(first).toMatchObject({
      status: "queued",
      started: false,
      experiment: { status: "draft", isQueued: true },
    });
    expect(await bot.challenge(B, { queue: true })).toMatchObject({
      status: "existing",
      experiment: { id: first.experiment?.id },
    });
    expect(await bot.challenge(C)).toMatchObject({ status: "overlap" });
    await bot.challenge(C, { queue: true });
    expect(await waiting()).toEqual([B.rate, C.rate]);
    expect(await bot.queue()).toMatchObject({ waitsFor: "slot" });
    await expect(bot.challenge(B, { queue: "yes" as never })).rejects.toMatchObject({
      code: "settings_invalid",
    });
  });

  it("starts by the tick when the slot is free, one after the other, against the champion of then", async () => {
    const bot = await opened();
    await bot.challenge(BETTER, { share: 0.5 });
    await bot.challenge(A, { queue: true, share: 0.3 });
    await bot.challenge(B, { queue: true });
    await playRates(test, 200);
    expect(await test.engine.decide()).toMatchObject([{ verdict: "promote" }]);
    expect(await bot.queue()).toMatchObject({ waitsFor: "tick" });
    await test.engine.decide();
    expect(bot.experiment).not.toBeNull();
    const [running] = (await bot.experiments()).filter(({ status }) => status === "running");
    expect(running).toMatchObject({ champion: BETTER, challenger: A, share: 0.3, isQueued: false });
    expect(await waiting()).toEqual([B.rate]);
    await test.engine.decide();
    expect(await waiting()).toEqual([B.rate]);
    const [entry] = (await bot.history()).filter(({ experimentUid }) => experimentUid === running?.id);
    expect(entry).toMatchObject({ action: "started", actor: "schedule", reason: "its turn in the queue" });
  });

  it("stays behind others that wait though the slot is free", async () => {
    const bot = await opened();
    await bot.challenge(A);
    await bot.challenge(B, { queue: true });
    await bot.abort(WHY);
    expect(await bot.challenge(C, { queue: true })).toMatchObject({ status: "queued" });
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(B);
    expect(await waiting()).toEqual([C.rate]);
  });

  it("is skipped where it reigns by then, or has contended against that champion, and the log says so", async () => {
    const bot = await opened();
    await bot.challenge(A);
    await bot.abort(WHY);
    await bot.challenge([BETTER, A], { share: 0.5 });
    await bot.challenge(BETTER, { queue: true });
    await bot.challenge(B, { queue: true });
    await bot.promote({ ...WHY, challenger: 1 });
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(B);
    const skipped = (await bot.history()).filter(({ action }) => action === "queue-skipped");
    expect(skipped).toMatchObject([
      { actor: "schedule", reason: "a challenger of it is the champion by now" },
    ]);
    expect(await test.engine.verify()).toEqual(
      expect.arrayContaining([expect.objectContaining({ reason: "champion-changed", isEqual: true })]),
    );
    expect((await test.engine.doctor()).findings.filter(({ severity }) => severity === "problem")).toEqual(
      [],
    );

    // Queued against one champion, and back under another that it has lost to.
    await bot.challenge(A, { queue: true });
    await bot.abort(WHY);
    await bot.rollback(WHY);
    await test.engine.decide();
    expect(await waiting()).toEqual([]);
    expect(bot.experiment).toBeNull();
    expect((await bot.history(1))[0]).toMatchObject({
      action: "queue-skipped",
      reason: expect.stringContaining("have contended against this champion before"),
    });
  });

  it("can be moved, taken out and put in by hand", async () => {
    const bot = await opened();
    await bot.challenge(CHAMPION.rate === 0.5 ? { rate: 0.4 } : A);
    const ids: string[] = [];
    for (const config of [A, B, C])
      ids.push((await bot.challenge(config, { queue: true })).experiment?.id as string);
    const [a, b, c] = ids as [string, string, string];
    await bot.move(c, 1, WHY);
    expect(await waiting()).toEqual([C.rate, A.rate, B.rate]);
    await bot.move(c, 99, WHY);
    expect(await waiting()).toEqual([A.rate, B.rate, C.rate]);
    await bot.move(b, null, WHY);
    expect(await waiting()).toEqual([A.rate, C.rate]);
    expect((await bot.report({ experiment: b }))?.status).toBe("draft");
    await bot.move(b, null, WHY);
    await bot.move(b, 2, WHY);
    expect(await waiting()).toEqual([A.rate, B.rate, C.rate]);
    expect((await actions()).filter((action) => /queue/.test(action))).toEqual([
      "queue-moved",
      "unqueued",
      "queue-moved",
      "queue-moved",
      "queued",
      "queued",
      "queued",
    ]);
    // An edit changes no place, unless it says so.
    await bot.edit(a, { ...WHY, share: 0.1 });
    expect(await waiting()).toEqual([A.rate, B.rate, C.rate]);
    await bot.edit(a, { ...WHY, queue: false });
    expect(await waiting()).toEqual([B.rate, C.rate]);
    await bot.edit(a, { ...WHY, queue: true });
    expect(await waiting()).toEqual([B.rate, C.rate, A.rate]);
    await bot.abort({ ...WHY, experiment: b });
    expect(await waiting()).toEqual([C.rate, A.rate]);

    for (const place of [0, 1.5, "2"])
      await expect(bot.move(a, place as number, WHY)).rejects.toMatchObject({ code: "input_invalid" });
    await expect(bot.move(b, 1, WHY)).rejects.toMatchObject({ code: "transition_illegal" });
    await expect(bot.move("x", 1, WHY)).rejects.toMatchObject({ code: "experiment_not_found" });
    await expect(bot.move(a, 1, {} as never)).rejects.toMatchObject({ code: "settings_invalid" });
  });

  it("waits for its time, where it has one, and lets others pass", async () => {
    const bot = await opened();
    const late = await bot.draft(A, { queue: true, startsAt: test.clock.now() + DAY_MS });
    expect(late).toMatchObject({ status: "queued" });
    expect(await bot.queue()).toMatchObject({ waitsFor: "time" });
    await bot.draft(B, { queue: true });
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(B);
    await bot.abort(WHY);
    test.clock.advance(DAY_MS);
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(A);
  });

  it("starts once, whatever the number of ticks and engines", async () => {
    const bot = await opened();
    for (const config of [A, B, C]) await bot.draft(config, { queue: true });
    await Promise.all(Array.from({ length: 6 }, () => test.engine.decide()));
    expect((await bot.experiments()).filter(({ status }) => status === "running")).toHaveLength(1);
    expect(await waiting()).toEqual([B.rate, C.rate]);
  });
});

describe("a budget of expected false promotions", () => {
  it("lets nothing start that would go over it, whoever asks, and says the ways out", async () => {
    const bot = await opened();
    await bot.budget(0.1, WHY);
    await bot.challenge(A);
    await bot.abort(WHY);
    await bot.challenge(B);
    expect(await bot.queue()).toMatchObject({ budget: { limit: 0.1, spent: 0.1, left: 0, windowMs: null } });
    await bot.abort(WHY);
    expect(await bot.challenge(C)).toMatchObject({ status: "over-budget", started: false, experiment: null });
    expect(await bot.challenge(C, { queue: true })).toMatchObject({ status: "queued" });
    await test.engine.decide();
    expect(bot.experiment).toBeNull();
    const { waitsFor, message, experiments } = await bot.queue();
    expect(waitsFor).toBe("budget");
    expect(message).toBe(
      "The budget of project 'support' is 0.1 expected false promotions, of which 0.1 are spent: raise it ('dethrone budget'), or let challengers contend at a lower level (policy.alpha, or fdr).",
    );
    await expect(bot.start(experiments[0]?.id as string, WHY)).rejects.toMatchObject({
      code: "budget_spent",
      kind: "conflict",
      details: { limit: 0.1, alpha: 0.05 },
    });
    const finding = (await test.engine.doctor()).findings.find(({ check }) => check === "queue");
    expect(finding).toMatchObject({
      severity: "warning",
      message: expect.stringContaining("1 challenger waits"),
    });

    await bot.budget(0.15, WHY);
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(C);
    expect((await bot.history(3)).find(({ action }) => action === "budget")).toMatchObject({
      details: { from: { limit: 0.1, windowMs: null }, to: { limit: 0.15, windowMs: null } },
    });
  });

  it("counts the experiments of its window alone", async () => {
    const bot = await opened();
    await bot.budget(0.05, { ...WHY, window: "30d" });
    await bot.challenge(A);
    await bot.abort(WHY);
    await bot.challenge(B, { queue: true });
    await test.engine.decide();
    expect(await bot.queue()).toMatchObject({
      waitsFor: "budget",
      message: expect.stringContaining("wait until 2026-01-31T00:00Z"),
    });
    test.clock.advance(30 * DAY_MS);
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(B);
  });

  it("goes with levels by e-LOND, and refuses the plain rule", async () => {
    const bot = await opened();
    await bot.budget(0.1, WHY);
    for (const config of [A, B, C]) {
      expect(await bot.challenge(config, { fdr: 0.1 })).toMatchObject({ status: "started" });
      await bot.abort(WHY);
    }
    expect(await bot.challenge(BETTER, { policy: "threshold" })).toMatchObject({ status: "over-budget" });
    await bot.challenge(BETTER, { policy: "threshold", queue: true });
    expect((await bot.queue()).message).toContain("the plain threshold rule promises nothing");
    await bot.budget(null, WHY);
    await test.engine.decide();
    expect((await bot.report())?.challenger.body).toEqual(BETTER);
  });

  it("refuses what is no budget, and writes nothing", async () => {
    const bot = await opened();
    for (const limit of [0, -1, 1001, Number.NaN, "1"])
      await expect(bot.budget(limit as number, WHY)).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(bot.budget(1, { ...WHY, window: "soon" })).rejects.toMatchObject({
      code: "settings_invalid",
    });
    await expect(bot.budget(null, { ...WHY, window: "30d" })).rejects.toMatchObject({
      code: "settings_invalid",
    });
    await expect(bot.budget(1, {} as never)).rejects.toMatchObject({ code: "settings_invalid" });
    expect((await bot.queue()).budget).toBeNull();
  });
});

describe("over HTTP", () => {
  it("the queue is read and ordered, and the budget set", async () => {
    const bot = await opened();
    await bot.challenge(A);
    const { ask } = testApp(test);
    const queued = await ask("POST", "/v1/projects/support/experiments", {
      body: { challengers: B, queue: true },
    });
    expect(queued.body).toMatchObject({ status: "queued", experiment: { isQueued: true } });
    await bot.challenge(C, { queue: true });
    const id = (await bot.queue()).experiments[1]?.id;
    const path = `/v1/projects/support/queue/${id}`;
    expect((await ask("PUT", path, { body: { place: 1, reason: "first" } })).status).toBe(200);
    expect(await waiting()).toEqual([C.rate, B.rate]);
    expect((await ask("PUT", path, { body: { place: null, reason: "not now" } })).status).toBe(200);
    const budget = { limit: 0.2, window: "90d", reason: "quarterly" };
    expect((await ask("PUT", "/v1/projects/support/budget", { body: budget })).status).toBe(200);
    const { body } = await ask("GET", "/v1/projects/support/queue");
    expect(body).toEqual(JSON.parse(JSON.stringify(await bot.queue())));
    expect(body).toMatchObject({
      waitsFor: "slot",
      budget: { limit: 0.2, windowMs: 90 * DAY_MS, spent: 0.05 },
    });
    expect((await ask("PUT", path, { body: { place: 0, reason: "x" } })).status).toBe(400);
    expect((await ask("PUT", "/v1/projects/none/budget", { body: budget })).status).toBe(404);
  });
});
