// What the scenarios share: chance by a seed, folders, the diaries of processes, and processes themselves.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRandom } from "../../dist/core/random.js";

/** A stream of chance that depends on the seed and the names alone. */
export function chance(seed, ...names) {
  let mixed = seed % 2 ** 32;
  for (const character of names.join("/")) mixed = (Math.imul(mixed, 31) + character.charCodeAt(0)) >>> 0;
  const random = createRandom(mixed);
  const int = (from, to) => from + Math.floor(random.next() * (to - from + 1));
  return {
    next: () => random.next(),
    /** whole, from and to included */
    int,
    pick: (list) => list[int(0, list.length - 1)],
    isLucky: (probability) => random.next() < probability,
    /** for a process or a part of its own */
    seed: () => random.uint32(),
    random,
  };
}

export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** What processes wrote down of what they were told is stored, a line each. A line cut off by a kill is none. */
export function readDiary(file) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

const FAULTS = new URL("faults.mjs", import.meta.url).href;
const children = new Set();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/**
 * Starts a script of this folder as a process of its own. Its standard output is its diary, a file: what a process wrote
 * there before it was killed stays.
 */
export function startProcess(script, { folder, diary, settings, faults = null }) {
  const out = openSync(join(folder, diary), "a");
  const errors = openSync(join(folder, "stderr.txt"), "a");
  const preload = ["--import", FAULTS];
  const child = spawn(
    process.execPath,
    [...preload, fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(settings)],
    {
      // What it keeps on this machine for a database on a server it keeps there.
      cwd: folder,
      stdio: ["ignore", out, errors],
      env: { ...process.env, TORTURE_FAULTS: JSON.stringify({ log: join(folder, "met.txt"), ...faults }) },
    },
  );
  closeSync(out);
  closeSync(errors);
  children.add(child);
  const ended = new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  return { child, ended, kill: () => child.kill("SIGKILL") };
}

/** How often each thing was met by the writers of the processes of a folder, e.g. `SQLITE_BUSY`. */
export function metIn(folder) {
  const met = {};
  const file = join(folder, "met.txt");
  if (!existsSync(file)) return met;
  for (const line of readFileSync(file, "utf8").split("\n"))
    if (line !== "") met[line] = (met[line] ?? 0) + 1;
  return met;
}
