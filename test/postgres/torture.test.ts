/** The short torture of a server's database; `npm run torture -- --db postgres://...` is the long one. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("../../scripts/torture/run.mjs", import.meta.url));

it("agents and servers killed, locks held, the database server crashed: nothing lost, nothing twice, no drift", async () => {
  const args = [SCRIPT, "--short", "--seed", "1", "--rounds", "4", "--db", inject("postgres")];
  const { stdout } = await run(process.execPath, args);
  const last = stdout.trim().split("\n").at(-1);
  expect(last).toMatch(/^torture: all holds; seed 1; .* 0 lost, 0 double, 0 drift/);
}, 600_000);
