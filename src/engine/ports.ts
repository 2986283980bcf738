/**
 * What the engine asks of the world: a store, a clock, ids, a logger. The store implements {@link Store}; tests and
 * backtests bring their own clock and ids.
 */

import type { BudgetTerms } from "../core/decision/budget.js";
import type { Reason, Verdict } from "../core/decision/decide.js";
import type { Role } from "../core/decision/evidence.js";
import type { LiveCount } from "../core/decision/fuse.js";
import type { ExperimentStatus } from "../core/decision/life-cycle.js";
import type { Policy } from "../core/decision/policy.js";
import type { JsonObject } from "../core/errors.js";
import type { Assign } from "../core/sessions/assign.js";
import type { AccessStore, BrowseStore, Occupant } from "./ports-access.js";
import type {
  Checkpoint,
  DecisionRecord,
  Description,
  ExperimentTerms,
  NewConfig,
  ProjectConfig,
  ProjectState,
  Reign,
  RevisionFields,
  StoredArm,
  StoredConfig,
  StoredDecision,
  StoredExperiment,
} from "./ports-experiment.js";
import type { EvaluationStore, NewEvaluation } from "./ports-governance.js";
import type { DueSession, FoldRow, SessionStore, SettledSession } from "./ports-session.js";
import type { StudyStore } from "./ports-study.js";
import type { TransferStore } from "./ports-transfer.js";
import type { UpkeepStore } from "./ports-upkeep.js";
import type { WebhookStore } from "./ports-webhooks.js";

export type * from "./ports-access.js";
export type * from "./ports-experiment.js";
export type * from "./ports-governance.js";
export type * from "./ports-session.js";
export type * from "./ports-study.js";
export type * from "./ports-transfer.js";
export type * from "./ports-upkeep.js";
export type * from "./ports-webhooks.js";

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

/** How an experiment was tested and how it ended; null verdict and reason while it has not. */
export interface StoredRuling {
  readonly policy: Policy;
  readonly startedAtMs: number;
  readonly verdict: Verdict | null;
  readonly reason: Reason | null;
  /** what gave its sessions their arms; null: chance, without which nothing is tested */
  readonly assign: Assign | null;
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

/** What changes of an arm. */
export interface ArmChange extends Pick<StoredArm, "id" | "bucketCount" | "out"> {}

/** A change of an experiment, of its project's champion, or both, in one transaction. What is left out stays. */
export interface ExperimentChange {
  readonly experiment: StoredExperiment;
  readonly status: ExperimentStatus;
  /** the promotion that waits for a person from now on; null for none */
  readonly awaiting: { readonly seq: number; readonly arm: number } | null;
  readonly checkpoint?: { readonly previousVersion: number; readonly next: Checkpoint } | null;
  readonly decision?: DecisionRecord | null;
  readonly evaluation?: NewEvaluation | null;
  /** arms for the sessions to come */
  readonly arms?: readonly ArmChange[] | null;
  /** a change in flight that takes effect with the next session */
  readonly revision?: RevisionFields | null;
  /** the new champion */
  readonly champion?: { readonly configId: number; readonly cause: "promoted" | "rollback" } | null;
  /** the watch that follows a promotion */
  readonly watch?: NewExperiment | null;
  readonly audit: readonly AuditEntry[];
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

/** Where a running experiment stands: what a tick would find can only change with it, or with time. */
export interface Pulse {
  readonly projectKey: string;
  readonly experimentUid: string;
  readonly version: number;
  /** assignment sequence of its newest session; 0 without any */
  readonly newestSeq: number;
  /** of its first evidence session that has not settled; null where all have */
  readonly firstOpenSeq: number | null;
  /** of the database: whether any signal has been stored */
  readonly newestSignalId: number;
  readonly startedAtMs: number | null;
  readonly maxDurationMs: number | null;
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

/** A challenger on its way in. */
interface NewChallenger {
  readonly config: NewConfig;
  readonly label: string | null;
  readonly bucketCount: number;
}

/** An experiment on its way in: running, or a draft. */
export interface NewExperiment extends Omit<ExperimentTerms, "queuePosition"> {
  /** `last`: after all that are in the queue when it is written */
  readonly queuePosition: number | "last" | null;
  readonly uid: string;
  readonly projectId: number;
  readonly status: "running" | "draft";
  readonly champion: StoredConfig;
  readonly challengers: readonly NewChallenger[];
  readonly audit: AuditEntry;
  readonly atMs: number;
}

/** A session that a unit was given by hand. */
export interface Override {
  readonly unit: string;
  /** the arm's place: 0 the champion */
  readonly arm: number;
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
}

/**
 * The one repository. Methods that record enqueue at once and in order, and resolve when the row is on disk; methods
 * that change the state of experiments return `false` where a compare-and-set found another state.
 */
export interface Store extends SessionStore {
  projectState(key: string): Promise<ProjectState | null>;
  projectKeys(): Promise<string[]>;
  /** Creates the project if its key is free; whether it did. */
  createProject(input: {
    key: string;
    champion: NewConfig;
    label: string | null;
    audit: AuditEntry;
    atMs: number;
  }): Promise<boolean>;
  /** Holds units out, from the next experiment on. */
  setHoldout(input: { project: ProjectState; bucketCount: number; audit: AuditEntry }): Promise<boolean>;
  /** Limits the false promotions that may be expected; null takes the limit away. */
  setBudget(input: {
    project: ProjectState;
    budget: BudgetTerms | null;
    audit: AuditEntry;
  }): Promise<boolean>;
  /** Every config that has been the project's champion or challenger, oldest first. */
  projectConfigs(projectId: number): Promise<ProjectConfig[]>;
  /** Adds a config to the project's lineage, unless it is there. */
  addProjectConfig(input: { projectId: number; config: NewConfig; audit: AuditEntry }): Promise<void>;
  /** Names a config of the project; null takes its name away. False where the name is taken. */
  labelConfig(input: {
    projectId: number;
    configId: number;
    label: string | null;
    audit: AuditEntry;
  }): Promise<boolean>;
  /** Who was champion when, oldest first. */
  reigns(projectId: number): Promise<Reign[]>;

  /**
   * Adds the experiment, if the champion and the holdout are unchanged, nobody has added one that the same challenge
   * stands for after the one of the id `sinceId`, and, to run, the slot is free. Whether it did.
   */
  addExperiment(experiment: NewExperiment, sinceId: number): Promise<boolean>;
  /** Puts another draft in the place of one, or starts it; whether it did. */
  replaceDraft(input: { draft: StoredExperiment; next: NewExperiment }): Promise<boolean>;
  /** Drafts of all projects that are to start by now, in the order of their times; of one time, the older one first. */
  dueDrafts(nowMs: number): Promise<StoredExperiment[]>;
  /** Drafts in the queues of projects whose slot is free, in no order; without those that start at a time. */
  queuedDrafts(): Promise<StoredExperiment[]>;
  /**
   * Puts drafts into this order, and takes the moved one out of the queue where it is none of them; whether all of them
   * were as they were read. Those that came in meanwhile stay behind them.
   */
  orderQueue(input: {
    moved: StoredExperiment;
    order: readonly StoredExperiment[];
    audit: AuditEntry;
  }): Promise<boolean>;
  describeExperiment(input: {
    experiment: StoredExperiment;
    description: Description;
    audit: AuditEntry;
  }): Promise<boolean>;
  /** Archives an experiment that has ended; whether it did. */
  archiveExperiment(input: { experiment: StoredExperiment; audit: AuditEntry }): Promise<boolean>;
  /** Gives a unit an arm by hand while the experiment lasts; null takes it away. */
  setOverride(input: {
    experiment: StoredExperiment;
    unit: string;
    armId: number | null;
    audit: AuditEntry;
  }): Promise<boolean>;
  overrides(experimentId: number): Promise<Override[]>;
  /** Newest first. */
  experiments(projectKey: string): Promise<StoredExperiment[]>;
  experimentByUid(uid: string): Promise<StoredExperiment | null>;
  /** Experiments by their uids, with what is folded of each. */
  experimentsByUids(uids: readonly string[]): Promise<Occupant[]>;
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

  /** Of one project, or of all. */
  dueSessions(input: { nowMs: number; limit: number; projectKey: string | null }): Promise<DueSession[]>;
  /** Policies of experiments by their internal id, for settling. */
  policies(experimentIds: readonly number[]): Promise<Map<number, Policy>>;
  /** Settles those that are still as they were read. */
  settleSessions(sessions: readonly SettledSession[]): Promise<void>;

  /** Where the running experiments stand, of one project or of all, by their projects' keys. */
  pulses(projectKey: string | null): Promise<Pulse[]>;
  /**
   * Takes or renews a lease, unless another holds it and it has not run out; whether it did. One that would last longer
   * than any is ever given for comes from a clock that is wrong, and holds nobody.
   */
  takeLease(input: { name: string; holder: string; nowMs: number; ttlMs: number }): Promise<boolean>;
  releaseLease(input: { name: string; holder: string }): Promise<void>;

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
  /** The uids of experiments that a signal of failure was stored for, after one signal and up to another, by their ids. */
  failedSince(input: { afterId: number; untilId: number }): Promise<ReadonlySet<string>>;
  /** Scores of the newest settled sessions under a config, oldest first. */
  scores(input: { projectId: number; configId: number; limit: number }): Promise<number[]>;
  /** How much the project has to do, and how well its champion does it. */
  traffic(input: { projectId: number; championConfigId: number; sinceMs: number }): Promise<Traffic>;
  decisions(filter: { uid?: string; experimentId?: number }): Promise<StoredDecision[]>;
  /** How each experiment of a project was tested and ended, oldest first. */
  rulings(projectKey: string): Promise<StoredRuling[]>;
  readonly upkeep: UpkeepStore;
  readonly browse: BrowseStore;
  readonly access: AccessStore;
  readonly evaluations: EvaluationStore;
  readonly webhooks: WebhookStore;
  readonly studies: StudyStore;
  readonly transfer: TransferStore;
  /** Newest first. */
  auditLog(projectId: number, limit: number): Promise<StoredAuditEntry[]>;
}

/** Remembers champions outside of the database, for processes that start while it is away. Never rejects. */
export interface ChampionMemory {
  /** The last champion a process has seen of the project, unchecked; null where there is no telling. */
  recall(project: string): Promise<NewConfig | null>;
  /** Keeps it, in the background. */
  remember(project: string, champion: NewConfig): void;
  /** Resolves when everything so far is kept or given up. */
  flush(): Promise<void>;
}

/** Opens the store, again and again until it works: the engine survives a database that is away. */
export type OpenStore<S extends SessionStore = Store> = (events: StoreEvents) => Promise<S>;

/** What a store tells. */
export interface StoreEvents {
  /** the database has failed to take what was recorded, which is kept beside it; may be said again and again */
  readonly onTrouble: (error: unknown) => void;
  /** another process may have changed a project; may be said for nothing, and need not be said */
  readonly onChange: () => void;
}
