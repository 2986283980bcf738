import { Hono } from "hono";
import { beforeEach, expect, it } from "vitest";
import { type AppEnvironment, createApp, type PagesHost } from "../../src/server/app.js";
import { CSRF_FIELD } from "../../src/server/page-access.js";
import { useSetting } from "../support/setting.js";

const setting = useSetting();

/** Pages as a dashboard has them: one to look at, one form, and the page one comes in by. */
function pages({ access }: PagesHost): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.get("/login", (c) => c.html("come in"));
  app.use("/", access.requirePrincipal);
  app.use("/change", access.requirePrincipal);
  app.get("/", (c) => c.text(`${c.get("principal").name} ${access.csrfToken(c)}`));
  app.post("/change", async (c) => {
    await access.verifyCsrf(c);
    return c.text("changed");
  });
  return app;
}

const ORIGIN = "https://dash.example";
let app: ReturnType<typeof createApp>;
let key: string;

beforeEach(async () => {
  await setting.project();
  const { engine, clock } = setting.test;
  app = createApp(engine, { pages, clock });
  ({ key } = await engine.keys.create({ name: "ada", scopes: ["read", "admin"] }));
});

interface Posting {
  readonly cookie?: string | undefined;
  readonly headers?: Record<string, string>;
}

const cookieHeader = (cookie: string | undefined) => (cookie === undefined ? {} : { cookie });

function post(path: string, fields: Record<string, string>, { cookie, headers }: Posting = {}) {
  return app.fetch(
    new Request(`${ORIGIN}${path}`, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: ORIGIN, ...cookieHeader(cookie), ...headers },
    }),
  );
}

const get = (path: string, cookie?: string) =>
  app.fetch(new Request(`${ORIGIN}${path}`, { headers: cookieHeader(cookie) }));

/** Comes in by the key; the cookie. */
async function comeIn(): Promise<string> {
  const response = await post("/login", { key });
  expect(response.status).toBe(303);
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

async function tokenOf(cookie: string): Promise<string> {
  return (await (await get("/", cookie)).text()).split(" ")[1]!;
}

it("a page leads to the door, and by a key through it, back to the page", async () => {
  const away = await get("/?a=1");
  expect([away.status, away.headers.get("location")]).toEqual([303, "/login?next=%2F%3Fa%3D1"]);
  const response = await post("/login", { key, next: "/?a=1" });
  expect(response.headers.get("location")).toBe("/?a=1");
  const cookie = response.headers.get("set-cookie")!;
  for (const part of ["HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=43200"])
    expect(cookie).toContain(part);
  expect(cookie).not.toContain(key.slice(4));
  const page = await get("/", cookie.split(";")[0]);
  expect(await page.text()).toMatch(/^ada /);
  const policy = page.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(page.headers.get("x-request-id")).toMatch(/./);
});

it("the door leads nowhere else", async () => {
  for (const next of [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "/a\nb",
  ])
    expect((await post("/login", { key, next })).headers.get("location")).toBe("/");
});

it("a wrong key stays outside, and many of them are kept waiting", async () => {
  const refused = await post("/login", { key: "dth_wrong" });
  expect(refused.headers.get("location")).toContain("/login?error=key_rejected");
  expect(refused.headers.get("set-cookie")).toBeNull();
  for (let i = 0; i < 9; i += 1) await post("/login", { key: `dth_${i}` });
  expect((await post("/login", { key })).status).toBe(429);
});

it("a cookie lets in while its key does, for half a day, until its holder leaves", async () => {
  const [a, b, c] = [await comeIn(), await comeIn(), await comeIn()];
  expect((await post("/logout", { [CSRF_FIELD]: await tokenOf(a) }, { cookie: a })).status).toBe(303);
  expect((await get("/", a)).status).toBe(303);
  expect((await get("/", b)).status).toBe(200);
  setting.test.clock.advance(12 * 3_600_000);
  expect((await get("/", b)).status).toBe(303);
  const d = await comeIn();
  await setting.test.engine.keys.revoke("ada");
  expect((await get("/", d)).status).toBe(303);
  expect((await get("/", c)).status).toBe(303);
  expect((await get("/", "dethrone_session=made-up")).status).toBe(303);
});

it("a form changes something only from here, by its visitor, with its token", async () => {
  const [mine, yours] = [await comeIn(), await comeIn()];
  const token = await tokenOf(mine);
  const change = (fields: Record<string, string>, posting: Posting) => post("/change", fields, posting);
  expect((await change({ [CSRF_FIELD]: token }, { cookie: mine })).status).toBe(200);
  const sameSite = { origin: "", "sec-fetch-site": "same-origin" };
  const wrong: [Record<string, string>, Posting][] = [
    [{}, { cookie: mine }],
    [{ [CSRF_FIELD]: "x" }, { cookie: mine }],
    [{ [CSRF_FIELD]: await tokenOf(yours) }, { cookie: mine }],
    [{ [CSRF_FIELD]: token }, { cookie: mine, headers: { origin: "https://evil.example" } }],
    [{ [CSRF_FIELD]: token }, { cookie: mine, headers: { origin: "null" } }],
    [{ [CSRF_FIELD]: token }, { cookie: mine, headers: sameSite }],
  ];
  for (const [fields, posting] of wrong) {
    const response = await change(fields, posting);
    expect([response.status, await response.json()]).toMatchObject([403, { code: "csrf_rejected" }]);
  }
  expect((await change({ [CSRF_FIELD]: token }, {})).status).toBe(303);
  const elsewhere = await post("/login", { key }, { headers: { origin: "https://evil.example" } });
  expect(elsewhere.status).toBe(403);
});

it("a cookie reads the API, and changes nothing there", async () => {
  const cookie = await comeIn();
  expect((await get("/v1/projects", cookie)).status).toBe(200);
  const response = await app.fetch(
    new Request(`${ORIGIN}/v1/projects`, {
      method: "POST",
      body: JSON.stringify({ key: "new", champion: {} }),
      headers: { cookie, "content-type": "application/json" },
    }),
  );
  expect([response.status, await response.json()]).toMatchObject([401, { code: "key_missing" }]);
});

it("on an open server everybody is let in, and forms carry their token all the same", async () => {
  const { engine } = setting.test;
  app = createApp(engine, { pages, open: true });
  const page = await get("/");
  const cookie = page.headers.get("set-cookie")!.split(";")[0]!;
  const token = (await page.text()).split(" ")[1]!;
  expect((await post("/change", { [CSRF_FIELD]: token }, { cookie })).status).toBe(200);
  expect((await post("/change", { [CSRF_FIELD]: token })).status).toBe(403);
});
