/** The commands of the pages: parsed by the command tree, and run as they stand in a folder in which `dethrone` is installed. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import { createProgram } from "../../../src/cli/program.js";
import { createRandom } from "../../../src/core/random.js";
import { ROOT } from "./markdown.js";

/** Words of a command as a shell splits them, up to what ends it: a pipe, a redirection, `&`, `;` or a comment. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  const pattern = /\s*(?:([|<>;&#].*)|((?:'[^']*'|"[^"]*"|\\.|[^\s'"\\|<>;&])+))/gy;
  for (const [, end, word] of line.matchAll(pattern)) {
    if (end !== undefined) break;
    words.push((word as string).replace(/'([^']*)'|"([^"]*)"|\\(.)/g, "$1$2$3"));
  }
  return words;
}

/** The arguments of each `dethrone` command in a block. */
export function commandsOf(code: string): string[][] {
  return code
    .replace(/\\\n\s*/g, " ")
    .split("\n")
    .flatMap((line) => [...line.matchAll(/(?:^|[|;&(]|\$\()\s*(?:[A-Z_]+=\S+ )*(?:npx )?dethrone (.*)$/g)])
    .map(([, rest]) => wordsOf(rest as string));
}

function disarm(command: Command): void {
  command.action(() => undefined).configureOutput({ writeOut: () => undefined });
  command.commands.forEach(disarm);
}

/** What the command tree objects to in a command's arguments; undefined where nothing. */
export async function usageError(args: readonly string[]): Promise<string | undefined> {
  let said = "";
  const program = createProgram((text) => {
    said += text;
  });
  program.commands.forEach(disarm);
  try {
    await program.parseAsync([...args], { from: "user" });
    return undefined;
  } catch (error) {
    return said || String(error);
  }
}

/** Whether there is curl, which some of the pages use. */
export const hasCurl = spawnSync("curl", ["--version"]).status === 0;

// `npx dethrone`, without what npx itself does.
const NPX = `#!/bin/sh
shift
exec "${process.execPath}" "${join(ROOT, "dist/cli/main.js")}" "$@"
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Recorded sessions of two agents, as the pages' backtests read them: every second one is of the better agent. */
function recordedSessions(): string {
  const random = createRandom(3);
  const lines = Array.from({ length: 800 }, (_, index) => {
    const isBetter = index % 2 === 1;
    const [agent, model] = isBetter ? ["droid", "claude-opus-4.1"] : ["goose", "claude-sonnet-4"];
    const resolved = random.next() < (isBetter ? 0.7 : 0.55);
    return JSON.stringify({
      agent,
      model,
      resolved,
      agent_seconds: Math.round(60 + 120 * random.next() ** 2),
    });
  });
  return lines.join("\n");
}

/** Stops what a script left running, and waits until nothing of it is left to write into its folder. */
async function stopGroup(leader: number): Promise<void> {
  try {
    process.kill(-leader, "SIGTERM");
    for (;;) {
      process.kill(-leader, 0);
      await setTimeout(10);
    }
  } catch {
    // Nothing of it runs any more.
  }
}

/** What is put between the blocks of a page. */
const MARK = "@@ the next block @@";

/**
 * What each block of a page's commands prints, run one after the other in a folder of their own.
 *
 * @throws Error with what a command said, where one fails
 */
export async function runBlocks(blocks: readonly string[], folder: string): Promise<string[]> {
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "npx"), NPX);
  await chmod(join(bin, "npx"), 0o755);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "sessions.jsonl"), recordedSessions());
  const port = await freePort();
  const waiting = `curl -sf -o ready.json --retry 60 --retry-delay 1 --retry-connrefused localhost:${port}/healthz`;
  const script = blocks
    .join(`\necho "${MARK}"\n`)
    .replaceAll("4700", String(port))
    // What is started in the background is waited for, as a person would.
    .replace(/^(npx dethrone serve.*)&$/gm, `$1&\n${waiting}`);
  const [out, err] = [join(folder, "out.txt"), join(folder, "err.txt")];
  const files = [openSync(out, "w"), openSync(err, "w")] as const;
  const child = spawn("sh", ["-e", "-x", "-c", script], {
    cwd: folder,
    detached: true,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, DETHRONE_DB: undefined },
    stdio: ["ignore", ...files],
  });
  const status = await new Promise((resolve) => child.once("exit", resolve));
  for (const file of files) closeSync(file);
  await stopGroup(child.pid as number);
  if (status !== 0)
    throw new Error(`exit ${status}\n${readFileSync(err, "utf8")}\n${readFileSync(out, "utf8")}`);
  return readFileSync(out, "utf8").split(`${MARK}\n`);
}
