/**
 * What people see of challenges that are about to start: data in, text out.
 */

import type { FalsePromotion } from "../core/simulation/false-promotion.js";
import { count, percent, plural, signedPoints } from "../core/words/numbers.js";
import { days } from "../core/words/quantity.js";
import type { ChallengeOutcome } from "../engine/experiments/challenge.js";
import type { Forecast } from "../engine/experiments/detect.js";
import type { Colors } from "./render.js";
import { facts, paragraph } from "./views.js";

/** Why a challenge starts nothing. */
export function knownText(
  status: ChallengeOutcome["status"],
  experiment: { readonly id: string; readonly status: string } | null,
  challengers = 1,
): string {
  const named = `experiment ${experiment?.id} (${experiment?.status})`;
  if (status === "is-champion") {
    const what = challengers === 1 ? "This config" : "One of these configs";
    return `${what} is the champion already; nothing to start.`;
  }
  if (status === "overlap")
    return paragraph(
      `Nothing would start: ${named} is in the project's slot. Wait for its decision, abort it first, or let this one wait with --queue or --draft.`,
    );
  if (experiment?.status === "draft")
    return paragraph(`This challenge stands as the draft ${experiment.id}. Start it with 'dethrone start'.`);
  return paragraph(`This challenge stands as ${named}. To run it again, say why with --again.`);
}

/** What an experiment can be expected to find, and when. */
export function forecastText(forecast: Forecast, colors: Colors): string {
  const { power, effect, sessionsPerDay, daysExpected, daysToHorizon, smallestEffect } = forecast;
  const uplift = `${Number((100 * effect).toFixed(2))} points`;
  const rate = forecast.isBaseRateKnown
    ? `${percent(forecast.baseRate)}, from the champion's sessions`
    : `${percent(forecast.baseRate)} assumed: the champion has too few scores`;
  return facts(
    [
      ["success rate", rate],
      [
        "traffic",
        sessionsPerDay === null
          ? "unknown: too few sessions yet"
          : `${count(Math.round(sessionsPerDay))} sessions a day`,
      ],
      [
        "power",
        power === null
          ? `no rate is ${uplift} better`
          : `${percent(power)} to promote a challenger ${uplift} better`,
      ],
      [
        "smallest effect",
        smallestEffect === null
          ? "none is found with 80 % power"
          : `${signedPoints(smallestEffect)}, found with 80 % power`,
      ],
      [
        "time",
        daysExpected === null || daysToHorizon === null
          ? "unknown without traffic"
          : `about ${days(daysExpected)} if it is ${uplift} better, ${days(daysToHorizon)} at most`,
      ],
    ],
    colors,
  );
}

/** What the plain rule costs, in words; empty for a rule with a guarantee. */
export function plainRuleText(price: FalsePromotion | null, colors: Colors): string[] {
  if (price === null) return [];
  const { rate, runs, horizon } = price;
  const text = `The plain rule 'threshold' has no guarantee: at ${plural(horizon, "planned session")} and this share it promotes an identical challenger in about ${percent(rate, 0)} of experiments (${count(runs)} simulated).`;
  return [colors.yellow(paragraph(text))];
}
