import { describe, expect, it } from "vitest";
import { logIntegral, panelIntegral } from "../../../../src/core/numeric/quadrature.js";

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

  it("integrates humps that fall slowly on one side and a thousand times faster on the other", () => {
    // The integral of exp(a z)/(1 + exp(b z)) is pi/(b sin(pi a/b)); b sets the step, on whichever side it is.
    for (const [slow, fast] of [
      [0.2, 100],
      [3, 1000],
      [0.05, 40],
    ] as const) {
      const exact = Math.log(Math.PI / fast / Math.sin((Math.PI * slow) / fast));
      const logOf = (z: number): number =>
        slow * z - (z > 0 ? fast * z : 0) - Math.log1p(Math.exp(-fast * Math.abs(z)));
      expect(logIntegral(logOf)).toBeCloseTo(exact, 10);
      expect(logIntegral((z) => logOf(-z))).toBeCloseTo(exact, 10);
      expect(logIntegral((z) => logOf(z - 50))).toBeCloseTo(exact, 10);
    }
  });

  it("needs some 150 evaluations for a hump, and at most 4,000 to a side where one falls slowly", () => {
    const countOf = (logOf: (z: number) => number): number => {
      let count = 0;
      logIntegral((z) => {
        count++;
        return logOf(z);
      });
      return count;
    };
    expect(countOf((z) => -z * z)).toBeLessThan(200);
    expect(countOf((z) => 5 * z - 9 * Math.log1p(Math.exp(z)))).toBeLessThan(250);
    expect(
      countOf((z) => 0.05 * z - (z > 0 ? 500 * z : 0) - Math.log1p(Math.exp(-500 * Math.abs(z)))),
    ).toBeLessThan(7 * 4000);
  });

  it("looks no further than a step beyond 600, where it takes the integrand as exponential", () => {
    const value = logIntegral((z) => {
      expect(Math.abs(z)).toBeLessThanOrEqual(601);
      return z / 500 - Math.log1p(Math.exp(z));
    });
    expect(value).toBeCloseTo(Math.log(Math.PI / Math.sin(Math.PI / 500)), 10);
  });

  it("is the logarithm of nothing for an integrand that is 0 everywhere", () => {
    expect(logIntegral(() => Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  });

  it("gives gamma functions, whose humps are as skewed as can be", () => {
    // Gamma(a) = integral of exp(a z - exp(z)); factorials are known exactly.
    for (const [a, gamma] of [
      [1, 1],
      [5, 24],
      [11, 3628800],
      [0.5, Math.sqrt(Math.PI)],
    ] as const) {
      expect(logIntegral((z) => a * z - Math.exp(z))).toBeCloseTo(Math.log(gamma), 12);
    }
  });

  it("finds a hump near the limit of its range", () => {
    for (const mean of [-590, 590]) {
      expect(logIntegral((z) => -((z - mean) ** 2))).toBeCloseTo(Math.log(Math.PI) / 2, 10);
    }
  });

  it("stays finite for a tail that hardly falls, and answers where the integrand is not a number", () => {
    expect(logIntegral((z) => 1e-300 * z - Math.log1p(Math.exp(z)))).toBeGreaterThan(Math.log(1200));
    expect(logIntegral((z) => 1e-300 * z - Math.log1p(Math.exp(z)))).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(logIntegral(() => Number.NaN)).toBeNaN();
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
