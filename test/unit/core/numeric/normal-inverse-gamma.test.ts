import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type NormalInverseGamma,
  nigDiffInterval,
  nigExpectedLoss,
  nigPosterior,
  nigProbGreater,
} from "../../../../src/core/numeric/normal-inverse-gamma.js";
import { studentTCdf } from "../../../../src/core/numeric/student-t.js";
import { expectNear } from "../../../support/numeric.js";

const anyPositive = fc.double({ min: -0.2, max: 4, noNaN: true }).map((log) => 10 ** log);
const anyPosterior: fc.Arbitrary<NormalInverseGamma> = fc.tuple(
  fc.double({ min: -3, max: 3, noNaN: true }),
  anyPositive,
  anyPositive,
  anyPositive,
);

describe("nigPosterior", () => {
  it("gives the documented values", () => {
    expect(nigPosterior({ prior: [0, 1, 1, 1], n: 3, mean: 2, ss: 2 })).toEqual([1.5, 4, 2.5, 3.5]);
  });

  it("is the prior without data", () => {
    expect(nigPosterior({ prior: [1, 2, 3, 4], n: 0, mean: 9, ss: 0 })).toEqual([1, 2, 3, 4]);
  });

  it("leaves the prior to the last bit without data, whatever its numbers; squares without values widen it", () => {
    const number = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(number, number, number, number), (prior) => {
        expect(nigPosterior({ prior, n: 0, mean: 7, ss: 0 })).toEqual(prior);
      }),
    );
    expect(nigPosterior({ prior: [1, 2, 3, 4], n: 0, mean: 9, ss: 3 })).toEqual([1, 2, 3, 5.5]);
  });

  it("keeps the digits of a mean that all but cancels the prior's", () => {
    const [m] = nigPosterior({ prior: [7, 3, 1, 1], n: 7, mean: -3 + 2 ** -50, ss: 0 });
    expectNear(m, 0.7 * 2 ** -50, 1e-15);
  });

  it("is the same in one step and in two", () => {
    const first = nigPosterior({ prior: [1, 0.5, 2, 3], n: 2, mean: 4, ss: 2 });
    const second = nigPosterior({ prior: first, n: 1, mean: 10, ss: 0 });
    // 3, 5 and 10: mean 6, sum of squares 26.
    const whole = nigPosterior({ prior: [1, 0.5, 2, 3], n: 3, mean: 6, ss: 26 });
    second.forEach((value, index) => {
      expectNear(value, whole[index] as number, 1e-14);
    });
  });

  it("takes a mean that is too large to multiply exactly", () => {
    expect(nigPosterior({ prior: [0, 1, 1, 1], n: 1, mean: 1e305, ss: 0 })[0]).toBe(5e304);
    expectNear(nigPosterior({ prior: [-1e308, 3, 1, 1], n: 1, mean: 1e308, ss: 0 })[0], -5e307, 1e-15);
  });

  it("refuses what is no posterior", () => {
    const data = { n: 1, mean: 0, ss: 1 };
    for (const prior of [undefined, [0, 1, 1], [0, 0, 1, 1], [0, 1, -1, 1], [0, 1, 1, Number.NaN]]) {
      expect(() => nigPosterior({ prior: prior as never, ...data })).toThrow(/^prior/);
    }
    for (const prior of [[0, 1, 1], [0, 1, 1, 1, 1], "abcd"])
      expect(() => nigPosterior({ prior: prior as never, ...data })).toThrow(
        /^prior must be an array \[m, k, a, b\]; received /,
      );
    expect(() => nigPosterior({ prior: [Number.NaN, 1, 1, 1], ...data })).toThrow(/^prior\[0\]/);
    expect(() => nigPosterior({ prior: [0, 1, 1, 1], ...data, n: -1 })).toThrow(/^n must be/);
    expect(() => nigPosterior({ prior: [0, 1, 1, 1], ...data, ss: -1 })).toThrow(/^ss must be/);
    expect(() => nigPosterior({ prior: [0, 1, 1, 1], ...data, mean: Number.NaN })).toThrow(/^mean must be/);
  });
});

describe("nigProbGreater", () => {
  it("gives the documented value", () => {
    expectNear(
      nigProbGreater({ X: [3, 5.01, 3.5, 3], Y: [2, 8.01, 5, 4], shift: 0.1 }),
      0.93650900229605,
      1e-12,
    );
  });

  it("is one half where the means are the shift apart", () => {
    expect(nigProbGreater({ X: [3, 5, 2, 1], Y: [2, 9, 7, 4], shift: 1 })).toBe(0.5);
  });

  it("is Student's t where the other mean is all but known", () => {
    const X: NormalInverseGamma = [1, 4, 3, 2];
    for (const shift of [-30, 0, 0.9, 5, 1e6]) {
      const expected = studentTCdf({ x: (1 - shift) / Math.sqrt(2 / 12), nu: 6 });
      expectNear(nigProbGreater({ X, Y: [0, 1e300, 2, 1e-300], shift }), expected, 1e-12);
    }
  });

  it("sees distances between means far below the last place of either", () => {
    const spread = [1e34, 5, 1] as const;
    const p = nigProbGreater({ X: [0, ...spread], Y: [1e-17, ...spread], shift: 0 });
    expect(p).toBeLessThan(0.1);
    expectNear(nigProbGreater({ X: [1, ...spread], Y: [1e-17, ...spread], shift: 1 }), p, 1e-12);
  });

  it("adds up to 1 with X and Y exchanged", () => {
    fc.assert(
      fc.property(anyPosterior, anyPosterior, fc.double({ min: -2, max: 2, noNaN: true }), (X, Y, shift) => {
        expectNear(nigProbGreater({ X, Y, shift }) + nigProbGreater({ X: Y, Y: X, shift: -shift }), 1, 1e-13);
      }),
      { numRuns: 40 },
    );
  });

  it("stays a probability far outside of what data give", () => {
    const X: NormalInverseGamma = [1e308, 1e-300, 1e-300, 1e300];
    const Y: NormalInverseGamma = [-1e308, 1e300, 1e300, 1e-300];
    for (const [first, second] of [
      [X, Y],
      [Y, X],
      [X, X],
      [Y, Y],
    ] as const) {
      for (const shift of [-1e308, 0, 1e308]) {
        const p = nigProbGreater({ X: first, Y: second, shift });
        expect(p >= 0 && p <= 1, `${p}`).toBe(true);
      }
    }
  });

  it("refuses a shift that is not finite and what is no posterior", () => {
    const X: NormalInverseGamma = [0, 1, 1, 1];
    expect(() => nigProbGreater({ X, Y: X, shift: Number.NaN })).toThrow(/^shift must be/);
    expect(() => nigProbGreater({ X, Y: [0, 1, 0, 1], shift: 0 })).toThrow(/^Y\[2\] must be/);
    expect(() => nigProbGreater({ X: [0, 0, 1, 1], Y: X, shift: 0 })).toThrow(/^X\[1\] must be/);
  });
});

describe("nigExpectedLoss", () => {
  it("gives the documented values", () => {
    const [x, y] = nigExpectedLoss({ X: [3.5, 8, 5, 2], Y: [3, 1000, 500, 550] });
    expectNear(x, 0.0033634792938542, 1e-12);
    expectNear(y, 0.5033634792938542, 1e-12);
  });

  it("has a closed form for equal t distributions of two degrees of freedom at no distance", () => {
    const X: NormalInverseGamma = [1, 1, 1, 1];
    for (const loss of nigExpectedLoss({ X, Y: X })) expectNear(loss, Math.PI / Math.sqrt(8), 1e-12);
  });

  it("differs between the two by the difference of the means", () => {
    fc.assert(
      fc.property(anyPosterior, anyPosterior, (X, Y) => {
        const [x, y] = nigExpectedLoss({ X, Y });
        expect(Math.abs(x - y - (Y[0] - X[0]))).toBeLessThanOrEqual(1e-14 * Math.max(x, y));
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 40 },
    );
  });

  it("falls as the chance does: the loss is the integral of the tail", () => {
    const X: NormalInverseGamma = [0, 40, 3, 2];
    const Y: NormalInverseGamma = [0, 7, 20, 9];
    const at = (m: number): number => nigExpectedLoss({ X, Y: [m, 7, 20, 9] })[1];
    const slope = (at(1.001) - at(0.999)) / 0.002;
    expectNear(-slope, nigProbGreater({ X, Y, shift: 1 }), 1e-4);
  });

  it("is nothing or all where the means are far apart", () => {
    const X: NormalInverseGamma = [1e308, 1e6, 1e9, 1];
    const Y: NormalInverseGamma = [-1e308, 1e6, 1e9, 1e-9];
    expect(nigExpectedLoss({ X, Y })).toEqual([0, Number.MAX_VALUE]);
    expect(nigProbGreater({ X, Y, shift: 0 })).toBe(1);
  });

  it("refuses shapes with an infinite mean", () => {
    const X: NormalInverseGamma = [0, 1, 1, 1];
    expect(() => nigExpectedLoss({ X: [0, 1, 0.5, 1], Y: X })).toThrow(/^X\[2\] must be above 1\/2/);
    expect(() => nigExpectedLoss({ X, Y: [0, 1, 0.4, 1] })).toThrow(/^Y\[2\] must be above 1\/2/);
  });
});

describe("nigDiffInterval", () => {
  it("gives the documented value", () => {
    const [low, high] = nigDiffInterval({
      X: [3, 4.01, 3, 2.72854],
      Y: [3, 21.01, 11.5, 17.5484],
      level: 0.95,
    });
    expectNear(high, 1.28363896481465, 1e-12);
    expect(low).toBe(-high);
  });

  it("leaves the stated probability outside at either end", () => {
    fc.assert(
      fc.property(anyPosterior, anyPosterior, fc.constantFrom(0.5, 0.95, 0.9999), (X, Y, level) => {
        const [low, high] = nigDiffInterval({ X, Y, level });
        expectNear(nigProbGreater({ X, Y, shift: high }), (1 - level) / 2, 1e-8);
        expectNear(1 - nigProbGreater({ X, Y, shift: low }), (1 - level) / 2, 1e-8);
      }),
      { numRuns: 15 },
    );
  });

  it("is Student's where the other mean is all but known, and Cauchy's where both shapes are 1/2", () => {
    const known: NormalInverseGamma = [0, 1e300, 2, 1e-300];
    const [low, high] = nigDiffInterval({ X: [1, 4, 3, 2], Y: known, level: 0.95 });
    const half = 2.446911851144969 * Math.sqrt(2 / 12);
    expectNear(low, 1 - half, 1e-11);
    expectNear(high, 1 + half, 1e-11);
    // Scales of 1/2 and 3, which add up.
    const cauchy = { X: [0, 4, 0.5, 0.5], Y: [0, 1, 0.5, 4.5] } as const;
    for (const level of [0.1, 0.5, 0.99, 0.9999])
      expectNear(nigDiffInterval({ ...cauchy, level })[1], 3.5 * Math.tan((Math.PI / 2) * level), 1e-10);
  });

  it("refuses a level outside (0, 1)", () => {
    const X: NormalInverseGamma = [0, 1, 1, 1];
    expect(() => nigDiffInterval({ X, Y: X, level: 1 })).toThrow(/^level must be/);
  });
});
