// What must hold of a database after whatever was done to it: by SQL on a connection of its own, which asks no index that
// enforces the rule, and by the library, which folds and decides everything again.
import { readdirSync } from "node:fs";
import Database from "libsql";
import { ExperimentFolding, foldRowPages } from "../../dist/engine/experiments/folding.js";
import { verifyDecision } from "../../dist/engine/experiments/verify.js";
import { createEngine } from "../../dist/index.js";
import { locate } from "../../dist/store/location.js";
import { connectTo } from "../../dist/store/postgres/client.js";
import { toPostgres } from "../../dist/store/postgres/dialect.js";
import { openSqlStore } from "../../dist/store/store.js";
import { sleep } from "./support.mjs";

const BUSY_WAIT_MS = 5000;

/** Rules of which every row found is a breach. The `+` keeps the unique indices out of it. */
const BREACHES = {
  "a session is there twice":
    "SELECT +id AS id, count(*) AS n FROM sessions GROUP BY +id HAVING count(*) > 1",
  "a signal is there twice":
    "SELECT +session_seq AS seq, name, value, count(*) AS n FROM signals GROUP BY +session_seq, name, value HAVING count(*) > 1",
  "a signal's key is there twice":
    "SELECT +session_seq AS seq, +key AS signal_key, count(*) AS n FROM signals GROUP BY 1, 2 HAVING count(*) > 1",
  "a unit is evidence twice": `SELECT +experiment_id AS experiment, unit, count(*) AS n FROM sessions
    WHERE is_evidence = 1 AND unit IS NOT NULL GROUP BY +experiment_id, unit HAVING count(*) > 1`,
  "a unit's evidence is not of its arm": `SELECT sessions.id FROM sessions
    LEFT JOIN units ON units.experiment_id = sessions.experiment_id AND units.unit = sessions.unit
    WHERE is_evidence = 1 AND sessions.unit IS NOT NULL
      AND (units.session_id IS DISTINCT FROM sessions.id OR units.arm_id IS DISTINCT FROM sessions.arm_id)`,
  "a unit is claimed by a session that is not there": `SELECT units.unit FROM units
    LEFT JOIN sessions ON sessions.id = units.session_id WHERE sessions.id IS NULL`,
  "a unit was served two arms": `SELECT experiment_id, unit, count(DISTINCT arm_id) AS n FROM sessions
    WHERE unit IS NOT NULL AND experiment_id IS NOT NULL AND coalesce(excluded, 'repeat') = 'repeat'
    GROUP BY experiment_id, unit HAVING count(DISTINCT arm_id) > 1`,
  "a signal without a session": `SELECT signals.id FROM signals
    LEFT JOIN sessions ON sessions.seq = session_seq WHERE sessions.seq IS NULL`,
  "a project with more than one occupied slot": `SELECT +project_id AS project, count(*) AS n FROM experiments
    WHERE +status IN ('running', 'paused') GROUP BY +project_id HAVING count(*) > 1`,
  "a project whose champion is not the newest reign's": `SELECT key FROM projects WHERE champion_config_id IS DISTINCT FROM
    (SELECT config_id FROM reigns WHERE project_id = projects.id ORDER BY id DESC LIMIT 1)`,
  "a running experiment whose champion is not its project's": `SELECT uid FROM experiments
    JOIN projects ON projects.id = project_id
    WHERE status IN ('running', 'paused') AND experiments.champion_config_id <> projects.champion_config_id`,
  "an experiment with other than one champion's arm": `SELECT experiment_id FROM arms GROUP BY experiment_id
    HAVING count(*) FILTER (WHERE role = 'champion') <> 1 OR min(position) <> 0 OR max(position) <> count(*) - 1`,
  "arms whose buckets do not sum to 10,000":
    "SELECT experiment_id, sum(bucket_count) AS n FROM arms GROUP BY experiment_id HAVING sum(bucket_count) <> 10000",
  // A draft that was discarded has seen nothing that could be decided on.
  "an ended experiment without exactly one terminal decision": `SELECT uid, status, n FROM (SELECT uid, status, started_at_ms,
      (SELECT count(*) FROM decisions WHERE experiment_id = experiments.id AND +is_terminal = 1) AS n
      FROM experiments) AS counted
    WHERE n <> CASE WHEN status IN ('promoted', 'held', 'aborted') AND started_at_ms IS NOT NULL THEN 1 ELSE 0 END
      AND NOT (started_at_ms IS NULL AND status = 'aborted' AND n = 1)`,
  "a promotion that made nobody champion": `SELECT experiments.uid FROM experiments
    WHERE status = 'promoted' AND NOT EXISTS (SELECT 1 FROM reigns JOIN arms ON arms.config_id = reigns.config_id
      WHERE arms.experiment_id = experiments.id AND arms.role = 'challenger' AND reigns.project_id = experiments.project_id)`,
  // A watch that promotes brings the champion of before back, which is a rollback.
  "as many promotions as reigns, no more and no fewer": `SELECT key, promotions, promoted FROM (SELECT projects.key,
      (SELECT count(*) FROM experiments WHERE project_id = projects.id AND status = 'promoted' AND kind = 'contest') AS promotions,
      (SELECT count(*) FROM reigns WHERE project_id = projects.id AND cause = 'promoted') AS promoted
    FROM projects) AS counted WHERE promotions <> promoted`,
  "an ended experiment that went on folding": `SELECT experiments.uid, checkpoints.folded_seq, decisions.folded_seq AS decided
    FROM experiments JOIN decisions ON decisions.experiment_id = experiments.id AND is_terminal = 1
    LEFT JOIN checkpoints ON checkpoints.experiment_id = experiments.id
    WHERE coalesce(checkpoints.folded_seq, 0) <> decisions.folded_seq`,
  "folded past a session that has not settled": `SELECT experiments.uid FROM checkpoints
    JOIN experiments ON experiments.id = checkpoints.experiment_id
    JOIN sessions ON sessions.experiment_id = checkpoints.experiment_id AND seq <= folded_seq
    WHERE is_evidence = 1 AND settled_at_ms IS NULL`,
  "a change of an experiment that its version does not count": `SELECT uid, experiments.version FROM experiments
    JOIN checkpoints ON checkpoints.experiment_id = experiments.id WHERE checkpoints.version > experiments.version`,
};

/** A look at a database past the library, by its path or URL. */
export async function lookAt(url) {
  const location = locate(url);
  if (location.kind === "postgres") {
    const client = await connectTo(location);
    const textOf = (sql) => toPostgres(sql.replaceAll(/\+(?=[a-z])/g, ""));
    const rows = async (sql, values = []) => (await client.query(textOf(sql), values)).rows;
    return { rows, damages: async () => [], close: () => client.end() };
  }
  const database = new Database(location.path, { timeout: BUSY_WAIT_MS });
  const rows = async (sql, values = []) =>
    database
      .prepare(sql)
      .all(...values)
      .map(({ _metadata, ...row }) => row);
  const damages = async () =>
    (await rows("PRAGMA integrity_check")).filter(({ integrity_check: text }) => text !== "ok");
  return { rows, damages, close: () => database.close() };
}

/** The evidence of each experiment has as many units as were settled up to where it is folded. */
async function miscounted(look) {
  const rows = await look.rows(`SELECT uid, evidence, (SELECT count(*) FROM sessions
      WHERE experiment_id = checkpoints.experiment_id AND seq <= folded_seq AND is_evidence = 1
        AND settled_at_ms IS NOT NULL) AS logged
    FROM checkpoints JOIN experiments ON experiments.id = checkpoints.experiment_id`);
  const folded = (evidence) =>
    JSON.parse(evidence).arms.reduce((sum, { count, missingCount }) => sum + count + missingCount, 0);
  return rows.filter(({ evidence, logged }) => folded(evidence) !== logged).map(({ uid }) => uid);
}

/** Every acknowledged end, signal and decision in a diary, as it is in the database. */
async function compare({ rows }, diary) {
  const score = "SELECT score, ended_at_ms AS endedAtMs FROM sessions WHERE id = ?";
  const signal =
    "SELECT value FROM signals JOIN sessions ON seq = session_seq WHERE sessions.id = ? AND key = ?";
  const decision = "SELECT 1 AS found FROM decisions WHERE uid = ?";
  const isFound = {
    end: async ({ id, score: given, status }) => {
      const [row] = await rows(score, [id]);
      if (!row) return false;
      if (status === "late") return true;
      if (row.endedAtMs !== null && (given === null || row.score === given)) return true;
      // While it waited beside the database the session's window may have closed.
      if (status !== "spooled") return false;
      return given === null || (await rows(signal, [id, `late-end:${given}`]))[0]?.value === given;
    },
    signal: async ({ id, key, value }) => (await rows(signal, [id, key]))[0]?.value === value,
    decision: async ({ id }) => (await rows(decision, [id])).length === 1,
  };
  const acknowledged = diary.filter(({ kind }) => kind in isFound);
  const lost = [];
  for (const entry of acknowledged) if (!(await isFound[entry.kind](entry))) lost.push(entry);
  return { acknowledged, lost };
}

/** Experiments whose stored evidence is not, bit for bit, what their sessions give from zero. */
async function driftOf(store, look) {
  const drifted = [];
  const sql = `SELECT uid, experiments.id, folded_seq AS foldedSeq, evidence FROM checkpoints
    JOIN experiments ON experiments.id = checkpoints.experiment_id`;
  const stored = await look.rows(sql);
  for (const { uid, id, foldedSeq, evidence } of stored) {
    const experiment = await store.experimentByUid(uid);
    const folding = new ExperimentFolding(experiment);
    for await (const page of foldRowPages(store, id, foldedSeq, { withSignals: true }))
      for (const row of page) folding.add(row);
    if (JSON.stringify(folding.evidence) !== JSON.stringify(JSON.parse(evidence))) drifted.push(uid);
  }
  return { drifted, folded: stored.length };
}

async function verifications(store) {
  const decisions = await store.decisions({});
  return Promise.all(decisions.map((decision) => verifyDecision(store, decision, decision.engineVersion)));
}

const some = (list) =>
  `${list
    .slice(0, 3)
    .map((each) => JSON.stringify(each))
    .join("; ")}${list.length > 3 ? `; and ${list.length - 3} more` : ""}`;

/** How long the next process may take to store what a dead one has kept beside the database. */
const RECOVERY_TURNS = 900;

/** What was kept beside the database is stored by the next process that opens it: acknowledged is acknowledged. */
async function recoverLeftovers(url, folder) {
  // Beside a file, or, where the database is on a server, in the folder that the processes ran in.
  const isLeft = () => readdirSync(folder).some((name) => name.includes(".spool-"));
  if (!isLeft()) return;
  process.chdir(folder);
  const engine = await createEngine({ url, strict: true });
  for (let turn = 0; turn < RECOVERY_TURNS && isLeft(); turn += 1) await sleep(100);
  await engine.close();
}

/** All that must hold of a database whose processes ran in a folder; what does not, in words, and the figures. */
export async function check(url, folder, diary) {
  await recoverLeftovers(url, folder);
  const look = await lookAt(url);
  const store = await openSqlStore(locate(url), { mustExist: true });
  const failures = [];
  const fail = (what, where) => failures.push(`${what}: ${some(where)}`);
  try {
    const breaches = [{ what: "folded units that are not those of the log", rows: await miscounted(look) }];
    for (const [what, sql] of Object.entries(BREACHES)) breaches.push({ what, rows: await look.rows(sql) });
    for (const { what, rows } of breaches) if (rows.length > 0) fail(what, rows);
    const damages = await look.damages();
    if (damages.length > 0) fail("the database is damaged", damages);
    const { acknowledged, lost } = await compare(look, diary);
    if (lost.length > 0) fail("acknowledged and not found", lost);
    const { drifted, folded } = await driftOf(store, look);
    if (drifted.length > 0) fail("evidence from zero differs from the checkpoint", drifted);
    const verified = await verifications(store);
    const unequal = verified.filter(({ isEqual }) => !isEqual);
    if (unequal.length > 0) fail("a decision does not come out again", unequal);
    const [{ sessions }] = await look.rows("SELECT count(*) AS sessions FROM sessions");
    const double = breaches.filter(({ what }) => what.includes("twice")).flatMap(({ rows }) => rows).length;
    const counts = {
      sessions,
      acknowledged: acknowledged.length,
      found: acknowledged.length - lost.length,
      lost: lost.length,
      double,
      drift: drifted.length,
      folded,
      decisions: verified.length,
    };
    return { failures, counts };
  } finally {
    await store.close();
    await look.close();
  }
}
