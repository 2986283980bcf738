import { decide, type Ruling } from "../../src/core/decide.js";
import { type Evidence, emptyEvidence, type FoldInput, Folding } from "../../src/core/evidence.js";
import { createPolicy, type Policy, type PolicyInput } from "../../src/core/policy.js";
import { createRandom, type Random } from "../../src/core/random.js";
import type { Terms } from "../../src/core/terms.js";

/** The terms of a contest: a policy, and the challengers' planned shares. */
export function termsOf(
  input: PolicyInput | Policy["kind"] = {},
  planShares: readonly number[] = [0.5],
): Terms {
  return { policy: createPolicy(input), planShares };
}

/** The evidence of some units, folded in order. */
export function foldAll(units: readonly FoldInput[], terms: Terms): Evidence {
  const folding = new Folding(emptyEvidence(terms), terms);
  for (const unit of units) folding.add(unit);
  return folding.evidence;
}

/** Simulated units: the challenger drawn with the share, success by arm. */
export function simulatedUnits(input: {
  readonly count: number;
  readonly share: number | ((index: number) => number);
  readonly champion: number | ((index: number) => number);
  readonly uplift: number;
  readonly seed: number;
}): FoldInput[] {
  const random = createRandom(input.seed);
  const at = (value: number | ((index: number) => number), index: number) =>
    typeof value === "number" ? value : value(index);
  return Array.from({ length: input.count }, (_, index) => {
    const share = at(input.share, index);
    const arm = random.next() < share ? 1 : 0;
    const rate = at(input.champion, index) + (arm === 1 ? input.uplift : 0);
    return { arm, shares: [share], score: random.next() < rate ? 1 : 0 };
  });
}

/** Simulated units of several challengers: an arm drawn by the shares, success by the arm's rate, the champion's first. */
export function simulatedContest(input: {
  readonly count: number;
  readonly shares: readonly number[] | ((index: number) => readonly number[]);
  readonly rates: readonly number[];
  readonly seed: number;
}): FoldInput[] {
  const random = createRandom(input.seed);
  return Array.from({ length: input.count }, (_, index) => {
    const shares = typeof input.shares === "function" ? input.shares(index) : input.shares;
    const arm = drawnArm(shares, random.next());
    return { arm, shares, score: random.next() < (input.rates[arm] as number) ? 1 : 0 };
  });
}

/** The arm a number in [0, 1) draws: the challengers in order from 0 upward, the champion the rest. */
export function drawnArm(shares: readonly number[], drawn: number): number {
  let end = 0;
  for (let j = 0; j < shares.length; j += 1) {
    end += shares[j] as number;
    if (drawn < end) return j + 1;
  }
  return 0;
}

/** Folds units one by one and decides after each: the first ruling that ends the experiment, or the last one. */
export function firstRuling(units: Iterable<FoldInput>, terms: Terms): Ruling {
  const folding = new Folding(emptyEvidence(terms), terms);
  const facts = { ...terms, promotion: "auto", evidence: folding.evidence, isExpired: false } as const;
  let ruling = decide(facts);
  for (const unit of units) {
    folding.add(unit);
    ruling = decide(facts);
    if (ruling.verdict !== "continue") break;
  }
  return ruling;
}

/** Part of `runs` experiments that end in a promotion, each on units made from its own seed. */
export function promotionRate(
  runs: number,
  seed: number,
  experiment: (random: Random) => { readonly units: Iterable<FoldInput>; readonly terms: Terms },
): number {
  let promoted = 0;
  for (let run = 0; run < runs; run += 1) {
    const { units, terms } = experiment(createRandom(seed + run));
    promoted += firstRuling(units, terms).verdict === "promote" ? 1 : 0;
  }
  return promoted / runs;
}

/** The most a rate of probability `p` or less shows in `runs` runs: three standard errors above. */
export const atMost = (p: number, runs: number): number => p + 3 * Math.sqrt((p * (1 - p)) / runs);
