/** Lets the host's timers and requests run between two pages of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let lastTurn: Promise<void> = Promise.resolve();

/**
 * As {@link breathe}, for work of which much goes on at once: one turn after the other, with the host's timers and requests
 * in between.
 */
export function takeTurn(): Promise<void> {
  lastTurn = lastTurn.then(breathe);
  return lastTurn;
}
