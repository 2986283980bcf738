import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createClient } from "@libsql/client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DethroneError } from "../../src/core/errors.js";
import type { SessionStart, StartedSession } from "../../src/engine/ports.js";
import { createEngine } from "../../src/index.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { eventually } from "../support/eventually.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase, temporaryFolder } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("guarantee 5: the host's agent is never broken", () => {
  it("a database that is away at start: the agent runs on the code's champion, and is recorded once it is back", async () => {
    let isAway = true;
    const path = temporaryDatabase();
    const { engine, clock } = await engineOver(async () => {
      if (isAway) throw new Error("connection refused");
      return openSqlStore(locate(path), { mustExist: false });
    });
    const bot = await engine.project("support", { champion: LONG });
    const answer = bot.wrap((session) => session.config.prompt, { score: () => 1 });
    expect(await answer()).toBe("long");
    expect(await bot.challenge(SHORT, { share: 0.5 })).toEqual({
      experiment: null,
      started: false,
      status: "pending",
      forecast: null,
    });
    expect(engine.health()).toMatchObject({
      status: "degraded",
      sessionsDropped: 1,
      lastError: "storage_unavailable",
    });
    const session = await bot.session();
    await expect(session.end({ score: 1 })).rejects.toMatchObject({ code: "storage_unavailable" });

    isAway = false;
    clock.advance(60_000);
    await eventually(async () => expect((await engine.experiments("support")).length).toBe(1));
    expect(engine.health().status).toBe("ok");
    await eventually(async () => {
      clock.advance(5000);
      expect((await bot.session()).experiment).not.toBeNull();
    });
    const open = await bot.session();
    expect(await open.end({ score: 1 })).toEqual({ status: "recorded" });
    await engine.close();
  });

  it("a challenge that had to wait is made from the champion as stored, not from the code's", async () => {
    const path = temporaryDatabase();
    const before = await createEngine({ url: `file:${path}` });
    const made = await before.project("support", { champion: { model: "m", ...LONG } });
    await made.challenge({ model: "n", ...LONG });
    await made.promote({ reason: "better" });
    await before.close();
    let isAway = true;
    const { engine, clock } = await engineOver(async () => {
      if (isAway) throw new Error("connection refused");
      return openSqlStore(locate(path), { mustExist: false });
    });
    const bot = await engine.project("support", { champion: { model: "m", ...LONG } });
    expect(await bot.challenge((champion) => ({ ...champion, ...SHORT }))).toMatchObject({
      status: "pending",
    });
    isAway = false;
    clock.advance(60_000);
    await eventually(async () => expect((await engine.experiments("support")).length).toBe(2));
    const [newest] = await bot.experiments();
    expect(newest!.challenger).toEqual({ model: "n", ...SHORT });
    await engine.close();
  });

  it("a challenge that waits outlives the store it waited for", async () => {
    let isAlive = true;
    const { store, real } = await faultyStore((open) => ({
      isAlive: () => isAlive,
      experiments: () => Promise.reject(new DethroneError("storage_unavailable", "broken")),
      close: () => open.flush(),
    }));
    let opened = 0;
    const { engine, clock } = await engineOver(async () => {
      opened += 1;
      if (opened === 2) throw new Error("connection refused");
      return opened === 1 ? store : real;
    });
    const bot = await engine.project("support", { champion: LONG });
    expect(await bot.challenge(SHORT)).toMatchObject({ status: "pending" });
    isAlive = false;
    // The store is found dead at the next look at the state, and is away when the challenge tries again.
    clock.advance(5000);
    clock.advance(60_000);
    await eventually(async () => {
      clock.advance(5000);
      expect(await engine.experiments("support")).toHaveLength(1);
    });
    await engine.close();
  });

  it("a database that fails while nothing was found to be stored is not told to be back", async () => {
    const waiting: (() => void)[] = [];
    const { store } = await faultyStore(() => ({
      recover: () => new Promise<number>((resolve) => waiting.push(() => resolve(0))),
    }));
    let fails: (error: unknown) => void = () => undefined;
    const { engine, clock, logger } = await engineOver(async ({ onTrouble = () => undefined }) => {
      fails = onTrouble;
      return store;
    });
    await engine.project("support", { champion: LONG });
    const look = waiting.splice(0);
    expect(look).not.toHaveLength(0);
    fails(new DethroneError("storage_unavailable", "the disk is gone"));
    for (const end of look) end();
    await new Promise(setImmediate);
    expect(engine.health().status).toBe("degraded");
    expect(JSON.stringify(logger)).not.toContain("the database is back");
    clock.advance(250);
    for (const end of waiting.splice(0)) end();
    await eventually(() => expect(engine.health().status).toBe("ok"));
    expect(JSON.stringify(logger)).toContain("the database is back");
    const closing = engine.close();
    for (const end of waiting.splice(0)) end();
    await closing;
  });

  it("DETHRONE=off drafts nothing either", async () => {
    vi.stubEnv("DETHRONE", "off");
    const engine = await createEngine();
    const bot = await engine.project("support", { champion: LONG });
    expect(await bot.draft(SHORT)).toMatchObject({ status: "off", experiment: null });
    await expect(bot.draft(7 as never)).rejects.toMatchObject({ code: "config_invalid" });
    await engine.close();
  });

  it("a store that throws in the place of rejecting costs a session its record, and the host nothing", async () => {
    const { store } = await faultyStore(() => ({
      startSession: () => {
        throw new TypeError("thrown");
      },
    }));
    const { engine } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    const session = await bot.session();
    expect(session.config).toEqual(LONG);
    await expect(session.end({ score: 1 })).rejects.toMatchObject({ code: "storage_unavailable" });
    expect(await bot.wrap(() => 7, { unit: () => "ann" })()).toBe(7);
    expect(engine.health()).toMatchObject({ sessionsDropped: 2 });
    await engine.close();
  });

  it("rejects for invalid settings alone, unless strict", async () => {
    const folder = temporaryFolder();
    const noFolder = join(folder, "missing", "x.db");
    const logger = recordingLogger();
    const engine = await createEngine({ url: noFolder, logger });
    expect(engine.health().status).toBe("degraded");
    const bot = await engine.project("support", { champion: LONG });
    expect(await bot.wrap((session) => session.config.prompt)()).toBe("long");
    await engine.close();
    await expect(createEngine({ url: noFolder, strict: true })).rejects.toMatchObject({
      code: "storage_unavailable",
      exitCode: 6,
    });
    await expect(createEngine({ url: "redis://x" })).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(createEngine({ url: "" })).rejects.toMatchObject({ code: "settings_invalid" });
    await expect(createEngine({ url: "x.db", refreshMs: -1 })).rejects.toMatchObject({
      code: "settings_invalid",
    });
  });

  it("a file that is no database, another application's, or of a newer schema is refused and left as it is", async () => {
    const text = join(temporaryFolder(), "notes.txt");
    writeFileSync(text, "these are my notes, not a database, and they are long enough to look at");
    await expect(createEngine({ url: text, strict: true })).rejects.toMatchObject({
      code: "database_invalid",
    });
    expect(readFileSync(text, "utf8")).toContain("my notes");

    const foreign = temporaryDatabase();
    const client = createClient({ url: `file:${foreign}` });
    await client.execute("CREATE TABLE invoices (id INTEGER)");
    client.close();
    const before = readFileSync(foreign);
    await expect(createEngine({ url: foreign, strict: true })).rejects.toMatchObject({
      code: "database_invalid",
    });
    expect(readFileSync(foreign).equals(before)).toBe(true);

    const newer = temporaryDatabase();
    await (await createEngine({ url: newer, strict: true })).close();
    const later = createClient({ url: `file:${newer}` });
    await later.execute("INSERT INTO dethrone_migrations VALUES (9999999999999, 'later')");
    later.close();
    await expect(createEngine({ url: newer, strict: true })).rejects.toMatchObject({ code: "schema_newer" });
    const degraded = await createEngine({ url: newer, logger: recordingLogger() });
    expect(
      await (await degraded.project("p", { champion: LONG })).wrap((session) => session.config)(),
    ).toEqual(LONG);
    await degraded.close();
  });

  it("every store call failing, one after another: the call goes through each time", async () => {
    const names = [
      "startSession",
      "endSession",
      "addSignal",
      "excludeSession",
      "projectState",
      "configById",
      "findSession",
    ] as const;
    for (const name of names) {
      let isBroken = false;
      const { real: base } = await faultyStore(() => ({}));
      const store = new Proxy(base, {
        get: (target, key) => {
          const method: unknown = Reflect.get(target, key);
          if (key === name && isBroken) return () => Promise.reject(new Error(`${name} is down`));
          return typeof method === "function" ? method.bind(target) : method;
        },
      });
      const { engine, clock } = await engineOver(async () => store);
      const bot = await engine.project("support", { champion: LONG });
      await bot.challenge(SHORT, { share: 0.5 });
      isBroken = true;
      clock.advance(6000);
      const answer = bot.wrap(
        (session, unit?: string) => {
          session.signal({ name: "cost", value: 1 }).catch(() => undefined);
          return unit ?? "none";
        },
        { unit: (unit) => unit, score: () => 1 },
      );
      expect(await answer()).toBe("none");
      expect(await answer("u")).toBe("u");
      const parent = { id: "elsewhere", project: "support", root: null };
      expect(await bot.wrap(() => "joined", { parent: () => parent })()).toBe("joined");
      isBroken = false;
      await engine.close();
    }
  });

  it("a store that never answers holds a unit's session up for no longer than the patience, and it is no evidence", async () => {
    const held: (() => void)[] = [];
    const excluded: string[] = [];
    const { store } = await faultyStore(() => ({
      startSession: () => new Promise<StartedSession>(() => undefined),
      excludeSession: async ({ sessionId }) => {
        excluded.push(sessionId);
      },
      hasRoom: () => true,
    }));
    const { engine, clock } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.5 });
    let isDone = false;
    const pending = bot.session({ unit: "u" }).then((session) => {
      isDone = true;
      return session;
    });
    await Promise.resolve();
    clock.advance(249);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    clock.advance(1);
    const session = await pending;
    expect(excluded).toEqual([session.id]);
    expect(held).toEqual([]);
    await engine.close();
  });

  it("a full queue drops whole new sessions and says so; the agent runs", async () => {
    const starts: SessionStart[] = [];
    const { store } = await faultyStore(() => ({
      hasRoom: () => false,
      startSession: async (start) => {
        starts.push(start);
        throw new Error("must not be asked");
      },
    }));
    const { engine, logger } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    for (let i = 0; i < 20; i += 1) expect(await bot.wrap(() => i, { score: () => 1 })()).toBe(i);
    expect(starts).toEqual([]);
    expect(engine.health()).toMatchObject({ sessionsDropped: 20, writesFailed: 0, lastError: "queue_full" });
    // Said the first and the tenth time, not twenty times.
    expect(
      logger.messages.filter(({ message }) => message === "a session could not be recorded"),
    ).toHaveLength(2);
    await engine.close();
  });

  it("health says so while the database fails, and that it is well again afterwards", async () => {
    let isFull = true;
    const { store } = await faultyStore((real) => ({
      startSession: (start) =>
        isFull
          ? Promise.reject(new DethroneError("storage_unavailable", "disk full"))
          : real.startSession(start),
    }));
    const { engine } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    await bot.wrap(() => 1)();
    await engine.flush();
    expect(engine.health()).toMatchObject({ status: "degraded", sessionsDropped: 1 });
    isFull = false;
    await bot.session();
    await engine.flush();
    expect(engine.health().status).toBe("ok");
    await engine.close();
  });

  it("a logger that throws breaks nothing", async () => {
    const boom = () => {
      throw new Error("logger");
    };
    const engine = await createEngine({
      url: join(temporaryFolder(), "no", "x.db"),
      logger: { debug: boom, info: boom, warn: boom, error: boom },
    });
    const bot = await engine.project("support", { champion: LONG });
    expect(await bot.wrap(() => 1)()).toBe(1);
    await engine.close();
  });

  it("DETHRONE=off is the champion and no I/O", async () => {
    vi.stubEnv("DETHRONE", "off");
    const path = temporaryDatabase();
    const engine = await createEngine({ url: path });
    const bot = await engine.project("support", { champion: LONG });
    expect(await bot.challenge(SHORT)).toEqual({
      experiment: null,
      started: false,
      status: "off",
      forecast: null,
    });
    expect(await bot.wrap((session) => session.config.prompt, { score: () => 1 })()).toBe("long");
    const session = await bot.session({ unit: "u" });
    expect(await session.end({ score: 1 })).toEqual({ status: "off" });
    expect(await session.signal({ name: "x", value: 1 })).toEqual({ status: "off" });
    expect(await engine.signal("any", { name: "x", value: 1 })).toEqual({ status: "off" });
    expect(await engine.decide()).toEqual([]);
    expect(engine.health()).toMatchObject({ status: "off", sessionsDropped: 0 });
    await engine.close();
    expect(() => statSync(path)).toThrow("ENOENT");
  });

  it("a closed engine still serves the last known champion, and close is safe twice", async () => {
    const path = temporaryDatabase();
    mkdirSync(dirname(path), { recursive: true });
    const engine = await createEngine({ url: path, logger: recordingLogger() });
    const bot = await engine.project("support", { champion: LONG });
    const answer = bot.wrap((session) => session.config.prompt, { score: () => 1 });
    await answer();
    await engine.close();
    await engine.close();
    expect(await answer()).toBe("long");
    await expect(engine.decide()).rejects.toMatchObject({ code: "engine_closed" });
  });
});
