// What a wrapped call adds to a bare one, on a file database: the same no-op runner, bare and wrapped, in turn. The
// figures are ratios and percentiles within one run; the machine's own noise is in both columns.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { decide } from "../dist/core/decision/decide.js";
import { emptyEvidence, Folding } from "../dist/core/decision/evidence.js";
import { bucketOf, createPolicy, expectedLoss, probGreater } from "../dist/core/index.js";
import { createSimulation, simulateRuns } from "../dist/core/simulation/simulate.js";
import { createEngine } from "../dist/index.js";
import { posteriorBench } from "./posterior.mjs";

const folder = mkdtempSync(join(tmpdir(), "dethrone-bench-"));
// The short form, for the tests: everything runs, and no figure means anything.
const isShort = process.env.BENCH === "short";

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];

async function latencies(count, call) {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    const start = performance.now();
    await call();
    times[i] = performance.now() - start;
  }
  return times.sort();
}

function rate(seconds, work) {
  const end = performance.now() + (isShort ? 1 : 1000 * seconds);
  let done = 0;
  const start = performance.now();
  while (performance.now() < end) {
    for (let i = 0; i < 100; i += 1) work(done + i);
    done += 100;
  }
  return done / ((performance.now() - start) / 1000);
}

async function wrappedCall() {
  const engine = await createEngine({ url: `file:${join(folder, "bench.db")}`, strict: true });
  const project = await engine.project("bench", { champion: { model: "a" } });
  await project.challenge({ model: "b" }, { share: 0.5 });
  const bare = async () => 1;
  const wrapped = project.wrap(() => 1, { score: () => true });
  const calls = isShort ? 50 : 4000;
  await latencies(calls / 2, bare);
  await latencies(calls / 2, wrapped);
  const rounds = [];
  for (let round = 0; round < 5; round += 1) {
    rounds.push({ bare: await latencies(calls, bare), wrapped: await latencies(calls, wrapped) });
    await engine.flush();
  }
  const pooled = (key) => Float64Array.from(rounds.flatMap((round) => [...round[key]])).sort();
  const result = { bare: pooled("bare"), wrapped: pooled("wrapped") };
  await engine.close();
  return result;
}

const rows = [];
const row = (name, opsPerSecond, reference, ratio) => rows.push({ name, opsPerSecond, reference, ratio });

const { bare, wrapped } = await wrappedCall();
const addedMs = (p) => percentile(wrapped, p) - percentile(bare, p);
console.log("A wrapped no-op call against a bare one, file database, one call at a time");
for (const p of [0.5, 0.9, 0.99, 0.999]) {
  console.log(
    `  p${String(100 * p).padEnd(5)} bare ${(1000 * percentile(bare, p)).toFixed(1).padStart(7)} us   wrapped ${(1000 * percentile(wrapped, p)).toFixed(1).padStart(7)} us   added ${(1000 * addedMs(p)).toFixed(1).padStart(7)} us`,
  );
}
console.log(`  p99 added: ${addedMs(0.99).toFixed(3)} ms (limit 1 ms)\n`);
row(
  "wrapped no-op p50",
  1000 / percentile(wrapped, 0.5),
  "bare call",
  percentile(wrapped, 0.5) / percentile(bare, 0.5),
);
row(
  "wrapped no-op p99",
  1000 / percentile(wrapped, 0.99),
  "bare call",
  percentile(wrapped, 0.99) / percentile(bare, 0.99),
);

posteriorBench(row);
const firstPure = rows.length;

const hash = rate(1, (i) => bucketOf({ version: 2, experiment: "bench", unit: `018f-${i}` }));
const p = rate(1, (i) => probGreater({ aX: 100 + (i % 50), bX: 60, aY: 90, bY: 70 }));
const both = rate(1, (i) => {
  const pair = { aX: 100 + (i % 50), bX: 60, aY: 90, bY: 70 };
  return probGreater(pair) + expectedLoss(pair)[0];
});
const terms = { policy: createPolicy({ horizon: 1e9 }), planShares: [0.5] };
const shares = [0.5];
const unitOf = (i) => ({ arm: i % 2, shares, score: i % 3 ? 1 : 0 });
const foldingInto = new Folding(emptyEvidence(terms), terms);
const folding = rate(1, (i) => foldingInto.add(unitOf(i)));
const { evidence } = new Folding(emptyEvidence(terms), terms);
const deciding = rate(1, () => decide({ ...terms, promotion: "auto", evidence, isExpired: false }));
const simulation = createSimulation({ baseRate: 0.6, effect: 0, share: 0.2 });
let units = 0;
let simulated = 0;
const simulating = rate(2, (i) => {
  units += simulateRuns(simulation, i, i + 1).units[0];
  simulated += 1;
});
row("assignment hash", hash, "P(better)", hash / p);
row("P(better)", p, "P(better)", 1);
row("P(better) and expected losses", both, "P(better)", both / p);
row("fold one session", folding, "P(better)", folding / p);
row("decide", deciding, "P(better)", deciding / p);
row("simulate one experiment", simulating, "P(better)", simulating / p);
console.log("Pure functions, operations per second");
for (const each of rows.slice(firstPure)) {
  console.log(`  ${each.name.padEnd(32)} ${Math.round(each.opsPerSecond).toLocaleString("en").padStart(12)}`);
}

console.log(
  `  A simulated experiment took ${Math.round(units / Math.max(1, simulated))} sessions on average\n`,
);

const machine = { cpu: cpus()[0]?.model, cores: cpus().length };
const versions = { node: process.versions.node };
const results = `${JSON.stringify({ machine, versions, rows }, null, 2)}\n`;
if (!isShort) writeFileSync(new URL("results.json", import.meta.url), results);
rmSync(folder, { recursive: true, force: true });
