import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { blocks } from "../support/page-blocks.js";
import { temporaryFolder } from "../support/temporary.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/DATA.md"), "utf8");

it("docs/DATA.md runs from top to bottom, and prints what it says", () => {
  const folder = temporaryFolder();
  const bin = join(folder, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  symlinkSync(root, join(folder, "node_modules", "dethrone"), "dir");
  writeFileSync(join(bin, "dethrone"), `#!/bin/sh\nexec node '${join(root, "dist/cli/main.js")}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, DETHRONE_DB: undefined };
  const run = (file: string, ...args: string[]): string =>
    execFileSync(file, args, { cwd: folder, env, encoding: "utf8" });
  const told = run("bash", "-euo", "pipefail", "-c", blocks("sh", page).join("\n"));
  for (const text of blocks("text", page)) expect(told).toContain(text);
  const [code] = blocks("ts", page);
  writeFileSync(join(folder, "code.mjs"), code as string);
  // Both are there under the format's name: with another config they would be refused, and these are not written.
  expect(run("node", "code.mjs")).toMatch(/^1 \d\ncsv\/support\/c-1 1\ncsv\/support\/c-2 0.25\n$/);
}, 60_000);
