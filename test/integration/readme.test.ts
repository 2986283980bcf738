import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/core/random.js";
import { temporaryFolder } from "../support/temporary.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const readme = readFileSync(join(root, "README.md"), "utf8");

/** A page's code blocks of a language. */
function blocks(language: string, page = readme): string[] {
  return [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] as string);
}

/** Whether a block is of an adapter, and needs that one's package. */
const isOfAdapter = (code: string): boolean => /from "dethrone\/(openfeature|otel|judges)"/.test(code);

/** A folder in which `dethrone` is installed: the built package itself. */
function project(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  symlinkSync(root, join(folder, "node_modules", "dethrone"), "dir");
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return folder;
}

// What the README leaves to the reader: the agent.
const AGENT = `async function runAgent(config, question) {
  return { text: config.prompt + " " + question, resolved: true };
}
`;

/** TypeScript of the README as JavaScript: it has type annotations in parameters alone. */
const toJavaScript = (code: string): string => code.replace(/(\w+): string/g, "$1");

/** What a block prints that needs no other. */
async function runAlone(code: string): Promise<string> {
  const folder = project();
  for (const scope of ["@openfeature", "@opentelemetry"])
    symlinkSync(join(root, "node_modules", scope), join(folder, "node_modules", scope), "dir");
  writeFileSync(join(folder, "block.mjs"), `${AGENT}${toJavaScript(code)}`);
  const { stdout, stderr } = await run(process.execPath, ["block.mjs"], { cwd: folder });
  // A busy machine may take longer than a session waits for the database, which is said and changes no output.
  expect(stderr.replace(/.*is not known in time.*\n/g, "")).toBe("");
  return stdout;
}

/** What each of the blocks prints, one after the other. */
async function outputsOf(codes: readonly string[]): Promise<string[]> {
  const outputs: string[] = [];
  for (const code of codes) outputs.push(await runAlone(code));
  return outputs;
}

describe("README", () => {
  it("shows both commands on its first screen", () => {
    const firstScreen = readme.split("\n").slice(0, 24).join("\n");
    expect(firstScreen).toContain("npm ci && npm run demo");
    expect(firstScreen).toContain("npm ci && npm test");
  });

  it("the library's code blocks run as they stand", async () => {
    const [first, second, cheaper, core, testing, ...rest] = blocks("ts")
      .filter((code) => !isOfAdapter(code))
      .map(toJavaScript);
    expect(rest).toEqual([]);
    const folder = project();
    // The second block goes on where the first one stood, before it closed the engine.
    const [start, end] = (first as string).split("await engine.decide();");
    writeFileSync(join(folder, "library.mjs"), `${AGENT}${start}${second}await engine.decide();${end}`);
    const opening = (first as string).split("await bot.challenge")[0]?.replace("dethrone.db", "cheaper.db");
    writeFileSync(join(folder, "cheaper.mjs"), `${opening}${cheaper}await engine.close();`);
    writeFileSync(join(folder, "core.mjs"), core as string);
    writeFileSync(join(folder, "testing.mjs"), testing as string);
    const node = async (file: string) => (await run(process.execPath, [file], { cwd: folder })).stdout;
    expect(await node("library.mjs")).toContain("Where is my order?");
    expect(await node("cheaper.mjs")).toBe("true\n");
    expect(await node("core.mjs")).toContain("0.882419268177");
    expect(await node("testing.mjs")).toBe("promote\n");
  }, 60_000);

  it("the adapters' code blocks run as they stand", async () => {
    const outputs = await outputsOf(blocks("ts").filter(isOfAdapter));
    expect(outputs).toEqual(["m-large\n", "Be thorough. Where is my order?\n1\n", "1\n"]);
  }, 60_000);

  it("the command line's blocks run as they stand", async () => {
    const folder = project();
    const random = createRandom(3);
    const lines = Array.from({ length: 800 }, (_, index) => {
      const isChallenger = index % 2 === 1;
      const [agent, model] = isChallenger ? ["droid", "claude-opus-4.1"] : ["goose", "claude-sonnet-4"];
      return JSON.stringify({
        agent,
        model,
        resolved: random.next() < (isChallenger ? 0.8 : 0.4),
        agent_seconds: 100 + (index % 50),
      });
    });
    writeFileSync(join(folder, "sessions.jsonl"), lines.join("\n"));
    const scripts = blocks("sh").filter((block) => block.includes("npx dethrone"));
    expect(scripts).toHaveLength(4);
    const cli = `"${process.execPath}" "${join(root, "dist/cli/main.js")}"`;
    const outputs: string[] = [];
    for (const command of scripts
      .join("\n")
      .replace(/\\\n/g, " ")
      .split("\n")
      .filter((line) => line.trim() !== "")) {
      // A worker runs until it is told to stop, and there is nothing yet to approve or roll back.
      if (command.includes("--every")) continue;
      const isRefused = / (approve|rollback) /.test(command);
      const result = run("sh", ["-c", command.replace("npx dethrone", cli)], { cwd: folder });
      if (isRefused) await expect(result).rejects.toMatchObject({ code: expect.any(Number) });
      else outputs.push((await result).stdout);
    }
    expect(outputs.join("\n")).toMatch(/- "Be thorough\."\n +\+ "Be brief\."/);
    expect(outputs.join("\n")).toContain("Revised minPerArm of support");
    expect(outputs.join("\n").match(/PROMOTE/g)).toHaveLength(2);
    expect(outputs.join("\n")).toMatch(/a challenger 10 points better is promoted\s+in \d+ % of experiments/);
    expect(outputs.join("\n").match(/'calibrated' (would have )?promoted it in/g)?.length).toBeGreaterThan(1);
    expect(outputs.join("\n")).toMatch(/agent_seconds +10 % worse +aborts/);
  }, 120_000);
});

describe("docs/EXPERIMENTS.md", () => {
  it("its code blocks run as they stand, one after the other", async () => {
    const page = readFileSync(join(root, "docs/EXPERIMENTS.md"), "utf8");
    const folder = project();
    symlinkSync(join(root, "node_modules", "zod"), join(folder, "node_modules", "zod"), "dir");
    writeFileSync(join(folder, "page.mjs"), blocks("ts", page).map(toJavaScript).join("\n"));
    const { stdout, stderr } = await run(process.execPath, ["page.mjs"], { cwd: folder });
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n").slice(0, 1)).toEqual(["0.2 1"]);
    expect(stdout).toContain("brief true");
    expect(stdout.trim().split("\n").slice(-7)).toEqual([
      "support abort manual",
      "true",
      "challenger",
      "true",
      "true",
      "Be kind.",
      "support promote manual",
    ]);
  }, 60_000);
});

describe("docs/INTEGRATIONS.md", () => {
  const page = readFileSync(join(root, "docs/INTEGRATIONS.md"), "utf8");

  it("its code blocks run as they stand", async () => {
    const outputs = await outputsOf(blocks("ts", page).filter(isOfAdapter));
    expect(outputs).toEqual(["SPLIT true\n", "Be thorough. Where is my order?\n1\n", "1 1\n"]);
  }, 60_000);
});
