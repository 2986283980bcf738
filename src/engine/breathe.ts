import type { Steps } from "../core/steps.js";

/** Lets the host's timers and requests run between two pages of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The result of work in parts, with a breath after each. */
export async function inParts<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await breathe();
  }
}
