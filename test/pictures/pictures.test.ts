/**
 * The pictures of the pages. `npm run pictures` takes them again, of the real dashboard and the real command line over a world
 * that is the same each time; without it they are only looked at: that they are there, small, and shown somewhere.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/server/app.js";
import { dashboard } from "../../src/server/dashboard/index.js";
import { listen } from "../../src/server/listen.js";
import { type DashboardWorld, dashboardWorld } from "../support/dashboard-world.js";
import { pagesOf, ROOT, textOf } from "../support/docs/markdown.js";
import { terminalPicture } from "../support/docs/terminal-picture.js";
import { temporaryDatabase } from "../support/temporary.js";

const FOLDER = join(ROOT, "docs/pictures");
const LARGEST_BYTES = 200_000;

/** The dashboard's pages that are shown, and how much of them. */
const PAGES = (world: DashboardWorld): Readonly<Record<string, readonly [path: string, height: number]>> => ({
  experiment: [`/projects/support/experiments/${world.experiments.support}`, 1205],
  projects: ["/", 760],
});

/** The commands that are shown. */
const COMMANDS: readonly (readonly string[])[] = [
  ["status"],
  ["report", "support"],
  ["simulate", "--effect", "0", "--share", "0.5"],
];

async function photographPages(world: DashboardWorld): Promise<void> {
  const app = createApp(world.test.engine, { open: true, pages: dashboard, clock: world.test.clock });
  const { url, stop } = await listen(app, { port: 0 });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
  });
  for (const colorScheme of ["light", "dark"] as const)
    for (const [name, [path, height]] of Object.entries(PAGES(world))) {
      const page = await browser.newPage({ viewport: { width: 1280, height }, colorScheme, baseURL: url });
      await page.goto(path);
      await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}.png`) });
      await page.close();
    }
  await browser.close();
  await stop();
}

/** What a command prints in colour, at the world's time. */
async function printed(args: readonly string[]): Promise<string> {
  vi.stubEnv("NO_COLOR", undefined);
  vi.stubEnv("FORCE_COLOR", "1");
  // Whether there is colour is settled when the command line is loaded.
  vi.resetModules();
  const { cli } = await import("../support/cli.js");
  const { code, out, err } = await cli(...args);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

describe.runIf(process.env.PICTURES)("taking the pictures", () => {
  it("of the dashboard and of the command line", async () => {
    mkdirSync(FOLDER, { recursive: true });
    const url = temporaryDatabase();
    const world = await dashboardWorld(url);
    await photographPages(world);
    const nowMs = world.test.clock.now();
    await world.test.engine.flush();
    vi.useFakeTimers({ toFake: ["Date"], now: nowMs });
    for (const args of COMMANDS) {
      const output = await printed([...args, ...(args[0] === "simulate" ? [] : ["--db", url])]);
      writeFileSync(join(FOLDER, `${args[0]}.svg`), terminalPicture(args.join(" "), output));
    }
    vi.useRealTimers();
    await world.test.close();
  }, 600_000);
});

describe("the pictures", () => {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER) : [];

  it("are small, and each is shown on a page", () => {
    const text = pagesOf().map(textOf).join("\n");
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(statSync(join(FOLDER, file)).size, file).toBeLessThan(LARGEST_BYTES);
      expect(text).toContain(`pictures/${file}`);
    }
  });

  it("of the terminal hold what it printed as text", () => {
    expect(readFileSync(join(FOLDER, "simulate.svg"), "utf8")).toContain("promoted, falsely");
  });
});
