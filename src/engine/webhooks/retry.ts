/**
 * When a delivery that failed is tried again.
 */

/** Longer, with the least of chance, than an attempt takes: nobody makes the next one meanwhile. */
const BASE_MS = 20_000;
const FACTOR = 3;
/** Nobody is left alone for longer, whatever they ask for. */
export const CEILING_MS = 12 * 3_600_000;

/** Attempts before a delivery is dead: nearly three days after the first. */
export const ATTEMPTS_MAX = 13;

/**
 * The wait in milliseconds after an attempt: 20 s, tripled with each up to 12 hours, a quarter more or less, so that what
 * failed together is not repeated together.
 *
 * @param attempt which it was, >= 1
 * @param random uniform in [0, 1)
 */
export function retryAfterMs(attempt: number, random: number): number {
  const waitMs = Math.min(CEILING_MS, BASE_MS * FACTOR ** (attempt - 1));
  return Math.round(waitMs * (0.75 + 0.5 * random));
}
