import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { blocks, complaints, isOfAdapter, linkPackages, standingAlone } from "../support/page-blocks.js";
import { query } from "../support/query.js";
import { temporaryFolder } from "../support/temporary.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/INTEGRATIONS.md"), "utf8");

const PEERS = [
  "@openfeature",
  "@opentelemetry",
  "@modelcontextprotocol",
  "@openai/agents",
  "@langchain",
  "ai",
  "zod",
];

/** Runs a block with the real packages beside it, and returns what it prints and the folder. */
async function runBlock(code: string): Promise<{ stdout: string; folder: string }> {
  const folder = temporaryFolder();
  linkPackages(folder, ["dethrone", ...PEERS]);
  writeFileSync(join(folder, "block.mjs"), standingAlone(code));
  const { stdout, stderr } = await run(process.execPath, ["block.mjs"], { cwd: folder });
  expect(complaints(stderr)).toBe("");
  return { stdout, folder };
}

/** The signals of a database, summed by name. */
async function signals(path: string): Promise<Record<string, number>> {
  const rows = await query<{ name: string; value: number }>(
    path,
    "select name, sum(value) as value from signals where is_late = 0 group by name",
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

describe("the code blocks of docs/INTEGRATIONS.md run as they stand", () => {
  const [flags, telemetry, judges, agent, middleware, agents, graph, mcp, ...rest] = blocks(
    "ts",
    page,
  ).filter(isOfAdapter);

  it.each([
    ["OpenFeature", flags, "SPLIT true\n"],
    ["OpenTelemetry", telemetry, "Be thorough. Where is my order?\n1\n"],
    ["judges", judges, "1 1\n"],
    ["the AI SDK's agent", agent, "Here.\ntrue\n"],
    ["the AI SDK's middleware", middleware, "Here.\n"],
    ["MCP", mcp, ""],
  ])("%s", async (_name, code, said) => {
    expect((await runBlock(code as string)).stdout).toBe(said);
    expect(rest).toEqual([]);
  });

  it.each([
    ["OpenAI Agents", agents, "openai.db", "Here.\ntrue\n"],
    ["LangGraph", graph, "langgraph.db", "Here.\nHere.\n"],
  ])("%s, recording tokens and how each run ended", async (_name, code, database, said) => {
    const { stdout, folder } = await runBlock(code as string);
    expect(stdout).toBe(said);
    expect(await signals(join(folder, database))).toMatchObject({
      input_tokens: 18,
      output_tokens: 4,
      steps: 2,
      finish_stop: 2,
      model_errors: 0,
    });
  });
});

/** As much of Mastra's shape as its recipe uses: the package itself does not run on every Node this one runs on. */
const MASTRA = {
  types: `
    export declare class Agent {
      constructor(config: { id: string; name: string; instructions: string; model: string });
      generate(prompt: string): Promise<{ text: string; totalUsage: { inputTokens: number; outputTokens: number; cachedInputTokens?: number } }>;
    }`,
  code: `
    export class Agent {
      constructor(config) { this.config = config; }
      async generate(prompt) {
        const { model, instructions } = this.config;
        return { text: [model, instructions, prompt].join(" "), totalUsage: { inputTokens: 30, outputTokens: 4 } };
      }
    }`,
};

describe("the recipe for Mastra", () => {
  it("type-checks, runs, and records tokens and cost", async () => {
    const [recipe, ...others] = blocks("ts", page).filter((code) => code.includes('from "@mastra/core'));
    expect(others).toEqual([]);
    const folder = temporaryFolder();
    linkPackages(folder, ["dethrone", "@types/node"]);
    const home = join(folder, "node_modules/@mastra/core");
    mkdirSync(home, { recursive: true });
    const exports = { "./agent": { types: "./agent.d.ts", default: "./agent.js" } };
    writeFileSync(
      join(home, "package.json"),
      JSON.stringify({ name: "@mastra/core", type: "module", exports }),
    );
    writeFileSync(join(home, "agent.d.ts"), MASTRA.types);
    writeFileSync(join(home, "agent.js"), MASTRA.code);
    writeFileSync(join(folder, "recipe.ts"), recipe as string);
    const options = "--strict --target es2022 --module nodenext --skipLibCheck --types node".split(" ");
    const tsc = join(root, "node_modules/.bin/tsc");
    const compiled = await run(tsc, [...options, "recipe.ts"], { cwd: folder }).catch((error) => error);
    expect(compiled.stdout).toBe("");
    const { stdout, stderr } = await run(process.execPath, ["recipe.js"], { cwd: folder });
    expect(stderr).toBe("");
    expect(stdout).toBe("openai/m-large Be thorough. Where is my order?\n");
    const values = await signals(join(folder, "mastra.db"));
    expect(values).toMatchObject({ input_tokens: 30, output_tokens: 4, total_tokens: 34 });
    expect(values.cost_usd).toBeCloseTo((30 * 3 + 4 * 15) / 1e6, 12);
  }, 60_000);
});
