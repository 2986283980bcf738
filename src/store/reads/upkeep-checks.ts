/**
 * What `doctor` asks of a database. All of it reads, and much of it reads everything.
 */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type {
  BrokenRule,
  DatabaseFacts,
  InvariantRule,
  RunningFacts,
  StoredCounts,
  StoredFile,
  StuckLease,
} from "../../engine/ports.js";
import type { Aside } from "../aside/aside.js";
import type { Location } from "../location.js";

const SHOWN = 10;

/** Bytes of a file; 0 where there is none. */
export function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Files of outcomes that wait beside the database. */
export function spoolFiles({ beside }: Location): StoredFile[] {
  if (beside === null) return [];
  const prefix = `${basename(beside)}.spool-`;
  return readdirSync(dirname(beside))
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => ({ name, bytes: bytesOf(join(dirname(beside), name)) }));
}

async function pragma(aside: Aside, name: string): Promise<number> {
  return Object.values(await aside.one<Record<string, number>>(`PRAGMA ${name}`))[0] as number;
}

/** Bytes of all pages, wherever they are yet: what is written waits in the log before it is in the file. */
export async function totalBytes(aside: Aside): Promise<number> {
  return (await pragma(aside, "page_count")) * (await pragma(aside, "page_size"));
}

/** Bytes of pages in use. */
export async function usedBytes(aside: Aside): Promise<number> {
  const pages = (await pragma(aside, "page_count")) - (await pragma(aside, "freelist_count"));
  return pages * (await pragma(aside, "page_size"));
}

/** What SQLite finds damaged; empty where all is well. */
export async function damagesOf(aside: Aside, isThorough: boolean): Promise<string[]> {
  const check = isThorough ? "integrity_check" : "quick_check";
  const rows = await aside.all<Record<string, string>>(`PRAGMA ${check}(${SHOWN})`);
  return rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== "ok");
}

/** Migrations that have been applied. */
export async function appliedMigrations(aside: Aside): Promise<number> {
  return (await aside.one<{ n: number }>("SELECT count(*) AS n FROM dethrone_migrations")).n;
}

/** The database, and what SQLite says of it. */
export async function facts(
  aside: Aside,
  input: { readonly location: Location; readonly isThorough: boolean; readonly knownMigrations: number },
): Promise<DatabaseFacts> {
  const { location, isThorough, knownMigrations } = input;
  const pageBytes = await pragma(aside, "page_size");
  const isFile = location.kind === "file";
  return {
    path: location.name,
    bytes: isFile ? bytesOf(location.path) : (await pragma(aside, "page_count")) * pageBytes,
    walBytes: isFile ? bytesOf(`${location.path}-wal`) : 0,
    pageBytes,
    freePages: await pragma(aside, "freelist_count"),
    schema: { applied: await appliedMigrations(aside), known: knownMigrations },
    damages: await damagesOf(aside, isThorough),
    danglingRows: await aside.all(
      `SELECT "table", count(*) AS rows FROM pragma_foreign_key_check GROUP BY "table" ORDER BY "table"`,
    ),
    spoolFiles: spoolFiles(location),
  };
}

const COUNTS = `SELECT
  (SELECT count(*) FROM projects) AS projects, (SELECT count(*) FROM experiments) AS experiments,
  (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM signals) AS signals,
  (SELECT count(*) FROM sessions WHERE settled_at_ms IS NULL AND window_ends_at_ms < ?1) AS overdue,
  (SELECT min(window_ends_at_ms) FROM sessions WHERE settled_at_ms IS NULL AND window_ends_at_ms < ?1)
    AS oldestOverdueAtMs,
  (SELECT max(at_ms) FROM (SELECT max(updated_at_ms) AS at_ms FROM checkpoints
    UNION ALL SELECT max(decided_at_ms) FROM decisions WHERE actor <> 'fuse'
    UNION ALL SELECT max(at_ms) FROM audit_log WHERE action IN ('share-raised', 'dropped')
    UNION ALL SELECT max(settled_at_ms) FROM sessions WHERE signal_count IS NOT NULL) AS traces)
    AS lastTickAtMs`;

function expiredLeases(aside: Aside, nowMs: number): Promise<StuckLease[]> {
  return aside.all(
    "SELECT name, holder, expires_at_ms AS expiresAtMs FROM leases WHERE expires_at_ms < ? ORDER BY name",
    [nowMs],
  );
}

/** How much there is, and how old. */
export async function counts(aside: Aside, nowMs: number): Promise<StoredCounts> {
  const row = await aside.one<StoredCounts>(COUNTS, [nowMs]);
  return { ...row, expiredLeases: await expiredLeases(aside, nowMs) };
}

/** Each names what breaks its rule in the column `subject`. */
const RULES: readonly (readonly [rule: InvariantRule, sql: string])[] = [
  [
    "one-champion-arm",
    `SELECT uid AS subject FROM experiments WHERE
       (SELECT count(*) FROM arms WHERE experiment_id = experiments.id AND role = 'champion' AND position = 0) <> 1
       OR (SELECT count(*) FROM arms WHERE experiment_id = experiments.id) < 2`,
  ],
  [
    "buckets-sum",
    `SELECT uid AS subject FROM experiments WHERE status IN ('running', 'paused') AND
       (SELECT sum(bucket_count) FROM arms WHERE experiment_id = experiments.id) <> 10000`,
  ],
  [
    "folded-sequence",
    `SELECT uid AS subject FROM checkpoints JOIN experiments ON experiments.id = experiment_id
       WHERE folded_seq > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'sessions'), 0)`,
  ],
  [
    "one-terminal-decision",
    `SELECT uid AS subject FROM experiments WHERE started_at_ms IS NOT NULL AND
       (SELECT count(*) FROM decisions WHERE experiment_id = experiments.id AND is_terminal = 1)
         <> CASE WHEN status IN ('promoted', 'held', 'aborted') THEN 1 ELSE 0 END`,
  ],
  [
    "champion-reigns",
    `SELECT key AS subject FROM projects WHERE champion_config_id IS DISTINCT FROM
       (SELECT config_id FROM reigns WHERE project_id = projects.id ORDER BY id DESC LIMIT 1)`,
  ],
  [
    "unit-has-session",
    `SELECT uid AS subject FROM experiments WHERE NOT EXISTS
       (SELECT 1 FROM archives WHERE experiment_id = experiments.id AND sealed_at_ms IS NOT NULL)
       AND EXISTS (SELECT 1 FROM units WHERE experiment_id = experiments.id
         AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = units.session_id))`,
  ],
  [
    "archive-complete",
    `SELECT uid AS subject FROM archives JOIN experiments ON experiments.id = archives.experiment_id WHERE
       unit_count <> (SELECT coalesce(sum(unit_count), 0) FROM archive_pages WHERE experiment_id = experiments.id)
       OR status NOT IN ('promoted', 'held', 'aborted')`,
  ],
];

/** The rules that do not hold. */
export async function brokenRules(aside: Aside): Promise<BrokenRule[]> {
  const broken: BrokenRule[] = [];
  for (const [rule, sql] of RULES) {
    const rows = await aside.all<{ subject: string }>(`${sql} ORDER BY 1 LIMIT ${SHOWN}`);
    if (rows.length > 0) broken.push({ rule, subjects: rows.map(({ subject }) => subject) });
  }
  return broken;
}

const RUNNING = `SELECT key AS project, uid AS experiment, status = 'paused' AS isPaused,
    awaiting_seq IS NOT NULL AS isAwaitingApproval, started_at_ms AS startedAtMs,
    (SELECT updated_at_ms FROM checkpoints WHERE experiment_id = experiments.id) AS foldedAtMs,
    (SELECT started_at_ms FROM sessions WHERE experiment_id = experiments.id ORDER BY seq DESC LIMIT 1)
      AS lastSessionAtMs,
    (SELECT count(*) FROM (SELECT 1 FROM sessions WHERE experiment_id = experiments.id AND is_evidence = 1
       AND settled_at_ms IS NOT NULL
       AND seq > coalesce((SELECT folded_seq FROM checkpoints WHERE experiment_id = experiments.id), 0)
       LIMIT 1000) AS waiting) AS unfolded
  FROM experiments JOIN projects ON projects.id = project_id WHERE status IN ('running', 'paused') ORDER BY key`;

/** The experiments that run, and how they get on. */
export async function running(aside: Aside): Promise<RunningFacts[]> {
  type Row = Omit<RunningFacts, "isPaused" | "isAwaitingApproval"> & {
    isPaused: number;
    isAwaitingApproval: number;
  };
  const rows = await aside.all<Row>(RUNNING);
  return rows.map((row) => ({
    ...row,
    isPaused: row.isPaused === 1,
    isAwaitingApproval: row.isAwaitingApproval === 1,
  }));
}
