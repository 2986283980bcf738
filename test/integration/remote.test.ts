/** The library and the command line over a libSQL server: what differs from a file, and what must not. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createEngine } from "../../src/index.js";
import { locate } from "../../src/store/location.js";
import { Spool } from "../../src/store/spool/spool.js";
import { openSqlStore } from "../../src/store/store.js";
import { cli } from "../support/cli.js";
import { engineOver } from "../support/engine.js";
import { eventually } from "../support/eventually.js";
import { type LibsqlDouble, startLibsqlDouble } from "../support/libsql-double.mjs";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryFolder } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SECRET = "s3cret-token";

let folder: string;
let double: LibsqlDouble;
beforeEach(async () => {
  folder = temporaryFolder();
  double = await startLibsqlDouble({ path: join(folder, "served.db"), synchronous: "OFF" });
  // What this machine keeps for a server lies in the folder it works in.
  vi.spyOn(process, "cwd").mockReturnValue(folder);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await double.close();
});

/** Looks into what the server has. */
function stored<T>(sql: string): T[] {
  const database = new Database(join(folder, "served.db"));
  try {
    return database.prepare(sql).raw().all() as T[];
  } finally {
    database.close();
  }
}

describe("an engine over a server", () => {
  it("serves, records and decides as over a file, and sends a batch in one journey", async () => {
    const engine = await createEngine({ url: double.url, strict: true });
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge({ prompt: "short" }, { share: 0.5 });
    const answer = bot.wrap(async ({ config }) => config.prompt === "short", { score: Number });
    double.trips = 0;
    await Promise.all(Array.from({ length: 300 }, () => answer()));
    await engine.flush();
    expect(double.trips).toBeLessThanOrEqual(3);
    expect(await engine.decide()).toMatchObject([{ verdict: "promote", reason: "evidence" }]);
    expect(bot.champion).toEqual({ prompt: "short" });
    expect(
      (await engine.doctor({ verify: true })).findings.filter(({ severity }) => severity !== "ok"),
    ).toEqual([]);
    await engine.close();
    expect(stored("SELECT count(*) FROM sessions WHERE settled_at_ms IS NOT NULL")).toMatchObject([[300]]);
  });

  it("is let in by a token, which no message and no log shows", async () => {
    double.token = SECRET;
    const engine = await createEngine({ url: double.url, authToken: SECRET, strict: true });
    await engine.project("support", { champion: LONG });
    await engine.close();
    const wrong = "wrong-t0ken";
    const refused = await createEngine({ url: `${double.url}?authToken=${wrong}`, strict: true }).catch(
      (error) => error,
    );
    expect(refused).toMatchObject({
      code: "storage_unavailable",
      details: { storageCode: "REMOTE_REFUSED" },
    });
    const logger = recordingLogger();
    const degraded = await createEngine({ url: double.url, authToken: wrong, logger });
    const bot = await degraded.project("support", { champion: { prompt: "of the code" } });
    expect((await bot.session()).config).toEqual(LONG);
    await degraded.close();
    const told = JSON.stringify([refused, refused.stack, logger.messages]);
    expect(told).toContain("127.0.0.1");
    expect(told).not.toContain(wrong);
  });

  it("keeps what sessions record on this machine while the server is away, and stores it once", async () => {
    const spool = new Spool(join(folder, "beside"));
    const { engine, clock } = await engineOver(({ onTrouble }) =>
      openSqlStore(locate(double.url), { mustExist: false, spool, onTrouble, patienceMs: 50 }),
    );
    const bot = await engine.project("support", { champion: LONG });
    const play = async (): Promise<string> => (await (await bot.session()).end({ score: 1 })).status;
    expect(await play()).toBe("recorded");
    double.fault = () => ({ status: 503 });
    expect(await play()).toBe("spooled");
    expect(await play()).toBe("spooled");
    expect(readdirSync(folder).filter((name) => name.startsWith("beside.spool-"))).toHaveLength(1);
    double.fault = () => null;
    await eventually(() => {
      clock.advance(5000);
      expect(engine.health()).toMatchObject({ status: "ok", spool: { rows: 0 } });
    });
    expect(stored("SELECT count(*) FROM sessions WHERE score = 1")).toMatchObject([[3]]);
    await engine.close();
  });

  it("that another process opens at the same time is migrated once", async () => {
    const open = () => openSqlStore(locate(double.url), { mustExist: false });
    const stores = await Promise.all(Array.from({ length: 4 }, open));
    await Promise.all(stores.map((store) => store.close()));
    const [[applied] = []] = stored<[number]>(
      "SELECT count(*) - count(DISTINCT hash) FROM dethrone_migrations",
    );
    expect(applied).toBe(0);
    double.trips = 0;
    await (await open()).close();
    // The schema, and the receipts of writers long gone.
    expect(double.trips).toBe(2);
  });

  it("refuses a database of another application, and writes nothing to it", async () => {
    const database = new Database(join(folder, "served.db"));
    database.exec("CREATE TABLE theirs (id INTEGER)");
    database.close();
    await expect(createEngine({ url: double.url, strict: true })).rejects.toMatchObject({
      code: "database_invalid",
    });
    expect(stored("SELECT name FROM sqlite_master")).toMatchObject([["theirs"]]);
  });

  it("reads again where a reply is broken off", async () => {
    const engine = await createEngine({ url: double.url, strict: true });
    await engine.project("support", { champion: LONG });
    let faults = 2;
    double.fault = () => (faults-- > 0 ? "cut" : null);
    expect(await engine.projectKeys()).toEqual(["support"]);
    await engine.close();
  });
});

describe("a copy that follows a server", () => {
  // The double does not speak the language of copies, so this is about the time before there is one, or without it.
  it("is browsed, and where it cannot be had the server is, while all else is read from the server", async () => {
    const url = `file:${join(folder, "copy.db")}`;
    const engine = await createEngine({ url, syncUrl: double.url, strict: true });
    const bot = await engine.project("support", { champion: LONG });
    const session = await bot.session();
    expect((await session.end({ score: 1 })).status).toBe("recorded");
    const { sessions } = await engine.sessions({ project: "support" });
    expect(sessions.map(({ id }) => id)).toEqual([session.id]);
    await engine.close();
    expect(stored("SELECT count(*) FROM sessions")).toMatchObject([[1]]);
  });
});

describe("the command line over a server", () => {
  it("begins with init, and names what is missing without it", async () => {
    const missing = await cli("status", "--db", double.url, "--json");
    expect(missing.code).toBe(3);
    expect(missing.json()).toMatchObject({ error: { code: "database_not_found" } });
    const url = `${double.url}?authToken=${SECRET}`;
    const { code, out } = await cli("migrate", "--db", url);
    expect([code, out]).toEqual([0, `Up to date: ${double.url}\n`]);
    expect((await cli("status", "--db", url)).code).toBe(0);
  });

  it("says of what only a file has who has it", async () => {
    await cli("migrate", "--db", double.url);
    for (const args of [
      ["backup", join(folder, "copy.db")],
      ["prune", "--older-than", "90d", "--vacuum"],
    ]) {
      const { code, json } = await cli(...args, "--db", double.url, "--json");
      expect(code).toBe(2);
      expect(json()).toMatchObject({
        error: { code: "not_supported_here", details: { database: double.url } },
      });
    }
    expect((await cli("doctor", "--db", double.url)).out).toContain(double.url);
  });
});
