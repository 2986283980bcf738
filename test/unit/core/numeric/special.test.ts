import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gammaRatio, logGammaRatio } from "../../../../src/core/numeric/complex-gamma.js";
import {
  determinant,
  deviance,
  digamma,
  exactProduct,
  exactSum,
  gammaUpper,
  stirlingError,
  trigamma,
} from "../../../../src/core/numeric/special.js";

const EULER = 0.5772156649015329;
const anyShape = fc.double({ min: -1, max: 7, noNaN: true }).map((power) => 10 ** power);

describe("stirlingError", () => {
  it("agrees with the factorials", () => {
    for (const [n, factorial] of [
      [1, 1],
      [5, 24],
      [11, 3628800],
    ] as const) {
      const stirling = (n - 0.5) * Math.log(n) - n + Math.log(2 * Math.PI) / 2;
      expect(stirlingError(n)).toBeCloseTo(Math.log(factorial) - stirling, 14);
    }
  });

  it("stays finite for the least double", () => {
    expect(stirlingError(Number.MIN_VALUE)).toBeGreaterThan(370);
    expect(stirlingError(Number.MIN_VALUE)).toBeLessThan(380);
  });
});

describe("deviance", () => {
  it("is x ln(x/m) + m - x, near m and far from it", () => {
    expect(deviance(3, 3)).toBe(0);
    expect(deviance(3, 1)).toBeCloseTo(3 * Math.log(3) - 2, 14);
    expect(deviance(1.1, 1)).toBeCloseTo(1.1 * Math.log(1.1) - 0.1, 15);
    // (x - m)^2/(2m) is all there is at this distance; the plain formula keeps no digit of it.
    expect(deviance(1e9 + 1, 1e9)).toBeCloseTo(5e-10, 18);
  });

  it("is continuous where the series takes over", () => {
    const edge = 5 / 3;
    expect(deviance(edge * (1 - 1e-15), 1)).toBeCloseTo(deviance(edge * (1 + 1e-15), 1), 13);
  });
});

describe("exact arithmetic", () => {
  it("recovers what rounding lost", () => {
    expect(exactSum(1, 1e-20)).toEqual({ high: 1, low: 1e-20 });
    const { high, low } = exactProduct(94906267, 94906267);
    expect(BigInt(high) + BigInt(low)).toBe(94906267n ** 2n);
  });

  it("holds sums and products of any 53-bit integers exactly", () => {
    const integer = fc.maxSafeInteger();
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        const sum = exactSum(a, b);
        expect(BigInt(sum.high) + BigInt(sum.low)).toBe(BigInt(a) + BigInt(b));
        const product = exactProduct(a, b);
        expect(BigInt(product.high) + BigInt(product.low)).toBe(BigInt(a) * BigInt(b));
      }),
    );
  });

  it("takes determinants of 53-bit integers to the last digits", () => {
    const integer = fc.maxSafeInteger();
    fc.assert(
      fc.property(integer, integer, fc.integer({ min: -3, max: 3 }), (a, b, off) => {
        // The second row is the first, moved by next to nothing: the products agree in all but their last digits.
        const exact = BigInt(a) * BigInt(b + off) - BigInt(b) * BigInt(a - off);
        const got = determinant([a, b], [a - off, b + off]);
        expect(Math.abs(got - Number(exact))).toBeLessThanOrEqual(1e-15 * Math.abs(Number(exact)));
      }),
    );
  });

  it("takes determinants of nearly dependent rows", () => {
    expect(determinant([94906267, 94906266], [94906268, 94906267])).toBe(1);
  });
});

describe("digamma and trigamma", () => {
  it("have their closed values", () => {
    expect(digamma(1)).toBeCloseTo(-EULER, 14);
    expect(digamma(0.5)).toBeCloseTo(-EULER - 2 * Math.LN2, 14);
    expect(trigamma(1)).toBeCloseTo(Math.PI ** 2 / 6, 14);
    expect(trigamma(0.5)).toBeCloseTo(Math.PI ** 2 / 2, 13);
  });

  it("obey their recurrences", () => {
    fc.assert(
      fc.property(anyShape, (x) => {
        expect(digamma(x + 1) - digamma(x)).toBeCloseTo(1 / x, 11);
        expect((trigamma(x) - trigamma(x + 1)) * x * x).toBeCloseTo(1, x < 1e3 ? 9 : 0);
      }),
    );
  });
});

describe("gammaUpper", () => {
  it("is exp(-x) for a = 1 and 1 at 0", () => {
    expect(gammaUpper(1, 0)).toBe(1);
    for (const x of [1e-9, 0.5, 1.9, 2.1, 30, 700]) {
      expect(gammaUpper(1, x) / Math.exp(-x)).toBeCloseTo(1, 12);
    }
  });

  it("is a finite sum for an integer a", () => {
    for (const x of [0.3, 2, 5, 11, 40]) {
      const sum = Math.exp(-x) * (1 + x + x ** 2 / 2 + x ** 3 / 6);
      expect(gammaUpper(4, x) / sum).toBeCloseTo(1, 13);
    }
  });
});

describe("logGammaRatio", () => {
  const logGammaReal = (a: number): number =>
    (a - 0.5) * Math.log(a) - a + Math.log(2 * Math.PI) / 2 + stirlingError(a);

  it("is the difference of log-gammas on the real line", () => {
    for (const a of [0.5, 3, 20, 400]) {
      for (const s of [-0.4, 0.1, 2.5, 30]) {
        const ratio = gammaRatio(a, s);
        const { re, im } = logGammaRatio(ratio, { re: s, im: 0 });
        expect(im).toBeCloseTo(0, 15);
        expect(re + s * Math.log(ratio.raised)).toBeCloseTo(logGammaReal(a + s) - logGammaReal(a), 11);
      }
    }
  });

  it("keeps its digits where s is next to nothing beside a", () => {
    // s (s - 1)/(2 a) is all there is beside s ln a, DLMF 5.11.13; a difference of logarithms keeps no digit of it.
    for (const a of [1e8, 1e11]) {
      for (const s of [
        { re: 3, im: 4 },
        { re: -2.5, im: 0.5 },
        { re: 0.25, im: -30 },
      ]) {
        const { re, im } = logGammaRatio(gammaRatio(a, s.re), s);
        const square = { re: s.re ** 2 - s.im ** 2 - s.re, im: 2 * s.re * s.im - s.im };
        expect(Math.abs(re * 2 * a - square.re)).toBeLessThan(1e-4);
        expect(Math.abs(im * 2 * a - square.im)).toBeLessThan(1e-4);
      }
    }
  });

  it("has the modulus of the reflection formula at 1/2 + it", () => {
    for (const t of [0.1, 1, 3, 7]) {
      const { re } = logGammaRatio(gammaRatio(0.5, 0), { re: 0, im: t });
      expect(re).toBeCloseTo(-Math.log(Math.cosh(Math.PI * t)) / 2, 12);
    }
  });
});
