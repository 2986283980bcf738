/** Webhooks against a real endpoint on this machine: nothing lost, nothing made up, whatever the endpoint does. */
import { execFile } from "node:child_process";
import type { ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CloudEvent } from "../../src/engine/webhooks/message.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { type Receiver, startReceiver } from "../support/receiver.js";
import { temporaryDatabase } from "../support/temporary.js";

const CHAMPION = { prompt: "thorough" };
const DAY_MS = 86_400_000;

let test: TestEngine;
let receiver: Receiver;

beforeEach(async () => {
  test = await createTestEngine({ seed: 3 });
  receiver = await startReceiver();
});
afterEach(async () => {
  await test.close();
  await receiver.close();
});

const eventsOf = ({ messages }: Receiver): CloudEvent[] => messages.map(({ body }) => JSON.parse(body));
const actionsOf = (from: Receiver): string[] => eventsOf(from).map(({ data }) => data.action);

async function add(more: Partial<Parameters<TestEngine["engine"]["webhooks"]["add"]>[0]> = {}) {
  return test.engine.webhooks.add({ url: receiver.url, allowPrivate: true, ...more });
}

/** A project with a few changes after each other. */
async function changes(key = "support") {
  const bot = await test.engine.project(key, { champion: CHAMPION });
  await bot.challenge({ prompt: "brief" }, { share: 0.5 });
  await bot.pause({ reason: "a look" });
  await bot.resume({ reason: "seen" });
  await bot.promote({ reason: "it is better", actor: "ada" });
}

describe("a webhook", () => {
  it("is told of every change after it was added, in order, as the stream of events tells it", async () => {
    await test.engine.project("earlier", { champion: CHAMPION });
    await add();
    await changes();
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 5, failed: 0 });
    expect(actionsOf(receiver)).toEqual(["created", "started", "paused", "resumed", "promoted"]);
    const stream = (await test.engine.events(null)).filter(({ project }) => project === "support");
    expect(eventsOf(receiver).map(({ data }) => data)).toEqual(JSON.parse(JSON.stringify(stream)));
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 0 });
  });

  it("signs what it sends", async () => {
    const { secret } = await add();
    await changes();
    await test.engine.webhooks.deliver();
    // The library looks at the clock of the machine; the timestamp is the virtual one's.
    for (const { headers, body } of receiver.messages) {
      const id = headers["webhook-id"] as string;
      const atS = Number(headers["webhook-timestamp"]);
      expect(atS).toBe(Math.floor(test.clock.now() / 1000));
      const signature = new Webhook(secret).sign(id, new Date(atS * 1000), body);
      expect(headers["webhook-signature"]).toBe(signature);
      expect(headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
      expect(JSON.parse(body).id).toBe(id);
    }
    expect(receiver.messages).toHaveLength(5);
  });

  it("is told by ticks, and by no dry run", async () => {
    await add({ actions: ["promoted"] });
    await changes();
    await test.engine.decide({ dryRun: true });
    await test.engine.webhooks.idle();
    expect(receiver.messages).toEqual([]);
    await test.engine.decide();
    await test.engine.webhooks.idle();
    expect(actionsOf(receiver)).toEqual(["promoted"]);
  });

  it("of one project and some actions is told of these alone", async () => {
    await changes("other");
    await test.engine.project("support", { champion: CHAMPION });
    await add({ project: "support", actions: ["paused", "promoted"] });
    await changes("support");
    await changes("third");
    await test.engine.webhooks.deliver();
    expect(eventsOf(receiver).map(({ subject, type, data }) => [data.project, type, subject])).toEqual([
      ["support", "dethrone.experiment.paused", expect.any(String)],
      ["support", "dethrone.experiment.promoted", expect.any(String)],
    ]);
  });

  it("that is disabled is told of nothing, and once enabled of what comes after", async () => {
    const { id } = await add();
    await test.engine.webhooks.disable(id);
    await changes("one");
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 0 });
    await test.engine.webhooks.enable(id.slice(0, 30));
    const bot = await test.engine.project("two", { champion: CHAMPION });
    await test.engine.webhooks.enable(id);
    await test.engine.webhooks.deliver();
    expect(actionsOf(receiver)).toEqual(["created"]);
    expect(eventsOf(receiver)[0]?.data.project).toBe(bot.key);
  });

  it("that is removed takes its deliveries along", async () => {
    const { id } = await add();
    receiver.answer(500);
    await changes();
    await test.engine.webhooks.deliver();
    await test.engine.webhooks.remove(id);
    expect(await test.engine.webhooks.list()).toEqual([]);
    expect((await test.engine.webhooks.deliveries()).deliveries).toEqual([]);
    await expect(test.engine.webhooks.get(id)).rejects.toMatchObject({ code: "webhook_not_found" });
  });

  it("with a new secret signs with both for a day", async () => {
    const { id, secret } = await add();
    const rotated = await test.engine.webhooks.rotate(id);
    expect(rotated.secret).not.toBe(secret);
    await test.engine.webhooks.test(id);
    test.clock.advance(DAY_MS);
    await test.engine.webhooks.test(id);
    const counts = receiver.messages.map(
      ({ headers }) => String(headers["webhook-signature"]).split(" ").length,
    );
    expect(counts).toEqual([2, 1]);
  });

  it("shows its secret once", async () => {
    const { secret } = await add();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(JSON.stringify(await test.engine.webhooks.list())).not.toContain(secret.slice(6));
  });

  it("is refused where it makes no sense", async () => {
    await expect(add({ project: "nobody" })).rejects.toMatchObject({ code: "project_not_found" });
    await expect(add({ actions: ["promotd"] })).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(add({ actions: [] })).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(add({ allowPrivate: false })).rejects.toMatchObject({ code: "webhook_url_refused" });
    await expect(test.engine.webhooks.retry("x")).rejects.toMatchObject({ code: "delivery_not_found" });
    expect(await test.engine.webhooks.list()).toEqual([]);
  });
});

describe("an endpoint in trouble", () => {
  it("is tried again later under the same id, and signed anew", async () => {
    await add({ actions: ["created"] });
    receiver.answer(500, 503, 204);
    await test.engine.project("support", { champion: CHAMPION });
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 1 });
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 0 });
    test.clock.advance(26_000);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 1 });
    test.clock.advance(76_000);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    const { messages } = receiver;
    expect(new Set(messages.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(new Set(messages.map(({ headers }) => headers["webhook-signature"])).size).toBe(3);
    expect(new Set(messages.map(({ body }) => body)).size).toBe(1);
    const [delivery] = (await test.engine.webhooks.deliveries()).deliveries;
    expect(delivery).toMatchObject({ status: "delivered", attempts: 3, lastStatus: 204, lastError: null });
  });

  it("is given up after thirteen attempts, of which doctor tells, and tried again by hand", async () => {
    const { id } = await add({ actions: ["created"] });
    receiver.answer(500);
    await test.engine.project("support", { champion: CHAMPION });
    const firstAtMs = test.clock.now();
    for (let attempt = 1; attempt <= 13; attempt += 1) {
      expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 1 });
      const [waiting] = (await test.engine.webhooks.deliveries({ status: "pending" })).deliveries;
      if (attempt === 2)
        expect((await test.engine.doctor()).findings).toContainEqual(
          expect.objectContaining({ severity: "warning", check: "webhook" }),
        );
      if (waiting) test.clock.advance(waiting.nextAtMs - test.clock.now());
    }
    expect(receiver.messages).toHaveLength(13);
    expect((test.clock.now() - firstAtMs) / DAY_MS).toBeLessThan(4);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 0 });
    const [dead] = (await test.engine.webhooks.deliveries({ webhook: id, status: "dead" })).deliveries;
    expect(dead).toMatchObject({ status: "dead", attempts: 13, lastError: "answered 500" });
    const report = await test.engine.doctor();
    expect(report.isHealthy).toBe(false);
    expect(report.findings).toContainEqual(
      expect.objectContaining({ severity: "problem", check: "webhook" }),
    );

    receiver.answer(200);
    await test.engine.webhooks.retryDead(id);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    expect((await test.engine.doctor()).findings.filter(({ check }) => check === "webhook")).toEqual([]);
    await test.engine.webhooks.retry(dead!.uid);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    expect(new Set(receiver.messages.map(({ headers }) => headers["webhook-id"]))).toEqual(
      new Set([dead!.uid]),
    );
  });

  it("holds up no other endpoint, and is not pressed", async () => {
    const other = await startReceiver();
    await add();
    await add({ url: other.url });
    receiver.answer(500);
    await changes();
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 5, failed: 1 });
    expect(receiver.messages).toHaveLength(1);
    expect(other.messages).toHaveLength(5);
    await other.close();
  });

  it("that hangs is left after ten seconds", async () => {
    await add({ actions: ["created"] });
    receiver.answer(() => undefined);
    await test.engine.project("support", { champion: CHAMPION });
    const round = test.engine.webhooks.deliver();
    await receiver.received(1);
    test.clock.advance(10_000);
    expect(await round).toEqual({ delivered: 0, failed: 1 });
    const [delivery] = (await test.engine.webhooks.deliveries()).deliveries;
    expect(delivery).toMatchObject({
      status: "pending",
      lastStatus: null,
      lastError: "no answer within 10 s",
    });
  });

  it("that asks to be left alone is, for half a day at most", async () => {
    await add({ actions: ["created"] });
    await test.engine.project("support", { champion: CHAMPION });
    const asking = (seconds: string) => (response: ServerResponse) =>
      response.writeHead(503, { "retry-after": seconds }).end();
    receiver.answer(asking("3600"), asking("99999999"), 204);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 1 });
    for (const waitMs of [3_600_000, DAY_MS / 2]) {
      test.clock.advance(waitMs - 1000);
      expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 0 });
      test.clock.advance(1000);
      await test.engine.webhooks.deliver();
    }
    expect((await test.engine.webhooks.deliveries()).deliveries).toMatchObject([
      { status: "delivered", attempts: 3 },
    ]);
  });

  it("that is gone for good is disabled, and what waited for it is told of as dead", async () => {
    const { id } = await add({ actions: ["created"] });
    receiver.answer(410);
    for (const key of ["one", "two"]) await test.engine.project(key, { champion: CHAMPION });
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 1 });
    expect(await test.engine.webhooks.list()).toMatchObject([{ id, isEnabled: false }]);
    const { deliveries } = await test.engine.webhooks.deliveries();
    expect(deliveries.map(({ status }) => status)).toEqual(["pending", "dead"]);
    test.clock.advance(DAY_MS);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 0 });
    expect(receiver.messages).toHaveLength(1);
  });

  it("is not followed elsewhere", async () => {
    const elsewhere = await startReceiver();
    await add({ actions: ["created"] });
    receiver.answer((response) => response.writeHead(307, { location: elsewhere.url }).end());
    await test.engine.project("support", { champion: CHAMPION });
    await test.engine.webhooks.deliver();
    expect(elsewhere.messages).toEqual([]);
    const [delivery] = (await test.engine.webhooks.deliveries()).deliveries;
    expect(delivery).toMatchObject({
      lastStatus: 307,
      lastError: "answered 307; redirects are not followed",
    });
    await elsewhere.close();
  });

  it("that answers without end is cut off, and has been told", async () => {
    await add({ actions: ["created"] });
    let isCut = false;
    receiver.answer((response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more).on("close", () => {
        isCut = true;
      });
      more();
    });
    await test.engine.project("support", { champion: CHAMPION });
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    await expect.poll(() => isCut).toBe(true);
  });

  it("that is not there is told of once it is", async () => {
    await receiver.close();
    await add({ actions: ["created"] });
    await test.engine.project("support", { champion: CHAMPION });
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 0, failed: 1 });
    const [delivery] = (await test.engine.webhooks.deliveries()).deliveries;
    expect(delivery?.lastError).toContain("ECONNREFUSED");
  });
});

describe("several processes", () => {
  it("deliver side by side, each event once", async () => {
    const url = temporaryDatabase();
    const one = await createTestEngine({ url, seed: 1 });
    const two = await createTestEngine({ url, seed: 2 });
    await one.engine.webhooks.add({ url: receiver.url, allowPrivate: true });
    for (let i = 0; i < 30; i += 1)
      await (i % 2 === 0 ? one : two).engine.project(`p${i}`, { champion: CHAMPION });
    await Promise.all([one, two, one, two].map(({ engine }) => engine.webhooks.deliver()));
    await one.engine.webhooks.deliver();
    const projects = eventsOf(receiver).map(({ data }) => data.project);
    expect(projects.toSorted()).toEqual(Array.from({ length: 30 }, (_, i) => `p${i}`).sort());
    await one.close();
    await two.close();
  });

  it("that tick at the same moment lose nothing and repeat nothing", async () => {
    const url = temporaryDatabase();
    const { engine, close } = await createTestEngine({ url });
    await engine.webhooks.add({ url: receiver.url, allowPrivate: true });
    for (let i = 0; i < 12; i += 1) await engine.project(`p${i}`, { champion: CHAMPION });
    await close();
    const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
    const tick = () => promisify(execFile)(process.execPath, [main, "decide", "--db", url]);
    await Promise.all([tick(), tick(), tick()]);
    const projects = eventsOf(receiver).map(({ data }) => data.project);
    expect(projects.toSorted()).toEqual(Array.from({ length: 12 }, (_, i) => `p${i}`).sort());
  }, 180_000);

  it("move an endpoint's mark in the log forward alone", async () => {
    const { real } = await faultyStore(() => ({}));
    const { engine } = await engineOver(async () => real);
    const { id } = await engine.webhooks.add({ url: receiver.url, allowPrivate: true });
    const [before] = await real.webhooks.all();
    const from = { webhook: before!, deliveries: [], nowMs: 0 };
    expect(await real.webhooks.queue({ ...from, seenId: before!.seenId + 2 })).toBe(true);
    expect(await real.webhooks.queue({ ...from, seenId: before!.seenId + 1 })).toBe(false);
    expect(await real.webhooks.all()).toMatchObject([{ id, seenId: before!.seenId + 2 }]);
    await engine.close();
  });

  it("that crash between a delivery and its mark have it repeated under the same id", async () => {
    const { real } = await faultyStore(() => ({}));
    const { engine, clock } = await engineOver(async () => real);
    const { webhooks } = real;
    await engine.webhooks.add({ url: receiver.url, allowPrivate: true, actions: ["created"] });
    await engine.project("support", { champion: CHAMPION });
    const end = webhooks.end.bind(webhooks);
    webhooks.end = () => Promise.reject(new Error("gone"));
    await expect(engine.webhooks.deliver()).rejects.toThrow("gone");
    webhooks.end = end;
    const [begun] = (await engine.webhooks.deliveries()).deliveries;
    expect(begun).toMatchObject({ status: "pending", attempts: 1, lastError: null });
    clock.advance(26_000);
    expect(await engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    const ids = receiver.messages.map(({ headers }) => headers["webhook-id"]);
    expect(ids).toEqual([begun!.uid, begun!.uid]);
    await engine.close();
  });
});
