import { describe, expect, it } from "vitest";
import {
  type ArmSummary,
  type Evidence,
  emptyEvidence,
  type FoldInput,
  type PairState,
} from "../../../../src/core/decision/evidence.js";
import { DEFAULT_POLICY } from "../../../../src/core/decision/policy.js";
import {
  isPromotionUnlikely,
  meanOf,
  pairOf,
  phi as phiOf,
  posteriors,
  probabilityBetterBy,
  promotionChance,
  varianceOf,
} from "../../../../src/core/decision/posterior.js";
import { createRandom } from "../../../../src/core/random.js";
import { chanceOfPromotion } from "../../../../src/core/sequential/promotion-chance.js";
import { foldAll, simulatedContest, simulatedUnits, termsOf } from "../../../support/evidence.js";

function graded(count: number, values: (random: () => number) => number, seed = 2): FoldInput[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    arm: index % 2,
    shares: [0.5],
    score: values(random.next),
  }));
}

const TERMS = termsOf();
const phi = ({ arms }: Evidence): number => phiOf(arms[0] as ArmSummary, arms[1] as ArmSummary);

describe("phi", () => {
  it("is exactly 1 while every score is 0 or 1", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const units = simulatedUnits({ count: seed * 7, share: 0.3, champion: 0.37, uplift: 0.2, seed });
      expect(phi(foldAll(units, TERMS))).toBe(1);
    }
    expect(phi(emptyEvidence(TERMS))).toBe(1);
  });

  it("is c(1-c)/v of the scores with one 0 and one 1 added, between 1 and 20", () => {
    const units = graded(200, (next) => Math.round(next() * 4) / 4);
    const scores = [0, 1, ...units.map((unit) => unit.score as number)];
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
    expect(phi(foldAll(units, TERMS))).toBeCloseTo((mean * (1 - mean)) / variance, 10);
    expect(
      phi(
        foldAll(
          graded(400, () => 0.5),
          TERMS,
        ),
      ),
    ).toBe(20);
  });
});

describe("posteriors", () => {
  it("are the prior, the scaled sums, and nothing else", () => {
    const terms = termsOf({ prior: { alpha: 2, beta: 3 } });
    const units = simulatedUnits({ count: 100, share: 0.5, champion: 0.5, uplift: 0, seed: 1 });
    const evidence = foldAll(units, terms);
    const { champion, challenger } = posteriors(evidence, terms.policy);
    [champion, challenger].forEach((believed, arm) => {
      const { sum, count } = evidence.arms[arm] as ArmSummary;
      expect(believed).toEqual({ alpha: 2 + sum, beta: 3 + count - sum });
    });
  });
});

describe("posteriors of several challengers", () => {
  const terms = termsOf({ prior: { alpha: 0.5, beta: 2 } }, [0.3, 0.3]);
  const coins = simulatedContest({ count: 300, shares: [0.3, 0.3], rates: [0.4, 0.6, 0.5], seed: 3 });
  // The second challenger's scores are graded, the other arms' are not.
  const units = coins.map((unit) =>
    unit.arm === 2 ? { ...unit, score: 0.4 + 0.2 * (unit.score ?? 0) } : unit,
  );
  const seen = foldAll(units, terms);

  it("take the challenger asked for, and phi from its scores and the champion's alone", () => {
    const [left, first, second] = seen.arms as [ArmSummary, ArmSummary, ArmSummary];
    const one = posteriors(seen, terms.policy, 0);
    expect(one.phi).toBe(1);
    expect(one.challenger).toEqual({ alpha: 0.5 + first.sum, beta: 2 + first.count - first.sum });
    const two = posteriors(seen, terms.policy, 1);
    expect(two.phi).toBe(phiOf(left, second));
    expect(two.phi).toBeGreaterThan(1);
    expect(two.challenger.alpha).toBeCloseTo(0.5 + two.phi * second.sum, 12);
    expect(two.champion.beta).toBeCloseTo(2 + two.phi * (left.count - left.sum), 12);
  });

  it("say of each how likely it is better, and how likely to be promoted", () => {
    expect(probabilityBetterBy(seen, terms.policy, 0, 0)).not.toBe(
      probabilityBetterBy(seen, terms.policy, 0, 1),
    );
    for (const challenger of [0, 1]) {
      const chance = promotionChance(seen, terms, challenger);
      expect(isPromotionUnlikely(seen, terms, challenger, Math.min(0.999, 1.01 * chance + 1e-9))).toBe(true);
      expect(isPromotionUnlikely(seen, terms, challenger, 0.99 * chance)).toBe(false);
    }
  });

  it("say that one without a share will never be", () => {
    const dropped = { ...seen, shares: [0.3, 0] };
    expect(promotionChance(dropped, terms, 1)).toBe(0);
    expect(isPromotionUnlikely(dropped, terms, 1, 1e-9)).toBe(true);
    expect(promotionChance(dropped, terms, 0)).toBeGreaterThan(0);
  });

  it("count minUplift against the chance", () => {
    const asked = (minUplift: number) => {
      const strict = termsOf({ minUplift }, [0.3, 0.3]);
      return promotionChance(foldAll(units, strict), strict, 0);
    };
    expect(asked(0)).toBeGreaterThan(asked(0.1));
    expect(asked(0.1)).toBeGreaterThan(asked(0.3));
    // Where the test stands as it does, and only what is believed from here on differs.
    const believed = (minUplift: number) => promotionChance(seen, termsOf({ minUplift }, [0.3, 0.3]), 0);
    expect(believed(0)).toBeGreaterThan(believed(0.05));
    expect(believed(0.05)).toBeGreaterThan(believed(0.1));
  });
});

describe("a Beta distribution", () => {
  const secondMoment = (a: number, b: number) => (a * (a + 1)) / ((a + b) * (a + b + 1));

  it.each([
    ["uniform", 1, 1, 1 / 2, 1 / 12],
    ["arcsine", 0.5, 0.5, 1 / 2, 1 / 8],
    ["parabola", 2, 2, 1 / 2, 1 / 20],
    ["skewed", 2, 6, 1 / 4, secondMoment(2, 6) - 1 / 16],
    ["narrow", 300, 100, 3 / 4, secondMoment(300, 100) - 9 / 16],
  ])("has the mean and the variance of the textbook: %s", (_, alpha, beta, mean, variance) => {
    expect(meanOf({ alpha, beta })).toBeCloseTo(mean, 14);
    expect(varianceOf({ alpha, beta }) / variance).toBeCloseTo(1, 9);
  });

  it("pair is the challenger's as X and the champion's as Y", () => {
    const believed = { champion: { alpha: 1, beta: 2 }, challenger: { alpha: 3, beta: 4 }, phi: 1 };
    expect(pairOf(believed)).toEqual({ aX: 3, bX: 4, aY: 1, bY: 2 });
  });
});

describe("the belief behind the chance of promotion", () => {
  const terms = termsOf({ minUplift: 0.01, horizon: 1000, alpha: 0.1 }, [0.2, 0.3]);
  const units = simulatedContest({ count: 400, shares: [0.2, 0.3], rates: [0.5, 0.57, 0.55], seed: 8 });
  const seen = foldAll(units, terms);

  it.each([0, 1])("is the posterior uplift less minUplift, at the pair's own share: challenger %i", (j) => {
    const beta = (arm: number) => {
      const { sum, count } = seen.arms[arm] as ArmSummary;
      return { alpha: 1 + sum, beta: 1 + count - sum };
    };
    const [left, right] = [beta(0), beta(j + 1)];
    const share = [0.2, 0.3][j] as number;
    const part = 0.5 + share;
    const w = share / part;
    const chance = chanceOfPromotion(
      { alpha: 0.05, direction: 1, shift: 0.01, horizon: Math.round(1000 * part), planShare: w },
      (seen.pairs[j] as PairState).promote,
      {
        w,
        upliftMean: meanOf(right) - meanOf(left) - 0.01,
        upliftVariance: varianceOf(right) + varianceOf(left),
      },
    );
    expect(chance).toBeGreaterThan(0.01);
    expect(chance).toBeLessThan(0.99);
    expect(promotionChance(seen, terms, j)).toBeCloseTo(chance, 8);
  });

  it("is none while the challenger has no share or all of it", () => {
    for (const share of [0, 1]) {
      const alone = { ...foldAll([], TERMS), shares: [share] };
      expect(promotionChance(alone, TERMS)).toBe(0);
      expect(isPromotionUnlikely(alone, TERMS, 0, 1e-9)).toBe(true);
    }
  });
});

describe("the numbers that follow", () => {
  const units = simulatedUnits({ count: 500, share: 0.5, champion: 0.5, uplift: 0.05, seed: 6 });
  const evidence = foldAll(units, TERMS);

  it("P(better) falls with the uplift asked for, and matches its mean", () => {
    const at = (minUplift: number) => probabilityBetterBy(evidence, DEFAULT_POLICY, minUplift);
    expect(at(-0.1)).toBeGreaterThan(at(0));
    expect(at(0)).toBeGreaterThan(at(0.1));
    expect(at(1e-12)).toBeCloseTo(at(0), 9);
    const { champion, challenger } = posteriors(evidence, DEFAULT_POLICY);
    expect(at(meanOf(challenger) - meanOf(champion))).toBeCloseTo(0.5, 1);
  });

  it("the chance of promotion rises with the uplift seen", () => {
    const chance = (uplift: number) => {
      const seen = simulatedUnits({ count: 500, share: 0.5, champion: 0.5, uplift, seed: 6 });
      return promotionChance(foldAll(seen, TERMS), TERMS);
    };
    expect(chance(0.15)).toBeGreaterThan(chance(0.05));
    expect(chance(0.05)).toBeGreaterThan(chance(-0.1));
  });
});
