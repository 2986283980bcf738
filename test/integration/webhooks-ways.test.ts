/** The ways in to webhooks: command line and HTTP. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { testApp } from "../support/app.js";
import { cli } from "../support/cli.js";
import { type Receiver, startReceiver } from "../support/receiver.js";
import { temporaryDatabase } from "../support/temporary.js";

const CHAMPION = { prompt: "thorough" };

let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

describe("dethrone webhooks", () => {
  let db: string;
  const run = (...args: string[]) => cli("webhooks", ...args, "--db", db);

  beforeEach(async () => {
    db = temporaryDatabase();
    const engine = await createEngine({ url: db });
    await engine.project("support", { champion: CHAMPION });
    await engine.close();
  });

  it("add shows the secret once, on standard output alone with the id", async () => {
    const made = await run("add", receiver.url, "--allow-private", "--event", "labelled");
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^[0-9a-f-]{36}\nwhsec_\S{44}\n$/);
    expect(made.err).toContain("only time");
    const listed = await run("list");
    expect(listed.out).toContain("labelled");
    expect(listed.out).not.toContain("whsec_");
  });

  it("one tick of the command line delivers before it ends", async () => {
    const { id } = (await run("add", receiver.url, "--allow-private", "--json")).json<{ id: string }>();
    await cli("label", "support", "champion", "first", "--reason", "a name", "--db", db);
    expect(receiver.messages).toEqual([]);
    expect((await cli("decide", "--db", db)).code).toBe(0);
    expect(receiver.messages.map(({ body }) => JSON.parse(body).type)).toEqual(["dethrone.project.labelled"]);
    const { deliveries } = (await run("deliveries", "--webhook", id, "--json")).json<{
      deliveries: { status: string }[];
    }>();
    expect(deliveries).toEqual([expect.objectContaining({ status: "delivered", attempts: 1 })]);
    expect((await run("deliveries")).out).toMatch(/support labelled +\S+ ago|support labelled +just now/);
  });

  it("tests, disables, enables, rotates, retries and removes", async () => {
    const { id } = (await run("add", receiver.url, "--allow-private", "--json")).json<{ id: string }>();
    expect((await run("test", id)).out).toBe("Delivered: answered 204.\n");
    receiver.answer(500);
    const failed = await run("test", id);
    expect([failed.code, failed.out]).toEqual([6, "Not delivered: answered 500.\n"]);
    expect((await run("disable", id)).out).toContain("Disabled");
    expect((await run("list")).out).toContain("disabled");
    expect((await run("enable", id)).out).toContain("Enabled");
    expect((await run("rotate", id)).out).toMatch(/whsec_/);

    await cli("label", "support", "champion", "first", "--reason", "a name", "--db", db);
    await cli("decide", "--db", db);
    const [waiting] = (await run("deliveries", "--status", "pending", "--json")).json<{
      deliveries: { uid: string }[];
    }>().deliveries;
    expect((await run("deliveries")).out).toContain("again at");
    receiver.answer(200);
    expect((await run("retry", waiting!.uid, "--json")).json()).toEqual({ delivered: 1, failed: 0 });
    expect((await run("retry", "--dead", id, "--json")).json()).toEqual({ delivered: 0, failed: 0 });
    expect((await run("remove", id)).code).toBe(0);
    expect((await run("list")).out).toContain("There is no webhook");
    expect((await run("deliveries")).out).toContain("Nothing");
  });

  it.each([
    [["add", "http://127.0.0.1/hook"], 2, "webhook_url_refused"],
    [["add", "https://169.254.169.254/", "--allow-private"], 2, "webhook_url_refused"],
    [["add", "https://example.com/", "--event", "promotd"], 2, "settings_invalid"],
    [["add", "https://example.com/", "--project", "nobody"], 3, "project_not_found"],
    [["test", "nobody"], 3, "webhook_not_found"],
    [["retry", "nobody"], 3, "delivery_not_found"],
    [["retry"], 2, "usage_invalid"],
    [["deliveries", "--status", "lost"], 2, "usage_invalid"],
  ])("%s fails with its code", async (args, code, name) => {
    const answer = await run(...args, "--json");
    expect([answer.code, answer.json<{ error: { code: string } }>().error.code]).toEqual([code, name]);
  });
});

describe("webhooks over HTTP", () => {
  let test: TestEngine;

  beforeEach(async () => {
    test = await createTestEngine();
    for (const key of ["support", "other"]) await test.engine.project(key, { champion: CHAMPION });
  });
  afterEach(() => test.close());

  it("are added, listed, rotated, disabled and removed; none that lies in a private network is added", async () => {
    const { ask } = testApp(test);
    const made = await ask("POST", "/v1/webhooks", {
      body: { url: "https://example.com/", project: "other" },
    });
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ project: "other", secret: expect.stringMatching(/^whsec_/) }),
    ]);
    const { id } = made.body as { id: string };
    const listed = await ask("GET", "/v1/webhooks");
    expect(listed.body).toEqual({ webhooks: [expect.objectContaining({ id, isEnabled: true })] });
    expect(listed.text).not.toContain("whsec_");
    expect((await ask("POST", `/v1/webhooks/${id}/rotate`)).body).toHaveProperty("secret");
    expect((await ask("POST", `/v1/webhooks/${id}/disable`)).body).toMatchObject({ isEnabled: false });
    expect((await ask("POST", `/v1/webhooks/${id}/enable`)).body).toMatchObject({ isEnabled: true });
    expect((await ask("POST", `/v1/webhooks/${id}/remove`)).status).toBe(200);
    expect((await ask("POST", `/v1/webhooks/${id}/test`)).body).toMatchObject({ code: "webhook_not_found" });
    for (const body of [{ url: receiver.url }, { url: receiver.url, allowPrivate: true }])
      expect((await ask("POST", "/v1/webhooks", { body })).status).toBe(400);
  });

  it("tell of deliveries, and repeat one", async () => {
    const { ask } = testApp(test);
    const { id } = await test.engine.webhooks.add({ url: receiver.url, allowPrivate: true });
    expect((await ask("POST", `/v1/webhooks/${id}/test`)).body).toMatchObject({
      isDelivered: true,
      status: 204,
    });
    await test.engine.project("third", { champion: CHAMPION });
    await ask("POST", "/v1/ticks", { body: {} });
    await test.engine.webhooks.idle();
    const { deliveries } = (await ask("GET", `/v1/deliveries?webhook=${id}&status=delivered`)).body as {
      deliveries: { uid: string; event: { project: string } }[];
    };
    expect(deliveries.map(({ event }) => event.project)).toEqual(["third"]);
    expect((await ask("POST", `/v1/deliveries/${deliveries[0]!.uid}/retry`)).status).toBe(200);
    expect(await test.engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
  });

  it("are those of a key's projects alone", async () => {
    const { ask } = testApp(test, { open: false });
    const { key } = await test.engine.keys.create({ name: "ops", scopes: ["admin"], projects: ["support"] });
    const all = await test.engine.webhooks.add({ url: receiver.url, allowPrivate: true });
    const other = await test.engine.webhooks.add({ url: receiver.url, allowPrivate: true, project: "other" });
    const own = await test.engine.webhooks.add({ url: receiver.url, allowPrivate: true, project: "support" });
    const bot = await test.engine.project("other");
    await bot.holdout(0.1, { reason: "a baseline" });
    await test.engine.webhooks.deliver();
    const { deliveries } = await test.engine.webhooks.deliveries({ webhook: other.id });

    const listed = (await ask("GET", "/v1/webhooks", { key })).body as { webhooks: { id: string }[] };
    expect(listed.webhooks.map(({ id }) => id)).toEqual([own.id]);
    for (const id of [all.id, other.id])
      expect((await ask("POST", `/v1/webhooks/${id}/remove`, { key })).status).toBe(404);
    expect((await ask("GET", "/v1/deliveries", { key })).body).toMatchObject({ deliveries: [] });
    const refused = await ask("POST", `/v1/deliveries/${deliveries[0]!.uid}/retry`, { key });
    expect(refused.body).toMatchObject({ code: "delivery_not_found" });
    for (const project of [undefined, "other"]) {
      const body = { url: "https://example.com/", project };
      expect((await ask("POST", "/v1/webhooks", { key, body })).body).toMatchObject({
        code: "scope_missing",
      });
    }
  });
});
