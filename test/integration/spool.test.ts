import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import Database from "libsql";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Project } from "../../src/engine/project.js";
import type { Session } from "../../src/engine/sessions/session.js";
import { createEngine } from "../../src/index.js";
import { WriteConnection } from "../../src/store/file/write-connection.js";
import { encodeLine } from "../../src/store/spool/spool-entries.js";
import { cli } from "../support/cli.js";
import { nodeProcess } from "../support/processes.js";
import {
  crashNextWriter,
  limitFiles,
  lock,
  rowsOf,
  spoolingContest,
  spoolingEngine,
  spoolsOf,
} from "../support/spooling.js";
import { temporaryDatabase } from "../support/temporary.js";

const AGENT = fileURLToPath(new URL("../support/agent-process.mjs", import.meta.url));
const MIGRATIONS = fileURLToPath(new URL("../../drizzle", import.meta.url));
const BECAUSE = { reason: "because" };

afterEach(() => limitFiles("unlimited"));

type Bot = Project<{ prompt: string }>;

interface StoredRow {
  readonly id: string;
  readonly score: number;
  readonly excluded: string | null;
  readonly signals: number;
}

const storedRows = (path: string): StoredRow[] =>
  rowsOf(
    path,
    `SELECT id, score, excluded, (SELECT count(*) FROM signals WHERE session_seq = seq) AS signals FROM sessions
       WHERE score IS NOT NULL ORDER BY seq`,
  );

/** Sessions from start to end, each with a signal; all three are acknowledged. */
async function play(bot: Bot, count: number, more: readonly Session<{ prompt: string }>[] = []) {
  const sessions = [...more, ...(await Promise.all(Array.from({ length: count }, () => bot.session())))];
  const receipts = await Promise.all(
    sessions.flatMap((session) => [
      session.signal({ name: "cost", value: 0.1, key: "k" }),
      session.end({ score: 0.3 }),
    ]),
  );
  return { ids: sessions.map(({ id }) => id), statuses: new Set(receipts.map(({ status }) => status)) };
}

/** Everything acknowledged is stored once, in the order of the starts, and nothing of it twice. */
function expectStored(path: string, ids: readonly string[]): void {
  const stored = storedRows(path);
  expect(stored.map(({ id }) => id)).toEqual(ids);
  expect(stored.every(({ signals, score }) => signals === 1 && score === 0.3)).toBe(true);
  expect(spoolsOf(path)).toEqual([]);
}

/** What the checkpoint says is what folding from zero says. */
async function expectSameFromZero(
  { engine, bot }: Awaited<ReturnType<typeof spoolingContest>>,
  sessionCount: number,
): Promise<void> {
  await engine.decide();
  expect((await bot.evaluate())?.sessionCount).toBe(sessionCount);
  await bot.abort(BECAUSE);
  expect(await engine.verify()).toMatchObject([{ isEqual: true }]);
}

describe("while the database fails, what sessions record is kept beside it, and stored once when it is back", () => {
  it("locked: in order, acknowledged, told once, and new sessions are no evidence", async () => {
    const path = temporaryDatabase();
    const made = await spoolingContest(path);
    const { engine, bot, logger, recover } = made;
    const early = await bot.session();
    await engine.flush();
    const unlock = lock(path);
    const { ids, statuses } = await play(bot, 50, [early]);
    expect(statuses).toEqual(new Set(["spooled"]));
    expect(engine.health()).toMatchObject({ status: "degraded", sessionsDropped: 0, spool: { rows: 152 } });
    expect(engine.health().spool.bytes).toBeGreaterThan(10_000);
    expect(await bot.wrap((session) => session.config.prompt)()).toMatch(/long|short/);
    unlock();
    await recover();
    expectStored(path, ids);
    expect(storedRows(path).map(({ excluded }) => excluded)).toEqual([
      null,
      ...ids.slice(1).map(() => "unconfirmed"),
    ]);
    const messages = logger.messages.map(({ message }) => message);
    for (const start of ["the database fails", "the database is back"])
      expect(messages.filter((message) => message.startsWith(start))).toHaveLength(1);
    expect(engine.health().writesFailed).toBe(0);
    const { statuses: after } = await play(bot, 5);
    expect(after).toEqual(new Set(["recorded"]));
    await expectSameFromZero(made, 6);
    await engine.close();
  });

  it("a disk that takes no more: the same, over again", async () => {
    const path = temporaryDatabase();
    const made = await spoolingContest(path);
    const all: string[] = [];
    for (const round of [1, 2]) {
      all.push(...(await play(made.bot, 5)).ids);
      limitFiles(65_536);
      const { ids, statuses } = await play(made.bot, 20);
      expect([round, statuses]).toEqual([round, new Set(["spooled"])]);
      limitFiles("unlimited");
      await made.recover();
      all.push(...ids);
    }
    expectStored(path, all);
    await expectSameFromZero(made, 10);
    await made.engine.close();
  });

  it("the writer's thread ends: nobody's write fails, and the next one takes over", async () => {
    const path = temporaryDatabase();
    const made = await spoolingContest(path);
    const { ids: before } = await play(made.bot, 5);
    crashNextWriter();
    const { ids, statuses } = await play(made.bot, 20);
    expect(statuses).toEqual(new Set(["spooled"]));
    await made.recover();
    const { ids: after } = await play(made.bot, 5);
    expectStored(path, [...before, ...ids, ...after]);
    await expectSameFromZero(made, 10);
    await made.engine.close();
  });

  it("the file gone and back again, a folder in its place: nothing is lost", async () => {
    const path = temporaryDatabase();
    const made = await spoolingContest(path);
    const { ids: before } = await play(made.bot, 5);
    const away = join(dirname(path), "away");
    mkdirSync(away);
    for (const end of ["", "-wal", "-shm"]) renameSync(`${path}${end}`, join(away, `test.db${end}`));
    mkdirSync(path);
    const { ids, statuses } = await play(made.bot, 20);
    expect(statuses).toEqual(new Set(["spooled"]));
    made.clock.advance(5000);
    const { ids: later, statuses: same } = await play(made.bot, 5);
    expect(same).toEqual(statuses);
    rmSync(path, { recursive: true });
    for (const end of ["", "-wal", "-shm"]) cpSync(join(away, `test.db${end}`), `${path}${end}`);
    await made.recover();
    // The first batch was committed to the file before it was seen to be gone; it is stored once all the same.
    expectStored(path, [...before, ...ids, ...later]);
    await expectSameFromZero(made, rowsOf(path, "SELECT 1 FROM sessions WHERE is_evidence = 1").length);
    await made.engine.close();
  });

  it("the file deleted for good: a new one, the project again, and the sessions that still make sense", async () => {
    const path = temporaryDatabase();
    const { engine, bot, recover } = await spoolingEngine(path);
    await play(bot, 5);
    for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`);
    const { ids, statuses } = await play(bot, 20);
    expect(statuses).toEqual(new Set(["spooled"]));
    await recover();
    const { ids: after } = await play(bot, 5);
    expectStored(path, [...ids, ...after]);
    expect(await engine.projectKeys()).toEqual(["support"]);
    await engine.close();
  });

  it("deleted with an experiment: its sessions are stored outside of one, unless their config is gone too; that is counted", async () => {
    const path = temporaryDatabase();
    const { engine, bot, recover } = await spoolingContest(path);
    for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`);
    const sessions = await Promise.all(Array.from({ length: 40 }, () => bot.session()));
    await Promise.all(sessions.map((session) => session.end({ score: 0.3 })));
    await recover();
    const kept = sessions.filter(({ arm }) => arm === "champion");
    expect(rowsOf(path, "SELECT id, experiment_id AS e, is_evidence AS i, score FROM sessions")).toEqual(
      kept.map(({ id }) => ({ id, e: null, i: 0, score: 0.3 })),
    );
    expect(engine.health().spool.lost).toBe(2 * (40 - kept.length));
    expect(kept.length).toBeLessThan(40);
    await engine.close();
  });

  it("a database deleted while only reading goes on is noticed too", async () => {
    const path = temporaryDatabase();
    const { engine, clock, bot, recover } = await spoolingContest(path);
    for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`);
    await expect
      .poll(() => {
        clock.advance(5000);
        return engine.health().status;
      })
      .toBe("degraded");
    await recover();
    expect(await engine.experiments("support")).toEqual([]);
    await expect.poll(async () => (await bot.session()).experiment).toBeNull();
    await engine.close();
  });

  it("a unit's session is served as hashed, keeps its unit, and is left out", async () => {
    const path = temporaryDatabase();
    const made = await spoolingContest(path);
    const unlock = lock(path);
    const first = await Promise.all(
      Array.from({ length: 20 }, (_, i) => made.bot.session({ unit: `u${i}` })),
    );
    await Promise.all(first.map((session) => session.end({ score: 1 })));
    unlock();
    await made.recover();
    const second = await Promise.all(first.map(({ unit }) => made.bot.session({ unit: unit as string })));
    expect(second.map(({ arm }) => arm)).toEqual(first.map(({ arm }) => arm));
    await made.engine.flush();
    expect(
      rowsOf(path, "SELECT excluded, count(*) AS n FROM sessions GROUP BY excluded ORDER BY excluded"),
    ).toEqual([
      { excluded: "repeat", n: 20 },
      { excluded: "unconfirmed", n: 20 },
    ]);
    await expectSameFromZero(made, 0);
    await made.engine.close();
  });
});

describe("the bound", () => {
  it("a spool that is full drops new sessions whole, and counts them", async () => {
    const path = temporaryDatabase();
    const { engine, bot, recover } = await spoolingEngine(path, { bytesMax: 5000 });
    const unlock = lock(path);
    const sessions: Session<{ prompt: string }>[] = [];
    for (let i = 0; i < 50; i += 1) {
      sessions.push(await bot.session());
      await engine.flush();
    }
    const ends = await Promise.allSettled(sessions.map((session) => session.end({ score: 0.3 })));
    const kept = sessions.filter((_, index) => ends[index]?.status === "fulfilled");
    expect(kept).toEqual(sessions.slice(0, kept.length));
    expect(kept.length).toBeGreaterThan(5);
    expect(engine.health().sessionsDropped).toBe(50 - kept.length);
    unlock();
    await recover();
    expect(storedRows(path).map(({ id }) => id)).toEqual(kept.map(({ id }) => id));
    await engine.close();
  });

  it("where the spool cannot be written either, sessions are dropped and nothing of them is acknowledged", async () => {
    const path = temporaryDatabase();
    const { engine, bot, recover } = await spoolingEngine(path);
    limitFiles(16);
    const session = await bot.session();
    await engine.flush();
    await expect(session.end({ score: 1 })).rejects.toMatchObject({ kind: "unavailable" });
    limitFiles("unlimited");
    expect(engine.health()).toMatchObject({ status: "degraded", sessionsDropped: 1 });
    await expect(session.end({ score: 1 })).rejects.toMatchObject({ kind: "unavailable" });
    await recover();
    expect((await play(bot, 3)).statuses).toEqual(new Set(["recorded"]));
    expect(spoolsOf(path)).toEqual([]);
    await engine.close();
  });
});

describe("a spool that outlives its engine", () => {
  it("is stored by the next one, in this process too, and once though it is replayed", async () => {
    const path = temporaryDatabase();
    const first = await spoolingContest(path);
    const unlock = lock(path);
    const { ids } = await play(first.bot, 20);
    await first.engine.close();
    const [name] = spoolsOf(path) as [string];
    const copy = join(dirname(path), "copy");
    cpSync(join(dirname(path), name), copy);
    unlock();
    const second = await spoolingEngine(path);
    await second.recover();
    await second.engine.decide();
    expectStored(path, ids);
    // As if the process had died between storing it and removing it.
    cpSync(copy, join(dirname(path), name));
    await second.engine.decide();
    expectStored(path, ids);
    expect(second.engine.health().spool.lost).toBe(0);
    await expectSameFromZero(second, 0);
    await second.engine.close();
  });

  it("is stored by `decide` on the command line too, unless that only looks", async () => {
    const path = temporaryDatabase();
    const first = await spoolingContest(path);
    const unlock = lock(path);
    const { ids } = await play(first.bot, 5);
    await first.engine.close();
    unlock();
    await cli("decide", "--dry-run", "--db", path);
    expect(spoolsOf(path)).toHaveLength(1);
    expect((await cli("decide", "--db", path)).code).toBe(0);
    expectStored(path, ids);
  });

  it("a torn last line is ignored, a damaged one is counted, and the rest is stored", async () => {
    const path = temporaryDatabase();
    const first = await spoolingEngine(path);
    const unlock = lock(path);
    const { ids } = await play(first.bot, 3);
    await first.engine.close();
    unlock();
    const spool = join(dirname(path), spoolsOf(path)[0] as string);
    const lines = readFileSync(spool, "utf8").split("\n");
    const damaged = (lines.at(-2) as string).replace("0.3", "0.9");
    writeFileSync(spool, [...lines.slice(0, -2), damaged, '["0000'].join("\n"));
    const second = await spoolingEngine(path);
    await second.engine.decide();
    expect(storedRows(path).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(second.engine.health().spool.lost).toBe(1);
    await second.engine.close();
  });
});

describe("processes", () => {
  it("one killed while it spools: what was acknowledged is stored by the next, once", async () => {
    const path = temporaryDatabase();
    await (await spoolingContest(path)).engine.close();
    const child = nodeProcess(AGENT, path, "100000", "killed");
    let unlock = (): void => undefined;
    let out = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        if (out === "") unlock = lock(path);
        out += chunk;
        if (spoolsOf(path).length > 0 && out.length > 20_000) child.kill("SIGKILL");
      });
      child.on("exit", () => resolve());
    });
    unlock();
    const acknowledged = out.split("\n").slice(1, -1);
    const { engine, recover } = await spoolingEngine(path);
    await engine.decide();
    await recover();
    const stored = storedRows(path).map(({ id }) => id);
    expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
    expect(new Set(stored).size).toBe(stored.length);
    expect(rowsOf(path, "SELECT 1 FROM sessions WHERE excluded = 'unconfirmed'").length).toBeGreaterThan(0);
    expect(spoolsOf(path)).toEqual([]);
    await engine.close();
  });

  it("one whose spool is taken over while it still runs writes what came too late again, to a new one", async () => {
    const path = temporaryDatabase();
    const { bot, engine, recover } = await spoolingEngine(path);
    const unlock = lock(path);
    const { ids: first } = await play(bot, 5);
    const [name] = spoolsOf(path) as [string];
    renameSync(join(dirname(path), name), join(dirname(path), "taken"));
    const { ids: second } = await play(bot, 5);
    expect(spoolsOf(path)).not.toContain(name);
    // By a process that has died since.
    renameSync(join(dirname(path), "taken"), `${path}.spool-${2 ** 30}-a.jsonl`);
    unlock();
    await recover();
    await engine.decide();
    expect(
      storedRows(path)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...first, ...second].sort());
    expect(spoolsOf(path)).toEqual([]);
    await engine.close();
  });

  it("one that runs keeps its spool to itself", async () => {
    const path = temporaryDatabase();
    const { engine } = await spoolingEngine(path);
    const child = nodeProcess("-e", "process.stdin.resume()");
    const line = encodeLine({ version: 1, owner: { pid: child.pid, host: hostname(), since: null } });
    const name = `test.db.spool-${child.pid}-a.jsonl`;
    writeFileSync(join(dirname(path), name), line);
    await engine.decide();
    expect(spoolsOf(path)).toEqual([name]);
    child.kill();
    await new Promise((resolve) => child.on("exit", resolve));
    await engine.decide();
    expect(spoolsOf(path)).toEqual([]);
    await engine.close();
  });
});

it("a host that records without a pause while the spool is stored: nothing is lost, overtaken or turned away", async () => {
  const path = temporaryDatabase();
  const { bot, engine, clock } = await spoolingEngine(path);
  const unlock = lock(path);
  const ids = (await play(bot, 100)).ids.slice();
  unlock();
  for (let round = 0; round < 40; round += 1) {
    clock.advance(5000);
    ids.push(...(await play(bot, 10)).ids);
  }
  await expect.poll(() => engine.health().spool.rows).toBe(0);
  expectStored(path, ids);
  expect(engine.health()).toMatchObject({
    status: "ok",
    sessionsDropped: 0,
    writesFailed: 0,
    spool: { lost: 0 },
  });
  await engine.close();
});

it("durability: full waits for the disk, relaxed does not, and nothing else is taken", async () => {
  for (const durability of ["full", "relaxed"] as const) {
    const post = vi.spyOn(Worker.prototype, "postMessage");
    const engine = await createEngine({ url: temporaryDatabase(), strict: true, durability });
    expect(post.mock.calls[0]?.[0]).toMatchObject({ type: "open", durability });
    post.mockRestore();
    await engine.close();
    const exec = vi.spyOn(Database.prototype, "exec");
    new WriteConnection(temporaryDatabase(), MIGRATIONS, durability).close();
    const level = durability === "full" ? "FULL" : "NORMAL";
    expect(exec.mock.calls.map(([sql]) => sql)).toContain(`PRAGMA synchronous = ${level}`);
    exec.mockRestore();
  }
  const bad = createEngine({ url: temporaryDatabase(), durability: "none" as never });
  await expect(bad).rejects.toMatchObject({ code: "settings_invalid" });
});
