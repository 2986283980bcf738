/**
 * Where the criteria that a decision could be made by disagree, so that a person should look before trusting one of them.
 *
 * A review point never decides: promotion, hold and abort are `decide`'s alone. It marks an evaluation in which someone
 * who reads only one number (the posterior, the expected loss, a guardrail) would conclude something else than someone
 * who reads another. The posterior and the anytime-valid evidence are compared by the evidence itself and not by the
 * confidence sequence: that one is the same test inverted, and would take all units to draw.
 *
 * Segments are left out on purpose: among many values some always point the other way, and no test vouches for them. A
 * segment that matters is a guardrail on `score` with a `where`, and is looked at here as every guardrail is.
 */
import type { ArmOutline, Contest, EvaluationOutline } from "./evaluation.js";
import { multiple, needed, probability } from "./phrases.js";
import type { Policy } from "./policy.js";

/**
 * What disagrees. `evidence-lags`: P(better) is high enough, the evidence is not halfway. `evidence-turned`: what a test
 * reached earlier, the posterior of all units no longer says: a base rate or a traffic that changed. `loss-small`: to
 * choose the challenger would cost next to nothing, yet it is not likely better. `proof-missing`: the score would do, a
 * required guardrail is not proven. `guardrail-leans`: the score is likely better, a guardrail halfway to its line.
 * `srm-suspected`, `missing-differs`: the comparison itself is in doubt, and not yet ended for it.
 */
export type ReviewReason =
  | "evidence-lags"
  | "evidence-turned"
  | "loss-small"
  | "proof-missing"
  | "guardrail-leans"
  | "srm-suspected"
  | "missing-differs";

/** One disagreement, with the sentence a person reads. */
export interface ReviewPoint {
  readonly reason: ReviewReason;
  /** the challenger it is about, from 1; null where it is about the whole experiment */
  readonly arm: number | null;
  readonly message: string;
}

/** P(better) from which a challenger counts as likely better, where the policy names no other. */
const LIKELY = 0.8;

/** Expected loss that nobody would mind: a quarter of a point of success rate. */
const LOSS_SMALL = 0.0025;

/** Part of the horizon before which two arms that look alike only mean that little is known. */
const LOSS_AFTER = 0.25;

type ArmUnits = Pick<ArmOutline, "sessionCount">;

/** What is looked at: an outline, or as much of an evaluation. */
interface Reviewable extends Pick<EvaluationOutline, "sessionCount" | "srmLogE" | "contests"> {
  readonly arms: readonly ArmUnits[];
}

interface Reviewed {
  readonly policy: Policy;
  readonly outline: Reviewable;
  readonly contest: Contest;
}

const isHalfway = (logE: number, logLine: number): boolean => logE >= logLine / 2;

const of = (logE: number, logLine: number): string => `${multiple(logE)} of the ${needed(logLine)} needed`;

/** The plain rule asks for no evidence that could fall behind. */
const isCalibrated = ({ policy }: Reviewed): boolean => policy.kind === "calibrated";

const isProven = ({ contest }: Reviewed): boolean => contest.logSupPromote >= contest.logLinePromote - 1e-9;

const isLikelyEnough = ({ contest, policy }: Reviewed): boolean => contest.probabilityBetterBy >= policy.tau;

function hasEnough({ outline, contest, policy }: Reviewed): boolean {
  const [champion, challenger] = [outline.arms[0], outline.arms[contest.arm]] as [ArmUnits, ArmUnits];
  return Math.min(champion.sessionCount, challenger.sessionCount) >= policy.minPerArm;
}

function evidenceLags(reviewed: Reviewed): string | null {
  const { contest } = reviewed;
  const { logSupPromote, logLinePromote, probabilityBetterBy } = contest;
  if (!isCalibrated(reviewed) || !hasEnough(reviewed) || !isLikelyEnough(reviewed)) return null;
  if (isHalfway(logSupPromote, logLinePromote)) return null;
  return `P(better) is ${probability(probabilityBetterBy)}, but the evidence stands at ${of(logSupPromote, logLinePromote)}: looking after every session often finds so much by chance.`;
}

function evidenceTurned(reviewed: Reviewed): string | null {
  const { contest } = reviewed;
  if (!isCalibrated(reviewed)) return null;
  const { probabilityBetter, probabilityBetterBy, logSupPromote, logLinePromote } = contest;
  const isFaded = isHalfway(logSupPromote, logLinePromote) && probabilityBetterBy < 0.5;
  if (isFaded || (isProven(reviewed) && !isLikelyEnough(reviewed)))
    return `The evidence reached ${of(logSupPromote, logLinePromote)}, but by all units P(better) is ${probability(probabilityBetterBy)}: has something changed on the way?`;
  const { logSupHarm, logLineHarm } = contest;
  if (!isHalfway(logSupHarm, logLineHarm) || probabilityBetter < LIKELY) return null;
  return `The evidence of harm reached ${of(logSupHarm, logLineHarm)}, but by all units P(better) is ${probability(probabilityBetter)}: has something changed on the way?`;
}

function lossSmall({ contest, outline, policy }: Reviewed): string | null {
  const { expectedLossChallenger: loss, probabilityBetter } = contest;
  if (outline.sessionCount < LOSS_AFTER * policy.horizon) return null;
  if (loss > LOSS_SMALL || probabilityBetter >= LIKELY) return null;
  return `The arms are as good as equal: to choose the challenger would cost ${(100 * loss).toFixed(2)} points, yet P(better) is ${probability(probabilityBetter)}. Another metric may decide.`;
}

function proofMissing(reviewed: Reviewed): string | null {
  const { contest } = reviewed;
  const unproven = contest.guardrails.filter(({ mode, isCrossed }) => mode === "require" && !isCrossed);
  const isScoreIn = isLikelyEnough(reviewed) && (!isCalibrated(reviewed) || isProven(reviewed));
  if (unproven.length === 0 || !isScoreIn || !hasEnough(reviewed)) return null;
  const stands = unproven.map(({ metric, logSup, logLine }) => `${metric} at ${of(logSup, logLine)}`);
  return `The score would do, but the proof required is missing: ${stands.join(", ")}.`;
}

function guardrailLeans({ contest }: Reviewed): string | null {
  const leaning = contest.guardrails.filter(
    ({ mode, isCrossed, logE, logLine }) => mode === "abort" && !isCrossed && isHalfway(logE, logLine),
  );
  if (leaning.length === 0 || contest.probabilityBetter < LIKELY) return null;
  const stands = leaning.map(({ metric, logE, logLine }) => `${metric} at ${of(logE, logLine)}`);
  return `The score is likely better (${probability(contest.probabilityBetter)}), but a guardrail gets worse: ${stands.join(", ")}.`;
}

function missingDiffers(reviewed: Reviewed): string | null {
  const { contest, policy } = reviewed;
  const { missingLogE } = contest;
  const logLine = -Math.log(policy.srmAlpha);
  if (missingLogE >= logLine) return null;
  // Half of the line is an alarm at any time; what keeps a promotion waiting is one before.
  const isWaiting = isCalibrated(reviewed) && isProven(reviewed) && missingLogE > Math.LN2;
  if (!isHalfway(missingLogE, logLine) && !isWaiting) return null;
  return `One arm seems to lose more outcomes than the other: ${of(missingLogE, logLine)}.`;
}

function srmSuspected({ srmLogE }: Reviewable, { srmAlpha }: Policy): ReviewPoint[] {
  const logLine = -Math.log(srmAlpha);
  if (!isHalfway(srmLogE, logLine) || srmLogE >= logLine) return [];
  const message = `Sessions seem not to reach the arms in their shares: ${of(srmLogE, logLine)}.`;
  return [{ reason: "srm-suspected", arm: null, message }];
}

const RULES: readonly (readonly [ReviewReason, (reviewed: Reviewed) => string | null])[] = [
  ["evidence-lags", evidenceLags],
  ["evidence-turned", evidenceTurned],
  ["loss-small", lossSmall],
  ["proof-missing", proofMissing],
  ["guardrail-leans", guardrailLeans],
  ["missing-differs", missingDiffers],
];

/**
 * Where the criteria disagree; empty where they agree. Challengers that are out are not looked at.
 *
 * Halves of lines are halves of the logarithm, as elsewhere: at a level of 0.05, from 4.5 of the 20 times needed. A challenger counts as likely better from P = 0.8, as costing nothing from an expected loss of 0.0025 (after a
 * quarter of the horizon).
 *
 * @example
 * // with the outline of a contest at P(better) = 0.97 and evidence of 2 of 20 times
 * reviewPoints(outline, policy).map(({ reason }) => reason); // ["evidence-lags"]
 */
export function reviewPoints(outline: Reviewable, policy: Policy): readonly ReviewPoint[] {
  const contenders = outline.contests.filter(({ out }) => out === null);
  const points = contenders.flatMap((contest) =>
    RULES.flatMap(([reason, rule]): ReviewPoint[] => {
      const message = rule({ policy, outline, contest });
      return message === null ? [] : [{ reason, arm: contest.arm, message }];
    }),
  );
  return outline.sessionCount === 0 ? [] : [...srmSuspected(outline, policy), ...points];
}

/** Reasons that have an alarm of their own; and one that most good challengers go through on their way. */
const QUIET: readonly ReviewReason[] = [
  "srm-suspected",
  "missing-differs",
  "guardrail-leans",
  "evidence-lags",
];

/** The points that call for someone who is not looking: those that no other alarm is given for, and that are rare. */
export function alarming(review: readonly ReviewPoint[]): readonly ReviewPoint[] {
  return review.filter(({ reason }) => !QUIET.includes(reason));
}
