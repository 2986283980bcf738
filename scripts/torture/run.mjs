// Faults on purpose: kills, locks, a slow and failing disk, an error at every call of the store, jumping clocks. After
// each, everything that was acknowledged has to be there, once, and every number has to come out again.
//
// The seed decides what is done, when, and what fails; how processes interleave is the machine's, so a rare failure may
// take several runs of its seed.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { brokenDiskScenario, busyScenario, slowScenario } from "./busy.mjs";
import { callsScenario } from "./calls.mjs";
import { clocksScenario } from "./clocks.mjs";
import { killScenario } from "./kill.mjs";
import { remoteScenario } from "./remote.mjs";
import { restartScenario, serversScenario } from "./servers.mjs";

const SCENARIOS = {
  kill: killScenario,
  busy: busyScenario,
  slow: slowScenario,
  disk: brokenDiskScenario,
  calls: callsScenario,
  clocks: clocksScenario,
  servers: serversScenario,
  restart: restartScenario,
  remote: remoteScenario,
};

/** What a database on a server is put through; the last two need one. */
const ON_SERVER = ["kill", "busy", "servers", "restart"];
const ON_SERVER_ALONE = ["servers", "restart"];

/** Those that happen in processes of their own. */
const PROCESSES = ["kill", "busy", "slow", "disk", "remote"];

const options = {
  seed: { type: "string" },
  rounds: { type: "string" },
  only: { type: "string" },
  short: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  db: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
};

/** What was asked for; null where that is not known. */
function asked() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(error.message);
    return null;
  }
}

const values = asked() ?? {};
const isShort = values.short;
const seed = Number(values.seed ?? Date.now() % 1e6);
const rounds = Number(values.rounds ?? (isShort ? 6 : 200));
const isOnServer = values.db !== undefined;
const usual = isOnServer
  ? ON_SERVER
  : Object.keys(SCENARIOS).filter((name) => !ON_SERVER_ALONE.includes(name));
const names = values.only?.split(",") ?? usual;
const usage =
  "npm run torture -- [--db postgres://...] [--seed N] [--rounds N] [--short] [--keep] [--only kill,busy,...]";
const areKnown = names.every((name) => name in SCENARIOS && (!isOnServer || ON_SERVER.includes(name)));
if (values.help) {
  console.log(`${usage}\n  scenarios: ${Object.keys(SCENARIOS).join(", ")}`);
  process.exit(0);
}
if (
  values.short === undefined ||
  !Number.isSafeInteger(seed) ||
  seed < 0 ||
  !Number.isSafeInteger(rounds) ||
  rounds < 1 ||
  !areKnown
) {
  console.error(`${usage}\n  scenarios: ${Object.keys(SCENARIOS).join(", ")}`);
  process.exit(2);
}

const again = (name) =>
  `npm run torture -- --seed ${seed} --rounds ${rounds}${isShort ? " --short" : ""}${isOnServer ? ` --db '${values.db}'` : ""} --only ${name}`;

/** One for each folder: a file in it, or a schema on the server. */
const databaseIn = (folder) => {
  if (!isOnServer) return join(folder, "torture.db");
  if (!folders.includes(folder)) folders.push(folder);
  const schema = `torture_${process.pid}_${folders.indexOf(folder)}`;
  return `${values.db}${values.db.includes("?") ? "&" : "?"}schema=${schema}`;
};
const folders = [];

const root = mkdtempSync(join(tmpdir(), "dethrone-torture-"));
const total = { rounds: 0, kills: 0, sessions: 0, acknowledged: 0, found: 0, lost: 0, double: 0, drift: 0 };
const home = process.cwd();
let failed = 0;

console.log(`torture: seed ${seed}, rounds ${rounds}${isShort ? ", short" : ""}; ${names.join(", ")}`);
async function torture(name) {
  const start = performance.now();
  const counts = {};
  await SCENARIOS[name]({
    seed,
    rounds,
    isShort,
    folderFor: (part) => {
      const folder = join(root, part);
      mkdirSync(folder);
      return folder;
    },
    databaseIn,
    report: ({ where, failures, counts: some }) => {
      for (const [key, value] of Object.entries(some)) {
        counts[key] = (counts[key] ?? 0) + value;
        total[key] = (total[key] ?? 0) + value;
      }
      for (const failure of failures) console.error(`FAILED ${name} (${where}): ${failure}`);
      if (failures.length > 0) console.error(`  again: ${again(name)}`);
      failed += failures.length;
      // Some work in their folder, where spools are kept: no thread starts in one that is gone.
      process.chdir(home);
      if (failures.length === 0 && !values.keep) rmSync(where, { recursive: true, force: true });
    },
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`  ${name} (${seconds} s): ${lineOf(counts)}`);
}

// In the short form those that wait for processes most of the time wait together. Those in this process come after them:
// what one of them does to the writers of a process it does to all of them.
const together = names.filter((name) => isShort && !isOnServer && PROCESSES.includes(name));
await Promise.all(together.map(torture));
for (const name of names.filter((each) => !together.includes(each))) await torture(name);

function lineOf(counts) {
  return Object.entries(counts)
    .map(([key, value]) => `${value} ${key}`)
    .join(", ");
}
if (failed === 0 && !values.keep) rmSync(root, { recursive: true, force: true });
console.log(`torture: ${failed === 0 ? "all holds" : `${failed} FAILED`}; seed ${seed}; ${lineOf(total)}`);
process.exitCode = failed === 0 ? 0 : 1;
