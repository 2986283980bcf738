/**
 * A budget of expected false promotions: how many a project may come to, over a stream of experiments that starts by
 * itself.
 *
 * An experiment at level alpha promotes a challenger that is never better with probability at most alpha, whatever has
 * happened before it. So the expected number of false promotions of a stream is at most the expected sum of the levels of
 * all experiments that start; and where none starts that would take the sum over the limit, it is at most the limit.
 * That holds although each start depends on how the ones before it ended. Experiments that were aborted, held or declined
 * count: each had its chance.
 *
 * With a window the limit holds for the experiments that start in any span of that length. For the whole stream no finite
 * limit is promised then: so many per window, window after window.
 */
import { checkInside } from "../check.js";
import { domainError } from "../errors.js";

/** How many false promotions may be expected. */
export interface BudgetTerms {
  /** expected false promotions at most; in (0, 1000] */
  readonly limit: number;
  /** of experiments that start within so many milliseconds; null: of all there are */
  readonly windowMs: number | null;
}

/** A started experiment, as the budget sees it. */
export interface StartedTest {
  /** level of its promotion test, in (0, 1); null under the plain rule, which promises nothing and is not counted */
  readonly alpha: number | null;
  /** milliseconds since the epoch */
  readonly startedAtMs: number;
}

/** Where a budget stands. */
export interface Budget extends BudgetTerms {
  /** the sum of the levels of the experiments counted */
  readonly spent: number;
  /** highest level that the next experiment may have; 0 where nothing is left */
  readonly left: number;
  /** when the oldest experiment counted leaves the window; null without a window, or without any */
  readonly freesAtMs: number | null;
}

/** Sums of levels such as 0.05 miss their limit by roundings. */
const ROUNDING = 1e-9;

const LIMIT_MAX = 1000;

/**
 * Where a budget stands.
 *
 * @param started all started experiments, in any order
 * @throws DethroneError `numeric_domain` if a field is outside its range
 *
 * @example
 * budgetOf({ limit: 0.5, windowMs: null }, [{ alpha: 0.05, startedAtMs: 0 }], 1000).left; // 0.45
 */
export function budgetOf(terms: BudgetTerms, started: readonly StartedTest[], nowMs: number): Budget {
  const { limit, windowMs } = terms;
  if (!(limit > 0 && limit <= LIMIT_MAX)) domainError("limit", limit, `(0, ${LIMIT_MAX}]`);
  if (windowMs !== null && !(windowMs > 0)) domainError("windowMs", windowMs, "(0, inf) or null");
  let spent = 0;
  let oldestAtMs = Number.POSITIVE_INFINITY;
  for (const { alpha, startedAtMs } of started) {
    if (alpha === null || (windowMs !== null && startedAtMs <= nowMs - windowMs)) continue;
    checkInside("alpha", alpha);
    spent += alpha;
    oldestAtMs = Math.min(oldestAtMs, startedAtMs);
  }
  const rest = limit - spent;
  return {
    limit,
    windowMs,
    spent,
    left: rest > ROUNDING ? rest : 0,
    freesAtMs: windowMs === null || spent === 0 ? null : oldestAtMs + windowMs,
  };
}

/**
 * Whether an experiment may start without the expected false promotions going over the limit.
 *
 * @param alpha its level, in (0, 1); null under the plain rule, which no limit can hold: it may not
 *
 * @example
 * fitsBudget({ limit: 0.5, windowMs: null, spent: 0.48, left: 0.02, freesAtMs: null }, 0.05); // false
 */
export function fitsBudget({ left }: Budget, alpha: number | null): boolean {
  return alpha !== null && alpha <= left + ROUNDING;
}
