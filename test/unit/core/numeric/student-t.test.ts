import { describe, expect, it } from "vitest";
import {
  logStudentDensity,
  logStudentExcess,
  logStudentTail,
  studentT,
  studentTCdf,
} from "../../../../src/core/numeric/student-t.js";
import { expectNear } from "../../../support/numeric.js";

describe("studentTCdf", () => {
  it("gives the documented value", () => {
    expectNear(studentTCdf({ x: -12, nu: 3 }), 0.00062250790039467, 1e-13);
  });

  it("is an arc tangent for one degree of freedom, an algebraic function for two", () => {
    for (const x of [-1e200, -1e9, -3, -0.1, 0, 0.5, 40]) {
      expectNear(studentTCdf({ x, nu: 1 }), Math.atan2(1, -x) / Math.PI, 1e-13);
    }
    for (const x of [-1e9, -3, -0.1]) {
      const root = Math.sqrt(2 + x * x);
      expectNear(studentTCdf({ x, nu: 2 }), 1 / (root * (root - x)), 1e-13);
    }
  });

  it("goes from 0 to 1 and is one half at 0", () => {
    const ends = [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY].map((x) =>
      studentTCdf({ x, nu: 5 }),
    );
    expect(ends).toEqual([0, 0.5, 1]);
  });

  it("refuses what is not a number, and degrees of freedom outside (0, 1e12]", () => {
    expect(() => studentTCdf({ x: Number.NaN, nu: 1 })).toThrow("x must be a number; received NaN.");
    expect(() => studentTCdf({ x: "0" as never, nu: 1 })).toThrow(/^x must be/);
    expect(() => studentTCdf({ x: 0, nu: 0 })).toThrow(/^nu must be/);
  });
});

// Two degrees of freedom have algebraic functions, three have an arc tangent.
const closed = {
  2: (x: number) => {
    const root = Math.sqrt(2 + x * x);
    return { density: root ** -3, tail: 1 / (root * (root + x)), excess: 1 / (root + x) };
  },
  3: (x: number) => {
    const angle = Math.atan2(Math.sqrt(3), x);
    const density = (6 * Math.sqrt(3)) / Math.PI / (3 + x * x) ** 2;
    const tail = (angle - (Math.sqrt(3) * x) / (3 + x * x)) / Math.PI;
    return { density, tail, excess: (Math.sqrt(3) - x * angle) / Math.PI };
  },
};

describe("density, tail and mean excess", () => {
  it.each([
    [2, [0, 1e-9, 0.3, 1, 1.3, 1.5, 2, 7, 1e3, 1e7, 9e7]],
    [3, [0, 1e-9, 0.3, 1, 1.3, 1.5, 2, 7]],
  ] as const)("have closed forms for %d degrees of freedom", (nu, points) => {
    const t = studentT(nu);
    for (const x of points) {
      const { density, tail, excess } = closed[nu](x);
      expectNear(Math.exp(logStudentDensity(t, x)), density, 1e-13);
      expectNear(Math.exp(logStudentTail(t, x)), tail, 1e-12);
      expectNear(Math.exp(logStudentExcess(t, x)), excess, 1e-12);
    }
  });

  it("are powers far out, to where squares leave the doubles", () => {
    const t = studentT(2);
    for (const x of [1.4e8, 1.5e8, 1e20, 1e150, 1e250]) {
      expectNear(logStudentDensity(t, x), -3 * Math.log(x), 1e-15);
      expectNear(logStudentTail(t, x), -Math.LN2 - 2 * Math.log(x), 1e-15);
      expectNear(logStudentExcess(t, x), -Math.LN2 - Math.log(x), 1e-15);
    }
    // For 1/2 and for 9 degrees the tail is the density's power integrated: f x/nu.
    for (const nu of [0.5, 9]) {
      const other = studentT(nu);
      for (const x of [1e9, 1e120]) {
        const expected = logStudentDensity(other, x) + Math.log(x) - Math.log(nu);
        expectNear(logStudentTail(other, x), expected, 1e-14);
      }
    }
    const nine = studentT(9);
    expectNear(logStudentExcess(nine, 1e120), logStudentTail(nine, 1e120) + Math.log(1e120 / 8), 1e-14);
  });

  it("join where the squares are given up", () => {
    for (const nu of [1.5, 9, 1e4]) {
      const t = studentT(nu);
      const x = 1e8 * Math.sqrt(nu);
      for (const log of [logStudentDensity, logStudentTail, logStudentExcess])
        expectNear(log(t, x * (1 + 1e-12)), log(t, x * (1 - 1e-12)), 1e-12);
    }
  });

  it("are the normal ones for a trillion degrees of freedom", () => {
    const t = studentT(1e12);
    for (const x of [0, 0.5, 1, 3])
      expect(logStudentDensity(t, x)).toBeCloseTo(-(x * x + Math.log(2 * Math.PI)) / 2, 9);
    expectNear(Math.exp(logStudentTail(t, 1.959963984540054)), 0.025, 1e-9);
    expectNear(Math.exp(logStudentExcess(t, 0)), 1 / Math.sqrt(2 * Math.PI), 1e-9);
  });
});
