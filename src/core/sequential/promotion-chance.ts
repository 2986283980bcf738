/**
 * The chance that a promotion test crosses its line by its horizon, predicted from where it stands.
 *
 * The touch part of the test replicates a one-touch option, so what is left to do is a distance for a Brownian motion
 * whose drift is the believed uplift: its chance is known in closed form.
 */
import { checkFinite, checkInside, checkNonNegative } from "../check.js";
import { domainError } from "../errors.js";
import { millsRatio, standardCdf, standardDensity, standardQuantile } from "../numeric/normal.js";
import { CHANCE_MIN, type EProcessPlan, type EProcessState, preparePlan, touchOutlook } from "./e-process.js";

/**
 * Chance that a Brownian motion with drift N(m, s2) reaches -u within unit time.
 *
 * Phi((m + u)/r) + exp(-2 u m + 2 u^2 s2) Phi((u - m + 2 u s2)/r), r = sqrt(1 + s2).
 *
 * @param input u <= 0, m any number, s2 >= 0
 * @returns in [0, 1]; relative error below 1e-12.
 * @throws DethroneError `numeric_domain` if an argument is outside its range.
 *
 * Method: the second term equals the density at (m + u)/r times Mills' ratio, which neither overflows nor cancels.
 * Source: reflection principle, integrated over the drift.
 *
 * @example
 * predictivePromotion({ u: -0.828173, m: 2.91426, s2: 0.279775 }); // 0.98582264456
 */
export function predictivePromotion({
  u,
  m,
  s2,
}: {
  readonly u: number;
  readonly m: number;
  readonly s2: number;
}): number {
  checkFinite("u", u);
  if (u > 0) domainError("u", u, "0 or less");
  checkFinite("m", m);
  checkNonNegative("s2", s2);
  return touchProbability(u, m, s2, Number.POSITIVE_INFINITY);
}

/** The formula of {@link predictivePromotion}, with the exponent of its second term capped. */
function touchProbability(u: number, m: number, s2: number, exponentMax: number): number {
  const r = Math.sqrt(1 + s2);
  const direct = (m + u) / r;
  const reflected = (u - m + 2 * u * s2) / r;
  const exponent = 2 * u * (u * s2 - m);
  const second =
    reflected < 0
      ? standardDensity(direct) * millsRatio(-reflected) * Math.exp(Math.min(0, exponentMax - exponent))
      : Math.exp(exponent) * standardCdf(reflected);
  return Math.min(standardCdf(direct) + second, 1);
}

/**
 * The policy caps the exponent of the second term, which is felt only where the test has lost so much that nothing but
 * a wide posterior would still give it a chance.
 */
const EXPONENT_MAX = 700;

/** What is believed about the uplift when a promotion is predicted. */
export interface UpliftBelief {
  /** the challenger's share from here on, in (0, 1) */
  readonly w: number;
  /** posterior mean of the challenger's outcome less the champion's less minUplift, in [-2, 2] */
  readonly upliftMean: number;
  /** sum of the two posterior variances, 0 or more */
  readonly upliftVariance: number;
}

/** What is left to do for the touch part, in units of Brownian motion: how far, with which drift, how surely. */
function outlookOf(plan: EProcessPlan, state: EProcessState, belief: UpliftBelief): Outlook | null {
  const { w, upliftMean, upliftVariance } = belief;
  const { chance, variance } = touchOutlook(plan, state);
  if (chance >= 0.5) return null;
  const u = chance < CHANCE_MIN ? -38 : standardQuantile(chance);
  const left = Math.max(plan.horizon - state.count, 0);
  const squared = (left * w * (1 - w)) / variance;
  return { u, m: Math.sqrt(squared) * upliftMean, s2: squared * upliftVariance };
}

interface Outlook {
  readonly u: number;
  readonly m: number;
  readonly s2: number;
}

/**
 * Predicted chance that the test crosses by its horizon, given all sessions so far.
 *
 * @returns in [0, 1]; 1 where it has nothing left to reach. An approximation: the rest is taken as Brownian motion.
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 */
export function chanceOfPromotion(plan: EProcessPlan, state: EProcessState, belief: UpliftBelief): number {
  preparePlan(plan);
  checkInside("w", belief.w);
  checkFinite("upliftMean", belief.upliftMean);
  checkNonNegative("upliftVariance", belief.upliftVariance);
  const outlook = outlookOf(plan, state, belief);
  return outlook === null ? 1 : touchProbability(outlook.u, outlook.m, outlook.s2, EXPONENT_MAX);
}

/**
 * Whether {@link chanceOfPromotion} is below `limit`, without its checks: asked after every session, and nearly always
 * answered by its first term alone.
 */
export function isChanceBelow(
  plan: EProcessPlan,
  state: EProcessState,
  belief: UpliftBelief,
  limit: number,
): boolean {
  const outlook = outlookOf(plan, state, belief);
  if (outlook === null) return false;
  const { u, m, s2 } = outlook;
  // The first term is Phi of this, the second is not negative.
  if ((m + u) / Math.sqrt(1 + s2) > standardQuantile(limit) + 1e-9) return false;
  return touchProbability(u, m, s2, EXPONENT_MAX) < limit;
}
