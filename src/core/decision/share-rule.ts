/**
 * How the challengers' shares move while an experiment runs. Any rule that looks at the past alone leaves the error
 * rates as they are; it decides how soon an experiment ends and how many sessions a bad challenger gets.
 */

import { DethroneError, received } from "../errors.js";
import { bucketCountOf, SHARE_MAX, SHARE_MIN, shareOf } from "../sessions/assignment.js";
import type { Evidence, PairState } from "./evidence.js";
import { probabilityBetterBy } from "./posterior.js";
import type { Terms } from "./terms.js";

/** One step of a ramp. */
export interface RampStep {
  /** the challengers' share together, in [0.01, 0.99] */
  readonly share: number;
  /** units settled at this share before the next step; an integer of at least 1 */
  readonly minSessions: number;
}

/** How shares move. Several challengers divide a share equally, unless each has its own. */
export type ShareRule =
  | { readonly kind: "fixed"; readonly share: number }
  /** one share a challenger, in the order of their arms; 0 gives one none */
  | { readonly kind: "each"; readonly shares: readonly number[] }
  /** up, step by step; while anything speaks against the challenger, not further */
  | { readonly kind: "ramp"; readonly steps: readonly RampStep[] }
  /** the chance that the challenger is better, within bounds (Thompson sampling) */
  | { readonly kind: "adaptive"; readonly min: number; readonly max: number };

/**
 * A rule as a caller gives it: a number is a fixed share, a list one for each challenger; `ramp` and `adaptive` take
 * their defaults.
 */
export type ShareRuleInput = number | readonly number[] | "ramp" | "adaptive" | ShareRule;

/** Shares of the default ramp, a quarter of the horizon each. */
const RAMP_SHARES = [0.05, 0.1, 0.25, 0.5];

function fail(value: unknown, allowed: string): never {
  throw new DethroneError(
    "settings_invalid",
    `share must be ${allowed}; received ${JSON.stringify(value)}.`,
    {
      field: "share",
      received: received(value),
      allowed,
    },
  );
}

const isList = (input: ShareRuleInput): input is readonly number[] => Array.isArray(input);

const onGrid = (share: number): number => shareOf(bucketCountOf(share));

function checkedRamp(steps: readonly RampStep[]): ShareRule {
  if (!Array.isArray(steps) || steps.length === 0) fail(steps, "a ramp of at least one step");
  let last = 0;
  const checked = steps.map((step) => {
    const minSessions = step?.minSessions;
    if (!(Number.isSafeInteger(minSessions) && minSessions >= 1))
      fail(step, "a ramp whose steps have minSessions, an integer of at least 1");
    const share = onGrid(step.share);
    if (!(share > last)) fail(step.share, "a ramp whose shares rise from step to step");
    last = share;
    return { share, minSessions };
  });
  return { kind: "ramp", steps: checked };
}

function checkedEach(shares: readonly number[]): ShareRule {
  if (shares.length === 0) fail(shares, "a list of one share for each challenger");
  const each = shares.map(onGrid);
  // Counted in buckets: sums of shares are not exact.
  const buckets = each.reduce((sum, share) => sum + bucketCountOf(share), 0);
  if (buckets > bucketCountOf(SHARE_MAX))
    fail(shares, `shares of ${SHARE_MAX} at most together: the champion needs the rest`);
  return { kind: "each", shares: each };
}

function checkedAdaptive(min: number, max: number): ShareRule {
  const rule = { kind: "adaptive", min: onGrid(min), max: onGrid(max) } as const;
  if (!(rule.min > 0 && rule.min <= rule.max)) fail({ min, max }, "adaptive with 0.01 <= min <= max <= 0.99");
  return rule;
}

/**
 * A complete rule, its shares as they are truly used: multiples of 1/10,000.
 *
 * @param horizon planned units, over which the default ramp is spread
 * @throws DethroneError `settings_invalid`, `share_out_of_range`
 * @example
 * createShareRule(0.2, 2000); // { kind: "fixed", share: 0.2 }
 * createShareRule("adaptive", 2000); // { kind: "adaptive", min: 0.05, max: 0.5 }
 */
export function createShareRule(input: ShareRuleInput, horizon: number): ShareRule {
  if (input === "adaptive") return checkedAdaptive(0.05, 0.5);
  if (input === "ramp") {
    const minSessions = Math.max(1, Math.floor(horizon / RAMP_SHARES.length));
    return checkedRamp(RAMP_SHARES.map((share) => ({ share, minSessions })));
  }
  if (typeof input === "number") return { kind: "fixed", share: onGrid(input) };
  if (isList(input)) return checkedEach(input);
  if (input?.kind === "each" && Array.isArray(input.shares)) return checkedEach(input.shares);
  if (input?.kind === "fixed") return { kind: "fixed", share: onGrid(input.share) };
  if (input?.kind === "ramp") return checkedRamp(input.steps);
  if (input?.kind === "adaptive") return checkedAdaptive(input.min, input.max);
  return fail(input, "a number, a list of numbers, 'ramp', 'adaptive', or one of these in full");
}

/**
 * The challengers' shares at the start of an experiment.
 *
 * @throws DethroneError `settings_invalid` where each challenger has a share of its own, and there are not as many
 */
export function startShares(rule: ShareRule, challengers: number): readonly number[] {
  if (rule.kind === "each" && rule.shares.length !== challengers)
    fail(rule.shares, `a list of ${challengers}: one share for each challenger`);
  if (rule.kind === "each") return rule.shares;
  if (rule.kind === "fixed") return divided(rule.share, challengers);
  if (rule.kind === "ramp") return divided((rule.steps[0] as RampStep).share, challengers);
  return divided(adaptiveShare(rule.min, rule.max, 0.5), challengers);
}

/** The shares the tests are planned for: what the rule is expected to give on average. @throws as {@link startShares} */
export function plannedShares(rule: ShareRule, challengers: number): readonly number[] {
  if (rule.kind !== "ramp") return startShares(rule, challengers);
  const mean = rule.steps.reduce((sum, { share }) => sum + share, 0) / rule.steps.length;
  return divided(mean, challengers);
}

/** The share of each of several challengers that have `total` together: rounded, but the champion keeps what it needs. */
function partOf(total: number, challengers: number): number {
  const most = shareOf(Math.floor(bucketCountOf(SHARE_MAX) / challengers));
  return Math.min(onGrid(Math.max(total === 0 ? 0 : SHARE_MIN, total / challengers)), most);
}

const divided = (total: number, challengers: number): readonly number[] =>
  Array(challengers).fill(partOf(total, challengers));

/** Odds against a challenger at which a ramp waits: the data rather speak for harm than not. */
const DOUBT = Math.LN2;

function isDoubtful({ promote, harm, guardrails }: PairState, policy: Terms["policy"]): boolean {
  if (harm.logE > DOUBT && harm.logE > promote.logE) return true;
  return guardrails.some(
    ({ test }, index) => policy.guardrails[index]?.mode === "abort" && test.logE > DOUBT,
  );
}

function rampShares(
  steps: readonly RampStep[],
  facts: Terms & { readonly evidence: Evidence; readonly shares: readonly number[] },
): readonly number[] {
  const { evidence, shares } = facts;
  const each = (step: RampStep): number => partOf(step.share, shares.length);
  // Who was dropped has no share any more, and gets none.
  const now = shares.find((share) => share > 0);
  const at = steps.findLastIndex((step) => each(step) === now);
  const step = steps[at];
  const next = steps[at + 1];
  // The last step, or none; or not yet a unit of this one.
  if (!step || !next || shares.some((share, j) => evidence.shares[j] !== share)) return shares;
  if (evidence.phaseCount < step.minSessions) return shares;
  if (evidence.pairs.some((pair, j) => shares[j] !== 0 && isDoubtful(pair, facts.policy))) return shares;
  return shares.map((share) => (share === 0 ? 0 : each(next)));
}

const STEP = 100;

function adaptiveShare(min: number, max: number, probability: number): number {
  // In hundredths, so that a share changes only when the evidence has really moved.
  const wanted = Math.round(STEP * Math.min(max, Math.max(min, probability))) / STEP;
  return onGrid(Math.min(max, Math.max(min, wanted)));
}

/**
 * The shares for the sessions to come.
 *
 * @param facts the terms, the evidence, the shares that hold now, and P(challenger > champion) where another exact way
 *   has it already
 * @returns one share a challenger, 0 for one that has been dropped; `facts.shares` itself where nothing changes
 */
export function nextShares(
  rule: ShareRule,
  facts: Terms & {
    readonly evidence: Evidence;
    readonly shares: readonly number[];
    readonly probability?: ((challenger: number) => number) | undefined;
  },
): readonly number[] {
  const { evidence, policy, shares } = facts;
  if (rule.kind === "fixed" || rule.kind === "each") return shares;
  if (rule.kind === "ramp") return rampShares(rule.steps, facts);
  const wanted = shares.map((now, challenger) => {
    if (now === 0) return 0;
    const probability =
      facts.probability?.(challenger) ?? probabilityBetterBy(evidence, policy, 0, challenger);
    return partOf(adaptiveShare(rule.min, rule.max, probability), shares.length);
  });
  return wanted.some((share, challenger) => share !== shares[challenger]) ? wanted : shares;
}
