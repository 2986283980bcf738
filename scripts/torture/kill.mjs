// Agents' processes on one database, killed at random points of their work and started again, again and again.
import { statSync } from "node:fs";
import { join } from "node:path";
import { check } from "./invariants.mjs";
import { chance, metIn, readDiary, sleep, startProcess } from "./support.mjs";

const PROCESSES = 4;
/** Kills a database sees; then a new one, so that some of them fall into its creation. */
const KILLS_A_DATABASE = 25;
/** Short, so that what the dead have left open settles and the folding goes on. */
const WINDOW_MS = 1500;

/** Waits until the processes have been told something more, however long they take to start on a busy machine. */
async function untilBusy(file) {
  const size = () => statSync(file).size;
  const before = size();
  for (let waited = 0; waited < 400 && size() === before; waited += 1) await sleep(25);
}

/** So many kills on one database; what its processes were told, and what does not hold. */
async function onOneDatabase({ folder, url, random, kills }) {
  const diary = "diary.txt";
  const start = () =>
    startProcess("agent.mjs", {
      folder,
      diary,
      settings: { url, seed: random.seed(), windowMs: WINDOW_MS },
    });
  const slots = Array.from({ length: PROCESSES }, start);
  const early = [];
  for (let round = 0; round < kills; round += 1) {
    // Most of the kills fall into work, some into a start.
    if (random.isLucky(0.7)) await untilBusy(join(folder, diary));
    await sleep(random.int(0, 1000));
    const slot = random.int(0, PROCESSES - 1);
    slots[slot].kill();
    const { code } = await slots[slot].ended;
    // One that ended before it was killed met an error that it did not expect.
    if (code !== null) early.push({ round, code });
    slots[slot] = start();
  }
  for (const { kill } of slots) kill();
  await Promise.all(slots.map(({ ended }) => ended));
  return { early, entries: readDiary(join(folder, diary)) };
}

/** @returns what does not hold, and the counts */
export async function killScenario({ seed, rounds, folderFor, databaseIn, report }) {
  const random = chance(seed, "kill");
  for (let done = 0; done < rounds; done += KILLS_A_DATABASE) {
    const kills = Math.min(KILLS_A_DATABASE, rounds - done);
    const folder = folderFor(`kill-${done}`);
    const url = databaseIn(folder);
    const { early, entries } = await onOneDatabase({ folder, url, random, kills });
    const failures = early.length > 0 ? [`a process ended by itself: ${JSON.stringify(early)}`] : [];
    for (const entry of entries.filter(({ kind }) => kind === "broken"))
      failures.push(`an error that nobody may see: ${JSON.stringify(entry)}`);
    const checked = await check(url, folder, entries);
    if (checked.counts.acknowledged === 0) failures.push("nothing was acknowledged, so nothing was tested");
    report({
      where: folder,
      failures: [...failures, ...checked.failures],
      counts: { rounds: kills, kills, ...checked.counts, busy: metIn(folder).SQLITE_BUSY ?? 0 },
    });
  }
}
