/** The order of starts is the order of commits, on real connections whose transactions overlap. */
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { locate, type PostgresLocation } from "../../src/store/location.js";
import { connectTo } from "../../src/store/postgres/client.js";
import { lockOf } from "../../src/store/postgres/keys.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { eventually } from "../support/eventually.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock";
const START = `INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, shares, is_evidence,
    started_at_ms, window_ends_at_ms, ended_at_ms, settled_at_ms, score, is_missing, is_abandoned)
  SELECT $1, project_id, config_id, experiments.id, arms.id, '[0.5]', 1, 0, 1, 0, 0, 1, 0, 0
  FROM experiments JOIN arms ON experiment_id = experiments.id WHERE role = 'champion' RETURNING seq`;

let url: string;
let location: PostgresLocation;
let test: TestEngine;
let other: pg.Client;

beforeEach(async () => {
  url = temporaryDatabase();
  location = locate(url) as PostgresLocation;
  test = await createTestEngine({ url, seed: 3 });
  const bot = await test.engine.project("support", { champion: { prompt: "long" } });
  await bot.challenge({ prompt: "short" }, { share: 0.5, policy: { futility: null } });
  other = await connectTo(location);
});

afterEach(async () => {
  await other.end();
  await test.close();
});

async function startHeld(id: string): Promise<number> {
  return (await other.query(START, [id])).rows[0].seq;
}

const bot = () => test.engine.project("support");
const foldedCount = async () => (await (await bot()).evaluate())!.sessionCount;
const isWaiting = () =>
  eventually(async () => {
    const waiting = await query(url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
    expect(waiting).toHaveLength(1);
  });

describe("a writer that holds its transaction open", () => {
  it("is waited for: its starts come before those of whoever writes next", async () => {
    await other.query(`${BEGIN}(${lockOf(location, "write")})`);
    const held = await startHeld("held");
    const session = await (await bot()).session();
    const ended = session.end({ score: 1 });
    await isWaiting();
    await other.query("COMMIT");
    await ended;
    const rows = await query<{ id: string; seq: number }>(url, "SELECT id, seq FROM sessions ORDER BY seq");
    expect(rows.map(({ id }) => id)).toEqual(["held", session.id]);
    expect(rows[0]?.seq).toBe(held);
    await test.engine.decide();
    expect(await foldedCount()).toBe(2);
    expect((await test.engine.doctor({ verify: true })).isHealthy).toBe(true);
  });

  it("is waited for by all that the log tells: who reads on behind the newest entry misses none", async () => {
    const newest = (await test.engine.events(null)).at(-1)!.id;
    await other.query(`${BEGIN}(${lockOf(location, "write")})`);
    const [held] = (
      await other.query(
        `INSERT INTO audit_log (project_id, action, actor, reason, details, at_ms)
           SELECT id, 'held', '', '', '{}', 0 FROM projects RETURNING id`,
      )
    ).rows;
    const project = await bot();
    const changes = Promise.all([
      project.pause({ reason: "because" }),
      project.override("ada", "challenger", { reason: "she asked for it" }),
      test.engine.studies.create("support", "plans", {
        field: { name: "plan", champion: "free", challenger: "pro" },
      }),
      test.engine.project("another", { champion: { prompt: "long" } }),
    ]);
    await isWaiting();
    expect(await test.engine.events(newest)).toEqual([]);
    await other.query("COMMIT");
    await changes;
    const told = await test.engine.events(newest);
    expect(told).toHaveLength(5);
    expect(told[0]).toMatchObject({ id: held.id, action: "held" });
  });

  it("and dies, takes its turn with it: the next go on, and the gap is nobody's", async () => {
    await other.query(`${BEGIN}(${lockOf(location, "write")})`);
    await startHeld("held");
    const ended = (await (await bot()).session()).end({ score: 1 });
    await isWaiting();
    await other.end();
    await ended;
    await test.engine.decide();
    expect(await foldedCount()).toBe(1);
    expect((await test.engine.doctor({ verify: true })).isHealthy).toBe(true);
  });
});

describe("a writer that is not ours and takes no turn", () => {
  it("is no evidence where it commits below what is folded, and the doctor tells", async () => {
    await other.query("BEGIN");
    const early = await startHeld("early");
    for (let i = 0; i < 3; i += 1) await (await (await bot()).session()).end({ score: 1 });
    await test.engine.decide();
    expect(await foldedCount()).toBe(3);
    await other.query("COMMIT");
    const [{ foldedSeq } = { foldedSeq: 0 }] = await query<{ foldedSeq: number }>(
      url,
      "SELECT folded_seq AS foldedSeq FROM checkpoints",
    );
    expect(early).toBeLessThan(foldedSeq);
    await (await (await bot()).session()).end({ score: 1 });
    await test.engine.decide();
    expect(await foldedCount()).toBe(4);
    const { findings } = await test.engine.doctor({ verify: true });
    expect(findings.filter(({ severity }) => severity === "problem")).toMatchObject([{ check: "evidence" }]);
  });
});

describe("a batch that cannot go on", () => {
  it("for a deadlock is tried again, whoever the server makes give way", async () => {
    // The other holds a row that the engine's batch needs, and then wants the lock that the batch holds.
    await other.query("BEGIN");
    await other.query("SELECT 1 FROM experiments FOR UPDATE");
    const paused = (await bot()).pause({ reason: "because" });
    await eventually(async () => {
      const waiting = await query(
        url,
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'update%'",
      );
      expect(waiting).toHaveLength(1);
    });
    await other.query(`SELECT pg_advisory_xact_lock(${lockOf(location, "write")})`).catch(() => undefined);
    await other.query("ROLLBACK");
    await paused;
    expect((await (await bot()).report())?.status).toBe("paused");
  }, 30_000);
});
