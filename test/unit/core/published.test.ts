/**
 * Numbers that others have published, made by their own programs.
 *
 * cprior: G. Navas-Palencia, conjugate Bayesian models for A/B testing, 2019, values of its test suite, to 1e-8.
 * Small counts: exact values at which the normal approximations of larger products fail.
 */
import { describe, expect, it } from "vitest";
import { golden } from "../../../src/core/index.js";
import { createSimulation, simulateRuns } from "../../../src/core/simulation/simulate.js";

/** The number of a golden function, or one of the numbers it gives. */
function value(fn: string, input: object, index = 0): number {
  const result = golden(fn, input);
  return typeof result === "number" ? result : (result[index] as number);
}

const pair = (aX: number, bX: number, aY: number, bY: number) => ({ aX, bX, aY, bY });
const A = { m: 5.5, k: 3, a: 14, b: 5 };
const B = { m: 6, k: 4, a: 12, b: 9 };
const nig = { X: [B.m, B.k, B.a, B.b], Y: [A.m, A.k, A.a, A.b] };

describe("numbers published by cprior", () => {
  it.each([
    ["probGreater", pair(60, 250, 10, 50), 0, 0.70889192],
    ["probGreater", pair(52, 60, 600, 550), 0, 0.1223144258],
    ["probGreater", pair(1200, 1000, 1000, 900), 0, 0.8898254504],
    ["probGreater", pair(1200, 800, 1000, 900), 0, 0.9999982656],
    ["probGreater", pair(70, 90, 40, 60), 0, 0.7262717462],
    ["expectedLoss", pair(40, 60, 70, 90), 0, 0.0481119843],
    ["expectedLoss", pair(40, 60, 70, 90), 1, 0.0106119843],
    ["liftInterval", { ...pair(70, 90, 40, 60), level: 0.9 }, 0, -0.1424559672],
    ["liftInterval", { ...pair(70, 90, 40, 60), level: 0.9 }, 1, 0.4175275191],
    ["gammaProbGreater", { aX: 25, rX: 10_000, aY: 30, rY: 10_000 }, 0, 0.2483087176],
    ["gammaExpectedLoss", { aX: 25, rX: 10_000, aY: 30, rY: 10_000 }, 0, 0.0006094353823],
    ["gammaExpectedLoss", { aX: 25, rX: 10_000, aY: 30, rY: 10_000 }, 1, 0.0001094353823],
    ["gammaRatioInterval", { aX: 30, rX: 10_000, aY: 25, rY: 10_000, level: 0.9 }, 0, -0.2302812912],
    ["gammaRatioInterval", { aX: 30, rX: 10_000, aY: 25, rY: 10_000, level: 0.9 }, 1, 0.8907846796],
  ] as const)("%s %j [%i]", (fn, input, index, published) => {
    expect(Math.abs(value(fn, input, index) / published - 1)).toBeLessThan(2e-8);
  });
});

describe("a comparison of normal means", () => {
  // cprior takes the difference of the two Student t for normal, with their variance; ours is exact.
  it.each([
    ["nigProbGreater", { ...nig, shift: 0 }, 0, 0.806969654],
    ["nigExpectedLoss", nig, 0, 0.0615455003],
    ["nigExpectedLoss", nig, 1, 0.5615455003],
  ] as const)("%s is within 0.5 % of the published approximation", (fn, input, index, published) => {
    expect(Math.abs(value(fn, input, index) / published - 1)).toBeLessThan(0.005);
  });
});

describe("small counts, where normal approximations fail", () => {
  it.each([
    ["1 of 10 against 4 of 10", pair(5, 7, 2, 10), 0.926],
    ["3 of 20 against 8 of 20", pair(9, 13, 4, 18), 0.957],
    ["0 of 5 against 3 of 5", pair(4, 3, 1, 6), 0.97],
    ["9 of 10 against 10 of 10", pair(11, 1, 10, 2), 0.762],
    ["5 of 20 against 18 of 20", pair(19, 3, 6, 16), 1],
  ] as const)("%s", (_, input, exact) => {
    expect(value("probGreater", input)).toBeCloseTo(exact, 3);
  });
});

describe("false promotions, as Bucketeer tests its engine", () => {
  // Averaged over the true rates: 0.065 is its own limit for a sequential Bayes factor, and the naive rule is above it.
  const rates = [0.1, 0.3, 0.5, 0.7, 0.9];
  const promoted = (policy: "calibrated" | "threshold"): number => {
    let count = 0;
    for (const [index, baseRate] of rates.entries()) {
      const simulation = createSimulation({
        baseRate,
        effect: 0,
        share: 0.5,
        policy: { kind: policy, horizon: 500 },
        seed: index,
      });
      count += simulateRuns(simulation, 0, 300).promoted.filter((arm) => arm > 0).length;
    }
    return count / (300 * rates.length);
  };

  it("stay at most at 0.065 for the calibrated policy, and are above it for the plain rule", () => {
    expect(promoted("calibrated")).toBeLessThanOrEqual(0.065);
    expect(promoted("threshold")).toBeGreaterThan(0.15);
  });
});
