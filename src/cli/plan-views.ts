/**
 * What people see of challenges that are about to start: data in, text out.
 */

import type { Policy } from "../core/decision/policy.js";
import type { ShareRule } from "../core/decision/share-rule.js";
import type { FalsePromotion } from "../core/simulation/false-promotion.js";
import type { ChallengeOutcome } from "../engine/experiments/challenge.js";
import type { Design } from "../engine/experiments/design.js";
import type { Forecast } from "../engine/experiments/detect.js";
import { totalOf } from "../engine/experiments/experiment-summary.js";
import { guardrailText } from "./metric-views.js";
import { days } from "./quantity.js";
import { type Colors, count, evidence, percent, plural, signedPoints, table } from "./render.js";
import { paragraph } from "./views.js";

/** A share rule in words. */
export function shareRuleText(rule: ShareRule): string {
  if (rule.kind === "fixed") return percent(rule.share);
  if (rule.kind === "each") return rule.shares.map((share) => percent(share)).join(", ");
  if (rule.kind === "adaptive") return `adaptive, ${percent(rule.min, 0)} to ${percent(rule.max, 0)}`;
  return `ramp ${rule.steps.map(({ share }) => Number((100 * share).toFixed(2))).join(", ")} %`;
}

/** Why a challenge starts nothing. */
export function knownText(
  status: ChallengeOutcome["status"],
  experiment: { readonly id: string; readonly status: string } | null,
): string {
  const named = `experiment ${experiment?.id} (${experiment?.status})`;
  if (status === "is-champion") return "This config is the champion already; nothing to start.";
  if (status === "overlap")
    return paragraph(
      `Nothing would start: ${named} is in the project's slot. Wait for its decision, or abort it first.`,
    );
  return paragraph(`This challenge stands as ${named}. To run it again, say why with --again.`);
}

function facts(rows: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  return table(
    rows.map(([name, value]) => [`  ${colors.dim(name)}`, value]),
    { align: ["left", "left"], colors },
  );
}

function ruleText({ kind, alpha, tau, minUplift }: Policy): string {
  const better = minUplift === 0 ? "better" : `uplift > ${signedPoints(minUplift)}`;
  if (kind === "threshold") return `threshold: promotes at P(${better}) above ${tau}`;
  const proven = minUplift === 0 ? "that it is better" : `that ${better}`;
  return `calibrated, alpha ${Number(alpha.toPrecision(3))}: ${evidence(-Math.log(alpha))} evidence ${proven}`;
}

/** What a challenge would start. */
export function designText(
  design: Pick<Design, "policy" | "shareRule" | "planShares">,
  promotion: "auto" | "approve",
  colors: Colors,
): string {
  const { policy, shareRule, planShares } = design;
  const { fuse, guardrails, horizon } = policy;
  const average = shareRule.kind === "fixed" ? "" : `, planned as ${percent(totalOf(planShares))} on average`;
  const guards = guardrails.map((guardrail) => guardrailText(guardrail, policy));
  return facts(
    [
      ["share", `${shareRuleText(shareRule)}${average}`],
      ["planned", `${plural(horizon, "session")}, both arms together`],
      ["rule", ruleText(policy)],
      ["promotion", promotion === "approve" ? "waits for a person" : "by itself"],
      ...(guards.length > 0 ? guards : ["none"]).map(
        (text, index) => [index === 0 ? "guardrails" : "", text] as const,
      ),
      [
        "fuse",
        fuse === null
          ? "none"
          : `${percent(fuse.errorRate, 0)} errors in ${fuse.minSessions} or more sessions of the challenger`,
      ],
    ],
    colors,
  );
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
