import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { cli } from "./cli.js";
import { DAY, decideByHand, history } from "./upkeep.js";

const SMALL = { seed: 5, sessions: 240, units: 60 };

/**
 * A database with a decided contest, one whose sessions are archived and deleted, a key, a webhook and a study;
 * a single file of the path with `.whole`.
 */
export async function buildFullDatabase(path: string): Promise<void> {
  const test = await history(path, SMALL);
  await decideByHand(test);
  test.clock.advance(100 * DAY);
  await test.engine.prune({ olderThanMs: 30 * DAY });
  const bot = await test.engine.project("support");
  await bot.challenge({ prompt: "none" }, { share: 0.5 });
  await test.runSessions(20, async (i) => {
    const session = await bot.session({ unit: `later-${i}`, context: { plan: i % 2 ? "=1+1" : "free" } });
    await session.signal({ name: "cost_usd", value: i / 3, key: "billing" });
    if (i % 2) await session.end({ score: i / 20 });
  });
  await test.engine.keys.create({ name: "ci", scopes: ["read"] });
  await test.engine.webhooks.add({ url: "https://example.com/hook" });
  await test.engine.studies.create("support", "plans", {
    field: { name: "plan", champion: ["free"], challenger: ["=1+1"] },
  });
  await test.engine.decide();
  const whole = `${path}.whole`;
  await test.engine.backup(whole);
  await test.close();
}

/** Everything that is stored. */
export async function exported(engine: TestEngine["engine"]): Promise<string> {
  let text = "";
  for await (const lines of engine.transfer.exportEverything()) text += lines;
  return text;
}

/** Everything that is stored at a path or URL. */
export async function exportOf(path: string): Promise<string> {
  const test = await createTestEngine({ url: path });
  const text = await exported(test.engine);
  await test.close();
  return text;
}

/** What doctor says of a database, without what it says of the file. */
export async function diagnosis(path: string) {
  const report = (await cli("doctor", "--verify", "--json", "--db", path)).json<{
    findings: { check: string; severity: string; message: string }[];
  }>();
  return report.findings.filter(({ check }) => check !== "file");
}
