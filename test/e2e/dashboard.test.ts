import { existsSync, mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type ServerType, serve } from "@hono/node-server";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/server/app.js";
import { dashboard } from "../../src/server/dashboard/index.js";
import { type DashboardWorld, dashboardWorld } from "../support/dashboard-world.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Where pictures of the pages are kept; none are taken without it. */
const FOLDER = process.env.SCREENSHOTS;

let world: DashboardWorld;
let server: ServerType;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  world = await dashboardWorld();
  const app = createApp(world.test.engine, { open: true, pages: dashboard });
  server = serve({ fetch: (request) => app.fetch(request), port: 0, hostname: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  await world?.test.close();
});

const pages = (): Record<string, string> => ({
  overview: "/",
  project: "/projects/support",
  ...Object.fromEntries(
    Object.entries(world.experiments).map(([key, id]) => [
      `experiment-${key}`,
      `/projects/${key}/experiments/${id}`,
    ]),
  ),
  sessions: "/sessions?project=support",
  session: `/sessions/${world.session}`,
  simulate: "/simulate?run=1&runs=60&horizon=400",
  plan: "/plan?run=1",
  confirm: `/projects/support/experiments/${world.experiments.support}/abort`,
  login: "/login",
  empty: "/projects/onboarding",
  missing: "/projects/nowhere",
});

const LOOKS = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  narrow: { viewport: { width: 360, height: 780 }, colorScheme: "light" },
} as const;

async function shoot(page: Page, name: string): Promise<void> {
  if (FOLDER === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true });
}

describe("pictures", () => {
  it("of every page", async () => {
    expect(existsSync(CHROMIUM)).toBe(true);
    for (const [look, options] of Object.entries(LOOKS)) {
      const context = await browser.newContext(options);
      for (const [name, path] of Object.entries(pages())) {
        const page = await context.newPage();
        page.on("console", (m) => m.type() === "error" && console.log(name, m.text()));
        await page.goto(origin + path);
        await shoot(page, `${name}-${look}`);
        await page.close();
      }
      await context.close();
    }
  }, 300_000);
});
