// What a long history costs: the same running experiment in files of 10,000 sessions and of millions. Each size is measured
// in processes of its own, which take turns. `npm run growth -- --sessions 10000,1000000,10000000`; with `--db
// postgres://...` the same histories copied there, each to a schema of its own; with `--db double` the same files behind a
// double of a libSQL server each, which is no evidence about a real one's speed.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createEngine } from "../dist/index.js";
import { addEndedExperiments, addSessions, change, withOneExperiment } from "./history.mjs";
import { isShort, median, ratioOf, Table } from "./table.mjs";

const DOUBLE = fileURLToPath(new URL("../test/support/libsql-double.mjs", import.meta.url));
const SCRIPT = fileURLToPath(new URL("growth-measure.mjs", import.meta.url));
const ROUNDS = isShort ? 1 : 7;
/** Sessions of the experiment that is running, beside the history. */
const RUNNING = 1000;
/** At any size 1.2 times as long as at the smallest, at most. */
const TARGET = 1 / 1.2;
const WHAT = {
  tickPerSessionMs: "tick, a new session",
  startMs: "start of an engine and a project",
  evaluateMs: "evaluate",
  reportMs: "report",
};

/** A file with so many sessions of experiments that have ended, and one experiment that is running. */
async function fileOf(folder, sessions) {
  const path = join(folder, `${sessions}.db`);
  await withOneExperiment(path, "agent-0", { policy: { horizon: 100_000 } });
  addEndedExperiments(path, 20);
  addSessions(path, sessions, "held");
  addSessions(path, RUNNING);
  change(path, (database) => database.exec("UPDATE projects SET created_at_ms = 0"));
  return path;
}

/** The database at the URL with what is in the file, in a schema of the size's own. */
async function copyOf(path, db, sessions) {
  const url = new URL(db);
  url.searchParams.set("schema", `growth_${sessions}`);
  const [from, to] = await Promise.all(
    [path, url.href].map((each) => createEngine({ url: each, strict: true })),
  );
  await from.transfer.copyTo(to);
  await Promise.all([from.close(), to.close()]);
  return url.href;
}

/** A double of a libSQL server over the file, in a process of its own. */
async function doubleOf(path) {
  const child = spawn(process.execPath, [DOUBLE, path, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = await once(child.stdout.setEncoding("utf8"), "data");
  return { url: url.trim(), stop: () => child.kill() };
}

/** Where each file's history is measured, and what puts an end to that. */
async function placesOf(paths, db) {
  if (db === null) return { urls: paths, stop: () => {} };
  const urls = new Map();
  const doubles = [];
  for (const [size, path] of paths) {
    if (db !== "double") urls.set(size, await copyOf(path, db, size));
    else {
      doubles.push(await doubleOf(path));
      urls.set(size, doubles.at(-1).url);
    }
  }
  const stop = () => {
    for (const double of doubles) double.stop();
  };
  return { urls, stop };
}

const nameOf = (sessions) =>
  sessions >= 1e6 ? `${sessions / 1e6}M sessions` : `${sessions / 1000}k sessions`;

function addTimes(table, sizes, results) {
  const [smallest, ...larger] = sizes;
  for (const [key, what] of Object.entries(WHAT)) {
    const base = results.get(smallest).map((result) => result[key]);
    table.add(`${what}, ${nameOf(smallest)}`, 1000 / median(base), nameOf(smallest), 1);
    for (const size of larger) {
      const times = results.get(size).map((result) => result[key]);
      const target = key === "startMs" ? undefined : TARGET;
      table.add(
        `${what}, ${nameOf(size)}`,
        1000 / median(times),
        nameOf(smallest),
        ratioOf(base, times),
        target,
      );
    }
  }
}

/** What processes, one after the other, see of each database. */
function measured(urls, folder) {
  const results = new Map([...urls.keys()].map((size) => [size, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [size, url] of urls) {
      const output = execFileSync(process.execPath, [SCRIPT, url], { cwd: folder, encoding: "utf8" });
      // The first round reads the file for the first time.
      if (round > 0) results.get(size).push(JSON.parse(output));
    }
  }
  return results;
}

/** Measures at each size; gives bytes and memory besides the rows. */
export async function growthBench(table, folder, sizes, db = null) {
  console.log("A running experiment beside a history");
  const paths = new Map();
  for (const size of sizes) paths.set(size, await fileOf(folder, size));
  const bytes = sizes.map((size) => ({
    sessions: size,
    bytesPerSession: Math.round(statSync(paths.get(size)).size / (size + RUNNING)),
  }));
  const { urls, stop } = await placesOf(paths, db);
  let results;
  try {
    results = measured(urls, folder);
  } finally {
    stop();
  }
  addTimes(table, sizes, results);
  const growth = bytes.map((each) => ({
    ...each,
    megabytes: Math.round(median(results.get(each.sessions).map(({ megabytes }) => megabytes))),
  }));
  for (const { sessions, bytesPerSession, megabytes } of growth)
    console.log(
      `  ${nameOf(sessions)}: ${bytesPerSession} bytes a session in a file, ${megabytes} MB of memory`,
    );
  console.log("");
  return growth;
}

async function main() {
  const options = { sessions: { type: "string", default: "10000,1000000" }, db: { type: "string" } };
  const { sessions, db } = parseArgs({ options }).values;
  const sizes = sessions.split(",").map(Number);
  if (sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    console.error("--sessions takes whole numbers with commas between, such as 10000,1000000");
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), "dethrone-growth-"));
  try {
    await growthBench(new Table(), folder, sizes, db);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
