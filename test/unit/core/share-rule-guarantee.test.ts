/** Shares that follow the evidence: what they promise, and what they are for. Simulated through fold and decision. */
import { describe, expect, it } from "vitest";
import { decide } from "../../../src/core/decide.js";
import { emptyEvidence, Folding } from "../../../src/core/evidence.js";
import { createRandom } from "../../../src/core/random.js";
import {
  createShareRule,
  nextShares,
  plannedShares,
  type ShareRule,
  startShares,
} from "../../../src/core/share-rule.js";
import { atMost, drawnArm, termsOf } from "../../support/evidence.js";

const SEED = 52_000;
const RUNS = 200;
const HORIZON = 300;

interface Contest {
  readonly rule: ShareRule;
  /** success of the champion and of each challenger, at the index */
  readonly rates: (index: number) => readonly number[];
  readonly challengers: number;
}

/** One experiment whose shares are reconsidered every 20 units. */
function run(
  { rule, rates, challengers }: Contest,
  seed: number,
): { verdict: string; challengerUnits: number } {
  const random = createRandom(seed);
  const planShares = plannedShares(rule, challengers);
  const terms = termsOf({ horizon: HORIZON, futility: null, guardrails: [], fuse: null }, planShares);
  const folding = new Folding(emptyEvidence(terms), terms);
  const { evidence } = folding;
  let shares = startShares(rule, challengers);
  let verdict = "continue";
  for (let i = 0; i < HORIZON && verdict === "continue"; i += 1) {
    const arm = drawnArm(shares, random.next());
    folding.add({ arm, shares, score: random.next() < (rates(i)[arm] as number) ? 1 : 0 });
    ({ verdict } = decide({ ...terms, promotion: "auto", evidence, isExpired: false }));
    if (i % 20 === 19) shares = nextShares(rule, { ...terms, evidence, shares });
  }
  return { verdict, challengerUnits: evidence.arms.slice(1).reduce((sum, { count }) => sum + count, 0) };
}

function simulated(contest: Contest): { promoted: number; challengerUnits: number } {
  const runs = Array.from({ length: RUNS }, (_, i) => run(contest, SEED + i));
  return {
    promoted: runs.filter(({ verdict }) => verdict === "promote").length / RUNS,
    challengerUnits: runs.reduce((sum, { challengerUnits }) => sum + challengerUnits, 0) / RUNS,
  };
}

const equal = (): readonly number[] => [0.5, 0.5, 0.5];
const drifting = (i: number): readonly number[] => Array(3).fill(0.3 + (0.5 * i) / HORIZON);

describe(`shares that follow the evidence (${RUNS} experiments of ${HORIZON}, seed ${SEED})`, () => {
  it.each([
    ["adaptive", 1, "a steady rate", equal],
    ["adaptive", 1, "a drifting rate", drifting],
    ["adaptive", 2, "a drifting rate", drifting],
    ["ramp", 1, "a drifting rate", drifting],
    ["ramp", 2, "a steady rate", equal],
  ] as const)(
    "%s with %d equal challengers and %s: promoted in at most alpha",
    (kind, challengers, _, rates) => {
      const rule = createShareRule(kind, HORIZON);
      expect(simulated({ rule, rates, challengers }).promoted).toBeLessThanOrEqual(atMost(0.05, RUNS));
    },
  );

  it("adaptive finds a better challenger nearly as often as an even split, and spares sessions on a worse one", () => {
    const rates = (uplift: number) => () => [0.5, 0.5 + uplift];
    const even = createShareRule(0.5, HORIZON);
    const adaptive = createShareRule("adaptive", HORIZON);
    const power = (rule: ShareRule) => simulated({ rule, rates: rates(0.2), challengers: 1 }).promoted;
    expect(power(adaptive)).toBeGreaterThan(power(even) - 0.1);
    const exposure = (rule: ShareRule) =>
      simulated({ rule, rates: rates(-0.15), challengers: 1 }).challengerUnits;
    expect(exposure(adaptive)).toBeLessThan(0.75 * exposure(even));
  });
});
