/**
 * Upkeep of a libSQL file. What may take long goes aside; what changes rows goes through the one writer.
 */
import { open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { and, asc, eq, gt } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import type {
  Archive,
  ArmCounts,
  BackupFile,
  BrokenRule,
  DatabaseFacts,
  FoldRow,
  Forgetting,
  PruneCount,
  PruneScope,
  RunningFacts,
  StoredCounts,
  UnitAuditEntry,
  UnitSession,
  UnitTraces,
  UpkeepStore,
} from "../../engine/ports.js";
import { type Aside, FileAside } from "../aside/aside.js";
import { addAudit } from "../changes/statements.js";
import * as changes from "../changes/upkeep-changes.js";
import { MIGRATIONS_FOLDER, type OpenDatabase } from "../database.js";
import * as postgres from "../postgres/facts.js";
import { unpackPage } from "../reads/archive-page.js";
import { armCounts } from "../reads/arm-counts.js";
import * as checks from "../reads/upkeep-checks.js";
import { archivePages, archives } from "../schema/archive.js";
import type { Transact } from "../writer/write-protocol.js";

/** What upkeep needs of the store it belongs to. */
export interface UpkeepHost {
  readonly database: OpenDatabase;
  /** runs statements in one transaction; false where another process was faster */
  readonly transact: Transact;
}

/** Of project ?2, or of any where that is null. A value's type has to be told where nothing beside it tells. */
const IS_ANY = "CAST(?2 AS BIGINT) IS NULL";
const OF_PROJECT = `(${IS_ANY} OR project_id = ?2)`;

type UnitSessionRow = Omit<UnitSession, "context" | "isSettled"> & {
  context: string | null;
  isSettled: number;
};

/** See `UpkeepStore`. */
export class SqlUpkeep implements UpkeepStore {
  readonly #host: UpkeepHost;
  readonly #aside: Aside;

  constructor(host: UpkeepHost) {
    this.#host = host;
    this.#aside = host.database.aside();
  }

  /** Lets go of what works aside. */
  close(): Promise<void> {
    return this.#aside.close();
  }

  facts({ isThorough }: { readonly isThorough: boolean }): Promise<DatabaseFacts> {
    const { location } = this.#host.database;
    if (location.kind === "postgres") return postgres.facts(this.#aside, location);
    const knownMigrations = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).length;
    return checks.facts(this.#aside, { location, isThorough, knownMigrations });
  }

  counts(nowMs: number): Promise<StoredCounts> {
    return checks.counts(this.#aside, nowMs);
  }

  brokenRules(): Promise<BrokenRule[]> {
    return checks.brokenRules(this.#aside);
  }

  running(): Promise<RunningFacts[]> {
    return checks.running(this.#aside);
  }

  async archive(experimentId: number): Promise<Archive | null> {
    const [row] = await this.#host.database.read((db) =>
      db.select().from(archives).where(eq(archives.experimentId, experimentId)),
    );
    return row ?? null;
  }

  async archivedRows(experimentId: number, afterSeq: number): Promise<FoldRow[]> {
    const [page] = await this.#host.database.read((db) =>
      db
        .select({ body: archivePages.body })
        .from(archivePages)
        .where(and(eq(archivePages.experimentId, experimentId), gt(archivePages.lastSeq, afterSeq)))
        .orderBy(asc(archivePages.lastSeq))
        .limit(1),
    );
    return page ? unpackPage(page.body).filter(({ seq }) => seq > afterSeq) : [];
  }

  addToArchive(input: Parameters<UpkeepStore["addToArchive"]>[0]): Promise<boolean> {
    return this.#host.transact(changes.addToArchive(input));
  }

  sealArchive(input: Parameters<UpkeepStore["sealArchive"]>[0]): Promise<boolean> {
    return this.#host.transact(changes.sealArchive(input));
  }

  armCounts(experimentId: number): Promise<ArmCounts[]> {
    return armCounts(this.#aside, experimentId);
  }

  async unsettledCount(experimentId: number): Promise<number> {
    const { n } = await this.#aside.one<{ n: number }>(
      "SELECT count(*) AS n FROM sessions WHERE experiment_id = ? AND settled_at_ms IS NULL",
      [experimentId],
    );
    return n;
  }

  async prunable(scope: PruneScope): Promise<PruneCount> {
    const { experimentId, projectId, settledBeforeMs } = scope;
    const where =
      experimentId === null
        ? changes.scopeCondition({ projectId, experimentId, settledBeforeMs })
        : { sql: "experiment_id = ?", params: [experimentId] };
    return this.#aside.one(
      `SELECT count(*) AS sessions, coalesce(sum((SELECT count(*) FROM signals WHERE session_seq = seq)), 0)
         AS signals FROM sessions WHERE ${where.sql}`,
      where.params,
    );
  }

  async pruneBatch(scope: PruneScope, limit: number): Promise<PruneCount> {
    const where = changes.scopeCondition(scope);
    const batch = await this.#aside.one<PruneCount & { fromSeq: number | null; toSeq: number }>(
      `SELECT count(*) AS sessions, min(seq) AS fromSeq, max(seq) AS toSeq,
         coalesce(sum((SELECT count(*) FROM signals WHERE session_seq = seq)), 0) AS signals
         FROM (SELECT seq FROM sessions WHERE ${where.sql} ORDER BY seq LIMIT ?) AS batch`,
      [...where.params, limit],
    );
    const { sessions, signals, fromSeq, toSeq } = batch;
    if (fromSeq === null) return { sessions: 0, signals: 0 };
    const isLast = sessions < limit;
    await this.#host.transact(changes.pruneSessions(scope, { fromSeq, toSeq, isLast }));
    return { sessions, signals };
  }

  async addAuditEntry(projectId: number, entry: Parameters<UpkeepStore["addAuditEntry"]>[1]): Promise<void> {
    await this.#host.transact([addAudit(entry, { projectId, experimentId: null })]);
  }

  usedBytes(): Promise<number> {
    const { kind } = this.#host.database.location;
    return kind === "postgres" ? postgres.usedBytes(this.#aside) : checks.usedBytes(this.#aside);
  }

  async vacuum(): Promise<number> {
    this.assertFile("vacuum");
    const before = await checks.totalBytes(this.#aside);
    await this.scrub();
    return Math.max(0, before - (await checks.totalBytes(this.#aside)));
  }

  async unitSessions(unit: string, projectId: number | null): Promise<UnitSession[]> {
    const rows = await this.#aside.all<UnitSessionRow>(
      `WITH own AS (SELECT id FROM sessions WHERE unit = ?1 AND ${OF_PROJECT})
       SELECT seq, id, project_id AS projectId, experiment_id AS experimentId, unit, context,
         settled_at_ms IS NOT NULL AS isSettled FROM sessions
         WHERE (unit = ?1 AND ${OF_PROJECT}) OR root_id IN (SELECT id FROM own) ORDER BY seq`,
      [unit, projectId],
    );
    return rows.map((row) => ({ ...row, context: fromJson(row.context), isSettled: row.isSettled === 1 }));
  }

  async unitTraces(unit: string, projectId: number | null): Promise<UnitTraces> {
    const ofProject = `(${IS_ANY} OR experiment_id IN (SELECT id FROM experiments WHERE project_id = ?2))`;
    const ids = (table: string): Promise<{ id: number }[]> =>
      this.#aside.all(
        `SELECT DISTINCT experiment_id AS id FROM ${table} WHERE unit = ?1 AND ${ofProject} ORDER BY 1`,
        [unit, projectId],
      );
    const entries = await this.#aside.all<Omit<UnitAuditEntry, "details"> & { details: string }>(
      `SELECT id, project_id AS projectId, reason, details FROM audit_log
         WHERE details ->> 'unit' = ?1 AND ${OF_PROJECT} ORDER BY id`,
      [unit, projectId],
    );
    return {
      experimentIds: (await ids("units")).map(({ id }) => id),
      overrideExperimentIds: (await ids("overrides")).map(({ id }) => id),
      auditEntries: entries.map((entry) => ({ ...entry, details: JSON.parse(entry.details) })),
    };
  }

  async forget(forgetting: Forgetting): Promise<void> {
    await this.#host.transact(changes.forget(forgetting));
  }

  assertFile(what: string): void {
    const { location } = this.#host.database;
    if (location.kind === "file") return;
    throw new DethroneError(
      "not_supported_here",
      `There is no ${what} of ${location.name}, which is not a file of this machine. Use the means of whoever runs its server.`,
      { database: location.name, what },
    );
  }

  async scrub(): Promise<boolean> {
    // What a server keeps of deleted rows is out of reach.
    if (this.#host.database.location.kind !== "file") return false;
    try {
      await this.#aside.all("VACUUM");
    } catch (error) {
      if (isDethroneError(error) && error.code === "storage_busy") return false;
      throw error;
    }
    const { busy } = await this.#aside.one<{ busy: number }>("PRAGMA wal_checkpoint(TRUNCATE)");
    return busy === 0;
  }

  async backup(path: string): Promise<BackupFile> {
    this.assertFile("backup");
    const target = resolve(path);
    await reserve(target);
    try {
      await this.#aside.all("VACUUM INTO ?", [target]);
      await sync(target);
      await this.#checkCopy(target);
    } catch (error) {
      await rm(target, { force: true });
      throw error;
    }
    return { path: target, bytes: checks.bytesOf(target) };
  }

  /** @throws DethroneError `database_invalid` */
  async #checkCopy(path: string): Promise<void> {
    const copy = new FileAside(path);
    try {
      const damages = await checks.damagesOf(copy, false);
      const isWhole =
        damages.length === 0 &&
        (await checks.appliedMigrations(copy)) === (await checks.appliedMigrations(this.#aside));
      if (isWhole) return;
      throw new DethroneError(
        "database_invalid",
        "The copy is damaged, and so may be the database: see 'dethrone doctor --verify'.",
        { file: path, damages },
      );
    } finally {
      await copy.close();
    }
  }
}

/** Makes the file, empty, so that of two that would write it one is refused. */
async function reserve(path: string): Promise<void> {
  try {
    await (await open(path, "wx")).close();
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") {
      throw new DethroneError("file_exists", `There is a file ${path} already. Name one that is not there.`, {
        file: path,
      });
    }
    throw new DethroneError(
      "storage_unavailable",
      `Cannot write ${path}: ${(error as Error).message}. Check that its folder exists and can be written to.`,
      { file: path },
    );
  }
}

/** The copy is on disk, not only in the system's memory. */
async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function fromJson<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
