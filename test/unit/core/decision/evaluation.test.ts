import { jStat } from "jstat";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../../../src/core/decision/evaluation.js";
import { srmLogE } from "../../../../src/core/decision/evidence.js";
import { confidenceSequence } from "../../../../src/core/sequential/confidence-sequence.js";
import { upliftEstimate } from "../../../../src/core/sequential/uplift-estimate.js";
import { foldAll, simulatedContest, simulatedUnits, termsOf } from "../../../support/evidence.js";

const units = simulatedUnits({ count: 600, share: 0.3, champion: 0.5, uplift: 0.2, seed: 21 });
const TERMS = termsOf({}, [0.3]);
const evidence = foldAll(units, TERMS);
const evaluated = () => evaluate({ ...TERMS, evidence, units });

describe("evaluate", () => {
  it("puts every number side by side, consistently", () => {
    const evaluation = evaluated();
    const [champion, challenger] = evaluation.arms;
    expect(champion).toMatchObject({ role: "champion", sessionCount: evidence.arms[0]?.count });
    expect(evaluation.sessionCount).toBe(600);
    expect(evaluation.upliftMean).toBeCloseTo(challenger!.mean - champion!.mean, 14);
    expect(evaluation.expectedLossChampion - evaluation.expectedLossChallenger).toBeCloseTo(
      evaluation.upliftMean,
      12,
    );
    expect(evaluation.upliftInterval[0]).toBeLessThan(evaluation.upliftMean);
    expect(evaluation.upliftInterval[1]).toBeGreaterThan(evaluation.upliftMean);
    expect(evaluation.logLinePromote).toBeCloseTo(Math.log(20), 14);
    expect(evaluation.logLineHarm).toBeCloseTo(Math.log(10), 14);
    expect(evaluation.probabilityBetterBy).toBe(evaluation.probabilityBetter);
  });

  it("has each arm's Beta, its 95 % interval by jstat, and what it could not count", () => {
    const lossy = units.map((unit, i) => (i % 9 === 0 ? { ...unit, score: null } : unit));
    const terms = termsOf({ prior: { alpha: 2, beta: 3 } }, [0.3]);
    const { arms, sessionCount } = evaluate({ ...terms, evidence: foldAll(lossy, terms), units: lossy });
    expect(sessionCount).toBe(lossy.filter(({ score }) => score !== null).length);
    for (const { arm, interval, ...rest } of arms) {
      const own = lossy.filter((unit) => unit.arm === arm);
      const scores = own.flatMap(({ score }) => (score === null ? [] : [score]));
      const successes = scores.filter((score) => score === 1).length;
      const [alpha, beta] = [2 + successes, 3 + scores.length - successes];
      expect(rest).toEqual({
        role: arm === 0 ? "champion" : "challenger",
        sessionCount: scores.length,
        missingCount: own.length - scores.length,
        scoreSum: successes,
        posteriorAlpha: alpha,
        posteriorBeta: beta,
        mean: alpha / (alpha + beta),
      });
      expect(jStat.beta.cdf(interval[0], alpha, beta)).toBeCloseTo(0.025, 8);
      expect(jStat.beta.cdf(interval[1], alpha, beta)).toBeCloseTo(0.975, 8);
    }
  });

  it("has the tests as the evidence has them, and what would be lost by either choice: 20,000 points", () => {
    const evaluation = evaluated();
    const pair = evidence.pairs[0]!;
    expect(evaluation).toMatchObject({
      logEPromote: pair.promote.logE,
      logSupPromote: pair.promote.logSup,
      logEHarm: pair.harm.logE,
      logSupHarm: pair.harm.logSup,
      srmLogE: srmLogE(evidence),
      missingLogE: 0,
      phi: 1,
    });
    const [champion, challenger] = evaluation.arms;
    // E max(champion - challenger, 0) is the integral of P(challenger < t < champion).
    const [below, above] = [challenger!, champion!].map(
      ({ posteriorAlpha, posteriorBeta }) =>
        (t: number) =>
          jStat.beta.cdf(t, posteriorAlpha, posteriorBeta),
    ) as [(t: number) => number, (t: number) => number];
    let loss = 0;
    for (let k = 0; k < 20_000; k += 1) {
      const t = (k + 0.5) / 20_000;
      loss += (below(t) * (1 - above(t))) / 20_000;
    }
    expect(evaluation.expectedLossChallenger).toBeCloseTo(loss, 9);
  });

  it("estimates the uplift from the scored sessions of the two arms, where chance decided between them", () => {
    const terms = termsOf({ horizon: 900 }, [0.3]);
    const mixed = units.map((unit, i) => {
      if (i % 10 === 0) return { ...unit, score: null };
      // All or nothing for a while: nothing is random about who served.
      if (i >= 200 && i < 260) return { ...unit, arm: i % 2, shares: [i % 2] };
      return unit;
    });
    const kept = mixed.filter(({ score, shares }) => score !== null && shares[0] === 0.3);
    const data = {
      g: kept.map(({ arm }) => arm as 0 | 1),
      y: kept.map(({ score }) => score as number),
      w: kept.map(() => 0.3),
    };
    const mixedEvidence = foldAll(mixed, terms);
    const { upliftUnbiased, upliftInterval } = evaluate({ ...terms, evidence: mixedEvidence, units: mixed });
    expect(upliftUnbiased).toBeCloseTo(upliftEstimate(data) as number, 12);
    expect(upliftInterval).toEqual(confidenceSequence({ level: 0.95, horizon: 900, planShare: 0.3, data }));
    expect(upliftInterval[0]).toBeGreaterThan(-1);
    expect(upliftInterval[1]).toBeLessThan(1);
  });

  it("plans the confidence sequence by the terms at the start, and all else by those that hold", () => {
    const evaluation = evaluated();
    const later = { ...TERMS, policy: { ...TERMS.policy, horizon: 300 } };
    const moved = evaluate({ ...later, evidence, units, startTerms: TERMS });
    expect(moved.upliftInterval).toEqual(evaluation.upliftInterval);
    const anew = evaluate({ ...later, evidence, units });
    expect(anew.upliftInterval).not.toEqual(evaluation.upliftInterval);
    expect(moved.chanceOfPromotion).toBe(anew.chanceOfPromotion);
  });

  it("tells the uplift from the units that are there, where the evidence has more", () => {
    const first = units.slice(0, 200);
    const { upliftUnbiased, upliftInterval } = evaluate({ ...TERMS, evidence, units: first });
    const then = evaluate({ ...TERMS, evidence: foldAll(first, TERMS), units: first });
    expect(upliftUnbiased).toBe(then.upliftUnbiased);
    expect(upliftInterval).toEqual(then.upliftInterval);
  });

  it("asks for minUplift in probabilityBetterBy alone, and for alphaHarm in the harm line alone", () => {
    const evaluation = evaluated();
    const terms = termsOf({ minUplift: 0.15, alphaHarm: 0.2, alpha: 0.01 }, [0.3]);
    const strict = evaluate({ ...terms, evidence, units });
    expect(strict.probabilityBetter).toBe(evaluation.probabilityBetter);
    expect(strict.probabilityBetterBy).toBeLessThan(evaluation.probabilityBetter);
    expect(strict.upliftMean).toBe(evaluation.upliftMean);
    expect(strict.logLineHarm).toBeCloseTo(Math.log(5), 14);
    expect(strict.logLinePromote).toBeCloseTo(Math.log(100), 14);
  });

  it("leaves missing units out of the confidence sequence", () => {
    const missing = units.map((unit) => ({ ...unit, score: null }));
    const empty = foldAll(missing, TERMS);
    const nothing = evaluate({ ...TERMS, evidence: empty, units: missing });
    expect(nothing.upliftInterval).toEqual([-1, 1]);
    expect(nothing.sessionCount).toBe(0);
    expect(nothing.probabilityBetter).toBeCloseTo(0.5, 13);
  });
});

describe("evaluate, several challengers", () => {
  const terms = termsOf(
    {
      minUplift: 0.02,
      metrics: { cost_usd: { kind: "positive" } },
      guardrails: [{ metric: "cost_usd" }, { metric: "score", mode: "require", where: { plan: "free" } }],
    },
    [0.2, 0.3, 0.1],
  );
  const contest = simulatedContest({
    count: 900,
    shares: [0.2, 0.3, 0.1],
    rates: [0.5, 0.6, 0.2, 0.55],
    seed: 13,
  }).map((unit, i) => ({
    ...unit,
    metrics: { cost_usd: (1 + (i % 7)) * (unit.arm === 3 ? 4 : 1) },
    context: i % 2 ? { plan: "free" } : null,
  }));
  const state = foldAll(contest, terms);
  const evaluatedContest = () => {
    const result = evaluate({ ...terms, evidence: state, units: contest });
    return { result, comparisons: [result, ...result.others] };
  };

  it("leads with who contends and is most likely better; who is out comes last", () => {
    const { result, comparisons } = evaluatedContest();
    expect(comparisons.map(({ arm, out }) => [arm, out])).toEqual([
      [1, null],
      [3, "guardrail"],
      [2, "harm"],
    ]);
    expect(result.others[0]!.probabilityBetter).toBeGreaterThan(result.others[1]!.probabilityBetter);
    const live = [0, 12, 0, 0].map((errors) => ({ sessions: 20, errors }));
    const blown = evaluate({ ...terms, evidence: state, units: contest, live });
    expect([blown, ...blown.others].map(({ out }) => out)).toContain("fuse");
  });

  it("leads with who contends, however much better those are who are out", () => {
    const costly = simulatedContest({
      count: 400,
      shares: [0.25, 0.2, 0.25],
      rates: [0.5, 0.95, 0.5, 0.75],
      seed: 4,
    }).map((unit) => ({ ...unit, metrics: { cost_usd: unit.arm % 2 ? 9 : 1 + unit.arm / 100 } }));
    const guarded = termsOf({ guardrails: [{ metric: "cost_usd" }] }, [0.25, 0.2, 0.25]);
    const { arm, out, probabilityBetter, others } = evaluate({
      ...guarded,
      evidence: foldAll(costly, guarded),
      units: [],
    });
    expect([arm, out]).toEqual([2, null]);
    expect(others.map((other) => [other.arm, other.out])).toEqual([
      [1, "guardrail"],
      [3, "guardrail"],
    ]);
    for (const other of others) expect(other.probabilityBetter).toBeGreaterThan(probabilityBetter);
  });

  it("has an arm for the champion and each challenger", () => {
    const { result } = evaluatedContest();
    expect(result.arms.map(({ arm, role }) => [arm, role])).toEqual([
      [0, "champion"],
      [1, "challenger"],
      [2, "challenger"],
      [3, "challenger"],
    ]);
    expect(result.arms.map(({ sessionCount }) => sessionCount)).toEqual(state.arms.map(({ count }) => count));
    for (const { mean, scoreSum, sessionCount } of result.arms)
      expect(mean).toBeCloseTo((1 + scoreSum) / (2 + sessionCount), 12);
  });

  it("compares each with the champion as if there were no other, at alpha/k", () => {
    const { comparisons } = evaluatedContest();
    for (const comparison of comparisons) {
      const { arm } = comparison;
      const w = terms.planShares[arm - 1]! / (0.4 + terms.planShares[arm - 1]!);
      const own = contest
        .filter((unit) => unit.arm === 0 || unit.arm === arm)
        .map((unit) => ({ ...unit, arm: unit.arm === 0 ? 0 : 1, shares: [w] }));
      const horizon = Math.round(2000 * (0.4 + terms.planShares[arm - 1]!));
      const pair = { policy: { ...terms.policy, horizon, alpha: 0.05 / 3 }, planShares: [w] };
      const alone = evaluate({ ...pair, evidence: foldAll(own, pair), units: own });
      for (const key of [
        "probabilityBetter",
        "probabilityBetterBy",
        "upliftMean",
        "upliftUnbiased",
        "logSupPromote",
        "logSupHarm",
        "logLinePromote",
        "logLineHarm",
        "chanceOfPromotion",
        "expectedLossChampion",
      ] as const) {
        expect(comparison[key], key).toBeCloseTo(alone[key] as number, 8);
      }
      expect(comparison.upliftInterval[0]).toBeCloseTo(alone.upliftInterval[0], 8);
      expect(comparison.upliftInterval[1]).toBeCloseTo(alone.upliftInterval[1], 8);
    }
  });

  it("says where each guardrail stands, its segment and its line", () => {
    const { comparisons } = evaluatedContest();
    const costly = comparisons.find(({ arm }) => arm === 3)!;
    const [cost, score] = costly.guardrails;
    expect(cost).toMatchObject({ metric: "cost_usd", mode: "abort", margin: 0.1, isCrossed: true });
    expect(cost!.sessionCount).toBe(state.arms[0]!.count + state.arms[3]!.count);
    expect(cost!.logLine).toBeCloseTo(Math.log(20), 12);
    expect(cost!.logSup).toBeGreaterThanOrEqual(cost!.logLine);
    expect(score).toMatchObject({
      metric: "score",
      where: { plan: "free" },
      mode: "require",
      isCrossed: false,
    });
    expect(score!.logLine).toBeCloseTo(Math.log(60), 12);
    expect(score!.sessionCount).toBeLessThan(cost!.sessionCount);
  });

  it("has the metrics of the two arms", () => {
    const { result, comparisons } = evaluatedContest();
    expect(Object.keys(result.metrics)).toEqual(["cost_usd"]);
    expect(comparisons.find(({ arm }) => arm === 3)!.metrics.cost_usd?.probabilityBetter).toBeLessThan(0.001);
  });

  it("leaves out sessions in which a challenger had no share", () => {
    const dropped = contest.map((unit, i) => (i < 450 ? unit : { ...unit, shares: [0.2, 0.3, 0] }));
    const kept = dropped.filter(({ arm }, i) => i < 450 || arm !== 3);
    const early = contest.slice(0, 450);
    const of = (given: typeof contest) => {
      const { others, ...leading } = evaluate({ ...terms, evidence: foldAll(given, terms), units: given });
      return [leading, ...others].find(({ arm }) => arm === 3)!;
    };
    const [whole, part] = [of(kept), of(early)];
    expect(whole.upliftUnbiased).toBe(part.upliftUnbiased);
    expect(whole.upliftInterval).toEqual(part.upliftInterval);
    expect(whole.logSupPromote).toBe(part.logSupPromote);
    expect(whole.chanceOfPromotion).toBe(0);
  });
});
