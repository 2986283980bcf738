/**
 * Evidence: what an experiment has learned, as a small state that settled units are folded into one by one.
 *
 * Folding is pure and its order is the order of assignment, so the evidence depends on the session log alone, never on
 * when or how often a job ran. The state is plain JSON: it is the checkpoint, and each decision keeps a copy.
 */
import { type EProcessPlan, type EProcessState, startEProcess, stepEProcess } from "./e-process.js";
import type { Policy } from "./policy.js";
import { srmSequentialLogE } from "./srm.js";

/** The two places in a contest. */
export type Role = "champion" | "challenger";

/** One settled unit, as it is folded. */
export interface FoldInput {
  readonly arm: Role;
  /** The challenger's share when the unit was assigned, in [0.01, 0.99]. */
  readonly share: number;
  /** in [0, 1]; null for a session that is missing and left out */
  readonly score: number | null;
}

/** Sufficient statistics of one arm. */
export interface ArmSummary {
  /** units folded */
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** settled units left out because nothing said how they went */
  readonly missingCount: number;
}

/** Running test of the sample ratio: ended phases of constant share, and the phase that lasts. */
interface SrmState {
  readonly share: number;
  /** log e-values of the ended phases, summed */
  readonly endedLogE: number;
  /** settled units of this phase, missing ones included: champion, challenger */
  readonly settled: readonly [number, number];
}

/** Everything an experiment has learned so far. */
export interface Evidence {
  /** units folded, both arms together */
  readonly index: number;
  /** the challenger's share of the last settled unit; the share at start before the first */
  readonly share: number;
  readonly champion: ArmSummary;
  readonly challenger: ArmSummary;
  /** test of "the challenger is never better than the champion by more than minUplift" */
  readonly promote: EProcessState;
  /** test of "the challenger is never worse than the champion by more than harmMargin" */
  readonly harm: EProcessState;
  /** tests of "the challenger's units go missing no more often", and "no less often", than the champion's */
  readonly missingMore: EProcessState;
  readonly missingLess: EProcessState;
  readonly srm: SrmState;
}

/** Prior weight of the sequential sample-ratio test, in sessions (Lindon and Malek; 100 suits experiments of this size). */
const SRM_CONCENTRATION = 100;

/** What the promotion test is planned for. */
export function promotePlan(policy: Policy, planShare: number): EProcessPlan {
  return { alpha: policy.alpha, horizon: policy.horizon, planShare, direction: 1, shift: policy.minUplift };
}

/** What the harm test is planned for. */
export function harmPlan(policy: Policy, planShare: number): EProcessPlan {
  return {
    alpha: policy.alphaHarm,
    horizon: policy.horizon,
    planShare,
    direction: -1,
    shift: -policy.harmMargin,
  };
}

/**
 * What the tests of missingness are planned for: each direction has half of the level at which a sample ratio counts
 * as broken. Counting units per arm would notice a difference in missingness too, but later than the promotion test
 * is fooled by it; betting on missingness itself notices it first.
 */
export function missingPlan(policy: Policy, planShare: number, direction: 1 | -1): EProcessPlan {
  return { alpha: policy.srmAlpha / 2, horizon: policy.horizon, planShare, direction, shift: 0 };
}

const EMPTY_ARM: ArmSummary = { count: 0, sum: 0, sumSquares: 0, missingCount: 0 };

/** The evidence of an experiment in which nothing has settled. */
export function emptyEvidence(planShare: number): Evidence {
  return {
    index: 0,
    share: planShare,
    champion: EMPTY_ARM,
    challenger: EMPTY_ARM,
    promote: startEProcess(),
    harm: startEProcess(),
    missingMore: startEProcess(),
    missingLess: startEProcess(),
    srm: { share: planShare, endedLogE: 0, settled: [0, 0] },
  };
}

function addToArm(arm: ArmSummary, score: number | null): ArmSummary {
  if (score === null) return { ...arm, missingCount: arm.missingCount + 1 };
  return {
    count: arm.count + 1,
    sum: arm.sum + score,
    sumSquares: arm.sumSquares + score * score,
    missingCount: arm.missingCount,
  };
}

function addToSrm(srm: SrmState, input: FoldInput): SrmState {
  const phase: SrmState =
    input.share === srm.share ? srm : { share: input.share, endedLogE: logEOf(srm), settled: [0, 0] };
  const [champion, challenger] = phase.settled;
  const settled =
    input.arm === "champion" ? ([champion + 1, challenger] as const) : ([champion, challenger + 1] as const);
  return { ...phase, settled };
}

function logEOf({ share, endedLogE, settled }: SrmState): number {
  const isRandomised = share > 0 && share < 1;
  if (!isRandomised) return endedLogE;
  const shares = [1 - share, share];
  return endedLogE + srmSequentialLogE({ counts: settled, shares, concentration: SRM_CONCENTRATION });
}

/** Natural log of the e-value against "units reach the arms in their shares". */
export function srmLogE(evidence: Evidence): number {
  return logEOf(evidence.srm);
}

/** Natural log of the larger of the two e-values against "units go missing as often in both arms"; 0 while none is. */
export function missingLogE({ champion, challenger, missingMore, missingLess }: Evidence): number {
  if (champion.missingCount + challenger.missingCount === 0) return 0;
  return Math.max(missingMore.logE, missingLess.logE);
}

/**
 * The evidence after one more settled unit. Units are folded in assignment order and each once; a missing one moves
 * the tests of the sample ratio and of missingness alone.
 */
export function fold(evidence: Evidence, input: FoldInput, policy: Policy, planShare: number): Evidence {
  const g = input.arm === "challenger" ? 1 : 0;
  const w = input.share;
  const isMissing = input.score === null;
  const missing = { g, y: isMissing ? 1 : 0, w } as const;
  const settled = {
    ...evidence,
    share: w,
    [input.arm]: addToArm(evidence[input.arm], input.score),
    missingMore: stepEProcess(missingPlan(policy, planShare, 1), evidence.missingMore, missing),
    missingLess: stepEProcess(missingPlan(policy, planShare, -1), evidence.missingLess, missing),
    srm: addToSrm(evidence.srm, input),
  };
  if (input.score === null) return settled;
  const scored = { g, y: input.score, w } as const;
  return {
    ...settled,
    index: evidence.index + 1,
    promote: stepEProcess(promotePlan(policy, planShare), evidence.promote, scored),
    harm: stepEProcess(harmPlan(policy, planShare), evidence.harm, scored),
  };
}
