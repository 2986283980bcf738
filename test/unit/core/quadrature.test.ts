import { describe, expect, it } from "vitest";
import { logIntegral } from "../../../src/core/quadrature.js";
import { findRoot } from "../../../src/core/root.js";

describe("logIntegral", () => {
  const grid = Array.from({ length: 99 }, (_, index) => (index + 1) / 100);

  it("integrates smooth peaks, narrow peaks, algebraic ends and two humps", () => {
    expect(Math.exp(logIntegral(() => 0, 0, 1, grid))).toBeCloseTo(1, 13);
    const narrow = (t: number): number => -0.5 * ((t - 0.3) / 1e-3) ** 2;
    expect(Math.exp(logIntegral(narrow, 0, 1, grid)) / (1e-3 * Math.sqrt(2 * Math.PI))).toBeCloseTo(1, 12);
    expect(Math.exp(logIntegral((t) => 0.4 * Math.log(t), 0, 1, grid))).toBeCloseTo(1 / 1.4, 12);
    const humps = (t: number): number =>
      Math.log(Math.exp(-200 * (t - 0.1) ** 2) + Math.exp(-200 * (t - 0.9) ** 2));
    expect(Math.exp(logIntegral(humps, -3, 4, grid))).toBeCloseTo(2 * Math.sqrt(Math.PI / 200), 12);
  });

  it("is minus infinity for nothing at all", () => {
    expect(logIntegral(() => Number.NEGATIVE_INFINITY, 0, 1, grid)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("findRoot", () => {
  it("finds roots of increasing functions, flat and steep, and the end where there is none inside", () => {
    expect(findRoot((x) => x ** 3 - 2, 0, 2, 1e-14)).toBeCloseTo(Math.cbrt(2), 12);
    expect(findRoot((x) => Math.atan(1e6 * (x - 0.123)), 0, 1, 1e-14)).toBeCloseTo(0.123, 10);
    expect(findRoot((x) => x + 1, 0, 1, 1e-14)).toBe(0);
    expect(findRoot((x) => x - 2, 0, 1, 1e-14)).toBe(1);
    expect(findRoot((x) => x - 0.5, 0, 1, 1e-14)).toBe(0.5);
  });
});
