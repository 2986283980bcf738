/**
 * Every number of an experiment at one instant.
 */
import { betaInterval } from "./beta.js";
import { expectedLoss, probGreater } from "./beta-compare.js";
import { confidenceSequence } from "./confidence-sequence.js";
import {
  type ArmSummary,
  type Evidence,
  type FoldInput,
  missingLogE,
  type Role,
  srmLogE,
} from "./evidence.js";
import type { Policy } from "./policy.js";
import {
  type BetaPosterior,
  phi,
  posterior,
  probabilityBetterBy,
  promotionChance,
  upliftMean,
} from "./posterior.js";

/** One arm's numbers. */
export interface ArmEvaluation {
  readonly role: Role;
  /** units folded */
  readonly sessionCount: number;
  readonly missingCount: number;
  readonly scoreSum: number;
  readonly posteriorAlpha: number;
  readonly posteriorBeta: number;
  /** posterior mean of the success rate */
  readonly mean: number;
  /** equal-tailed 95 % interval of the success rate */
  readonly interval: readonly [number, number];
}

/** Every number of an experiment at one instant. Logs are natural. */
export interface Evaluation {
  readonly sessionCount: number;
  readonly arms: readonly ArmEvaluation[];
  /** P(challenger > champion) */
  readonly probabilityBetter: number;
  /** P(challenger > champion + minUplift), which the policy compares with tau */
  readonly probabilityBetterBy: number;
  /** expected loss of success rate if the challenger is chosen */
  readonly expectedLossChallenger: number;
  /** expected loss of success rate if the champion is kept */
  readonly expectedLossChampion: number;
  /** posterior mean of challenger minus champion */
  readonly upliftMean: number;
  /** 95 % confidence sequence of challenger minus champion: true at all times at once */
  readonly upliftInterval: readonly [number, number];
  readonly logEPromote: number;
  readonly logSupPromote: number;
  readonly logEHarm: number;
  readonly logSupHarm: number;
  /** ln(1/alpha): the promotion line of logSupPromote */
  readonly logLinePromote: number;
  /** ln(1/alphaHarm): the harm line of logSupHarm */
  readonly logLineHarm: number;
  /** predicted chance that the evidence reaches its line by the horizon, in [0, 1] */
  readonly chanceOfPromotion: number;
  readonly srmLogE: number;
  /** log e-value against equal missingness in both arms; 0 while no unit is missing */
  readonly missingLogE: number;
  /** binary observations one score is worth; 1 while all are 0 or 1 */
  readonly phi: number;
  /** numbers beside the score, by name */
  readonly metrics: Readonly<Record<string, never>>;
}

const INTERVAL_LEVEL = 0.95;

function evaluateArm(role: Role, arm: ArmSummary, beta: BetaPosterior): ArmEvaluation {
  return {
    role,
    sessionCount: arm.count,
    missingCount: arm.missingCount,
    scoreSum: arm.sum,
    posteriorAlpha: beta.alpha,
    posteriorBeta: beta.beta,
    mean: beta.alpha / (beta.alpha + beta.beta),
    interval: betaInterval({ a: beta.alpha, b: beta.beta, level: INTERVAL_LEVEL }),
  };
}

/**
 * The 95 % confidence sequence of the uplift from the folded units, in order.
 *
 * It contains a constant uplift at all times simultaneously with probability at least 0.95.
 */
function upliftInterval(
  units: readonly FoldInput[],
  policy: Policy,
  planShare: number,
): readonly [number, number] {
  const folded = units.filter((unit) => unit.score !== null);
  return confidenceSequence({
    level: INTERVAL_LEVEL,
    horizon: policy.horizon,
    planShare,
    data: {
      g: folded.map((unit) => (unit.arm === "challenger" ? 1 : 0)),
      y: folded.map((unit) => unit.score as number),
      w: folded.map((unit) => unit.share),
    },
  });
}

/**
 * Every number of the evidence under a policy.
 *
 * @param units the settled units the evidence was folded from, in order; needed for the confidence sequence alone
 */
export function evaluate(input: {
  readonly policy: Policy;
  readonly planShare: number;
  readonly evidence: Evidence;
  readonly units: readonly FoldInput[];
}): Evaluation {
  const { policy, planShare, evidence } = input;
  const scale = phi(evidence);
  const champion = posterior(evidence.champion, scale, policy);
  const challenger = posterior(evidence.challenger, scale, policy);
  const pair = { aX: challenger.alpha, bX: challenger.beta, aY: champion.alpha, bY: champion.beta };
  const [lossChallenger, lossChampion] = expectedLoss(pair);
  return {
    sessionCount: evidence.index,
    arms: [
      evaluateArm("champion", evidence.champion, champion),
      evaluateArm("challenger", evidence.challenger, challenger),
    ],
    probabilityBetter: probGreater(pair),
    probabilityBetterBy: probabilityBetterBy(evidence, policy, policy.minUplift),
    expectedLossChallenger: lossChallenger,
    expectedLossChampion: lossChampion,
    upliftMean: upliftMean(evidence, policy),
    upliftInterval: upliftInterval(input.units, policy, planShare),
    logEPromote: evidence.promote.logE,
    logSupPromote: evidence.promote.logSup,
    logEHarm: evidence.harm.logE,
    logSupHarm: evidence.harm.logSup,
    logLinePromote: -Math.log(policy.alpha),
    logLineHarm: -Math.log(policy.alphaHarm),
    chanceOfPromotion: promotionChance(evidence, policy, planShare),
    srmLogE: srmLogE(evidence),
    missingLogE: missingLogE(evidence),
    phi: scale,
    metrics: {},
  };
}
