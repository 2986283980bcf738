import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/core/random.js";
import { createApp } from "../../src/server/app.js";
import { listen } from "../../src/server/listen.js";
import { createTestEngine } from "../../src/testing.js";
import {
  AGENT,
  blocks,
  isOfAdapter,
  linkPackages,
  standingAlone,
  toJavaScript,
} from "../support/page-blocks.js";
import { temporaryFolder } from "../support/temporary.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const readme = readFileSync(join(root, "README.md"), "utf8");

/** A folder in which `dethrone` is installed: the built package itself. */
function project(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  symlinkSync(root, join(folder, "node_modules", "dethrone"), "dir");
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return folder;
}

/** A server that listens, over a database of its own. */
async function served() {
  const { engine } = await createTestEngine();
  const { url, stop } = await listen(createApp(engine, { open: true }), { port: 0 });
  const results = (): Promise<number[]> =>
    engine.sessions().then(({ sessions }) => sessions.map(({ score }) => Number(score)));
  return { url, results, stop: () => stop().then(() => engine.close()) };
}

/** What a block prints that needs no other. */
async function runAlone(code: string): Promise<string> {
  const folder = project();
  linkPackages(folder, ["@openfeature", "@opentelemetry", "ai", "zod"]);
  writeFileSync(join(folder, "block.mjs"), standingAlone(code));
  const { stdout, stderr } = await run(process.execPath, ["block.mjs"], { cwd: folder });
  // A busy machine may take longer than a session waits for the database, which is said and changes no output.
  expect(stderr.replace(/.*is not known in time.*\n/g, "")).toBe("");
  return stdout;
}

/** One after the other: an engine whose machine is busy may start before its database has answered, and says so. */
async function runEach(codes: readonly string[]): Promise<string[]> {
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
    const [first, second, cheaper, client, core, testing, ...rest] = blocks("ts", readme)
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
    const { url, stop } = await served();
    writeFileSync(join(folder, "client.mjs"), (client as string).replace("http://127.0.0.1:4700", url));
    writeFileSync(join(folder, "testing.mjs"), testing as string);
    const node = async (file: string) => (await run(process.execPath, [file], { cwd: folder })).stdout;
    expect(await node("library.mjs")).toContain("Where is my order?");
    expect(await node("cheaper.mjs")).toBe("true\n");
    expect(await node("client.mjs")).toBe("Be thorough.\n");
    await stop();
    expect(await node("core.mjs")).toContain("0.882419268177");
    expect(await node("testing.mjs")).toBe("promote\n");
  }, 60_000);

  it("the adapters' code blocks run as they stand", async () => {
    const outputs = await runEach(blocks("ts", readme).filter(isOfAdapter));
    expect(outputs).toEqual(["m-large\n", "Be thorough. Where is my order?\n1\n", "1\n", "Here."]);
  }, 60_000);

  it("what an agent's settings get starts a server of the tools", async () => {
    const [settings] = blocks("json", readme);
    const { command, args } = JSON.parse(settings as string).mcpServers.dethrone;
    expect([command, args[0]]).toEqual(["npx", "dethrone"]);
    const folder = project();
    const main = join(root, "dist/cli/main.js");
    await run(process.execPath, [main, "init"], { cwd: folder });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [main, ...args.slice(1)],
      cwd: folder,
    });
    const client = new Client({ name: "test", version: "1" });
    await client.connect(transport);
    expect((await client.callTool({ name: "list_projects" })).structuredContent).toEqual({ projects: [] });
    await client.close();
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
    const scripts = blocks("sh", readme).filter((block) => block.includes("npx dethrone"));
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
    expect(stdout.trim().split("\n").slice(-8)).toEqual([
      "support abort manual",
      "true",
      "challenger",
      "true",
      "true",
      "not yet",
      "Be kind.",
      "support promote manual",
    ]);
  }, 60_000);
});

describe("docs/CLIENT.md", () => {
  const [plain, next, worker, ...rest] = blocks("ts", readFileSync(join(root, "docs/CLIENT.md"), "utf8"));

  it("its code blocks run as they stand, each on a platform that does as its own does", async () => {
    expect(rest).toEqual([]);
    const { url, results, stop } = await served();
    const folder = project();
    const stub = join(folder, "node_modules/next");
    mkdirSync(stub);
    writeFileSync(
      join(stub, "package.json"),
      '{"name":"next","type":"module","exports":{"./server":"./server.js"}}',
    );
    writeFileSync(
      join(stub, "server.js"),
      "export const tasks = []; export const after = (task) => void tasks.push(task());",
    );
    const ASK = 'new Request("http://agent.test", { method: "POST", body: "Where is my order?" })';
    const files = {
      "plain.mjs": `${AGENT}${toJavaScript(plain as string).replace("http://127.0.0.1:4700", url)}`,
      "next.mjs": `${AGENT}${next}
        import { tasks } from "next/server";
        console.log((await (await POST(${ASK})).json()).text);
        for (const task of tasks) await task;`,
      "worker.mjs": `${AGENT}${(worker as string).replace("export default", "const worker =")}
        const env = { DETHRONE_SERVER: ${JSON.stringify(url)} };
        for (let i = 0; i < 2; i += 1) {
          const tasks = [];
          const answer = await worker.fetch(${ASK}, env, { waitUntil: (task) => void tasks.push(task) });
          console.log((await answer.json()).text);
          for (const task of tasks) await task;
        }
        console.log(known.map(({ project }) => project).join());`,
    };
    const env = { ...process.env, DETHRONE_SERVER: url };
    const said: string[] = [];
    for (const [name, code] of Object.entries(files)) {
      writeFileSync(join(folder, name), code);
      said.push((await run(process.execPath, [name], { cwd: folder, env })).stdout);
    }
    const answered = /^Be (thorough|brief)\. Where is my order\?\n/;
    expect(said).toEqual([
      expect.stringMatching(answered),
      expect.stringMatching(answered),
      expect.stringMatching(/support\n$/),
    ]);
    expect(await results()).toEqual([1, 1, 1, 1]);
    await stop();
  }, 60_000);
});
