import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "libsql";
import { describe, expect, it, vi } from "vitest";
import type { Engine } from "../../src/engine/engine.js";
import { locate } from "../../src/store/database.js";
import { openLibsqlStore } from "../../src/store/libsql-store.js";
import { Spool } from "../../src/store/spool.js";
import { engineOver } from "../support/engine.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };

/** An engine over a database with a spool, on a virtual clock, as `createEngine` makes it. */
async function spoolingEngine(path: string, options: { bytesMax?: number } = {}) {
  const spool = new Spool(path, options);
  const made = await engineOver(({ onTrouble }) =>
    openLibsqlStore(locate(path), { mustExist: false, spool, onTrouble }),
  );
  const bot = await made.engine.project("support", { champion: LONG });
  return { ...made, spool, bot };
}

async function contest(path: string, options = {}) {
  const made = await spoolingEngine(path, options);
  await made.bot.challenge(SHORT, { share: 0.5, horizon: 100_000, policy: { futility: null } });
  return made;
}

function rows<T>(path: string, sql: string): T[] {
  const database = new Database(path);
  try {
    return database.prepare(sql).all() as T[];
  } finally {
    database.close();
  }
}

const spools = (path: string): string[] =>
  readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.spool-`));

/** Makes every write to a table fail as it would where the disk is full, until healed. */
function fillDisk(path: string): () => void {
  const database = new Database(path);
  database.exec("PRAGMA max_page_count = 1");
  database.close();
  return () => undefined;
}
void fillDisk;

/** Holds the write lock. */
function lock(path: string): () => void {
  const database = new Database(path);
  database.exec("BEGIN IMMEDIATE");
  return () => {
    database.exec("ROLLBACK");
    database.close();
  };
}

/** Lets the engine try again until nothing waits. */
async function recovered(engine: Engine, clock: { advance(ms: number): void }): Promise<void> {
  await vi.waitFor(
    () => {
      clock.advance(5000);
      expect(engine.health()).toMatchObject({ status: "ok", spool: { rows: 0, isDraining: false } });
    },
    { timeout: 30_000 },
  );
}

describe("a database that another connection keeps locked", () => {
  it("sessions go to the spool, acknowledged, and are stored once, in order, as no evidence", async () => {
    const path = temporaryDatabase();
    const { engine, clock, bot, logger } = await contest(path);
    const before = await bot.session();
    await engine.flush();
    const unlock = lock(path);
    const during = await Promise.all(Array.from({ length: 50 }, () => bot.session()));
    await Promise.all(during.map((session) => session.signal({ name: "cost", value: 0.5, key: "k" })));
    const ends = await Promise.all([before, ...during].map((session) => session.end({ score: 1 })));
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["spooled"]));
    expect(engine.health()).toMatchObject({ status: "degraded", sessionsDropped: 0, spool: { rows: 151 } });
    expect(await bot.wrap((session) => session.config.prompt)()).toMatch(/long|short/);
    unlock();
    await recovered(engine, clock);
    const stored = rows<{ id: string; score: number; excluded: string | null; signals: number }>(
      path,
      `SELECT id, score, excluded, (SELECT count(*) FROM signals WHERE session_seq = seq) AS signals FROM sessions
         WHERE score IS NOT NULL ORDER BY seq`,
    );
    expect(stored.map(({ id }) => id)).toEqual([before, ...during].map(({ id }) => id));
    expect(stored.map(({ excluded }) => excluded)).toEqual([null, ...during.map(() => "unconfirmed")]);
    expect(stored.slice(1).every(({ signals, score }) => signals === 1 && score === 1)).toBe(true);
    expect(spools(path)).toEqual([]);
    const messages = logger.messages.map(({ message }) => message);
    expect(messages.filter((message) => message.startsWith("the database fails"))).toHaveLength(1);
    expect(messages.filter((message) => message.startsWith("the database is back"))).toHaveLength(1);
    const after = await bot.session();
    expect(await after.end({ score: 0 })).toEqual({ status: "recorded" });
    await engine.decide();
    expect((await bot.evaluate())?.sessionCount).toBe(2);
    await engine.close();
  });
});
