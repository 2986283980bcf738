import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { beforeAll, expect, it } from "vitest";
import { serverOf } from "../support/client.js";
import { LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();
const root = fileURLToPath(new URL("../..", import.meta.url));
let bundle = "";

// As a bundler for an edge runtime does it, from what the package ships: an import of Node's own would fail here.
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [`${root}dist/client/index.js`],
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "dethrone",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["edge-light", "worker", "import"],
    write: false,
    logLevel: "silent",
  });
  bundle = outputFiles[0]?.text ?? "";
});

/** What the code makes of a client in an edge runtime whose fetch leads to the server of this process. */
function onTheEdge(code: string, context: Record<string, unknown> = {}): Promise<string> {
  const vm = new EdgeVM({
    extend: (globals) => Object.assign(globals, { serverFetch: serverOf(setting.test), ...context }),
  });
  vm.evaluate(bundle);
  return vm.evaluate(`(async () => {
    const client = dethrone.createClient({ server: "https://dethrone.test/", fetch: serverFetch });
    const bot = await client.project("support", { champion: ${JSON.stringify(LONG)} });
    ${code}
  })()`);
}

it("runs sessions, wrapped calls and streams where there is nothing of Node's", async () => {
  await setting.contest({ share: 0.99 });
  const told = await onTheEdge(`
    const session = await bot.session({ unit: "user-1", context: { plan: "pro" } });
    const receipt = await session.end({ score: 1 });
    const inside = [];
    const run = bot.wrap(async (session, text) => {
      inside.push(dethrone.currentSession()?.id === session.id);
      await undefined;
      return new Response(text);
    }, { score: () => 0.5 });
    const response = await run("hello");
    const text = await response.text();
    const failing = bot.wrap(() => { throw new Error("out"); });
    const error = await failing().catch(({ message }) => message);
    await client.flush();
    const health = client.health();
    await client.close();
    return JSON.stringify({ config: session.config, receipt, inside, text, error, health: health.status });
  `);
  expect(JSON.parse(told)).toEqual({
    config: SHORT,
    receipt: { status: "recorded" },
    inside: [true],
    text: "hello",
    error: "out",
    health: "ok",
  });
  const { sessions } = await setting.test.engine.sessions();
  expect(sessions.map(({ score }) => score)).toEqual([0, 0.5, 1]);
});

it("carries the session past an await where the runtime has an AsyncLocalStorage", async () => {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  await setting.contest();
  const code = `
    const run = bot.wrap(async (session) => {
      await undefined;
      return dethrone.currentSession()?.id === session.id;
    });
    const found = await run();
    await client.close();
    return JSON.stringify(found);
  `;
  expect(await onTheEdge(code)).toBe("false");
  expect(await onTheEdge(code, { AsyncLocalStorage })).toBe("true");
});

it("serves the code's champion where there is no server, and says so on the console", async () => {
  const lines: string[] = [];
  const told = await onTheEdge(
    `const session = await bot.session();
     await client.close();
     return JSON.stringify(session.config);`,
    {
      serverFetch: () => Promise.reject(new TypeError("fetch failed")),
      console: { error: (line: string) => lines.push(line) },
    },
  );
  expect(JSON.parse(told)).toEqual(LONG);
  expect(lines.join("\n")).toContain("dethrone warning: a project could not be loaded");
});

it("weighs what the documentation says", () => {
  const path = `${root}docs/CLIENT.md`;
  expect(existsSync(path)).toBe(true);
  const [, kilobytes, compressed] =
    /(\d+) kB minified \((\d+) kB compressed\)/.exec(readFileSync(path, "utf8")) ?? [];
  // It may grow by a tenth before the documentation has to say so.
  const grown = [bundle.length / Number(kilobytes), gzipSync(bundle).length / Number(compressed)];
  for (const ratio of grown) expect(Math.abs(ratio / 1000 - 1)).toBeLessThan(0.1);
});
