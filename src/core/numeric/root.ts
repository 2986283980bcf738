/** A search for a root: the bracket that holds it, and two first guesses. */
export interface RootSearch {
  readonly low: number;
  readonly high: number;
  readonly guesses: readonly [number, number];
  /** width at which the search ends */
  readonly tolerance: number;
}

/**
 * Root of an increasing function inside a bracket.
 *
 * Method: secant steps; bisection where a step leaves the bracket, where a value is infinite, and every fifth time. It
 * ends with a step shorter than the tolerance, so the function should be close to straight around its root, as a
 * probability on the normal scale is; on a far steeper one it may end early. The ends of the bracket are not evaluated.
 */
export function rootOf(increasing: (x: number) => number, search: RootSearch): number {
  let { low, high } = search;
  const [first, second] = search.guesses;
  let previous = { at: first, value: increasing(first) };
  let x = second;
  for (let k = 1; k < 400; k++) {
    const value = increasing(x);
    if (value < 0) low = x;
    else high = x;
    const step = (-value * (x - previous.at)) / (value - previous.value);
    if (value === 0 || Math.abs(step) <= search.tolerance || high - low <= search.tolerance) break;
    previous = { at: x, value };
    const next = x + step;
    x = k % 5 !== 0 && next > low && next < high ? next : (low + high) / 2;
  }
  return x;
}
