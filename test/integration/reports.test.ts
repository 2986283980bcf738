/** Reports in the forms in which they leave the house: the same numbers in each, and nobody's text more than a text. */
import { parse } from "csv-parse/sync";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { percent } from "../../src/core/words/numbers.js";
import type { ExperimentReport, JsonObject } from "../../src/index.js";
import { type ReportFormat, renderReport } from "../../src/server/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { testApp } from "../support/app.js";
import { cli } from "../support/cli.js";
import { temporaryDatabase } from "../support/temporary.js";

const NASTY = "=1+1 | `code` <script>alert(1)</script> @ada #7 **bold**\n# title --> end";
const LABEL = '=HYPERLINK("http://x")|<b>@ada';
const CHAMPION: JsonObject = { prompt: "Be thorough." };
const CHALLENGER: JsonObject = { prompt: `Be brief.\n\`\`\`\n</details><script>alert(1)</script>`, n: 1 };

let test: TestEngine;
let url: string;

beforeEach(async () => {
  url = temporaryDatabase();
  test = await createTestEngine({ seed: 4, url });
});
afterEach(() => test.close());

/** A contest with a few sessions, in which people have written whatever they like. */
async function contest(challenger: JsonObject = CHALLENGER): Promise<ExperimentReport> {
  const bot = await test.engine.project("support", { champion: CHAMPION });
  await bot.challenge(challenger, { share: 0.5, label: LABEL, hypothesis: NASTY, owner: NASTY });
  for (let i = 0; i < 60; i += 1) {
    const session = await bot.session({ context: { plan: i % 3 === 0 ? NASTY : "free" } });
    await session.signal({ name: "cost_usd", value: 0.01 + 0.001 * (i % 7) });
    await session.end({ score: i % 4 === 0 ? 0 : 1 });
  }
  await test.engine.decide();
  return (await bot.report())!;
}

const rendered = (format: ReportFormat, by?: string) => renderReport(test.engine, "support", { format, by });

/** Cells of a Markdown table's rows: what stands between pipes that are not escaped. */
const cellsOf = (line: string): string[] => line.split(/(?<!\\)\|/).slice(1, -1);

/** The tables of a Markdown text, each a list of lines. */
function tablesOf(markdown: string): string[][] {
  const outside = markdown.replace(/^(`{3,})[^`\n]*\n[\s\S]*?\n\1$/gm, "");
  return outside
    .split("\n\n")
    .filter((block) => block.startsWith("|"))
    .map((block) => block.trim().split("\n"));
}

describe("a report as Markdown", () => {
  it("has the numbers of the report, in tables that hold together", async () => {
    const report = await contest();
    const markdown = await rendered("md");
    const tables = tablesOf(markdown);
    expect(tables.length).toBeGreaterThanOrEqual(5);
    for (const [header = "", ...rows] of tables) {
      expect(rows.length).toBeGreaterThan(1);
      for (const row of rows) expect(cellsOf(row)).toHaveLength(cellsOf(header).length);
    }
    const [champion, challenger] = report.evaluation.arms;
    const [, , first = "", second = ""] = tables[0]!;
    expect(cellsOf(first).map((cell) => cell.trim())).toEqual([
      expect.stringContaining("champion"),
      String(champion!.sessionCount),
      percent(champion!.scoreSum / champion!.sessionCount),
      champion!.interval.map((end) => percent(end)).join(" to "),
    ]);
    expect(cellsOf(second)[1]?.trim()).toBe(String(challenger!.sessionCount));
  });

  it("lets no text be more than a text", async () => {
    await contest();
    const markdown = await rendered("md");
    // A fence is closed by one that is as long: what is within is shown as it is.
    const fences = [...markdown.matchAll(/^(`{3,})(\w*)$/gm)].map(([, ticks, language]) => [ticks, language]);
    expect(fences).toContainEqual(["````", "diff"]);
    const outside = markdown.replace(/^(`{3,})diff\n[\s\S]*?\n\1$/gm, "");
    expect(outside).not.toMatch(/<(?!!--)/);
    expect(outside).not.toMatch(/@ada|#7|(?<!\\)\*\*bold/);
    expect(outside.match(/^#+ .*$/gm)).toEqual([
      expect.stringMatching(/^# support: /),
      "### Metrics and guardrails",
      "### What the challenger changes",
      "### By context",
      "### Sessions",
      "### Set-up",
    ]);
  });

  it("of a draft tells what is planned, and no numbers", async () => {
    const bot = await test.engine.project("support", { champion: CHAMPION });
    await bot.draft({ prompt: "x" }, { share: 0.1 });
    const markdown = await rendered("md");
    expect(markdown).toContain("**A draft.** Not started.");
    expect(markdown).toContain("| share | 10.0 % |");
    expect(markdown).not.toContain("P(better)");
    for (const format of ["html", "csv", "github"] as const)
      expect((await rendered(format)).length).toBeGreaterThan(100);
  });
});

describe("a report as a comment", () => {
  it("says first where it stands, after a mark that people do not see", async () => {
    await contest();
    const lines = (await rendered("github")).split("\n");
    expect(lines[0]).toBe("<!-- dethrone-report support -->");
    expect(lines[1]).toMatch(/^\*\*[^*]+\.\*\* support: .* sessions/);
    expect(lines.filter((line) => line === "<details>")).toHaveLength(1);
    const outside = lines.join("\n").replace(/^(`{3,})diff\n[\s\S]*?\n\1$/gm, "");
    expect(outside.match(/<[^>]*>/g)).toEqual([
      "<!-- dethrone-report support -->",
      ...["<details>", "<summary>", "</summary>", "</details>", "<sub>", "</sub>"],
    ]);
  });

  it("fits into a comment, however much the configs differ", async () => {
    await contest({ prompt: "long ".repeat(20_000) });
    expect((await rendered("md")).length).toBeGreaterThan(100_000);
    const comment = await rendered("github");
    expect(comment.length).toBeLessThan(65_536);
    expect(comment).toContain("Too long for a comment");
    expect(comment).toContain("</details>");
  });

  it("has a mark that no project's key can end", async () => {
    const key = "a --> b <i>";
    const bot = await test.engine.project(key, { champion: CHAMPION });
    await bot.challenge({ prompt: "x" }, { share: 0.5 });
    const [mark] = (await renderReport(test.engine, key, { format: "github" })).split("\n");
    expect(mark).toMatch(/^<!-- dethrone-report [^<> ]+ -->$/);
  });
});

describe("a report as HTML", () => {
  it("is one file with pictures that loads nothing, runs nothing and leads nowhere", async () => {
    await contest();
    const html = await rendered("html");
    expect(html).toMatch(/^<!doctype html><html lang="en" data-theme="auto">/);
    expect(html).toContain("default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:");
    expect(html.match(/<script|<form|<iframe|<object|\son\w+=/g)).toBe(null);
    const addresses = [...html.matchAll(/\s(?:href|src|action|srcset)="([^"]*)"/g)].map(([, at]) => at);
    expect(addresses.every((at) => at?.startsWith("data:"))).toBe(true);
    expect(html.match(/url\((?!#|data:)[^)]*\)|@import[^;]*;/g)).toBe(null);
    expect(html.match(/<svg/g)!.length).toBeGreaterThan(10);
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).toContain("light-dark(");
  });
});

describe("a report as CSV", () => {
  it("has a row an arm with the numbers of the report, and no formula", async () => {
    const report = await contest();
    const csv = await rendered("csv");
    const rows = parse(csv, { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(2);
    const { evaluation } = report;
    rows.forEach((row, place) => {
      const arm = evaluation.arms[place]!;
      expect(Number(row.sessionCount)).toBe(arm.sessionCount);
      expect(Number(row.scoreSum)).toBe(arm.scoreSum);
      expect([Number(row.meanLow), Number(row.meanHigh)]).toEqual(arm.interval);
    });
    expect(Number(rows[1]!.upliftMean)).toBe(evaluation.upliftMean);
    expect(Number(rows[1]!["cost_usd typical"])).toBe(evaluation.metrics.cost_usd!.challenger!.typical);
    expect(rows[0]!.upliftMean).toBe("");
    expect(rows[1]!.label).toBe(`'${LABEL}`);
    expect(csv.endsWith("\r\n")).toBe(true);
    const cells = rows.flatMap((row) => Object.values(row)).filter((cell) => Number.isNaN(Number(cell)));
    expect(cells.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
  });
});

describe("the ways to a report", () => {
  it("over HTTP: by ?format, with its type; JSON unless asked otherwise", async () => {
    const report = await contest();
    const { ask } = testApp(test);
    const path = "/v1/projects/support/experiments/current/report";
    for (const [format, type] of Object.entries({
      md: "text/markdown",
      html: "text/html",
      csv: "text/csv",
      github: "text/markdown",
    })) {
      const answer = await ask("GET", `${path}?format=${format}`);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, `${type}; charset=utf-8`]);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.text).toBe(await rendered(format as ReportFormat));
    }
    expect((await ask("GET", path)).body).toMatchObject({ experiment: report.experiment });
    const { paths } = (await ask("GET", "/openapi.json")).body as {
      paths: Record<string, { get: { responses: { 200: { content: object } } } }>;
    };
    const told = paths["/v1/projects/{project}/experiments/{experiment}/report"]!.get.responses[200].content;
    expect(Object.keys(told)).toEqual(["application/json", "text/markdown", "text/html", "text/csv"]);
    const byPlan = await ask("GET", `${path}?format=json&by=plan`);
    expect(byPlan.body).toMatchObject({ breakdown: [{ attribute: "plan" }] });
    expect((await ask("GET", `${path}?format=pdf`)).body).toMatchObject({ code: "input_invalid" });
  });

  it("by one attribute alone", async () => {
    await contest();
    expect(await rendered("md", "plan")).toContain("| plan |");
    expect(await rendered("md", "nothing")).not.toContain("| plan |");
  });

  it("at the command line: to standard output, as it is", async () => {
    await contest();
    const run = (...args: string[]) => cli("report", "support", "--db", url, ...args);
    // "As of" is the clock of the machine there, and the virtual one's here.
    const timeless = (text: string): string =>
      text.replace(/As of [^.]*\.|started [^<·]*|at most [^,.\n<]* left/g, "");
    for (const format of ["md", "csv", "github"] as const)
      expect(timeless((await run("--format", format)).out)).toBe(timeless(await rendered(format)));
    expect((await run("--format", "html")).out).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect((await run("--format", "md", "--json")).json()).toMatchObject({ project: "support" });
    expect((await run("--format", "pdf")).code).toBe(2);
    const none = await cli("report", "nobody", "--db", url, "--format", "md");
    expect([none.code, none.out]).toEqual([3, ""]);
  });
});
