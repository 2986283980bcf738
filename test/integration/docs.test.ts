import { describe, expect, it } from "vitest";
import { deadLinksOf, fencesOf, pagesOf } from "../support/docs/markdown.js";
import { programsOf, promisedLines, runProgram, typeErrors, writePrograms } from "../support/docs/programs.js";
import { servedEngine } from "../support/docs/served.js";
import { temporaryFolder } from "../support/temporary.js";

const pages = pagesOf();
const fences = pages.flatMap((page) => fencesOf(page));
const programs = pages
  .filter((page) => !page.startsWith("docs/reference/"))
  .flatMap((page) => programsOf(fences.filter((fence) => fence.page === page && fence.language === "ts")));

describe("the TypeScript of the pages", () => {
  it("type-checks, strictly, against the built package", async () => {
    writePrograms(programs);
    expect(await typeErrors()).toBe("");
  }, 120_000);

  it.each(programs.filter(({ notRun }) => notRun === undefined).map((program) => [program.at, program] as const))(
    "%s runs as it stands and prints what it says",
    async (_at, program) => {
      const { url, stop } = await servedEngine();
      const lines = (await runProgram(program, temporaryFolder(), url)).split("\n");
      await stop();
      for (const said of promisedLines(program)) {
        const [begin = "", end] = said.split("...");
        expect(lines.some((line) => (end === undefined ? line === begin : line.startsWith(begin))), said).toBe(true);
      }
    },
    60_000,
  );
});

describe("links", () => {
  it.each(pages)("%s leads to what is there", (page) => {
    expect(deadLinksOf(page)).toEqual([]);
  });
});
