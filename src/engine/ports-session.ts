/**
 * Sessions and signals on their way into the store and out of it.
 */

import type { JsonObject } from "../core/errors.js";
import type { ScoringSignal, Settlement, SignalKind } from "../core/sessions/score.js";
import type { StoredConfig } from "./ports-experiment.js";

/**
 * Why a session may not become evidence. Within the experiment: `repeat` (a later session of its unit), `override` (its
 * unit was given an arm by hand), `forced` (by a test of the host), `unconfirmed` (the store did not answer in time),
 * `share` (a share at which nothing is random), `assigned` (a rule gave it its arm, not chance), `forgotten` (its unit was, before it had settled). Outside, under the champion: `holdout`, `audience` (not among those who
 * take part), `exclusive` (its unit takes part in another experiment of the group), `dropped` (its unit's challenger is
 * out of the contest). Outside, under whatever config it had: `elsewhere` (another system has recorded it).
 */
export type Exclusion =
  | "repeat"
  | "override"
  | "forced"
  | "unconfirmed"
  | "share"
  | "assigned"
  | "forgotten"
  | "holdout"
  | "audience"
  | "exclusive"
  | "dropped"
  | "elsewhere";

/** The start record of a session, as queued before the runner is called. */
export interface SessionStart {
  readonly id: string;
  readonly projectId: number;
  readonly configId: number;
  readonly experimentId: number | null;
  readonly armId: number | null;
  readonly unit: string | null;
  /** the challengers' shares at assignment, in the order of their arms */
  readonly shares: readonly number[] | null;
  readonly excluded: Exclusion | null;
  /** whether the unit must not take part in another experiment of the group */
  readonly isExclusive: boolean;
  /** JSON text */
  readonly context: string | null;
  /** the session that this one is a part of, in this project or another; null for none */
  readonly root: string | null;
  readonly startedAtMs: number;
  readonly windowEndsAtMs: number;
  /** whether the id may already be stored: then the stored session is returned and nothing is written */
  readonly mayExist: boolean;
}

/** A session as stored at its start. Outside of the experiment, the experiment and the arm are null. */
export interface StartedSession
  extends Pick<
    SessionStart,
    "id" | "projectId" | "configId" | "experimentId" | "armId" | "unit" | "excluded" | "root"
  > {
  readonly isNew: boolean;
  /** of a stored session: its arm's place (0 the champion's) and its experiment's id at the edge */
  readonly arm: number | null;
  readonly experimentUid: string | null;
}

/** The end of a session, as accepted. */
export interface SessionEnd {
  readonly sessionId: string;
  readonly atMs: number;
  /** in [0, 1]; null leaves the score to the signals */
  readonly score: number | null;
}

/** What became of an acknowledged end. */
export interface EndReceipt {
  /**
   * `recorded`, `duplicate` (the same end again), `late` (after the window; changes nothing), or `spooled`: the database
   * is away; it is on disk beside it, and which of the others it is will turn out when the database is back
   */
  readonly status: "recorded" | "duplicate" | "late" | "spooled";
}

/** A signal, as accepted. */
export interface SessionSignal {
  readonly sessionId: string;
  readonly key: string;
  readonly name: string;
  readonly value: number;
  readonly kind: SignalKind | null;
  readonly source: string | null;
  readonly atMs: number;
}

/** What became of an acknowledged signal. */
export interface SignalReceipt {
  /** `recorded`, `duplicate` (same key and body), `late` (kept and shown, never counted), or `spooled` as an end is */
  readonly status: "recorded" | "duplicate" | "late" | "spooled";
}

/** What waits beside the database until that is back. */
export interface SpoolState {
  /** starts, ends and signals that are kept there */
  readonly rows: number;
  readonly bytes: number;
  /** whether they are being stored */
  readonly isDraining: boolean;
  /** entries that could not be stored: damaged, or of a project or session that is gone with its database */
  readonly lost: number;
}

/**
 * What sessions are recorded in: the part of the {@link Store} that a process without the database has too. Methods that
 * record enqueue at once and in order, and resolve when the row is on disk.
 */
export interface SessionStore {
  /** Null where the database is away: the start is on disk beside it, and will be stored as it was served, as no evidence. */
  startSession(start: SessionStart): Promise<StartedSession | null>;
  /** The session of an id, also one whose start is still queued here; null where there is none. Writes nothing. */
  findSession(id: string): Promise<StartedSession | null>;
  endSession(end: SessionEnd): Promise<EndReceipt>;
  addSignal(signal: SessionSignal): Promise<SignalReceipt>;
  /** Takes a queued, unsettled session out of the evidence; `served` corrects what it was truly served. */
  excludeSession(input: {
    sessionId: string;
    served: Pick<SessionStart, "projectId" | "configId" | "experimentId" | "armId"> | null;
  }): Promise<void>;
  /** Resolves when everything queued so far is on disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
  queueLength(): number;
  /** Stores what was kept while the database was away, by processes that are gone too; how many entries. */
  recover(): Promise<number>;
  spool(): SpoolState;
  /** Whether what is recorded now is kept beside the database. */
  isSpooling(): boolean;
  /**
   * False once the writer has stopped for good; then the store has to be opened anew. This one goes on keeping what is
   * recorded until it is closed.
   */
  isAlive(): boolean;
  /** Whether the queue takes one more session, its end included. */
  hasRoom(): boolean;
  configById(id: number): Promise<StoredConfig | null>;
}

/** A session whose window has closed unsettled. */
export interface DueSession {
  readonly seq: number;
  readonly experimentId: number | null;
  readonly windowEndsAtMs: number;
  readonly hasEnded: boolean;
  readonly signals: readonly ScoringSignal[];
}

/** A session with its score fixed. */
export interface SettledSession {
  readonly seq: number;
  readonly settledAtMs: number;
  readonly settlement: Settlement;
  /** the settlement holds only if the session still has this many counted signals and this end */
  readonly signalCount: number;
  readonly hasEnded: boolean;
}

/** One settled session of an experiment, in assignment order. */
export interface FoldRow {
  readonly seq: number;
  /** 0 the champion, j the j-th challenger */
  readonly arm: number;
  readonly shares: readonly number[];
  readonly score: number | null;
  readonly context: JsonObject | null;
  /** null where only its archive is left */
  readonly startedAtMs: number | null;
  /** from start to end; null where it never ended */
  readonly durationMs: number | null;
  /** counted signals, in the order of their acceptance; empty unless asked for */
  readonly signals: readonly ScoringSignal[];
}
