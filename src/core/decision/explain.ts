/**
 * A ruling in words: at most three sentences for someone who has not read the statistics.
 */
import type { Ruling } from "./decide.js";
import type { ArmEvaluation, Evaluation, GuardrailEvaluation } from "./evaluation.js";
import { multiple, needed, probability } from "./phrases.js";
import type { Policy } from "./policy.js";

/** What the sentences are made from. */
export interface Explained {
  readonly ruling: Ruling;
  readonly evaluation: Evaluation;
  readonly policy: Policy;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

const points = (value: number): string => `${value < 0 ? "-" : "+"}${Math.abs(100 * value).toFixed(1)}`;

/** A sentence of a clause. */
const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** How the arms did: as a rate of success while every score is 0 or 1, as a mean score otherwise. */
function outcomes(challenger: ArmEvaluation, champion: ArmEvaluation, isGraded: boolean): string {
  const of = ({ role, scoreSum, sessionCount }: ArmEvaluation, isFirst: boolean): string => {
    if (sessionCount === 0) return `the ${role} has no settled session`;
    const mean = scoreSum / sessionCount;
    const count = `${sessionCount}${isFirst ? " sessions" : ""}`;
    if (isGraded)
      return `the ${role} ${isFirst ? "scored " : ""}${mean.toFixed(3)}${isFirst ? " on average" : ""} over ${count}`;
    return `the ${role} ${isFirst ? "succeeded " : ""}in ${percent(mean)} of ${count}`;
  };
  return `${of(challenger, true)}, ${of(champion, challenger.sessionCount === 0)}`;
}

/** The champion and the challenger the evaluation is about. */
function armsOf({ arms, arm }: Evaluation): readonly [ArmEvaluation, ArmEvaluation] {
  return [arms[0] as ArmEvaluation, arms[arm] as ArmEvaluation];
}

function comparison({ evaluation }: Explained): string {
  const [champion, challenger] = armsOf(evaluation);
  const [low, high] = evaluation.upliftInterval;
  const both = outcomes(challenger, champion, evaluation.phi !== 1);
  return capitalised(`${both}; the difference lies between ${points(low)} and ${points(high)} points`);
}

const standing = ({ evaluation }: Explained): string =>
  `${multiple(evaluation.logSupPromote)} of the ${needed(evaluation.logLinePromote)} needed`;

/** What the test is about: with a minUplift other than 0, not that the challenger is better. */
const claimOf = ({ minUplift }: Policy): string =>
  minUplift === 0 ? "it is better" : `its uplift is above ${points(minUplift)} points`;

/** The probability that has to reach tau. */
function chanceOf({ evaluation, policy }: Explained, verb: string): string {
  const { minUplift } = policy;
  const name = minUplift === 0 ? "P(better)" : `P(uplift above ${points(minUplift)} points)`;
  return `${name} ${verb} ${probability(evaluation.probabilityBetterBy)}`;
}

const unprovenOf = ({ guardrails }: Evaluation): readonly GuardrailEvaluation[] =>
  guardrails.filter(({ mode, isCrossed }) => mode === "require" && !isCrossed);

function evidenceSoFar(explained: Explained): string {
  const stands = `the evidence that ${claimOf(explained.policy)} stands at ${standing(explained)}, and ${chanceOf(explained, "at")}`;
  const unproven = unprovenOf(explained.evaluation);
  return unproven.length === 0
    ? stands
    : `${stands}; the proof required on ${unproven.map(nameOf).join(" and ")} is missing`;
}

function whyPromoted(explained: Explained): string {
  const { evaluation, policy } = explained;
  if (policy.kind === "threshold") {
    return `${chanceOf(explained, "is")}, above ${policy.tau}; this plain rule has no guaranteed error rate.`;
  }
  const reached = `The evidence that ${claimOf(policy)} reached ${multiple(evaluation.logSupPromote)}, and ${chanceOf(explained, "is")}`;
  const dud =
    policy.minUplift === 0
      ? "that is no better"
      : `with an uplift of ${points(policy.minUplift)} points or less`;
  return `${reached}: a challenger ${dud} gets this far in at most ${percent(policy.alpha)} of experiments, however often anyone looks.`;
}

/** A guardrail by its name, with its segment. */
function nameOf({ metric, where }: GuardrailEvaluation): string {
  if (where === undefined) return metric;
  const segment = Object.entries(where).map(([field, value]) => `${field} = ${String(value)}`);
  return `${metric} where ${segment.join(" and ")}`;
}

function whyGuarded({ evaluation }: Explained): string {
  const crossed = evaluation.guardrails.filter(({ isCrossed, mode }) => isCrossed && mode === "abort");
  const names = crossed.map(nameOf).join(" and ");
  return `The challenger made ${names} worse by more than is allowed, so all traffic goes back to the champion.`;
}

/**
 * What a promotion still waits for, in the order in which a reader would ask: "P is 0.97, why not?".
 */
function missingPiece(explained: Explained): string {
  const { evaluation, policy } = explained;
  const { logSupPromote, logLinePromote, probabilityBetter } = evaluation;
  const isCalibrated = policy.kind === "calibrated";
  const lacksEvidence = isCalibrated && logSupPromote < logLinePromote - 1e-9;
  const unproven = unprovenOf(evaluation);
  const [champion, challenger] = armsOf(evaluation);
  if (lacksEvidence && probabilityBetter >= policy.tau) {
    return `P(better) is ${probability(probabilityBetter)}, but an equal challenger often gets that far when one looks after every session; the evidence, which nobody can fool by looking, stands at ${standing(explained)}.`;
  }
  if (lacksEvidence) return capitalised(evidenceSoFar(explained));
  if (Math.min(champion.sessionCount, challenger.sessionCount) < policy.minPerArm) {
    return `An arm has fewer than the ${policy.minPerArm} sessions a promotion needs.`;
  }
  if (isCalibrated && evaluation.missingLogE > Math.LN2) {
    return "The score is good enough, but one arm seems to lose more outcomes than the other; a promotion waits until that is clear.";
  }
  if (unproven.length > 0) {
    const [first] = unproven as [GuardrailEvaluation];
    return `The score is good enough, but the promotion also needs proof on ${unproven.map(nameOf).join(" and ")}: it stands at ${multiple(first.logSup)} of the ${needed(first.logLine)} needed.`;
  }
  const standsAt = chanceOf(explained, "is");
  return isCalibrated
    ? `The evidence is in, but ${standsAt} and ${policy.tau} is needed.`
    : `${standsAt}, and above ${policy.tau} is needed.`;
}

function stillCollecting(explained: Explained): string {
  const { evaluation, policy } = explained;
  const missing = missingPiece(explained);
  // The chance is that of the calibrated test, which the plain rule does not ask.
  if (policy.kind === "threshold") return missing;
  return `${missing} The chance of a promotion by the planned ${policy.horizon} sessions is ${percent(evaluation.chanceOfPromotion)}.`;
}

const OUTCOMES: Record<Ruling["reason"], (explained: Explained) => string> = {
  evidence: whyPromoted,
  "awaiting-approval": (explained) => `${whyPromoted(explained)} A person has to approve the promotion.`,
  manual: ({ ruling }) => `A person decided to ${ruling.verdict} it.`,
  futility: (explained) =>
    `The chance that the challenger would ever be promoted fell to ${percent(explained.evaluation.chanceOfPromotion)}, so the champion stays.`,
  horizon: (explained) =>
    `The planned ${explained.policy.horizon} sessions are used up and ${evidenceSoFar(explained)}, so the champion stays.`,
  expired: (explained) =>
    `The experiment outlived its maximum duration and ${evidenceSoFar(explained)}, so the champion stays.`,
  declined: () => "A person declined the promotion, so the champion stays.",
  harm: ({ evaluation }) =>
    `The evidence that the challenger is worse reached ${multiple(evaluation.logSupHarm)}, so all traffic goes back to the champion.`,
  guardrail: whyGuarded,
  srm: () =>
    "Sessions did not reach the arms in their shares, or one arm loses outcomes: the comparison is broken, and the assignment needs a look.",
  fuse: () => "Errors of the challenger blew the fuse, so all traffic goes back to the champion.",
  "champion-changed": () => "The champion was changed by hand, so there is nothing left to compare with.",
  collecting: stillCollecting,
  "data-exhausted": (explained) =>
    `The recorded sessions ran out before a decision: ${evidenceSoFar(explained)}.`,
};

/**
 * The ruling in words, for someone who has not read the statistics: at most three sentences, from the data alone.
 *
 * @example
 * // [ "The challenger succeeded in 58.8 % of 110 sessions, the champion ...", "The evidence that it is better ..." ]
 */
export function explain(explained: Explained): readonly string[] {
  return [comparison(explained), OUTCOMES[explained.ruling.reason](explained)];
}
