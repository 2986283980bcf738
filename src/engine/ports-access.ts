/**
 * What people and other processes look through and how they are let in: sessions, decisions and the audit log page by
 * page, keys, and answers that are kept for a repeated request.
 */
import type { JsonObject } from "../core/errors.js";
import type { SignalKind } from "../core/sessions/score.js";
import type {
  Checkpoint,
  DecisionRecord,
  ProjectConfig,
  StoredConfig,
  StoredExperiment,
} from "./ports-experiment.js";
import type { Exclusion } from "./ports-session.js";

/** Which sessions are looked for; all that is given must hold. */
export interface SessionQuery {
  readonly id?: string | undefined;
  /** keys of the projects that may be looked into; null for all */
  readonly projects: readonly string[] | null;
  readonly unit?: string | undefined;
  /** id of the experiment */
  readonly experiment?: string | undefined;
  /** the arm's place: 0 the champion's, j the j-th challenger's */
  readonly arm?: number | undefined;
  /** started at or after, in milliseconds since the epoch */
  readonly sinceMs?: number | undefined;
  /** started before */
  readonly untilMs?: number | undefined;
  /** only sessions assigned before this one; for the next page */
  readonly beforeSeq?: number | undefined;
  readonly limit: number;
}

/** A session as a list of sessions tells of it. */
export interface FoundSession {
  /** assignment order */
  readonly seq: number;
  readonly id: string;
  readonly project: string;
  readonly experiment: string | null;
  /** place of its arm; null outside of an experiment */
  readonly arm: number | null;
  /** hash of its config */
  readonly config: string;
  readonly unit: string | null;
  readonly root: string | null;
  readonly isEvidence: boolean;
  readonly excluded: Exclusion | null;
  readonly startedAtMs: number;
  readonly windowEndsAtMs: number;
  readonly endedAtMs: number | null;
  readonly settledAtMs: number | null;
  /** in [0, 1]; null before it settles, and where it is missing */
  readonly score: number | null;
  readonly isMissing: boolean;
  readonly isAbandoned: boolean;
}

/** A signal as stored. */
export interface FoundSignal {
  readonly key: string;
  readonly name: string;
  readonly value: number;
  readonly kind: SignalKind | null;
  readonly source: string | null;
  readonly acceptedAtMs: number;
  /** kept and shown, never counted */
  readonly isLate: boolean;
}

/** What is stored of one session besides what a list tells. */
export interface SessionParts {
  readonly context: JsonObject | null;
  readonly shares: readonly number[] | null;
  readonly configBody: JsonObject;
  readonly configLabel: string | null;
  /** in the order of their acceptance */
  readonly signals: readonly FoundSignal[];
  /** ids of the sessions that are a part of it, in this project or another, the first 100 */
  readonly parts: readonly string[];
}

/** A project as the overview of all of them needs it. */
export interface ProjectHead {
  readonly key: string;
  readonly champion: Pick<StoredConfig, "hash" | "body"> & Pick<ProjectConfig, "label">;
  readonly createdAtMs: number;
  readonly holdoutBuckets: number;
  readonly draftCount: number;
  /** sessions since the time asked for, of the newest 100,000 in the database */
  readonly sessionCount: number;
  /** end of the first window that has closed without its session being settled; null where none has */
  readonly overdueSinceMs: number | null;
}

/** An experiment, and what is folded of it. */
export interface Occupant {
  readonly experiment: StoredExperiment;
  readonly checkpoint: Checkpoint;
}

/** A decision without what it was made from. */
export interface DecisionHead
  extends Pick<
    DecisionRecord,
    | "uid"
    | "isTerminal"
    | "verdict"
    | "reason"
    | "sessionCount"
    | "arm"
    | "engineVersion"
    | "actor"
    | "note"
    | "decidedAtMs"
  > {
  /** order of storage */
  readonly id: number;
  readonly experiment: string;
  readonly project: string;
}

/** One line of the audit log, with where it belongs. */
export interface EventEntry {
  /** order of storage, over all projects */
  readonly id: number;
  readonly project: string;
  /** id of the experiment; null where it is of the project alone */
  readonly experiment: string | null;
  readonly action: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly details: JsonObject;
  readonly atMs: number;
}

/** What a stored session is of. */
export interface StoredSessionHead {
  readonly projectId: number;
  readonly configId: number;
  readonly isSettled: boolean;
  readonly windowEndsAtMs: number;
}

/** What is looked through. Whatever may take long runs beside the host's event loop. */
export interface BrowseStore {
  /** All projects by their keys, in as many queries whatever their number. */
  projectHeads(input: { readonly sinceMs: number; readonly nowMs: number }): Promise<ProjectHead[]>;
  occupants(): Promise<Occupant[]>;
  /** Newest first. */
  sessions(query: SessionQuery): Promise<FoundSession[]>;
  /** Keys of the projects that sessions are of, by the sessions' ids. */
  projectsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Those of the ids that are stored, and as what. */
  storedSessions(ids: readonly string[]): Promise<ReadonlyMap<string, StoredSessionHead>>;
  sessionParts(session: FoundSession): Promise<SessionParts>;
  /** Newest first. */
  decisionHeads(input: {
    readonly projects: readonly string[] | null;
    readonly experiment: string | null;
    readonly beforeId: number;
    readonly limit: number;
  }): Promise<DecisionHead[]>;
  /** Entries after an id, oldest first; the newest, oldest first, where it is null. */
  events(input: {
    readonly afterId: number | null;
    readonly projects: readonly string[] | null;
    readonly limit: number;
  }): Promise<EventEntry[]>;
  /** Entries of one project before an id, newest first. */
  history(input: {
    readonly project: string;
    readonly beforeId: number;
    readonly limit: number;
  }): Promise<EventEntry[]>;
}

/** What a key lets its holder do. No scope contains another: a key lists all of its own. */
export type Scope = "read" | "record" | "admin";

/** A key as stored: its hash, never the key. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the key, in hexadecimal */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  /** keys of the projects it is for; null for all */
  readonly projects: readonly string[] | null;
  readonly createdAtMs: number;
  /** null: it does not expire */
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** to the hour; null where it has never been used */
  readonly lastUsedAtMs: number | null;
}

/** A request that names itself, so that its repetition gets the same answer. */
export interface ReplyKey {
  /** id of the key it came with; empty where the server is open */
  readonly keyId: string;
  readonly idempotencyKey: string;
}

/** What is kept of such a request. */
export interface StoredReply {
  /** SHA-256 of method, path and body */
  readonly fingerprint: string;
  /** null while it is being answered */
  readonly status: number | null;
  readonly body: string | null;
  readonly startedAtMs: number;
}

/** Keys, and the answers kept for repeated requests. */
export interface AccessStore {
  addKey(key: StoredKey): Promise<boolean>;
  /** Oldest first. */
  keys(): Promise<StoredKey[]>;
  keyByHash(hash: string): Promise<StoredKey | null>;
  /** Revokes a key that is not revoked yet; whether it did. */
  revokeKey(input: { readonly id: string; readonly atMs: number }): Promise<boolean>;
  noteKeyUse(input: { readonly id: string; readonly atMs: number }): Promise<void>;

  reply(key: ReplyKey): Promise<StoredReply | null>;
  /** Takes the place of a request that is about to be answered, forgetting those from before a time; whether it was free. */
  beginReply(
    input: ReplyKey & {
      readonly fingerprint: string;
      readonly atMs: number;
      readonly forgetBeforeMs: number;
    },
  ): Promise<boolean>;
  finishReply(input: ReplyKey & { readonly status: number; readonly body: string }): Promise<void>;
  /** Gives the place back: the request may be tried again. */
  dropReply(key: ReplyKey): Promise<void>;
}
