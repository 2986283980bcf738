// One engine's share of the record benchmark, in a process of its own: two SQLite builds in one process do not see each
// other's locks. Stores sessions and their outcomes in batches of 1,000 sessions, each batch one durable commit, and prints
// the sessions per second; arguments: engine, file, sessions, arms as JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { v7 } from "uuid";

const [, , engine, path, count, armsText] = process.argv;
const arms = JSON.parse(armsText);
const BATCH = 1000;
const nowMs = Date.now();
const WINDOW_MS = 86_400_000;

const sessions = Array.from({ length: Number(count) }, (_, i) => ({
  id: v7(),
  arm: arms[i & 1],
  startedAtMs: nowMs + i,
  windowEndsAtMs: nowMs + i + WINDOW_MS,
  endedAtMs: nowMs + i + 5,
  score: i % 3 ? 1 : 0,
}));

const INSERT = `INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, unit, root_id, shares, is_evidence,
  excluded, context, started_at_ms, window_ends_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const SETTLE = `UPDATE sessions SET ended_at_ms = coalesce(ended_at_ms, ?), settled_at_ms = ?, score = ?, is_missing = 0,
  is_abandoned = 0 WHERE id = ? AND settled_at_ms IS NULL AND window_ends_at_ms >= ?`;

const insertOf = ({ id, arm, startedAtMs, windowEndsAtMs }) => [
  id,
  arm.projectId,
  arm.configId,
  arm.experimentId,
  arm.armId,
  null,
  null,
  "[0.5]",
  1,
  null,
  null,
  startedAtMs,
  windowEndsAtMs,
];
const settleOf = ({ id, endedAtMs, score }) => [endedAtMs, endedAtMs, score, id, endedAtMs];

const startOf = ({ id, arm, startedAtMs, windowEndsAtMs }) => ({
  id,
  projectId: arm.projectId,
  configId: arm.configId,
  experimentId: arm.experimentId,
  armId: arm.armId,
  unit: null,
  shares: [0.5],
  excluded: null,
  isExclusive: false,
  context: null,
  root: null,
  startedAtMs,
  windowEndsAtMs,
  mayExist: false,
});
const endOf = ({ id, endedAtMs, score }) => ({ sessionId: id, atMs: endedAtMs, score });

/** The writer of the package, asked for starts and ends as a host asks for them; it forms its batches itself. */
async function throughStore() {
  const { locate } = await import("../dist/store/location.js");
  const { openSqlStore } = await import("../dist/store/store.js");
  const store = await openSqlStore(locate(path), { mustExist: true });
  return {
    async write(batch) {
      const starts = batch.map((session) => store.startSession(startOf(session)));
      const ends = batch.map((session) => store.endSession(endOf(session)));
      await Promise.all([...starts, ...ends]);
    },
    close: () => store.close(),
    // So that the worker has the next batch when it is done with one, as under load.
    inFlight: 4,
  };
}

/** The writer's own batches without its thread: what the statements cost. */
async function throughConnection() {
  const { WriteConnection } = await import("../dist/store/file/write-connection.js");
  const { fileURLToPath } = await import("node:url");
  const connection = new WriteConnection(path, fileURLToPath(new URL("../drizzle", import.meta.url)));
  const operations = (batch) => [
    ...batch.map((session) => ({ kind: "start", start: startOf(session) })),
    ...batch.map((session) => ({ kind: "end", end: endOf(session) })),
  ];
  return {
    write: (batch) => connection.apply(operations(batch)),
    close: () => connection.close(),
    inFlight: 1,
  };
}

async function throughBetterSqlite() {
  const require = createRequire(import.meta.url);
  const Database = require("better-sqlite3");
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  const insert = database.prepare(INSERT);
  const settle = database.prepare(SETTLE);
  const write = database.transaction((batch) => {
    for (const session of batch) insert.run(insertOf(session));
    for (const session of batch) settle.run(settleOf(session));
  });
  return { write: (batch) => write.immediate(batch), close: () => database.close(), inFlight: 1 };
}

async function throughClient() {
  const { createClient } = await import("@libsql/client");
  const client = createClient({ url: pathToFileURL(path).href, concurrency: 1, timeout: 5000 });
  await client.execute("PRAGMA synchronous = FULL");
  const write = async (batch) => {
    // A thousand statements a call: first the starts of a batch, then its outcomes.
    await client.batch(
      batch.map((session) => ({ sql: INSERT, args: insertOf(session) })),
      "write",
    );
    await client.batch(
      batch.map((session) => ({ sql: SETTLE, args: settleOf(session) })),
      "write",
    );
  };
  return { write, close: () => client.close(), inFlight: 1 };
}

const ENGINES = {
  store: throughStore,
  connection: throughConnection,
  "better-sqlite3": throughBetterSqlite,
  client: throughClient,
};

async function run() {
  const { write, close, inFlight } = await ENGINES[engine]();
  const batches = [];
  for (let from = 0; from < sessions.length; from += BATCH) batches.push(sessions.slice(from, from + BATCH));
  // The first batch prepares the statements and fills the caches.
  await write(batches.shift());
  const start = performance.now();
  const waiting = [];
  for (const batch of batches) {
    waiting.push(write(batch));
    if (waiting.length >= inFlight) await waiting.shift();
  }
  await Promise.all(waiting);
  const seconds = (performance.now() - start) / 1000;
  await close();
  console.log((sessions.length - BATCH) / seconds);
}

await run();
