import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { createApp } from "../../src/server/app.js";
import { listen } from "../../src/server/listen.js";
import { createTestEngine } from "../../src/testing.js";
import { AGENT, blocks, complaints } from "../support/page-blocks.js";
import { query } from "../support/query.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const app = inject("app");
const { bun, deno } = inject("runtimes");
const page = readFileSync(join(root, "docs/RUNTIMES.md"), "utf8");
const [nextConfig, nextLibrary, nextRoute] = blocks("js", page);
const [agent] = blocks("ts", page);

/** A client whose sessions are found past an `await`, and what it says. */
const CLIENT = `import { createClient, currentSession } from "dethrone/client";
const client = createClient({ server: process.env.SERVER });
const bot = await client.project("support", { champion: { prompt: "Be thorough." } });
const answer = bot.wrap(async (session) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return currentSession() === session;
}, { score: (isSame) => isSame });
console.log(String(await answer()));
await client.close();
`;

/** A folder within the project, with these files. */
async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(app, "run-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** What the server has stored of sessions that a client recorded there. */
async function recorded(use: (server: string) => Promise<unknown>): Promise<(number | null)[]> {
  const { engine } = await createTestEngine();
  const { url, stop } = await listen(createApp(engine, { open: true }), { port: 0 });
  await use(url);
  await engine.flush();
  const { sessions } = await engine.sessions();
  await stop();
  await engine.close();
  return sessions.map(({ score }) => score);
}

const COMMANDS: readonly (readonly [
  name: string,
  program: string | null | undefined,
  library: string[],
  client: string[],
])[] = [
  ["Bun", bun, ["run"], ["run"]],
  [
    "Deno",
    deno,
    "run --no-prompt --allow-read --allow-write --allow-env --allow-ffi --allow-sys".split(" "),
    "run --no-prompt --allow-read --allow-env --allow-net".split(" "),
  ],
];

describe.each(COMMANDS)("on %s", (_name, program, library, client) => {
  it.runIf(program)("the library routes, records and decides, and lets the process end", async () => {
    const cwd = await folderOf({ "agent.ts": agent as string });
    const { stdout, stderr } = await run(program as string, [...library, "agent.ts"], {
      cwd,
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(stdout).toBe("promote\n");
    expect(complaints(stderr)).toBe("");
  });

  it.runIf(program)("the client records on its server", async () => {
    const cwd = await folderOf({ "client.ts": CLIENT });
    const scores = await recorded(async (SERVER) => {
      const env = { ...process.env, NO_COLOR: "1", SERVER };
      expect((await run(program as string, [...client, "client.ts"], { cwd, env })).stdout).toBe("true\n");
    });
    expect(scores).toEqual([1]);
  });
});

describe("bundled by esbuild", () => {
  const bundle = async (cwd: string, entry: string, ...options: string[]) => {
    const esbuild = join(root, "node_modules/.bin/esbuild");
    await run(esbuild, [entry, "--bundle", "--format=esm", "--outfile=out/bundle.mjs", ...options], { cwd });
    return join(cwd, "out/bundle.mjs");
  };

  it("a host that leaves dethrone out of its bundle lacks nothing", async () => {
    const cwd = await folderOf({ "agent.ts": agent as string });
    const file = await bundle(cwd, "agent.ts", "--platform=node", "--external:dethrone");
    expect((await run(process.execPath, [file], { cwd })).stdout).toBe("promote\n");
  });

  it("one that does not runs its agent, unrecorded, and is told why", async () => {
    const cwd = await folderOf({
      "agent.mjs": `import { createEngine } from "dethrone";
        const engine = await createEngine({ url: "file:agent.db" });
        const bot = await engine.project("support", { champion: { prompt: "Be brief." } });
        console.log(await bot.wrap((session) => session.config.prompt)());
        await engine.close();`,
    });
    const natives = ["--external:libsql", "--external:@libsql/client"];
    const banner =
      'import { createRequire } from "node:module";const require = createRequire(import.meta.url);';
    const file = await bundle(cwd, "agent.mjs", "--platform=node", ...natives, `--banner:js=${banner}`);
    const { stdout, stderr } = await run(process.execPath, [file], { cwd });
    expect(stdout).toBe("Be brief.\n");
    expect(stderr).toContain("keep 'dethrone' out of the bundle");
  });

  it("the client runs from a bundle", async () => {
    const cwd = await folderOf({ "client.ts": CLIENT });
    const file = await bundle(cwd, "client.ts", "--platform=neutral");
    const scores = await recorded(async (SERVER) => {
      const env = { ...process.env, SERVER };
      expect((await run(process.execPath, [file], { cwd, env })).stdout).toBe("true\n");
    });
    expect(scores).toEqual([1]);
  });
});

/** What the page leaves to the reader, and what tells how often the library's file was loaded and the database opened. */
const NEXT_FILES = {
  "package.json": '{"private":true,"type":"module"}',
  "next.config.mjs": nextConfig as string,
  "lib/support.js": (nextLibrary as string).replace(
    "async function open() {",
    "globalThis.loaded = (globalThis.loaded ?? 0) + 1;\n$&\n  globalThis.opened = (globalThis.opened ?? 0) + 1;",
  ),
  "app/api/answer/route.js": `${AGENT}${nextRoute}
    export const PUT = () => Response.json([globalThis.loaded, globalThis.opened]);`,
  "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;\n",
  "app/page.js": "export default () => <p>Hello</p>;\n",
};

const NEXT = join(app, "node_modules/next/dist/bin/next");
const nextEnv = (cwd: string) => {
  return { ...process.env, NEXT_TELEMETRY_DISABLED: "1", DETHRONE_DB: `file:${join(cwd, "next.db")}` };
};

/** Starts a server of Next.js, in a group of its own because it starts others. */
async function serveNext(cwd: string, command: "dev" | "start") {
  const child = spawn(process.execPath, [NEXT, command, "--port", "0"], {
    cwd,
    env: nextEnv(cwd),
    detached: true,
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.on("exit", () => reject(new Error(`next ${command} ended: ${said}`)));
    child.stdout.on("data", (text) => {
      said += text;
      const found = /Local: +(http:\S+)/.exec(said)?.[1];
      if (found && said.includes("Ready")) resolve(found);
    });
  });
  const ask = async (method: "POST" | "PUT"): Promise<unknown> =>
    (await fetch(`${url}/api/answer`, { method, body: "Where?" })).json();
  const stop = async () => {
    child.removeAllListeners("exit");
    const exited = once(child, "exit");
    process.kill(-(child.pid as number), "SIGTERM");
    await exited;
  };
  return { ask, stop };
}

describe("in Next.js", () => {
  const answer = { text: "Be thorough. Where?", resolved: true };

  it("a hot reload goes on with the engine that is open", async () => {
    const cwd = await folderOf(NEXT_FILES);
    const { ask, stop } = await serveNext(cwd, "dev");
    expect(await ask("POST")).toEqual(answer);
    expect(await ask("PUT")).toEqual([1, 1]);
    appendFileSync(join(cwd, "lib/support.js"), "// edited\n");
    await expect.poll(() => ask("PUT"), { timeout: 60_000, interval: 500 }).toEqual([2, 1]);
    expect(await ask("POST")).toEqual(answer);
    expect(await ask("PUT")).toEqual([2, 1]);
    await stop();
  });

  it("a production build opens nothing, and its server records", async () => {
    const cwd = await folderOf(NEXT_FILES);
    await run(process.execPath, [NEXT, "build"], { cwd, env: nextEnv(cwd) });
    expect(existsSync(join(cwd, "next.db"))).toBe(false);
    const { ask, stop } = await serveNext(cwd, "start");
    expect(await ask("POST")).toEqual(answer);
    await stop();
    expect(await query(join(cwd, "next.db"), "select score from sessions")).toEqual([{ score: 1 }]);
  });
});

it("every runtime is there to be tried", () => {
  expect({ bun, deno }).toEqual({ bun: expect.any(String), deno: expect.any(String) });
});
