/**
 * Work in parts: a generator that yields wherever its caller may want to do something else, and returns its result.
 */

/** Work in parts, and what comes of it; each part takes some milliseconds at most. */
export type Steps<T> = Generator<void, T, void>;

/** The result of all parts at once. */
export function allAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
