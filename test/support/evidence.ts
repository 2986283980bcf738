import { type Evidence, emptyEvidence, type FoldInput, Folding } from "../../src/core/evidence.js";
import { createPolicy, type Policy, type PolicyInput } from "../../src/core/policy.js";
import { createRandom } from "../../src/core/random.js";
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
