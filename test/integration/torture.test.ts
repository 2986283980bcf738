import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("../../scripts/torture/run.mjs", import.meta.url));

it("the short torture: processes and servers killed, locks held, calls that fail, clocks that jump; nothing lost, nothing twice, no drift", async () => {
  const { stdout } = await run(process.execPath, [SCRIPT, "--short", "--seed", "1"]);
  const last = stdout.trim().split("\n").at(-1);
  expect(last).toMatch(/^torture: all holds; seed 1; .*12 kills, .* 0 lost, 0 double, 0 drift/);
}, 240_000);

it("refuses what it does not know", async () => {
  await expect(run(process.execPath, [SCRIPT, "--only", "rain"])).rejects.toMatchObject({ code: 2 });
});
