// What one process sees of a database: it starts, ticks over sessions that have just ended, evaluates and reports.
import { createEngine } from "../dist/index.js";

const url = process.argv[2];
const NEW_SESSIONS = 100;

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];

let engine;
let project;
const startMs = await timed(async () => {
  engine = await createEngine({ url, strict: true });
  project = await engine.project("agent-0", { champion: { model: "a" } });
});
async function endedSession(score) {
  const session = await project.session();
  await session.end({ score });
}

await engine.decide();
// The first look reads all units of the experiment; those after it are the ones that are taken again and again.
await project.report();
const [ticks, evaluations, reports] = [[], [], []];
for (let round = 0; round < 5; round += 1) {
  await Promise.all(Array.from({ length: NEW_SESSIONS }, (_, n) => endedSession(n % 2)));
  ticks.push((await timed(() => engine.decide())) / NEW_SESSIONS);
  evaluations.push(await timed(() => project.evaluate()));
  reports.push(await timed(() => project.report()));
}
const times = {
  tickPerSessionMs: median(ticks),
  evaluateMs: median(evaluations),
  reportMs: median(reports),
};
const megabytes = process.memoryUsage().rss / 1e6;
await engine.close();
console.log(JSON.stringify({ startMs, ...times, megabytes }));
