/** Evidence of several challengers, with metrics and guardrails, and the same however it is folded. */
import { describe, expect, it } from "vitest";
import {
  type Evidence,
  emptyEvidence,
  type FoldInput,
  Folding,
  fold,
  missingCount,
  missingLogE,
  type PairState,
  srmLogE,
} from "../../../../src/core/decision/evidence.js";
import {
  alphaEach,
  guardrailAlpha,
  harmPlan,
  missingPlan,
  pairShare,
  promotePlan,
} from "../../../../src/core/decision/terms.js";
import { createRandom } from "../../../../src/core/random.js";
import { eProcess } from "../../../../src/core/sequential/e-process.js";
import type { GuardrailPlan, MetricKind } from "../../../../src/core/sequential/guardrail.js";
import {
  prepareGuardrail,
  startGuardrail,
  stepGuardrail,
} from "../../../../src/core/sequential/guardrail.js";
import { srmSequentialLogE } from "../../../../src/core/sequential/srm.js";
import type { MetricValues } from "../../../../src/core/sessions/metric.js";
import { drawnArm, foldAll, simulatedContest, simulatedUnits, termsOf } from "../../../support/evidence.js";

/** A mixed log: three arms, moving shares, missing and graded scores, metrics on most sessions, and contexts. */
function mixedLog(count: number, seed: number): FoldInput[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const shares = [
      [0.1, 0.1],
      [0.2, 0.05],
      [0.3, 0],
      [0.05, 0.4],
    ][Math.floor(i / 30) % 4] as number[];
    const arm = drawnArm(shares, random.next());
    const metrics: Record<string, number> = { error: random.next() < 0.1 ? 1 : 0 };
    if (random.next() < 0.8) metrics.cost_usd = Math.exp(random.next() + 0.3 * arm);
    return {
      arm,
      shares,
      score: random.next() < 0.1 ? null : Math.round(4 * random.next()) / 4,
      metrics,
      context: random.next() < 0.5 ? { plan: "free" } : null,
    };
  });
}

const MIXED = termsOf(
  {
    minUplift: -0.02,
    harmMargin: 0.01,
    guardrails: [
      { metric: "error", margin: 0.02 },
      { metric: "cost_usd" },
      { metric: "cost_usd", mode: "require", where: { plan: "free" } },
      { metric: "score", where: { plan: "free" } },
    ],
  },
  [0.2, 0.15],
);

const pairOf = ({ pairs }: Evidence, challenger: number): PairState => pairs[challenger] as PairState;

describe("folding", () => {
  const log = mixedLog(240, 11);

  it("one unit at a time is folding in a loop, bit for bit", () => {
    const folding = new Folding(emptyEvidence(MIXED), MIXED);
    let evidence = emptyEvidence(MIXED);
    for (const unit of log) {
      folding.add(unit);
      evidence = fold(evidence, unit, MIXED);
      expect(JSON.stringify(evidence)).toBe(JSON.stringify(folding.evidence));
    }
    expect(evidence).toEqual(folding.evidence);
  });

  it("resumed from its JSON at any point is the same, bit for bit", () => {
    const whole = JSON.stringify(foldAll(log, MIXED));
    for (let at = 0; at <= log.length; at += 16) {
      const stored = JSON.parse(JSON.stringify(foldAll(log.slice(0, at), MIXED))) as Evidence;
      const resumed = new Folding(stored, MIXED);
      for (const unit of log.slice(at)) resumed.add(unit);
      expect(JSON.stringify(resumed.evidence)).toBe(whole);
    }
  });

  it("leaves the evidence it goes on from as it is", () => {
    const before = foldAll(log.slice(0, 100), MIXED);
    const text = JSON.stringify(before);
    const folding = new Folding(before, MIXED);
    for (const unit of log.slice(100)) folding.add(unit);
    expect(JSON.stringify(before)).toBe(text);
  });

  it("keeps each arm's counts, sums and metrics, as added up from the log", () => {
    const { arms, index } = foldAll(log, MIXED);
    for (const arm of [0, 1, 2]) {
      const own = log.filter((unit) => unit.arm === arm);
      const scores = own.flatMap(({ score }) => (score === null ? [] : [score]));
      const costs = own.flatMap(({ score, metrics }) =>
        score === null || metrics?.cost_usd === undefined ? [] : [metrics.cost_usd],
      );
      expect(arms[arm]).toMatchObject({
        count: scores.length,
        sum: scores.reduce((sum, score) => sum + score, 0),
        sumSquares: scores.reduce((sum, score) => sum + score * score, 0),
        missingCount: own.length - scores.length,
      });
      const { cost_usd, error } = arms[arm]!.metrics;
      expect(cost_usd?.values.count).toBe(costs.length);
      expect(cost_usd?.values.mean).toBeCloseTo(
        costs.reduce((sum, cost) => sum + cost, 0) / costs.length,
        12,
      );
      expect(error?.values.count).toBe(scores.length);
    }
    expect(index).toBe(log.filter(({ score }) => score !== null).length);
  });

  it("takes new terms from the next unit on, and keeps what was", () => {
    const later = { ...MIXED, policy: { ...MIXED.policy, horizon: 400 } };
    const folding = new Folding(emptyEvidence(MIXED), MIXED);
    for (const unit of log.slice(0, 120)) folding.add(unit);
    folding.setTerms(later);
    for (const unit of log.slice(120)) folding.add(unit);
    const stepwise = log.reduce(
      (evidence, unit, i) => fold(evidence, unit, i < 120 ? MIXED : later),
      emptyEvidence(MIXED),
    );
    expect(folding.evidence).toEqual(stepwise);
    expect(folding.evidence).not.toEqual(foldAll(log, MIXED));
  });

  it("without the tests of missingness is the same in all else", () => {
    const folding = new Folding(emptyEvidence(MIXED), MIXED, { missingness: true });
    for (const unit of log) folding.add(unit);
    const whole = foldAll(log, MIXED);
    const fresh = pairOf(emptyEvidence(MIXED), 0);
    const { missingMore, missingLess } = fresh;
    expect(folding.evidence).toEqual({
      ...whole,
      pairs: whole.pairs.map((pair) => ({ ...pair, missingMore, missingLess })),
    });
  });

  it("without the tests of the uplift is the same in all else", () => {
    const folding = new Folding(emptyEvidence(MIXED), MIXED, { uplift: true });
    for (const unit of log) folding.add(unit);
    const whole = foldAll(log, MIXED);
    const { promote, harm } = pairOf(emptyEvidence(MIXED), 0);
    expect(folding.evidence).toEqual({
      ...whole,
      pairs: whole.pairs.map((pair) => ({ ...pair, promote, harm })),
    });
  });

  it("counts anew where any one of the shares has moved, and goes on where none has", () => {
    const phaseAfter = (...shares: number[][]) =>
      foldAll(
        shares.map((each) => ({ arm: 0, shares: each, score: 1 })),
        MIXED,
      ).phaseCount;
    expect(phaseAfter([0.2, 0.15], [0.2, 0.15], [0.2, 0.15])).toBe(3);
    const same = [0.3, 0.1];
    expect(phaseAfter(same, same, same)).toBe(3);
    expect(phaseAfter([0.2, 0.15], [0.2, 0.15], [0.2, 0.1])).toBe(1);
    expect(phaseAfter([0.2, 0.15], [0.2, 0.15], [0.1, 0.15])).toBe(1);
    expect(phaseAfter([0.2, 0.1], [0.2, 0.15], [0.2, 0.15])).toBe(2);
  });

  it("counts the units since the shares last moved", () => {
    const counts = log.slice(0, 70).map((_, i) => foldAll(log.slice(0, i + 1), MIXED).phaseCount);
    expect(counts).toEqual(Array.from({ length: 70 }, (_, i) => (i % 30) + 1));
    expect(foldAll(log.slice(0, 61), MIXED).shares).toEqual([0.3, 0]);
    expect(emptyEvidence(MIXED)).toMatchObject({ shares: [0.2, 0.15], phaseCount: 0, index: 0 });
  });
});

describe("several challengers", () => {
  const SHARES = [0.2, 0.3, 0.1];
  const terms = termsOf({ horizon: 1000, minUplift: 0.01, harmMargin: 0.02 }, SHARES);
  const units = simulatedContest({ count: 900, shares: SHARES, rates: [0.5, 0.5, 0.62, 0.4], seed: 17 });
  const folded = () => foldAll(units, terms);

  it.each([0, 1, 2])(
    "challenger %i is tested on the sessions of the two arms alone: share wj/(wA + wj), level alpha/k",
    (challenger) => {
      const own = units.filter(({ arm }) => arm === 0 || arm === challenger + 1);
      const champion = 1 - 0.2 - 0.3 - 0.1;
      const share = SHARES[challenger]!;
      const w = share / (champion + share);
      const data = {
        g: own.map(({ arm }) => (arm === 0 ? 0 : 1)),
        y: own.map(({ score }) => score!),
        w: own.map(() => w),
      };
      const plan = { horizon: Math.round(1000 * (champion + share)), planShare: w, data };
      const promote = eProcess({ ...plan, alpha: 0.05 / 3, direction: 1, shift: 0.01 });
      const harm = eProcess({ ...plan, alpha: 0.1, direction: -1, shift: -0.02 });
      const pair = pairOf(folded(), challenger);
      // The share is computed in another order of additions: up to its last digit.
      expect(pair.promote.logE).toBeCloseTo(promote[0], 10);
      expect(pair.promote.logSup).toBeCloseTo(promote[1], 10);
      expect(pair.promote.logTouch).toBeCloseTo(promote[2], 10);
      expect(pair.harm.logE).toBeCloseTo(harm[0], 10);
      expect(pair.harm.logSup).toBeCloseTo(harm[1], 10);
      expect(pair.promote.count).toBe(own.length);
    },
  );

  it("share the sample ratio, which knows all arms", () => {
    const evidence = folded();
    const expected = srmSequentialLogE({
      counts: evidence.arms.map(({ count }) => count),
      shares: [0.4, ...SHARES],
      concentration: 100,
    });
    expect(Math.abs(srmLogE(evidence) - expected)).toBeLessThan(1e-10);
  });

  it("one without a share takes no part: nothing is random about who served", () => {
    const dropped = units.map((unit) => ({ ...unit, shares: [0.2, 0.3, 0] })).filter(({ arm }) => arm !== 3);
    const pair = pairOf(foldAll(dropped, terms), 2);
    expect(pair).toEqual(pairOf(emptyEvidence(terms), 2));
    // The others see the champion's sessions at the share that they now have.
    const { share } = pairShare([0.2, 0.3, 0], 1);
    expect(share).toBeCloseTo(0.3 / 0.8, 15);
    const all = { ...termsOf({}, [0.5]) };
    const everything = simulatedUnits({ count: 50, share: 1, champion: 0.5, uplift: 0, seed: 1 });
    expect(pairOf(foldAll(everything, all), 0)).toEqual(pairOf(emptyEvidence(all), 0));
  });

  it("one's sessions do not move another's tests", () => {
    const without = units.filter(({ arm }) => arm !== 2);
    expect(pairOf(foldAll(without, terms), 0)).toEqual(pairOf(folded(), 0));
    expect(pairOf(foldAll(without, terms), 1)).not.toEqual(pairOf(folded(), 1));
  });

  it("have their missing sessions told apart", () => {
    const lossy = units.map((unit) => (unit.arm === 2 && unit.score === 0 ? { ...unit, score: null } : unit));
    const seen = foldAll(lossy, terms);
    const missing = units.filter(({ arm, score }) => arm === 2 && score === 0).length;
    expect([0, 1, 2].map((j) => missingCount(seen, j))).toEqual([0, missing, 0]);
    expect(missingLogE(seen, 0)).toBe(0);
    expect(missingLogE(seen, 1)).toBeGreaterThan(Math.log(2000));
    const fromChampion = units.map((unit, i) => (unit.arm === 0 && i % 3 ? { ...unit, score: null } : unit));
    for (const j of [0, 1, 2])
      expect(missingLogE(foldAll(fromChampion, terms), j)).toBeGreaterThan(Math.log(2000));
  });
});

describe("the tests of missingness", () => {
  it("are the e-processes of the missing flag, in both directions, at half the level over k", () => {
    const terms = termsOf({ srmAlpha: 0.004 }, [0.3]);
    const units = simulatedUnits({ count: 300, share: 0.3, champion: 0.8, uplift: 0.1, seed: 3 }).map(
      (unit) => (unit.score === 0 ? { ...unit, score: null } : unit),
    );
    const data = {
      g: units.map(({ arm }) => arm),
      y: units.map(({ score }) => (score === null ? 1 : 0)),
      w: units.map(() => 0.3),
    };
    const pair = pairOf(foldAll(units, terms), 0);
    const plan = { alpha: 0.002, horizon: 2000, planShare: 0.3, shift: 0, data };
    expect(pair.missingMore.logE).toBe(eProcess({ ...plan, direction: 1 })[0]);
    expect(pair.missingLess.logE).toBe(eProcess({ ...plan, direction: -1 })[0]);
    expect(missingLogE(foldAll(units, terms), 0)).toBe(
      Math.max(pair.missingMore.logE, pair.missingLess.logE),
    );
  });
});

describe("guardrails", () => {
  const RAW = { metric: "m", margin: 0.1 } as const;

  /** The pair's guardrail after units with the given values, and the same by steps of its own. */
  function both(
    kind: MetricKind | "auto",
    values: readonly (number | undefined)[],
    fitted: readonly number[],
  ) {
    const terms = termsOf({ metrics: { m: { kind } }, guardrails: [RAW] }, [0.4]);
    const random = createRandom(4);
    const arms = values.map(() => (random.next() < 0.4 ? 1 : 0));
    const units = values.map((value, i): FoldInput => {
      const metrics: MetricValues = value === undefined ? {} : { m: value };
      return { arm: arms[i] as number, shares: [0.4], score: 1, metrics };
    });
    const plan: GuardrailPlan = {
      guardrail: { ...RAW, direction: "lower", mode: "abort" },
      kind: kind === "auto" ? "positive" : kind,
      alpha: 0.05,
      horizon: 2000,
      planShare: 0.4,
    };
    const prepared = prepareGuardrail(plan);
    const recorded = arms.filter((_, i) => values[i] !== undefined);
    const alone = recorded.reduce(
      (state, arm, i) =>
        stepGuardrail(prepared, state, { g: arm as 0 | 1, value: fitted[i] as number, w: 0.4 }),
      startGuardrail(),
    );
    return { folded: pairOf(foldAll(units, terms), 0).guardrails[0], alone };
  }

  it.each(["positive", "count", "real", "auto"] as const)(
    "look at a %s metric session by session",
    (kind) => {
      const values = Array.from({ length: 60 }, (_, i) => (i * 37) % 11);
      const { folded, alone } = both(kind, values, values);
      expect(folded).toEqual(alone);
      expect(folded?.test.count).toBe(60);
    },
  );

  it("skip sessions without the metric", () => {
    const values = Array.from({ length: 60 }, (_, i) => (i % 3 ? undefined : (i * 37) % 11));
    const recorded = values.filter((value) => value !== undefined);
    const { folded, alone } = both("positive", values, recorded);
    expect(folded).toEqual(alone);
    expect(folded?.test.count).toBe(20);
  });

  it("move a value that does not fit its kind to the nearest that does", () => {
    const values = Array.from({ length: 60 }, (_, i) => (i % 7) - 3);
    const rates = values.map((value) => Math.min(1, Math.max(0, value)));
    expect(both("binary", values, rates).folded).toEqual(both("binary", values, rates).alone);
    const positive = values.map((value) => Math.max(0, value));
    for (const kind of ["positive", "count", "auto"] as const) {
      const { folded, alone } = both(kind, values, positive);
      expect(folded).toEqual(alone);
    }
    const { folded, alone } = both("real", values, values);
    expect(folded).toEqual(alone);
  });

  it("on a segment count its sessions alone, and on the score look at the score", () => {
    const terms = termsOf(
      { guardrails: [{ metric: "score", margin: 0.05, where: { plan: "free" } }] },
      [0.4],
    );
    const random = createRandom(9);
    const units = Array.from({ length: 300 }, (): FoldInput => {
      const arm = random.next() < 0.4 ? 1 : 0;
      const isFree = random.next() < 0.5;
      // Worse for the free plan, better for the paid one.
      const rate = 0.6 + (arm === 0 ? 0 : isFree ? -0.5 : 0.4);
      const context = isFree ? { plan: "free" } : random.next() < 0.5 ? { plan: "paid" } : null;
      return { arm, shares: [0.4], score: random.next() < rate ? 1 : 0, context };
    });
    const free = units.filter(({ context }) => context?.plan === "free");
    const data = {
      g: free.map(({ arm }) => arm),
      y: free.map(({ score }) => score!),
      w: free.map(() => 0.4),
    };
    const plan = { alpha: 0.05, horizon: 2000, planShare: 0.4, direction: -1, shift: -0.05 } as const;
    const { test } = pairOf(foldAll(units, terms), 0).guardrails[0]!;
    expect([test.logE, test.logSup]).toEqual(eProcess({ ...plan, data }).slice(0, 2));
    expect(test.logSup).toBeGreaterThan(Math.log(20));
    expect(test.count).toBe(free.length);
  });

  it("skip missing sessions, and those of other challengers", () => {
    const terms = termsOf({ guardrails: [{ metric: "score" }] }, [0.2, 0.2]);
    const unit = (arm: number, score: number | null): FoldInput => ({ arm, shares: [0.2, 0.2], score });
    const evidence = foldAll([unit(0, 1), unit(1, 0), unit(1, null), unit(2, 1), unit(0, null)], terms);
    expect(evidence.pairs.map(({ guardrails }) => guardrails[0]?.test.count)).toEqual([2, 2]);
  });

  it.each(["toString", "constructor"])("on a metric called %s wait until one records it", (metric) => {
    const terms = termsOf({ guardrails: [{ metric }] });
    const units = simulatedUnits({ count: 20, share: 0.5, champion: 0.5, uplift: 0, seed: 1 });
    const bare = units.map((unit) => ({ ...unit, metrics: {} }));
    expect(pairOf(foldAll(bare, terms), 0).guardrails[0]?.test.count).toBe(0);
  });
});

describe("the levels and plans of the tests", () => {
  const terms = termsOf(
    {
      horizon: 1001,
      guardrails: [
        { metric: "a" },
        { metric: "b" },
        { metric: "c", mode: "require" },
        { metric: "d", mode: "require" },
      ],
    },
    [0.1, 0.4],
  );
  const [abort, , required] = terms.policy.guardrails;

  it("alpha is divided among the challengers, alphaGuard among the guardrails that abort, harm not at all", () => {
    expect(alphaEach(terms)).toBe(0.025);
    expect(guardrailAlpha(terms, abort!)).toBe(0.025);
    expect(guardrailAlpha(terms, required!)).toBe(0.025);
    expect(guardrailAlpha(termsOf({ alphaGuard: 0.3, guardrails: [{ metric: "a" }] }), abort!)).toBe(0.3);
    expect(harmPlan(terms, 1).alpha).toBe(0.1);
    expect(missingPlan(terms, 0, 1).alpha).toBe(0.00025);
  });

  it("horizon and share are those of the two arms", () => {
    expect(promotePlan(terms, 0)).toMatchObject({ horizon: 601, planShare: 0.1 / 0.6 });
    expect(promotePlan(terms, 1)).toMatchObject({ horizon: 901, planShare: 0.4 / 0.9 });
    expect(promotePlan(termsOf({ horizon: 1 }, [0.01, 0.98]), 0).horizon).toBe(1);
    expect(promotePlan(termsOf({ horizon: 77 }, [0.3]), 0)).toMatchObject({ horizon: 77, planShare: 0.3 });
  });
});
