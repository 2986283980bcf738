import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createClient } from "@libsql/client";
import { expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { ChampionsFile } from "../../src/store/champions-file.js";
import { recordingLogger } from "../support/recording-logger.js";
import { lock } from "../support/spooling.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };

/** A database whose champion is no longer the one of the code. */
async function promoted(): Promise<string> {
  const path = temporaryDatabase();
  const engine = await createEngine({ url: path, strict: true });
  const bot = await engine.project("support", { champion: LONG });
  await bot.challenge(SHORT);
  await bot.promote({ reason: "to have another champion than the code" });
  await engine.close();
  return path;
}

/** What an agent of a process that starts now is given. */
async function served(path: string, options: object = {}): Promise<unknown> {
  const engine = await createEngine({ url: path, logger: recordingLogger() });
  const bot = await engine.project("support", { champion: LONG, ...options });
  const prompt = await bot.wrap((session) => session.config.prompt)();
  await engine.close();
  return prompt;
}

function corrupt(path: string): void {
  // The log of writes could make it whole again.
  for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  writeFileSync(path, "no database at all, but long enough to be read");
}

it.each<[string, (path: string) => void | Promise<void>]>([
  ["is corrupt", corrupt],
  [
    "is a newer schema",
    async (path) => {
      const client = createClient({ url: `file:${path}` });
      await client.execute("INSERT INTO dethrone_migrations VALUES (9999999999999, 'later')");
      client.close();
    },
  ],
  [
    "cannot be opened",
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
])("a process that starts while the database %s serves the last known champion", async (_title, harm) => {
  const path = await promoted();
  await harm(path);
  expect(await served(path)).toBe("short");
});

it("a process that starts while the database is locked serves it too, within a second or so", async () => {
  const path = await promoted();
  const unlock = lock(path);
  const startedAt = performance.now();
  expect(await served(path)).toBe("short");
  expect(performance.now() - startedAt).toBeLessThan(3000);
  unlock();
});

it("what the host refuses, or what is not what it says it is, gives way to the code's champion", async () => {
  const path = await promoted();
  corrupt(path);
  const build = (config: { prompt: string }) => {
    if (config.prompt === "short") throw new Error("this build knows no short prompts");
  };
  expect(await served(path, { build })).toBe("long");
  const file = `${path}.champions.json`;
  const text = readFileSync(file, "utf8");
  for (const bad of [
    text.replace("short", "wrong"),
    text.slice(0, -5),
    "[]",
    "{}",
    "null",
    '{"version":1}',
  ]) {
    writeFileSync(file, bad);
    expect([bad, await served(path)]).toEqual([bad, "long"]);
  }
});

it("the file is written when a champion is new and at no other time, whole, and not for a temporary database", async () => {
  const path = await promoted();
  const file = `${path}.champions.json`;
  const before = readFileSync(file, "utf8");
  rmSync(file);
  const memory = new ChampionsFile(path);
  const { champions } = JSON.parse(before) as {
    champions: { support: { hash: string; body: typeof SHORT } };
  };
  memory.remember("support", champions.support);
  memory.remember("other", { hash: "x", body: { a: 1 } });
  await memory.flush();
  expect(await memory.recall("support")).toEqual(champions.support);
  rmSync(file);
  memory.remember("support", champions.support);
  await memory.flush();
  expect(existsSync(file)).toBe(false);
  // A write that fails leaves nothing behind and is no failure of anybody's.
  const nowhere = new ChampionsFile(join(path, "no", "such.db"));
  nowhere.remember("support", champions.support);
  await nowhere.flush();
  expect(await nowhere.recall("support")).toBeNull();
  expect(readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.champions`))).toEqual(
    [],
  );
});
