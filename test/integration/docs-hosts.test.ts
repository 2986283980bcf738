/** Blocks of the pages that need a host of their own: a platform, an agent that looks for tools. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect, it } from "vitest";
import { fencesOf, ROOT } from "../support/docs/markdown.js";
import { type Program, programsOf, runProgram, writePrograms } from "../support/docs/programs.js";
import { servedEngine } from "../support/docs/served.js";
import { temporaryFolder } from "../support/temporary.js";

const MAIN = join(ROOT, "dist/cli/main.js");

describe("docs/CLIENT.md", () => {
  const ASK = 'new Request("http://agent.test", { method: "POST", body: "Where is my order?" })';

  it("its recipes run, each on a platform that does as its own does", async () => {
    const [plain, next, worker, ...rest] = programsOf(
      fencesOf("docs/CLIENT.md").filter(({ language }) => language === "ts"),
    ) as [Program, Program, Program];
    expect(rest).toEqual([]);
    const { url, results, stop } = await servedEngine();
    const recipes = [
      plain,
      {
        ...next,
        code: `${next.code}
          import { tasks } from "next/server";
          console.log((await (await POST(${ASK})).json()).text);
          for (const task of tasks) await task;`,
      },
      {
        ...worker,
        code: `${worker.code.replace("export default", "const worker =")}
          const env = { DETHRONE_SERVER: ${JSON.stringify(url)} };
          for (let i = 0; i < 2; i += 1) {
            const tasks = [];
            const answer = await worker.fetch(${ASK}, env, { waitUntil: (task) => void tasks.push(task) });
            console.log((await answer.json()).text);
            for (const task of tasks) await task;
          }
          console.log(known.map(({ project }) => project).join());`,
      },
    ];
    writePrograms("hosts", recipes);
    const said: string[] = [];
    for (const recipe of recipes) said.push(await runProgram("hosts", recipe, temporaryFolder(), url));
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

describe("docs/INTEGRATIONS.md", () => {
  it("what an agent's settings get starts a server of the tools", async () => {
    const [settings] = fencesOf("docs/INTEGRATIONS.md").filter(({ language }) => language === "json");
    const { command, args } = JSON.parse(settings?.code as string).mcpServers.dethrone;
    expect([command, args[0]]).toEqual(["npx", "dethrone"]);
    const folder = temporaryFolder();
    execFileSync(process.execPath, [MAIN, "init"], { cwd: folder });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, ...args.slice(1)],
      cwd: folder,
    });
    const client = new Client({ name: "test", version: "1" });
    await client.connect(transport);
    expect((await client.callTool({ name: "list_projects" })).structuredContent).toEqual({ projects: [] });
    await client.close();
  }, 60_000);
});
