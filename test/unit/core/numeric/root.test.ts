import { describe, expect, it } from "vitest";
import { rootOf } from "../../../../src/core/numeric/root.js";

const SEARCH = { low: -10, high: 10, guesses: [1, 2] as const, tolerance: 1e-12 };

/** A function that counts its evaluations, and refuses those at the ends of the bracket or beyond. */
function counted(f: (x: number) => number, { low, high } = SEARCH) {
  const calls: number[] = [];
  const watched = (x: number): number => {
    if (!(x > low && x < high)) throw new Error(`${x} is not inside (${low}, ${high})`);
    calls.push(x);
    return f(x);
  };
  return { watched, calls };
}

describe("rootOf", () => {
  it("starts from its guesses and needs few steps for a smooth function", () => {
    const { watched, calls } = counted((x) => x ** 3 - 5);
    expect(rootOf(watched, SEARCH)).toBeCloseTo(Math.cbrt(5), 14);
    expect(calls.slice(0, 2)).toEqual([1, 2]);
    // Halving 20 down to 1e-12 would take 44.
    expect(calls.length).toBeLessThanOrEqual(12);
  });

  it("finds the root of a straight line by its first secant", () => {
    const { watched, calls } = counted((x) => (x - 7) / 3);
    expect(rootOf(watched, SEARCH)).toBeCloseTo(7, 14);
    expect(calls.length).toBeLessThanOrEqual(4);
  });

  it("ends at once where a guess is the root", () => {
    const { watched, calls } = counted((x) => x - 2);
    expect(rootOf(watched, SEARCH)).toBe(2);
    expect(calls).toEqual([1, 2]);
  });

  it("finds a root on either side of the guesses, whichever guess is the larger", () => {
    for (const root of [-9.5, -0.3, 1.5, 9.5]) {
      for (const guesses of [
        [1, 2],
        [2, 1],
      ] as const) {
        const { watched } = counted((x) => Math.sinh(x - root));
        expect(rootOf(watched, { ...SEARCH, guesses })).toBeCloseTo(root, 11);
      }
    }
  });

  it("bisects a jump, to the tolerance", () => {
    const { watched, calls } = counted((x) => (x < 3 ? -1 : 1));
    expect(Math.abs(rootOf(watched, SEARCH) - 3)).toBeLessThanOrEqual(1e-12);
    expect(calls.length).toBeLessThanOrEqual(60);
  });

  it("stops at the tolerance it is given", () => {
    const { watched, calls } = counted((x) => (x < 3 ? -1 : 1));
    expect(Math.abs(rootOf(watched, { ...SEARCH, tolerance: 0.1 }) - 3)).toBeLessThanOrEqual(0.1);
    expect(calls.length).toBeLessThanOrEqual(12);
  });

  it("is not stalled by a function that is flat on one side and steep on the other", () => {
    // Secants alone creep along the flat side, by steps that leave the bracket or hardly move.
    for (const f of [
      (x: number) => Math.expm1(3 * x),
      (x: number) => -Math.expm1(-3 * x),
      (x: number) => Math.sign(x) * Math.abs(x) ** 0.1,
      (x: number) => Math.atan(1000 * x),
      (x: number) => x ** 5,
    ]) {
      const { watched, calls } = counted((x) => f(x - 0.7));
      expect(rootOf(watched, SEARCH)).toBeCloseTo(0.7, 9);
      expect(calls.length).toBeLessThanOrEqual(150);
    }
  });

  it("bisects where a value is infinite", () => {
    const { watched } = counted((x) => (x < 5 ? Number.NEGATIVE_INFINITY : x - 6));
    expect(rootOf(watched, SEARCH)).toBeCloseTo(6, 11);
  });

  it("ends at the end of the bracket on a function without a root", () => {
    const search = { low: 0, high: 1, guesses: [0.2, 0.4] as const, tolerance: 1e-12 };
    expect(rootOf(counted(() => -1, search as never).watched, search)).toBeCloseTo(1, 11);
    expect(rootOf(counted(() => 1, search as never).watched, search)).toBeCloseTo(0, 11);
  });
});
