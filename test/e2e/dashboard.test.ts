/**
 * The dashboard in a browser: what every page owes to everyone who looks at it.
 *
 * Needs Chromium, at `$CHROMIUM` or /usr/bin/chromium; where `$CHROMIUM` is not set and there is none, as on a new
 * developer's machine, nothing of this runs. With `$SCREENSHOTS` set, pictures of every page are kept there.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evidence, probability } from "../../src/core/words/numbers.js";
import { createApp } from "../../src/server/app.js";
import { dashboard } from "../../src/server/dashboard/index.js";
import { type Listening, listen } from "../../src/server/listen.js";
import { renderReport } from "../../src/server/report/render.js";
import { type DashboardWorld, dashboardWorld } from "../support/dashboard-world.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const isWithout = process.env.CHROMIUM === undefined && !existsSync(CHROMIUM);
const FOLDER = process.env.SCREENSHOTS;
const FLAGS = ["disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"];

let world: DashboardWorld;
let server: Listening;
let browser: Browser;
/** of reports as files, which a browser opens from there */
const reports = mkdtempSync(join(tmpdir(), "dethrone-reports-"));

beforeAll(async () => {
  if (isWithout) return;
  world = await dashboardWorld();
  server = await listen(createApp(world.test.engine, { open: true, pages: dashboard }), {
    host: "127.0.0.1",
    port: 0,
  });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["no-sandbox", ...FLAGS, "disable-component-update", "disable-sync"].map((flag) => `--${flag}`),
  });
  for (const key of ["support", "coder", "search"])
    writeFileSync(reportPath(key), await renderReport(world.test.engine, key, { format: "html" }));
}, 600_000);

afterAll(async () => {
  rmSync(reports, { recursive: true });
  await browser?.close();
  await server?.stop();
  await world?.test.close();
});

const experimentPath = (key: string): string => `/projects/${key}/experiments/${world.experiments[key]}`;

const reportPath = (key: string): string => join(reports, `${key}.html`);

/** Every kind of page, in every state. */
function paths(): Record<string, string> {
  const experiments = Object.keys(world.experiments).map((key) => [`experiment-${key}`, experimentPath(key)]);
  return {
    overview: "/",
    project: "/projects/support",
    "project-empty": "/projects/onboarding",
    ...Object.fromEntries(experiments),
    evaluations: "/evaluations",
    sessions: "/sessions?project=support",
    session: `/sessions/${world.session}`,
    simulate: "/simulate?run=1&runs=60&horizon=400",
    plan: "/plan?run=1&effect=0.1",
    confirm: `${experimentPath("support")}/abort`,
    rollback: "/projects/support/rollback",
    login: "/login",
    missing: "/projects/nowhere",
    ...Object.fromEntries(
      ["support", "coder", "search"].map((key) => [`report-${key}`, pathToFileURL(reportPath(key)).href]),
    ),
  };
}

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  narrow: { viewport: { width: 360, height: 780 }, colorScheme: "light" },
};

// Texts, because what runs in the page knows the types of a browser, and the tests those of Node.
const WIDTHS = "(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)";
/** Fields and buttons that reach over the edge of what they stand in, or over one another. */
const CROWDED = `(() => {
  const shown = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 0;
  const controls = [...document.querySelectorAll("main form :is(input, select, textarea, button)")].filter(shown);
  const boxes = controls.map((element) => [element, element.getBoundingClientRect()]);
  const nameOf = (element) => element.name || element.textContent.trim();
  const out = boxes.filter(([element, { right }]) => right > element.form.getBoundingClientRect().right + 1);
  const over = boxes.filter(([element, box], index) => boxes.slice(index + 1).some(([other, next]) =>
    other.form === element.form && box.right > next.left + 1 && next.right > box.left + 1 &&
    box.bottom > next.top + 1 && next.bottom > box.top + 1));
  return [...out, ...over].map(([element]) => nameOf(element) + " is crowded");
})()`;
const SERIOUS = `axe.run().then(({ violations }) => violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .map(({ id, nodes }) => id + ": " + nodes.length + ", e.g. " + nodes[0].html + " " + nodes[0].failureSummary))`;

/** What axe finds on a page that is more than a nuisance. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(SERIOUS);
}

/** Runs something on a page of its own. */
async function onPage<T>(options: BrowserContextOptions, run: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ baseURL: server.url, ...options });
  try {
    return await run(await context.newPage());
  } finally {
    await context.close();
  }
}

describe.skipIf(isWithout).each(Object.entries(LOOKS))("in a %s window", (look, options) => {
  it("every page is without errors, fits its window, and can be used by everyone", async () => {
    const problems: Record<string, string[]> = {};
    await onPage(options, async (page) => {
      const errors: string[] = [];
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(String(error)));
      for (const [name, path] of Object.entries(paths())) {
        errors.length = 0;
        await page.goto(path);
        if (FOLDER !== undefined) {
          mkdirSync(FOLDER, { recursive: true });
          await page.screenshot({ path: join(FOLDER, `${name}-${look}.png`), fullPage: true });
        }
        const { scrollWidth, clientWidth } = await page.evaluate<{
          scrollWidth: number;
          clientWidth: number;
        }>(WIDTHS);
        const found = await findings(page);
        found.push(...(await page.evaluate<string[]>(CROWDED)));
        const own = errors.filter((text) => name !== "missing" || !text.includes("404"));
        const wide = scrollWidth > clientWidth ? [`${scrollWidth} px wide in ${clientWidth}`] : [];
        if (own.length + found.length + wide.length > 0) problems[name] = [...own, ...found, ...wide];
      }
    });
    expect(problems).toEqual({});
  }, 300_000);
});

describe.skipIf(isWithout)("the dashboard", () => {
  it("shows the numbers of the engine", async () => {
    const project = await world.test.engine.project("support");
    const { evaluation } = (await project.report()) ?? expect.fail("no report");
    await onPage({}, async (page) => {
      await page.goto(experimentPath("support"));
      const values = await page.locator(".verdict .stat .value").allTextContents();
      expect(values.slice(0, 2)).toEqual([
        probability(evaluation.probabilityBetterBy),
        evidence(evaluation.logSupPromote),
      ]);
      const summaries = await page.request.get("/v1/projects");
      expect(await summaries.text()).toContain(String(evaluation.probabilityBetter));
    });
  });

  it("explains a number to the keyboard, and lets it skip to the content", async () => {
    await onPage({}, async (page) => {
      await page.goto("/");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.id")).toBe("main");
      const term = page.locator(".term", { hasText: "P(better)" }).first();
      const tip = term.locator(".tip");
      expect(await tip.isVisible()).toBe(false);
      await term.focus();
      expect(await tip.isVisible()).toBe(true);
      expect(await term.getAttribute("aria-describedby")).toBe(await tip.getAttribute("id"));
    });
  });

  it("is read, searched and decided on without script", async () => {
    await onPage({ javaScriptEnabled: false }, async (page) => {
      await page.goto("/");
      await page.getByRole("link", { name: "Review" }).first().click();
      await page.getByRole("link", { name: "Decline" }).click();
      await page.getByLabel("Reason, for the audit log").fill("not before the holidays");
      await page.getByRole("button", { name: "Decline" }).click();
      expect(page.url()).toBe(server.url + experimentPath("triage"));
      expect(await page.locator(".badge").first().textContent()).toBe("held");
      expect(await page.locator(".log").textContent()).toContain("not before the holidays");
      await page.getByRole("button", { name: "Dark" }).click();
      expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    });
  });

  it("follows what happens, and takes nothing from whoever is reading", async () => {
    const project = await world.test.engine.project("coder");
    await onPage({}, async (page) => {
      const listening = page.waitForRequest((request) => request.url().endsWith("/v1/events"));
      await page.goto(experimentPath("coder"));
      await listening;
      await page.locator("summary").first().click();
      await page.evaluate("scrollTo(0, 500)");
      await project.pause({ reason: "to see it change" });
      await page.getByText("to see it change").waitFor();
      expect(await page.locator(".badge").first().textContent()).toBe("paused");
      expect(await page.locator("details").first().getAttribute("open")).not.toBeNull();
      expect(await page.evaluate("scrollY")).toBe(500);
      expect(await page.evaluate("document.activeElement.tagName")).toBe("SUMMARY");
    });
  });
});
