/**
 * Exposures: what each assignment was, told to the host's own analytics. The engine hands them over through an
 * outlet, so a sink can be slow, throw or reject without the agent noticing.
 */
import type { Role } from "../../core/decision/evidence.js";
import type { Logger } from "../ports.js";

/** One assignment, as told to the sinks. */
export interface Exposure {
  readonly project: string;
  /** id of the experiment */
  readonly experiment: string;
  /** id of the session */
  readonly session: string;
  readonly arm: Role;
  /** its arm's place in the experiment: 0 the champion's, j the j-th challenger's */
  readonly place: number;
  /** SHA-256 of the config served */
  readonly config: string;
  /** label of the config served */
  readonly label: string | null;
  readonly unit: string | null;
  /** of the arm at assignment, in [0, 1] */
  readonly share: number;
  readonly requestId: string | null;
  /** whether an override chose the arm: such a session is never evidence */
  readonly isOverride: boolean;
  /** whether the session may become evidence */
  readonly isEvidence: boolean;
  /** why it may not: `repeat`, `override`, `unconfirmed`, `share`, ...; null where it may */
  readonly excluded: string | null;
  /** id of the session it all began with, where services call each other */
  readonly root: string | null;
  readonly atMs: number;
}

/** Where exposures go. */
export interface ExposureSink {
  /** Takes one exposure, which is frozen. What it throws or rejects with is counted and never reaches the agent. */
  expose(exposure: Exposure): void | Promise<void>;
}

/** A sink that keeps what it is told, for tests. */
export interface RecordingSink extends ExposureSink {
  /** in the order told; one array throughout, which goes on growing */
  readonly exposures: readonly Exposure[];
  expose(exposure: Exposure): void;
  /** Forgets them. */
  clear(): void;
}

/**
 * A sink that writes one `info` line an exposure, with its fields.
 *
 * @example
 * logSink(logger).expose(exposure); // logger.info({ project: "support", arm: "challenger", ... }, "exposure")
 */
export function logSink(logger: Logger): ExposureSink {
  // Returned, because a logger that is asynchronous after all may reject, and then somebody must be there to hear it.
  return { expose: (exposure) => logger.info({ ...exposure }, "exposure") };
}

/**
 * A sink that keeps every exposure in memory, for tests.
 *
 * @example
 * const sink = recordingSink();
 * sink.expose(exposure);
 * sink.exposures.length; // 1
 */
export function recordingSink(): RecordingSink {
  const exposures: Exposure[] = [];
  return {
    exposures,
    expose: (exposure) => void exposures.push(exposure),
    clear: () => void exposures.splice(0),
  };
}

/**
 * A sink that drops everything.
 *
 * @example
 * noopSink().expose(exposure); // nothing happens
 */
export function noopSink(): ExposureSink {
  return { expose: () => undefined };
}

/**
 * A sink that calls a function with each exposure.
 *
 * @example
 * callbackSink(({ unit, arm }) => analytics.track("exposure", { unit, arm }));
 */
export function callbackSink(fn: (exposure: Exposure) => void | Promise<void>): ExposureSink {
  return { expose: (exposure) => fn(exposure) };
}
