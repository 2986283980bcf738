/**
 * What the writer does, without the doing: generators that yield statements and are handed what came of them. The
 * connection to a file answers in place, one to a server awaits each answer; the rules are written once for both.
 */
import type { Value } from "./write-protocol.js";

/** A statement to run, and what is asked of it. */
export interface Ask {
  readonly sql: string;
  readonly values: readonly Value[];
  /** how many rows it changed, its first row, or all of them */
  readonly want: "changes" | "row" | "rows";
  /**
   * What the answer most likely is, for a connection to which each answer is a journey: of `changes` a count, without
   * which the count is not looked at; of rows none, without which nothing is supposed.
   */
  readonly supposed?: number | "none" | undefined;
}

/** Steps that end with a result. A statement that fails throws where it was yielded, and may be caught there. */
export type Steps<T> = Generator<Ask, T, unknown>;

/** Runs a statement; gives the number of rows it changed. One that does is told what it is likely to be. */
export function* run(sql: string, values: readonly Value[] = [], supposed?: number): Steps<number> {
  return (yield { sql, values, want: "changes", supposed }) as number;
}

/** The first row of a statement. */
export function* get<T>(sql: string, values: readonly Value[], supposed?: "none"): Steps<T | undefined> {
  return (yield { sql, values, want: "row", supposed }) as T | undefined;
}

/** The rows of a statement. */
export function* all<T>(sql: string, values: readonly Value[]): Steps<T[]> {
  return (yield { sql, values, want: "rows" }) as T[];
}

/** Takes the steps, with answers that are there at once. */
export function take<T>(steps: Steps<T>, answer: (ask: Ask) => unknown): T {
  let next = steps.next();
  while (!next.done) {
    let given: unknown;
    try {
      given = answer(next.value);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(given);
  }
  return next.value;
}

/** Takes the steps, awaiting each answer. */
export async function takeAwaiting<T>(steps: Steps<T>, answer: (ask: Ask) => Promise<unknown>): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    let given: unknown;
    try {
      given = await answer(next.value);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(given);
  }
  return next.value;
}
