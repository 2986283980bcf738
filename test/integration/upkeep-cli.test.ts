import { describe, expect, it } from "vitest";
import { DethroneError } from "../../src/core/errors.js";
import { createTestClock, createTestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const DAY = 86_400_000;
const BECAUSE = { reason: "enough", actor: "ada" };

/** A contest that ended 200 days before now, and one that runs. */
async function database(): Promise<string> {
  const path = temporaryDatabase();
  const clock = createTestClock(Date.now() - 200 * DAY);
  await using test = await createTestEngine({ url: path, clock });
  for (const key of ["old", "new"]) {
    const bot = await test.engine.project(key, { champion: { prompt: "long" } });
    await bot.challenge({ prompt: "short" }, { share: 0.5 });
    await test.runSessions(20, async (i) => {
      const session = await bot.session({ unit: `user-${i}` });
      await session.signal({ name: "cost_usd", value: 0.1 });
      // All alike: the arms of these units depend on the time of day, and nothing is to be decided by chance.
      await session.end({ score: 0.5 });
    });
    await test.engine.decide();
    if (key === "old") await bot.abort(BECAUSE);
    clock.advance(199 * DAY);
  }
  return path;
}

describe("dethrone doctor", () => {
  it("tells the state of the database on one screen, and exits 0 where there is no problem", async () => {
    const path = await database();
    const { code, out } = await cli("doctor", "--db", path);
    expect(code).toBe(0);
    expect(out).toContain(path);
    expect(out).toMatch(/2 projects, 2 experiments, 40 sessions, 40 signals/);
    expect(out).toMatch(/healthy: 0 problems, 0 warnings\./);
    expect(out.split("\n").length).toBeLessThan(25);
    const verified = await cli("doctor", "--verify", "--db", path, "--json");
    expect(verified.json()).toMatchObject({
      isHealthy: true,
      verification: { experiments: 2, decisions: 1, differentEvidence: [], differentDecisions: [] },
    });
    expect((await cli("doctor", "--verify", "--db", path)).out).toMatch(
      /2 experiments folded from zero \(40 units, 0 from archives\), 1 decision recomputed, 0 different\./,
    );
  });

  it("exits 70 where it finds a problem, and says what to do", async () => {
    const path = await database();
    await query(path, "UPDATE arms SET bucket_count = 7 WHERE position = 1");
    const { code, out } = await cli("doctor", "--db", path);
    expect(code).toBe(new DethroneError("doctor_found_problems", "").exitCode);
    expect(code).toBe(70);
    expect(out).toMatch(/problem {2}A rule does not hold/);
    expect(out).toMatch(/not healthy: 1 problem/);
    expect((await cli("doctor", "--db", path, "--json")).json()).toMatchObject({ isHealthy: false });
  });
});

describe("dethrone prune", () => {
  it("shows what would go, deletes it, and leaves what can be recomputed", async () => {
    const path = await database();
    const report = (await cli("report", "old", "--db", path, "--json")).out;
    const dry = await cli("prune", "--older-than", "90d", "--dry-run", "--db", path);
    expect(dry.out).toMatch(/old\s+1\s+20\s+20/);
    expect(dry.out).toMatch(/20 sessions and 20 signals would be deleted\./);
    const pruned = await cli("prune", "--older-than", "90d", "--vacuum", "--actor", "ada", "--db", path);
    expect(pruned.out).toMatch(/20 sessions and 20 signals deleted, .* freed/);
    expect((await cli("report", "old", "--db", path, "--json")).out).toBe(report);
    expect((await cli("verify", "--db", path, "--json")).json()).toMatchObject({ count: 1, different: 0 });
    expect((await cli("history", "old", "--db", path)).out).toMatch(/pruned 20 sessions/);
    expect((await cli("prune", "--older-than", "90d", "--db", path)).out).toMatch(/Nothing is older than/);
    expect((await cli("prune", "--older-than", "soon", "--db", path)).code).toBe(2);
  });
});

describe("dethrone forget", () => {
  it("shows what would be erased, and erases it", async () => {
    const path = await database();
    const dry = await cli("forget", "user-3", "--reason", "asked", "--dry-run", "--db", path);
    expect(dry.out).toMatch(/Would erase this unit from 2 sessions in 2 experiments, 0 overrides/);
    const args = ["forget", "user-3", "--reason", "asked", "--db", path];
    expect((await cli(...args)).out).toMatch(/Erased this unit from 2 sessions in 2 experiments/);
    expect((await cli(...args)).out).toMatch(/Nothing is stored of this unit\./);
    expect((await cli("doctor", "--verify", "--db", path)).code).toBe(0);
    expect((await cli("history", "old", "--db", path)).out).toMatch(/a unit forgotten, 1 session/);
    expect((await cli("forget", "user-3", "--db", path)).code).toBe(2);
  });
});

describe("dethrone backup", () => {
  it("copies to a new file, and overwrites none", async () => {
    const path = await database();
    const copy = `${path}.copy`;
    const { code, out } = await cli("backup", copy, "--db", path);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(`${copy} (`) });
    expect(
      (await cli("status", "--db", copy, "--json")).json<{ projects: unknown[] }>().projects,
    ).toHaveLength(2);
    expect((await cli("backup", copy, "--db", path)).code).toBe(4);
  });
});
