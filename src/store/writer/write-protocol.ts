/**
 * What the main thread and the writer say to each other. Plain data, because it crosses a thread.
 */

import type { SessionEnd, SessionSignal, SessionStart, StartedSession } from "../../engine/ports.js";
import type { Location } from "../location.js";
import type { SpoolEntry } from "../spool/spool-entries.js";

/** A value bound to a statement. */
export type Value = number | string | null | boolean;

/** One statement of a transaction. */
export interface WriteStatement {
  readonly sql: string;
  readonly params: readonly Value[];
  /** if given, the transaction is rolled back as a conflict unless exactly so many rows change */
  readonly changes?: number;
}

/** Runs statements in one transaction; false where one of them found another state, and nothing is written. */
export type Transact = (statements: readonly WriteStatement[]) => Promise<boolean>;

/** One thing to write, all or nothing; or, in its turn among them, to look up. */
export type WriteOperation =
  | { readonly kind: "start"; readonly start: SessionStart }
  | { readonly kind: "find"; readonly sessionId: string }
  | { readonly kind: "end"; readonly end: SessionEnd }
  | { readonly kind: "signal"; readonly signal: SessionSignal }
  | { readonly kind: "replay"; readonly entry: SpoolEntry }
  | {
      readonly kind: "statements";
      readonly statements: readonly WriteStatement[];
      /** what is kept of them while the database is away; default: nothing, they fail */
      readonly spooledAs?: SpoolEntry;
    };

/** What became of an operation, once its transaction is on disk. */
export type Outcome =
  /** `recorded`: stored as it was asked for */
  | { readonly status: "recorded" | "duplicate" | "late" | "unknown-session" }
  /** on disk beside the database, to be stored once that is back */
  | { readonly status: "spooled" }
  /** of a start that was spooled: this database has no such project or config */
  | { readonly status: "unknown-place" }
  /** of a session that was stored before, or is stored otherwise than its start asked for */
  | { readonly status: "started"; readonly session: StartedSession }
  | { readonly status: "mismatch"; readonly stored: number | null; readonly received: number | null }
  | { readonly status: "conflict"; readonly index: number }
  | { readonly status: "failed"; readonly message: string };

/** The outcome of nearly everything: one object, which costs little to send many times. */
export const RECORDED: Outcome = { status: "recorded" };

/**
 * What a commit waits for: `full`, the disk, so that an acknowledged write survives a loss of power; `relaxed`, the
 * operating system, so that it survives the end of the process alone.
 */
export type Durability = "full" | "relaxed";

/** Main thread to writer. */
export type WriterRequest =
  | {
      readonly type: "open";
      readonly location: Location;
      readonly migrationsFolder: string;
      readonly patienceMs: number;
      readonly durability: Durability;
    }
  | {
      readonly type: "apply";
      /** see `pack` */
      readonly operations: string;
      /** one that fails takes those of its turn along that are sent already; null for one that stands by itself */
      readonly turn: number | null;
    }
  | { readonly type: "close" };

/** An error on its way across the thread. */
export interface WireError {
  /** the code of a DethroneError or of SQLite */
  readonly code: string;
  readonly message: string;
}

/** Writer to main thread: one reply a request, in order. */
export type WriterReply =
  /** the outcomes that are not `recorded`, by the places of their operations */
  | { readonly type: "done"; readonly others: ReadonlyMap<number, Outcome> }
  | { readonly type: "error"; readonly error: WireError };
