/** A server that is away, comes back, or refuses: agents go on, and what they were told is kept is stored once. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { locate } from "../../src/store/location.js";
import { Spool } from "../../src/store/spool/spool.js";
import { openSqlStore } from "../../src/store/store.js";
import { engineOver } from "../support/engine.js";
import { eventually } from "../support/eventually.js";
import { PostgresServer, postgresFolder } from "../support/postgres-server.mjs";
import { query } from "../support/query.js";
import { temporaryFolder } from "../support/temporary.js";

let server: PostgresServer;
let schemas = 0;

beforeAll(() => {
  server = new PostgresServer(postgresFolder() as string, { isSafe: true });
  server.start();
}, 60_000);

afterAll(() => server.remove());

async function agent() {
  schemas += 1;
  const url = `${server.url}&password=hunter2&schema=away_${schemas}`;
  const spool = new Spool(join(temporaryFolder(), "postgres"));
  const made = await engineOver(({ onTrouble, onChange }) =>
    openSqlStore(locate(url), { mustExist: false, spool, onTrouble, onChange }),
  );
  const bot = await made.engine.project("support", { champion: { prompt: "long" } });
  const serve = async (count: number) => {
    const sessions = await Promise.all(Array.from({ length: count }, () => bot.session()));
    const receipts = await Promise.all(sessions.map((session) => session.end({ score: 0.3 })));
    return {
      ids: sessions.map(({ id }) => id),
      statuses: [...new Set(receipts.map(({ status }) => status))],
    };
  };
  const recovered = () =>
    eventually(() => {
      made.clock.advance(5000);
      expect(made.engine.health()).toMatchObject({ status: "ok", spool: { rows: 0, lost: 0 } });
    });
  const stored = () => query<{ id: string }>(url, "SELECT id FROM sessions WHERE score = 0.3 ORDER BY id");
  return { ...made, url, serve, recovered, stored };
}

const sorted = (ids: readonly string[]) => [...ids].sort().map((id) => ({ id }));

describe("a server", () => {
  it("that crashes and comes back has everything once, and nobody reads its password", async () => {
    const { engine, logger, serve, recovered, stored } = await agent();
    const before = await serve(50);
    server.stop("immediate");
    const during = await serve(50);
    expect(during.statuses).toEqual(["spooled"]);
    expect(engine.health()).toMatchObject({ status: "degraded" });
    server.start();
    await recovered();
    const after = await serve(50);
    expect([before.statuses, after.statuses]).toEqual([["recorded"], ["recorded"]]);
    expect(await stored()).toEqual(sorted([...before.ids, ...during.ids, ...after.ids]));
    expect(JSON.stringify(logger)).not.toContain("hunter2");
    const { database } = await engine.doctor();
    expect(JSON.stringify(database)).not.toContain("hunter2");
    await engine.close();
  }, 120_000);

  it("that ends a connection in the middle of the work loses nothing", async () => {
    const { engine, url, serve, recovered, stored } = await agent();
    const ids: string[] = [];
    const kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
    for (let round = 0; round < 3; round += 1) {
      const [served] = await Promise.all([serve(200), query(url, kill)]);
      ids.push(...served.ids);
    }
    await recovered();
    expect(await stored()).toEqual(sorted(ids));
    await engine.close();
  }, 120_000);

  it("is told apart in errors: no such database, none there, another application's schema, a newer one", async () => {
    const open = (url: string, mustExist = false) => openSqlStore(locate(url), { mustExist });
    const missing = server.url.replace("/postgres?", "/nowhere?");
    await expect(open(missing)).rejects.toMatchObject({
      code: "storage_unavailable",
      details: { storageCode: "3D000" },
    });
    await expect(open("postgres://user:hunter2@127.0.0.1:1/x")).rejects.toMatchObject({
      code: "storage_unavailable",
      message: expect.not.stringContaining("hunter2"),
      details: { storageCode: "ECONNREFUSED" },
    });
    await expect(open(`${server.url}&schema=nothing`, true)).rejects.toMatchObject({
      code: "database_not_found",
    });
    const foreign = `${server.url}&schema=foreign_one`;
    await query(foreign, "CREATE SCHEMA foreign_one");
    await query(foreign, "CREATE TABLE projects (id int)");
    await expect(open(foreign)).rejects.toMatchObject({ code: "database_invalid" });
    const newer = `${server.url}&schema=newer`;
    await (await open(newer)).close();
    await query(newer, "UPDATE dethrone_migrations SET created_at = created_at + 1000000000000");
    await expect(open(newer)).rejects.toMatchObject({ code: "schema_newer" });
  }, 60_000);

  it("that many open at once is migrated once", async () => {
    const url = `${server.url}&schema=many`;
    const stores = await Promise.all(
      Array.from({ length: 6 }, () => openSqlStore(locate(url), { mustExist: false })),
    );
    const { schema } = await stores[0]!.upkeep.facts({ isThorough: true });
    expect(schema.applied).toBe(schema.known);
    for (const store of stores) await store.close();
  }, 60_000);
});
