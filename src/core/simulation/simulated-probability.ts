/**
 * P(challenger > champion) through a simulated experiment, without computing it anew after every session.
 */

import type { Evidence, FoldInput } from "../decision/evidence.js";
import type { Policy } from "../decision/policy.js";
import { meanOf, posteriors, probabilityBetterBy, varianceOf } from "../decision/posterior.js";
import type { ShareRule } from "../decision/share-rule.js";
import { BetaRace } from "../numeric/beta-race.js";
import { standardCdf, standardQuantile } from "../numeric/normal.js";
import type { World } from "./simulated-sessions.js";

/** The probabilities an experiment is decided and its shares are moved by. */
export interface Probabilities {
  /** Takes note of a unit just folded. */
  add(unit: FoldInput): void;
  /** P(challenger > champion + minUplift) for the decision; undefined: left to the decision */
  readonly decisive: ((challenger: number) => number) | undefined;
  /** P(challenger > champion) for the share rule; undefined: left to the rule */
  readonly better: ((challenger: number) => number) | undefined;
}

const NOTHING: Probabilities = { add: () => undefined, decisive: undefined, better: undefined };

function isBinary({ outcomes }: World): boolean {
  if (outcomes.kind === "binary") return true;
  return (
    outcomes.kind === "pool" &&
    outcomes.scores.every((list) => list.every((score) => score === 0 || score === 1))
  );
}

function racing(prior: Policy["prior"], challengers: number): Probabilities & { readonly better: object } {
  const { alpha, beta } = prior;
  const start = { aX: alpha, bX: beta, aY: alpha, bY: beta };
  const races = Array.from({ length: challengers }, () => new BetaRace(start));
  const better = (challenger: number): number => (races[challenger] as BetaRace).greater;
  const add = ({ arm, score }: FoldInput): void => {
    if (score === null) return;
    if (arm > 0) (races[arm - 1] as BetaRace).addX(score === 1);
    else for (const race of races) race.addY(score === 1);
  };
  return { add, decisive: better, better };
}

/** Standard deviations by which the normal approximation is trusted to be right; it is off by less than a quarter. */
const MARGIN = 0.5;

/**
 * Where P is clearly between 1 - tau and tau by the normal approximation, that approximation; else P itself. The
 * comparison with tau, which is all a decision makes of it, is the same.
 */
function screened(policy: Policy, evidence: Evidence): (challenger: number) => number {
  const limit = standardQuantile(policy.tau) - MARGIN;
  return (challenger) => {
    const pair = posteriors(evidence, policy, challenger);
    const difference = meanOf(pair.challenger) - meanOf(pair.champion) - policy.minUplift;
    const z = difference / Math.sqrt(varianceOf(pair.challenger) + varianceOf(pair.champion));
    if (Math.abs(z) < limit) return standardCdf(z);
    return probabilityBetterBy(evidence, policy, policy.minUplift, challenger);
  };
}

/** The probabilities of an experiment whose evidence is folded in place. */
export function probabilitiesOf(
  { policy, share, world }: { readonly policy: Policy; readonly share: ShareRule; readonly world: World },
  evidence: Evidence,
): Probabilities {
  const isThreshold = policy.kind === "threshold";
  if (!isThreshold && share.kind !== "adaptive") return NOTHING;
  const slow = isThreshold ? screened(policy, evidence) : undefined;
  if (!isBinary(world)) return { ...NOTHING, decisive: slow };
  const race = racing(policy.prior, world.effects.length);
  return policy.minUplift === 0 ? race : { ...race, decisive: slow };
}
