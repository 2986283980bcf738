/**
 * The fuse: live errors that send all traffic back to the champion before any session has settled.
 *
 * It looks at sessions as they arrive, which no test may; but it only ever stops without promoting, and that cannot
 * raise the chance of a false promotion.
 */
import { probGreater } from "../numeric/beta-compare.js";
import type { FusePolicy } from "./policy.js";

/** Signals that say, where they are not 0, that a run failed, whatever it scored. */
export const FAILURE_SIGNALS: readonly string[] = ["error", "timeout"];

/** Sessions of an arm that have finished or timed out so far, settled or not. */
export interface LiveCount {
  readonly sessions: number;
  /** those of them that threw or timed out */
  readonly errors: number;
}

/** How sure it must be that the challenger fails more often than the champion: an outage of both is not its fault. */
const CERTAINTY = 0.99;

/**
 * Whether the fuse blows: enough sessions, too many of them failed, and the champion fails less.
 *
 * @example
 * fuseBlown({ minSessions: 20, errorRate: 0.5 }, { sessions: 200, errors: 2 }, { sessions: 20, errors: 12 }); // true
 * fuseBlown({ minSessions: 20, errorRate: 0.5 }, { sessions: 200, errors: 120 }, { sessions: 20, errors: 12 }); // false
 */
export function fuseBlown(fuse: FusePolicy, champion: LiveCount, challenger: LiveCount): boolean {
  const { sessions, errors } = challenger;
  if (sessions < fuse.minSessions || errors < fuse.errorRate * sessions) return false;
  const fails = {
    aX: 1 + errors,
    bX: 1 + sessions - errors,
    aY: 1 + champion.errors,
    bY: 1 + champion.sessions - champion.errors,
  };
  return probGreater(fails) >= CERTAINTY;
}
