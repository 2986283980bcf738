// What a wrapped call adds to a bare one, on a file database: the same no-op runner, bare and wrapped, in turn.
import { join } from "node:path";
import { createEngine } from "../dist/index.js";
import { isShort, percentile } from "./table.mjs";

async function latencies(count, call) {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    const start = performance.now();
    await call();
    times[i] = performance.now() - start;
  }
  return times.sort();
}

async function pooled(folder) {
  const engine = await createEngine({ url: `file:${join(folder, "wrapped.db")}`, strict: true });
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
  await engine.close();
  const all = (key) => Float64Array.from(rounds.flatMap((round) => [...round[key]])).sort();
  return { bare: all("bare"), wrapped: all("wrapped") };
}

export async function wrappedBench(table, folder) {
  console.log("A wrapped no-op call against a bare one, file database, one call at a time");
  const { bare, wrapped } = await pooled(folder);
  for (const p of [0.5, 0.99]) {
    const [without, with_] = [percentile(bare, p), percentile(wrapped, p)];
    table.add(`wrapped no-op, p${100 * p}`, 1000 / with_, "bare call", without / with_);
    table.addLimit(`added by wrapping, p${100 * p}`, with_ - without, 0.5);
  }
  console.log("");
}
