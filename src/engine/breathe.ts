import type { Steps } from "../core/steps.js";
import { inLaterTurn } from "./platform.js";

/** Lets the host's timers and requests run between two pages of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => inLaterTurn(resolve));

/** The result of work in parts, with a breath after each. */
export async function inParts<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await breathe();
  }
}

let lastTurn: Promise<void> = Promise.resolve();

/**
 * As {@link breathe}, for work of which much goes on at once: one turn after the other, with the host's timers and requests
 * in between.
 */
export function takeTurn(): Promise<void> {
  lastTurn = lastTurn.then(breathe);
  return lastTurn;
}
