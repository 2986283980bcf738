/** A proposer is asked for the next challenger, in the background, and whatever it does breaks no tick. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProposerInput } from "../../src/engine/experiments/proposer.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { playRates, type RateConfig } from "../support/contest.js";
import { recordingLogger } from "../support/recording-logger.js";

const CHAMPION: RateConfig = { rate: 0.5 };
const WHY = { reason: "test" };
const HOUR_MS = 3_600_000;

let test: TestEngine;
let log: ReturnType<typeof recordingLogger>;
const asked: ProposerInput<RateConfig>[] = [];

beforeEach(async () => {
  asked.length = 0;
  log = recordingLogger();
  test = await createTestEngine({ seed: 41, logger: log });
});
afterEach(() => test.close());

type Answer = (input: ProposerInput<RateConfig>) => unknown;

const opened = (answer: Answer, proposed = {}) =>
  test.engine.project<RateConfig>("support", {
    champion: CHAMPION,
    proposer: async (input) => {
      asked.push(input);
      return (await answer(input)) as RateConfig | null;
    },
    proposed,
  });

const tick = (): Promise<unknown> => test.engine.decide();

describe("a proposer", () => {
  it("is asked when the slot is free, told of what was tried, and what it proposes contends", async () => {
    const bot = await opened(({ history }) => ({ rate: 0.9 + history.length / 100 }), { share: 0.5 });
    await tick();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      project: "support",
      champion: CHAMPION,
      championHash: bot.championHash,
      history: [],
    });
    expect(await bot.report()).toMatchObject({
      status: "running",
      share: 0.5,
      challenger: { body: { rate: 0.9 } },
    });
    expect((await bot.history(1))[0]).toMatchObject({ action: "started", actor: "proposer" });
    await tick();
    expect(asked).toHaveLength(1);
    await playRates(test, 200);
    await tick();
    expect(bot.champion).toEqual({ rate: 0.9 });
    await tick();
    expect(asked[1]?.history).toMatchObject([
      { config: { rate: 0.9 }, verdict: "promote", reason: "evidence", champion: asked[0]?.championHash },
    ]);
    expect(asked[1]?.history[0]?.upliftMean).toBeGreaterThan(0.2);
    expect((await bot.report())?.challenger.body).toEqual({ rate: 0.91 });
  });

  it("comes after those that wait in the queue", async () => {
    const bot = await opened(() => ({ rate: 0.9 }));
    await bot.draft({ rate: 0.6 }, { queue: true });
    await tick();
    expect(asked).toHaveLength(0);
    expect((await bot.report())?.challenger.body).toEqual({ rate: 0.6 });
  });

  it.each<[string, Answer]>([
    ["nothing", () => null],
    ["nothing at all", () => undefined],
    ["the champion", () => CHAMPION],
    ["no config", () => "brief"],
    [
      "a failure",
      () => {
        throw new Error("the model is away");
      },
    ],
  ])("that answers with %s starts nothing, and is asked again an hour later", async (_, answer) => {
    const bot = await opened(answer);
    await tick();
    await tick();
    expect(asked).toHaveLength(1);
    expect(bot.experiment).toBeNull();
    test.clock.advance(HOUR_MS);
    await tick();
    expect(asked).toHaveLength(2);
  });

  it("is refused what was tried before, even against another champion, and asked again once something happens", async () => {
    const bot = await opened(() => ({ rate: 0.6 }));
    await tick();
    await bot.abort(WHY);
    await tick();
    expect(asked).toHaveLength(2);
    expect(bot.experiment).toBeNull();
    expect(JSON.stringify(log.messages)).toContain("what a proposer proposed is refused");
    expect(await bot.experiments()).toHaveLength(1);
    await bot.draft({ rate: 0.7 });
    await tick();
    expect(asked).toHaveLength(3);
  });

  it("is not asked where the budget lets nothing start", async () => {
    const bot = await opened(() => ({ rate: 0.6 }));
    await bot.budget(0.04, WHY);
    await tick();
    expect(asked).toHaveLength(0);
    await bot.budget(0.05, WHY);
    await tick();
    expect(asked).toHaveLength(1);
    expect(bot.experiment).not.toBeNull();
  });

  it("is asked once at a time; one that takes too long is told so and given up", async () => {
    let signal: AbortSignal | undefined;
    const bot = await opened(
      ({ abortSignal }) =>
        new Promise((resolve) => {
          signal = abortSignal;
          abortSignal.addEventListener("abort", () => resolve({ rate: 0.9 }));
        }),
    );
    const waiting = [test.engine.decide(), test.engine.decide()];
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    test.clock.advance(300_000);
    await Promise.all(waiting);
    expect(asked).toHaveLength(1);
    expect(signal?.aborted).toBe(true);
    expect(bot.experiment).toBeNull();
    expect(JSON.stringify(log.messages)).toContain("a proposer took too long");
  });

  it("and the options of its challenges are checked as the project is opened", async () => {
    await expect(opened(() => null, { share: 2 })).rejects.toMatchObject({ code: "share_out_of_range" });
    await expect(opened(() => null, { label: "same" })).rejects.toMatchObject({
      code: "settings_invalid",
      details: { field: "proposed.label" },
    });
    await expect(
      test.engine.project("other", { champion: CHAMPION, proposer: "x" as never }),
    ).rejects.toMatchObject({ code: "settings_invalid" });
  });
});
