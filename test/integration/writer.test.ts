/** The writer's queue: full batches are sent ahead, and still nothing overtakes, or outlives, what was before it. */
import Database from "libsql";
import { afterEach, describe, expect, it } from "vitest";
import type { SessionStart } from "../../src/engine/ports.js";
import { locate } from "../../src/store/location.js";
import type { WriteOperation } from "../../src/store/writer/write-protocol.js";
import { Writer } from "../../src/store/writer/writer.js";
import { temporaryDatabase } from "../support/temporary.js";

const MIGRATIONS = new URL("../../drizzle", import.meta.url).pathname;
/** More than two batches. */
const MANY = 4500;

const SEED = `INSERT INTO configs (hash, body, created_at_ms) VALUES ('a', '{}', 0);
  INSERT INTO projects (key, champion_config_id, created_at_ms) VALUES ('p', 1, 0);`;

const start = (i: number): WriteOperation => {
  const outside = { experimentId: null, armId: null, unit: null, shares: null, excluded: null } as const;
  const times = { startedAtMs: i, windowEndsAtMs: i + 100 };
  const rest = { isExclusive: false, context: null, root: null, mayExist: false };
  const session: SessionStart = { id: `s${i}`, projectId: 1, configId: 1, ...outside, ...times, ...rest };
  return { kind: "start", start: session };
};

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function opened(patienceMs: number): Promise<{ writer: Writer; database: Database.Database }> {
  const path = temporaryDatabase();
  const writer = await Writer.open(locate(path), {
    migrationsFolder: MIGRATIONS,
    capacity: 20_000,
    patienceMs,
  });
  const database = new Database(path);
  database.exec(SEED);
  open.push(writer, database);
  return { writer, database };
}

const ids = (database: Database.Database): string[] =>
  (database.prepare("SELECT id FROM sessions ORDER BY seq").all() as { id: string }[]).map(({ id }) => id);

describe("a writer with more than a batch to write", () => {
  it("writes in the order in which it was asked", async () => {
    const { writer, database } = await opened(10_000);
    const written = Array.from({ length: MANY }, (_, i) => writer.write(start(i)));
    await writer.flush();
    expect(writer.length).toBe(0);
    expect(ids(database)).toEqual(written.map((_, i) => `s${i}`));
    expect(new Set((await Promise.all(written)).map(({ status }) => status))).toEqual(new Set(["recorded"]));
  });

  it("writes nothing that was sent behind a batch that failed, and goes on with what is asked later", async () => {
    const { writer, database } = await opened(0);
    database.exec("BEGIN IMMEDIATE");
    const written = Array.from({ length: MANY }, (_, i) => writer.write(start(i)));
    // The next batch is with the writer's thread by now, which would find the database unlocked.
    await expect(written[0]).rejects.toMatchObject({ code: "storage_busy" });
    database.exec("ROLLBACK");
    const settled = await Promise.allSettled(written);
    expect(settled.filter(({ status }) => status === "fulfilled")).toEqual([]);
    await writer.write(start(MANY));
    expect(ids(database).slice(0, 2)).toEqual([`s${MANY}`]);
  });

  it("asks for each operation, in order, what is to become of it when the writing fails", async () => {
    const path = temporaryDatabase();
    const asked: WriteOperation[] = [];
    const rescue = (operation: WriteOperation) => {
      asked.push(operation);
      return Promise.resolve({ status: "spooled" } as const);
    };
    const options = { migrationsFolder: MIGRATIONS, capacity: 20_000, patienceMs: 0, rescue };
    const writer = await Writer.open(locate(path), options);
    const database = new Database(path);
    open.push(writer, database);
    database.exec("BEGIN IMMEDIATE");
    const operations = Array.from({ length: MANY }, (_, i) => start(i));
    const outcomes = await Promise.all(operations.map((operation) => writer.write(operation)));
    expect(asked).toEqual(operations);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["spooled"]));
    database.exec("ROLLBACK");
  });
});
