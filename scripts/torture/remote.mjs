// Agents' processes on one server, the double of a libSQL one: processes and server are killed and started again, and
// connections end before and after a commit.
import { spawn } from "node:child_process";
import { readdirSync, renameSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { check } from "./invariants.mjs";
import { chance, readDiary, sleep, startProcess } from "./support.mjs";

const PROCESSES = 3;
const KILLS_A_DATABASE = 25;
/** Longer than most of the server's absences. */
const WINDOW_MS = 5000;
/** Of the requests, before and after they are carried out. */
const FAULTS = { cut: 0.02, lose: 0.03, latencyMs: 2 };
const DOUBLE = fileURLToPath(new URL("../../test/support/libsql-double.mjs", import.meta.url));

/** A port that nobody listens on now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The server, that comes back at the same address after each kill. */
async function startServer(path, random) {
  const port = await freePort();
  let child;
  const start = async () => {
    const faults = JSON.stringify({ ...FAULTS, seed: random.seed() });
    child = spawn(process.execPath, [DOUBLE, path, String(port), "secret", faults], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
  };
  const kill = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  await start();
  return { url: `http://127.0.0.1:${port}`, start, kill };
}

/** What the dead have left beside them, as if they had left it beside the file. */
function adoptSpools(folder, path) {
  for (const name of readdirSync(folder)) {
    const [, rest] = /^dethrone-.*(\.spool-.*)$/.exec(name) ?? [];
    if (rest) renameSync(join(folder, name), `${path}${rest}`);
  }
}

async function onOneServer({ folder, random, kills }) {
  const path = join(folder, "torture.db");
  const diary = "diary.txt";
  const server = await startServer(path, random);
  process.on("exit", server.kill);
  const start = () =>
    startProcess("agent.mjs", {
      folder,
      diary,
      settings: {
        url: `${server.url}?authToken=secret`,
        seed: random.seed(),
        windowMs: WINDOW_MS,
        tries: 1000,
      },
    });
  const slots = Array.from({ length: PROCESSES }, start);
  const early = [];
  let restarts = 0;
  const size = () => statSync(join(folder, diary)).size;
  for (let round = 0; round < kills; round += 1) {
    const before = size();
    for (let waited = 0; waited < 400 && size() === before; waited += 1) await sleep(25);
    await sleep(random.int(0, 800));
    if (random.isLucky(0.4)) {
      restarts += 1;
      await server.kill();
      await sleep(random.int(0, 500));
      await server.start();
      continue;
    }
    const slot = random.int(0, PROCESSES - 1);
    slots[slot].kill();
    const { code } = await slots[slot].ended;
    if (code !== null) early.push({ round, code });
    slots[slot] = start();
  }
  for (const { kill } of slots) kill();
  await Promise.all(slots.map(({ ended }) => ended));
  await server.kill();
  process.off("exit", server.kill);
  adoptSpools(folder, path);
  return { path, early, restarts, entries: readDiary(join(folder, diary)) };
}

/** @returns what does not hold, and the counts */
export async function remoteScenario({ seed, rounds, folderFor, report }) {
  const random = chance(seed, "remote");
  for (let done = 0; done < rounds; done += KILLS_A_DATABASE) {
    const kills = Math.min(KILLS_A_DATABASE, rounds - done);
    const folder = folderFor(`remote-${done}`);
    const { path, early, restarts, entries } = await onOneServer({ folder, random, kills });
    const failures = early.length > 0 ? [`a process ended by itself: ${JSON.stringify(early)}`] : [];
    for (const entry of entries.filter(({ kind }) => kind === "broken"))
      failures.push(`an error that nobody may see: ${JSON.stringify(entry)}`);
    const checked = await check(path, folder, entries);
    if (checked.counts.acknowledged === 0) failures.push("nothing was acknowledged, so nothing was tested");
    report({
      where: folder,
      failures: [...failures, ...checked.failures],
      counts: { rounds: kills, kills, restarts, ...checked.counts },
    });
  }
}
