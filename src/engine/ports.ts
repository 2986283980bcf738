/**
 * What the engine asks of the world: a store, a clock, ids, a logger. The store implements {@link Store}; tests and
 * backtests bring their own clock and ids.
 */

import type { Reason, Verdict } from "../core/decision/decide.js";
import type { Evaluation } from "../core/decision/evaluation.js";
import type { Evidence, Role } from "../core/decision/evidence.js";
import type { LiveCount } from "../core/decision/fuse.js";
import type { ExperimentStatus } from "../core/decision/life-cycle.js";
import type { Policy } from "../core/decision/policy.js";
import type { ShareRule } from "../core/decision/share-rule.js";
import type { JsonObject } from "../core/errors.js";
import type { HashVersion } from "../core/sessions/assignment.js";
import type {
  DueSession,
  EndReceipt,
  FoldRow,
  SessionEnd,
  SessionSignal,
  SessionStart,
  SettledSession,
  SignalReceipt,
  StartedSession,
} from "./ports-session.js";

export type {
  DueSession,
  EndReceipt,
  Exclusion,
  FoldRow,
  SessionEnd,
  SessionSignal,
  SessionStart,
  SettledSession,
  SignalReceipt,
  StartedSession,
} from "./ports-session.js";

/** Where time comes from. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  /** Runs `fn` once after `ms`, without keeping the process alive; returns what cancels it. */
  after(ms: number, fn: () => void): () => void;
}

/** Where ids come from. */
export interface IdSource {
  /** A new id, unique, and unpredictable enough that its hash is uniform. */
  next(): string;
}

/** Where messages go; pino has this shape. A logger that throws is ignored. */
export interface Logger {
  debug(fields: JsonObject, message: string): void;
  info(fields: JsonObject, message: string): void;
  warn(fields: JsonObject, message: string): void;
  error(fields: JsonObject, message: string): void;
}

/** A config and its identity. */
export interface StoredConfig {
  readonly id: number;
  readonly hash: string;
  readonly body: JsonObject;
}

/** A config on its way in. */
export interface NewConfig {
  readonly hash: string;
  readonly body: JsonObject;
}

/** An arm as stored. */
export interface StoredArm {
  readonly id: number;
  readonly role: Role;
  readonly bucketCount: number;
  readonly config: StoredConfig;
}

/** What may change while an experiment runs. A field left out stays as it was. */
export interface RevisionFields {
  readonly horizon?: number;
  readonly futility?: Policy["futility"];
  readonly minPerArm?: number;
  readonly shareRule?: ShareRule;
}

/** A change in flight: it holds for sessions from `fromSeq` on, never for earlier ones. */
export interface Revision {
  readonly fromSeq: number;
  readonly fields: RevisionFields;
  readonly atMs: number;
}

/** An experiment as stored, with its arms and configs. */
export interface StoredExperiment {
  readonly id: number;
  readonly uid: string;
  readonly projectId: number;
  readonly projectKey: string;
  readonly status: ExperimentStatus;
  readonly version: number;
  readonly champion: StoredConfig;
  readonly challenger: StoredConfig;
  readonly arms: readonly StoredArm[];
  readonly again: string;
  readonly hashVersion: HashVersion;
  /** as at its start; {@link Revision} says what has changed since */
  readonly policy: Policy;
  /** SHA-256 of the part of the policy that never changes */
  readonly policyHash: string;
  readonly shareRule: ShareRule;
  /** the challenger's share its tests were planned with */
  readonly planShare: number;
  /** oldest first */
  readonly revisions: readonly Revision[];
  readonly promotion: "auto" | "approve";
  readonly awaitingSeq: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** A project with all that routing needs. */
export interface ProjectState {
  readonly id: number;
  readonly key: string;
  readonly champion: StoredConfig;
  readonly createdAtMs: number;
  /** the experiment in the slot, running or paused */
  readonly experiment: StoredExperiment | null;
}

/** The folded state of an experiment. */
export interface Checkpoint {
  readonly version: number;
  readonly foldedSeq: number;
  readonly evidence: Evidence;
}

/** All a decision was made from, and what it was. */
export interface DecisionRecord {
  readonly uid: string;
  readonly isTerminal: boolean;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly sessionCount: number;
  readonly foldedSeq: number;
  readonly isExpired: boolean;
  readonly policy: Policy;
  readonly planShare: number;
  readonly promotion: "auto" | "approve";
  /** live counts the fuse was asked with, the champion first; null where it was not asked */
  readonly live: readonly LiveCount[] | null;
  readonly evidence: Evidence;
  readonly evaluation: Evaluation;
  readonly engineVersion: string;
  readonly actor: string;
  readonly note: string | null;
  readonly decidedAtMs: number;
}

/** A decision with where it belongs. */
export interface StoredDecision extends DecisionRecord {
  readonly experimentId: number;
  readonly experimentUid: string;
  readonly projectKey: string;
}

/** How an experiment was tested and how it ended; null verdict and reason while it has not. */
export interface StoredRuling {
  readonly policy: Policy;
  readonly verdict: Verdict | null;
  readonly reason: Reason | null;
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly action: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly details: JsonObject;
  readonly atMs: number;
}

/** A stored line of the audit log. */
export interface StoredAuditEntry extends AuditEntry {
  readonly id: number;
  readonly experimentUid: string | null;
}

/** A change of an experiment, of its project's champion, or both, in one transaction. */
export interface ExperimentChange {
  readonly experiment: StoredExperiment;
  readonly status: ExperimentStatus;
  readonly awaitingSeq: number | null;
  /** null leaves the evidence as it is */
  readonly checkpoint: { readonly previousVersion: number; readonly next: Checkpoint } | null;
  readonly decision: DecisionRecord | null;
  /** the challenger's buckets for the sessions to come; null leaves them as they are */
  readonly bucketCount: number | null;
  /** a change in flight that takes effect with the next session; null for none */
  readonly revision: RevisionFields | null;
  /** the new champion, if the change makes one */
  readonly champion: { readonly configId: number; readonly cause: "promoted" | "rollback" } | null;
  readonly audit: AuditEntry | null;
  readonly atMs: number;
}

/** How many sessions of an arm are where. */
export interface ArmCounts {
  readonly role: Role;
  /** all sessions served in the experiment */
  readonly served: number;
  /** served, but never evidence: later sessions of a unit, forced or unconfirmed ones */
  readonly excluded: number;
  readonly unsettled: number;
  readonly missing: number;
  readonly abandoned: number;
  readonly lateSignals: number;
  /** durations of ended sessions in milliseconds */
  readonly durationsMs: readonly number[];
}

/** A project's recent past, as far as planning needs it. */
export interface Traffic {
  /** sessions that would have been units: those of a unit count once */
  readonly units: number;
  /** start of the first of them; null without any */
  readonly firstAtMs: number | null;
  /** settled sessions of the present champion, and the sum of their scores */
  readonly scored: number;
  readonly scoreSum: number;
}

/** An experiment on its way in. */
export interface NewExperiment {
  readonly uid: string;
  readonly projectId: number;
  readonly championConfigId: number;
  readonly challenger: NewConfig;
  readonly again: string;
  readonly hashVersion: HashVersion;
  readonly policy: Policy;
  readonly policyHash: string;
  readonly shareRule: ShareRule;
  readonly bucketCount: number;
  readonly planShare: number;
  readonly promotion: "auto" | "approve";
  readonly audit: AuditEntry;
  readonly atMs: number;
}

/**
 * The one repository. Methods that record enqueue at once and in order, and resolve when the row is on disk; methods
 * that change the state of experiments return `false` where a compare-and-set found another state.
 */
export interface Store {
  startSession(start: SessionStart): Promise<StartedSession>;
  endSession(end: SessionEnd): Promise<EndReceipt>;
  addSignal(signal: SessionSignal): Promise<SignalReceipt>;
  /** Takes a queued, unsettled session out of the evidence; `served` corrects what it was truly served. */
  excludeSession(input: {
    sessionId: string;
    served: { configId: number; armId: number | null } | null;
  }): Promise<void>;
  /** Resolves when everything queued so far is on disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
  queueLength(): number;
  /** False once the writer has stopped for good; then the store has to be opened anew. */
  isAlive(): boolean;
  /** Whether the queue takes one more session, its end included. */
  hasRoom(): boolean;

  projectState(key: string): Promise<ProjectState | null>;
  projectKeys(): Promise<string[]>;
  /** Creates the project if its key is free; whether it did. */
  createProject(input: {
    key: string;
    champion: NewConfig;
    audit: AuditEntry;
    atMs: number;
  }): Promise<boolean>;
  configById(id: number): Promise<StoredConfig | null>;

  /** Starts the experiment if the slot is free and the champion unchanged; whether it did. */
  startExperiment(experiment: NewExperiment): Promise<boolean>;
  /** Newest first. */
  experiments(projectKey: string): Promise<StoredExperiment[]>;
  experimentByUid(uid: string): Promise<StoredExperiment | null>;
  /** Commits the change unless the experiment, its checkpoint or the champion moved meanwhile; whether it did. */
  changeExperiment(change: ExperimentChange): Promise<boolean>;
  /** Changes the champion of a project without an experiment in its slot; whether it did. */
  changeChampion(input: {
    project: ProjectState;
    configId: number;
    cause: "rollback";
    audit: AuditEntry;
    atMs: number;
  }): Promise<boolean>;
  /** The config that reigned before the present one. */
  previousChampion(projectId: number): Promise<StoredConfig | null>;

  /** Of one project, or of all. */
  dueSessions(input: { nowMs: number; limit: number; projectKey: string | null }): Promise<DueSession[]>;
  /** Policies of experiments by their internal id, for settling. */
  policies(experimentIds: readonly number[]): Promise<Map<number, Policy>>;
  /** Settles those that are still as they were read. */
  settleSessions(sessions: readonly SettledSession[]): Promise<void>;

  checkpoint(experimentId: number): Promise<Checkpoint>;
  /** Settled evidence sessions after `afterSeq`, in order, up to the first unsettled one. */
  foldRows(input: {
    experimentId: number;
    afterSeq: number;
    untilSeq?: number;
    limit: number;
    /** whether the rows are to carry their counted signals */
    withSignals: boolean;
  }): Promise<FoldRow[]>;
  /** Finished or timed-out sessions among the newest of the experiment, and how many failed; the champion first. */
  liveCounts(experimentId: number): Promise<LiveCount[]>;
  /** Scores of the newest settled sessions under a config, oldest first. */
  scores(input: { projectId: number; configId: number; limit: number }): Promise<number[]>;
  /** How much the project has to do, and how well its champion does it. */
  traffic(input: { projectId: number; championConfigId: number; sinceMs: number }): Promise<Traffic>;
  armCounts(experimentId: number): Promise<ArmCounts[]>;
  decisions(filter: { uid?: string; experimentId?: number }): Promise<StoredDecision[]>;
  /** How each experiment of a project was tested and ended, oldest first. */
  rulings(projectKey: string): Promise<StoredRuling[]>;
  /** Newest first. */
  auditLog(projectId: number, limit: number): Promise<StoredAuditEntry[]>;
}

/** Opens the store, again and again until it works: the engine survives a database that is away. */
export type OpenStore = () => Promise<Store>;
