/**
 * What an experiment can be expected to find, at once and without simulation: power, and the horizon, effect or share
 * that a wanted power needs.
 *
 * All four rest on one formula. In units of its standard deviation at the horizon, the sum of the bets is close to a
 * Brownian motion with drift th = effect sqrt(horizon w (1 - w)/(p (1 - p))), w the challenger's share and p the rate
 * over both arms, and the test promotes when it reaches a height z0 that depends on alpha alone (2.10 at 0.05):
 *
 *   power = Phi(th - z0) + exp(2 th z0) Phi(-th - z0)
 *
 * It leaves out futility, which costs 2 to 5 points. Against simulations it was within 0.04 in 8 of 9 cells; the other,
 * 0.9 against 0.99 at a share of 0.05, it put 0.12 too low. As a rule of thumb a power of 0.8 at alpha 0.05 needs a
 * horizon of 7.5 p (1 - p)/(effect^2 w (1 - w)).
 */
import { checkFinite, checkInside, checkInteger, checkUnit } from "../check.js";
import { domainError } from "../errors.js";
import { standardQuantile } from "../numeric/normal.js";
import { startEProcess, touchOutlook } from "../sequential/e-process.js";
import { predictivePromotion } from "../sequential/promotion-chance.js";

/** An experiment as it is planned. */
export interface Design {
  /** the champion's rate of success, in [0, 1] */
  readonly baseRate: number;
  /** the challenger's rate less the champion's; baseRate + effect is in [0, 1] */
  readonly effect: number;
  /** the challenger's share, in (0, 1) */
  readonly share: number;
  /** planned sessions, both arms together; an integer of at least 1 */
  readonly horizon: number;
  /** level of the promotion test, in (0, 1) */
  readonly alpha: number;
}

/** How sure an experiment shall be to promote, in (0, 1). */
export interface PowerGoal {
  readonly power: number;
}

const HORIZON_MAX = 1e12;
/** As in the bets, which are sized by no smaller variance. */
const VARIANCE_MIN = 1e-12;
const SHARE_STEPS = 10_000;
const SHARE_MIN = 0.01;
const SHARE_MAX = 0.5;

function checkRates(baseRate: number, effect: number): void {
  checkUnit("baseRate", baseRate);
  checkFinite("effect", effect);
  const rate = baseRate + effect;
  if (rate < 0 || rate > 1) domainError("effect", effect, "such that baseRate + effect is in [0, 1]");
}

/** -z0, for {@link chanceOf}: what the touch part of the test has to do at its start, seen from there. */
function depthOf(alpha: number): number {
  checkInside("alpha", alpha);
  const plan = { alpha, horizon: 1, planShare: 0.5, direction: 1, shift: 0 } as const;
  return standardQuantile(touchOutlook(plan, startEProcess()).chance);
}

/** {@link powerOf} without its checks. */
function chanceOf(u: number, { baseRate, effect, share, horizon }: Omit<Design, "alpha">): number {
  const rate = baseRate + share * effect;
  const deviation = Math.sqrt(Math.max(rate * (1 - rate), VARIANCE_MIN));
  const drift = (effect / deviation) * Math.sqrt(horizon * share * (1 - share));
  return predictivePromotion({ u, m: drift, s2: 0 });
}

/**
 * Chance that the promotion test crosses by its horizon, without futility.
 *
 * @returns in [0, 1], an approximation. With an effect of 0 or less it is the chance of a wrong promotion, at most
 *   0.7 alpha/(1 - 0.3 alpha).
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 *
 * Source: reflection principle, as in predictivePromotion with a known drift.
 *
 * @example
 * powerOf({ baseRate: 0.6, effect: 0.1, share: 0.2, horizon: 2000, alpha: 0.05 }); // 0.962454214265
 */
export function powerOf(design: Design): number {
  checkRates(design.baseRate, design.effect);
  checkInside("share", design.share);
  checkInteger("horizon", design.horizon, 1);
  return chanceOf(depthOf(design.alpha), design);
}

/**
 * The smallest horizon with which the promotion test has the wanted power.
 *
 * @returns an integer in [1, 1e12]; null where none suffices, as for an effect of 0 or less
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 *
 * Method: bisection on {@link powerOf}, which rises with the horizon.
 *
 * @example
 * horizonFor({ baseRate: 0.6, effect: 0.05, share: 0.5, alpha: 0.05, power: 0.8 }); // 2794
 */
export function horizonFor({ alpha, power, ...design }: Omit<Design, "horizon"> & PowerGoal): number | null {
  checkRates(design.baseRate, design.effect);
  checkInside("share", design.share);
  checkInside("power", power);
  const u = depthOf(alpha);
  const isEnough = (horizon: number): boolean => chanceOf(u, { ...design, horizon }) >= power;
  if (isEnough(1)) return 1;
  if (!isEnough(HORIZON_MAX)) return null;
  let low = 1;
  let high = HORIZON_MAX;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The smallest effect that the promotion test finds with the wanted power.
 *
 * @returns in (0, 1 - baseRate], within 1e-17 of the exact one and never below it; null where not even a challenger that
 *   always succeeds is found. A power below that at no effect at all is reached by any effect, and gives about 0.
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 *
 * Method: bisection on {@link powerOf}, which rises with the effect.
 *
 * @example
 * smallestEffect({ baseRate: 0.6, share: 0.5, horizon: 2000, alpha: 0.05, power: 0.8 }); // 0.0589527513317
 */
export function smallestEffect({
  alpha,
  power,
  ...design
}: Omit<Design, "effect"> & PowerGoal): number | null {
  checkUnit("baseRate", design.baseRate);
  checkInside("share", design.share);
  checkInteger("horizon", design.horizon, 1);
  checkInside("power", power);
  const u = depthOf(alpha);
  const isEnough = (effect: number): boolean => chanceOf(u, { ...design, effect }) >= power;
  let low = 0;
  let high = 1 - design.baseRate;
  if (high === 0 || !isEnough(high)) return null;
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The smallest share of the challenger with which the promotion test has the wanted power.
 *
 * @returns in [0.01, 0.5], a multiple of 0.0001; null where none suffices
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 *
 * Method: every share is tried, in about 20 ms: power need not rise with it where the champion's rate is near 0 or 1.
 *
 * @example
 * shareFor({ baseRate: 0.6, effect: 0.1, horizon: 2000, alpha: 0.05, power: 0.8 }); // 0.0983
 */
export function shareFor({ alpha, power, ...design }: Omit<Design, "share"> & PowerGoal): number | null {
  checkRates(design.baseRate, design.effect);
  checkInteger("horizon", design.horizon, 1);
  checkInside("power", power);
  const u = depthOf(alpha);
  for (let step = SHARE_MIN * SHARE_STEPS; step <= SHARE_MAX * SHARE_STEPS; step++) {
    const share = step / SHARE_STEPS;
    if (chanceOf(u, { ...design, share }) >= power) return share;
  }
  return null;
}
