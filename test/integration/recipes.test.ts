import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { query } from "../support/query.js";
import { temporaryFolder } from "../support/temporary.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/INTEGRATIONS.md"), "utf8");
const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string);

/** Stand-ins for packages that do not run on every Node this one runs on: as much of their shape as the recipes use. */
const PACKAGES: Record<string, { readonly path: string; readonly types: string; readonly code: string }> = {
  "@openai/agents": {
    path: "index",
    types: `
      export declare class Agent { constructor(config: { name: string; instructions?: string; model?: string }); }
      export interface Usage { requests: number; inputTokens: number; outputTokens: number; inputTokensDetails: Record<string, number>[] }
      export declare function run(agent: Agent, input: string): Promise<{ finalOutput?: string; runContext: { usage: Usage } }>;`,
    code: `
      export class Agent { constructor(config) { Object.assign(this, config); } }
      export const run = async (agent, input) => ({
        finalOutput: [agent.model, agent.instructions, input].join(" "),
        runContext: { usage: { requests: 2, inputTokens: 30, outputTokens: 4, inputTokensDetails: [{ cached_tokens: 9 }, {}] } },
      });`,
  },
  "@langchain/langgraph": {
    path: "prebuilt",
    types: `
      export interface Message { content: unknown; usage_metadata?: { input_tokens: number; output_tokens: number } }
      export declare function createReactAgent(options: { llm: { model: string }; tools: unknown[]; prompt?: string }): {
        invoke(input: { messages: { role: string; content: string }[] }): Promise<{ messages: Message[] }>;
      };`,
    code: `
      export const createReactAgent = ({ llm, prompt }) => ({
        invoke: async ({ messages }) => ({
          messages: [
            ...messages,
            { content: "", usage_metadata: { input_tokens: 10, output_tokens: 1 } },
            { content: "the tool's word" },
            { content: [llm.model, prompt, messages[0].content].join(" "), usage_metadata: { input_tokens: 20, output_tokens: 3 } },
          ],
        }),
      });`,
  },
  "@mastra/core": {
    path: "agent",
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
  },
};

/** What a recipe leaves to the reader. */
const MODEL = "const chatModel = (model: string) => ({ model });\n";

/** A folder in which the built package, a stand-in and a recipe are. */
function project(name: string): string {
  const folder = temporaryFolder();
  const { path, types, code } = PACKAGES[name] as (typeof PACKAGES)[string];
  const home = join(folder, "node_modules", name);
  mkdirSync(home, { recursive: true });
  const entry = path === "index" ? "." : `./${path}`;
  const exports = { [entry]: { types: `./${path}.d.ts`, default: `./${path}.js` } };
  writeFileSync(join(home, "package.json"), JSON.stringify({ name, type: "module", exports }));
  writeFileSync(join(home, `${path}.d.ts`), types);
  writeFileSync(join(home, `${path}.js`), code);
  for (const linked of ["dethrone", "@types/node"]) {
    const target = linked === "dethrone" ? root : join(root, "node_modules", linked);
    mkdirSync(dirname(join(folder, "node_modules", linked)), { recursive: true });
    symlinkSync(target, join(folder, "node_modules", linked), "dir");
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return folder;
}

describe("the recipes of docs/INTEGRATIONS.md", () => {
  it.each([
    ["@openai/agents", "openai", "m-large"],
    ["@langchain/langgraph", "langgraph", "m-large"],
    ["@mastra/core", "mastra", "openai/m-large"],
  ])(
    "%s: type-checks, runs, and records tokens and cost",
    async (name, database, model) => {
      const recipe = blocks.filter((code) => code.includes(`from "${name}`));
      expect(recipe).toHaveLength(1);
      const folder = project(name);
      writeFileSync(join(folder, "recipe.ts"), `${MODEL}${recipe[0]}`);
      const options = [
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--skipLibCheck",
        "--types",
        "node",
      ];
      const tsc = join(root, "node_modules/.bin/tsc");
      const compiled = await run(tsc, [...options, "recipe.ts"], { cwd: folder }).catch((error) => error);
      expect(compiled.stdout).toBe("");
      const { stdout, stderr } = await run(process.execPath, ["recipe.js"], { cwd: folder });
      expect(stderr).toBe("");
      expect(stdout).toBe(`${model} Be thorough. Where is my order?\n`);
      const signals = await query<{ name: string; value: number }>(
        join(folder, `${database}.db`),
        "select name, value from signals where is_late = 0",
      );
      const values = Object.fromEntries(signals.map(({ name: signal, value }) => [signal, value]));
      expect(values).toMatchObject({ input_tokens: 30, output_tokens: 4, total_tokens: 34 });
      expect(values.cost_usd).toBeCloseTo((30 * 3 + 4 * 15) / 1e6, 12);
    },
    60_000,
  );
});
