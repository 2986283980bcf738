import { type Evidence, emptyEvidence, type FoldInput, fold } from "../../src/core/evidence.js";
import type { Policy } from "../../src/core/policy.js";
import { createRandom } from "../../src/core/random.js";

/** The evidence of some units, folded in order. */
export function foldAll(units: readonly FoldInput[], policy: Policy, planShare: number): Evidence {
  return units.reduce((evidence, unit) => fold(evidence, unit, policy, planShare), emptyEvidence(planShare));
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
    const arm = random.next() < share ? "challenger" : "champion";
    const rate = at(input.champion, index) + (arm === "challenger" ? input.uplift : 0);
    return { arm, share, score: random.next() < rate ? 1 : 0 } as const;
  });
}
