import { describe, expect, it } from "vitest";
import { gammaProbGreater } from "../../../../src/core/numeric/gamma.js";
import { lognormalMeanProbGreater } from "../../../../src/core/numeric/lognormal-mean.js";
import { normalCdf } from "../../../../src/core/numeric/normal.js";
import {
  type NormalInverseGamma,
  nigProbGreater,
} from "../../../../src/core/numeric/normal-inverse-gamma.js";
import { logGammaTails } from "../../../../src/core/numeric/special.js";
import { expectNear } from "../../../support/numeric.js";

describe("lognormalMeanProbGreater", () => {
  it("gives the documented value", () => {
    const pair = { X: [3, 51.01, 26.5, 6.76367], Y: [3, 24.01, 13, 16.8782] } as const;
    expectNear(lognormalMeanProbGreater(pair), 0.02328597879762, 1e-12);
    expectNear(lognormalMeanProbGreater({ X: pair.Y, Y: pair.X }), 1 - 0.02328597879762, 1e-12);
  });

  it("is one half for equal posteriors", () => {
    expectNear(lognormalMeanProbGreater({ X: [1, 9, 4, 3], Y: [1, 9, 4, 3] }), 0.5, 1e-12);
  });

  it("compares the means of the logarithms where the variances are known and equal", () => {
    const [X, Y] = [[1, 50, 1e10, 1e10] as const, [1.2, 80, 1e10, 1e10] as const];
    expect(lognormalMeanProbGreater({ X, Y })).toBeCloseTo(nigProbGreater({ X, Y, shift: 0 }), 4);
  });

  it("stays a probability far outside of what data give", () => {
    const X: NormalInverseGamma = [3, 1e300, 1e-300, 1e-300];
    const p = lognormalMeanProbGreater({ X, Y: [0, 1e-3, 1e12, 1e12] });
    expect(p >= 0 && p <= 1).toBe(true);
  });

  it("refuses what is no posterior", () => {
    expect(() => lognormalMeanProbGreater({ X: [0, 1, 1, 1], Y: "1111" as never })).toThrow(/^Y must be/);
    expect(() => lognormalMeanProbGreater({ X: [0, 0, 1, 1], Y: [0, 1, 1, 1] })).toThrow(/^X\[1\] must be/);
  });

  it("is a normal probability where both variances are known", () => {
    const known = (m: number, k: number, variance: number): NormalInverseGamma => [
      m,
      k,
      1e12,
      variance * 1e12,
    ];
    for (const [[mX, kX, vX], [mY, kY, vY]] of [
      [
        [0, 10, 1],
        [0.5, 20, 0.5],
      ],
      [
        [1, 40, 2],
        [2, 5, 0.1],
      ],
      [
        [3, 2, 0.3],
        [2.5, 7, 1.8],
      ],
    ] as const) {
      const score = (mX - mY + (vX - vY) / 2) / Math.sqrt(vX / kX + vY / kY);
      const p = lognormalMeanProbGreater({ X: known(mX, kX, vX), Y: known(mY, kY, vY) });
      expectNear(p, normalCdf({ x: score }), 1e-5);
    }
  });

  it("compares the variances where the means of the logarithms are known and equal", () => {
    // A precision is a Gamma variable; the larger variance is the smaller precision.
    for (const [[aX, bX], [aY, bY]] of [
      [
        [3, 2],
        [4, 9],
      ],
      [
        [0.7, 5],
        [30, 20],
      ],
      [
        [60, 10],
        [80, 60],
      ],
      [
        [200, 100],
        [1e4, 2e4],
      ],
    ] as const) {
      const p = gammaProbGreater({ aX: aY, rX: bY, aY: aX, rY: bX });
      expectNear(lognormalMeanProbGreater({ X: [3, 1e14, aX, bX], Y: [3, 1e14, aY, bY] }), p, 1e-9);
      expectNear(lognormalMeanProbGreater({ X: [3, 1e14, aY, bY], Y: [3, 1e14, aX, bX] }), 1 - p, 1e-9);
    }
  });

  it("is the tail of a variance where all else is known, however far out", () => {
    const known: NormalInverseGamma = [3, 1e14, 1e12, 1e12];
    for (const [lag, a, b] of [
      [0, 5, 2],
      [0.2, 3, 7],
      [1.5, 200, 400],
      [4, 50, 60],
    ] as const) {
      // P(3 - lag + variance/2 > 3 + 1/2) = P(a precision < 1/(1 + 2 lag)).
      const p = Math.exp(logGammaTails(a, b / (1 + 2 * lag)).lower);
      expectNear(lognormalMeanProbGreater({ X: [3 - lag, 1e14, a, b], Y: known }), p, 1e-9);
      expectNear(1 - lognormalMeanProbGreater({ X: known, Y: [3 - lag, 1e14, a, b] }), p, 1e-9 + 2e-16 / p);
    }
  });
});
