import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import { createTestEngine, type TestClock } from "../../src/testing.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";
import { DAY, decideByHand, history, isInFiles } from "../support/upkeep.js";

const BECAUSE = { reason: "because", actor: "ada" };

/** Sessions of another engine on the same file, one after the other, until told to stop; how many were acknowledged. */
async function working(path: string, clock: TestClock, during: () => Promise<void>): Promise<number> {
  await using agent = await createTestEngine({ url: path, seed: 77, clock });
  const bot = await agent.engine.project("busy", { champion: { prompt: "b" } });
  let isDone = false;
  const work = (async () => {
    let acknowledged = 0;
    while (!isDone) {
      await (await bot.session()).end({ score: 1 });
      acknowledged += 1;
    }
    return acknowledged;
  })();
  await during().finally(() => {
    isDone = true;
  });
  return work;
}

describe("while agents write", () => {
  it("a database is backed up, pruned, rewritten and searched, and nothing that was acknowledged is lost", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 4, sessions: 120, units: 9 });
    await decideByHand(test);
    test.clock.advance(100 * DAY);
    const acknowledged = await working(path, test.clock, async () => {
      await test.engine.backup(`${path}.copy`);
      expect((await test.engine.prune({ olderThanMs: 90 * DAY })).sessions).toBeGreaterThan(100);
      let result = await test.engine.forget("unit-1", BECAUSE);
      // A reader may have held the log back just then.
      while (!result.isErased) result = await test.engine.forget("unit-1", BECAUSE);
      expect((await test.engine.doctor({ verify: true })).isHealthy).toBe(true);
    });
    expect(acknowledged).toBeGreaterThan(0);
    expect(await isInFiles(path, "unit-1")).toBe(false);
    const [stored] = await query<{ n: number }>(
      path,
      "SELECT count(*) AS n FROM sessions JOIN projects ON projects.id = project_id WHERE key = 'busy' AND settled_at_ms IS NOT NULL",
    );
    expect(stored!.n).toBe(acknowledged);
    expect((await test.engine.doctor({ verify: true })).isHealthy).toBe(true);
  });

  it("two that prune at once archive once and delete once", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 4, sessions: 120, units: 9 });
    await decideByHand(test);
    const bot = await test.engine.project("support");
    const before = await bot.evaluate();
    test.clock.advance(100 * DAY);
    await using other = await createTestEngine({ url: path, seed: 8, clock: test.clock });
    await Promise.all([test, other].map(({ engine }) => engine.prune({ olderThanMs: 90 * DAY })));
    await test.engine.prune({ olderThanMs: 90 * DAY });
    expect(await query(path, "SELECT count(*) AS n FROM sessions WHERE experiment_id = 1")).toEqual([
      { n: 0 },
    ]);
    expect(await bot.evaluate()).toEqual(before);
    expect((await test.engine.doctor({ verify: true })).isHealthy).toBe(true);
  });

  it("checks and copies run beside the event loop", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, { seed: 4, sessions: 20, units: 9 });
    await query(
      path,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
       INSERT INTO sessions (id, project_id, config_id, is_evidence, started_at_ms, window_ends_at_ms, settled_at_ms)
       SELECT 'bulk-' || i, 1, 1, 0, 1, 2, 3 FROM n`,
    );
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const started = performance.now();
    delay.enable();
    await test.engine.backup(`${path}.copy`);
    await test.engine.doctor();
    delay.disable();
    const elapsedMs = performance.now() - started;
    // The loop went on turning for most of the time, however slow the machine is.
    expect(delay.max / 1e6).toBeLessThan(Math.max(50, elapsedMs / 2));
  });
});
