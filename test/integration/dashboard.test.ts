import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DethroneError, type JsonObject } from "../../src/core/errors.js";
import { count, evidence, percent, probability, signedPoints } from "../../src/core/words/numbers.js";
import { signedPercent } from "../../src/core/words/quantity.js";
import type { Project } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { PageBrowser } from "../support/page-browser.js";

let test: TestEngine;

beforeEach(async () => {
  test = await createTestEngine({ seed: 3 });
});

afterEach(() => test.close());

/** The numbers of a page that stand for themselves. */
const numbersIn = (html: string): string[] =>
  [...html.matchAll(/<span class="value">([^<]*)</g)].map(([, text]) =>
    (text as string).replaceAll("\u00a0", " ").replaceAll("&gt;", ">"),
  );

/** Plays sessions; the challenger succeeds more often. */
async function play(bot: Project<JsonObject>, count: number, rates = [0.5, 0.7]): Promise<void> {
  const writes: Promise<unknown>[] = [];
  const played = [0, 0];
  await test.runSessions(count, async (index) => {
    const session = await bot.session({
      unit: `user-${index}`,
      context: { plan: index % 3 === 0 ? "pro" : "free" },
    });
    const arm = session.arm === "challenger" ? 1 : 0;
    const nth = (played[arm] as number)++;
    writes.push(session.signal({ name: "cost_usd", value: 0.01 + 0.001 * (nth % 7) }));
    writes.push(session.end({ score: (nth * 7) % 10 < 10 * (rates[arm] as number) ? 1 : 0 }));
  });
  await Promise.all(writes);
  await test.engine.decide();
}

async function contest(key = "support", options: Parameters<Project<JsonObject>["challenge"]>[1] = {}) {
  const bot = await test.engine.project<JsonObject>(key, { champion: { prompt: "long" } });
  const { experiment } = await bot.challenge({ prompt: "short" }, { share: 0.5, ...options });
  return { bot, id: experiment?.id as string, path: `/projects/${key}/experiments/${experiment?.id}` };
}

describe("pages", () => {
  it("show the numbers of the report", async () => {
    const { bot, path } = await contest("support", { horizon: 4000 });
    await play(bot, 120);
    const report = await bot.report();
    const { html, status } = await new PageBrowser(test).get(path);
    expect(status).toBe(200);
    const { evaluation } = report ?? expect.fail("no report");
    expect(numbersIn(html)).toEqual([
      probability(evaluation.probabilityBetterBy),
      evidence(evaluation.logSupPromote),
      signedPoints(evaluation.upliftMean),
      percent(evaluation.chanceOfPromotion),
      count(evaluation.sessionCount),
      signedPercent(evaluation.metrics.cost_usd?.perSuccess?.change ?? Number.NaN),
    ]);
    for (const { scoreSum, sessionCount } of evaluation.arms)
      expect(html).toContain(`<p class="rate">${percent(scoreSum / sessionCount)}`);
    expect(html).toContain("By context");
  });

  it("list every project with its champion, its experiment and its alarms", async () => {
    const { bot } = await contest("support", { promotion: "approve" });
    await play(bot, 300, [0.3, 0.9]);
    await test.engine.project("quiet", { champion: { prompt: "x" } });
    const { html } = await new PageBrowser(test).get("/");
    expect(html).toContain("2 projects, 1 experiment in progress; 1 needs attention.");
    expect(html).toContain("Awaiting approval.");
    expect(html.indexOf(">support<")).toBeLessThan(html.indexOf(">quiet<"));
    const [standing] = (await test.engine.projects()).flatMap(({ experiment }) => experiment?.standing ?? []);
    expect(html).toContain(`evidence ${evidence(standing?.logSupPromote ?? 0)} at best`);
    expect(numbersIn(html)).toEqual([probability(standing?.probabilityBetter ?? 0), "-", "-"]);
  });

  it("find a project by a part of its key", async () => {
    for (const key of ["alpha", "beta"]) await test.engine.project(key, { champion: { prompt: "x" } });
    const { html } = await new PageBrowser(test).get("/?q=alp");
    expect(html).toContain(">alpha<");
    expect(html).not.toContain(">beta<");
    expect((await new PageBrowser(test).get("/?q=gamma")).html).toContain("No project has");
  });

  it("teach the next step where nothing is yet", async () => {
    const browser = new PageBrowser(test);
    expect((await browser.get("/")).html).toContain("createEngine");
    await test.engine.project("fresh", { champion: { prompt: "x" } });
    expect((await browser.get("/projects/fresh")).html).toContain("bot.challenge(");
    const { path } = await contest();
    expect((await browser.get(path)).html).toContain("No settled session yet");
    expect((await browser.get("/sessions?unit=nobody")).html).toContain("None is stored that fits");
  });

  it("show a draft, and an experiment of several challengers", async () => {
    const bot = await test.engine.project<JsonObject>("many", { champion: { prompt: "long" } });
    const draft = await bot.draft({ prompt: "later" }, { hypothesis: "it is better" });
    const { experiment } = await bot.challenge([{ prompt: "a" }, { prompt: "b" }], {
      share: 0.5,
      horizon: 900,
    });
    await play(bot, 60);
    const browser = new PageBrowser(test);
    expect((await browser.get(`/projects/many/experiments/${draft.experiment?.id}`)).html).toContain(
      "A draft",
    );
    const { html } = await browser.get(`/projects/many/experiments/${experiment?.id}`);
    expect(html).toContain("Each is tested against the champion");
    expect(html).toContain("arm-2");
  });

  it("show every guardrail with its state, several on one metric too", async () => {
    const guardrails = [
      { metric: "cost_usd", margin: 0.5 },
      { metric: "cost_usd", margin: 0.5, mode: "require" as const },
      { metric: "cost_usd", margin: 0.5, where: { plan: "pro" } },
      { metric: "never_sent" },
    ];
    const { bot, path } = await contest("guarded", { horizon: 2000, policy: { guardrails } });
    await play(bot, 30);
    const { html } = await new PageBrowser(test).get(path);
    const rows =
      html.slice(html.indexOf('<ul class="forest">')).split("</ul>")[0]?.split("<li>").slice(1) ?? [];
    const told = rows.map((row) => [
      /<strong>([^<]*)/.exec(row)?.[1],
      /<span class="badge tone-\w+">([^<]*)/.exec(row)?.[1],
    ]);
    expect(told.filter(([name]) => name !== "error")).toEqual([
      ["cost_usd", "ok"],
      ["cost_usd", "not proven"],
      ["cost_usd plan=pro", "ok"],
      ["never_sent", "no value"],
    ]);
  });

  it("show what ticks found, on the page of the experiment and over all projects", async () => {
    const { bot, path } = await contest("support", { owner: "ada" });
    await play(bot, 60);
    await play((await contest("other")).bot, 40);
    const browser = new PageBrowser(test);
    const { html: own } = await browser.get(path);
    expect(own).toContain(">Evaluations</h2>");
    const { html: all } = await browser.get("/evaluations");
    expect(all.indexOf(">other</a>")).toBeLessThan(all.indexOf(">support</a>"));
    const { html: chosen } = await browser.get("/evaluations?owner=ada&verdict=continue&status=running");
    expect(chosen).toContain(">support</a>");
    expect(chosen).not.toContain(">other</a>");
    expect((await browser.get("/evaluations?tag=none")).html).toContain("None is stored that fits.");
    expect((await browser.get("/evaluations?since=2100-01-01")).html).toContain("None is stored that fits.");
    expect((await browser.get("/evaluations?since=2000-01-01&until=2100-01-01")).html).toContain(
      ">other</a>",
    );
    const noTime = await browser.get("/evaluations?until=soon");
    expect(noTime.status).toBe(400);
    expect(noTime.html).toContain("until must be a time such as 2026-11-21T13:00");
    const wrong = await browser.get("/evaluations?verdict=win");
    expect(wrong.status).toBe(400);
    expect(wrong.html).toContain("verdict must be one of promote, hold, abort, continue");
    expect((await browser.get("/evaluations?cursor=%21")).status).toBe(400);
  });

  it("show who waits in the queue, and a budget that is spent", async () => {
    const { bot } = await contest();
    const browser = new PageBrowser(test);
    expect((await browser.get("/projects/support")).html).not.toContain(">Queue</h2>");
    await bot.challenge({ prompt: "curt" }, { queue: true, label: "curt" });
    expect((await browser.get("/projects/support")).html).toContain(
      "when the experiment in the slot has ended",
    );
    await bot.budget(0.05, { reason: "test" });
    await bot.abort({ reason: "test" });
    const { html } = await browser.get("/projects/support");
    expect(html).toContain("0.05 of 0.05 expected false promotions spent");
    expect(html).toContain("Budget spent.");
    expect(html).toMatch(/Queue<\/h2>[\s\S]*>curt<\/a>/);
  });

  it("find sessions by what is typed, and show one in full", async () => {
    const { bot, id } = await contest();
    await play(bot, 8);
    const browser = new PageBrowser(test);
    const all = await browser.get(`/sessions?project=support&experiment=${id}`);
    expect(all.html.match(/<th scope="row">/g)).toHaveLength(8);
    const one = await browser.get("/sessions?unit=user-3");
    expect(one.html.match(/<th scope="row">/g)).toHaveLength(1);
    const [, session] = /href="(\/sessions\/[^"]+)"/.exec(one.html) ?? [];
    const { html } = await browser.get(session as string);
    expect(html).toContain("cost_usd");
    expect(html).toContain("user-3");
    const future = await browser.get("/sessions?since=2030-01-01T00:00");
    expect(future.html).toContain("None is stored that fits");
  });

  it("say what is wrong with what was typed, and keep it", async () => {
    const browser = new PageBrowser(test);
    for (const [path, problem] of [
      ["/sessions?since=tomorrow", "since must be a time"],
      ["/sessions?arm=x", "arm must be 0"],
      ["/sessions?cursor=%2F%2F", "cursor must be"],
      ["/simulate?run=1&baseRate=2", "must be a number from 0 to 1"],
      ["/simulate?run=1&horizon=1.5", "must be a whole number"],
      ["/simulate?run=1&baseRate=0.9&effect=0.5", "effect"],
      ["/plan?run=1&effect=0.9", "effect"],
      ["/plan?run=1&sessionsPerDay=-3", "Sessions a day must be a number"],
    ] as const) {
      const { status, html } = await browser.get(path);
      expect([path, status]).toEqual([path, 400]);
      expect(html).toContain(problem);
      expect(html).toContain('role="alert"');
    }
  });

  it("simulate and plan as the API does", async () => {
    const browser = new PageBrowser(test);
    const { html } = await browser.get("/simulate?run=1&runs=40&horizon=200&effect=0.2");
    expect(html).toContain("of 40 experiments");
    expect(html).toContain("With no difference it would have been promoted");
    // Two standard errors of 5 % in 40 runs.
    expect(html.replaceAll("\u00a0", " ")).toContain("chance alone moves a rate of 5 % by up to 6.9 points");
    const plan = await browser.get("/plan?run=1&effect=0.3&share=0.5");
    expect(plan.html).toContain("What another share buys");
    expect(plan.html).toContain("this plan");
  });

  it("tell two configs apart", async () => {
    const { bot } = await contest();
    const [a, b] = await bot.configs();
    const { html } = await new PageBrowser(test).get(
      `/projects/support/configs/${a?.hash.slice(0, 12)}..${b?.hash.slice(0, 12)}`,
    );
    expect(html).toContain("<mark>long</mark>");
    expect(html).toContain("<mark>short</mark>");
    expect((await new PageBrowser(test).get("/projects/support/configs/abcdefgh..x")).status).toBe(404);
  });

  it.each([
    ["/nowhere", 404],
    ["/projects/nowhere", 404],
    ["/projects/support/experiments/none", 404],
    ["/sessions/none", 404],
    ["/projects/support/experiments/none/pause", 404],
    ["/projects/support/experiments/none/explode", 404],
  ])("say where there is nothing: %s", async (path, status) => {
    await contest();
    const page = await new PageBrowser(test).get(path);
    expect(page.status).toBe(status);
    expect(page.html).toContain("<h1>Not found</h1>");
  });

  it("leave what is not of theirs to the API", async () => {
    const { status, headers } = await new PageBrowser(test, {}).get("/v1/nowhere");
    expect([status, headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  });

  it("say that the database is away", async () => {
    const away = new DethroneError("storage_unavailable", "The database cannot be reached.");
    vi.spyOn(test.engine, "projects").mockRejectedValue(away);
    const { status, html } = await new PageBrowser(test).get("/");
    expect(status).toBe(503);
    expect(html).toContain("The database cannot be reached.");
  });

  it("tell nothing of a failure that nobody foresaw, but to the log", async () => {
    vi.spyOn(test.engine, "projects").mockRejectedValue(new Error("a secret of this machine"));
    const onRequest = vi.fn();
    const { status, html } = await new PageBrowser(test, { open: true, onRequest }).get("/");
    expect(status).toBe(500);
    expect(html).not.toContain("secret");
    expect(onRequest.mock.calls[0]?.[0].error).toContain("a secret of this machine");
  });
});
