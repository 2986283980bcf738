import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createTestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { query } from "../support/query.js";
import { temporaryDatabase, temporaryFolder } from "../support/temporary.js";
import { buildFullDatabase, diagnosis, exported, exportOf } from "../support/transfer.js";

const folder = mkdtempSync(join(tmpdir(), "dethrone-test-"));
const file = join(folder, "full.db");
beforeAll(() => buildFullDatabase(file), 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("a file copied to Postgres and back is the same: rows, their numbers, what doctor says", async () => {
  const server = temporaryDatabase();
  const back = join(temporaryFolder(), "back.db");
  const text = await exportOf(file);
  expect(await cli("copy", file, server)).toMatchObject({ code: 0, err: "" });
  expect(await exportOf(server)).toBe(text);
  expect(await diagnosis(server)).toEqual(await diagnosis(file));
  expect(await cli("copy", server, back)).toMatchObject({ code: 0, err: "" });
  expect(await exportOf(back)).toBe(text);
  expect(await diagnosis(back)).toEqual(await diagnosis(file));
}, 120_000);

it("what was copied to Postgres goes on from there, and gives no number out again", async () => {
  const server = temporaryDatabase();
  const from = join(temporaryFolder(), "from.db");
  const text = await exportOf(file);
  await cli("copy", file, from);
  await query(from, "DELETE FROM signals");
  await cli("copy", from, server);
  await using test = await createTestEngine({ url: server, seed: 9 });
  const bot = await test.engine.project("support");
  const session = await bot.session({ unit: "moved" });
  await session.signal({ name: "cost_usd", value: 1 });
  await session.end({ score: 1 });
  await test.engine.flush();
  const { sequences } = JSON.parse(text.split("\n")[0] as string);
  const [row] = await query<{ signal: number; session: number }>(
    server,
    "SELECT (SELECT max(id) FROM signals) AS signal, (SELECT max(seq) FROM sessions) AS session",
  );
  expect(row).toEqual({ signal: sequences.signals + 1, session: sequences.sessions + 1 });
});

it("a copy to Postgres goes on where it was killed", async () => {
  const server = temporaryDatabase();
  const script = fileURLToPath(new URL("../support/copy-process.mjs", import.meta.url));
  for (const rows of [30, 60]) {
    const { signal } = spawnSync(process.execPath, [script, file, server, String(rows)]);
    expect(signal).toBe("SIGKILL");
  }
  const { rows, rowsBefore } = (await cli("copy", file, server, "--json")).json<Record<string, number>>();
  expect(rowsBefore).toBeGreaterThanOrEqual(30);
  expect(rowsBefore).toBeLessThan(rows as number);
  expect(await exportOf(server)).toBe(await exportOf(file));
});

it("records of each kind are exported as from a file", async () => {
  const server = temporaryDatabase();
  const warned = vi.fn();
  process.on("warning", ({ name, message }) => name === "DeprecationWarning" && warned(message));
  await cli("copy", file, server);
  for (const what of ["sessions", "signals", "experiments", "decisions", "history"]) {
    const { out } = await cli("export", "--what", what, "--db", server);
    expect(out.length).toBeGreaterThan(100);
    expect(out).toBe((await cli("export", "--what", what, "--db", file)).out);
  }
  expect(warned).not.toHaveBeenCalled();
}, 60_000);

it("an export is of one moment, whatever is written while it is read", async () => {
  await using test = await createTestEngine();
  const bot = await test.engine.project("bot", { champion: { n: 1 } });
  const before = await exported(test.engine);
  const lines = test.engine.transfer.exportEverything()[Symbol.asyncIterator]();
  let text = (await lines.next()).value;
  await (await bot.session()).end({ score: 1 });
  await test.engine.flush();
  for (let next = await lines.next(); !next.done; next = await lines.next()) text += next.value;
  expect(text).toBe(before);
  expect(await exported(test.engine)).not.toBe(before);
});
