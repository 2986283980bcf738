import { beforeEach, describe, expect, it } from "vitest";
import type { Scope } from "../../src/engine/ports.js";
import type { Route } from "../../src/server/contract/route.js";
import { ROUTES } from "../../src/server/contract/routes.js";
import { type TestApp, testApp } from "../support/app.js";
import { LONG, useSetting } from "../support/setting.js";

const setting = useSetting();
let ask: TestApp["ask"];

beforeEach(async () => {
  await setting.contest();
  await setting.contest({}, "other");
  ask = testApp(setting.test, { open: false }).ask;
});

async function keyOf(scopes: readonly Scope[], projects?: readonly string[], expiresAtMs?: number) {
  const made = await setting.test.engine.keys.create({
    name: scopes.join("+"),
    scopes,
    projects,
    expiresAtMs,
  });
  return made.key;
}

const pathOf = (path: string): string => path.replaceAll("{project}", "support").replaceAll(/\{\w+\}/g, "x");
const routes = Object.entries<Route>(ROUTES).filter(([, { scope }]) => scope !== null);

describe("a key", () => {
  it("is asked of every operation that has a scope", async () => {
    for (const [id, { method, path }] of routes) {
      const answer = await ask(method.toUpperCase(), pathOf(path), method === "get" ? {} : { body: {} });
      expect([id, answer.status, answer.body]).toMatchObject([id, 401, { code: "key_missing" }]);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  it("does what its scopes say and nothing else", async () => {
    const keys = {
      read: await keyOf(["read"]),
      record: await keyOf(["record"]),
      admin: await keyOf(["admin"]),
    };
    const asked = routes.filter(([id]) => id !== "streamEvents");
    for (const [id, { method, path, scope }] of asked) {
      const body = ["simulate", "plan"].includes(id) ? { horizon: 10, runs: 1 } : {};
      for (const [holds, key] of Object.entries(keys)) {
        const answer = await ask(method.toUpperCase(), pathOf(path), {
          key,
          ...(method !== "get" && { body }),
        });
        const { code } = answer.body as { code?: string };
        expect([id, holds, code === "scope_missing"]).toEqual([id, holds, holds !== scope]);
      }
    }
  });

  it("that is unknown, malformed, expired or revoked is rejected", async () => {
    const { clock, engine } = setting.test;
    const expiring = await keyOf(["read"], undefined, clock.now() + 1000);
    const revoked = await engine.keys.create({ name: "gone", scopes: ["read"] });
    for (const key of [expiring, revoked.key])
      expect(await ask("GET", "/v1/projects", { key })).toMatchObject({ status: 200 });
    clock.advance(1000);
    await engine.keys.revoke("gone");
    const unknown = `dth_${"a".repeat(43)}`;
    for (const key of [expiring, revoked.key, unknown, "dth_short", "'OR'1'='1", `${expiring}x`]) {
      const answer = await ask("GET", "/v1/projects", { key });
      expect(answer).toMatchObject({ status: 401, body: { code: "key_rejected" } });
      // No part of a key is ever told.
      expect(answer.text).not.toContain(key.slice(4, 20));
    }
    for (const authorization of ["Basic abc", "Bearer", "", expiring])
      expect(await ask("GET", "/v1/projects", { headers: { authorization } })).toMatchObject({
        body: { code: "key_missing" },
      });
  });

  it("revoked by another process is refused here within two seconds", async () => {
    const { clock } = setting.test;
    const { id, key } = await setting.test.engine.keys.create({ name: "k", scopes: ["read"] });
    expect(await ask("GET", "/v1/projects", { key })).toMatchObject({ status: 200 });
    const elsewhere = await setting.elsewhere();
    await elsewhere.engine.keys.revoke(id);
    clock.advance(2001);
    expect(await ask("GET", "/v1/projects", { key })).toMatchObject({ status: 401 });
  });

  it("is stored as its hash alone, and the hour of its use with it", async () => {
    const { key } = await setting.test.engine.keys.create({ name: "k", scopes: ["read"] });
    await ask("GET", "/v1/projects", { key });
    await setting.test.engine.flush();
    const [row] = await setting.sql<Record<string, unknown>>("SELECT * FROM api_keys");
    expect(JSON.stringify(row)).not.toContain(key.slice(4));
    expect(row).toMatchObject({ name: "k", last_used_at_ms: setting.test.clock.now() });
    expect(JSON.stringify(await setting.test.engine.keys.list())).not.toMatch(/dth_|hash/);
  });

  it("that cannot be made or revoked as asked is refused with what is allowed", async () => {
    const { keys } = setting.test.engine;
    const wrong = [
      { name: "", scopes: ["read"] },
      { name: "k", scopes: [] },
      { name: "k", scopes: ["write"] },
      { name: "k", scopes: ["read"], projects: [1] },
      { name: "k", scopes: ["read"], expiresAtMs: 1 },
    ];
    for (const input of wrong)
      await expect(keys.create(input as never)).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(keys.revoke("nobody")).rejects.toMatchObject({ code: "key_not_found" });
    await keys.create({ name: "twin", scopes: ["read"] });
    await keys.create({ name: "twin", scopes: ["read"] });
    await expect(keys.revoke("twin")).rejects.toMatchObject({ code: "key_not_found" });
  });
});

describe("a key of one project", () => {
  it("sees nothing of another: whether there is one cannot be told", async () => {
    const key = await keyOf(["read", "record", "admin"], ["support"]);
    for (const [id, { method, path }] of routes) {
      if (!path.includes("{project}")) continue;
      const told = [];
      for (const project of ["other", "nowhere"]) {
        const at = path.replaceAll("{project}", project).replaceAll(/\{\w+\}/g, "x");
        const { status, body } = await ask(
          method.toUpperCase(),
          at,
          method === "get" ? { key } : { key, body: {} },
        );
        told.push([status, JSON.stringify({ ...(body as object), requestId: "" }).replaceAll(project, "P")]);
      }
      expect([id, told[0]]).toEqual([id, told[1]]);
      expect([id, told[0]?.[0]]).toEqual([id, 403]);
    }
  });

  it("finds sessions, decisions and projects of its own alone", async () => {
    const key = await keyOf(["read", "record", "admin"], ["support"]);
    const { engine } = setting.test;
    const session = await (await engine.project("other")).session();
    const mine = await (await engine.project("support")).session();
    for (const project of ["support", "other"]) {
      const bot = await engine.project(project);
      await bot.abort({ reason: "to see" });
    }
    await engine.flush();
    const decisions = await engine.decisions({ project: "other" });
    const other = decisions.decisions[0]!.uid;
    expect(await ask("GET", "/v1/projects", { key })).toMatchObject({
      body: { projects: [{ key: "support" }] },
    });
    expect(await ask("GET", "/v1/sessions", { key })).toMatchObject({
      body: { sessions: [{ id: mine.id }] },
    });
    expect(await ask("GET", "/v1/sessions?project=other", { key })).toMatchObject({ status: 403 });
    expect(await ask("GET", "/v1/decisions", { key })).toMatchObject({
      body: { decisions: [{ project: "support" }] },
    });
    for (const at of [
      `/v1/sessions/${session.id}`,
      `/v1/decisions/${other}`,
      "/v1/sessions/no",
      "/v1/decisions/no",
    ])
      expect([at, (await ask("GET", at, { key })).status]).toEqual([at, 404]);
    const end = { key, body: { score: 1 } };
    for (const id of [session.id, "nobody"]) {
      expect(await ask("POST", `/v1/sessions/${id}/end`, end)).toMatchObject({
        status: 404,
        body: { code: "session_not_found", detail: `There is no session '${id}'.` },
      });
    }
    expect(await ask("POST", "/v1/ticks", { key, body: {} })).toMatchObject({ status: 403 });
    expect(await ask("POST", "/v1/ticks", { key, body: { project: "other" } })).toMatchObject({
      status: 403,
    });
    expect(await ask("POST", "/v1/plans", { key, body: { project: "other" } })).toMatchObject({
      status: 403,
    });
    expect(await ask("POST", "/v1/projects", { key, body: { key: "new", champion: LONG } })).toMatchObject({
      status: 403,
    });
    const { text } = await ask("GET", "/metrics", { key });
    expect(text).not.toContain('"other"');
  });

  it("is not told of other projects where its own is not there", async () => {
    const key = await keyOf(["read", "admin"], ["to-come"]);
    const { status, text } = await ask("GET", "/v1/projects/to-come/configs", { key });
    expect(status).toBe(404);
    expect(text).not.toContain("support");
  });
});

describe("a request", () => {
  it("with a body that is too large, no JSON, too deep or of another type is refused", async () => {
    const key = await keyOf(["record", "admin"]);
    const at = "/v1/projects/support/sessions";
    const deep = `{"context":${"[".repeat(100)}${"]".repeat(100)}}`;
    const cases: [number, string, unknown, Record<string, string>?][] = [
      [413, "body_too_large", { unit: "x".repeat(1_100_000) }],
      [413, "body_too_large", "{}", { "content-length": "99999999" }],
      [400, "input_invalid", "{"],
      [400, "input_invalid", "[]"],
      [400, "input_invalid", "null"],
      [400, "input_invalid", deep],
      [400, "input_invalid", { unit: "u", admin: true }],
      [400, "input_invalid", { unit: 5 }],
      [400, "input_invalid", { unit: "" }],
      [415, "content_type_invalid", "{}", { "content-type": "text/plain" }],
      [415, "content_type_invalid", "a=b", { "content-type": "application/x-www-form-urlencoded" }],
    ];
    for (const [status, code, body, headers = {}] of cases) {
      const answer = await ask("POST", at, { key, body, headers });
      expect([body, answer.status, answer.body]).toMatchObject([body, status, { code }]);
    }
  });

  it("is nested at most 64 levels deep", async () => {
    const key = await keyOf(["record"]);
    const nested = (levels: number): string => `{"unit":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    const told = async (levels: number): Promise<unknown> =>
      (await ask("POST", "/v1/projects/support/sessions", { key, body: nested(levels) })).body;
    const refused = { status: 400, code: "input_invalid" };
    expect(await told(65)).toMatchObject({
      ...refused,
      detail: "The body is nested more than 64 levels deep.",
    });
    expect(await told(64)).toMatchObject({ ...refused, detail: expect.stringContaining("body.unit: ") });
  });

  it("of a stream that never says how long it is, is cut off at the bound", async () => {
    const { app } = testApp(setting.test);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const init = { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } };
    const response = await app.fetch(new Request("http://localhost/v1/records", init as RequestInit));
    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(2_000_000);
  });

  it("for what is not there, or in another way than it is, is told so", async () => {
    const { ask: open } = testApp(setting.test);
    const paths = ["/v2", "/v1", "/v1/projects/support/..%2f..%2fetc/passwd", "/%00", "/v1/projects/a/b/c/d"];
    for (const path of paths)
      expect([path, await open("GET", path)]).toMatchObject([
        path,
        { status: 404, body: { code: "route_not_found" } },
      ]);
    for (const project of ["..%2F..", "%2e%2e", "a%00b", "%E0%A4%A"])
      expect([project, (await open("GET", `/v1/projects/${project}`)).status]).toEqual([project, 404]);
    const wrong = await open("DELETE", "/v1/projects");
    expect(wrong).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
    expect(wrong.headers.get("allow")).toBe("GET, POST");
  });

  it("has an id, its own where that is one, and never one that breaks a header or a log", async () => {
    const { ask: open } = testApp(setting.test);
    const given = await open("GET", "/healthz", { headers: { "x-request-id": "abc-1.2" } });
    expect(given.headers.get("x-request-id")).toBe("abc-1.2");
    for (const id of ["a b", '"}', "x".repeat(101), "<script>", "é"]) {
      const answer = await open("GET", "/nowhere", {
        headers: { "x-request-id": encodeURI(id) === id ? id : "a b" },
      });
      const made = answer.headers.get("x-request-id")!;
      expect(made).toMatch(/^[A-Za-z0-9._-]+$/);
      expect(answer.body).toMatchObject({ requestId: made });
    }
  });

  it("to an open server by a name that is not its own is refused", async () => {
    const { ask: open } = testApp(setting.test, { hosts: ["localhost"] });
    expect(await open("GET", "/v1/projects", { headers: { host: "localhost:4700" } })).toMatchObject({
      status: 200,
    });
    expect(await open("GET", "/v1/projects", { headers: { host: "evil.example" } })).toMatchObject({
      status: 421,
      body: { code: "host_refused" },
    });
  });

  it("from a page of another site is allowed for the origins named, and no others", async () => {
    const preflight = {
      headers: { origin: "https://app.example", "access-control-request-method": "POST" },
    };
    const { ask: closed } = testApp(setting.test);
    expect(
      (await closed("OPTIONS", "/v1/records", preflight)).headers.get("access-control-allow-origin"),
    ).toBeNull();
    const { ask: open } = testApp(setting.test, { corsOrigins: ["https://app.example"] });
    const allowed = await open("OPTIONS", "/v1/records", preflight);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
    const other = await open("OPTIONS", "/v1/records", {
      headers: { ...preflight.headers, origin: "https://evil.example" },
    });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("beyond the rate of its key is told when to come back, and other keys are not", async () => {
    const limited = testApp(setting.test, { open: false, requestsPerMinute: 2 });
    const [a, b] = [await keyOf(["read"]), await keyOf(["read"])];
    for (let i = 0; i < 2; i += 1)
      expect(await limited.ask("GET", "/v1/projects", { key: a })).toMatchObject({ status: 200 });
    const refused = await limited.ask("GET", "/v1/projects", { key: a });
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited", kind: "throttled" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(await limited.ask("GET", "/v1/projects", { key: b })).toMatchObject({ status: 200 });
    expect(await limited.ask("GET", "/healthz")).toMatchObject({ status: 200 });
  });

  it("is told of once it is answered, without what it carried", async () => {
    const entries: unknown[] = [];
    const logged = testApp(setting.test, { open: false, onRequest: (entry) => entries.push(entry) });
    const key = await keyOf(["read"]);
    await logged.ask("GET", "/v1/sessions?unit=secret-user", { key, headers: { "x-request-id": "r-1" } });
    await logged.ask("POST", "/v1/projects", {
      key,
      body: { key: "k", champion: { password: "secret-user" } },
    });
    expect(entries).toMatchObject([
      { requestId: "r-1", method: "GET", route: "listSessions", status: 200, code: null, error: null },
      { route: "createProject", status: 403, code: "scope_missing", error: null },
    ]);
    expect(JSON.stringify(entries)).not.toMatch(/dth_|secret-user/);
  });
});

it("answers carry what keeps browsers from making more of them", async () => {
  const { headers } = await ask("GET", "/v1/projects");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-store");
});

it("a failure that nobody foresaw tells nothing of its cause, and the log does", async () => {
  const entries: { error: string | null }[] = [];
  const { engine } = setting.test;
  const broken = new Proxy(engine, {
    get(target, name) {
      if (name === "projects") return () => Promise.reject(new TypeError("secret path /home/x"));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { ask: open } = testApp(
    { ...setting.test, engine: broken },
    { onRequest: (entry) => entries.push(entry) },
  );
  const answer = await open("GET", "/v1/projects");
  expect(answer).toMatchObject({ status: 500, body: { code: "invariant_violated" } });
  expect(answer.text).not.toContain("secret");
  expect(entries[0]?.error).toContain("secret path");
});
