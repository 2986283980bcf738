/**
 * Root of a monotone function inside a bracket: regula falsi with the Illinois rule, bisecting where it stalls.
 */

const STEPS_MAX = 200;

/**
 * A point between `low` and `high` where the increasing function `f` changes sign.
 *
 * @param tolerance absolute width of the bracket at which the search ends, >= 0
 */
export function findRoot(f: (x: number) => number, low: number, high: number, tolerance: number): number {
  let a = low;
  let b = high;
  let fa = f(a);
  let fb = f(b);
  if (fa >= 0) return a;
  if (fb <= 0) return b;
  let side = 0;
  for (let step = 0; step < STEPS_MAX && b - a > tolerance; step += 1) {
    const secant = b - (fb * (b - a)) / (fb - fa);
    const x = secant > a && secant < b && step % 3 !== 2 ? secant : (a + b) / 2;
    const fx = f(x);
    if (fx === 0 || x === a || x === b) return x;
    if (fx < 0) {
      a = x;
      fa = fx;
      if (side === -1) fb /= 2;
      side = -1;
    } else {
      b = x;
      fb = fx;
      if (side === 1) fa /= 2;
      side = 1;
    }
  }
  return (a + b) / 2;
}
