import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { cli } from "../support/cli.js";
import { temporaryFolder } from "../support/temporary.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/STUDIES.md"), "utf8");
const blocks = [...page.matchAll(/```(ts|sh)\n([\s\S]*?)```/g)].map(
  ([, language, code]) => ({ language, code }) as { readonly language: "ts" | "sh"; readonly code: string },
);

// What the page leaves to the reader: the agent.
const AGENT =
  "const runAgent = async (config, question) => ({ text: config.prompt + question, resolved: true });\n";

/** A repository with two branches and the built package in it. */
async function repository(): Promise<{ folder: string; env: NodeJS.ProcessEnv }> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "dethrone"), "dir");
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const who = { NAME: "a", EMAIL: "a@b" };
  const identity = Object.entries(who).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  const env = { ...process.env, ...Object.fromEntries(identity) };
  const script = `git init -q -b main && git commit -q --allow-empty -m one && git branch brief-prompt &&
    git commit -q --allow-empty -m two && git checkout -q brief-prompt && git commit -q --allow-empty -m three`;
  await run("sh", ["-c", script], { cwd: folder, env });
  return { folder, env };
}

/** What the commands of a block print; each runs in this process, on the database and repository of the folder. */
async function commands(folder: string, block: string): Promise<string> {
  const outputs: string[] = [];
  for (const line of block.trim().split("\n")) {
    const [name, ...args] = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));
    expect(name).toBe("dethrone");
    const repo = args[1] === "report" || args[1] === "conclude" ? ["--repo", folder] : [];
    const { code, out, err } = await cli(...args, ...repo, "--db", join(folder, "dethrone.db"));
    expect({ line, code, err }).toEqual({ line, code: 0, err: "" });
    outputs.push(out);
  }
  return outputs.join("\n");
}

it("what the page on studies shows runs as it stands, one after the other", async () => {
  const { folder, env } = await repository();
  const outputs: string[] = [];
  for (const [index, { language, code }] of blocks.entries()) {
    const file = `block-${index}.mjs`;
    writeFileSync(join(folder, file), AGENT + code.replace(/(\w+): string/g, "$1"));
    const isCommands = language === "sh";
    const script = () => run(process.execPath, [file], { cwd: folder, env }).then(({ stdout }) => stdout);
    outputs.push(await (isCommands ? commands(folder, code) : script()));
    // The session that the page tags by its id.
    if (index === 0) await recorded(join(folder, "dethrone.db"), "session-7");
  }
  const [, report, life, library, ruled] = outputs;
  expect(report).toContain("OBSERVATIONAL");
  expect(report).toContain("1 by git");
  expect(report).toContain("dethrone challenge support");
  expect(life).toContain("session-7 is excluded from study plans");
  expect(life).toMatch(/left out\s+1 excluded by a tag/);
  expect(library).toContain("observational [ 0, 1 ] null");
  expect(ruled).toContain("challenger assigned");
  expect(blocks).toHaveLength(5);
});

async function recorded(url: string, id: string): Promise<void> {
  const engine = await createEngine({ url, strict: true });
  const bot = await engine.project("support");
  await (await bot.session({ id })).end({ score: 1 });
  await engine.close();
}
