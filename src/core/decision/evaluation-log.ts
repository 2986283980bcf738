/**
 * Which evaluations a log keeps, where a tick may look every minute for months.
 */
import type { Reason, Verdict } from "./decide.js";
import type { ReviewPoint } from "./review.js";

/** What an entry of the log says, as far as it matters to what is kept. */
export interface LoggedRuling {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** where the criteria disagree */
  readonly review: readonly Pick<ReviewPoint, "reason" | "arm">[];
  readonly atMs: number;
}

/** The newest entry of an experiment. */
export interface NewestEntry extends LoggedRuling {
  /** whether it said something else than the one before it */
  readonly isTurn: boolean;
  /** entries of the experiment in the same hour, it included; an integer, 1 or more */
  readonly inHour: number;
}

/** What becomes of an entry that is to be added. */
export interface Placement {
  /** whether it takes the place of the newest entry */
  readonly replaces: boolean;
  /** whether it says something else than the newest entry */
  readonly isTurn: boolean;
  /** entries of the experiment in its hour, it included */
  readonly inHour: number;
}

const HOUR_MS = 3_600_000;
/** Entries an hour that criteria may write which cross their limits to and fro. */
const IN_HOUR_MAX = 12;

const hourOf = ({ atMs }: LoggedRuling): number => Math.floor(atMs / HOUR_MS);

const saying = ({ verdict, reason, review }: LoggedRuling): string =>
  JSON.stringify([verdict, reason, review.map((point) => [point.reason, point.arm])]);

/**
 * Keeps each entry that says something new (another verdict or reason, or criteria that disagree otherwise), and of the
 * rest the last one of each hour; never more than 12 an hour. The newest entry is always there.
 *
 * @param newest null for the first entry of an experiment
 *
 * @example
 * // the same as a minute before: it takes that entry's place, unless that one was news
 * placementOf({ ...entry, isTurn: false, inHour: 2 }, later); // { replaces: true, isTurn: false, inHour: 2 }
 */
export function placementOf(newest: NewestEntry | null, next: LoggedRuling): Placement {
  if (newest === null) return { replaces: false, isTurn: true, inHour: 1 };
  const isTurn = saying(newest) !== saying(next);
  if (hourOf(newest) !== hourOf(next)) return { replaces: false, isTurn, inHour: 1 };
  const { inHour } = newest;
  const isFull = inHour >= IN_HOUR_MAX;
  if (!isFull && (isTurn || newest.isTurn)) return { replaces: false, isTurn, inHour: inHour + 1 };
  // What is replaced may have been news itself, so that in a full hour the last word still is.
  return { replaces: true, isTurn: isTurn || (isFull && newest.isTurn), inHour };
}
