import { describe, expect, it } from "vitest";
import {
  betaShape,
  logKernel,
  logTails,
  lowerLogit,
  pointAt,
} from "../../../../src/core/numeric/incomplete-beta.js";

describe("logKernel", () => {
  it.each([
    // a ln x + b ln y - ln B(a, b) by mpmath at 60 digits. The smaller of x and y is exact, the larger its rounded
    // complement, and a + b is no double: either loss alone would show in the tenth decimal.
    [
      { a: 123456789012.3, b: 98765432101.7 },
      { x: 0.5555766351770364, y: 0.4444233648229636 },
      -188.55609021497168,
    ],
    [
      { a: 98765432101.7, b: 123456789012.3 },
      { x: 0.4444265271006332, y: 0.5555734728993669 },
      -133.05560202774967,
    ],
    [
      { a: 987654321098.7, b: 1234567890.123 },
      { x: 0.9987524482862583, y: 0.0012475517137417367 },
      -303.10060269606936,
    ],
    [
      { a: 1234567890.123, b: 987654321098.7 },
      { x: 0.0012473741686252718, y: 0.9987526258313747 },
      -440.708398010968,
    ],
    [
      { a: 800000000000.3, b: 910000000000.7 },
      { x: 0.46783282320117725, y: 0.5321671767988227 },
      -28.03042573348453,
    ],
  ])("keeps its digits at %j, %j", ({ a, b }, point, expected) => {
    expect(logKernel(betaShape(a, b), point)).toBeCloseTo(expected, 11);
  });

  it("is the density of the logit: x y times that of a polynomial", () => {
    // Beta(2, 3) has the density 12 x (1 - x)^2.
    for (const x of [0.1, 0.5, 0.9]) {
      expect(logKernel(betaShape(2, 3), { x, y: 1 - x })).toBeCloseTo(
        Math.log(12 * x ** 2 * (1 - x) ** 3),
        13,
      );
    }
  });
});

describe("logTails", () => {
  it.each([
    // Integrals of the density by mpmath at 50 digits, on both sides of the mean and of 1/2.
    [
      { a: 518157314451.35345, b: 298496282214.89954 },
      { x: 0.6344886585013639, y: 0.36551134149863607 },
      0.6179113506760368,
      0.3820886493239632,
    ],
    [
      { a: 518157314451.35345, b: 298496282214.89954 },
      { x: 0.6344873795480169, y: 0.3655126204519831 },
      0.017864451462075367,
      0.9821355485379246,
    ],
    [
      { a: 298496282214.89954, b: 518157314451.35345 },
      { x: 0.36551112833974486, y: 0.6344888716602551 },
      0.24196368501954493,
      0.7580363149804551,
    ],
    [
      { a: 298496282214.89954, b: 518157314451.35345 },
      { x: 0.3655123540033691, y: 0.6344876459966309 },
      0.9452006726550268,
      0.05479932734497318,
    ],
    [
      { a: 7654321.9, b: 4321987.3 },
      { x: 0.6391774440767799, y: 0.36082255592322016 },
      0.655404469717989,
      0.34459553028201095,
    ],
  ])("keeps its digits around the mean of %j, at %j", ({ a, b }, point, below, above) => {
    const { lower, upper } = logTails(betaShape(a, b), point);
    expect(lower).toBeCloseTo(Math.log(below), 12);
    expect(upper).toBeCloseTo(Math.log(above), 12);
  });
});

describe("pointAt", () => {
  it("is a pair that adds up to 1 and has the odds exp(z), however far out", () => {
    expect(pointAt(0)).toEqual({ x: 0.5, y: 0.5 });
    for (const z of [-700, -40, -1, -1e-9, 1e-9, 2, 40, 700]) {
      const { x, y } = pointAt(z);
      expect(x + y).toBeCloseTo(1, 15);
      expect(Math.log(x) - Math.log(y)).toBeCloseTo(z, 12);
      expect(pointAt(-z)).toEqual({ x: y, y: x });
    }
  });
});

describe("lowerLogit", () => {
  it("inverts the lower tail for skewed and symmetric shapes, down to 1e-280", () => {
    for (const a of [0.05, 0.5, 1, 30, 1e5, 1e9]) {
      for (const b of [0.05, 0.5, 1, 30, 1e5, 1e9]) {
        const shape = betaShape(a, b);
        for (const logP of [-Math.LN2, -1, -5, -30, -644]) {
          const z = lowerLogit(shape, logP);
          if (z === -800) expect(logTails(shape, pointAt(-700)).lower).toBeGreaterThan(logP);
          else expect(logTails(shape, pointAt(z)).lower / logP).toBeCloseTo(1, 10);
        }
      }
    }
  });

  it("takes some 5 to 10 steps, at most 20 in the far tails of the most skewed", () => {
    const stepsOf = (a: number, b: number, logP: number): number => {
      let count = 0;
      // Each step computes the kernel twice, and that looks up the constant.
      const shape = betaShape(a, b);
      const watched = {
        ...shape,
        get logConstant() {
          count++;
          return shape.logConstant;
        },
      };
      lowerLogit(watched, logP);
      return count / 2;
    };
    for (const a of [0.5, 1, 30, 1e4, 1e7]) {
      for (const b of [0.5, 1, 30, 1e4, 1e7]) {
        for (const logP of [-Math.LN2, -3.7, -30, -400]) {
          expect(stepsOf(a, b, logP)).toBeLessThanOrEqual(Math.min(a, b) < 30 ? 20 : 10);
        }
      }
    }
  });
});
