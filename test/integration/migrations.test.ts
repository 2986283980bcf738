import { readFileSync } from "node:fs";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/store/database.js";
import { migrate } from "../../src/store/file/migrate.js";
import { createTestEngine } from "../../src/testing.js";
import { temporaryDatabase } from "../support/temporary.js";

/** A database as an earlier version left it. */
function databaseOf(version: string): string {
  const path = temporaryDatabase();
  const database = new Database(path);
  database.exec(readFileSync(new URL(`../fixtures/databases/${version}.sql`, import.meta.url), "utf8"));
  database.close();
  return path;
}

describe("a new database", () => {
  // One look finds no table and the next all of them: that is not another application's database.
  it.each([1, 2])("that another process migrates before statement %i of its opening is opened", (place) => {
    const path = temporaryDatabase();
    const database = new Database(path);
    const prepare = database.prepare.bind(database);
    let count = 0;
    database.prepare = ((sql: string) => {
      count += 1;
      if (count === place) {
        const other = new Database(path);
        migrate(other, MIGRATIONS_FOLDER);
        other.close();
      }
      return prepare(sql);
    }) as typeof database.prepare;
    migrate(database, MIGRATIONS_FOLDER);
    expect(count).toBeGreaterThan(place);
    database.close();
  });
});

describe("a database of the first schema", () => {
  it("keeps its champion and its decision, which recomputes to the same verdict", async () => {
    const test = await createTestEngine({ url: databaseOf("0000-spine") });
    const ended = await test.engine.project("ended");
    expect(ended.champion).toEqual({ prompt: "short" });
    expect(await ended.report()).toMatchObject({ status: "promoted", decision: { sessionCount: 28 } });
    expect(await test.engine.verify()).toMatchObject([{ verdict: "promote", isEqual: true }]);
    await test.close();
  });

  it("goes on with its running experiment: folded again from zero, under the policy it was started with", async () => {
    const path = databaseOf("0000-spine");
    const test = await createTestEngine({ url: path });
    const running = await test.engine.project("running");
    expect(await test.engine.decide()).toMatchObject([{ verdict: "continue", sessionCount: 20 }]);
    const { policy, evaluation } = (await running.report())!;
    // What was not promised then is not demanded now.
    expect(policy).toMatchObject({ guardrails: [], fuse: null, horizon: 400 });
    expect(evaluation.sessionCount).toBe(20);
    const session = await running.session();
    await session.end({ score: 1 });
    expect(await test.engine.decide()).toMatchObject([{ sessionCount: 21 }]);
    await running.abort({ reason: "enough" });
    expect(await test.engine.verify()).toMatchObject([
      { isEqual: true },
      { verdict: "abort", isEqual: true },
    ]);
    await test.close();
  });

  it("can be pruned: its decision still recomputes, and its running experiment is left alone", async () => {
    const test = await createTestEngine({ url: databaseOf("0000-spine") });
    const ended = await test.engine.project("ended");
    await test.settleAll();
    const before = await ended.report();
    test.clock.advance(300 * 86_400_000);
    const { projects } = await test.engine.prune({ olderThanMs: 86_400_000 });
    expect(projects.map(({ project, experiments }) => [project, experiments.length])).toContainEqual([
      "ended",
      1,
    ]);
    expect(await ended.report()).toEqual(before);
    expect(await test.engine.verify()).toMatchObject([{ verdict: "promote", isEqual: true }]);
    const { verification } = await test.engine.doctor({ verify: true });
    expect(verification).toMatchObject({ archives: 1, differentEvidence: [], differentDecisions: [] });
    await test.close();
  });
});
