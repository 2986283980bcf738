import { existsSync, readFileSync } from "node:fs";
import { createRandom } from "../../src/core/random.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { query } from "./query.js";
import { isOnFile, isOnPostgres } from "./temporary.js";

/** Milliseconds of a day. */
export const DAY = 86_400_000;

/** What a simulated history is made of. */
export interface HistoryOptions {
  readonly seed: number;
  readonly sessions: number;
  /** how many different units there are */
  readonly units: number;
}

/**
 * A project in which a contest with a guardrail on a segment was decided by hand, with units, signals, late signals,
 * overrides, parts of sessions, and sessions outside of experiments.
 */
export async function history(path: string, options: HistoryOptions): Promise<TestEngine> {
  const { seed, sessions, units } = options;
  const test = await createTestEngine({ url: path, seed });
  const random = createRandom(seed);
  const bot = await test.engine.project("support", { champion: { prompt: "long" } });
  await test.runSessions(5, async (i) => {
    await (await bot.session({ unit: `unit-${i}` })).end({ score: 1 });
  });
  const where = { "user.plan": "pro" };
  await bot.challenge(
    { prompt: "short" },
    {
      share: 0.5,
      horizon: 5000,
      policy: { guardrails: [{ metric: "cost_usd", margin: 0.9, where }], alphaHarm: 0.0001, futility: null },
    },
  );
  await bot.override("unit-1", "challenger", { reason: "unit-1 asked for it", actor: "ada" });
  const helper = await test.engine.project("helper", { champion: { prompt: "help" } });
  await test.runSessions(sessions, async (i) => {
    const unit = random.next() < 0.8 ? `unit-${Math.floor(random.next() * units)}` : undefined;
    const plan = random.next() < 0.5 ? "pro" : "free";
    const context = { user: { plan, mail: `${unit}@example.org` } };
    const session = await bot.session({ unit, context });
    await session.signal({ name: "cost_usd", value: random.next(), source: `billing of ${unit}` });
    if (i % 7 === 0) {
      const part = await helper.session({ parent: session, context });
      await part.end({ score: 1 });
    }
    if (i % 5 === 0) await session.signal({ name: "thumbs", value: random.next(), kind: "explicit" });
    if (i % 5 !== 0 && i % 11 !== 0) await session.end({ score: random.next() < 0.6 ? 1 : 0 });
    if (i % 3 === 0 && i % 5 !== 0 && i % 11 !== 0)
      await session.signal({ name: "note", value: 1, key: `mail from ${unit}`, source: `${unit}` });
  });
  await test.settleAll();
  return test;
}

/** Ends the contest of {@link history}. */
export async function decideByHand(test: TestEngine): Promise<void> {
  const bot = await test.engine.project("support");
  await bot.abort({ reason: "enough", actor: "ada" });
}

/** All rows of all tables. */
async function storedText(path: string): Promise<string> {
  if (isOnPostgres) {
    const all = await query(path, "SELECT schema_to_xml(current_schema(), true, false, '')::text AS xml");
    return JSON.stringify(all);
  }
  const tables = await query<{ name: string }>(path, "SELECT name FROM sqlite_master WHERE type = 'table'");
  const rows = await Promise.all(tables.map(({ name }) => query(path, `SELECT * FROM "${name}"`)));
  return JSON.stringify(rows);
}

/** Whether a text can be read in the files of a database, or, on a server, in its rows. */
export async function isInFiles(path: string, text: string): Promise<boolean> {
  if (!isOnFile) return (await storedText(path)).includes(text);
  return ["", "-wal"]
    .map((suffix) => path + suffix)
    .some((file) => existsSync(file) && readFileSync(file).includes(text));
}
