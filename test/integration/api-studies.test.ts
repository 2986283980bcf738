import { beforeEach, describe, expect, it } from "vitest";
import { type TestApp, testApp } from "../support/app.js";
import { clientOf } from "../support/client.js";
import { PageBrowser } from "../support/page-browser.js";
import { LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();
let ask: TestApp["ask"];

const STUDIES = "/v1/projects/support/studies";
const BY_PLAN = { field: { name: "plan", champion: "free", challenger: ["pro"] } };

beforeEach(async () => {
  const bot = await setting.project();
  for (const [i, plan] of ["free", "pro", "free", "pro"].entries())
    await (await bot.session({ id: `s${i}`, context: { plan } })).end({ score: i % 2 });
  await setting.test.engine.flush();
  ask = testApp(setting.test).ask;
});

describe("studies over HTTP", () => {
  it("are made, listed, reported, concluded and put away", async () => {
    const made = await ask("POST", STUDIES, {
      body: { name: "plans", ...BY_PLAN, metrics: { cost_usd: "lower" } },
    });
    expect([made.status, made.body]).toMatchObject([201, { kind: "observational", study: "plans" }]);
    expect((await ask("GET", `${STUDIES}/plans`)).body).toEqual(made.body);
    expect((await ask("GET", STUDIES)).body).toEqual({ studies: [made.body] });
    const report = (await ask("GET", `${STUDIES}/plans/report`)).body;
    expect(report).toMatchObject({
      kind: "observational",
      arms: [
        { count: 2, mean: 0 },
        { count: 2, mean: 1 },
      ],
    });
    const concluded = await ask("POST", `${STUDIES}/plans/conclude`, { body: { reason: "done" } });
    expect([concluded.status, concluded.body]).toMatchObject([200, { status: "concluded", sessionCount: 4 }]);
    const archived = await ask("POST", `${STUDIES}/plans/archive`, {
      body: { reason: "done", actor: "ada" },
    });
    expect(archived.body).toMatchObject({ archivedAtMs: setting.test.clock.now() });
    expect((await ask("GET", STUDIES)).body).toEqual({ studies: [] });
    expect((await ask("GET", `${STUDIES}?archived=true`)).body).toEqual({ studies: [archived.body] });
  });

  it("ask git nothing, and say so", async () => {
    await ask("POST", STUDIES, { body: { name: "commits", git: { champion: "main", challenger: "brief" } } });
    const { body } = await ask("GET", `${STUDIES}/commits/report`);
    expect(body).toMatchObject({ git: { problem: expect.stringContaining("git was not asked") } });
    const { status, body: problem } = await ask("POST", `${STUDIES}/commits/conclude`, {
      body: { reason: "x" },
    });
    expect([status, problem]).toMatchObject([400, { code: "not_supported_here" }]);
  });

  it("are on the page of their project, and each on its own", async () => {
    const browser = new PageBrowser(setting.test);
    expect((await browser.get("/projects/support")).html).not.toContain("Studies");
    await ask("POST", STUDIES, { body: { name: "plans & more", hypothesis: "<b>pro</b>", ...BY_PLAN } });
    const { html } = await browser.get("/projects/support");
    const path = "/projects/support/studies/plans%20%26%20more";
    expect(html).toContain(`<a href="${path}">plans &amp; more</a>`);
    const page = await browser.get(path);
    expect(page.status).toBe(200);
    expect(page.html).toContain("Observational: nobody was randomised.");
    expect(page.html).toContain("&lt;b&gt;pro&lt;/b&gt;");
    expect(page.html).toContain("100.0 %");
    expect((await browser.get("/projects/support/studies/none")).status).toBe(404);
  });

  it("are refused by code", async () => {
    await ask("POST", STUDIES, { body: { name: "plans" } });
    const codes = [
      await ask("POST", STUDIES, { body: { name: "plans" } }),
      await ask("POST", STUDIES, { body: { name: "x", by: "plan" } }),
      await ask("GET", `${STUDIES}/nothing`),
      await ask("PUT", "/v1/sessions/s0/tags/nothing", { body: { arm: "champion" } }),
    ].map(({ status, body }) => [status, (body as { code: string }).code]);
    expect(codes).toEqual([
      [409, "study_exists"],
      [400, "input_invalid"],
      [404, "study_not_found"],
      [404, "study_not_found"],
    ]);
  });

  it("take tags of the sessions that a key may write to", async () => {
    await ask("POST", STUDIES, { body: { name: "plans" } });
    const closed = testApp(setting.test, { open: false });
    const keyFor = async (projects: string[]) =>
      (await setting.test.engine.keys.create({ name: projects.join(), scopes: ["record"], projects })).key;
    const put = async (key: string, arm = "challenger") => {
      const { status, body } = await closed.ask("PUT", "/v1/sessions/s0/tags/plans", { key, body: { arm } });
      return [status, (body as { status?: string; code?: string }).status, (body as { code?: string }).code];
    };
    expect(await put(await keyFor(["sales"]))).toEqual([404, 404, "session_not_found"]);
    const key = await keyFor(["support"]);
    expect(await put(key)).toEqual([200, "recorded", undefined]);
    expect(await put(key)).toEqual([200, "duplicate", undefined]);
    expect(await put(key, "champion")).toEqual([409, 409, "tag_conflict"]);
  });
});

describe("an experiment whose arms a rule gives, over HTTP", () => {
  const assign = { by: "attribute", field: "plan", map: { pro: "challenger" } };

  it("is started, told and placed by clients as by the engine", async () => {
    const body = { challengers: SHORT, assign };
    expect((await ask("POST", "/v1/projects/support/experiments", { body })).body).toMatchObject({
      experiment: { assign: { by: "attribute", field: "plan", map: { pro: 1 } }, promotion: "approve" },
    });
    const { client } = clientOf(setting.test);
    const bot = await client.project("support", { champion: LONG });
    const session = await bot.session({ context: { plan: "pro" } });
    expect(session).toMatchObject({ arm: "challenger", excluded: "assigned" });
    await session.end({ score: 1 });
    await client.close();
    const report = (await ask("GET", "/v1/projects/support/experiments/current/report")).body;
    expect(report).toMatchObject({
      observed: [{ kind: "observational", arms: [{ count: 0 }, { count: 1 }] }],
    });
    expect(await setting.test.engine.decide()).toMatchObject([{ verdict: "continue", sessionCount: 0 }]);
  });

  it("is told as not randomised on every page", async () => {
    await ask("POST", "/v1/projects/support/experiments", { body: { challengers: SHORT, assign } });
    const bot = await setting.project();
    await (await bot.session({ context: { plan: "pro" } })).end({ score: 1 });
    await setting.test.engine.flush();
    const browser = new PageBrowser(setting.test);
    const id = bot.experiment;
    for (const path of ["/", "/projects/support", `/projects/support/experiments/${id}`])
      expect((await browser.get(path)).html, path).toContain("not randomised");
    const { html } = await browser.get(`/projects/support/experiments/${id}`);
    expect(html).toContain("Observational");
    expect(html).toContain("by hand alone");
    expect(html).not.toContain("How sure we are");
  });
});
