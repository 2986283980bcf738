// Many processes on one database behind a server: three `dethrone serve` and eight agents, any of them killed at random and
// started again; and agents whose database server crashes and comes back.
import { spawn } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, isDethroneError } from "../../dist/index.js";
import { PostgresServer, postgresFolder } from "../../test/support/postgres-server.mjs";
import { check, lookAt } from "./invariants.mjs";
import { chance, readDiary, sleep, startProcess } from "./support.mjs";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const SERVERS = 3;
const AGENTS = 8;
const WINDOW_MS = 1500;
/** Longer than a server is away: what is recorded then must not come too late. */
const LONG_WINDOW_MS = 300_000;
/** How often a process looks for changes that it was not told of, and by when it must have found them. */
const REFRESH_MS = 5000;
const BOUND_MS = 2 * REFRESH_MS;

const children = new Set();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** The HTTP server, with its own ticks every second. */
function startServer(folder, url) {
  const out = openSync(join(folder, "servers.txt"), "a");
  const args = [CLI, "serve", "--port", "0", "--cron", "* * * * * *", "--db", url, "--json"];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", out, out] });
  closeSync(out);
  children.add(child);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return { ended, kill: () => child.kill("SIGKILL") };
}

const startAgent = (folder, url, { seed, windowMs }) =>
  startProcess("agent.mjs", {
    folder,
    diary: "diary.txt",
    settings: { url, seed, windowMs, refreshMs: REFRESH_MS },
  });

const sizes = new Map();

/** Whether a file has grown since this was asked last. */
function grown(folder, name) {
  const file = join(folder, name);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const isGrown = size > (sizes.get(file) ?? 0);
  if (isGrown) sizes.set(file, size);
  return isGrown;
}

/** Waits for it, but not for ever: a busy machine takes its time to start processes. */
async function until(isTrue) {
  for (let waited = 0; waited < 600 && !isTrue(); waited += 1) await sleep(100);
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Another champion by hand, which all processes have to hear of; agents may be faster, or have one that contends. */
async function changeChampion(bot, round) {
  const because = { reason: "torture" };
  try {
    await bot.challenge({ prompt: `round ${round}` });
    await bot.promote(because);
  } catch (error) {
    if (!isDethroneError(error)) throw error;
  }
}

/** How long the last process went on with an experiment, or a champion, that had ended; and how many champions there were. */
async function convergence(url) {
  const look = await lookAt(url);
  const [{ reigns }] = await look.rows("SELECT count(*) AS reigns FROM reigns");
  const [{ ms }] = await look.rows(`SELECT coalesce(max(ms), 0) AS ms FROM (
    SELECT sessions.started_at_ms - experiments.ended_at_ms AS ms FROM sessions
      JOIN experiments ON experiments.id = sessions.experiment_id AND sessions.started_at_ms > experiments.ended_at_ms
    UNION ALL SELECT sessions.started_at_ms - (SELECT min(later.started_at_ms) FROM reigns AS later
        WHERE later.project_id = sessions.project_id AND later.id > (SELECT max(own.id) FROM reigns AS own
          WHERE own.project_id = sessions.project_id AND own.config_id = sessions.config_id
            AND own.started_at_ms <= sessions.started_at_ms))
      FROM sessions WHERE experiment_id IS NULL AND excluded IS NULL) AS late`);
  await look.close();
  return { ms, reigns };
}

/** What does not hold of the diary of a folder, and of its database. */
async function checked(url, folder) {
  const entries = readDiary(join(folder, "diary.txt"));
  const { failures, counts } = await check(url, folder, entries);
  for (const entry of entries.filter(({ kind }) => kind === "broken"))
    failures.push(`an error that nobody may see: ${JSON.stringify(entry)}`);
  if (counts.acknowledged === 0) failures.push("nothing was acknowledged, so nothing was tested");
  return { failures, counts };
}

export async function serversScenario({ seed, rounds, folderFor, databaseIn, report }) {
  const random = chance(seed, "servers");
  const folder = folderFor("servers");
  const url = databaseIn(folder);
  const starts = [
    ...Array.from({ length: SERVERS }, () => () => startServer(folder, url)),
    ...Array.from(
      { length: AGENTS },
      () => () => startAgent(folder, url, { seed: random.seed(), windowMs: WINDOW_MS }),
    ),
  ];
  const slots = starts.map((start) => start());
  const from = performance.now();
  process.chdir(folder);
  const engine = await createEngine({ url, strict: true, logger: quiet });
  const bot = await engine.project("support", { champion: { prompt: "long" } });
  const isAtWork = () => grown(folder, "servers.txt") && grown(folder, "diary.txt");
  await until(isAtWork);
  for (let round = 0; round < rounds; round += 1) {
    // Most of the kills fall into work, some into a start.
    if (random.isLucky(0.7)) await until(() => grown(folder, "diary.txt"));
    await sleep(random.int(0, 1000));
    const slot = random.int(0, slots.length - 1);
    slots[slot].kill();
    await slots[slot].ended;
    slots[slot] = starts[slot]();
    await changeChampion(bot, round);
  }
  await until(() => grown(folder, "diary.txt"));
  for (const { kill } of slots) kill();
  await Promise.all(slots.map(({ ended }) => ended));
  await engine.close();
  const seconds = (performance.now() - from) / 1000;
  const { failures, counts } = await checked(url, folder);
  const { ms: convergedMs, reigns } = await convergence(url);
  if (reigns < 2) failures.push("no champion ever changed, so nothing had to be heard of");
  if (convergedMs > BOUND_MS) failures.push(`a process went on with what had ended for ${convergedMs} ms`);
  const pace = { sessionsPerSecond: Math.round(counts.sessions / seconds), reigns, convergedMs };
  report({ where: folder, failures, counts: { rounds, kills: rounds, ...counts } });
  console.log(`    ${SERVERS} servers, ${AGENTS} agents: ${JSON.stringify(pace)}`);
}

/** The database server crashes and comes back; the agents go on and keep what they are told meanwhile. */
export async function restartScenario({ seed, rounds, isShort, folderFor, report }) {
  const random = chance(seed, "restart");
  const folder = folderFor("restart");
  const server = new PostgresServer(postgresFolder(), { isSafe: true });
  try {
    server.start();
    const agents = Array.from({ length: 4 }, () =>
      startAgent(folder, server.url, { seed: random.seed(), windowMs: LONG_WINDOW_MS }),
    );
    await until(() => grown(folder, "diary.txt"));
    const crashes = isShort ? 3 : Math.min(rounds, 50);
    for (let round = 0; round < crashes; round += 1) {
      await sleep(random.int(500, 2500));
      server.stop("immediate");
      await sleep(random.int(0, 1500));
      server.start();
    }
    await until(() => grown(folder, "diary.txt"));
    for (const { kill } of agents) kill();
    await Promise.all(agents.map(({ ended }) => ended));
    const { failures, counts } = await checked(server.url, folder);
    report({ where: folder, failures, counts: { rounds: crashes, crashes, ...counts } });
  } finally {
    server.remove();
  }
}
