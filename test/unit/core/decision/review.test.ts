import { describe, expect, it } from "vitest";
import {
  type Contest,
  type EvaluationOutline,
  evaluate,
  type GuardrailEvaluation,
  outlineOf,
} from "../../../../src/core/decision/evaluation.js";
import { createPolicy, DEFAULT_POLICY } from "../../../../src/core/decision/policy.js";
import { alarming, reviewPoints } from "../../../../src/core/decision/review.js";
import { foldAll, simulatedContest, simulatedUnits, termsOf } from "../../../support/evidence.js";

const TERMS = termsOf({}, [0.3]);
const LINE = Math.log(20);
const SRM_LINE = Math.log(1000);

const guardrail: GuardrailEvaluation = {
  metric: "cost_usd",
  direction: "lower",
  margin: 0.1,
  mode: "abort",
  sessionCount: 400,
  logE: 0,
  logSup: 0,
  logLine: LINE,
  isCrossed: false,
};

/** A contest in which everything agrees: nothing is known yet. */
const OPEN: Contest = {
  arm: 1,
  out: null,
  probabilityBetter: 0.6,
  probabilityBetterBy: 0.6,
  expectedLossChallenger: 0.02,
  expectedLossChampion: 0.03,
  upliftMean: 0.01,
  logEPromote: 0,
  logSupPromote: 0,
  logEHarm: 0,
  logSupHarm: 0,
  logLinePromote: LINE,
  logLineHarm: Math.log(10),
  chanceOfPromotion: 0.3,
  missingLogE: 0,
  phi: 1,
  guardrails: [],
};

const likely = (value: number): Partial<Contest> => ({
  probabilityBetter: value,
  probabilityBetterBy: value,
});

/** An outline of one contest, some of it changed. */
const outline = (
  change: Partial<Contest>,
  more: Partial<Omit<EvaluationOutline, "contests">> = {},
): EvaluationOutline => ({
  sessionCount: 600,
  arms: [
    { sessionCount: 400, missingCount: 0, scoreMean: 0.5 },
    { sessionCount: 200, missingCount: 0, scoreMean: 0.51 },
  ],
  srmLogE: 0,
  contests: [{ ...OPEN, ...change }],
  ...more,
});

const reasons = (of: EvaluationOutline, policy = DEFAULT_POLICY): string[] =>
  reviewPoints(of, policy).map(({ reason }) => reason);

describe("reviewPoints", () => {
  it("finds nothing where the criteria agree, or nothing has settled", () => {
    expect(reasons(outline({}))).toEqual([]);
    expect(reasons(outline({ ...likely(0.99), logSupPromote: LINE, expectedLossChallenger: 0 }))).toEqual([]);
    expect(reasons(outline({ ...likely(0.01), logSupHarm: 3, expectedLossChallenger: 0.1 }))).toEqual([]);
    expect(reasons(outline(likely(0.99), { sessionCount: 0, srmLogE: 5 }))).toEqual([]);
  });

  it("tells of a P(better) that is high enough while the evidence is not halfway", () => {
    const [point] = reviewPoints(outline({ ...likely(0.97), logSupPromote: Math.log(2) }), DEFAULT_POLICY);
    expect(point).toEqual({
      reason: "evidence-lags",
      arm: 1,
      message:
        "P(better) is 0.970, but the evidence stands at 2.00 times of the 20 times needed: looking after every session often finds so much by chance.",
    });
    expect(reasons(outline({ ...likely(0.97), logSupPromote: LINE / 2 }))).toEqual([]);
    expect(reasons(outline(likely(0.94)))).toEqual([]);
    // What the policy compares with tau is the probability beyond minUplift.
    expect(reasons(outline({ ...likely(0.97), probabilityBetterBy: 0.5 }))).toEqual([]);
    const few = [OPEN, OPEN].map((_, arm) => ({
      sessionCount: arm === 0 ? 400 : 9,
      missingCount: 0,
      scoreMean: 1,
    }));
    expect(reasons(outline(likely(0.97), { arms: few }))).toEqual([]);
    expect(reasons(outline(likely(0.97)), createPolicy("threshold"))).toEqual([]);
  });

  it("tells of evidence that the posterior of all units no longer bears out, for gain and for harm", () => {
    expect(reasons(outline({ ...likely(0.4), logSupPromote: LINE / 2 }))).toEqual(["evidence-turned"]);
    expect(reasons(outline({ ...likely(0.9), logSupPromote: LINE }))).toEqual(["evidence-turned"]);
    expect(reasons(outline({ ...likely(0.9), logSupPromote: LINE - 0.1 }))).toEqual([]);
    expect(reasons(outline({ ...likely(0.85), logSupHarm: 1.2 }))).toEqual(["evidence-turned"]);
    expect(reasons(outline({ ...likely(0.75), logSupHarm: 1.2 }))).toEqual([]);
    expect(reviewPoints(outline({ ...likely(0.85), logSupHarm: 1.2 }), DEFAULT_POLICY)[0]?.message).toBe(
      "The evidence of harm reached 3.32 times of the 10 times needed, but by all units P(better) is 0.850: has something changed on the way?",
    );
    expect(reasons(outline({ ...likely(0.4), logSupPromote: LINE }), createPolicy("threshold"))).toEqual([]);
  });

  it("tells of arms as good as equal, once a quarter of the horizon is in", () => {
    const equal = { ...likely(0.55), expectedLossChallenger: 0.002 };
    expect(reasons(outline(equal))).toEqual(["loss-small"]);
    expect(reasons(outline(equal, { sessionCount: 499 }))).toEqual([]);
    expect(reasons(outline({ ...equal, expectedLossChallenger: 0.003 }))).toEqual([]);
    expect(reasons(outline({ ...equal, ...likely(0.8) }))).toEqual([]);
    expect(reviewPoints(outline(equal), DEFAULT_POLICY)[0]?.message).toContain("would cost 0.20 points, yet");
  });

  it("tells of a proof that is required and missing while the score would do", () => {
    const required = { ...guardrail, mode: "require", logSup: 1 } as const;
    const proven = { ...likely(0.99), logSupPromote: LINE, guardrails: [required] };
    expect(reasons(outline(proven))).toEqual(["proof-missing"]);
    expect(reasons(outline({ ...proven, guardrails: [{ ...required, isCrossed: true }] }))).toEqual([]);
    expect(reasons(outline({ ...proven, logSupPromote: 2 }))).toEqual([]);
    expect(reasons(outline({ ...proven, logSupPromote: 0 }), createPolicy("threshold"))).toEqual([
      "proof-missing",
    ]);
  });

  it("tells of a guardrail that gets worse while the score gets better", () => {
    const leaning = { ...guardrail, logE: LINE / 2, logSup: LINE / 2 };
    expect(reasons(outline({ ...likely(0.85), guardrails: [leaning] }))).toEqual(["guardrail-leans"]);
    // Where the score does no better, the two agree.
    expect(reasons(outline({ ...likely(0.5), guardrails: [leaning] }))).toEqual([]);
    expect(reasons(outline({ ...likely(0.85), guardrails: [{ ...leaning, isCrossed: true }] }))).toEqual([]);
    // What was near once and is no more has recovered.
    expect(reasons(outline({ ...likely(0.85), guardrails: [{ ...leaning, logE: 0 }] }))).toEqual([]);
    expect(reasons(outline({ ...likely(0.85), guardrails: [{ ...leaning, mode: "require" }] }))).toEqual([]);
  });

  it("tells of shares and outcomes that are in doubt, before the experiment ends for them", () => {
    expect(reviewPoints(outline({}, { srmLogE: SRM_LINE / 2 }), DEFAULT_POLICY)).toMatchObject([
      { reason: "srm-suspected", arm: null },
    ]);
    expect(reasons(outline({}, { srmLogE: SRM_LINE }))).toEqual([]);
    expect(reasons(outline({ missingLogE: SRM_LINE / 2 }))).toEqual(["missing-differs"]);
    expect(reasons(outline({ missingLogE: SRM_LINE }))).toEqual([]);
    expect(reasons(outline({ missingLogE: 1 }))).toEqual([]);
    // It keeps a promotion waiting that is in otherwise.
    expect(reasons(outline({ ...likely(0.99), logSupPromote: LINE, missingLogE: 1 }))).toEqual([
      "missing-differs",
    ]);
    expect(
      reasons(outline({ ...likely(0.99), logSupPromote: LINE, missingLogE: 1 }), createPolicy("threshold")),
    ).toEqual([]);
  });

  it("looks at every challenger that contends, and at none that is out", () => {
    const lagging = { ...OPEN, ...likely(0.97), arm: 2 };
    const two = outline(
      {},
      { arms: [600, 200, 200].map((sessionCount) => ({ sessionCount, missingCount: 0, scoreMean: 0.5 })) },
    );
    const contests = [OPEN, lagging];
    expect(reviewPoints({ ...two, contests }, DEFAULT_POLICY)).toMatchObject([{ arm: 2 }]);
    const out = contests.map((contest) => ({ ...contest, out: "harm" as const }));
    expect(reviewPoints({ ...two, contests: out }, DEFAULT_POLICY)).toEqual([]);
  });
});

describe("alarming", () => {
  it("leaves out what has an alarm of its own, and what is ordinary", () => {
    const harm = { logSupHarm: 1.2, missingLogE: SRM_LINE / 2 };
    const all = outline({ ...likely(0.97), ...harm }, { srmLogE: SRM_LINE / 2 });
    const points = reviewPoints(all, DEFAULT_POLICY);
    expect(points.map(({ reason }) => reason)).toEqual([
      "srm-suspected",
      "evidence-lags",
      "evidence-turned",
      "missing-differs",
    ]);
    expect(alarming(points).map(({ reason }) => reason)).toEqual(["evidence-turned"]);
  });
});

describe("outlineOf", () => {
  it("gives the numbers of the evaluation that the evidence alone gives, to the bit", () => {
    const units = simulatedUnits({ count: 400, share: 0.3, champion: 0.5, uplift: 0.1, seed: 8 });
    const evidence = foldAll(units, TERMS);
    const whole = evaluate({ ...TERMS, evidence, units });
    const { contests, arms, ...rest } = outlineOf({ ...TERMS, evidence });
    expect(rest).toEqual({ sessionCount: whole.sessionCount, srmLogE: whole.srmLogE });
    expect(contests).toHaveLength(1);
    expect(whole).toMatchObject({ ...contests[0] });
    expect(arms.map(({ sessionCount, missingCount }) => ({ sessionCount, missingCount }))).toEqual(
      whole.arms.map(({ sessionCount, missingCount }) => ({ sessionCount, missingCount })),
    );
    expect(arms[1]?.scoreMean).toBe((whole.arms[1]?.scoreSum ?? 0) / (whole.arms[1]?.sessionCount ?? 1));
    expect(outlineOf({ ...TERMS, evidence: foldAll([], TERMS) }).arms[0]?.scoreMean).toBeNull();
  });

  it("puts the leading challenger first, as the evaluation does", () => {
    const terms = termsOf({}, [0.3, 0.3]);
    const units = simulatedContest({ count: 300, shares: [0.3, 0.3], rates: [0.5, 0.3, 0.7], seed: 4 });
    const evidence = foldAll(units, terms);
    const { contests } = outlineOf({ ...terms, evidence });
    const whole = evaluate({ ...terms, evidence, units });
    expect(contests.map(({ arm }) => arm)).toEqual([whole.arm, ...whole.others.map(({ arm }) => arm)]);
    expect(contests[0]?.arm).toBe(2);
  });
});
