import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject, Project } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { PageBrowser } from "../support/page-browser.js";

/** What would run, or break out of where it stands, if it were put into a page as it is. */
const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
const BECAUSE = { reason: "because of the numbers" };

let test: TestEngine;
let bot: Project<JsonObject>;
let browser: PageBrowser;

beforeEach(async () => {
  test = await createTestEngine({ seed: 5 });
  bot = await test.engine.project<JsonObject>("support", { champion: { prompt: "long" } });
  browser = new PageBrowser(test);
});

afterEach(() => test.close());

async function contest(
  options: Parameters<Project<JsonObject>["challenge"]>[1] = {},
  challengers: JsonObject[] = [{ prompt: "short" }],
) {
  const { experiment } = await bot.challenge(challengers, { share: 0.5, ...options });
  return `/projects/support/experiments/${experiment?.id}`;
}

const statusOf = async (): Promise<string | undefined> =>
  (await bot.experiments({ archived: true }))[0]?.status;

async function untilApproval(): Promise<string> {
  const path = await contest({ promotion: "approve" });
  for (let index = 0; index < 400; index += 1) {
    const session = await bot.session();
    await session.end({ score: session.arm === "challenger" ? 1 : index % 4 === 0 ? 1 : 0 });
    if (index % 40 === 39) await test.engine.decide();
    if ((await bot.experiments())[0]?.isAwaitingApproval) return path;
  }
  return expect.fail("the promotion never came up for approval");
}

describe("by hand, with a reason", () => {
  it("pauses and resumes, and goes back to the experiment", async () => {
    const path = await contest();
    expect((await browser.get(`${path}/pause`)).html).toContain(
      "Everyone gets the champion until it is resumed",
    );
    const paused = await browser.send(`${path}/pause`, BECAUSE);
    expect([paused.status, paused.location]).toEqual([303, path]);
    expect(await statusOf()).toBe("paused");
    expect((await browser.get(path)).html).toContain("Paused.");
    await browser.send(`${path}/resume`, BECAUSE);
    expect(await statusOf()).toBe("running");
    const [entry] = await bot.history(1);
    expect(entry).toMatchObject({ action: "resumed", reason: BECAUSE.reason, actor: "server" });
  });

  it.each([
    ["abort", "aborted"],
    ["promote", "promoted"],
  ])("can %s", async (action, status) => {
    const path = await contest();
    await browser.send(`${path}/${action}`, BECAUSE);
    expect(await statusOf()).toBe(status);
  });

  it.each([
    ["approve", "promoted"],
    ["decline", "held"],
  ])("can %s a promotion that waits", async (action, status) => {
    const path = await untilApproval();
    expect((await browser.get(path)).html).toContain(`${path}/${action}`);
    await browser.send(`${path}/${action}`, BECAUSE);
    expect(await statusOf()).toBe(status);
  });

  it("drops the challenger that is chosen", async () => {
    const path = await contest({}, [{ prompt: "a" }, { prompt: "b" }]);
    await browser.send(`${path}/drop`, { ...BECAUSE, choice: "2" });
    const [experiment] = await bot.experiments();
    expect(experiment?.challengers.map(({ out }) => out)).toEqual([null, "manual"]);
  });

  it("starts a draft, and archives what has ended", async () => {
    const { experiment } = await bot.draft({ prompt: "later" });
    const path = `/projects/support/experiments/${experiment?.id}`;
    await browser.send(`${path}/start`, BECAUSE);
    expect(await statusOf()).toBe("running");
    await browser.send(`${path}/abort`, BECAUSE);
    await browser.send(`${path}/archive`, BECAUSE);
    expect(await bot.experiments()).toEqual([]);
  });

  it("rolls back to the champion that is chosen", async () => {
    const path = await contest();
    await browser.send(`${path}/promote`, BECAUSE);
    expect(bot.champion).toEqual({ prompt: "short" });
    expect((await browser.get(path)).html).toContain('href="/projects/support/rollback"');
    const page = await browser.get("/projects/support/rollback");
    const [, hash = ""] = /<option value="([0-9a-f]{64})"/.exec(page.html) ?? [];
    const back = await browser.send("/projects/support/rollback", { ...BECAUSE, choice: hash });
    expect(back.location).toBe("/projects/support");
    expect(bot.champion).toEqual({ prompt: "long" });
  });

  it("does nothing without a reason, and says so", async () => {
    const path = await contest();
    const page = await browser.send(`${path}/abort`, { reason: "  " });
    expect(page.status).toBe(400);
    expect(page.html).toContain("takes a reason");
    expect(await statusOf()).toBe("running");
  });

  it("does nothing to an experiment that no longer stands as the page showed it, and keeps the reason", async () => {
    const path = await contest();
    await bot.abort({ reason: "meanwhile" });
    await bot.challenge({ prompt: "other" }, { share: 0.5 });
    const page = await browser.send(`${path}/pause`, BECAUSE);
    expect(page.status).toBe(409);
    expect(page.html).toContain(BECAUSE.reason);
    expect(await statusOf()).toBe("running");
  });
});

describe("who may", () => {
  it("is asked for a key, and led back to the page after signing in", async () => {
    const { key } = await test.engine.keys.create({ name: "ada", scopes: ["read", "admin"] });
    const guarded = new PageBrowser(test, {});
    const path = await contest();
    const sent = await guarded.get(path);
    expect(sent.location).toBe(`/login?next=${encodeURIComponent(path)}`);
    expect((await guarded.get(sent.location as string)).html).toContain("Sign in");
    const wrong = await guarded.post("/login", { key: "dth_wrong", next: path });
    expect((await guarded.get(wrong.location as string)).html).toContain("That key is not known here");
    expect((await guarded.post("/login", { key, next: path })).location).toBe(path);
    expect((await guarded.get(path)).html).toContain("Sign out");
    await guarded.send(`${path}/pause`, BECAUSE);
    expect((await bot.history(1))[0]?.actor).toBe("ada");
  });

  it("sees the projects of the key alone, and decides nothing without the scope admin", async () => {
    await test.engine.project("other", { champion: { prompt: "x" } });
    const { key } = await test.engine.keys.create({ name: "eve", scopes: ["read"], projects: ["support"] });
    const reader = new PageBrowser(test, {});
    const path = await contest();
    await reader.post("/login", { key, next: "/" });
    expect((await reader.get("/")).html).not.toContain("other");
    expect((await reader.get("/projects/other")).status).toBe(403);
    expect((await reader.get(path)).html).not.toContain(`${path}/abort`);
    expect((await reader.get(`${path}/abort`)).status).toBe(403);
    const page = await reader.get("/");
    const [, csrf = ""] = /name="csrf" value="([^"]+)"/.exec(page.html) ?? [];
    expect((await reader.post(`${path}/abort`, { ...BECAUSE, csrf })).status).toBe(403);
    expect(await statusOf()).toBe("running");
  });

  it("refuses a form from elsewhere, or without its proof", async () => {
    const path = await contest();
    const { html } = await browser.get(`${path}/abort`);
    const [, csrf = ""] = /name="csrf" value="([^"]+)"/.exec(html) ?? [];
    expect((await browser.post(`${path}/abort`, { ...BECAUSE, csrf }, "https://evil.example")).status).toBe(
      403,
    );
    expect((await browser.post(`${path}/abort`, BECAUSE)).status).toBe(403);
    expect((await browser.post(`${path}/abort`, { ...BECAUSE, csrf: `${csrf}x` })).status).toBe(403);
    expect(await statusOf()).toBe("running");
  });
});

describe("the choice of colours", () => {
  it("is kept in a cookie, and leads back to a page of this server alone", async () => {
    expect((await browser.get("/")).html).toContain('data-theme="auto"');
    expect((await browser.post("/theme", { theme: "dark", back: "/plan" })).location).toBe("/plan");
    expect((await browser.get("/")).html).toContain('data-theme="dark"');
    for (const back of ["https://evil.example", "//evil.example", "/\\evil.example", ""])
      expect((await browser.post("/theme", { theme: "light", back })).location).toBe("/");
    await browser.post("/theme", { theme: EVIL, back: "/" });
    expect((await browser.get("/")).html).toContain('data-theme="light"');
  });
});

describe("what people and hosts write", () => {
  it("is shown as they wrote it and never runs, on every page", async () => {
    const evil = await test.engine.project<JsonObject>(EVIL.slice(0, 150), {
      champion: { prompt: EVIL, [EVIL]: [EVIL], nested: { [EVIL]: 1 } },
    });
    const [champion] = await evil.configs();
    await evil.label(champion?.hash as string, EVIL.slice(0, 60), { reason: EVIL, actor: EVIL });
    const { experiment } = await evil.challenge(
      { prompt: `${EVIL} better` },
      {
        share: 0.5,
        hypothesis: EVIL,
        description: EVIL,
        owner: EVIL,
        tags: [EVIL],
        actor: EVIL,
        label: "evil's",
        horizon: 500,
      },
    );
    const writes: Promise<unknown>[] = [];
    const ids: string[] = [];
    await test.runSessions(30, async (index) => {
      const session = await evil.session({ unit: `${EVIL}${index}`, context: { plan: EVIL, [EVIL]: EVIL } });
      ids.push(session.id);
      writes.push(session.signal({ name: EVIL, value: index, source: EVIL, key: EVIL }));
      writes.push(session.end({ score: index % 2 }));
    });
    await Promise.all(writes);
    await test.engine.decide();
    await evil.pause({ reason: EVIL, actor: EVIL });
    const project = `/projects/${encodeURIComponent(evil.key)}`;
    const path = `${project}/experiments/${experiment?.id}`;
    const [a, b] = await evil.configs();
    const pages = [
      "/",
      project,
      path,
      `${path}/abort`,
      `${project}/rollback`,
      `${project}/configs/${a?.hash}..${b?.hash}`,
      `/sessions?unit=${encodeURIComponent(`${EVIL}3`)}`,
      `/sessions/${ids[3]}`,
      ...[
        "/sessions?since=",
        "/simulate?run=1&baseRate=",
        "/plan?run=1&effect=",
        "/login?next=",
        "/nowhere?",
        "/sessions/",
      ].map((prefix) => prefix + encodeURIComponent(EVIL)),
    ];
    for (const page of pages) {
      const { html, headers } = await browser.get(page);
      expect([page, html.match(/<script>|<img|onerror=alert\(1\)>/)?.[0]]).toEqual([page, undefined]);
      expect(headers.get("content-security-policy")).toContain("script-src 'self'");
    }
    const failed = await browser.send(`${path}/promote`, { reason: " ", choice: EVIL });
    expect(failed.html).not.toContain("<img");
    const shown = (await browser.get(path)).html;
    expect(shown).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  });

  it("loads nothing from elsewhere and runs no script but its own", async () => {
    const path = await contest();
    const { html } = await browser.get(path);
    expect(html.match(/(src|href|action)="(https?:)?\/\//g)).toBeNull();
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/ style="| on[a-z]+="/);
    const [, script = ""] = /<script type="module" src="([^"]+)"/.exec(html) ?? [];
    const asset = await browser.get(script);
    expect(asset.headers.get("cache-control")).toContain("immutable");
    expect(asset.headers.get("content-type")).toContain("text/javascript");
  });
});
