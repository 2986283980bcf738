import { describe, expect, it } from "vitest";
import { millsRatio, standardCdf, standardDensity } from "../../../../src/core/numeric/normal.js";
import { logStudentExcess, logStudentTail, studentT } from "../../../../src/core/numeric/student-t.js";
import { excessOfSum, type Scaled, tailOfSum } from "../../../../src/core/numeric/student-t-sum.js";
import { expectNear } from "../../../support/numeric.js";

const scaled = (nu: number, scale: number): Scaled => ({ t: studentT(nu), scale });

const DISTANCES = [1e-12, 0.01, 0.5, 1, 2.7, 10, 200];
const SCALES = [
  [1, 1],
  [1, 0.3],
  [2, 5],
  [1, 1e-6],
] as const;

describe("tailOfSum", () => {
  it("of two Cauchy variables is that of one whose scale is the sum", () => {
    for (const [one, other] of SCALES)
      for (const d of [...DISTANCES, 1e6, 1e100]) {
        const expected = Math.atan2(one + other, d) / Math.PI;
        expectNear(tailOfSum(scaled(1, one), scaled(1, other), d), expected, 1e-12);
        expectNear(tailOfSum(scaled(1, other), scaled(1, one), d), expected, 1e-12);
      }
  });

  // The characteristic function (1 + a|u|)(1 + b|u|) exp(-(a + b)|u|), a and b the scales times sqrt 3, inverted.
  it("has a closed form for three degrees of freedom", () => {
    for (const [one, other] of SCALES) {
      const [a, b] = [one * Math.sqrt(3), other * Math.sqrt(3)];
      const c = a + b;
      for (const d of DISTANCES.slice(0, -1)) {
        const square = c * c + d * d;
        const angle = Math.atan2(c, d);
        const tail = (angle - (c * d) / square - (2 * a * b * c * d) / square ** 2) / Math.PI;
        expectNear(tailOfSum(scaled(3, one), scaled(3, other), d), tail, 1e-10);
        const excess = (c - d * angle - (a * b * c) / square) / Math.PI;
        expectNear(excessOfSum(scaled(3, one), scaled(3, other), d), excess, 1e-9);
      }
    }
  });

  it("is that of one variable where the other is as good as none", () => {
    for (const d of [0.2, 3, 1e5]) {
      const expected = Math.exp(logStudentTail(studentT(4), d / 2));
      expectNear(tailOfSum(scaled(4, 2), scaled(7, 1e-290), d), expected, 1e-12);
      expectNear(tailOfSum(scaled(7, 1e-290), scaled(4, 2), d), expected, 1e-12);
      const excess = 2 * Math.exp(logStudentExcess(studentT(4), d / 2));
      expectNear(excessOfSum(scaled(4, 2), scaled(7, 1e-290), d), excess, 1e-12);
    }
  });

  it("is the normal one for a trillion degrees of freedom, nearly as far out as doubles go", () => {
    const [one, other] = [scaled(1e12, 3), scaled(1e12, 4)];
    for (const score of [0.5, 4, 20, 37]) {
      expectNear(tailOfSum(one, other, 5 * score), standardCdf(-score), 1e-6);
      const excess = standardDensity(score) * (1 - score * millsRatio(score));
      expectNear(excessOfSum(one, other, 5 * score), 5 * excess, 1e-6);
    }
    for (const d of [500, 1e200]) {
      expect(tailOfSum(one, other, d)).toBe(0);
      expect(excessOfSum(one, other, d)).toBe(0);
    }
  });

  it("depends on the ratio of distance and scales alone, to the ends of the doubles", () => {
    const tail = tailOfSum(scaled(3, 1), scaled(5, 0.5), 2);
    const excess = excessOfSum(scaled(3, 1), scaled(5, 0.5), 2);
    for (const unit of [2 ** -900, 2 ** -60, 2 ** 60, 2 ** 900]) {
      expect(tailOfSum(scaled(3, unit), scaled(5, unit / 2), 2 * unit)).toBe(tail);
      expectNear(excessOfSum(scaled(3, unit), scaled(5, unit / 2), 2 * unit), unit * excess, 1e-15);
    }
  });

  it("is the same in either order, to the last bit", () => {
    for (const [one, other] of [
      [scaled(3, 1), scaled(5, 1)],
      [scaled(3, 1), scaled(5, 0.2)],
      [scaled(5, 1), scaled(3, 0.2)],
      [scaled(3, 1), scaled(3, 0.2)],
    ] as const)
      for (const d of [0.1, 4]) {
        expect(tailOfSum(one, other, d)).toBe(tailOfSum(other, one, d));
        expect(excessOfSum(one, other, d)).toBe(excessOfSum(other, one, d));
      }
  });

  it("is one half at 0, and 0 where no double is small enough", () => {
    expect(tailOfSum(scaled(3, 1), scaled(4, 2), 0)).toBe(0.5);
    expect(tailOfSum(scaled(3, 1), scaled(4, 1), 1e200)).toBe(0);
    expect(excessOfSum(scaled(3, 1), scaled(4, 1), 1e200)).toBe(0);
    expect(tailOfSum(scaled(3, 1), scaled(4, 1), Number.MAX_VALUE)).toBe(0);
  });
});

describe("excessOfSum", () => {
  it("at no distance is pi/sqrt 8 for two equal variables of two degrees of freedom", () => {
    expectNear(excessOfSum(scaled(2, 1), scaled(2, 1), 0), Math.PI / Math.sqrt(8), 1e-12);
    expectNear(excessOfSum(scaled(2, 3), scaled(2, 3), 0), (3 * Math.PI) / Math.sqrt(8), 1e-12);
  });

  it("falls by half of a distance that is a hair", () => {
    const at = (d: number): number => excessOfSum(scaled(6, 1), scaled(9, 2), d);
    expectNear(at(1e-10), at(0) - 0.5e-10, 1e-14);
  });
});
