import { OpenFeature, ProviderEvents } from "@openfeature/server-sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DethroneError } from "../../../src/core/errors.js";
import {
  type FlagEngine,
  openFeatureProvider,
  type ProviderOptions,
} from "../../../src/integrations/openfeature/index.js";
import { createTestEngine, type TestEngine } from "../../../src/testing.js";
import { recordingLogger } from "../../support/recording-logger.js";

const LONG = { model: "m-large", prompt: { style: "long" }, temperature: 0.2 };
const SHORT = { model: "m-large", prompt: { style: "short" }, temperature: 0.7 };
const because = { reason: "the test" };

let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;
/** ids of the sessions that were asked for */
let asked: object[];

beforeEach(async () => {
  logger = recordingLogger();
  asked = [];
  test = await createTestEngine({ seed: 5 });
});

afterEach(async () => {
  vi.useRealTimers();
  await OpenFeature.clearProviders();
  await test.close();
});

async function contest() {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge(SHORT, { share: 0.5, policy: { horizon: 100 } });
  return bot;
}

/** The test engine by structure, with some of it replaced. */
function engine(more: Partial<FlagEngine> = {}): FlagEngine {
  return {
    project: (key) => test.engine.project(key),
    signal: (id, signal) => test.engine.signal(id, signal),
    health: () => test.engine.health(),
    ...more,
  };
}

async function client(options: ProviderOptions = {}, over: FlagEngine = engine()) {
  const provider = openFeatureProvider(over, { logger, now: () => test.clock.now(), ...options });
  await OpenFeature.setProviderAndWait(provider);
  // The provider looks at its engine for the first time.
  await new Promise((resolve) => setImmediate(resolve));
  return { client: OpenFeature.getClient(), provider };
}

async function arms() {
  await test.engine.flush();
  const report = await (await test.engine.project("support")).report();
  const sum = (of: (arm: { served: number; excluded: number; missing: number }) => number) =>
    report!.sessions.reduce((total, arm) => total + of(arm), 0);
  return {
    served: sum((arm) => arm.served),
    excluded: sum((arm) => arm.excluded),
    missing: sum((arm) => arm.missing),
    scores: report!.evaluation.arms.reduce((total, arm) => total + arm.scoreSum, 0),
  };
}

describe("an evaluation", () => {
  it("within a session is of that session, whatever the targeting key, and starts none", async () => {
    const bot = await contest();
    const { client: flags } = await client();
    const answer = bot.wrap(async (session) => {
      const details = await flags.getStringDetails("support.prompt.style", "?", { targetingKey: "ada" });
      return { session, details, config: await flags.getObjectValue("support", {}) };
    });
    for (let index = 0; index < 10; index += 1) {
      const { session, details, config } = await answer();
      expect(details.flagMetadata.sessionId).toBe(session.id);
      expect(details).toMatchObject({
        value: session.config.prompt.style,
        reason: "SPLIT",
        variant: session.arm,
      });
      expect(config).toEqual(session.config);
    }
    expect(await arms()).toMatchObject({ served: 10 });
  });

  it("of another project than that of the session under way has a session of its own", async () => {
    const other = await test.engine.project("triage", { champion: { model: "m-small" } });
    await contest();
    const { client: flags } = await client();
    await other.wrap(() => flags.getStringValue("support.model", "?", { targetingKey: "ada" }))();
    expect(await arms()).toMatchObject({ served: 1 });
  });

  it("of a unit shares the session with those at the same time and soon after, and later takes another of the same arm", async () => {
    await contest();
    const { client: flags } = await client({ sessionMs: 1000 });
    const of = async (key: string) => flags.getObjectDetails(key, {}, { targetingKey: "ada" });
    const [first, second] = await Promise.all([of("support"), of("support.prompt")]);
    test.clock.advance(999);
    const third = await of("support");
    const ids = [first, second, third].map(({ flagMetadata }) => flagMetadata.sessionId);
    expect(new Set(ids).size).toBe(1);
    test.clock.advance(1);
    const fourth = await of("support");
    expect(ids).not.toContain(fourth.flagMetadata.sessionId);
    expect(fourth.value).toEqual(first.value);
    expect(await arms()).toMatchObject({ served: 2, excluded: 1 });
  });

  it("by session id resumes that session, here and elsewhere, with the config it started with", async () => {
    const bot = await contest();
    const options = { targetingKey: "session" } as const;
    const { client: flags } = await client(options);
    const first = await flags.getObjectDetails("support", {}, { targetingKey: "chat-7" });
    expect(first.flagMetadata.sessionId).toBe("chat-7");
    await bot.promote(because);
    await bot.rollback(because);
    const { client: elsewhere } = await client(options);
    const again = await elsewhere.getObjectDetails("support", {}, { targetingKey: "chat-7" });
    expect(again.value).toEqual(first.value);
    expect(await arms()).toMatchObject({ served: 1 });
  });

  it("without session and targeting key is given the champion, and nothing is recorded", async () => {
    const bot = await contest();
    const { client: flags } = await client();
    expect(await flags.getNumberDetails("support.temperature", 1)).toMatchObject({
      value: 0.2,
      reason: "DEFAULT",
    });
    await bot.pause(because);
    const details = await flags.getNumberDetails("support.temperature", 1);
    expect(details).toMatchObject({
      value: 0.2,
      reason: "STATIC",
      flagMetadata: { configHash: bot.championHash },
    });
    expect(await arms()).toMatchObject({ served: 0 });
  });

  it("keeps those attributes of the context that it is told to, dates as text, and no others", async () => {
    await contest();
    const project = async (key: string) => {
      const real = await test.engine.project(key);
      const session = (options: object) => {
        asked.push(options);
        return real.session(options);
      };
      const { champion, championHash, experiment } = real;
      return { key, champion, championHash, experiment, session };
    };
    const over = engine({ project });
    const context = { email: "ada@example.org", plan: "pro", since: new Date(0), none: null };
    await (await client({}, over)).client.getObjectValue("support", {}, { targetingKey: "ada", ...context });
    const { client: flags } = await client({ attributes: ["plan", "since", "none", "absent"] }, over);
    await flags.getObjectValue("support", {}, { targetingKey: "bob", ...context });
    expect(asked).toEqual([
      { unit: "ada" },
      { unit: "bob", context: { plan: "pro", since: "1970-01-01T00:00:00.000Z", none: null } },
    ]);
  });

  it("with a targeting key that is none is an invalid context, and gives the default", async () => {
    await contest();
    const { client: flags } = await client();
    for (const targetingKey of ["", "x".repeat(201), 7 as unknown as string]) {
      const details = await flags.getStringDetails("support.model", "mine", { targetingKey });
      expect(details).toMatchObject({ value: "mine", reason: "ERROR", errorCode: "INVALID_CONTEXT" });
    }
  });

  it("is of the longest project key that the flag key begins with", async () => {
    await test.engine.project("a", { champion: { "b.c": 1, b: { c: 2, d: 3 } } });
    const { client: flags } = await client();
    expect(await flags.getNumberValue("a.b.c", 0)).toBe(1);
    expect(await flags.getNumberValue("a.b.d", 0)).toBe(3);
    await test.engine.project("a.x", { champion: { c: 4 } });
    expect(await flags.getNumberValue("a.x.c", 0)).toBe(4);
  });

  it("of a flag there is not asks for it once in 5 seconds, and finds it once it is there", async () => {
    const looked: string[] = [];
    const project = (key: string) => {
      looked.push(key);
      return test.engine.project(key);
    };
    const { client: flags } = await client({}, engine({ project }));
    const value = () => flags.getStringValue("later.model", "mine");
    expect([await value(), await value(), looked]).toEqual(["mine", "mine", ["later.model", "later"]]);
    await test.engine.project("later", { champion: { model: "m-small" } });
    test.clock.advance(5000);
    expect(await value()).toBe("m-small");
  });

  it("that the engine cannot answer gives the default, and is tried again at once", async () => {
    await contest();
    let isAway = true;
    const project = async (key: string) => {
      if (isAway) throw new DethroneError("storage_unavailable", "away");
      return test.engine.project(key);
    };
    const { client: flags } = await client({}, engine({ project }));
    const details = () => flags.getStringDetails("support.model", "mine");
    expect(await details()).toMatchObject({ value: "mine", errorCode: "GENERAL", errorMessage: "away" });
    isAway = false;
    expect(await details()).toMatchObject({ value: "m-large" });
  });

  it("of a shorter project key, while nobody can say whether there is a longer one, is not held to it", async () => {
    await test.engine.project("a", { champion: { b: 1 } });
    let isAway = true;
    const project = async (key: string) => {
      if (key === "a.b" && isAway) throw new DethroneError("storage_unavailable", "away");
      return test.engine.project(key);
    };
    const { client: flags } = await client({}, engine({ project }));
    expect(await flags.getNumberValue("a.b", 0)).toBe(1);
    isAway = false;
    await test.engine.project("a.b", { champion: { c: 2 } });
    expect(await flags.getObjectValue("a.b", {})).toEqual({ c: 2 });
  });

  it("whose session could not start is tried again at once", async () => {
    const bot = await contest();
    let isBroken = true;
    const { key, champion, championHash, experiment } = bot;
    const session = async (options: object) => {
      if (isBroken) throw new Error("broken");
      return bot.session(options);
    };
    const project = async (asked: string) =>
      asked === key ? { key, champion, championHash, experiment, session } : test.engine.project(asked);
    const { client: flags } = await client({}, engine({ project }));
    const details = () => flags.getStringDetails("support.model", "mine", { targetingKey: "ada" });
    expect(await details()).toMatchObject({ value: "mine", errorCode: "GENERAL", errorMessage: "broken" });
    isBroken = false;
    expect(await details()).toMatchObject({ value: "m-large" });
  });

  it("while the database is away is STALE", async () => {
    await contest();
    const { client: flags } = await client({}, engine({ health: () => ({ status: "degraded" }) }));
    for (const context of [{}, { targetingKey: "ada" }]) {
      expect(await flags.getStringDetails("support.model", "?", context)).toMatchObject({
        value: "m-large",
        reason: "STALE",
      });
    }
  });

  it("of the second of several challengers says which", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge([SHORT, { ...SHORT, model: "m-small" }], { share: 0.3 });
    await bot.override("qa", 2, because);
    const { client: flags } = await client();
    const details = await flags.getStringDetails("support.model", "?", { targetingKey: "qa" });
    expect(details).toMatchObject({ value: "m-small", variant: "challenger-2", reason: "TARGETING_MATCH" });
  });
});

describe("a tracking event", () => {
  it("bears on the score of its session where its name has a kind; an evaluated session without any is missing", async () => {
    await contest();
    const { client: flags, provider } = await client({ kinds: { thumbs: "explicit" } });
    const evaluated = async (targetingKey: string) =>
      flags.getStringValue("support.model", "?", { targetingKey });
    await evaluated("ada");
    await evaluated("bob");
    flags.track("thumbs", { targetingKey: "ada" }, { value: 1 });
    flags.track("cost_usd", { targetingKey: "bob" }, { value: 0.4 });
    await provider.onClose();
    await test.settleAll();
    expect(await arms()).toMatchObject({ served: 2, missing: 1, scores: 1 });
    expect(logger.messages).toEqual([]);
  });

  it("finds its session by the id it gives, the session under way, or the targeting key, in this order", async () => {
    const bot = await contest();
    const told: [string, unknown][] = [];
    const signal = async (id: string, body: unknown) => void told.push([id, body]);
    const { client: flags, provider } = await client({}, engine({ signal }));
    const details = await flags.getStringDetails("support.model", "?", { targetingKey: "ada" });
    const session = await bot.session();
    Object.assign(session, { signal: (body: unknown) => signal(session.id, body) });
    await session.run(async () => {
      flags.track(
        "steps",
        { targetingKey: "ada" },
        { sessionId: "given", value: 3, kind: "implicit", key: "k" },
      );
      flags.track("steps", { targetingKey: "ada" });
    });
    flags.track("steps", { targetingKey: "ada" }, { source: "shop" });
    await provider.onClose();
    expect(told).toEqual([
      ["given", { name: "steps", value: 3, kind: "implicit", key: "k", source: "openfeature" }],
      [session.id, { name: "steps", value: 1, source: "openfeature" }],
      [details.flagMetadata.sessionId, { name: "steps", value: 1, source: "shop" }],
    ]);
  });

  it("of a session key needs no evaluation here", async () => {
    const bot = await contest();
    await bot.session({ id: "chat-7" });
    const { client: flags, provider } = await client({ targetingKey: "session" });
    flags.track("steps", { targetingKey: "chat-7" });
    await provider.onClose();
    expect(logger.messages).toEqual([]);
  });

  it("that is of no session, or no signal, is logged and goes no further", async () => {
    await contest();
    const { client: flags, provider } = await client({ kinds: { thumbs: "explicit" } });
    flags.track("thumbs");
    flags.track("thumbs", { targetingKey: "nobody" });
    flags.track("thumbs", {}, { sessionId: "nothing" });
    flags.track("thumbs", {}, { sessionId: "nothing", value: 7 });
    await provider.onClose();
    expect(logger.messages).toEqual([
      {
        level: "warn",
        message: "a tracking event was not recorded",
        fields: expect.objectContaining({ code: "session_not_found", event: "thumbs", times: 1 }),
      },
    ]);
  });
});

describe("the provider tells of", () => {
  /** Handlers outlive their test: each has a list of its own. */
  const hear = (flags: ReturnType<typeof OpenFeature.getClient>) => {
    const heard: string[] = [];
    for (const event of [ProviderEvents.Stale, ProviderEvents.Error, ProviderEvents.ConfigurationChanged]) {
      flags.addHandler(event, (details) => {
        heard.push(`${event} ${(details as { flagsChanged?: string[] }).flagsChanged ?? ""}`.trim());
      });
    }
    return heard;
  };

  it("a promotion and what else changes the configs given out, once and with the flags it is about", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const bot = await contest();
    const { client: flags } = await client();
    const heard = hear(flags);
    await flags.getObjectValue("support", {});
    await flags.getStringValue("support.model", "?");
    vi.advanceTimersByTime(1000);
    expect(heard).toEqual([]);
    await bot.promote(because);
    vi.advanceTimersByTime(2000);
    expect(heard).toEqual(["PROVIDER_CONFIGURATION_CHANGED support,support.model"]);
  });

  it("a database that goes away, comes back, and an engine that closes", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    let status: "ok" | "degraded" | "closed" = "ok";
    const { client: flags } = await client({}, engine({ health: () => ({ status }) }));
    const heard = hear(flags);
    const states = [];
    for (status of ["degraded", "degraded", "ok", "closed"] as const) {
      vi.advanceTimersByTime(1000);
      states.push(flags.providerStatus);
    }
    expect(states).toEqual(["STALE", "STALE", "READY", "ERROR"]);
    expect(heard).toEqual(["PROVIDER_STALE", "PROVIDER_ERROR"]);
  });

  it("nothing once it is closed, and a look that fails is logged", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    let looks = 0;
    const health = () => {
      looks += 1;
      if (looks === 2) throw new Error("broken");
      return { status: "ok" as const };
    };
    await client({}, engine({ health }));
    expect(logger.messages.map(({ message }) => message)).toEqual(["the engine could not be looked at"]);
    await OpenFeature.clearProviders();
    const before = looks;
    vi.advanceTimersByTime(5000);
    expect(looks).toBe(before);
  });
});

it("settings that are none are refused", () => {
  const settings = [{ targetingKey: "user" }, { sessionMs: 0 }, { capacity: 1.5 }] as ProviderOptions[];
  for (const each of settings) {
    expect(() => openFeatureProvider(engine(), each)).toThrow(
      expect.objectContaining({ code: "settings_invalid" }),
    );
  }
});
