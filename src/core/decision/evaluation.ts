/**
 * Every number of an experiment at one instant.
 */
import { betaInterval, type Interval } from "../numeric/beta.js";
import { expectedLoss, probGreater } from "../numeric/beta-compare.js";
import { probGreaterBy } from "../numeric/beta-difference.js";
import { hasCrossed } from "../sequential/e-process.js";
import type { Guardrail, GuardrailState } from "../sequential/guardrail.js";
import { allAtOnce, type Steps } from "../steps.js";
import { type DecisionFacts, type OutReason, outReason } from "./decide.js";
import {
  type ArmSummary,
  type Evidence,
  type FoldInput,
  missingLogE,
  type PairState,
  type Role,
  srmLogE,
} from "./evidence.js";
import { evaluateMetrics, type MetricEvaluation } from "./metric-evaluation.js";
import { type BetaPosterior, meanOf, pairOf, posteriors, promotionChance } from "./posterior.js";
import { alphaEach, guardrailAlpha, type Terms } from "./terms.js";
import { INTERVAL_LEVEL, type UpliftLog, upliftLogOf } from "./uplift-log.js";

/** One arm's numbers. */
export interface ArmEvaluation {
  /** 0 the champion, j the j-th challenger */
  readonly arm: number;
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
  readonly interval: Interval;
}

/** Where a guardrail stands. */
export interface GuardrailEvaluation extends Guardrail {
  /** units it has looked at */
  readonly sessionCount: number;
  readonly logE: number;
  readonly logSup: number;
  /** the line of logSup: aborts there, or lets a promotion pass, by mode */
  readonly logLine: number;
  readonly isCrossed: boolean;
}

/** A challenger against the champion, as far as the evidence alone tells. Logs are natural. */
export interface Contest {
  /** the challenger's arm, from 1 */
  readonly arm: number;
  /** why the challenger is out of the contest; null while it contends */
  readonly out: OutReason | null;
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
  /** log e-value against equal missingness in both arms; 0 while no unit is missing */
  readonly missingLogE: number;
  /** binary observations one score is worth; 1 while all are 0 or 1 */
  readonly phi: number;
  readonly guardrails: readonly GuardrailEvaluation[];
}

/** A challenger against the champion. Logs are natural. */
export interface Comparison extends Contest {
  /** estimate of challenger minus champion that drift cannot bias while the share moves; null before any unit */
  readonly upliftUnbiased: number | null;
  /** 95 % confidence sequence of challenger minus champion: true at all times at once */
  readonly upliftInterval: Interval;
  /** numbers beside the score, by name */
  readonly metrics: Readonly<Record<string, MetricEvaluation>>;
}

/** Every number of an experiment at one instant; the comparison is the leading challenger's. */
export interface Evaluation extends Comparison {
  readonly sessionCount: number;
  readonly arms: readonly ArmEvaluation[];
  readonly srmLogE: number;
  /** the comparisons of the other challengers */
  readonly others: readonly Comparison[];
}

function evaluateArm(arm: number, summary: ArmSummary, { alpha, beta }: BetaPosterior): ArmEvaluation {
  return {
    arm,
    role: arm === 0 ? "champion" : "challenger",
    sessionCount: summary.count,
    missingCount: summary.missingCount,
    scoreSum: summary.sum,
    posteriorAlpha: alpha,
    posteriorBeta: beta,
    mean: meanOf({ alpha, beta }),
    interval: betaInterval({ a: alpha, b: beta, level: INTERVAL_LEVEL }),
  };
}

function evaluateGuardrail(guardrail: Guardrail, state: GuardrailState, terms: Terms): GuardrailEvaluation {
  const alpha = guardrailAlpha(terms, guardrail);
  const { count, logE, logSup } = state.test;
  return {
    ...guardrail,
    sessionCount: count,
    logE,
    logSup,
    logLine: -Math.log(alpha),
    isCrossed: hasCrossed({ alpha }, state.test),
  };
}

/** What is evaluated: the terms and the evidence, with what the evidence does not keep of its units. */
export interface EvaluatedLog extends Terms {
  readonly evidence: Evidence;
  /** up with the evidence, or beyond it; needed for the confidence sequence and the unbiased estimate alone */
  readonly log: UpliftLog;
  /** live counts, where the fuse is to be told of */
  readonly live?: DecisionFacts["live"] | undefined;
  /** who is out already, in the order of the challengers' arms */
  readonly out?: DecisionFacts["out"] | undefined;
}

/** What is evaluated: the terms, the evidence, and the settled units it was folded from, in order. */
export interface EvaluationInput extends Omit<EvaluatedLog, "log"> {
  /** needed for the confidence sequence and the unbiased estimate alone */
  readonly units: readonly FoldInput[];
  /**
   * The terms at the start, where changes in flight have moved them since; the confidence sequence stays planned by
   * these, because its plan must not depend on what it covers. Default: the terms.
   */
  readonly startTerms?: Terms | undefined;
}

/** What the tests and posteriors of one challenger say. */
function contestOf(input: Omit<EvaluatedLog, "log">, challenger: number): Contest {
  const { policy, evidence } = input;
  const pair = evidence.pairs[challenger] as PairState;
  const believed = posteriors(evidence, policy, challenger);
  const betas = pairOf(believed);
  const [lossChallenger, lossChampion] = expectedLoss(betas);
  const probabilityBetter = probGreater(betas);
  return {
    arm: challenger + 1,
    out: outReason({ ...input, promotion: "auto", isExpired: false }, challenger),
    probabilityBetter,
    probabilityBetterBy:
      policy.minUplift === 0 ? probabilityBetter : probGreaterBy({ ...betas, delta: policy.minUplift }),
    expectedLossChallenger: lossChallenger,
    expectedLossChampion: lossChampion,
    upliftMean: meanOf(believed.challenger) - meanOf(believed.champion),
    logEPromote: pair.promote.logE,
    logSupPromote: pair.promote.logSup,
    logEHarm: pair.harm.logE,
    logSupHarm: pair.harm.logSup,
    logLinePromote: -Math.log(alphaEach(input)),
    logLineHarm: -Math.log(policy.alphaHarm),
    chanceOfPromotion: promotionChance(evidence, input, challenger),
    missingLogE: missingLogE(evidence, challenger),
    phi: believed.phi,
    guardrails: policy.guardrails.map((guardrail, index) =>
      evaluateGuardrail(guardrail, pair.guardrails[index] as GuardrailState, input),
    ),
  };
}

/** An arm's units so far. */
export interface ArmOutline {
  /** units folded */
  readonly sessionCount: number;
  /** settled units left out because nothing said how they went */
  readonly missingCount: number;
  /** mean of the scores, in [0, 1]; null without any */
  readonly scoreMean: number | null;
}

/**
 * The numbers of an experiment that the evidence alone gives, the leading challenger's first: what an evaluation says
 * without the confidence sequence, which takes all units, and without the metrics.
 */
export interface EvaluationOutline {
  /** units folded, all arms together */
  readonly sessionCount: number;
  /** the champion, then the challengers */
  readonly arms: readonly ArmOutline[];
  readonly srmLogE: number;
  readonly contests: readonly Contest[];
}

/** The numbers that the evidence alone gives; equal to those of {@link evaluate}, at a cost that does not grow. */
export function outlineOf(input: Omit<EvaluatedLog, "log">): EvaluationOutline {
  const { evidence } = input;
  return {
    sessionCount: evidence.index,
    arms: evidence.arms.map(({ count, sum, missingCount }) => ({
      sessionCount: count,
      missingCount,
      scoreMean: count === 0 ? null : sum / count,
    })),
    srmLogE: srmLogE(evidence),
    contests: evidence.pairs.map((_, challenger) => contestOf(input, challenger)).sort(leads),
  };
}

function* compare(input: EvaluatedLog, challenger: number): Steps<Comparison> {
  const { policy, evidence } = input;
  const contest = contestOf(input, challenger);
  // What the test has stepped through is what the log of the pair holds.
  const { count } = (evidence.pairs[challenger] as PairState).promote;
  const [champion, own] = [evidence.arms[0] as ArmSummary, evidence.arms[contest.arm] as ArmSummary];
  yield;
  const metrics = yield* evaluateMetrics(policy, champion, own);
  return {
    ...contest,
    upliftUnbiased: input.log.unbiasedAt(challenger, count),
    upliftInterval: input.log.intervalAt(challenger, count),
    metrics,
  };
}

/** Whether `left` leads `right`: who contends before who is out, then by the chance of being better. */
function leads(left: Contest, right: Contest): number {
  if ((left.out === null) !== (right.out === null)) return left.out === null ? -1 : 1;
  return right.probabilityBetter - left.probabilityBetter;
}

/** Every number of the evidence under its terms. */
export function evaluate({ units, startTerms, ...input }: EvaluationInput): Evaluation {
  return allAtOnce(evaluateInParts({ ...input, log: upliftLogOf(units, startTerms ?? input) }));
}

/** The same as {@link evaluate}, in parts, from a log that is worked on in parts as well. */
export function* evaluateInParts(input: EvaluatedLog): Steps<Evaluation> {
  const { policy, evidence } = input;
  const comparisons: Comparison[] = [];
  for (const challenger of evidence.pairs.keys()) comparisons.push(yield* compare(input, challenger));
  const [leading, ...others] = [...comparisons].sort(leads) as [Comparison, ...Comparison[]];
  const { champion } = posteriors(evidence, policy, leading.arm - 1);
  const challengers = evidence.pairs.map((_, j) => posteriors(evidence, policy, j).challenger);
  return {
    sessionCount: evidence.index,
    arms: [champion, ...challengers].map((beta, arm) =>
      evaluateArm(arm, evidence.arms[arm] as ArmSummary, beta),
    ),
    ...leading,
    srmLogE: srmLogE(evidence),
    others,
  };
}
