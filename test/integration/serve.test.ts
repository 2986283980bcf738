import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { createApp } from "../../src/server/app.js";
import { listen } from "../../src/server/listen.js";
import { createTestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { nodeProcess } from "../support/processes.js";
import { temporaryDatabase } from "../support/temporary.js";

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;

interface Serving {
  readonly url: string;
  readonly open: boolean;
  readonly child: ChildProcess;
  readonly log: () => string;
  readonly exit: Promise<number | null>;
}

/** `dethrone serve` in a process of its own. */
function served(db: string, ...flags: string[]): Promise<Serving> {
  const child = nodeProcess(MAIN, "serve", "--db", db, "--port", "0", "--json", ...flags);
  let [out, log] = ["", ""];
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.includes("\n")) resolve({ ...JSON.parse(out), child, exit, log: () => log });
    });
    void exit.then((code) => reject(new Error(`serve ended with ${code}: ${out}${log}`)));
  });
}

const post = (url: string, body: unknown, key?: string) =>
  fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
  });

it("serves whoever is on this machine until there is a key, and stops with everything on disk", async () => {
  const db = temporaryDatabase();
  const { url, open, child, exit, log } = await served(db, "--cron", "* * * * * *");
  expect(open).toBe(true);
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: "ok" });
  await post(`${url}/v1/projects`, { key: "support", champion: { prompt: "long" } });
  await post(`${url}/v1/projects/support/experiments`, { challengers: { prompt: "short" }, share: 0.5 });
  // The schedule of this process tells of its ticks.
  const events = (await fetch(`${url}/v1/events`)).body!.getReader();
  let told = "";
  while (!told.includes("event: evaluation")) told += new TextDecoder().decode((await events.read()).value);
  const starting = Array.from({ length: 50 }, () => post(`${url}/v1/projects/support/sessions`, {}));
  const started = await Promise.all(starting.map(async (answer) => (await answer).status));
  expect(new Set(started)).toEqual(new Set([201]));
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
  const engine = await createTestEngine({ url: db });
  expect((await engine.engine.sessions({ limit: 200 })).sessions).toHaveLength(50);
  await engine.close();
  const lines = log()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.at(-1)).toMatchObject({ level: "info", message: "stopping" });
  expect(lines.find(({ route }) => route === "startSession")).toMatchObject({ status: 201, method: "POST" });
});

it("asks for a key once there is one, and listens elsewhere with one alone", async () => {
  const db = temporaryDatabase();
  const refused = await cli("serve", "--host", "0.0.0.0", "--port", "0", "--db", db, "--json");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.json()).toMatchObject({ error: { code: "settings_invalid", details: { field: "host" } } });
  const made = await cli(
    "keys",
    "create",
    "ci",
    "--scope",
    "read,admin",
    "--expires",
    "90d",
    "--db",
    db,
    "--json",
  );
  const { key } = made.json<{ key: string }>();
  expect(key).toMatch(/^dth_[A-Za-z0-9_-]{43}$/);
  const { url, open, child, exit, log } = await served(db, "--host", "0.0.0.0", "--no-decide");
  expect(open).toBe(false);
  const at = url.replace("0.0.0.0", "127.0.0.1");
  expect((await fetch(`${at}/v1/projects`)).status).toBe(401);
  expect((await fetch(`${at}/v1/projects`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(
    200,
  );
  child.kill("SIGINT");
  expect(await exit).toBe(0);
  expect(log()).not.toContain(key.slice(4));
  const listed = await cli("keys", "list", "--db", db);
  expect(listed.out).toMatch(/ci .*read admin +all +until /);
  expect(listed.out).not.toContain(key.slice(4));
  expect(await cli("keys", "revoke", "ci", "--db", db)).toMatchObject({ code: 0 });
  expect((await cli("keys", "list", "--db", db)).out).toContain("revoked");
  expect(await cli("keys", "revoke", "ci", "--db", db)).toMatchObject({ code: 3 });
  expect(await cli("keys", "create", "x", "--scope", "write", "--db", db)).toMatchObject({ code: 2 });
});

it("lets nobody in without a key any more once there is one", async () => {
  const db = temporaryDatabase();
  const { url, child, exit, log } = await served(db, "--no-decide");
  const anyone = (): Promise<number> => fetch(`${url}/v1/projects`).then(({ status }) => status);
  expect(await anyone()).toBe(200);
  const made = await cli("keys", "create", "ci", "--scope", "read", "--db", db, "--json");
  while (!log().includes("there is a key now")) await once(child.stderr!, "data");
  expect(await anyone()).toBe(401);
  expect((await fetch(`${url}/`, { redirect: "manual" })).status).toBe(303);
  const { key } = made.json<{ key: string }>();
  const headers = { authorization: `Bearer ${key}` };
  expect((await fetch(`${url}/v1/projects`, { headers })).status).toBe(200);
  // Without keys it stays closed: it was not left open, it was locked.
  await cli("keys", "revoke", "ci", "--db", db);
  expect(await anyone()).toBe(401);
  child.kill("SIGTERM");
  expect(await exit).toBe(0);
});

it("a server that stops lets what is being answered finish, and cuts off what does not", async () => {
  const { engine, close } = await createTestEngine();
  let finish = (): void => undefined;
  const app = createApp(engine, { open: true });
  const slow = {
    ...{ announce: () => undefined, close: () => app.close() },
    fetch: async (request: Request) => {
      if (request.url.endsWith("/slow")) await new Promise<void>((resolve) => (finish = resolve));
      return app.fetch(request);
    },
  };
  const server = await listen(slow, { port: 0, drainMs: 200 });
  const answer = fetch(`${server.url}/slow`);
  const idle = connect(server.port, "127.0.0.1");
  await fetch(`${server.url}/healthz`);
  const gone = new Promise((resolve) => idle.once("close", resolve));
  const stopping = server.stop();
  expect(server.stop()).toBe(stopping);
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  finish();
  expect((await answer).status).toBe(404);
  await stopping;
  await gone;
  await close();
});

it("a request that takes too long to arrive is cut off", async () => {
  const { engine, close } = await createTestEngine();
  const server = await listen(createApp(engine, { open: true }), { port: 0, arrivalMs: 200 });
  const slow = connect(server.port, "127.0.0.1");
  let answer = "";
  slow.on("data", (chunk) => {
    answer += chunk;
  });
  slow.write(
    "POST /v1/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
  );
  await new Promise((resolve) => slow.once("close", resolve));
  expect(answer).toMatch(/^HTTP\/1.1 408/);
  await server.stop();
  await close();
});

it("an address that cannot be listened to is told of", async () => {
  const { engine, close } = await createTestEngine();
  const app = createApp(engine, { open: true });
  const first = await listen(app, { port: 0 });
  await expect(listen(app, { port: first.port })).rejects.toMatchObject({ code: "settings_invalid" });
  await first.stop();
  await close();
});
