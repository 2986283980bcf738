import { describe, expect, it } from "vitest";
import {
  type Evidence,
  emptyEvidence,
  type FoldInput,
  fold,
  type PairState,
} from "../../../../src/core/decision/evidence.js";
import { probabilityBetterBy } from "../../../../src/core/decision/posterior.js";
import {
  createShareRule,
  nextShares,
  plannedShares,
  type ShareRule,
  type ShareRuleInput,
  startShares,
} from "../../../../src/core/decision/share-rule.js";
import { foldAll, simulatedUnits, termsOf } from "../../../support/evidence.js";

const RAMP: ShareRule = {
  kind: "ramp",
  steps: [
    { share: 0.05, minSessions: 40 },
    { share: 0.2, minSessions: 60 },
    { share: 0.5, minSessions: 10 },
  ],
};
const ADAPTIVE: ShareRule = { kind: "adaptive", min: 0.05, max: 0.5 };

describe("createShareRule", () => {
  it.each<[ShareRuleInput, ShareRule]>([
    [0.2, { kind: "fixed", share: 0.2 }],
    [0, { kind: "fixed", share: 0 }],
    [
      { kind: "fixed", share: 1 / 3 },
      { kind: "fixed", share: 0.3333 },
    ],
    ["adaptive", ADAPTIVE],
    [
      { kind: "adaptive", min: 0.12345, max: 0.9 },
      { kind: "adaptive", min: 0.1235, max: 0.9 },
    ],
    [
      { kind: "ramp", steps: [{ share: 0.11111, minSessions: 3 }] },
      { kind: "ramp", steps: [{ share: 0.1111, minSessions: 3 }] },
    ],
    [[0.1, 0.25, 0], { kind: "each", shares: [0.1, 0.25, 0] }],
    [
      { kind: "each", shares: [1 / 3, 0.65666] },
      { kind: "each", shares: [0.3333, 0.6567] },
    ],
    ["ramp", { kind: "ramp", steps: [0.05, 0.1, 0.25, 0.5].map((share) => ({ share, minSessions: 500 })) }],
  ])("completes %j, in multiples of 1/10,000, and itself again", (input, rule) => {
    expect(createShareRule(input, 2000)).toEqual(rule);
    expect(createShareRule(rule, 7)).toEqual(rule);
  });

  it("spreads the default ramp over quarters of the horizon, of at least one session", () => {
    const stepsOf = (horizon: number) => {
      const rule = createShareRule("ramp", horizon);
      return rule.kind === "ramp" ? rule.steps.map(({ minSessions }) => minSessions) : [];
    };
    expect(stepsOf(403)).toEqual([100, 100, 100, 100]);
    expect(stepsOf(2)).toEqual([1, 1, 1, 1]);
  });

  it.each<[string, unknown]>([
    ["settings_invalid", "fast"],
    ["settings_invalid", null],
    ["settings_invalid", undefined],
    ["settings_invalid", { kind: "linear" }],
    ["settings_invalid", { kind: "ramp", steps: [] }],
    ["settings_invalid", { kind: "ramp" }],
    ["settings_invalid", { kind: "ramp", steps: [null] }],
    ["settings_invalid", { kind: "ramp", steps: [{ share: 0.1, minSessions: 0 }] }],
    ["settings_invalid", { kind: "ramp", steps: [{ share: 0.1, minSessions: 1.5 }] }],
    ["settings_invalid", { kind: "ramp", steps: [{ share: 0.1 }] }],
    [
      "settings_invalid",
      {
        kind: "ramp",
        steps: [
          { share: 0.2, minSessions: 5 },
          { share: 0.2, minSessions: 5 },
        ],
      },
    ],
    [
      "settings_invalid",
      {
        kind: "ramp",
        steps: [
          { share: 0.2, minSessions: 5 },
          { share: 0.1, minSessions: 5 },
        ],
      },
    ],
    ["settings_invalid", []],
    ["settings_invalid", { kind: "each" }],
    ["settings_invalid", [0.5, 0.4999]],
    ["share_out_of_range", [0.5, 0.001]],
    ["settings_invalid", { kind: "adaptive", min: 0.5, max: 0.2 }],
    ["settings_invalid", { kind: "adaptive", min: 0, max: 0.2 }],
    ["share_out_of_range", { kind: "adaptive", min: 0.1 }],
    ["share_out_of_range", { kind: "ramp", steps: [{ share: 1, minSessions: 5 }] }],
    ["share_out_of_range", 1],
    ["share_out_of_range", 0.001],
    ["share_out_of_range", Number.NaN],
    ["share_out_of_range", { kind: "fixed", share: -0.1 }],
  ])("refuses with %s: %j", (code, input) => {
    expect(() => createShareRule(input as ShareRuleInput, 2000)).toThrow(expect.objectContaining({ code }));
  });

  it.each<[string, unknown, unknown]>([
    [
      "adaptive with 0.01 <= min <= max <= 0.99",
      { kind: "adaptive", min: 0.5, max: 0.2 },
      { min: 0.5, max: 0.2 },
    ],
    ["a ramp of at least one step", { kind: "ramp", steps: [] }, []],
    ["a ramp of at least one step", { kind: "ramp", steps: "0.1" }, "0.1"],
    [
      "a ramp whose steps have minSessions, an integer of at least 1",
      { kind: "ramp", steps: [{ share: 0.1, minSessions: 0 }] },
      { share: 0.1, minSessions: 0 },
    ],
    [
      "a ramp whose shares rise from step to step",
      { kind: "ramp", steps: [0.1, 0.3, 0.2].map((share) => ({ share, minSessions: 5 })) },
      0.2,
    ],
    ["a number, a list of numbers, 'ramp', 'adaptive', or one of these in full", "fast", "fast"],
  ])("says that it must be %s: %j", (allowed, input, received) => {
    const call = () => createShareRule(input as ShareRuleInput, 2000);
    expect(call).toThrow(`share must be ${allowed}; received ${JSON.stringify(received)}.`);
    expect(call).toThrow(expect.objectContaining({ details: { field: "share", received, allowed } }));
  });

  it("takes the narrowest range, and a step of one session", () => {
    const narrow: ShareRule = { kind: "adaptive", min: 0.3, max: 0.3 };
    expect(createShareRule(narrow, 2000)).toEqual(narrow);
    const step: ShareRule = { kind: "ramp", steps: [{ share: 0.01, minSessions: 1 }] };
    expect(createShareRule(step, 2000)).toEqual(step);
  });
});

describe("the shares at start, and those planned for", () => {
  it("are the fixed share, the first step or the mean of the ramp, the middle of the adaptive", () => {
    const fixed = createShareRule(0.3, 2000);
    expect([startShares(fixed, 1), plannedShares(fixed, 1)]).toEqual([[0.3], [0.3]]);
    expect([startShares(RAMP, 1), plannedShares(RAMP, 1)]).toEqual([[0.05], [0.25]]);
    expect([startShares(ADAPTIVE, 1), plannedShares(ADAPTIVE, 1)]).toEqual([[0.5], [0.5]]);
    const bounded: ShareRule = { kind: "adaptive", min: 0.05, max: 0.33 };
    expect(startShares(bounded, 1)).toEqual([0.33]);
  });

  it("are each challenger's own where a list gives them, and then one for each", () => {
    const each = createShareRule([0.1, 0.3], 100);
    expect(startShares(each, 2)).toEqual([0.1, 0.3]);
    expect(plannedShares(each, 2)).toEqual([0.1, 0.3]);
    for (const challengers of [1, 3])
      expect(() => startShares(each, challengers)).toThrow(`must be a list of ${challengers}`);
  });

  it("are divided equally among several challengers, never below 0.01", () => {
    expect(startShares({ kind: "fixed", share: 0.3 }, 3)).toEqual([0.1, 0.1, 0.1]);
    expect(startShares({ kind: "fixed", share: 0.5 }, 3)).toEqual([0.1667, 0.1667, 0.1667]);
    expect(startShares(RAMP, 2)).toEqual([0.025, 0.025]);
    expect(plannedShares(RAMP, 2)).toEqual([0.125, 0.125]);
    expect(startShares({ kind: "fixed", share: 0.01 }, 3)).toEqual([0.01, 0.01, 0.01]);
    expect(startShares({ kind: "fixed", share: 0 }, 2)).toEqual([0, 0]);
    expect(startShares(ADAPTIVE, 4)).toEqual([0.125, 0.125, 0.125, 0.125]);
  });

  it("leave the champion its 0.01, however many they are", () => {
    for (let challengers = 1; challengers <= 20; challengers += 1) {
      const shares = startShares({ kind: "fixed", share: 0.99 }, challengers);
      const buckets = shares.reduce((sum, share) => sum + Math.round(share * 10_000), 0);
      expect(buckets, `${challengers} challengers`).toBeLessThanOrEqual(9900);
    }
  });
});

const TERMS = termsOf({}, [0.25]);

/** Units of equal arms at a share, in order: every 1/share-th the challenger's, successes alternating in each arm. */
function even(count: number, share: number): FoldInput[] {
  const every = Math.round(1 / share);
  return Array.from({ length: count }, (_, i) => ({
    arm: i % every === 0 ? 1 : 0,
    shares: [share],
    score: Math.floor(i / every) % 2,
  }));
}

describe("a fixed share", () => {
  it("stays what it is, whatever the evidence", () => {
    const shares = [0.2];
    const evidence = foldAll(even(500, 0.2), TERMS);
    expect(nextShares({ kind: "fixed", share: 0.3 }, { ...TERMS, evidence, shares })).toBe(shares);
  });
});

describe("a ramp", () => {
  const sharesAfter = (evidence: Evidence, shares: readonly number[], terms = TERMS) =>
    nextShares(RAMP, { ...terms, evidence, shares });

  it("takes each step once its sessions have settled at it, and stays at the last", () => {
    let evidence = emptyEvidence({ ...TERMS, planShares: [0.05] });
    let shares: readonly number[] = startShares(RAMP, 1);
    const taken: [number, number][] = [];
    for (let i = 0; i < 200; i += 1) {
      evidence = fold(evidence, { arm: i % 4 === 0 ? 1 : 0, shares, score: Math.floor(i / 4) % 2 }, TERMS);
      const next = sharesAfter(evidence, shares);
      if (next !== shares) taken.push([i + 1, next[0] as number]);
      shares = next;
    }
    expect(taken).toEqual([
      [40, 0.2],
      [100, 0.5],
    ]);
  });

  it("does not count the sessions of the step before that settle late", () => {
    const evidence = foldAll(even(300, 0.05), TERMS);
    expect(sharesAfter(evidence, [0.05])).toEqual([0.2]);
    // Moved on already, while sessions of the step before still come in.
    expect(sharesAfter(evidence, [0.2])).toEqual([0.2]);
  });

  it("counts missing sessions too: they have had their share", () => {
    const missing = even(40, 0.05).map((unit) => ({ ...unit, score: null }));
    expect(sharesAfter(foldAll(missing, TERMS), [0.05])).toEqual([0.2]);
  });

  it("waits while the data rather speak for harm, and goes on when they do no more", () => {
    const worse = even(60, 0.05).map((unit) => ({ ...unit, score: unit.arm === 1 ? 0 : 1 }));
    const evidence = foldAll(worse, TERMS);
    expect(evidence.pairs[0]?.harm.logE).toBeGreaterThan(Math.LN2);
    const shares = [0.05];
    expect(sharesAfter(evidence, shares)).toBe(shares);
    const better = even(60, 0.05).map((unit) => ({ ...unit, score: unit.arm === 1 ? 1 : 0 }));
    expect(sharesAfter(foldAll([...worse, ...better], TERMS), shares)).toEqual([0.2]);
  });

  it("waits while a guardrail that aborts is in doubt, and not for one that is required", () => {
    const costly = even(60, 0.05).map((unit, i) => ({
      ...unit,
      metrics: { cost_usd: unit.arm === 1 ? 5 : 1 + (i % 3) / 10 },
    }));
    const guarded = (mode: "abort" | "require") => {
      const terms = termsOf({ guardrails: [{ metric: "cost_usd", mode }] }, [0.05]);
      return sharesAfter(foldAll(costly, terms), [0.05], terms);
    };
    expect(guarded("abort")).toEqual([0.05]);
    expect(guarded("require")).toEqual([0.2]);
  });

  it("takes no proof that is required for a doubt, and no harm that the promotion test outweighs", () => {
    const terms = termsOf({ guardrails: [{ metric: "cost_usd", mode: "require" }] }, [0.05]);
    const evidence = foldAll(even(60, 0.05), terms);
    const [pair] = evidence.pairs as [PairState];
    const at = (logE: number) => ({ ...pair.promote, logE });
    const sharesOf = (change: Partial<PairState>) =>
      sharesAfter({ ...evidence, pairs: [{ ...pair, ...change }] }, [0.05], terms);
    const [guardrail] = pair.guardrails;
    expect(sharesOf({ guardrails: [{ ...guardrail!, test: at(3) }] })).toEqual([0.2]);
    expect(sharesOf({ harm: at(1), promote: at(2) })).toEqual([0.2]);
    expect(sharesOf({ harm: at(2), promote: at(1) })).toEqual([0.05]);
    expect(sharesOf({ harm: at(0.69), promote: at(-1) })).toEqual([0.2]);
  });

  it("doubts from more than even odds on, and takes harm and promotion alike for no doubt", () => {
    const terms = termsOf({ guardrails: [{ metric: "cost_usd" }, { metric: "tokens" }] }, [0.05]);
    const evidence = foldAll(even(60, 0.05), terms);
    const [pair] = evidence.pairs as [PairState];
    const at = (logE: number) => ({ ...pair.promote, logE });
    const sharesOf = (harm: number, promote: number, ...guardrails: number[]) => {
      const tests = pair.guardrails.map((state, i) => ({ ...state, test: at(guardrails[i] ?? 0) }));
      const changed = { ...pair, harm: at(harm), promote: at(promote), guardrails: tests };
      return sharesAfter({ ...evidence, pairs: [changed] }, [0.05], terms);
    };
    expect(sharesOf(Math.LN2, -1)).toEqual([0.2]);
    expect(sharesOf(Math.LN2 + 1e-9, -1)).toEqual([0.05]);
    expect(sharesOf(1, 1)).toEqual([0.2]);
    expect(sharesOf(0, 0, Math.LN2, Math.LN2)).toEqual([0.2]);
    expect(sharesOf(0, 0, 0, Math.LN2 + 1e-9)).toEqual([0.05]);
  });

  it("moves several challengers together, and waits for all", () => {
    const two = termsOf({}, [0.125, 0.125]);
    const calm = Array.from({ length: 60 }, (_, i) => ({
      arm: i % 10 < 2 ? (i % 10) + 1 : 0,
      shares: [0.025, 0.025],
      score: Math.floor(i / 10) % 2,
    }));
    expect(sharesAfter(foldAll(calm, two), [0.025, 0.025], two)).toEqual([0.1, 0.1]);
    const harmed = calm.map((unit) => ({ ...unit, score: unit.arm === 2 ? 0 : 1 }));
    expect(sharesAfter(foldAll(harmed, two), [0.025, 0.025], two)).toEqual([0.025, 0.025]);
  });

  it("goes on without a challenger that was dropped, and gives it nothing back", () => {
    const two = termsOf({}, [0.125, 0.125]);
    const left = Array.from({ length: 60 }, (_, i) => ({
      arm: i % 10 === 0 ? 2 : 0,
      shares: [0, 0.025],
      score: Math.floor(i / 10) % 2,
    }));
    // The first was dropped for harm: its test stays where it was.
    const evidence = foldAll(left, two);
    const [first, second] = evidence.pairs as [PairState, PairState];
    const dropped = { ...first, harm: { ...first.harm, logE: 4, logSup: 4 } };
    expect(sharesAfter({ ...evidence, pairs: [dropped, second] }, [0, 0.025], two)).toEqual([0, 0.1]);
  });

  it("waits for a unit of its own where one challenger alone has been dropped", () => {
    const two = termsOf({}, [0.125, 0.125]);
    const units = (shares: readonly number[]) =>
      Array.from({ length: 60 }, (_, i) => ({ arm: 0, shares, score: i % 2 }));
    expect(sharesAfter(foldAll(units([0.025, 0.025]), two), [0, 0.025], two)).toEqual([0, 0.025]);
    expect(sharesAfter(foldAll(units([0, 0.025]), two), [0, 0.025], two)).toEqual([0, 0.1]);
  });

  it("stays where its share is none of its steps", () => {
    const shares = [0.33];
    expect(sharesAfter(foldAll(even(300, 0.33), TERMS), shares)).toBe(shares);
  });
});

describe("an adaptive share", () => {
  const seeds = Array.from({ length: 40 }, (_, i) => 500 + i);

  it("is P(better) within its bounds, in hundredths", () => {
    const seen = new Set<number>();
    for (const seed of seeds) {
      const uplift = (seed - 520) / 100;
      const evidence = foldAll(
        simulatedUnits({ count: 120, share: 0.5, champion: 0.5, uplift, seed }),
        TERMS,
      );
      const [share] = nextShares(ADAPTIVE, { ...TERMS, evidence, shares: [0.5] }) as [number];
      const probability = probabilityBetterBy(evidence, TERMS.policy, 0);
      const bounded = Math.min(0.5, Math.max(0.05, probability));
      expect(Math.abs(share - bounded)).toBeLessThanOrEqual(0.005 + 1e-12);
      expect(Math.abs(100 * share - Math.round(100 * share))).toBeLessThan(1e-9);
      seen.add(share);
    }
    expect(seen.has(0.05)).toBe(true);
    expect(seen.has(0.5)).toBe(true);
    expect(seen.size).toBeGreaterThan(10);
  });

  it("is a P(better) that is known already, by the challenger's place, to the nearest hundredth", () => {
    const evidence = emptyEvidence(TERMS);
    const at = (probability: number) =>
      nextShares(ADAPTIVE, { ...TERMS, evidence, shares: [0.25], probability: () => probability })[0];
    expect([0.049, 0.234, 0.2351, 0.499, 0.9].map(at)).toEqual([0.05, 0.23, 0.24, 0.5, 0.5]);
    const two = termsOf({}, [0.1, 0.1]);
    const both = {
      evidence: emptyEvidence(two),
      shares: [0.1, 0.1],
      probability: (j: number) => 0.1 + 0.3 * j,
    };
    expect(nextShares(ADAPTIVE, { ...two, ...both })).toEqual([0.05, 0.2]);
  });

  it("keeps to bounds that are no hundredths", () => {
    const rule: ShareRule = { kind: "adaptive", min: 0.1234, max: 0.1278 };
    for (const seed of seeds.slice(0, 8)) {
      const evidence = foldAll(
        simulatedUnits({ count: 80, share: 0.5, champion: 0.5, uplift: 0.3 * (seed % 2 ? 1 : -1), seed }),
        TERMS,
      );
      const [share] = nextShares(rule, { ...TERMS, evidence, shares: [0.5] }) as [number];
      expect(share).toBe(seed % 2 ? 0.1278 : 0.1234);
    }
  });

  it("is the very list it was where nothing changes", () => {
    const evidence = foldAll(
      simulatedUnits({ count: 90, share: 0.5, champion: 0.5, uplift: 0, seed: 2 }),
      TERMS,
    );
    const shares = nextShares(ADAPTIVE, { ...TERMS, evidence, shares: [0.77] });
    expect(nextShares(ADAPTIVE, { ...TERMS, evidence, shares })).toBe(shares);
  });

  it("asks whether the challenger is better at all, whatever minUplift a promotion needs", () => {
    const units = simulatedUnits({ count: 90, share: 0.5, champion: 0.5, uplift: 0, seed: 2 });
    const strict = termsOf({ minUplift: 0.3 });
    const shares = [0.77];
    expect(nextShares(ADAPTIVE, { ...strict, evidence: foldAll(units, strict), shares })).toEqual(
      nextShares(ADAPTIVE, { ...TERMS, evidence: foldAll(units, TERMS), shares }),
    );
  });

  it("divides its bounds among several challengers, and leaves a dropped one without", () => {
    const three = termsOf({}, [0.2, 0.2, 0.2]);
    const rates = [0.5, 0.05, 0.95, 0.5];
    const units = Array.from({ length: 400 }, (_, i) => ({
      arm: i % 4,
      shares: [0.2, 0.2, 0.2],
      score: Math.floor(i / 4) % 100 < 100 * (rates[i % 4] as number) ? 1 : 0,
    }));
    const evidence = foldAll(units, three);
    const shares = nextShares(ADAPTIVE, { ...three, evidence, shares: [0.2, 0.2, 0.2] });
    expect(shares).toEqual([0.0167, 0.1667, expect.closeTo(0.1667, 2)]);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(0.5 + 1e-3);
    const dropped = nextShares(ADAPTIVE, { ...three, evidence, shares: [0, 0.2, 0.2] });
    expect(dropped).toEqual([0, shares[1], shares[2]]);
  });
});
