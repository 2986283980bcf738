/** Whole databases to a libSQL server and back. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createTestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { type LibsqlDouble, startLibsqlDouble } from "../support/libsql-double.mjs";
import { temporaryFolder } from "../support/temporary.js";
import { buildFullDatabase, diagnosis, exportOf } from "../support/transfer.js";

let folder: string;
let file: string;
let double: LibsqlDouble;
beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder, "full.db");
  double = await startLibsqlDouble({ path: join(folder, "served.db"), synchronous: "OFF" });
  // What this machine keeps for a server lies in the folder it works in.
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  await buildFullDatabase(file);
}, 60_000);
afterEach(async () => {
  vi.restoreAllMocks();
  await double.close();
});

it("a file copied to a server and back is the same: rows, their numbers, what doctor says", async () => {
  const back = join(folder, "back.db");
  const text = await exportOf(file);
  expect(await cli("copy", file, double.url)).toMatchObject({ code: 0 });
  expect(await exportOf(double.url)).toBe(text);
  expect(await diagnosis(double.url)).toEqual(await diagnosis(file));
  expect(await cli("copy", double.url, back)).toMatchObject({ code: 0 });
  expect(await exportOf(back)).toBe(text);
  expect(await diagnosis(back)).toEqual(await diagnosis(file));
}, 120_000);

it("a copy that was cut off goes on where it was", async () => {
  await using from = await createTestEngine({ url: file });
  await using to = await createTestEngine({ url: double.url });
  const onProgress = (done: number) => {
    if (done >= 30) throw new Error("cut off");
  };
  await expect(from.engine.transfer.copyTo(to.engine, { onProgress })).rejects.toThrow("cut off");
  const { rows, rowsBefore } = await from.engine.transfer.copyTo(to.engine);
  expect(rowsBefore).toBeGreaterThanOrEqual(30);
  expect(rowsBefore).toBeLessThan(rows);
});
