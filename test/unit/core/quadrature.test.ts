import { describe, expect, it } from "vitest";
import { logIntegral, panelIntegral } from "../../../src/core/quadrature.js";
import { rootOf } from "../../../src/core/root.js";

describe("logIntegral", () => {
  it("integrates normal densities of any width and place", () => {
    for (const [mean, sd] of [
      [0, 1],
      [-31.4, 1e-5],
      [100, 20],
    ] as const) {
      const value = logIntegral((z) => -(((z - mean) / sd) ** 2) / 2);
      expect(value).toBeCloseTo(Math.log(sd * Math.sqrt(2 * Math.PI)), 8);
    }
  });

  it("integrates exponential tails that leave its range", () => {
    // exp(z/400) for z < 0 and a steep fall beyond: 400 in all, a fifth of it beyond -600.
    const value = logIntegral((z) => z / 400 - Math.log1p(Math.exp(z)));
    expect(Math.exp(value)).toBeCloseTo(Math.PI / Math.sin(Math.PI / 400), 6);
  });

  it("keeps what is far below the range of doubles", () => {
    expect(logIntegral((z) => -5000 - z * z)).toBeCloseTo(-5000 + Math.log(Math.PI) / 2, 10);
  });
});

describe("rootOf", () => {
  it("finds a root by secants, and by bisection where they fail", () => {
    const search = { low: -10, high: 10, guesses: [1, 2] as const, tolerance: 1e-12 };
    expect(rootOf((x) => x ** 3 - 5, search)).toBeCloseTo(Math.cbrt(5), 11);
    expect(rootOf((x) => (x < 3 ? -1 : 1), search)).toBeCloseTo(3, 11);
    expect(rootOf((x) => x - 2, search)).toBe(2);
  });

  it("ends on a function without a root at the end of the bracket", () => {
    expect(rootOf(() => -1, { low: 0, high: 1, guesses: [0.2, 0.4], tolerance: 1e-12 })).toBeCloseTo(1, 10);
  });
});

describe("panelIntegral", () => {
  it("integrates smooth functions to rounding, sharp ones next to an edge too", () => {
    expect(panelIntegral(Math.exp, [0, 1])).toBeCloseTo(Math.E - 1, 14);
    expect(panelIntegral((x) => Math.exp(-60 * x), [0, 1, 3]) * 60).toBeCloseTo(1, 12);
  });

  it("comes near an edge it was not told of", () => {
    expect(panelIntegral((x) => (x < 1 / 3 ? 1 : 0), [0, 1])).toBeCloseTo(1 / 3, 9);
  });

  it("ends on a function that no halving makes smooth", () => {
    let calls = 0;
    const sum = panelIntegral(
      (x) => {
        calls++;
        return Math.sin(1e9 * x) ** 2;
      },
      [0, 1],
    );
    expect(sum).toBeCloseTo(0.5, 1);
    expect(calls).toBeLessThan(20_000);
  });
});
