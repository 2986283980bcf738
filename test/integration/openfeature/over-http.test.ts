import { OpenFeature, ProviderEvents } from "@openfeature/server-sdk";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Client, ClientSettings } from "../../../src/client/client.js";
import { openFeatureProvider, type ProviderOptions } from "../../../src/integrations/openfeature/index.js";
import { createTestEngine, type TestEngine } from "../../../src/testing.js";
import { clientOf, serverOf } from "../../support/client.js";
import { eventually } from "../../support/eventually.js";
import { recordingLogger } from "../../support/recording-logger.js";

const LONG = { model: "m-large", prompt: { style: "long" } };
const SHORT = { model: "m-large", prompt: { style: "short" } };

let test: TestEngine;
let client: Client;
let requests: string[];
let isAway: boolean;

beforeEach(async () => {
  test = await createTestEngine({ seed: 5 });
  requests = [];
  isAway = false;
});

afterEach(async () => {
  vi.useRealTimers();
  await OpenFeature.clearProviders();
  await client.close();
  await test.close();
});

/** A provider over a client of the engine's server. */
async function flags(options: ProviderOptions = {}, more: Partial<ClientSettings> = {}) {
  const server = serverOf(test, more.key ? { open: false } : {});
  const watched: typeof fetch = async (input, init) => {
    requests.push(`${init?.method ?? "GET"} ${new URL(String(input)).pathname}`);
    if (isAway) throw new TypeError("fetch failed");
    return server(input, init);
  };
  ({ client } = clientOf(test, { fetch: watched, ...more }));
  const provider = openFeatureProvider(client, {
    logger: recordingLogger(),
    now: () => test.clock.now(),
    ...options,
  });
  await OpenFeature.setProviderAndWait(provider);
  await new Promise((resolve) => setImmediate(resolve));
  return { flags: OpenFeature.getClient(), provider };
}

async function contest() {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge(SHORT, { share: 0.5, policy: { horizon: 100 } });
  return bot;
}

it("units get the configs and sessions that the engine itself would give them", async () => {
  const bot = await contest();
  const { flags: remote, provider } = await flags({ kinds: { thumbs: "explicit" } });
  const reasons = new Set<string | undefined>();
  for (let i = 0; i < 20; i += 1) {
    const context = { targetingKey: `user-${i}` };
    const style = await remote.getStringDetails("support.prompt.style", "?", context);
    const config = await remote.getObjectDetails("support", {}, context);
    expect(config.value).toMatchObject({ prompt: { style: style.value } });
    expect(config.flagMetadata.sessionId).toBe(style.flagMetadata.sessionId);
    expect((await bot.session({ unit: `user-${i}` })).arm).toBe(style.variant);
    reasons.add(style.reason);
    remote.track("thumbs", context, { value: 1 });
  }
  expect([...reasons]).toEqual(["SPLIT"]);
  await provider.onClose();
  await client.flush();
  await test.settleAll();
  const report = await bot.report();
  expect(report?.evaluation.sessionCount).toBe(20);
  expect(report?.evaluation.arms.reduce((sum, { scoreSum }) => sum + scoreSum, 0)).toBe(20);
});

it("a unit that is known is evaluated without a request for its config, in a session of its own by id too", async () => {
  await contest();
  const { flags: remote } = await flags({ targetingKey: "session" });
  const first = await remote.getObjectDetails("support", {}, { targetingKey: "chat-7" });
  expect(first.flagMetadata.sessionId).toBe("chat-7");
  await client.flush();
  const before = requests.length;
  for (let i = 0; i < 10; i += 1)
    expect((await remote.getObjectDetails("support", {}, { targetingKey: "chat-7" })).value).toEqual(
      first.value,
    );
  expect(requests.slice(before)).toEqual([]);
});

it("a key that may see one project alone evaluates that one's flags, asking for others once", async () => {
  await test.engine.project("secret", { champion: LONG });
  await contest();
  const { key } = await test.engine.keys.create({
    name: "agent",
    scopes: ["record", "read"],
    projects: ["support"],
  });
  const { flags: remote } = await flags({}, { key });
  const context = { targetingKey: "user-1" };
  expect(await remote.getStringDetails("support.model", "?", context)).toMatchObject({ value: "m-large" });
  const asked = requests.filter((request) => request.startsWith("GET"));
  await remote.getStringDetails("support.model", "?", context);
  expect(requests.filter((request) => request.startsWith("GET"))).toEqual(asked);
  for (let i = 0; i < 2; i += 1)
    expect(await remote.getObjectDetails("secret", {}, context)).toMatchObject({
      value: {},
      errorCode: "GENERAL",
      errorMessage: expect.stringContaining("not for project 'secret'"),
    });
  expect(requests.filter((request) => request.includes("secret"))).toHaveLength(1);
});

it("while the server is away flags are STALE, and outcomes arrive when it is back", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const bot = await contest();
  const { flags: remote, provider } = await flags({ kinds: { thumbs: "explicit" } });
  const told: string[] = [];
  remote.addHandler(ProviderEvents.Stale, () => void told.push("stale"));
  remote.addHandler(ProviderEvents.Ready, () => void told.push("ready"));
  const style = () => remote.getStringDetails("support.prompt.style", "?", { targetingKey: "user-1" });
  const before = await style();
  await client.flush();
  isAway = true;
  remote.track("thumbs", { targetingKey: "user-1" }, { value: 1 });
  await eventually(() => expect(client.health().status).toBe("degraded"));
  expect(await style()).toMatchObject({ value: before.value, reason: "STALE" });
  vi.advanceTimersByTime(1000);
  isAway = false;
  await eventually(async () => {
    test.clock.advance(6000);
    expect(client.health().status).toBe("ok");
  });
  vi.advanceTimersByTime(1000);
  expect(await style()).toMatchObject({ value: before.value, reason: "SPLIT" });
  expect(told).toEqual(["ready", "stale", "ready"]);
  await provider.onClose();
  await client.flush();
  await test.settleAll();
  expect((await bot.report())?.evaluation.arms.reduce((sum, { scoreSum }) => sum + scoreSum, 0)).toBe(1);
});

it("a promotion elsewhere is told of at the client's next look", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const bot = await contest();
  const { flags: remote } = await flags();
  const changed: unknown[] = [];
  remote.addHandler(
    ProviderEvents.ConfigurationChanged,
    (details) => void changed.push(details?.flagsChanged),
  );
  await remote.getStringValue("support.prompt.style", "?", { targetingKey: "user-1" });
  vi.advanceTimersByTime(1000);
  await bot.promote({ reason: "the test" });
  test.clock.advance(6000);
  await eventually(() => {
    vi.advanceTimersByTime(1000);
    expect(changed).toEqual([["support.prompt.style"]]);
  });
  expect(await remote.getStringValue("support.prompt.style", "?")).toBe("short");
});
