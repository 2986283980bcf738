/**
 * What a process without the database tells of its sessions, and what becomes of it.
 */
import type { DethroneError, JsonObject } from "../../core/errors.js";
import type { SignalKind } from "../../core/sessions/score.js";
import type { EndReceipt, Exclusion, SignalReceipt } from "../ports.js";

/** What another process may say of a session that it has placed by itself; what the store alone knows it cannot. */
type PlacedExclusion = Exclude<Exclusion, "forgotten" | "exclusive" | "dropped" | "elsewhere">;

/** A session that has begun. */
export interface StartOperation {
  readonly type: "start";
  /** made by who began it; unique, and unpredictable enough that its hash is uniform */
  readonly id: string;
  /** key of the project */
  readonly project: string;
  /** hash of the config that it is served */
  readonly config: string;
  /** id of the experiment it was placed by; null where none ran */
  readonly experiment: string | null;
  /** place of its arm; null where no experiment ran */
  readonly arm: number | null;
  readonly unit: string | null;
  /** the challengers' shares it was placed by, in the order of their arms */
  readonly shares: readonly number[] | null;
  readonly excluded: PlacedExclusion | null;
  readonly context: JsonObject | null;
  readonly root: string | null;
  readonly atMs: number;
}

/** An observation about a session; its key makes it safe to repeat. */
interface SignalOperation {
  readonly type: "signal";
  readonly session: string;
  readonly key: string;
  readonly name: string;
  readonly value: number;
  readonly kind: SignalKind | null;
  readonly source: string | null;
  readonly atMs: number;
}

/** The end of a session. */
interface EndOperation {
  readonly type: "end";
  readonly session: string;
  /** in [0, 1]; null leaves the score to the signals */
  readonly score: number | null;
  readonly atMs: number;
}

/** Takes a session out of the evidence: it was served without waiting for what its start would be answered. */
export interface ExcludeOperation {
  readonly type: "exclude";
  readonly session: string;
  /** what it was served, where that need not be what is stored; null where nothing is to be corrected */
  readonly served: ServedAs | null;
}

/** What a session was served. */
export interface ServedAs extends Pick<StartOperation, "project" | "config" | "experiment" | "arm"> {}

/** Asks what is stored of a session, after all that was told before; writes nothing. */
interface LookOperation {
  readonly type: "look";
  readonly session: string;
}

/** What another process tells of its sessions. Times are in milliseconds since the epoch. */
export type Operation = StartOperation | SignalOperation | EndOperation | ExcludeOperation | LookOperation;

/** A session as it is stored, which is what it must be served: its unit may have had an arm before. */
export interface PlacedSession {
  readonly id: string;
  readonly project: string;
  /** null outside of an experiment, as the arm is */
  readonly experiment: string | null;
  readonly arm: number | null;
  readonly unit: string | null;
  readonly excluded: Exclusion | null;
  readonly root: string | null;
  readonly isNew: boolean;
  readonly config: {
    readonly hash: string;
    /** null where it is the config that was named */
    readonly body: JsonObject | null;
  };
}

/** What became of an operation. */
export type OperationResult =
  | { readonly status: "started" | "existing"; readonly session: PlacedSession }
  | { readonly status: EndReceipt["status"] | SignalReceipt["status"] | "excluded" }
  | { readonly status: "failed"; readonly error: DethroneError };
