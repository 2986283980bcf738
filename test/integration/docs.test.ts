import { parse } from "csv-parse/sync";
import { transform } from "esbuild";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { deadLinksOf, type Fence, fencesOf, pagesOf, textOf } from "../support/docs/markdown.js";
import {
  programsOf,
  promisedLines,
  runProgram,
  typeErrors,
  writePrograms,
} from "../support/docs/programs.js";
import { servedEngine } from "../support/docs/served.js";
import { commandsOf, hasCurl, runBlocks, usageError } from "../support/docs/shell.js";
import { temporaryFolder } from "../support/temporary.js";

const pages = pagesOf();
const fences = pages.flatMap((page) => fencesOf(page));
const ofLanguage = (...languages: string[]): Fence[] =>
  fences.filter(({ language }) => languages.includes(language));
const isGenerated = (page: string): boolean => page.startsWith("docs/reference/");

/** How a block of each language is checked; what is only looked at needs a reason above it. */
const CHECKED = ["ts", "js", "sh", "bash", "json", "jsonl", "yaml", "csv", "ini"];
/** A drawing, or what a command prints. */
const SHOWN = ["text"];

describe("the pages", () => {
  it("have no block that nobody checks and nobody says why", () => {
    const unchecked = fences.filter(
      ({ language, notRun }) => ![...CHECKED, ...SHOWN].includes(language) && notRun === undefined,
    );
    expect(unchecked.map(({ at, language }) => `${at}: ${language || "no language"}`)).toEqual([]);
  });

  it.each(pages)("%s links to what is there", (page) => {
    expect(deadLinksOf(page)).toEqual([]);
  });

  it("are all in the index for people, and in the one for models", () => {
    const [index, forModels] = [textOf("docs/README.md"), textOf("llms.txt")];
    const linked = (page: string): string =>
      page.startsWith("docs/") ? page.slice("docs/".length) : `../${page}`;
    expect(
      pages.filter(
        (page) => !isGenerated(page) && page !== "docs/README.md" && !index.includes(`](${linked(page)})`),
      ),
    ).toEqual([]);
    expect(pages.filter((page) => !forModels.includes(`](${page})`))).toEqual([]);
    expect(deadLinksOf("llms.txt")).toEqual([]);
  });

  it("parse as what they say they are", async () => {
    for (const { at, code } of ofLanguage("json")) expect(() => JSON.parse(code), at).not.toThrow();
    for (const { at, code } of ofLanguage("jsonl"))
      for (const line of code.split("\n")) expect(() => JSON.parse(line), at).not.toThrow();
    for (const { at, code } of ofLanguage("yaml"))
      expect(
        parseAllDocuments(code).flatMap(({ errors }) => errors),
        at,
      ).toEqual([]);
    for (const { at, code } of ofLanguage("csv")) expect(() => parse(code), at).not.toThrow();
    for (const { at, code } of ofLanguage("ini"))
      expect(
        code.split("\n").filter((line) => !/^(\s*|[#;].*|\[.+\]|[\w.-]+\s*=.*)$/.test(line)),
        at,
      ).toEqual([]);
    for (const { at, code } of ofLanguage("js"))
      await expect(transform(code, { loader: "js", format: "esm" }), at).resolves.toBeDefined();
  });
});

describe("the TypeScript of the pages", () => {
  const programs = pages
    .filter((page) => !isGenerated(page))
    .flatMap((page) => programsOf(ofLanguage("ts").filter((fence) => fence.page === page)));

  it("type-checks, strictly, against the built package", async () => {
    writePrograms("pages", programs);
    expect(await typeErrors("pages")).toBe("");
  }, 120_000);

  it.each(
    programs.filter(({ notRun }) => notRun === undefined).map((program) => [program.at, program] as const),
  )(
    "%s runs as it stands and prints what it says",
    async (_at, program) => {
      const { url, stop } = await servedEngine();
      const lines = (await runProgram("pages", program, temporaryFolder(), url)).split("\n");
      await stop();
      for (const said of promisedLines(program)) {
        const [begin = "", end] = said.split("...");
        expect(
          lines.some((line) => (end === undefined ? line === begin : line.startsWith(begin))),
          said,
        ).toBe(true);
      }
    },
    60_000,
  );
});

describe("the commands of the pages", () => {
  it.each(ofLanguage("sh", "bash").map((fence) => [fence.at, fence.code] as const))(
    "%s is understood by the command line",
    async (_at, code) => {
      for (const args of commandsOf(code)) expect([args, await usageError(args)]).toEqual([args, undefined]);
    },
  );

  it.each(pages)("%s names no command or option in its sentences that there is not", async (page) => {
    const spans = [...textOf(page).matchAll(/`npx (dethrone [^`]+)`/g)].map(([, span]) =>
      (span as string).replace(/\s+/g, " "),
    );
    // What is left out of a sentence is no mistake.
    for (const args of spans.flatMap(commandsOf))
      expect([args, (await usageError(args)) ?? ""]).toEqual([args, expect.not.stringContaining("unknown")]);
  });

  it("a command that nobody knows is noticed", async () => {
    const [args = []] = commandsOf("DETHRONE_DB=x npx dethrone report support --by 'a b' --nonsense # why");
    expect(args).toEqual(["report", "support", "--by", "a b", "--nonsense"]);
    expect(await usageError(args)).toContain("unknown option '--nonsense'");
    expect(await usageError(["challenge"])).toContain("missing required argument");
    expect(await usageError(["pause", "support"])).toContain("--reason");
  });

  const runnable = pages
    .filter((page) => !isGenerated(page))
    .map((page) => [page, ofLanguage("sh").filter((fence) => fence.page === page && !fence.notRun)] as const)
    .filter(
      ([, blocks]) => blocks.length > 0 && (hasCurl || !blocks.some(({ code }) => code.includes("curl "))),
    );

  it.each(runnable)(
    "%s: its commands run one after the other and print its figures",
    async (page, blocks) => {
      const outputs = await runBlocks(
        blocks.map(({ code }) => code),
        temporaryFolder(),
      );
      const told = textOf(page).replace(/<!--[\s\S]*?-->/g, "");
      for (const [index, { figures, output }] of blocks.entries()) {
        const printed = outputs[index]?.replace(/\s+/g, " ");
        for (const line of [...figures, ...output])
          expect(printed).toContain(line.trim().replace(/\s+/g, " "));
        for (const figure of figures) expect(told).toContain(figure);
      }
    },
    600_000,
  );
});

describe("README", () => {
  it("shows both commands on its first screen", () => {
    const firstScreen = textOf("README.md").split("\n").slice(0, 24).join("\n");
    expect(firstScreen).toContain("npm ci && npm run demo");
    expect(firstScreen).toContain("npm ci && npm test");
  });
});
