/**
 * Installs the runtimes that the packed package is tried on, each into a folder of its own, and prints where their programs
 * are as JSON; null for one that the registry does not serve or that is not made for this machine. They are 90 to 130 MB
 * each, so they are no development dependencies.
 *
 * Usage: node scripts/runtimes.mjs [FOLDER]
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const { platform, arch } = process;
const armed = arch === "arm64" ? "aarch64" : arch;

/** By name: what is installed, and the program in it. The first one is the oldest Node that is supported. */
const RUNTIMES = {
  node20: [`node-${platform}-${arch}@20.19.0`, "bin/node"],
  node22: [`node-${platform}-${arch}@22`, "bin/node"],
  node24: [`node-${platform}-${arch}@24`, "bin/node"],
  bun: [`@oven/bun-${platform}-${armed}@1.4`, "bin/bun"],
  deno: [`@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}@2.9`, "deno"],
};

/** Installs one, unless it is there, and returns its program. */
async function install(folder, [wanted, program]) {
  const path = join(folder, "node_modules", wanted.slice(0, wanted.lastIndexOf("@")), program);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{"private":true}\n');
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"];
  await promisify(execFile)("npm", ["install", ...options, wanted], { cwd: folder });
  return path;
}

const home = resolve(
  process.argv[2] ?? fileURLToPath(new URL("../node_modules/.cache/runtimes", import.meta.url)),
);
const programs = {};
for (const [name, runtime] of Object.entries(RUNTIMES)) {
  try {
    programs[name] = await install(join(home, name), runtime);
  } catch (error) {
    programs[name] = null;
    console.error(
      `${name}: not installed: ${
        String(error.stderr || error.message)
          .trim()
          .split("\n")[0]
      }`,
    );
  }
}
console.log(JSON.stringify(programs));
