/**
 * Durations as people write them.
 */

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };

/** Longest duration that is accepted, a year. */
const LONGEST_MS = 365 * DAY_MS;

/** Milliseconds of `30s`, `5m`, `24h`, `14d`; null for anything else, for 0 and for more than a year. */
export function parseDuration(text: string): number | null {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  return ms > 0 && ms <= LONGEST_MS ? ms : null;
}
