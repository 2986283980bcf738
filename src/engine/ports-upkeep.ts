/**
 * What the upkeep of a database asks of its store: checks, archives, erasure, copies.
 */
import type { Breakdown } from "../core/decision/breakdown.js";
import type { JsonObject } from "../core/errors.js";
import type { ArmCounts, AuditEntry } from "./ports.js";
import type { FoldRow } from "./ports-session.js";

/** A file on disk. */
export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

/** The database as it sees itself. */
export interface DatabaseFacts {
  /** of a file; of a server the URL, without secrets */
  readonly path: string;
  readonly bytes: number;
  /** 0 where it is not a file of this machine */
  readonly walBytes: number;
  readonly pageBytes: number;
  readonly freePages: number;
  /** migrations applied, and how many this version of the package has */
  readonly schema: { readonly applied: number; readonly known: number };
  /** what it finds damaged of itself, the first ten; empty where all is well */
  readonly damages: readonly string[];
  /** rows whose reference leads nowhere, by table */
  readonly danglingRows: readonly { readonly table: string; readonly rows: number }[];
  /** outcomes that wait beside the database to be stored */
  readonly spoolFiles: readonly StoredFile[];
}

/** How much is stored, and how old it is. */
export interface StoredCounts {
  readonly projects: number;
  readonly experiments: number;
  readonly sessions: number;
  readonly signals: number;
  /** sessions whose window has ended, and that nothing has settled */
  readonly overdue: number;
  /** end of the oldest window of these */
  readonly oldestOverdueAtMs: number | null;
  /** the last trace of a job: a checkpoint, a decision, a settling by window */
  readonly lastTickAtMs: number | null;
  readonly expiredLeases: readonly StuckLease[];
}

/** A lease that its holder has not given back in time. */
export interface StuckLease {
  readonly name: string;
  readonly holder: string;
  readonly expiresAtMs: number;
}

/** Something that must hold, and the rows for which it does not. */
export interface BrokenRule {
  readonly rule: InvariantRule;
  /** what breaks it: ids at the edge, the first ten */
  readonly subjects: readonly string[];
}

/** What must hold in every database. */
export type InvariantRule =
  | "one-champion-arm"
  | "buckets-sum"
  | "folded-sequence"
  | "one-terminal-decision"
  | "champion-reigns"
  | "unit-has-session"
  | "archive-complete";

/** An experiment that runs, and how it gets on. */
export interface RunningFacts {
  readonly project: string;
  readonly experiment: string;
  readonly isPaused: boolean;
  readonly isAwaitingApproval: boolean;
  readonly startedAtMs: number;
  /** when its evidence last grew; null where it never has */
  readonly foldedAtMs: number | null;
  readonly lastSessionAtMs: number | null;
  /** settled units that nothing has folded, however it waits for others; at most a thousand are counted */
  readonly unfolded: number;
}

/** What is kept of an experiment whose sessions are deleted. */
export interface Archive {
  readonly experimentId: number;
  readonly unitCount: number;
  /** assignment sequence of the last unit; 0 without any */
  readonly lastSeq: number;
  /** the last link of the chain of hashes over the units */
  readonly hash: string;
  /** null until all units are archived */
  readonly sealedAtMs: number | null;
  /** as reported last before the sessions went; null until it is sealed */
  readonly counts: readonly ArmCounts[] | null;
  readonly breakdown: readonly Breakdown[] | null;
}

/** Sessions that go together: of one experiment, or of none, in one project. */
export interface PruneScope {
  readonly projectId: number;
  /** null: sessions outside of experiments */
  readonly experimentId: number | null;
  /** outside of experiments: only sessions settled before */
  readonly settledBeforeMs: number;
}

/** What a batch deleted, or would. */
export interface PruneCount {
  readonly sessions: number;
  readonly signals: number;
}

/** What is replaced when a unit is forgotten. */
export interface Redaction {
  readonly seq: number;
  readonly sessionId: string;
  readonly newSessionId: string;
  readonly experimentId: number | null;
  readonly unit: string | null;
  /** null outside of an experiment */
  readonly newUnit: string | null;
  /** what the guardrails of its experiment need */
  readonly context: JsonObject | null;
  /** whether its outcome can still arrive under the old id: then it leaves the evidence */
  readonly isOpen: boolean;
}

/** A session of a unit, as far as forgetting it needs to know. */
export interface UnitSession {
  readonly seq: number;
  readonly id: string;
  readonly projectId: number;
  readonly experimentId: number | null;
  readonly unit: string | null;
  readonly context: JsonObject | null;
  readonly isSettled: boolean;
}

/** Where a unit is named besides its sessions. */
export interface UnitTraces {
  /** internal ids of experiments that have its arm, and those that gave it one by hand */
  readonly experimentIds: readonly number[];
  readonly overrideExperimentIds: readonly number[];
  /** entries of the audit log that name it */
  readonly auditEntries: readonly UnitAuditEntry[];
}

/** An entry of the audit log that names a unit. */
export interface UnitAuditEntry {
  readonly id: number;
  readonly projectId: number;
  readonly reason: string | null;
  readonly details: JsonObject;
}

/** All that is written when a unit is forgotten, in one transaction. */
export interface Forgetting {
  readonly unit: string;
  readonly redactions: readonly Redaction[];
  /** the name that takes the unit's place, by experiment */
  readonly newUnits: ReadonlyMap<number, string>;
  readonly overrideExperimentIds: readonly number[];
  readonly auditEntries: readonly UnitAuditEntry[];
  readonly audit: readonly { readonly projectId: number; readonly entry: AuditEntry }[];
}

/** A copy of the database. */
export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
}

/** Upkeep of one database. Whatever takes long runs beside the host's event loop. */
export interface UpkeepStore {
  /** @param isThorough check every row and index, instead of the structure alone */
  facts(input: { readonly isThorough: boolean }): Promise<DatabaseFacts>;
  counts(nowMs: number): Promise<StoredCounts>;
  brokenRules(): Promise<BrokenRule[]>;
  running(): Promise<RunningFacts[]>;

  archive(experimentId: number): Promise<Archive | null>;
  /** Archived units after `afterSeq`, a page at most; empty after the last. */
  archivedRows(experimentId: number, afterSeq: number): Promise<FoldRow[]>;
  /** Adds units to an archive that is still as it was read; whether it did. */
  addToArchive(input: {
    readonly experimentId: number;
    readonly previous: Archive | null;
    readonly rows: readonly FoldRow[];
    readonly hash: string;
  }): Promise<boolean>;
  /** From now on the archive stands for the sessions. Whether it was still as it was read, and not sealed. */
  sealArchive(input: {
    readonly archive: Archive;
    readonly counts: readonly ArmCounts[];
    readonly breakdown: readonly Breakdown[];
    readonly atMs: number;
  }): Promise<boolean>;
  /** Of each arm, the champion's first. */
  armCounts(experimentId: number): Promise<ArmCounts[]>;
  unsettledCount(experimentId: number): Promise<number>;
  /** How much of a scope there is to delete. */
  prunable(scope: PruneScope): Promise<PruneCount>;
  /** Deletes the oldest sessions of a scope, with their signals, and what remains of the units of its experiment. */
  pruneBatch(scope: PruneScope, limit: number): Promise<PruneCount>;
  addAuditEntry(projectId: number, entry: AuditEntry): Promise<void>;
  /** Bytes of pages in use. */
  usedBytes(): Promise<number>;
  /** @throws DethroneError `not_supported_here` where the database is not a file of this machine */
  assertFile(what: string): void;
  /** Rewrites the file without its free pages; bytes given back. @throws DethroneError `not_supported_here` */
  vacuum(): Promise<number>;

  /** Sessions of the unit, of one project or all, and those that are a part of them. */
  unitSessions(unit: string, projectId: number | null): Promise<UnitSession[]>;
  unitTraces(unit: string, projectId: number | null): Promise<UnitTraces>;
  forget(forgetting: Forgetting): Promise<void>;
  /** Rewrites the file and empties the log beside it, so that nothing deleted can be read from either; whether it could. */
  scrub(): Promise<boolean>;

  /** @throws DethroneError `file_exists`, `database_invalid`, `storage_unavailable`, `not_supported_here` */
  backup(path: string): Promise<BackupFile>;
}
