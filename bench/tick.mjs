// Ticks over a thousand running experiments: with nothing new, and with a hundred thousand sessions that have just ended.
import { join } from "node:path";
import { createEngine } from "../dist/index.js";
import { addSessions, multiplyExperiments, withOneExperiment } from "./history.mjs";
import { isShort, median } from "./table.mjs";

const EXPERIMENTS = isShort ? 20 : 1000;
const NEW_SESSIONS = isShort ? 200 : 100_000;
const ROUNDS = isShort ? 1 : 7;

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export async function tickBench(table, folder) {
  console.log(`Ticks over ${EXPERIMENTS.toLocaleString("en")} running experiments`);
  const path = join(folder, "tick.db");
  await withOneExperiment(path, "agent-0", { policy: { horizon: 1_000_000 } });
  multiplyExperiments(path, EXPERIMENTS);
  const engine = await createEngine({ url: path, strict: true });
  const tick = async () => {
    const results = await engine.decide();
    if (results.length !== EXPERIMENTS) throw new Error(`${results.length} experiments were ticked`);
  };
  await tick();
  const idle = [];
  const busy = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let i = 0; i < 5; i += 1) idle.push(await timed(tick));
    addSessions(path, NEW_SESSIONS);
    busy.push(await timed(tick));
  }
  await engine.close();
  table.addLimit("tick, nothing new", median(idle), 50);
  table.addLimit(`tick, ${NEW_SESSIONS.toLocaleString("en")} new sessions`, median(busy), 1000);
  console.log("");
}
