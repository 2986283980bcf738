import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { query } from "../support/query.js";
import { temporaryDatabase, temporaryFolder } from "../support/temporary.js";
import { buildFullDatabase, diagnosis, exported, exportOf } from "../support/transfer.js";

const folder = mkdtempSync(join(tmpdir(), "dethrone-test-"));
const built = join(folder, "full.db");
beforeAll(() => buildFullDatabase(built), 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of it. */
function fullDatabase(): string {
  const path = temporaryDatabase();
  copyFileSync(`${built}.whole`, path);
  return path;
}

const piecesOf = (text: string) =>
  async function* () {
    // Cut anywhere, in the middle of a character too.
    const bytes = new TextEncoder().encode(text);
    for (let i = 0; i < bytes.length; i += 999) yield bytes.subarray(i, i + 999);
  };

async function importInto(path: string, text: string) {
  const test = await createTestEngine({ url: path });
  try {
    return await test.engine.transfer.importEverything(piecesOf(text));
  } finally {
    await test.close();
  }
}

describe("an export of everything", () => {
  it("loses nothing on its way into an empty database, and is the same bytes from there", async () => {
    const path = fullDatabase();
    const text = await exportOf(path);
    const copy = temporaryDatabase();
    const result = await importInto(copy, text);
    expect(result.rowsBefore).toBe(0);
    expect(result.rows).toBe(text.split("\n").length - 3);
    for (const table of [
      "archive_pages",
      "api_keys",
      "decisions",
      "evaluations",
      "overrides",
      "studies",
      "webhooks",
    ])
      expect(result.tables[table], table).toBeGreaterThan(0);
    expect(await exportOf(copy)).toBe(text);
    // Whatever engine wrote it, it reads the same.
    expect(text).toMatch(/"is_evidence":true.*"context":\{"plan":"=1\+1"\}/);
    expect(await diagnosis(copy)).toEqual(await diagnosis(path));
    const sequences = "SELECT name, seq FROM sqlite_sequence ORDER BY name";
    expect(await query(copy, sequences)).toEqual(await query(path, sequences));
  });

  it("never gives a number out again that belonged to a deleted row", async () => {
    const path = fullDatabase();
    const sequences = "SELECT name, seq FROM sqlite_sequence ORDER BY name";
    const before = await query(path, sequences);
    await query(path, "DELETE FROM signals");
    const copy = temporaryDatabase();
    await importInto(copy, await exportOf(path));
    expect(await query(copy, sequences)).toEqual(before);
  });

  it("has every table of the schema but what belongs to processes", async () => {
    const path = temporaryDatabase();
    const head = JSON.parse((await exportOf(path)).split("\n")[0] as string);
    const tables = await query<{ name: string }>(
      path,
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
         AND name NOT IN ('dethrone_migrations', 'leases', 'write_receipts')`,
    );
    expect(Object.keys(head.rows).sort()).toEqual(tables.map(({ name }) => name).sort());
  });

  it("is of one instant, whatever is written while it is read", async () => {
    const test = await createTestEngine();
    const bot = await test.engine.project("bot", { champion: { n: 1 } });
    const lines = test.engine.transfer.exportEverything()[Symbol.asyncIterator]();
    const head = JSON.parse((await lines.next()).value);
    await (await bot.session()).end({ score: 1 });
    await test.engine.flush();
    let rest = "";
    for (let next = await lines.next(); !next.done; next = await lines.next()) rest += next.value;
    expect(head.rows.sessions).toBe(0);
    expect(rest).not.toContain('"table":"sessions"');
    await test.close();
  });

  it("goes on where an import was cut off, and stores nothing twice", async () => {
    const text = await exportOf(fullDatabase());
    const copy = temporaryDatabase();
    const test = await createTestEngine({ url: copy });
    let opened = 0;
    const cutOff = async function* () {
      const isStoring = ++opened === 2;
      let bytes = 0;
      for await (const piece of piecesOf(text)()) {
        bytes += piece.length;
        if (isStoring && bytes > text.length * 0.7) throw new Error("the disk was pulled out");
        yield piece;
      }
    };
    await expect(test.engine.transfer.importEverything(cutOff)).rejects.toThrow("pulled out");
    const progress: (readonly [done: number, total: number])[] = [];
    const onProgress = (done: number, total: number) => void progress.push([done, total]);
    const result = await test.engine.transfer.importEverything(piecesOf(text), { onProgress });
    // Each row is written once, by this run or the one before.
    expect(progress.at(-1)).toEqual([2 * result.rows, 2 * result.rows]);
    expect(result.rowsBefore).toBeGreaterThan(10);
    expect(result.rowsBefore).toBeLessThan(result.rows);
    expect(await exported(test.engine)).toBe(text);
    await test.close();
  });

  it("is refused where it is cut off, damaged, newer, or no export, and nothing is written", async () => {
    const text = await exportOf(fullDatabase());
    const lines = text.split("\n");
    const refused: [string, string, RegExp][] = [
      ["", "export_invalid", /empty/],
      ['{"id":1}\n', "export_invalid", /no export/],
      [text.slice(0, -10), "export_invalid", /not JSON/],
      [`${lines.slice(0, -2).join("\n")}\n`, "export_invalid", /cut off after line/],
      [text.replace('"later-3"', '"later-4"'), "export_invalid", /damaged/],
      [text.replace('"version":1', '"version":2'), "export_newer", /format 2.*up to 1/],
    ];
    const copy = temporaryDatabase();
    for (const [damaged, code, message] of refused) {
      const error = await importInto(copy, damaged).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    }
    expect(await query(copy, "SELECT 1 FROM configs")).toEqual([]);
  });

  it("is refused by a database with other data", async () => {
    const text = await exportOf(fullDatabase());
    const other = temporaryDatabase();
    const test = await createTestEngine({ url: other });
    await test.engine.project("other", { champion: { n: 1 } });
    const before = await exported(test.engine);
    await expect(test.engine.transfer.importEverything(piecesOf(text))).rejects.toMatchObject({
      code: "database_differs",
    });
    expect(await exported(test.engine)).toBe(before);
    await test.close();
  });
});

describe("dethrone export", () => {
  it("writes everything to a new file that only its owner reads, and never over another", async () => {
    const db = fullDatabase();
    const out = join(temporaryFolder(), "all.jsonl");
    const run = await cli("export", "--out", out, "--db", db);
    expect(run).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringContaining(`Wrote everything to ${out}`),
    });
    expect(readFileSync(out, "utf8")).toBe(await exportOf(db));
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(await cli("export", "--out", out, "--db", db)).toMatchObject({ code: 4 });
    const nowhere = join(temporaryFolder(), "no", "where");
    expect(await cli("export", "--out", nowhere, "--db", db)).toMatchObject({ code: 2 });
  });

  it("prints each kind of record, oldest first, by the ids of the edge", async () => {
    const db = fullDatabase();
    const lines = async (...args: string[]) => {
      const { out } = await cli("export", "--db", db, ...args);
      return out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    };
    const sessions = await lines("--what", "sessions", "--project", "support");
    expect(sessions.length).toBeGreaterThanOrEqual(20);
    expect(sessions.every(({ project }) => project === "support")).toBe(true);
    expect(sessions.at(-1)).toMatchObject({ unit: "later-19", score: 19 / 20, context: { plan: "=1+1" } });
    expect(sessions.at(-1).config).toHaveProperty("prompt");
    const signals = await lines("--what", "signals");
    const ids = new Set((await lines("--what", "sessions")).map(({ id }) => id));
    expect(signals[3]).toMatchObject({ name: "cost_usd", value: 1, key: "billing", isLate: false });
    expect(signals.every(({ session }) => ids.has(session))).toBe(true);
    const [first, second] = await lines("--what", "experiments");
    expect(first).toMatchObject({ status: "aborted", arms: [{ role: "champion", share: 0.5 }, {}] });
    expect(second).toMatchObject({ status: "running", project: "support" });
    const [decision] = await lines("--what", "decisions");
    expect(decision).toMatchObject({ project: "support", verdict: "abort", experiment: first.id });
    const log = await lines("--what", "history");
    expect(log[0]).toMatchObject({ action: "created", project: "support" });
  });

  it("writes CSV that no spreadsheet runs", async () => {
    const db = fullDatabase();
    const { out } = await cli("export", "--what", "history", "--format", "csv", "--db", db);
    const [head, created] = out.split("\r\n");
    expect(head).toBe("id,project,experiment,action,actor,reason,details,atMs");
    expect(created).toMatch(/^1,support,,created,/);
    const folder = join(temporaryFolder(), "all");
    expect(await cli("export", "--format", "csv", "--out", folder, "--db", db)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, "history.csv"), "utf8")).toBe(out);
    expect(readFileSync(join(folder, "sessions.csv"), "utf8")).toContain("later-19");
    expect(await cli("export", "--format", "csv", "--out", folder, "--db", db)).toMatchObject({ code: 4 });
  });

  it("refuses what it cannot do", async () => {
    const db = temporaryDatabase();
    const refused = [
      ["--format", "csv"],
      ["--project", "support"],
      ["--what", "sessions", "--format", "csv", "--json"],
    ];
    for (const args of refused)
      expect(await cli("export", "--db", db, ...args), args.join(" ")).toMatchObject({ code: 2 });
  });
});

describe("dethrone copy", () => {
  it("copies everything, once, and says what", async () => {
    const [from, to] = [fullDatabase(), temporaryDatabase()];
    const first = await cli("copy", from, to, "--json");
    expect(first).toMatchObject({ code: 0 });
    expect(await exportOf(to)).toBe(await exportOf(from));
    expect(await diagnosis(to)).toEqual(await diagnosis(from));
    const { rows } = first.json<{ rows: number }>();
    expect((await cli("copy", from, to, "--json")).json()).toMatchObject({ rows, rowsBefore: rows });
    const told = await cli("copy", from, to);
    expect(told.out).toContain(`holds all ${rows.toLocaleString("en-US")} rows`);
  });

  it("goes on where it was killed", async () => {
    const [from, to] = [fullDatabase(), temporaryDatabase()];
    const script = fileURLToPath(new URL("../support/copy-process.mjs", import.meta.url));
    for (const rows of [30, 60]) {
      const { signal } = spawnSync(process.execPath, [script, from, to, String(rows)]);
      expect(signal).toBe("SIGKILL");
    }
    const result = (await cli("copy", from, to, "--json")).json<{ rows: number; rowsBefore: number }>();
    expect(result.rowsBefore).toBeGreaterThanOrEqual(30);
    expect(result.rowsBefore).toBeLessThan(result.rows);
    expect(await exportOf(to)).toBe(await exportOf(from));
    expect(await diagnosis(to)).toEqual(await diagnosis(from));
  });

  it("refuses a database with other data, and one that was written to since", async () => {
    const [from, other] = [fullDatabase(), temporaryDatabase()];
    await cli("copy", from, other);
    const test = await createTestEngine({ url: other, seed: 9 });
    await (await (await test.engine.project("support")).session()).end({ score: 1 });
    await test.close();
    const run = await cli("copy", from, other, "--json");
    expect(run).toMatchObject({ code: 4 });
    expect(run.json<{ error: { code: string } }>().error.code).toBe("database_differs");
  });
});
