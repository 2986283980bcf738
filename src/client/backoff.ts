/**
 * How long to wait before trying again: exponential with full jitter, so that many clients of a server that comes back do
 * not come back all at once.
 *
 * *Source*: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

const BASE_MS = 100;
const CEILING_MS = 5000;

/** What a wait depends on. */
export interface Backoff {
  /** failures so far without a success between, >= 1 */
  readonly attempt: number;
  /** what the server has asked for, in milliseconds; 0 for nothing */
  readonly leastMs: number;
  /** uniform in [0, 1) */
  readonly random: number;
}

/** The wait in milliseconds: what the server has asked for, and a random part of 100 ms doubled with each failure, to 5 s. */
export function backoffMs({ attempt, leastMs, random }: Backoff): number {
  return leastMs + random * Math.min(CEILING_MS, BASE_MS * 2 ** attempt);
}
