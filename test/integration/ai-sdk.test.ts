import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as WebStream } from "node:stream/web";
import { generateText, stepCountIs, streamText, tool, wrapLanguageModel } from "ai";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { currentSession } from "../../src/index.js";
import { sessionAgent, sessionMiddleware } from "../../src/integrations/ai-sdk/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import {
  answer,
  generating,
  type Part,
  parts,
  streaming,
  streamOf,
  toolCall,
  usageOf,
} from "../support/ai-models.js";
import { breaks, hangs, httpModel, modelServer, sends } from "../support/http-model.js";
import { query } from "../support/query.js";
import { recordingLogger } from "../support/recording-logger.js";
import { readAll as read, storedRuns } from "../support/stored-runs.js";
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
const now = (): number => nowMs;
const logger = recordingLogger();

beforeEach(async () => {
  path = temporaryDatabase();
  nowMs = 1000;
  test = await createTestEngine({ seed: 3, url: `file:${path}`, logger });
});

afterEach(() => test.close());

const project = (champion: Config = CHAMPION) => test.engine.project<Config>("support", { champion });

const stored = () => storedRuns(test.engine, path);

const tools = {
  lookup: tool({ inputSchema: z.object({}), execute: async () => "an order" }),
  refund: tool({ inputSchema: z.object({}), execute: async () => "a refund" }),
};

describe("sessionAgent", () => {
  it("runs by the session's config: model, instructions, tools, call settings", async () => {
    const bot = await project({ ...CHAMPION, tools: ["lookup"] });
    const model = generating("m-large", answer("It is on its way."));
    const asked: unknown[] = [];
    const finished: string[] = [];
    const support = sessionAgent(bot, {
      model: (name, config) => {
        asked.push([name, config.temperature]);
        return model;
      },
      agent: { tools, temperature: 1, topP: 0.9, onFinish: (run) => void finished.push(run.text) },
      score: ({ text }) => text.includes("way"),
    });
    const { text } = await support.generate({ prompt: "Where is my order?" });
    expect(text).toBe("It is on its way.");
    expect(finished).toEqual(["It is on its way."]);
    expect(asked).toEqual([["m-large", 0.2]]);
    const [call] = model.doGenerateCalls;
    expect(call?.prompt.map(({ role, content }) => [role, content])).toEqual([
      ["system", "Be thorough."],
      ["user", [{ type: "text", text: "Where is my order?" }]],
    ]);
    // What the config leaves open is as the code has it.
    expect(call).toMatchObject({ temperature: 0.2, topP: 0.9 });
    expect(call?.tools?.map(({ name }) => name)).toEqual(["lookup"]);
    expect(await stored()).toMatchObject([{ score: 1, hasEnded: true }]);
  });

  it("records a tool loop once, all its steps together", async () => {
    const bot = await project();
    const model = generating(
      "m-large",
      toolCall("lookup", usageOf(100, 20, 60)),
      answer("Here.", usageOf(200, 30, 0)),
    );
    const support = sessionAgent(bot, { model: () => model, agent: { tools }, prices: PRICES, now });
    await support.generate({
      prompt: "Where is my order?",
      onStepFinish: () => {
        nowMs += 250;
      },
    });
    const [session] = await stored();
    expect(session?.signals).toEqual({
      input_tokens: 300,
      output_tokens: 50,
      total_tokens: 350,
      cached_tokens: 60,
      cost_usd: expect.closeTo((240 * 3 + 60 * 0.3 + 50 * 15) / 1e6, 12),
      latency_ms: 250,
      steps: 2,
      model_errors: 0,
      finish_stop: 1,
    });
  });

  it("keeps to the steps of the config", async () => {
    const bot = await project({ ...CHAMPION, maxSteps: 2 });
    const model = generating("m-large", toolCall("lookup"));
    const support = sessionAgent(bot, { model: () => model, agent: { tools, stopWhen: stepCountIs(9) } });
    const { steps } = await support.generate({ prompt: "Where is my order?" });
    expect(steps).toHaveLength(2);
    expect(await stored()).toMatchObject([{ signals: { steps: 2, finish_stop: 0, finish_tool_calls: 1 } }]);
  });

  it("records a retried call as an error of the model alone, and the run as it went", async () => {
    const bot = await project();
    const flaky = generating(
      "m-large",
      Object.assign(new Error("busy"), { isRetryable: true }),
      answer("Here."),
    );
    const support = sessionAgent(bot, { model: () => flaky, agent: { maxRetries: 0 } });
    await expect(support.generate({ prompt: "Hello" })).rejects.toThrow("busy");
    await support.generate({ prompt: "Hello" });
    expect(await stored()).toMatchObject([
      { score: 0, hasEnded: true, signals: { error: 1, model_errors: 1, steps: 0 } },
      { score: null, hasEnded: true, signals: { model_errors: 0, steps: 1 } },
    ]);
  });

  it("leaves out a total of which a part was not told, and a cost that nobody knows", async () => {
    const bot = await project();
    const unknown = usageOf(1, undefined);
    const model = generating("m-large", toolCall("lookup"), answer("Here.", unknown));
    const support = sessionAgent(bot, { model: () => model, agent: { tools }, prices: PRICES });
    await support.generate({ prompt: "Hello" });
    const unpriced = sessionAgent(bot, {
      model: () => generating("m-new", answer("Hi.")),
      settings: () => ({}),
      prices: PRICES,
    });
    await unpriced.generate({ prompt: "Hello" });
    const [first, second] = await stored();
    expect(Object.keys(first?.signals ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/output_tokens|total_tokens|cost_usd/)]),
    );
    expect(first?.signals).toMatchObject({ input_tokens: 101 });
    expect(second?.signals).toMatchObject({ total_tokens: 15 });
    expect(second?.signals).not.toHaveProperty("cost_usd");
  });

  it("a streamed run is recorded and scored when its stream ends", async () => {
    const bot = await project();
    const model = streaming("m-large", () =>
      streamOf(parts(["It ", "is ", "here."]), {
        each: () => {
          nowMs += 10;
        },
      }),
    );
    const support = sessionAgent(bot, {
      model: () => model,
      prices: PRICES,
      now,
      score: ({ text }) => text === "It is here.",
    });
    const { textStream } = await support.stream({ prompt: "Where?" });
    expect(await stored()).toMatchObject([{ hasEnded: false, signals: {} }]);
    expect(await read(textStream)).toEqual(["It ", "is ", "here."]);
    const [session] = await stored();
    expect(session).toMatchObject({ score: 1, hasEnded: true });
    expect(session?.signals).toEqual({
      input_tokens: 10,
      output_tokens: 5,
      total_tokens: 15,
      cost_usd: expect.closeTo(105e-6, 12),
      latency_ms: 70,
      time_to_first_token_ms: 30,
      steps: 1,
      model_errors: 0,
      finish_stop: 1,
    });
  });

  it("a streamed run of which only the text is awaited ends too", async () => {
    const bot = await project();
    const model = streaming("m-large", () => streamOf(parts(["Here."])));
    const result = await sessionAgent(bot, { model: () => model, score: () => 0.5 }).stream({
      prompt: "Where?",
    });
    expect(await result.text).toBe("Here.");
    expect(await stored()).toMatchObject([{ score: 0.5, hasEnded: true, signals: { steps: 1 } }]);
  });

  it("a stream that is left before its end is recorded as cancelled, with no score and no total that is too low", async () => {
    const bot = await project();
    const model = streaming("m-large", () => streamOf(parts(["one", "two", "three"])));
    const { textStream } = await sessionAgent(bot, { model: () => model, score: () => 1 }).stream({
      prompt: "Count.",
    });
    for await (const text of textStream) if (text === "two") break;
    const [session] = await stored();
    expect(session).toMatchObject({ score: null, hasEnded: true });
    expect(session?.signals).toMatchObject({ finish_cancelled: 1, finish_stop: 0 });
    expect(session?.signals).not.toHaveProperty("total_tokens");
    expect(session?.signals).not.toHaveProperty("error");
  });

  it("a stream that is aborted is cancelled", async () => {
    const bot = await project();
    const aborter = new AbortController();
    const model = streaming("m-large", () =>
      streamOf(parts(["one", "two", "three"]), {
        each: (part) => {
          if (part.type === "text-delta" && part.delta === "two") aborter.abort();
        },
      }),
    );
    const support = sessionAgent(bot, { model: () => model, score: () => 1 });
    const { fullStream } = await support.stream({ prompt: "Count.", abortSignal: aborter.signal });
    const types = (await read(fullStream)).map(({ type }) => type);
    expect(types.at(-1)).toBe("abort");
    expect(await stored()).toMatchObject([{ score: null, hasEnded: true, signals: { finish_cancelled: 1 } }]);
  });

  const begun = parts(["one"]).slice(0, 3);
  const failing: Record<string, () => ReadableStream<Part>> = {
    "breaks off": () => streamOf(begun, { fail: new Error("cut off") }),
    "tells of an error": () => streamOf([...begun, { type: "error", error: new Error("cut off") }]),
    "never begins": () => {
      throw new Error("away");
    },
  };

  it("a stream that stops without a word has come to its end, with tokens unknown", async () => {
    const bot = await project();
    const support = sessionAgent(bot, {
      model: () => streaming("m-large", () => streamOf(begun)),
      score: () => 1,
    });
    expect(await (await support.stream({ prompt: "Count." })).text).toBe("one");
    const [session] = await stored();
    expect(session).toMatchObject({ score: 1, signals: { finish_other: 1, model_errors: 0 } });
    expect(session?.signals).not.toHaveProperty("input_tokens");
  });

  it.each(Object.keys(failing))(
    "a stream that %s scores 0 and is an error, however it is read",
    async (name) => {
      // The SDK's own word on a failed stream.
      vi.spyOn(console, "error").mockImplementation(() => undefined);
      const bot = await project();
      const model = streaming("m-large", failing[name] as () => ReadableStream<Part>);
      const support = sessionAgent(bot, { model: () => model, agent: { maxRetries: 0 }, score: () => 1 });
      const run = () => support.stream({ prompt: "Count." });
      await read((await run()).textStream).catch(() => undefined);
      await read((await run()).toUIMessageStream()).catch(() => undefined);
      await read((await run()).toTextStreamResponse().body as ReadableStream).catch(() => undefined);
      await Promise.resolve((await run()).text).catch(() => undefined);
      const failed = { score: 0, hasEnded: true, signals: { error: 1, model_errors: 1 } };
      expect(await stored()).toMatchObject([failed, failed, failed, failed]);
    },
  );

  it("a stream with several readers goes on until the last has left", async () => {
    const bot = await project();
    const model = streaming("m-large", () => streamOf(parts(["one", "two", "three"])));
    const support = sessionAgent(bot, { model: () => model, score: () => 1 });
    const left = await support.stream({ prompt: "Count." });
    const [first, second] = [left.textStream, left.fullStream];
    for await (const _text of first) break;
    expect(await stored()).toMatchObject([{ hasEnded: false }]);
    for await (const _part of second) break;
    expect(await stored()).toMatchObject([{ score: null, hasEnded: true }]);
    const awaited = await support.stream({ prompt: "Count." });
    const text = awaited.text;
    for await (const _text of awaited.textStream) break;
    expect(await text).toBe("onetwothree");
    expect((await stored()).at(-1)).toMatchObject({ score: 1, signals: { finish_stop: 1 } });
  });

  it("tools run within the session, in each step of a stream", async () => {
    const bot = await project();
    const seen: (string | undefined)[] = [];
    const noting = tool({
      inputSchema: z.object({}),
      execute: async () => {
        seen.push(currentSession()?.id);
        return "noted";
      },
    });
    const asks = (id: string): Part[] => [
      { type: "stream-start", warnings: [] },
      { type: "tool-call", toolCallId: id, toolName: "noting", input: "{}" },
      { type: "finish", finishReason: { unified: "tool-calls", raw: "tool_calls" }, usage: usageOf(7, 3) },
    ];
    const model = () =>
      streaming(
        "m-large",
        () => streamOf(asks("a")),
        () => streamOf(asks("b")),
        () => streamOf(parts(["Done."], usageOf(9, 1))),
      );
    const support = sessionAgent(bot, { model, agent: { tools: { noting } } });
    expect(await read((await support.stream({ prompt: "Note it." })).textStream)).toEqual(["Done."]);
    expect(await (await support.stream({ prompt: "Note it." })).text).toBe("Done.");
    await test.engine.flush();
    const ids = (await query<{ id: string }>(path, "select id from sessions order by seq")).map(
      ({ id }) => id,
    );
    expect(seen).toEqual(ids.flatMap((id) => [id, id]));
    const signals = { steps: 3, input_tokens: 23, output_tokens: 7, finish_stop: 1 };
    expect(await stored()).toMatchObject([{ signals }, { signals }]);
  });

  it("a run that takes too long is aborted, as a timeout", async () => {
    const bot = await project();
    const model = generating("m-large", answer("never"));
    model.doGenerate = ({ abortSignal }) =>
      new Promise((_resolve, reject) => {
        abortSignal?.addEventListener("abort", () => reject(abortSignal.reason));
        test.clock.advance(5000);
      });
    const support = sessionAgent(bot, { model: () => model, timeoutMs: 5000, agent: { maxRetries: 0 } });
    await expect(support.generate({ prompt: "Hello" })).rejects.toThrow("longer than 5000 ms");
    expect(await stored()).toMatchObject([{ score: 0, signals: { timeout: 1, error: 1, model_errors: 1 } }]);
  });

  it("within a session of its project a run is a part of that one", async () => {
    const bot = await project();
    const support = sessionAgent(bot, {
      model: () => generating("m-large", answer("Here.")),
      score: () => 0,
    });
    const outer = bot.wrap(async () => (await support.generate({ prompt: "Where?" })).text, {
      score: () => 1,
    });
    expect(await outer()).toBe("Here.");
    expect(await stored()).toMatchObject([{ score: 1, hasEnded: true, signals: { steps: 1 } }]);
  });

  it("each run of a session that goes on is recorded as it ends", async () => {
    const bot = await project();
    const support = sessionAgent(bot, {
      model: () => generating("m-large", answer("Here.")),
      score: () => 0,
    });
    const session = await bot.session({ id: "conversation" });
    await session.run(() => support.generate({ prompt: "Where?" }));
    expect(await stored()).toMatchObject([{ score: null, hasEnded: false, signals: { steps: 1 } }]);
    await session.end({ score: 1 });
    expect(await stored()).toMatchObject([{ score: 1, signals: { steps: 1 } }]);
    const streams = sessionAgent(bot, {
      model: () => streaming("m-large", () => streamOf(parts(["Here."]))),
    });
    const another = await bot.session({ id: "another" });
    await read((await another.run(() => streams.stream({ prompt: "Where?" }))).textStream);
    expect((await stored())[1]).toMatchObject({ hasEnded: false, signals: { steps: 1, finish_stop: 1 } });
  });

  it("units, contexts and errors are told as to `wrap`", async () => {
    const bot = await project();
    const support = sessionAgent<Config, { user: string }>(bot, {
      model: () => generating("m-large", new Error("away")),
      agent: { maxRetries: 0 },
      unit: ({ options }) => options.user,
      onError: () => "missing",
    });
    await expect(support.generate({ prompt: "Hello", options: { user: "u-1" } })).rejects.toThrow("away");
    await test.engine.flush();
    expect(await query(path, "select unit, score from sessions")).toEqual([{ unit: "u-1", score: null }]);
  });

  it("a config that cannot be read fails the run and says how", async () => {
    const bot = await project({ ...CHAMPION, temperature: "hot" as unknown as number });
    const support = sessionAgent(bot, { model: () => generating("m-large", answer("Here.")) });
    await expect(support.generate({ prompt: "Hello" })).rejects.toMatchObject({
      code: "config_invalid",
      details: { field: "temperature", received: "hot" },
    });
    expect(await stored()).toMatchObject([{ score: 0 }]);
  });

  it("refuses prices that are none", async () => {
    const bot = await project();
    const prices = { "m-large": { input: "3", output: 15 } } as never;
    expect(() => sessionAgent(bot, { model: () => generating("m", answer("")), prices })).toThrow(
      expect.objectContaining({
        code: "settings_invalid",
        details: expect.objectContaining({ field: "prices.m-large" }),
      }),
    );
  });

  it("runs on where the database is gone", async () => {
    const bot = await project();
    const support = sessionAgent(bot, { model: () => generating("m-large", answer("Here.")) });
    await test.close();
    expect((await support.generate({ prompt: "Where?" })).text).toBe("Here.");
  });
});

describe("sessionMiddleware", () => {
  it("makes the calls of a session by its config, and records them once, when it ends", async () => {
    const bot = await project({ ...CHAMPION, model: "m-small", tools: ["refund"] });
    const base = generating("m-large", answer("never"));
    const small = generating("m-small", toolCall("refund", usageOf(10, 1)), answer("Done.", usageOf(20, 2)));
    const middleware = sessionMiddleware(bot, { model: () => small, prices: PRICES });
    const model = wrapLanguageModel({ model: base, middleware });
    const run = bot.wrap(
      (_session, prompt: string) =>
        generateText({
          model,
          prompt,
          tools,
          system: "overridden",
          temperature: 1,
          stopWhen: stepCountIs(5),
        }),
      { score: ({ text }) => text === "Done." },
    );
    expect((await run("Refund me.")).text).toBe("Done.");
    expect(base.doGenerateCalls).toHaveLength(0);
    for (const call of small.doGenerateCalls) {
      expect(call).toMatchObject({ temperature: 0.2 });
      expect(call.prompt.filter(({ role }) => role === "system")).toEqual([
        { role: "system", content: "Be thorough." },
      ]);
      expect(call.tools?.map(({ name }) => name)).toEqual(["refund"]);
    }
    expect(await stored()).toMatchObject([
      {
        score: 1,
        signals: { steps: 2, input_tokens: 30, output_tokens: 3, cost_usd: 36e-6, finish_stop: 1 },
      },
    ]);
  });

  it("the models of a session are one run, whichever middleware each has", async () => {
    const bot = await project();
    const model = (input: number, price: number) =>
      wrapLanguageModel({
        model: generating("m-large", answer("Hi.", usageOf(input, 0))),
        middleware: sessionMiddleware(bot, { prices: { "m-large": { input: price, output: 0 } } }),
      });
    const [first, second] = [model(10, 1), model(20, 2)];
    await bot.wrap(async () => {
      await generateText({ model: first, prompt: "Hello" });
      await generateText({ model: second, prompt: "Hello" });
    })();
    expect(await stored()).toMatchObject([
      { signals: { steps: 2, input_tokens: 30, cost_usd: 50e-6, finish_stop: 1 } },
    ]);
  });

  it("each session's calls are made by the config of its arm", async () => {
    const bot = await project();
    await bot.challenge({ ...CHAMPION, temperature: 0.9 }, { share: 0.5 });
    const base = generating("m-large", answer("Hi."));
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    const run = bot.wrap(async (session) => {
      await generateText({ model, prompt: "Hello" });
      return session.config.temperature;
    });
    const served: unknown[] = [];
    for (let i = 0; i < 12; i += 1) served.push(await run());
    expect(new Set(served)).toEqual(new Set([0.2, 0.9]));
    expect(base.doGenerateCalls.map(({ temperature }) => temperature)).toEqual(served);
  });

  it("a config without tools leaves no choice among none", async () => {
    const bot = await project({ ...CHAMPION, tools: [] });
    const base = generating("m-large", answer("Hi."));
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    const choice = { type: "tool", toolName: "lookup" } as const;
    const run = bot.wrap(() => generateText({ model, prompt: "Hello", tools, toolChoice: choice }));
    await expect(run()).rejects.toThrow("required tool");
    expect(base.doGenerateCalls[0]).not.toHaveProperty("tools");
    expect(base.doGenerateCalls[0]).not.toHaveProperty("toolChoice");
  });

  it("a stream is recorded before the session that it is the result of ends", async () => {
    const bot = await project();
    const base = streaming("m-large", () => streamOf(parts(["Hi."])));
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    const run = bot.wrap(() => streamText({ model, prompt: "Hello" }).textStream, { score: () => 1 });
    expect(await read(await run())).toEqual(["Hi."]);
    expect(await stored()).toMatchObject([{ score: 1, signals: { finish_stop: 1, total_tokens: 15 } }]);
  });

  it("a stream that the session's reader leaves is cancelled", async () => {
    const bot = await project();
    const base = streaming("m-large", () => streamOf(parts(["one", "two", "three"])));
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    const run = bot.wrap(() => streamText({ model, prompt: "Count." }).textStream);
    for await (const text of await run()) if (text === "one") break;
    const [session] = await stored();
    expect(session).toMatchObject({ hasEnded: true, signals: { finish_cancelled: 1 } });
    expect(session?.signals).not.toHaveProperty("output_tokens");
  });

  it("a failure that the SDK's text stream keeps to itself is an error", async () => {
    const bot = await project();
    const base = generating("unused", answer(""));
    base.doStream = async () => {
      throw new Error("away");
    };
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    const run = bot.wrap(
      () => streamText({ model, prompt: "Hello", maxRetries: 0, onError: () => undefined }).textStream,
    );
    expect(await read(await run())).toEqual([]);
    expect(await stored()).toMatchObject([
      { hasEnded: true, signals: { error: 1, model_errors: 1, steps: 0 } },
    ]);
  });

  it("outside of a session it makes calls by the champion's config, unrecorded; in one of another project too", async () => {
    const bot = await project();
    const base = generating("m-large", answer("Hi."));
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    await generateText({ model, prompt: "Hello" });
    const other = await test.engine.project("other", { champion: { temperature: 0.9 } });
    await other.wrap(() => generateText({ model, prompt: "Hello" }))();
    expect(base.doGenerateCalls.map(({ temperature }) => temperature)).toEqual([0.2, 0.2]);
    expect(await stored()).toMatchObject([{ signals: {} }]);
  });

  it("around the model of an agent it counts nothing twice", async () => {
    const bot = await project();
    const base = generating("m-large", answer("Hi."));
    const model = wrapLanguageModel({ model: base, middleware: sessionMiddleware(bot) });
    await sessionAgent(bot, { model: () => model }).generate({ prompt: "Hello" });
    expect(await stored()).toMatchObject([{ signals: { steps: 1, total_tokens: 15 } }]);
  });
});

describe("a model that streams over HTTP", () => {
  const small: Config = { model: "m-small", temperature: 0.9 };

  /** An agent over a server, whichever arm a session gets. */
  async function over(server: Awaited<ReturnType<typeof modelServer>>) {
    const bot = await project();
    await bot.challenge(small, { share: 0.5 });
    return sessionAgent(bot, {
      model: (name) => httpModel(server.url, name ?? "none"),
      prices: PRICES,
      agent: { maxRetries: 0 },
      score: ({ text }) => text === "It is here.",
    });
  }

  it("each session's stream asks for its arm's model and is recorded once, whole", async () => {
    const server = await modelServer(sends("It ", "is ", "here."));
    const support = await over(server);
    for (let i = 0; i < 12; i += 1) {
      const { textStream } = await support.stream({ prompt: "Where?" });
      expect(await read(textStream)).toEqual(["It ", "is ", "here."]);
    }
    await server.close();
    const asked = server.bodies.map(({ model, temperature }) => `${model} ${temperature}`);
    expect(new Set(asked)).toEqual(new Set(["m-large 0.2", "m-small 0.9"]));
    const rows = await stored();
    expect(rows).toHaveLength(12);
    rows.forEach(({ score, signals }, index) => {
      const cost = asked[index] === "m-small 0.9" ? 40 + 3 * 2 : 40 * 3 + 3 * 15;
      expect(score).toBe(1);
      expect(signals).toMatchObject({ input_tokens: 40, output_tokens: 3, steps: 1, finish_stop: 1 });
      expect(signals.cost_usd).toBeCloseTo(cost / 1e6, 12);
      expect(signals.time_to_first_token_ms).toBeLessThanOrEqual(signals.latency_ms as number);
    });
  });

  it("a caller who leaves closes the connection where the SDK does, and the run is recorded", async () => {
    const server = await modelServer(hangs);
    const support = await over(server);
    const aborter = new AbortController();
    const { textStream } = await support.stream({ prompt: "Count.", abortSignal: aborter.signal });
    for await (const text of textStream) if (text === "one") aborter.abort();
    await server.gone;
    await server.close();
    expect(await stored()).toMatchObject([{ score: null, hasEnded: true, signals: { finish_cancelled: 1 } }]);
  });

  it("a connection that breaks is an error of the run", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const server = await modelServer(breaks);
    const support = await over(server);
    await read((await support.stream({ prompt: "Count." })).textStream).catch(() => undefined);
    await server.close();
    expect(await stored()).toMatchObject([
      { score: 0, hasEnded: true, signals: { error: 1, model_errors: 1 } },
    ]);
  });
});

describe("a route that streams over HTTP", () => {
  /** A server whose one route streams what the agent says, by the SDK's own means for each kind of server. */
  async function route(answer: (abortSignal: AbortSignal | undefined) => ReadableStream<Part>) {
    const bot = await project();
    const model = generating("m-large");
    model.doStream = async ({ abortSignal }) => ({ stream: answer(abortSignal) });
    const support = sessionAgent(bot, {
      model: () => model,
      prices: PRICES,
      score: ({ text }) => text === "It is here.",
    });
    const server = createServer(async (request, response) => {
      const gone = new AbortController();
      response.on("close", () => gone.abort());
      const run = await support.stream({ prompt: "Where?", abortSignal: gone.signal });
      if (request.url === "/node") return run.pipeTextStreamToResponse(response);
      const { body } = run.toTextStreamResponse();
      await pipeline(Readable.fromWeb(body as WebStream), response).catch(() => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const close = () => new Promise((resolve) => server.close(resolve));
    return { url: `http://127.0.0.1:${port}`, close };
  }

  it.each(["/web", "/node"])("%s: the session ends once, when the client has read it all", async (path) => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [start, open, first, ...rest] = parts(["It ", "is ", "here."], usageOf(40, 3));
    const { url, close } = await route(() => {
      const left = [start, open, first, null, ...rest];
      return new ReadableStream<Part>({
        async pull(controller) {
          const part = left.shift();
          if (part === null) await held;
          else if (part) controller.enqueue(part);
          else controller.close();
        },
      });
    });
    const { body } = await fetch(`${url}${path}`);
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = decoder.decode((await reader.read()).value);
    expect(await stored()).toMatchObject([{ score: null, hasEnded: false, signals: {} }]);
    release();
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += decoder.decode(read.value);
    expect(text).toBe("It is here.");
    await close();
    expect(await stored()).toMatchObject([
      { score: 1, hasEnded: true, signals: { input_tokens: 40, output_tokens: 3, steps: 1, finish_stop: 1 } },
    ]);
  });

  it.each(["/web", "/node"])("%s: a client who leaves ends it as cancelled, unscored", async (path) => {
    const { url, close } = await route((abortSignal) => {
      const left = parts(["It ", "is ", "here."]).slice(0, 3);
      return new ReadableStream<Part>({
        async pull(controller) {
          const part = left.shift();
          if (part) return controller.enqueue(part);
          // As a provider's connection does: no more words, until it is aborted.
          await new Promise((_resolve, reject) => {
            abortSignal?.addEventListener("abort", () => reject(abortSignal.reason));
          });
        },
      });
    });
    const client = new AbortController();
    const { body } = await fetch(`${url}${path}`, { signal: client.signal });
    await (body as ReadableStream<Uint8Array>).getReader().read();
    client.abort();
    await expect
      .poll(stored)
      .toMatchObject([{ score: null, hasEnded: true, signals: { finish_cancelled: 1, finish_stop: 0 } }]);
    await close();
  });
});
