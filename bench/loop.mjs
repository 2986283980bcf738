// How long the host's event loop is held while an experiment of a hundred thousand units is looked at.
import { join } from "node:path";
import { createEngine } from "../dist/index.js";
import { addSessions, withOneExperiment } from "./history.mjs";
import { isShort, median } from "./table.mjs";

const UNITS = isShort ? 500 : 100_000;
const ROUNDS = isShort ? 1 : 5;
const LIMIT_MS = 50;

/** The longest time between two turns of the event loop while `work` is done. */
async function longestBlock(work) {
  let longest = 0;
  let last = performance.now();
  let isWorking = true;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const turn = () => {
    look();
    if (isWorking) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  look();
  isWorking = false;
  return longest;
}

export async function loopBench(table, folder) {
  const units = UNITS >= 1000 ? `${UNITS / 1000}k units` : `${UNITS} units`;
  console.log(`The event loop beside an experiment of ${units}`);
  const path = join(folder, "loop.db");
  await withOneExperiment(path, "agent-0", { policy: { horizon: 1_000_000, futility: null } });
  addSessions(path, UNITS);
  const looks = {
    report: ({ project }) => project.report(),
    trajectory: ({ project }) => project.trajectory(),
    "doctor --verify": ({ engine }) => engine.doctor({ verify: true }),
  };
  const blocks = Object.fromEntries(Object.keys(looks).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, look] of Object.entries(looks)) {
      // A new engine has read nothing yet.
      const engine = await createEngine({ url: path, strict: true });
      const project = await engine.project("agent-0", { champion: { model: "a" } });
      if (round === 0) await engine.decide();
      blocks[name].push(await longestBlock(() => look({ engine, project })));
      await engine.close();
    }
  }
  for (const [name, each] of Object.entries(blocks))
    table.addLimit(`longest block of the loop during ${name}, ${units}`, median(each), LIMIT_MS);
  console.log("");
}
