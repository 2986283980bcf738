// Agents' processes on one database, killed at random points of their work and started again, again and again.
import { join } from "node:path";
import { check } from "./invariants.mjs";
import { chance, metIn, readDiary, sleep, startProcess } from "./support.mjs";

const PROCESSES = 4;
/** Kills a database sees; then a new one, so that some of them fall into its creation. */
const KILLS_A_DATABASE = 25;
/** Short, so that what the dead have left open settles and the folding goes on. */
const WINDOW_MS = 1500;

/** So many kills on one database; what its processes were told, and what does not hold. */
async function onOneDatabase({ folder, random, kills }) {
  const path = join(folder, "torture.db");
  const diary = "diary.txt";
  const start = () =>
    startProcess("agent.mjs", {
      folder,
      diary,
      settings: { url: path, seed: random.seed(), windowMs: WINDOW_MS },
    });
  const slots = Array.from({ length: PROCESSES }, start);
  const early = [];
  for (let round = 0; round < kills; round += 1) {
    await sleep(random.int(0, 1400));
    const slot = random.int(0, PROCESSES - 1);
    slots[slot].kill();
    const { code } = await slots[slot].ended;
    // One that ended before it was killed met an error that it did not expect.
    if (code !== null) early.push({ round, code });
    slots[slot] = start();
  }
  for (const { kill } of slots) kill();
  await Promise.all(slots.map(({ ended }) => ended));
  return { path, early, entries: readDiary(join(folder, diary)) };
}

/** @returns what does not hold, and the counts */
export async function killScenario({ seed, rounds, folderFor, report }) {
  const random = chance(seed, "kill");
  for (let done = 0; done < rounds; done += KILLS_A_DATABASE) {
    const kills = Math.min(KILLS_A_DATABASE, rounds - done);
    const folder = folderFor(`kill-${done}`);
    const { path, early, entries } = await onOneDatabase({ folder, random, kills });
    const failures = early.length > 0 ? [`a process ended by itself: ${JSON.stringify(early)}`] : [];
    for (const entry of entries.filter(({ kind }) => kind === "broken"))
      failures.push(`an error that nobody may see: ${JSON.stringify(entry)}`);
    const checked = await check(path, entries);
    report({
      where: folder,
      failures: [...failures, ...checked.failures],
      counts: { rounds: kills, kills, ...checked.counts, busy: metIn(folder).SQLITE_BUSY ?? 0 },
    });
  }
}
