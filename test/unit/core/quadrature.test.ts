import { describe, expect, it } from "vitest";
import { logIntegral } from "../../../src/core/quadrature.js";

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
