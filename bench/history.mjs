// Databases with a past, made by SQL in one transaction: what the package would have written in days, in seconds.
import Database from "libsql";
import { createEngine } from "../dist/index.js";

const WINDOW_MS = 86_400_000;

/** Runs `work` on a connection of its own, in one transaction. */
export function change(path, work) {
  const database = new Database(path, { timeout: 5000 });
  database.exec("PRAGMA foreign_keys = OFF");
  // The history need not survive a power cut.
  database.exec("PRAGMA synchronous = OFF");
  database.exec("BEGIN IMMEDIATE");
  const result = work(database);
  database.exec("COMMIT");
  // So that the file itself has everything.
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return result;
}

/** A new database with one running experiment of a champion and a challenger, half of the sessions each. */
export async function withOneExperiment(path, key = "agent-0", options = {}) {
  const engine = await createEngine({ url: path, strict: true });
  const project = await engine.project(key, { champion: { model: "a" } });
  await project.challenge({ model: "b" }, { share: 0.5, ...options });
  await engine.close();
}

const NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)";

/** Copies the rows of a table `count` times, numbered from 1 by n; `given` are the columns that differ, as SQL. */
function copyRows(database, table, count, given) {
  const columns = database
    .prepare(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => name);
  const values = columns.map((name) => given[name] ?? `${table}.${name}`);
  database
    .prepare(
      `INSERT INTO ${table} (${columns.join(", ")}) ${NUMBERS} SELECT ${values.join(", ")} FROM numbers, ${table}`,
    )
    .run(count);
}

/** As many experiments as that in all, each in a project of its own, like the one that is there. */
export function multiplyExperiments(path, count) {
  change(path, (database) => {
    const more = count - 1;
    copyRows(database, "projects", more, { id: "projects.id + n", key: "'agent-' || n" });
    copyRows(database, "experiments", more, {
      id: "experiments.id + n",
      uid: "substr(experiments.uid, 1, 24) || printf('%012x', n)",
      project_id: "project_id + n",
    });
    copyRows(database, "arms", more, { id: "arms.id + 2 * n", experiment_id: "experiment_id + n" });
  });
}

/** Experiments that have ended, of the project of the one that is there. */
export function addEndedExperiments(path, count) {
  change(path, (database) => {
    copyRows(database, "experiments", count, {
      id: "experiments.id + n",
      uid: "substr(experiments.uid, 1, 24) || printf('%012x', n)",
      status: "'held'",
      ended_at_ms: "started_at_ms + 1",
    });
    copyRows(database, "arms", count, { id: "arms.id + 2 * n", experiment_id: "experiment_id + n" });
  });
}

const ADD_SESSIONS = `INSERT INTO sessions (id, project_id, config_id, experiment_id, arm_id, shares, is_evidence,
    started_at_ms, window_ends_at_ms, ended_at_ms, settled_at_ms, score, is_missing, is_abandoned)
  ${NUMBERS.replace("?", "?1")},
  given(place, id, project_id) AS MATERIALIZED
    (SELECT row_number() OVER (ORDER BY id) - 1, id, project_id FROM experiments WHERE status = ?5)
  SELECT printf('%08x-0000-7000-8000-%012x', ?3 + n, ?3 + n), given.project_id, arms.config_id, given.id, arms.id,
    '[0.5]', 1, ?4 + n, ?4 + n + ${WINDOW_MS}, ?4 + n + 20, ?4 + n + 20, n % 3 > 0, 0, 0
  FROM numbers
    JOIN given ON given.place = n % ?2
    JOIN arms ON arms.experiment_id = given.id AND arms.position = (n / ?2) % 2
  ORDER BY n`;

/** Sessions in one transaction: its log, before it is folded into the file, takes as much of the disk as they do. */
const CHUNK = 500_000;

/** Adds sessions that have ended and settled, to each experiment of the status in turn, its arms alike; a third failed. */
export function addSessions(path, count, status = "running") {
  for (let left = count; left > 0; left -= CHUNK) addChunk(path, Math.min(left, CHUNK), status);
}

function addChunk(path, count, status) {
  change(path, (database) => {
    const { last } = database.prepare("SELECT coalesce(max(seq), 0) AS last FROM sessions").get();
    const { n } = database.prepare("SELECT count(*) AS n FROM experiments WHERE status = ?").get(status);
    database.prepare(ADD_SESSIONS).run(count, n, last, Date.now() - count - 1000, status);
  });
}
