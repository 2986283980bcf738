import { context, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { ATTR_ERROR_TYPE, ATTR_EXCEPTION_MESSAGE } from "@opentelemetry/semantic-conventions";
import * as incubating from "@opentelemetry/semantic-conventions/incubating";
import { generateText } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { judge } from "../../src/integrations/judges/index.js";
import { openTelemetry, SignalProcessor, type Telemetry } from "../../src/integrations/otel/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { recordingLogger } from "../support/recording-logger.js";

const LONG = { model: "m-large", prompt: "long" };
const SHORT = { model: "m-large", prompt: "short" };
const because = { reason: "the test" };

let spans: InMemorySpanExporter;
let logger: ReturnType<typeof recordingLogger>;
let processor: SignalProcessor;
let provider: BasicTracerProvider;
let meters: MeterProvider;
let reader: PeriodicExportingMetricReader;
let telemetry: Telemetry;
let test: TestEngine;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => context.disable());

beforeEach(async () => {
  spans = new InMemorySpanExporter();
  logger = recordingLogger();
  processor = new SignalProcessor({ logger });
  provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans), processor] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  meters = new MeterProvider({ readers: [reader] });
  telemetry = openTelemetry(api(), { logger });
  test = await createTestEngine({ seed: 5, exposures: [telemetry], onDecision: telemetry.onDecision });
});

afterEach(async () => {
  await test.close();
  await provider.shutdown();
  await meters.shutdown();
});

/** The API as a host hands it in, over the providers of the test. */
function api() {
  return {
    trace: {
      getTracer: (name: string, version?: string) => provider.getTracer(name, version),
      getActiveSpan: () => trace.getActiveSpan(),
    },
    metrics: { getMeter: (name: string, version?: string) => meters.getMeter(name, version) },
  };
}

async function contest(share = 0.5) {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge(SHORT, { share, policy: { horizon: 100 } });
  return bot;
}

/** Runs `fn` in a span of the host's. */
function inSpan<R>(name: string, fn: (span: Span) => R): R {
  return provider.getTracer("host").startActiveSpan(name, fn);
}

/** A span of the host's with these attributes, around `fn`. */
async function call(name: string, attributes: Record<string, string | number>, fn?: () => unknown) {
  await inSpan(name, async (span) => {
    await fn?.();
    span.setAttributes(attributes).end();
  });
}

const named = (name: string): ReadableSpan => {
  const found = spans.getFinishedSpans().filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
};

describe("an assignment", () => {
  it("is an evaluation event on the span that was active, by the names of the conventions, with the agent's attributes", async () => {
    const bot = await contest();
    const session = await inSpan("request", async (span) => {
      const started = await bot.session({ unit: "ada" });
      await test.engine.flush();
      span.end();
      return started;
    });
    const { events, attributes } = named("request");
    const ours = {
      "dethrone.project": "support",
      "dethrone.session": session.id,
      "dethrone.config": session.configHash,
      "dethrone.arm": session.arm,
      "dethrone.experiment": session.experiment,
      "dethrone.share": 0.5,
    };
    expect(events.map(({ name }) => name)).toEqual([incubating.EVENT_FEATURE_FLAG_EVALUATION]);
    expect(events[0]!.attributes).toEqual({
      [incubating.ATTR_FEATURE_FLAG_KEY]: "support",
      [incubating.ATTR_FEATURE_FLAG_PROVIDER_NAME]: "dethrone",
      [incubating.ATTR_FEATURE_FLAG_CONTEXT_ID]: "ada",
      [incubating.ATTR_FEATURE_FLAG_RESULT_VARIANT]: session.arm,
      [incubating.ATTR_FEATURE_FLAG_RESULT_REASON]: incubating.FEATURE_FLAG_RESULT_REASON_VALUE_SPLIT,
      [incubating.ATTR_FEATURE_FLAG_VERSION]: session.experiment,
      ...ours,
    });
    expect(attributes).toEqual({
      [incubating.ATTR_GEN_AI_AGENT_NAME]: "support",
      [incubating.ATTR_GEN_AI_AGENT_VERSION]: session.configHash,
      [incubating.ATTR_GEN_AI_CONVERSATION_ID]: session.id,
      ...ours,
    });
  });

  it("by hand says that it was targeted, and of several challengers which", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge([SHORT, { ...SHORT, model: "m-small" }], { share: 0.3 });
    await bot.override("qa", 2, because);
    await inSpan("request", async (span) => {
      await bot.session({ unit: "qa" });
      await test.engine.flush();
      span.end();
    });
    expect(named("request").events[0]!.attributes).toMatchObject({
      "feature_flag.result.reason": incubating.FEATURE_FLAG_RESULT_REASON_VALUE_TARGETING_MATCH,
      "feature_flag.result.variant": "challenger-2",
      "dethrone.excluded": "override",
    });
  });

  it("without an active span does no harm, and goes to an event logger where there is one", async () => {
    const bot = await contest();
    await bot.session();
    await test.engine.flush();
    const emitted: object[] = [];
    const events = { emit: (event: object) => void emitted.push(event) };
    const logged = openTelemetry(api(), { events, logger });
    const broken = openTelemetry(api(), { events: { emit: () => JSON.parse("{") }, logger });
    const other = await createTestEngine({ exposures: [logged, broken] });
    const project = await other.engine.project("support", { champion: LONG });
    await project.challenge(SHORT, { share: 0.5 });
    await inSpan("request", async (span) => {
      await project.session();
      await other.engine.flush();
      span.end();
    });
    await other.close();
    expect(emitted).toEqual([
      {
        eventName: "feature_flag.evaluation",
        attributes: expect.objectContaining({ "feature_flag.key": "support" }),
      },
    ]);
    expect(named("request").events).toEqual([]);
    expect(logger.messages.map(({ message }) => message)).toEqual(["an evaluation event was not taken"]);
  });
});

describe("a traced runner", () => {
  it("runs in a span of its session, which has the evaluation event once, however quick the run", async () => {
    const bot = await contest();
    const answer = bot.wrap(
      telemetry.traced((session, question: string) => {
        inSpan("tool", (span) => span.end());
        return { question, id: session.id };
      }),
    );
    const { id } = await inSpan("request", async (span) => {
      const result = await answer("?");
      await test.engine.flush();
      span.end();
      return result;
    });
    const run = named("invoke_agent support");
    expect(run.attributes).toMatchObject({
      [incubating.ATTR_GEN_AI_OPERATION_NAME]: incubating.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT,
      [incubating.ATTR_GEN_AI_PROVIDER_NAME]: "dethrone",
      [incubating.ATTR_GEN_AI_REQUEST_MODEL]: "m-large",
      [incubating.ATTR_GEN_AI_CONVERSATION_ID]: id,
      [incubating.ATTR_GEN_AI_AGENT_NAME]: "support",
    });
    expect(run.events.map(({ name }) => name)).toEqual(["feature_flag.evaluation"]);
    expect(run.parentSpanContext?.spanId).toBe(named("request").spanContext().spanId);
    expect(named("tool").parentSpanContext?.spanId).toBe(run.spanContext().spanId);
    expect(named("request").events).toEqual([]);
    expect(run.status.code).toBe(SpanStatusCode.UNSET);
  });

  it("that fails, at once or later, says so and fails the same", async () => {
    const bot = await contest();
    const error = new RangeError("out of words");
    const failing = [
      () => {
        throw error;
      },
      async () => {
        throw error;
      },
    ];
    for (const runner of failing) {
      spans.reset();
      await expect(bot.wrap(telemetry.traced(runner))()).rejects.toBe(error);
      const { status, attributes, events } = named("invoke_agent support");
      expect(status).toEqual({ code: SpanStatusCode.ERROR, message: "out of words" });
      expect(attributes[ATTR_ERROR_TYPE]).toBe("RangeError");
      expect(events.at(-1)!.attributes![ATTR_EXCEPTION_MESSAGE]).toBe("out of words");
    }
    spans.reset();
    await expect(bot.wrap(telemetry.traced(() => Promise.reject("words")))()).rejects.toBe("words");
    expect(named("invoke_agent support").attributes[ATTR_ERROR_TYPE]).toBe("_OTHER");
  });

  it("that streams ends when it is drained, and what is read meanwhile is inside; the session ends then too", async () => {
    const bot = await contest();
    let isScored = false;
    const score = () => {
      isScored = true;
      return 1;
    };
    const answer = bot.wrap(
      telemetry.traced(async function* (_session) {
        for (const word of ["on", "its", "way"]) {
          inSpan(word, (span) => span.end());
          yield word;
        }
      }),
      { score },
    );
    const stream = await answer();
    expect(spans.getFinishedSpans()).toEqual([]);
    const words = [];
    for await (const word of stream as AsyncIterable<string>) {
      expect(isScored).toBe(false);
      words.push(word);
    }
    expect([words, isScored]).toEqual([["on", "its", "way"], true]);
    const { spanId } = named("invoke_agent support").spanContext();
    for (const word of words) expect(named(word).parentSpanContext?.spanId).toBe(spanId);
  });

  it("outside of an experiment has a span without an event", async () => {
    const bot = await test.engine.project("support", { champion: { provider: "anthropic" } });
    await bot.wrap(telemetry.traced(() => 1))();
    const { events, attributes } = named("invoke_agent support");
    expect(events).toEqual([]);
    expect(attributes).toMatchObject({ "gen_ai.provider.name": "anthropic", "dethrone.arm": "champion" });
    expect(Object.keys(attributes)).not.toContain("dethrone.experiment");
  });
});

describe("a decision", () => {
  it("is a span with verdict and reason at its time, and a count", async () => {
    const bot = await contest();
    const { experiment } = bot;
    await bot.promote(because);
    await test.engine.flush();
    const span = named("decide support");
    expect(span.attributes).toMatchObject({
      "dethrone.project": "support",
      "dethrone.experiment": experiment,
      "dethrone.verdict": "promote",
      "dethrone.reason": "manual",
      "dethrone.promoted": bot.championHash,
    });
    expect(span.startTime[0]).toBe(test.clock.now() / 1000);
    expect(await metric("dethrone.decisions")).toEqual([
      [{ "dethrone.project": "support", "dethrone.verdict": "promote", "dethrone.reason": "manual" }, 1],
    ]);
  });
});

async function metric(name: string) {
  const { resourceMetrics } = await reader.collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  const found = metrics.find(({ descriptor }) => descriptor.name === name);
  return (found?.dataPoints ?? []).map(({ attributes, value }) => [attributes, value]);
}

describe("metrics", () => {
  it("tell of sessions, scores, evidence and the chance that the challenger is better, when they are collected", async () => {
    const bot = await contest();
    telemetry.observe(test.engine, [bot]);
    const answer = bot.wrap((session) => session.config.prompt, { score: (prompt) => prompt === "short" });
    await test.runSessions(8, () => answer());
    await test.engine.decide();
    const evaluation = (await bot.evaluate())!;
    const of = (arm: string) => ({
      "dethrone.project": "support",
      "dethrone.experiment": bot.experiment!,
      "dethrone.arm": arm,
    });
    const [champion, challenger] = evaluation.arms;
    const sessions = Object.fromEntries(
      (await metric("dethrone.sessions")).map(([at, n]) => [JSON.stringify(at), n]),
    );
    expect(sessions).toEqual({
      [JSON.stringify(of("champion"))]: champion!.sessionCount,
      [JSON.stringify(of("challenger"))]: challenger!.sessionCount,
    });
    expect(await metric("dethrone.units")).toEqual([
      [of("champion"), champion!.sessionCount],
      [of("challenger"), challenger!.sessionCount],
    ]);
    expect(await metric("dethrone.score.mean")).toEqual([
      [of("champion"), champion!.mean],
      [of("challenger"), challenger!.mean],
    ]);
    for (const [name, value] of [
      ["probability_better", evaluation.probabilityBetter],
      ["uplift.mean", evaluation.upliftMean],
      ["evidence.promote", evaluation.logEPromote],
      ["evidence.harm", evaluation.logEHarm],
    ] as const) {
      expect(await metric(`dethrone.${name}`)).toEqual([[of("challenger"), value]]);
    }
  });

  it("tell of the queue and of failures by kind, until they are to stop", async () => {
    let looks = 0;
    const health = {
      queueLength: 7,
      spool: { rows: 3, bytes: 0, isDraining: false, lost: 0 },
      sessionsDropped: 1,
      writesFailed: 2,
      callbacksFailed: 0,
      listenersFailed: 4,
    };
    const look = () => {
      looks += 1;
      return health;
    };
    const stop = telemetry.observe({ health: look });
    expect(await metric("dethrone.queue.length")).toEqual([[{}, 7]]);
    expect(await metric("dethrone.spool.length")).toEqual([[{}, 3]]);
    expect(await metric("dethrone.failures")).toEqual([
      [{ "dethrone.failure": "session_dropped" }, 1],
      [{ "dethrone.failure": "write_failed" }, 2],
      [{ "dethrone.failure": "callback_failed" }, 0],
      [{ "dethrone.failure": "listener_failed" }, 4],
    ]);
    expect(looks).toBe(3);
    stop();
    await reader.collect();
    expect(looks).toBe(3);
  });

  it("of an engine that fails are left out, and that is logged", async () => {
    let evaluated = 0;
    const evaluate = () => {
      evaluated += 1;
      return Promise.reject(new Error("away"));
    };
    const health = () => JSON.parse("{");
    telemetry.observe({ health }, [
      { key: "support", experiment: "e1", evaluate },
      { key: "idle", experiment: null, evaluate },
    ]);
    expect([await metric("dethrone.probability_better"), evaluated]).toEqual([[], 1]);
    expect(logger.messages.map(({ message, fields }) => [message, fields.project])).toEqual([
      ["metrics could not be observed", undefined],
      ["an experiment could not be observed", "support"],
    ]);
  });
});

describe("the span processor", () => {
  /** Signals of a session that runs `fn`, by name, each with its key. */
  async function signalsOf(fn: () => unknown) {
    const bot = await test.engine.project("support", { champion: LONG });
    const session = await bot.session();
    const told: { name: string; value: number; key: string }[] = [];
    const real = session.signal.bind(session);
    Object.assign(session, {
      signal: (signal: (typeof told)[number]) => {
        told.push(signal);
        return real(signal);
      },
    });
    await session.run(async () => fn());
    await processor.forceFlush();
    return {
      told,
      values: Object.fromEntries(
        told.filter(({ name }) => name !== "latency_ms").map(({ name, value }) => [name, value]),
      ),
    };
  }

  const usage = (input: number, output: number) => ({
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.output_tokens": output,
  });

  it("records a run's tokens and latency once, when its span ends", async () => {
    const { told, values } = await signalsOf(async () => {
      await call("agent", {}, async () => {
        await call("chat m", { ...usage(100, 20), "gen_ai.usage.cache_read.input_tokens": 60 });
        await call("tool", {}, () => call("chat n", usage(50, 5)));
      });
    });
    expect(values).toEqual({ input_tokens: 150, output_tokens: 25, cached_tokens: 60, total_tokens: 175 });
    expect(told.filter(({ name }) => name === "latency_ms")).toHaveLength(1);
    expect(told.at(-1)!.value).toBeGreaterThan(0);
    const { spanId } = named("agent").spanContext();
    expect(told.map(({ name, key }) => key === `otel:${spanId}:${name}`)).not.toContain(false);
  });

  it("counts a model call once, though the spans around it tell its usage again", async () => {
    const { values } = await signalsOf(() =>
      call("invoke_agent", { ...usage(130, 12), "gen_ai.operation.name": "invoke_agent" }, async () => {
        await call("step", {}, () => call("chat", usage(100, 10)));
        await call("chat", usage(30, 2));
      }),
    );
    expect(values).toEqual({ input_tokens: 130, output_tokens: 12, total_tokens: 142 });
  });

  it("takes the former names of the usage, and what is no number of tokens as not told", async () => {
    const { values } = await signalsOf(async () => {
      await call("chat", { "gen_ai.usage.prompt_tokens": 3, "gen_ai.usage.completion_tokens": 4 });
    });
    expect(values).toEqual({ input_tokens: 3, output_tokens: 4, total_tokens: 7 });
    const odd = { "gen_ai.usage.input_tokens": "many", "gen_ai.usage.output_tokens": -1 };
    expect((await signalsOf(() => call("chat", odd))).told.map(({ name }) => name)).toEqual(["latency_ms"]);
  });

  it("reads the spans of the AI SDK, which tells each step and the whole", async () => {
    const tokens = { total: 10, noCache: 4, cacheRead: 6, cacheWrite: 0 };
    const model = new MockLanguageModelV3({
      doGenerate: {
        content: [{ type: "text", text: "On its way." }],
        finishReason: { unified: "stop", raw: "stop" },
        usage: { inputTokens: tokens, outputTokens: { total: 5, text: 5, reasoning: 0 } },
        warnings: [],
      },
    });
    const telemetryOf = { isEnabled: true, tracer: provider.getTracer("ai") };
    const { told } = await signalsOf(async () => {
      for (const prompt of ["Where?", "When?"]) {
        await generateText({ model, prompt, experimental_telemetry: telemetryOf });
      }
    });
    expect(spans.getFinishedSpans().map(({ name }) => name)).toContain("ai.generateText.doGenerate");
    const of = (name: string) => told.filter((signal) => signal.name === name).map(({ value }) => value);
    expect([of("input_tokens"), of("output_tokens"), of("latency_ms").length]).toEqual([[10, 10], [5, 5], 2]);
  });

  it("leaves spans alone that are of no model, of no session, or of a judge", async () => {
    const { told } = await signalsOf(async () => {
      await call("SELECT", { "db.system.name": "sqlite" });
      const grade = async () => {
        await call("chat", usage(1000, 1000));
        return 1;
      };
      const helpful = judge({ name: "helpful", version: "1", grade });
      helpful.submit({ id: "s", signal: async () => undefined }, { input: "", output: "" });
      await helpful.flush();
    });
    await call("chat", usage(1, 1));
    expect(told).toEqual([]);
  });

  it("records a run that fails as an error, as wrap does, and that counts once; a call that fails is none", async () => {
    const bot = await contest();
    const failing = async (name: string, attributes: Record<string, string>) =>
      inSpan(name, (span) => {
        span.setAttributes(attributes).setStatus({ code: SpanStatusCode.ERROR }).end();
      });
    const { values } = await signalsOf(() => failing("chat", { "gen_ai.operation.name": "chat" }));
    expect(values).toEqual({});
    const answer = bot.wrap(
      telemetry.traced(async () => {
        throw new Error("out of words");
      }),
    );
    await expect(answer()).rejects.toThrow();
    await processor.forceFlush();
    await test.engine.flush();
    expect(logger.messages).toEqual([]);
    expect(test.engine.health()).toMatchObject({ writesFailed: 0, lastError: null });
  });

  it("keeps sessions apart that run at the same time, and nested ones of other projects", async () => {
    const other = await test.engine.project("triage", { champion: LONG });
    const { values } = await signalsOf(async () => {
      await call("outer", {}, async () => {
        const inner = await other.session();
        await inner.run(() => call("chat", usage(1000, 1000)));
        await call("chat", usage(1, 2));
      });
    });
    expect(values).toEqual({ input_tokens: 1, output_tokens: 2, total_tokens: 3 });
  });

  it("remembers so many spans, forgets the oldest of more, and looks at none once it is shut down", async () => {
    const small = new SignalProcessor({ capacity: 1, logger });
    const own = new BasicTracerProvider({ spanProcessors: [small] });
    const tracer = own.getTracer("host");
    const agent = (inside: () => unknown) => () =>
      tracer.startActiveSpan("agent", (span) => {
        inside();
        span.setAttributes({ "gen_ai.operation.name": "invoke_agent" }).end();
      });
    const names = async (fn: () => unknown) => {
      const { told } = await signalsOf(fn);
      await small.forceFlush();
      return told.map(({ name }) => name);
    };
    const alone = agent(() => undefined);
    // Spans that never end must not stand in the way of those that follow.
    const leaking = agent(() => tracer.startSpan("chat"));
    expect([await names(alone), await names(leaking), await names(alone)]).toEqual([
      ["latency_ms"],
      [],
      ["latency_ms"],
    ]);
    expect(logger.messages[0]!.fields).toMatchObject({ code: "queue_full" });
    expect(await names(agent(() => void own.shutdown()))).toEqual([]);
    expect(await names(alone)).toEqual([]);
    expect(() => new SignalProcessor({ capacity: 0 })).toThrow(
      expect.objectContaining({ code: "settings_invalid" }),
    );
  });

  it("whose session cannot record goes on, and that is logged", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    const session = await bot.session();
    Object.assign(session, { signal: () => Promise.reject(new Error("away")) });
    await session.run(() => call("chat", usage(1, 1)));
    await processor.forceFlush();
    expect(logger.messages.map(({ message }) => message)).toEqual(["a span's signal could not be recorded"]);
  });
});
