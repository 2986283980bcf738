import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { createEngine } from "../../src/index.js";
import { type CliRun, cli } from "./cli.js";
import { temporaryFolder } from "./temporary.js";

/** A project `support` in a database of its own, and the command line over it. */
export interface CliProject {
  readonly folder: string;
  readonly db: string;
  /** runs a command, which has to succeed, for people */
  readonly told: (...args: string[]) => Promise<string>;
  /** runs a command, which has to succeed, for machines */
  readonly json: <T = Record<string, never>>(...args: string[]) => Promise<T>;
  /** runs a command, whatever comes of it */
  readonly run: (...args: string[]) => Promise<CliRun>;
  /** the path of a config of this style, in a file */
  readonly config: (style: string) => string;
  /** sessions with outcomes by style, through the library */
  readonly sessions: (count: number, rates: Readonly<Record<string, number>>) => Promise<void>;
}

/** Makes the project; its champion is of the style `long`. */
export async function cliProject(): Promise<CliProject> {
  const folder = temporaryFolder();
  const db = join(folder, "cli.db");
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  const run = (...args: string[]) => cli(...args, "--db", db);
  const config = (style: string): string => {
    const path = join(folder, `${style}.json`);
    writeFileSync(path, JSON.stringify({ style, limits: { tokens: 5 } }));
    return path;
  };
  const done = async (...args: string[]): Promise<CliRun> => {
    const result = await run(...args);
    expect(result, args.join(" ")).toMatchObject({ code: 0, err: "" });
    return result;
  };
  const sessions: CliProject["sessions"] = async (count, rates) => {
    const engine = await createEngine({ url: db, strict: true });
    const bot = await engine.project<{ style: string }>("support");
    // Some come twice. Which arm each gets is not the same from run to run, so many must be many.
    const units = Math.max(97, Math.floor(0.9 * count));
    const served: Record<string, number> = {};
    for (let i = 0; i < count; i += 1) {
      const session = await bot.session({
        unit: `unit-${i % units}-${count}`,
        context: { plan: i % 3 ? "free" : "pro" },
      });
      const { style } = session.config;
      const rate = rates[style] ?? 0.5;
      const nth = served[style] ?? 0;
      served[style] = nth + 1;
      // Evenly spread over those of a style, so that its rate is met without any luck.
      await session.end({ score: Math.floor((nth + 1) * rate) - Math.floor(nth * rate) });
    }
    await engine.close();
  };
  await done("init");
  await done("project", "create", "support", "--champion", config("long"));
  return {
    ...{ folder, db, run, config, sessions },
    told: async (...args) => (await done(...args)).out,
    json: async (...args) => (await done(...args, "--json")).json(),
  };
}

/** The length of the longest line. */
export const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));
