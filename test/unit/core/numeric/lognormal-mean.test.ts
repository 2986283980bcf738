import { describe, expect, it } from "vitest";
import { lognormalMeanProbGreater } from "../../../../src/core/numeric/lognormal-mean.js";
import { normalCdf } from "../../../../src/core/numeric/normal.js";
import {
  type NormalInverseGamma,
  nigProbGreater,
} from "../../../../src/core/numeric/normal-inverse-gamma.js";
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
});
