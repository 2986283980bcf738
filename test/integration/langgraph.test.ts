import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { currentSession } from "../../src/index.js";
import { sessionGraph } from "../../src/integrations/langgraph/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { type Asked, calls, ScriptedChatModel, says, usageOf } from "../support/chat-models.js";
import { recordingLogger } from "../support/recording-logger.js";
import { readAll, storedRuns } from "../support/stored-runs.js";
import { temporaryDatabase } from "../support/temporary.js";

interface Config {
  model: string;
  instructions?: string;
  tools?: string[];
}

const CHAMPION: Config = { model: "m-large", instructions: "Be thorough." };
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
const question = (text = "Where?") => ({ messages: [new HumanMessage(text)] });

const lookup = tool(async () => `an order for ${currentSession()?.arm}`, {
  name: "lookup",
  description: "an order",
  schema: z.object({}),
});
const refund = tool(async () => "a refund", {
  name: "refund",
  description: "a refund",
  schema: z.object({}),
});

/** A graph of which every run is a session, and whose models answer so. */
async function support(
  answers: readonly ReturnType<typeof says>[] | readonly Error[],
  { champion, isNamed = true }: { champion?: Config; isNamed?: boolean } = {},
) {
  const bot = await project(champion);
  const asked: Asked[] = [];
  const left = [...answers];
  let made = 0;
  const run = sessionGraph(bot, {
    graph: ({ model = "none", instructions = "", tools = ["lookup", "refund"] }) => {
      made += 1;
      return createReactAgent({
        llm: new ScriptedChatModel(model, left, asked, isNamed),
        tools: [lookup, refund].filter(({ name }) => tools.includes(name)),
        prompt: instructions,
      });
    },
    prices: PRICES,
    now: () => {
      nowMs += 10;
      return nowMs;
    },
    score: ({ messages }) => messages.at(-1)?.content === "It is here.",
  });
  return { bot, run, asked, graphCount: () => made };
}

describe("sessionGraph", () => {
  it("each session runs the graph of its arm's config, made once, and is recorded once", async () => {
    const { bot, run, asked, graphCount } = await support([says("It is here.", usageOf(100, 10, 40))]);
    await bot.challenge({ model: "m-small", tools: ["lookup"] }, { share: 0.5 });
    for (let i = 0; i < 12; i += 1) {
      const { messages } = await run.invoke(question());
      expect(messages.at(-1)?.content).toBe("It is here.");
    }
    expect(graphCount()).toBe(2);
    expect(new Set(asked.map((each) => JSON.stringify(each)))).toEqual(
      new Set([
        JSON.stringify({ model: "m-large", tools: ["lookup", "refund"], first: "Be thorough." }),
        JSON.stringify({ model: "m-small", tools: ["lookup"], first: "" }),
      ]),
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
    const { messages } = await run.invoke(question());
    expect(messages.map(({ content }) => content)).toContain("an order for champion");
    expect(await stored()).toMatchObject([
      { score: 1, signals: { input_tokens: 110, output_tokens: 25, steps: 2, finish_stop: 1 } },
    ]);
  });

  it("a stream is recorded and scored when it ends", async () => {
    const { run } = await support([calls("lookup"), says("It is here.")]);
    const stream = await run.stream(question(), { streamMode: "messages" });
    expect((await stored())[0]).toMatchObject({ score: null, hasEnded: false });
    const said = (await readAll(stream)).map(([{ content }]) => content);
    expect(said.join("|")).toContain("It |is |here.");
    const rows = await stored();
    expect(rows).toMatchObject([
      { score: 1, hasEnded: true, signals: { steps: 2, input_tokens: 110, finish_stop: 1 } },
    ]);
    expect(rows[0]?.signals.time_to_first_token_ms).toBeGreaterThan(0);
  });

  it("a stream that is left before its end ends the session, unscored", async () => {
    const { run } = await support([calls("lookup"), says("It is here.")]);
    for await (const _step of await run.stream(question(), { streamMode: "updates" })) break;
    expect(await stored()).toMatchObject([{ score: null, hasEnded: true, signals: { steps: 1 } }]);
  });

  it("a model that fails fails the run: rethrown as it is, an error, scored 0", async () => {
    const failure = new Error("no answer");
    const { run } = await support([failure]);
    await expect(run.invoke(question())).rejects.toBe(failure);
    await expect(run.stream(question()).then(readAll)).rejects.toBe(failure);
    const failed = { score: 0, signals: { error: 1, model_errors: 1, steps: 0, finish_stop: 0 } };
    expect(await stored()).toMatchObject([failed, failed]);
  });

  it("tells how the last answer ended, and prices by the config's name where LangChain knows none", async () => {
    const answers = [says("It", usageOf(10, 5), "length"), says("It", usageOf(10, 5), "end_of_world")];
    const { run } = await support(answers, { isNamed: false });
    await run.invoke(question());
    await run.invoke(question());
    expect(await stored()).toMatchObject([
      { score: 0, signals: { finish_stop: 0, finish_length: 1, cost_usd: 105e-6 } },
      { score: 0, signals: { finish_stop: 0, finish_other: 1 } },
    ]);
  });

  it("the host's own callbacks are told as ever", async () => {
    const { run } = await support([says("It is here.")]);
    const told: string[] = [];
    await run.invoke(question(), { callbacks: [{ handleLLMEnd: () => void told.push("list") }] });
    expect(told).toEqual(["list"]);
    expect(await stored()).toMatchObject([{ signals: { steps: 1 } }]);
  });

  it("a graph within a wrapped call of its project is a part of that session", async () => {
    const { bot, run } = await support([says("It is here.")]);
    const answer = bot.wrap(async () => (await run.invoke(question())).messages.length, { score: () => 0.5 });
    expect(await answer()).toBe(2);
    expect(await stored()).toMatchObject([{ score: 0.5, signals: { steps: 1, input_tokens: 10 } }]);
  });

  it("a config that cannot be read fails the run and says how; the next session tries again", async () => {
    const { run } = await support([says("It is here.")], { champion: { model: 7 as never } });
    for (let i = 0; i < 2; i += 1)
      await expect(run.invoke(question())).rejects.toMatchObject({
        code: "config_invalid",
        details: { field: "model" },
      });
    expect(await stored()).toMatchObject([{ score: 0 }, { score: 0 }]);
  });

  it("a run that takes too long is aborted, as a timeout", async () => {
    const bot = await project();
    const model = new ScriptedChatModel("m-large", [says("never")]);
    model._generate = () => new Promise(() => test.clock.advance(5000));
    model.bindTools = () => model;
    const run = sessionGraph(bot, {
      graph: () => createReactAgent({ llm: model, tools: [] }),
      timeoutMs: 5000,
    });
    await expect(run.invoke(question())).rejects.toThrow();
    expect(await stored()).toMatchObject([{ score: 0, signals: { timeout: 1, error: 1 } }]);
  });

  it("refuses prices that are none", async () => {
    const bot = await project();
    const graph = () => createReactAgent({ llm: new ScriptedChatModel("a", []), tools: [] });
    expect(() => sessionGraph(bot, { graph, prices: { a: { input: Number.NaN, output: 0 } } })).toThrow(
      expect.objectContaining({ code: "settings_invalid" }),
    );
  });
});
