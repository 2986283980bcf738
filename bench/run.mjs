// Every part of the benchmark, one table, and the page about it. `BENCH=short` tries all of it in seconds, and writes nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { assignmentBench } from "./assignment.mjs";
import { growthBench } from "./growth.mjs";
import { loopBench } from "./loop.mjs";
import { pageOf } from "./page.mjs";
import { posteriorBench } from "./posterior.mjs";
import { pureBench } from "./pure.mjs";
import { recordBench } from "./record.mjs";
import { serverBench } from "./server.mjs";
import { isShort, Table } from "./table.mjs";
import { tickBench } from "./tick.mjs";
import { wrappedBench } from "./wrapped.mjs";

const PACKAGES = [
  "@libsql/client",
  "libsql",
  "hono",
  "better-sqlite3",
  "@growthbook/growthbook",
  "unleash-client",
  "@launchdarkly/node-server-sdk",
  "@openfeature/server-sdk",
];

function versionOf(name) {
  for (const folder of ["../node_modules", "node_modules"]) {
    try {
      return JSON.parse(readFileSync(new URL(`${folder}/${name}/package.json`, import.meta.url), "utf8"))
        .version;
    } catch {
      // Looked for in the next place; a peer may not be installed at all.
    }
  }
  return null;
}

function versions() {
  const found = PACKAGES.map((name) => [name, versionOf(name)]).filter(([, version]) => version !== null);
  return { node: process.versions.node, ...Object.fromEntries(found) };
}

const folder = mkdtempSync(join(tmpdir(), "dethrone-bench-"));
const table = new Table();
const sections = [];
const section = async (title, work) => {
  const from = table.rows.length;
  const result = await work();
  sections.push({ title, rows: table.rows.slice(from) });
  return result;
};

await section("Assignment", () => assignmentBench(table, folder));
await section("Recording sessions and outcomes", () => recordBench(table, folder));
await section("Evaluation", () => posteriorBench(table));
await section("Ticks", () => tickBench(table, folder));
await section("Large experiments", () => loopBench(table, folder));
await section("A wrapped call", () => wrappedBench(table, folder));
await section("Serving", () => serverBench(table, folder));
await section("Pure functions", () => pureBench(table));
const sizes = isShort ? [200, 1000] : [10_000, 1_000_000];
const growth = await section("Growth", () => growthBench(table, folder, sizes));

const missed = table.rows.filter(({ isMet }) => isMet === false).map(({ name }) => name);
console.log(missed.length > 0 ? `Targets missed: ${missed.join("; ")}` : "All targets met");
if (!isShort) {
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    gigabytes: Math.round(totalmem() / 2 ** 30),
  };
  const load = `with a load average of ${loadavg()[1].toFixed(1)} over the last five minutes`;
  const { rows } = table;
  const results = { machine, versions: versions(), load, rows, growth };
  writeFileSync(new URL("results.json", import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
  const page = pageOf({ ...results, sections, skipped: table.skipped });
  writeFileSync(new URL("../docs/PERFORMANCE.md", import.meta.url), page);
}
rmSync(folder, { recursive: true, force: true });
