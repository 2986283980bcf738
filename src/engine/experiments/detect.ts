/**
 * "Find a difference of 0.1 within 14 days": the share and the horizon that takes, from the project's own traffic.
 */

import type { Policy } from "../../core/decision/policy.js";
import { pairShare } from "../../core/decision/terms.js";
import { DethroneError, received } from "../../core/errors.js";
import { horizonFor, powerOf, shareFor, smallestEffect } from "../../core/simulation/planning.js";
import { DAY_MS, parseDuration } from "../duration.js";
import type { Traffic } from "../ports.js";

/** What is to be found, and by when. */
export interface DetectGoal {
  /** uplift of the success rate that is to be found with a power of 0.8; in (0, 1) */
  readonly detect: number;
  /** by when, as in `14d` */
  readonly withinMs: number;
}

/** What an experiment can be expected to find. */
export interface Forecast extends Pace {
  /** the challenger's share; of several, the smallest */
  readonly share: number;
  /** planned units, all arms together */
  readonly horizon: number;
  /** uplift the power is told for */
  readonly effect: number;
  /** chance that a challenger this much better is promoted; null where no rate is so much better */
  readonly power: number | null;
  /** smallest uplift found with a power of 0.8, below 0 where minUplift lets it; null where none is */
  readonly smallestEffect: number | null;
  /** days until the horizon, and until the decision on average if the uplift is real; null without traffic */
  readonly daysToHorizon: number | null;
  readonly daysExpected: number | null;
}

/** How far back traffic is looked at. */
export const TRAFFIC_WINDOW_MS = 14 * DAY_MS;

const POWER = 0.8;
/** Settled sessions from which a base rate is taken as known. */
const SCORED_MIN = 20;
/** Where a decision comes on average, in horizons of 80 % power, if the uplift is real (STATISTICS of this package). */
const EXPECTED_PART = 0.66;

/** @throws DethroneError `settings_invalid` */
export function detectGoal(detect: unknown, within: unknown): DetectGoal {
  if (!(typeof detect === "number" && detect > 0 && detect < 1)) {
    throw new DethroneError(
      "settings_invalid",
      `detect must be an uplift in (0, 1); received ${String(detect)}.`,
      {
        field: "detect",
        received: received(detect),
        allowed: "a number in (0, 1), e.g. 0.1 for 10 points",
      },
    );
  }
  const withinMs = typeof within === "string" ? parseDuration(within) : null;
  if (withinMs === null) {
    throw new DethroneError(
      "settings_invalid",
      `detect needs within, a time such as '14d'; received ${String(within)}.`,
      { field: "within", received: received(within), allowed: "a duration such as '36h' or '14d'" },
    );
  }
  return { detect, withinMs };
}

/** Units a day; null without any. The span is from the first session, so that a young project is not diluted. */
function sessionsPerDay(traffic: Traffic, nowMs: number): number | null {
  if (traffic.firstAtMs === null || traffic.units < 2) return null;
  // At least an hour, so that a burst is not taken for a day's pace.
  const spanMs = Math.max(nowMs - traffic.firstAtMs, DAY_MS / 24);
  return (traffic.units * DAY_MS) / spanMs;
}

/** How well a project's champion does and how busy it is. */
export interface Pace {
  /** success rate of the champion, from its settled sessions; 0.5 where there are too few */
  readonly baseRate: number;
  readonly isBaseRateKnown: boolean;
  /** units a day, from the last days' sessions; null where there are too few */
  readonly sessionsPerDay: number | null;
}

/** What a project's recent traffic says. */
export function paceOf(traffic: Traffic, nowMs: number): Pace {
  const isBaseRateKnown = traffic.scored >= SCORED_MIN;
  return {
    baseRate: isBaseRateKnown ? traffic.scoreSum / traffic.scored : 0.5,
    isBaseRateKnown,
    sessionsPerDay: sessionsPerDay(traffic, nowMs),
  };
}

const barOf = (baseRate: number, minUplift: number): number => Math.min(1, Math.max(0, baseRate + minUplift));

/** The challenger that takes longest: the one of the smallest share above 0. */
function slowest(shares: readonly number[]): number {
  const positive = shares.filter((share) => share > 0);
  return positive.length === 0 ? 0 : shares.indexOf(Math.min(...positive));
}

/** What an experiment of these shares and this horizon can be expected to find; of several challengers, by the slowest. */
export function forecastOf(input: {
  readonly traffic: Traffic;
  readonly nowMs: number;
  /** one a challenger */
  readonly shares: readonly number[];
  readonly horizon: number;
  readonly effect: number;
  readonly alpha: number;
  /** uplift the challenger must have more of to be promoted */
  readonly minUplift: number;
}): Forecast {
  const { traffic, nowMs, shares, horizon, effect, minUplift } = input;
  const challenger = slowest(shares);
  // A challenger and the champion have a part of the units to themselves, and each challenger a part of the level.
  const { share, part } = pairShare(shares, challenger);
  const alpha = input.alpha / shares.length;
  const pairHorizon = Math.max(1, Math.round(horizon * part));
  const pace = paceOf(traffic, nowMs);
  const { baseRate, sessionsPerDay: perDay } = pace;
  const isPossible = share > 0 && baseRate + effect <= 1;
  // The test is against a champion that is better by minUplift.
  const bar = barOf(baseRate, minUplift);
  const design = { baseRate: bar, share, alpha };
  const above = baseRate + effect - bar;
  const needed = isPossible ? horizonFor({ ...design, effect: above, power: POWER }) : null;
  const least = share > 0 ? smallestEffect({ ...design, horizon: pairHorizon, power: POWER }) : null;
  const expected = needed === null ? horizon : Math.min(horizon, Math.round((EXPECTED_PART * needed) / part));
  return {
    ...pace,
    share: shares[challenger] as number,
    horizon,
    effect,
    power: isPossible ? powerOf({ ...design, effect: above, horizon: pairHorizon }) : null,
    smallestEffect: least === null ? null : bar + least - baseRate,
    daysToHorizon: perDay && horizon / perDay,
    daysExpected: perDay && expected / perDay,
  };
}

const LARGEST_SHARE = 0.5;

/**
 * Share and horizon for a goal: as many units as the time has, and the smallest share that finds the uplift among them
 * with a power of 0.8; half of the traffic where none does. Without traffic to go by, half of the traffic and as many
 * units as it takes.
 */
export function designFor(
  goal: DetectGoal,
  traffic: Traffic,
  nowMs: number,
  { alpha, minUplift }: Pick<Policy, "alpha" | "minUplift">,
): { readonly share: number; readonly horizon: number } {
  const { baseRate: known, sessionsPerDay: perDay } = paceOf(traffic, nowMs);
  const bar = Math.min(barOf(known, minUplift), 0.999);
  const effect = Math.max(0.001, Math.min(known + goal.detect, 1) - bar);
  const baseRate = Math.min(bar, 1 - effect);
  if (perDay === null) {
    const horizon = horizonFor({ baseRate, effect, share: LARGEST_SHARE, alpha, power: POWER });
    return { share: LARGEST_SHARE, horizon: horizon ?? 2000 };
  }
  const horizon = Math.max(1, Math.round((perDay * goal.withinMs) / DAY_MS));
  return { share: shareFor({ baseRate, effect, horizon, alpha, power: POWER }) ?? LARGEST_SHARE, horizon };
}
