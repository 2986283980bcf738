import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { nodeProcess } from "../support/processes.js";
import { temporaryFolder } from "../support/temporary.js";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A database with a project, in a folder of its own. */
async function database(): Promise<string> {
  const db = join(temporaryFolder(), "mcp.db");
  const engine = await createEngine({ url: db, strict: true });
  await engine.project("support", { champion: { prompt: "Be thorough." } });
  await engine.close();
  return db;
}

/** Makes the import of packages of this name fail as if they were not installed. */
const without = (name: string): string => {
  const hook = `export async function resolve(specifier, context, next) {
    if (!specifier.startsWith(${JSON.stringify(name)})) return next(specifier, context);
    throw Object.assign(new Error("Cannot find package '" + specifier + "'"), { code: "ERR_MODULE_NOT_FOUND" });
  }`;
  const url = `data:text/javascript,${encodeURIComponent(hook)}`;
  return `data:text/javascript,${encodeURIComponent(`import { register } from "node:module"; register(${JSON.stringify(url)});`)}`;
};

describe("dethrone mcp", () => {
  it("serves a client over standard input and output, on the database it is given", async () => {
    const db = await database();
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [main, "mcp", "--db", db],
      stderr: "pipe",
    });
    let said = "";
    transport.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    const client = new Client({ name: "test", version: "1" });
    await client.connect(transport);
    expect(client.getServerVersion()).toMatchObject({ name: "dethrone" });
    expect(client.getInstructions()).toContain("experiment_facts");
    await client.listTools();
    const started = await client.callTool({
      name: "challenge",
      arguments: { project: "support", config: { prompt: "Be brief." }, hypothesis: "Shorter is better." },
    });
    expect(started.structuredContent).toMatchObject({ started: true });
    // On all processors, as the command line does it.
    const plan = await client.callTool({ name: "plan", arguments: { baseRate: 0.5, effect: 0.2 } });
    expect(plan.structuredContent).toMatchObject({ runs: 400 });
    await client.close();
    const engine = await createEngine({ url: db, strict: true });
    const [entry] = await (await engine.project("support")).history();
    await engine.close();
    expect(entry).toMatchObject({ action: "started", actor: "mcp", reason: "Shorter is better." });
    expect(said).toBe("");
  }, 60_000);

  it.each(["end of input", "SIGTERM"] as const)("stops at %s, with nothing said", async (how) => {
    const child = nodeProcess(main, "mcp", "--db", await database());
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    const exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    const hello = {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    };
    const answered = new Promise((resolve) => child.stdout.once("data", resolve));
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: hello })}\n`);
    await answered;
    if (how === "SIGTERM") child.kill("SIGTERM");
    else child.stdin.end();
    expect(await exited).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(1);
  });

  it("without a database there is nothing to serve", async () => {
    const db = join(temporaryFolder(), "none.db");
    await expect(run(process.execPath, [main, "mcp", "--json", "--db", db])).rejects.toMatchObject({
      code: 3,
      stdout: expect.stringContaining("database_not_found"),
    });
  });

  it("without the peer package says what to install, and every other command works", async () => {
    const db = await database();
    const args = ["--import", without("@modelcontextprotocol/"), main];
    await expect(run(process.execPath, [...args, "mcp", "--json", "--db", db])).rejects.toMatchObject({
      code: 6,
      stdout: expect.stringMatching(/"peer_missing".*npm install @modelcontextprotocol\/sdk/),
    });
    const { stdout } = await run(process.execPath, [...args, "status", "--json", "--db", db]);
    expect(JSON.parse(stdout)).toMatchObject({ projects: [{ project: "support" }] });
  });
});
