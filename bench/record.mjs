// Recording sessions and their outcomes in bulk, durably: the package's writer against better-sqlite3 and against the
// batches of @libsql/client, on the same schema with the same indexes. Each engine runs in a process of its own, on a file
// of its own; engines take turns.
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@libsql/client";
import { createEngine } from "../dist/index.js";
import { isShort, median, peer, ratioOf } from "./table.mjs";

const SCRIPT = fileURLToPath(new URL("record-engine.mjs", import.meta.url));
const ROUNDS = isShort ? 1 : 5;
// The client is several times slower; fewer sessions take as long.
const SESSIONS = isShort
  ? { store: 2000, connection: 2000, "better-sqlite3": 2000, client: 2000 }
  : { store: 41_000, connection: 41_000, "better-sqlite3": 41_000, client: 6000 };

/** A database with one running experiment, to be copied for each run. */
async function template(folder) {
  const path = join(folder, "record.db");
  const engine = await createEngine({ url: path, strict: true });
  const project = await engine.project("bench", { champion: { model: "a" } });
  await project.challenge({ model: "b" }, { share: 0.5 });
  await engine.close();
  const client = createClient({ url: `file:${path}`, concurrency: 1 });
  // So that the one file is all there is to copy.
  await client.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  const { rows } =
    await client.execute(`SELECT arms.id AS armId, config_id AS configId, experiment_id AS experimentId,
    project_id AS projectId FROM arms JOIN experiments ON experiments.id = experiment_id ORDER BY position`);
  client.close();
  return { path, arms: JSON.stringify(rows.map((row) => ({ ...row }))) };
}

async function stored(path) {
  const client = createClient({ url: `file:${path}`, concurrency: 1 });
  const { rows } = await client.execute("SELECT count(*) AS n FROM sessions WHERE settled_at_ms IS NOT NULL");
  client.close();
  return Number(rows[0].n);
}

/** Sessions per second, start and end. @throws Error where fewer are found than were acknowledged */
async function runEngine(engine, { path: from, arms }) {
  const path = `${from}.${engine}`;
  copyFileSync(from, path);
  const count = SESSIONS[engine];
  const output = execFileSync(process.execPath, [SCRIPT, engine, path, String(count), arms], {
    encoding: "utf8",
  });
  const found = await stored(path);
  if (found !== count) throw new Error(`${engine}: ${found} of ${count} sessions are stored`);
  for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  return Number(output);
}

export async function recordBench(table, folder) {
  console.log("Recording in bulk: sessions with start and outcome, on disk, a thousand a commit");
  const from = await template(folder);
  const hasPeer = (await peer(table, "better-sqlite3")) !== null;
  const engines = ["store", "connection", "client", ...(hasPeer ? ["better-sqlite3"] : [])];
  const rates = Object.fromEntries(engines.map((engine) => [engine, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const engine of engines) rates[engine].push(await runEngine(engine, from));
  const add = (name, engine, reference, target) =>
    table.add(name, median(rates[engine]), reference, ratioOf(rates[engine], rates[reference]), target);
  add("client.batch(1000)", "client", "client");
  if (hasPeer) add("better-sqlite3, cached statements", "better-sqlite3", "client");
  add("bulk ingest", "store", "client", 5);
  if (hasPeer) add("bulk ingest", "store", "better-sqlite3", 0.6);
  if (hasPeer) add("bulk ingest, the writer's thread alone", "connection", "better-sqlite3");
  console.log("");
}
