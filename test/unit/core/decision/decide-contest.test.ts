/** The rules of a decision one by one, in their order, and with several challengers, guardrails and the fuse. */
import { describe, expect, it } from "vitest";
import {
  type DecisionFacts,
  decide,
  outReason,
  outReasons,
  type Reason,
  type Ruling,
} from "../../../../src/core/decision/decide.js";
import {
  type ArmSummary,
  type Evidence,
  emptyEvidence,
  type FoldInput,
  type PairState,
} from "../../../../src/core/decision/evidence.js";
import type { PolicyInput } from "../../../../src/core/decision/policy.js";
import type { Random } from "../../../../src/core/random.js";
import { atMost, drawnArm, rulingRates, termsOf } from "../../../support/evidence.js";

/** How a challenger stands: successes of 100 sessions, and the e-values its tests have reached. */
interface Standing {
  readonly successes?: number;
  readonly promote?: number;
  readonly harm?: number;
  readonly guardrails?: readonly number[];
  readonly missingMore?: number;
  readonly isHopeless?: boolean;
}

const reached = (eValue = 1) => ({ logE: Math.log(eValue), logSup: Math.log(eValue) });

function withStanding(pair: PairState, standing: Standing): PairState {
  const { promote, harm, guardrails = [], missingMore = 1, isHopeless = false } = standing;
  const hopeless = isHopeless ? { count: 1999, logTouch: -2000 } : {};
  return {
    promote: { ...pair.promote, ...reached(promote), ...hopeless },
    harm: { ...pair.harm, ...reached(harm) },
    missingMore: { ...pair.missingMore, ...reached(missingMore) },
    missingLess: pair.missingLess,
    guardrails: pair.guardrails.map((guardrail, i) => ({
      ...guardrail,
      test: { ...guardrail.test, ...reached(guardrails[i]) },
    })),
  };
}

/** Facts of a contest in which the champion succeeded in 40 of 100 sessions. */
function facts(
  standings: readonly Standing[],
  input: PolicyInput | "threshold" = {},
  more: Partial<DecisionFacts> & { readonly change?: Partial<Evidence> } = {},
): DecisionFacts {
  const terms = termsOf(
    input,
    standings.map(() => 0.5 / standings.length),
  );
  const empty = emptyEvidence(terms);
  const arm = (sum: number, missingCount = 0): ArmSummary => ({
    count: 100,
    sum,
    sumSquares: sum,
    missingCount,
    metrics: {},
  });
  const { change, ...rest } = more;
  const evidence: Evidence = {
    ...empty,
    index: 100 * (standings.length + 1),
    arms: [
      arm(40),
      ...standings.map(({ successes = 70, missingMore }) => arm(successes, missingMore ? 1 : 0)),
    ],
    pairs: empty.pairs.map((pair, j) => withStanding(pair, standings[j] as Standing)),
    ...change,
  };
  return { ...terms, promotion: "auto", evidence, isExpired: false, ...rest };
}

const collecting: Ruling = { verdict: "continue", reason: "collecting" };
const promoted = (arm: number): Ruling => ({ verdict: "promote", reason: "evidence", arm });
const aborted = (reason: Reason): Ruling => ({ verdict: "abort", reason });

describe("the order of the rules", () => {
  /** Everything a ruling could be made of at once, and one after another taken away. */
  const everything = {
    srm: true,
    fuse: true,
    harm: true,
    guardrail: true,
    promote: true,
    futility: true,
    horizon: true,
    expired: true,
  };

  function ruled(on: typeof everything): Ruling {
    const standing: Standing = {
      promote: on.promote ? 20 : 19.9,
      harm: on.harm ? 10 : 9.9,
      guardrails: [on.guardrail ? 20 : 19.9],
      isHopeless: true,
    };
    const live = [
      { sessions: 100, errors: 0 },
      { sessions: 100, errors: on.fuse ? 60 : 40 },
    ];
    const input: PolicyInput = on.futility ? {} : { futility: null };
    const asked = facts([standing], input, { live, isExpired: on.expired });
    const change = {
      index: on.horizon ? 2000 : 300,
      srm: { ...asked.evidence.srm, logE: Math.log(on.srm ? 1000 : 999) + 1e-12 },
    };
    return decide({ ...asked, evidence: { ...asked.evidence, ...change } });
  }

  it("is sample ratio, fuse, harm, guardrail, promotion, futility, horizon, time", () => {
    const rulings: Ruling[] = [ruled(everything)];
    const on = { ...everything };
    for (const rule of Object.keys(everything) as (keyof typeof everything)[]) {
      on[rule] = false;
      rulings.push(ruled(on));
    }
    expect(rulings).toEqual([
      aborted("srm"),
      aborted("fuse"),
      aborted("harm"),
      aborted("guardrail"),
      promoted(1),
      { verdict: "hold", reason: "futility" },
      { verdict: "hold", reason: "horizon" },
      { verdict: "hold", reason: "expired" },
      collecting,
    ]);
  });

  it.each([
    ["promote", 20, 19.999, promoted(1)],
    ["harm", 10, 9.999, aborted("harm")],
  ] as const)("%s is decided at 1/level, not before", (test, at, below, ruling) => {
    expect(decide(facts([{ [test]: at }], { futility: null }))).toEqual(ruling);
    expect(decide(facts([{ [test]: below }], { futility: null }))).toEqual(collecting);
  });

  it("a sample ratio is broken at 1/level", () => {
    const asked = facts([{}]);
    const withRatio = (logE: number) => {
      const srm = { ...asked.evidence.srm, logE };
      return decide({ ...asked, evidence: { ...asked.evidence, srm } });
    };
    expect(withRatio(-Math.log(0.001))).toEqual(aborted("srm"));
    expect(withRatio(-Math.log(0.001) - 1e-9)).toEqual(collecting);
  });

  it("a test of missingness says nothing while no unit is missing", () => {
    const asked = facts([{ promote: 20, missingMore: 1e6 }]);
    expect(decide(asked)).toEqual(aborted("srm"));
    const arms = asked.evidence.arms.map((arm) => ({ ...arm, missingCount: 0 }));
    expect(decide({ ...asked, evidence: { ...asked.evidence, arms } })).toEqual(promoted(1));
  });

  it("what has crossed stays crossed, though the test has fallen back since", () => {
    const asked = facts([{ promote: 20 }], { futility: null });
    const [pair] = asked.evidence.pairs as [PairState];
    const fallen = { ...pair, promote: { ...pair.promote, logE: -3 } };
    expect(decide({ ...asked, evidence: { ...asked.evidence, pairs: [fallen] } })).toEqual(promoted(1));
  });

  it("nothing is decided before a unit has folded, not even that nothing is to be hoped for", () => {
    const nothing = facts(
      [{}],
      { futility: { chance: 0.9, after: 0 } },
      { change: { index: 0, shares: [0] } },
    );
    expect(decide(nothing)).toEqual(collecting);
    expect(decide({ ...nothing, isExpired: true })).toEqual({ verdict: "hold", reason: "expired" });
    expect(decide({ ...nothing, evidence: { ...nothing.evidence, index: 1 } }).reason).toBe("futility");
  });

  it("futility waits for its part of the horizon, and for a chance above 0", () => {
    const hopeless = [{ isHopeless: true }];
    const at = (after: number, chance = 0.02) =>
      decide(facts(hopeless, { futility: { chance, after } })).reason;
    expect(at(0.1)).toBe("futility");
    expect(at(0.101)).toBe("collecting");
    expect(at(0, 0)).toBe("collecting");
    // Not even for one without a share, which has no chance at all.
    const shareless = (chance: number) =>
      decide(facts([{}], { futility: { chance, after: 0 } }, { change: { shares: [0] } })).reason;
    expect([shareless(1e-9), shareless(0)]).toEqual(["futility", "collecting"]);
  });
});

describe("a promotion", () => {
  const ready: Standing = { promote: 25 };

  it("needs P(better) of at least tau, by whichever exact way it was computed", () => {
    const given = (probability: number, kind: "calibrated" | "threshold" = "calibrated") =>
      decide(facts([ready], { kind, futility: null }, { probability: () => probability })).verdict;
    expect(given(0.95)).toBe("promote");
    expect(given(0.9499)).toBe("continue");
    // The plain rule is "above tau".
    expect(given(0.95, "threshold")).toBe("continue");
    expect(given(0.9501, "threshold")).toBe("promote");
    expect(given(0.0501, "threshold")).toBe("continue");
    expect(given(1 - 0.95, "threshold")).toBe("continue");
    expect(given(0.0499, "threshold")).toBe("abort");
  });

  it("needs minPerArm units in both arms", () => {
    const withArm = (arm: 0 | 1, count: number) => {
      const asked = facts([ready], { minPerArm: 50, futility: null });
      const arms = asked.evidence.arms.map((summary, i) =>
        i === arm
          ? { ...summary, count, sum: (count * summary.sum) / 100, sumSquares: (count * summary.sum) / 100 }
          : summary,
      );
      return decide({ ...asked, evidence: { ...asked.evidence, arms } }).verdict;
    };
    for (const arm of [0, 1] as const) {
      expect(withArm(arm, 49)).toBe("continue");
      expect(withArm(arm, 50)).toBe("promote");
    }
  });

  it("waits while outcomes rather go missing in one arm, and goes on when they do no more", () => {
    expect(decide(facts([{ ...ready, missingMore: 2.01 }]))).toEqual(collecting);
    expect(decide(facts([{ ...ready, missingMore: 2 }]))).toEqual(promoted(1));
    expect(decide(facts([{ ...ready, missingMore: 1999 }]))).toEqual(collecting);
    expect(decide(facts([{ ...ready, missingMore: 2000 }]))).toEqual(aborted("srm"));
  });

  it("of the plain rule does not wait for missingness or evidence", () => {
    expect(decide(facts([{ promote: 1, missingMore: 100 }], "threshold"))).toEqual(promoted(1));
    expect(decide(facts([{ promote: 1, missingMore: 2000 }], "threshold"))).toEqual(aborted("srm"));
  });
});

/** 300 sessions of a champion and two challengers that all succeed half of the time. */
function* equalArms({ next }: Random): Generator<FoldInput> {
  for (let i = 0; i < 300; i += 1)
    yield { arm: drawnArm([0.3, 0.3], next()), shares: [0.3, 0.3], score: next() < 0.5 ? 1 : 0 };
}

describe("several challengers", () => {
  it("are promoted at alpha/k, k fixed at start", () => {
    expect(decide(facts([{ promote: 39.99 }, {}]))).toEqual(collecting);
    expect(decide(facts([{ promote: 40 }, {}]))).toEqual(promoted(1));
    // The second is out; the line of the first stays where it was.
    expect(decide(facts([{ promote: 39.99 }, { harm: 10 }]))).toEqual(collecting);
    expect(decide(facts([{}, {}, {}, { promote: 80 }]))).toEqual(promoted(4));
  });

  it("better at the same unit: the one of the higher posterior mean, the first of equals", () => {
    const crossed = { promote: 50 };
    expect(
      decide(
        facts([
          { ...crossed, successes: 69 },
          { ...crossed, successes: 72 },
        ]),
      ),
    ).toEqual(promoted(2));
    expect(
      decide(
        facts([
          { ...crossed, successes: 72 },
          { ...crossed, successes: 69 },
        ]),
      ),
    ).toEqual(promoted(1));
    expect(
      decide(
        facts([
          { ...crossed, successes: 70 },
          { ...crossed, successes: 70 },
        ]),
      ),
    ).toEqual(promoted(1));
    expect(
      decide(facts([{ successes: 90 }, { ...crossed, successes: 72 }], {}, { promotion: "approve" })),
    ).toEqual({ verdict: "continue", reason: "awaiting-approval", arm: 2 });
  });

  it("go out one by one, and the experiment goes on with those that are left", () => {
    const one = facts([{ harm: 10 }, { successes: 45 }]);
    expect(decide(one)).toEqual(collecting);
    expect([outReason(one, 0), outReason(one, 1)]).toEqual(["harm", null]);
    const other = facts([{}, { guardrails: [20] }]);
    expect(decide(other)).toEqual(collecting);
    expect([outReason(other, 0), outReason(other, 1)]).toEqual([null, "guardrail"]);
  });

  it("who is out is not promoted, whatever its evidence", () => {
    const crossed = { promote: 100, successes: 95 };
    expect(decide(facts([{ ...crossed, guardrails: [20] }, { promote: 40 }]))).toEqual(promoted(2));
    expect(decide(facts([{ ...crossed, harm: 10 }, {}]))).toEqual(collecting);
  });

  it.each<[string, Standing, Standing, Reason]>([
    ["harm and harm", { harm: 10 }, { harm: 11 }, "harm"],
    ["guardrail and guardrail", { guardrails: [20] }, { guardrails: [20] }, "guardrail"],
    ["guardrail and harm", { guardrails: [20] }, { harm: 10 }, "harm"],
    ["harm and guardrail", { harm: 10 }, { guardrails: [20] }, "harm"],
    ["both in one", { harm: 10, guardrails: [20] }, { guardrails: [20] }, "harm"],
  ])("all out aborts, for the gravest reason: %s", (_, first, second, reason) => {
    expect(decide(facts([first, second]))).toEqual(aborted(reason));
  });

  it("the fuse is the gravest, and takes one at a time", () => {
    const calm = { sessions: 300, errors: 3 };
    const burning = { sessions: 30, errors: 20 };
    const live = [calm, burning, calm];
    expect(decide(facts([{}, {}], {}, { live }))).toEqual(collecting);
    expect(outReason(facts([{}, {}], {}, { live }), 0)).toBe("fuse");
    expect(decide(facts([{}, { harm: 10 }], {}, { live }))).toEqual(aborted("fuse"));
    expect(decide(facts([{}, {}], {}, { live: [calm, burning, burning] }))).toEqual(aborted("fuse"));
  });

  it("hold for futility only when promotion is unlikely for all that are left", () => {
    const hopeless = { isHopeless: true };
    const held: Ruling = { verdict: "hold", reason: "futility" };
    expect(decide(facts([hopeless, {}]))).toEqual(collecting);
    expect(decide(facts([hopeless, hopeless]))).toEqual(held);
    expect(decide(facts([hopeless, { harm: 10 }]))).toEqual(held);
    // One that has no share any more has no chance either.
    const shareless = { change: { shares: [0.25, 0] } };
    expect(decide(facts([hopeless, {}], {}, shareless))).toEqual(held);
  });

  it("any one's missingness is a broken experiment", () => {
    expect(decide(facts([{}, { missingMore: 3999 }]))).toEqual(collecting);
    expect(decide(facts([{}, { missingMore: 4000 }]))).toEqual(aborted("srm"));
  });

  it("an equal pair of challengers is promoted in at most alpha of 400 experiments, seed 40,000", () => {
    const terms = termsOf({ horizon: 300, futility: null, guardrails: [], alphaHarm: 1e-9 }, [0.3, 0.3]);
    const rate = rulingRates(400, 40_000, equalArms, { terms }).promote;
    expect(rate).toBeLessThanOrEqual(atMost(0.05, 400));
  });
});

describe("the fuse", () => {
  const live = [
    { sessions: 100, errors: 1 },
    { sessions: 25, errors: 20 },
  ];

  it("aborts before a single session has settled", () => {
    const nothing = facts([{}], {}, { live, change: { index: 0 } });
    expect(decide(nothing)).toEqual(aborted("fuse"));
    expect(decide({ ...nothing, live: null })).toEqual(collecting);
    expect(decide({ ...nothing, live: undefined })).toEqual(collecting);
  });

  it("is not there where the policy has none", () => {
    expect(decide(facts([{}], { fuse: null }, { live }))).toEqual(collecting);
    expect(decide(facts([{}], "threshold", { live })).reason).not.toBe("fuse");
  });
});

describe("guardrails", () => {
  it("that abort share alphaGuard among themselves alone", () => {
    const guardrails: PolicyInput["guardrails"] = [
      { metric: "cost_usd" },
      { metric: "error", mode: "require" },
      { metric: "latency_ms" },
    ];
    const at = (...values: number[]) =>
      decide(facts([{ guardrails: values }], { guardrails, futility: null }));
    expect(at(39.9, 1, 39.9)).toEqual(collecting);
    expect(at(40, 1, 1)).toEqual(aborted("guardrail"));
    expect(at(1, 1, 40)).toEqual(aborted("guardrail"));
    expect(at(1, 1e6, 1)).toEqual(collecting);
  });

  it("that are required let pass what has proven them all, at level alpha each", () => {
    const guardrails: PolicyInput["guardrails"] = [
      { metric: "cost_usd", mode: "require" },
      { metric: "latency_ms", mode: "require" },
    ];
    const at = (...values: number[]) =>
      decide(facts([{ promote: 20, guardrails: values }], { guardrails, futility: null }));
    expect(at(20, 19.9)).toEqual(collecting);
    expect(at(19.9, 20)).toEqual(collecting);
    expect(at(20, 20)).toEqual(promoted(1));
    const plain = facts([{ guardrails: [20, 1] }], { kind: "threshold", guardrails });
    expect(decide(plain)).toEqual(collecting);
    const two = (value: number) => facts([{ promote: 40, guardrails: [value, 40] }, {}], { guardrails });
    expect(decide(two(39.9))).toEqual(collecting);
    expect(decide(two(40))).toEqual(promoted(1));
  });
});

describe("as good but cheaper: minUplift -0.03 and a required cost, 60 experiments each, seed 7,000", () => {
  const terms = termsOf({
    horizon: 500,
    minUplift: -0.03,
    futility: null,
    guardrails: [{ metric: "cost_usd", margin: 0, mode: "require" }],
  });
  const RUNS = 60;

  /** 500 graded sessions, the challenger's scores higher by `uplift` and its costs `cost` times the champion's. */
  function* sessions({ next }: Random, cost: number, uplift: number): Generator<FoldInput> {
    for (let i = 0; i < 500; i += 1) {
      const arm = next() < 0.5 ? 1 : 0;
      const spread = Math.exp(next() + next() + next());
      const score = 0.7 + 0.2 * next() + (arm ? uplift : 0);
      yield { arm, shares: [0.5], score, metrics: { cost_usd: spread * (arm ? cost : 1) } };
    }
  }

  const promotions = (cost: number, uplift: number): number =>
    rulingRates(RUNS, 7000, (random) => sessions(random, cost, uplift), { terms }).promote;
  const most = atMost(0.05, RUNS);

  it("promotes an equal and cheaper one", () => {
    expect(promotions(0.7, 0)).toBeGreaterThan(0.9);
  });

  it("does not promote one that is equal and equally expensive, nor one that is cheaper and worse", () => {
    expect(promotions(1, 0)).toBeLessThanOrEqual(most);
    expect(promotions(0.7, -0.03)).toBeLessThanOrEqual(most);
  });
});

describe("a challenger that is out", () => {
  const STRONG: Standing = { successes: 90, promote: 1000 };
  const WEAK: Standing = { successes: 10, harm: 1000 };

  it("stays out, whatever its evidence says later, and is not promoted", () => {
    const two = facts([STRONG, {}]);
    expect(decide(two)).toMatchObject({ verdict: "promote", arm: 1 });
    expect(decide({ ...two, out: ["manual", null] })).toEqual({ verdict: "continue", reason: "collecting" });
    expect(outReasons({ ...two, out: ["fuse", null] })).toEqual(["fuse", null]);
  });

  it("leaves the promotion to the others", () => {
    expect(decide(facts([STRONG, STRONG], {}, { out: ["harm", null] }))).toMatchObject({ arm: 2 });
  });

  it("is told of with who was out before", () => {
    expect(outReasons(facts([WEAK, {}, STRONG], {}, { out: [null, "manual", null] }))).toEqual([
      "harm",
      "manual",
      null,
    ]);
    expect(outReasons(facts([{}, {}]))).toEqual([null, null]);
  });

  it("ends the experiment by the gravest reason once nobody is left", () => {
    expect(decide(facts([WEAK, STRONG], {}, { out: [null, "manual"] }))).toEqual({
      verdict: "abort",
      reason: "harm",
    });
    expect(decide(facts([{}, {}], {}, { out: ["manual", "guardrail"] })).reason).toBe("guardrail");
    expect(decide(facts([{}, {}], {}, { out: ["manual", "manual"] })).reason).toBe("manual");
  });
});
