// What one process sees of a file: it starts, ticks over sessions that have just ended, evaluates and reports.
import { createEngine } from "../dist/index.js";
import { addSessions } from "./history.mjs";

const path = process.argv[2];
const NEW_SESSIONS = 100;

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function medianOf(times, work) {
  const all = [];
  for (let i = 0; i < times; i += 1) all.push(await timed(work));
  return all.sort((a, b) => a - b)[times >> 1];
}

let engine;
let project;
const startMs = await timed(async () => {
  engine = await createEngine({ url: path, strict: true });
  project = await engine.project("agent-0", { champion: { model: "a" } });
});
await engine.decide();
const ticks = [];
for (let round = 0; round < 5; round += 1) {
  addSessions(path, NEW_SESSIONS);
  ticks.push((await timed(() => engine.decide())) / NEW_SESSIONS);
}
const tickPerSessionMs = ticks.sort((a, b) => a - b)[2];
const evaluateMs = await medianOf(5, () => project.evaluate());
const reportMs = await medianOf(5, () => project.report());
const megabytes = process.memoryUsage().rss / 1e6;
await engine.close();
console.log(JSON.stringify({ startMs, tickPerSessionMs, evaluateMs, reportMs, megabytes }));
