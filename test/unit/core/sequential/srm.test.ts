import fc from "fast-check";
import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import { srmChiSquare, srmSequentialLogE } from "../../../../src/core/sequential/srm.js";

describe("srmChiSquare", () => {
  it("gives the documented value", () => {
    const [statistic, p] = srmChiSquare({ counts: [1800, 260], shares: [0.9, 0.1] });
    expect(statistic).toBeCloseTo(15.728155339805822, 12);
    expect(p).toBeCloseTo(7.312753584532938e-5, 16);
  });

  it("has nothing against no units at all", () => {
    expect(srmChiSquare({ counts: [0, 0], shares: [1, 3] })).toEqual([0, 1]);
  });

  it("agrees with jstat in its good range", () => {
    for (const counts of [
      [12, 9, 14],
      [100, 130, 88],
      [1000, 1040, 900],
    ]) {
      const [statistic, p] = srmChiSquare({ counts, shares: [1, 1, 1] });
      expect(p).toBeCloseTo(1 - jStat.chisquare.cdf(statistic, 2), 9);
    }
  });

  it("depends on the shares' proportions only", () => {
    const [one] = srmChiSquare({ counts: [30, 50], shares: [1, 3] });
    const [two] = srmChiSquare({ counts: [30, 50], shares: [0.25, 0.75] });
    expect(one).toBeCloseTo(two, 12);
  });
});

describe("srmSequentialLogE", () => {
  it("gives the documented value", () => {
    const input = { counts: [1800, 260], shares: [0.9, 0.1], concentration: 100 };
    expect(srmSequentialLogE(input)).toBeCloseTo(5.363859391566266, 11);
  });

  it("is 0 before the first unit", () => {
    expect(srmSequentialLogE({ counts: [0, 0], shares: [0.2, 0.8], concentration: 100 })).toBeCloseTo(0, 14);
  });

  it("is the product of predictive odds, unit by unit", () => {
    const arms = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 60 });
    fc.assert(
      fc.property(arms, (sequence) => {
        const shares = [0.5, 0.3, 0.2];
        const counts = [0, 0, 0];
        let logE = 0;
        for (const [index, arm] of sequence.entries()) {
          const q = shares[arm] as number;
          logE += Math.log((20 * q + (counts[arm] as number)) / (20 + index) / q);
          counts[arm] = (counts[arm] as number) + 1;
        }
        expect(srmSequentialLogE({ counts, shares, concentration: 20 })).toBeCloseTo(logE, 11);
      }),
    );
  });

  it("is an e-value: its mean over all outcomes of ten units is 1", () => {
    let mean = 0;
    let ways = 1;
    for (let k = 0; k <= 10; k++) {
      const probability = ways * 0.3 ** k * 0.7 ** (10 - k);
      mean +=
        probability * Math.exp(srmSequentialLogE({ counts: [k, 10 - k], shares: [3, 7], concentration: 5 }));
      ways = (ways * (10 - k)) / (k + 1);
    }
    expect(mean).toBeCloseTo(1, 12);
  });
});

describe.each([
  ["counts", { counts: [1], shares: [1] }],
  ["counts", { counts: [1, 1.5], shares: [1, 1] }],
  ["counts", { counts: [1, -1], shares: [1, 1] }],
  ["counts", { counts: 3 as never, shares: [1, 1] }],
  ["shares", { counts: [1, 1], shares: [1, 1, 1] }],
  ["shares", { counts: [1, 1], shares: [1, 0] }],
  ["shares", { counts: [1, 1], shares: [1, Number.POSITIVE_INFINITY] }],
])("a wrong value of %s", (name, input) => {
  it(`is refused: ${JSON.stringify(input)}`, () => {
    expect(() => srmChiSquare(input)).toThrow(new RegExp(`^${name} must be`));
    expect(() => srmSequentialLogE({ ...input, concentration: 100 })).toThrow(new RegExp(`^${name} must be`));
  });
});

it("says that one arm is not enough", () => {
  expect(() => srmChiSquare({ counts: [3], shares: [1] })).toThrow(
    "counts must be a list of two arms or more; received 1.",
  );
});

it("refuses a concentration that is not above 0", () => {
  const input = { counts: [1, 1], shares: [1, 1] };
  expect(() => srmSequentialLogE({ ...input, concentration: 0 })).toThrow(/^concentration must be/);
});
