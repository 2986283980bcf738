import { Agent, Runner, tool } from "@openai/agents";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { currentSession } from "../../src/index.js";
import { sessionModel, sessionRun } from "../../src/integrations/openai-agents/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { type Answer, calls, provider, says, usageOf } from "../support/agents-models.js";
import { recordingLogger } from "../support/recording-logger.js";
import { readAll, storedRuns } from "../support/stored-runs.js";
import { temporaryDatabase } from "../support/temporary.js";

interface Config {
  model: string;
  instructions?: string;
  temperature?: number;
  tools?: string[];
  maxSteps?: number;
}

const CHAMPION: Config = { model: "m-large", instructions: "Be thorough.", temperature: 0.2 };
const PRICES = { "m-large": { input: 3, output: 15, cachedInput: 0.3 }, "m-small": { input: 1, output: 2 } };

let test: TestEngine;
let path: string;
let nowMs: number;

beforeEach(async () => {
  path = temporaryDatabase();
  nowMs = 1000;
  test = await createTestEngine({ seed: 3, url: `file:${path}`, logger: recordingLogger() });
});

afterEach(() => test.close());

const project = (champion: Config = CHAMPION) => test.engine.project<Config>("support", { champion });
const stored = () => storedRuns(test.engine, path);

const lookup = tool({
  name: "lookup",
  description: "an order",
  parameters: z.object({}),
  execute: async () => `an order for ${currentSession()?.arm}`,
});
const refund = tool({
  name: "refund",
  description: "a refund",
  parameters: z.object({}),
  execute: async () => "a refund",
});

/** A runner whose models answer so, and an agent of which every run is a session. */
async function support(answers: readonly (Answer | Error)[], champion?: Config) {
  const { asked, getModel } = provider(...answers);
  const runner = new Runner({ modelProvider: { getModel }, tracingDisabled: true });
  const bot = await project(champion);
  const run = sessionRun(bot, {
    runner,
    agent: (model) =>
      new Agent({
        name: "support",
        model,
        instructions: "as the code has it",
        modelSettings: { topP: 0.9 },
        tools: [lookup, refund],
      }),
    prices: PRICES,
    now: () => {
      nowMs += 10;
      return nowMs;
    },
    score: ({ finalOutput }) => finalOutput === "It is here.",
  });
  return { bot, run, runner, asked };
}

describe("sessionRun", () => {
  it("runs by the session's config: model, instructions, tools, model settings", async () => {
    const { run, asked } = await support([says("It is here.")], { ...CHAMPION, tools: ["lookup"] });
    const { finalOutput } = await run("Where?");
    expect(finalOutput).toBe("It is here.");
    expect(asked).toEqual([
      {
        model: "m-large",
        systemInstructions: "Be thorough.",
        tools: ["lookup"],
        modelSettings: { temperature: 0.2, topP: 0.9 },
      },
    ]);
  });

  it("each session runs by the config of its arm, and is recorded once", async () => {
    const { bot, run, asked } = await support([says("It is here.", usageOf(100, 10, 40))]);
    await bot.challenge({ model: "m-small", temperature: 0.9 }, { share: 0.5 });
    for (let i = 0; i < 12; i += 1) await run("Where?");
    expect(new Set(asked.map(({ model, systemInstructions }) => `${model}: ${systemInstructions}`))).toEqual(
      new Set(["m-large: Be thorough.", "m-small: as the code has it"]),
    );
    const rows = await stored();
    expect(rows).toHaveLength(12);
    rows.forEach(({ score, hasEnded, signals }, index) => {
      const isSmall = asked[index]?.model === "m-small";
      expect({ score, hasEnded }).toEqual({ score: 1, hasEnded: true });
      expect(signals).toEqual({
        input_tokens: 100,
        output_tokens: 10,
        total_tokens: 110,
        cached_tokens: 40,
        cost_usd: isSmall ? (100 + 20) / 1e6 : (60 * 3 + 40 * 0.3 + 10 * 15) / 1e6,
        latency_ms: 10,
        steps: 1,
        model_errors: 0,
        finish_stop: 1,
      });
    });
  });

  it("records a tool loop once, all its steps together, and its tools run within the session", async () => {
    const { run } = await support([calls("lookup"), says("It is here.")]);
    const { output } = await run("Where?");
    expect(JSON.stringify(output)).toContain("an order for champion");
    expect(await stored()).toMatchObject([
      { score: 1, signals: { input_tokens: 110, output_tokens: 25, steps: 2, finish_stop: 1 } },
    ]);
  });

  it("a run that streams is recorded and scored at its end, however it is read", async () => {
    const { run } = await support([calls("lookup"), says("It is here.")]);
    const text = await run("Where?", { stream: true });
    expect(await readAll(text.toTextStream())).toEqual(["It ", "is ", "here."]);
    await text.completed;
    const events = await run("Where?", { stream: true });
    expect((await readAll(events)).length).toBeGreaterThan(3);
    const unread = await run("Where?", { stream: true });
    await unread.completed;
    expect(await stored()).toMatchObject([
      { score: 1, signals: { steps: 2, input_tokens: 110, finish_stop: 1, time_to_first_token_ms: 30 } },
      { score: 1, signals: { steps: 1, input_tokens: 10 } },
      { score: 1, signals: { steps: 1, input_tokens: 10 } },
    ]);
  });

  it("a stream that is left before its end is recorded as cancelled, and not scored", async () => {
    const { run } = await support([says("It is here.")]);
    const left = await run("Where?", { stream: true });
    for await (const event of left) if (event.type === "raw_model_stream_event") break;
    await left.completed;
    const aborter = new AbortController();
    const aborted = await run("Where?", { stream: true, signal: aborter.signal });
    for await (const event of aborted) if (event.type === "raw_model_stream_event") aborter.abort();
    await aborted.completed.catch(() => undefined);
    const rows = await stored();
    expect(rows).toMatchObject([
      { score: null, hasEnded: true, signals: { finish_cancelled: 1 } },
      { score: null, hasEnded: true, signals: { finish_cancelled: 1 } },
    ]);
    for (const { signals } of rows) expect(signals).not.toHaveProperty("input_tokens");
  });

  it("a model that fails fails the run: rethrown as it is, an error, scored 0", async () => {
    const failure = new Error("no answer");
    const { run } = await support([failure]);
    await expect(run("Where?")).rejects.toBe(failure);
    const streamed = await run("Where?", { stream: true });
    await expect(readAll(streamed)).rejects.toBe(failure);
    expect(await stored()).toMatchObject([
      { score: 0, signals: { error: 1, model_errors: 1, steps: 0, finish_stop: 0 } },
      { score: 0, signals: { error: 1, model_errors: 1, steps: 0 } },
    ]);
  });

  it("keeps to the steps of the config", async () => {
    const { run } = await support([calls("lookup")], { ...CHAMPION, maxSteps: 2 });
    await expect(run("Where?")).rejects.toThrow("Max turns (2) exceeded");
    expect(await stored()).toMatchObject([
      { score: 0, signals: { steps: 2, finish_tool_calls: 1, error: 1 } },
    ]);
  });

  it("tells how the last answer ended, and leaves out tokens that were not told", async () => {
    const { run } = await support([
      says("It", undefined, {
        usage: usageOf(0, 0),
        providerData: { incomplete_details: { reason: "max_output_tokens" } },
      }),
      says("It", undefined, { providerData: { choices: [{ finish_reason: "content_filter" }] } }),
    ]);
    await run("Where?");
    await run("Where?");
    const [cut, filtered] = await stored();
    expect(cut?.signals).toMatchObject({ finish_stop: 0, finish_length: 1 });
    expect(cut?.signals).not.toHaveProperty("input_tokens");
    expect(cut?.signals).not.toHaveProperty("cost_usd");
    expect(filtered?.signals).toMatchObject({ finish_content_filter: 1, input_tokens: 10 });
  });

  it("agents that the model was given to count in a run that hands over, and those it was not do not", async () => {
    const { getModel, asked } = provider(calls("transfer_to_billing"), says("It is here."));
    const plain = provider(calls("transfer_to_outside"), says("Elsewhere."));
    const runner = new Runner({ modelProvider: { getModel }, tracingDisabled: true });
    const bot = await project();
    const billing = sessionRun(bot, {
      runner,
      agent: (model) => {
        const second = new Agent({ name: "billing", model });
        return new Agent({ name: "triage", model, handoffs: [second] });
      },
    });
    expect((await billing("Where?")).finalOutput).toBe("It is here.");
    expect(asked).toHaveLength(2);
    const outside = sessionRun(bot, {
      runner: new Runner({ modelProvider: plain, tracingDisabled: true }),
      agent: (model) =>
        new Agent({ name: "triage", model, handoffs: [new Agent({ name: "outside", model: "m-other" })] }),
    });
    expect((await outside("Where?")).finalOutput).toBe("Elsewhere.");
    expect(await stored()).toMatchObject([
      { signals: { steps: 2, finish_stop: 1 } },
      { signals: { steps: 1, finish_tool_calls: 1 } },
    ]);
  });

  it("hooks of the agent and of the runner are told as ever", async () => {
    const told: string[] = [];
    const { run, runner } = await support([says("It is here.")]);
    runner.on("agent_start", (_context, agent) => told.push(agent.name));
    await run("Where?");
    expect(told).toEqual(["support"]);
  });

  it("units, contexts and errors are told as to `wrap`; a run within a session is a part of it", async () => {
    const { getModel } = provider(says("It is here."));
    const runner = new Runner({ modelProvider: { getModel }, tracingDisabled: true });
    const bot = await project();
    const run = sessionRun(bot, {
      runner,
      agent: (model) => new Agent({ name: "support", model }),
      unit: (input) => (currentSession() ? undefined : String(input)),
      score: () => true,
    });
    await run("user-42");
    const session = await bot.session();
    await session.run(() => run("user-43"));
    await session.end({ score: 0.5 });
    const { sessions } = await test.engine.sessions();
    expect(sessions.map(({ unit, score }) => [unit, score])).toEqual([
      [null, 0.5],
      ["user-42", 1],
    ]);
    expect((await stored())[1]?.signals).toMatchObject({ input_tokens: 10, steps: 1 });
  });

  it("a run that takes too long is aborted, as a timeout", async () => {
    const bot = await project();
    const hanging = {
      getModel: () => ({
        getResponse: ({ signal }: { signal?: AbortSignal }) =>
          new Promise<never>((_resolve, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason));
            test.clock.advance(5000);
          }),
        getStreamedResponse: () => {
          throw new Error("not streamed");
        },
      }),
    };
    const run = sessionRun(bot, {
      runner: new Runner({ modelProvider: hanging, tracingDisabled: true }),
      agent: (model) => new Agent({ name: "support", model }),
      timeoutMs: 5000,
    });
    await expect(run("Where?")).rejects.toThrow();
    expect(await stored()).toMatchObject([{ score: 0, signals: { timeout: 1 } }]);
  });

  it("a config that cannot be read fails the run and says how", async () => {
    const { run } = await support([says("It is here.")], { ...CHAMPION, temperature: "warm" as never });
    await expect(run("Where?")).rejects.toMatchObject({
      code: "config_invalid",
      details: { field: "temperature" },
    });
    expect(await stored()).toMatchObject([{ score: 0, signals: { error: 1 } }]);
  });

  it("refuses prices that are none", async () => {
    const bot = await project();
    expect(() =>
      sessionModel(bot, { model: () => never(), prices: { a: { input: -1, output: 0 } } }),
    ).toThrow(expect.objectContaining({ code: "settings_invalid" }));
  });
});

const never = (): never => {
  throw new Error("not asked");
};

describe("sessionModel", () => {
  it("answers by the session's config in calls that others wrap, and by the champion's elsewhere, unrecorded", async () => {
    const { getModel, asked } = provider(says("It is here."));
    const bot = await project();
    const model = sessionModel(bot, { model: getModel, settings: ({ model: name }) => ({ model: name }) });
    const agent = new Agent({ name: "support", model });
    const runner = new Runner({ modelProvider: { getModel }, tracingDisabled: true });
    const answer = bot.wrap(
      async (_session, question: string) => (await runner.run(agent, question)).finalOutput,
    );
    expect(await answer("Where?")).toBe("It is here.");
    expect((await runner.run(agent, "Where?")).finalOutput).toBe("It is here.");
    expect(asked.map(({ model: name }) => name)).toEqual(["m-large", "m-large"]);
    expect(await stored()).toMatchObject([{ signals: { steps: 1, input_tokens: 10 } }]);
  });
});
