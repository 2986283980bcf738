// Agents' processes that write as fast as they can while another process holds the write lock most of the time, and
// agents on a disk that is slow, or that fails now and then. Nobody is killed here, so everything must be acknowledged.
import { join } from "node:path";
import { check } from "./invariants.mjs";
import { chance, metIn, readDiary, startProcess } from "./support.mjs";

/** By when the agents must have come to their end, however busy the machine is. */
const LIMIT_MS = 1_800_000;
const SHORT_LIMIT_MS = 90_000;

/** Lets agents run to their end; what does not hold of them, and of the database. */
async function untilTheEnd({ folder, url, processes, settings, faults, random, isShort, locker = null }) {
  const diaries = Array.from({ length: processes }, (_, i) => `diary-${i}.txt`);
  const start = (diary) => {
    const chances = { settings: { url, seed: random.seed(), ...settings } };
    return startProcess("agent.mjs", {
      folder,
      diary,
      ...chances,
      faults: { seed: random.seed(), ...faults },
    });
  };
  const agents = diaries.map(start);
  const lock =
    locker && startProcess("locker.mjs", { folder, diary: "locker.txt", settings: { url, ...locker } });
  let isLate = false;
  const giveUp = () => {
    isLate = true;
    for (const { kill } of agents) kill();
  };
  const deadline = setTimeout(giveUp, isShort ? SHORT_LIMIT_MS : LIMIT_MS);
  const ends = await Promise.all(agents.map(({ ended }) => ended));
  clearTimeout(deadline);
  lock?.kill();
  await lock?.ended;
  const written = diaries.map((diary) => readDiary(join(folder, diary)));
  const failures = ends.flatMap(({ code, signal }, i) => {
    if (code === 0) return [];
    const how = isLate ? "never came to its end" : `ended with ${code ?? signal}; see stderr.txt`;
    return [`process ${i} ${how}`];
  });
  for (const entry of written.flat().filter(({ kind }) => kind === "broken"))
    failures.push(`an error that nobody may see: ${JSON.stringify(entry)}`);
  const checked = await check(url, folder, written.flat());
  const met = metIn(folder);
  const done = written.flat().filter(({ kind }) => kind === "done");
  return {
    written,
    failures: [...failures, ...checked.failures],
    loopMs: Math.max(0, ...done.map(({ loopMs }) => loopMs)),
    counts: {
      ...checked.counts,
      busy: met.SQLITE_BUSY ?? 0,
      otherErrors: Object.entries(met).reduce(
        (n, [code, times]) => (code === "SQLITE_BUSY" ? n : n + times),
        0,
      ),
      refused: written.flat().filter(({ kind }) => kind === "refused").length,
    },
  };
}

/** Four processes, and a lock that is held for up to 300 ms at a time. */
export async function busyScenario({ seed, isShort, folderFor, databaseIn, report }) {
  const random = chance(seed, "busy");
  const [processes, sessions] = [4, isShort ? 500 : 25_000];
  const folder = folderFor("busy");
  const settings = { sessions, abreast: isShort ? 50 : 100, hands: true };
  const locker = { seed: random.seed(), holdMs: 300, restMs: 60 };
  const { failures, counts } = await untilTheEnd({
    folder,
    url: databaseIn(folder),
    processes,
    settings,
    random,
    isShort,
    locker,
  });
  if (counts.sessions !== processes * sessions)
    failures.push(`${processes * sessions} sessions were served and ${counts.sessions} are stored`);
  // On a server they wait for the lock where nobody counts.
  const isCounted = !databaseIn(folder).startsWith("postgres");
  if (isCounted && counts.busy === 0) failures.push("no lock was ever met, so nothing was tested");
  report({ where: folder, failures, counts: { rounds: 1, ...counts } });
}

/** Every commit takes its time: the agents wait, their event loops do not. */
export async function slowScenario({ seed, isShort, folderFor, databaseIn, report }) {
  const random = chance(seed, "slow");
  const folder = folderFor("slow");
  const settings = { sessions: isShort ? 60 : 1000, abreast: 20 };
  const faults = { commitMs: [300, 500] };
  const { failures, counts, loopMs } = await untilTheEnd({
    folder,
    url: databaseIn(folder),
    processes: 2,
    settings,
    faults,
    random,
    isShort,
  });
  // Of the 99th percentile: a loop that waited for commits would stand still for longer most of the time, where a busy
  // machine takes a loop's time now and then.
  if (loopMs > faults.commitMs[0]) failures.push(`an event loop stood still for ${loopMs} ms`);
  report({ where: folder, failures, counts: { rounds: 1, ...counts } });
}

/** One statement in fifty fails, as on a disk that is full, broken or busy; what was refused is tried again. */
export async function brokenDiskScenario({ seed, isShort, folderFor, databaseIn, report }) {
  const random = chance(seed, "disk");
  for (let round = 0; round < (isShort ? 1 : 10); round += 1) {
    const folder = folderFor(`disk-${round}`);
    const settings = { sessions: isShort ? 200 : 500, abreast: 5 };
    const faults = { failRate: random.next() * 0.03, commitMs: [0, 5] };
    const { failures, counts } = await untilTheEnd({
      folder,
      url: databaseIn(folder),
      processes: 3,
      settings,
      faults,
      random,
      isShort,
    });
    report({ where: folder, failures, counts: { rounds: 1, ...counts } });
  }
}
