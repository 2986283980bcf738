/**
 * What people see of plans and forecasts: data in, text out.
 */
import type { Policy } from "../core/policy.js";
import type { ShareRule } from "../core/share-rule.js";
import type { Forecast } from "../engine/detect.js";
import { type Colors, count, percent, plural, table } from "./render.js";

/** A share rule in words. */
export function shareRuleText(rule: ShareRule): string {
  if (rule.kind === "fixed") return percent(rule.share);
  if (rule.kind === "ramp") return `ramp ${rule.steps.map(({ share }) => percent(share, 0)).join(", ")}`;
  return `adaptive, ${percent(rule.min, 0)} to ${percent(rule.max, 0)}`;
}

/** What a challenge would start. */
export function previewText(
  project: string,
  design: { readonly policy: Policy; readonly shareRule: ShareRule },
  colors: Colors,
): string {
  const { policy, shareRule } = design;
  const guards = policy.guardrails.map(({ metric, mode }) => `${metric} (${mode})`).join(", ");
  return [
    `Would start in ${colors.bold(project)}: share ${shareRuleText(shareRule)}, policy ${policy.kind} at alpha ${policy.alpha}, planned for ${plural(policy.horizon, "session")}.`,
    `Guardrails: ${guards || "none"}.`,
  ].join("\n");
}

const days = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} days`;

/** What an experiment can be expected to find, and when. */
export function forecastText(forecast: Forecast, colors: Colors): string {
  const { power, effect, sessionsPerDay, daysExpected, daysToHorizon, smallestEffect } = forecast;
  const rate = forecast.isBaseRateKnown
    ? `${percent(forecast.baseRate)}, from the champion's sessions`
    : `${percent(forecast.baseRate)} assumed: too few of the champion's sessions have a score`;
  const rows = [
    ["success rate", rate],
    [
      "traffic",
      sessionsPerDay === null
        ? "unknown: no session yet"
        : `${count(Math.round(sessionsPerDay))} sessions a day`,
    ],
    [
      "power",
      power === null
        ? `no rate is ${percent(effect)} better`
        : `${percent(power)} to promote a challenger that is ${(100 * effect).toFixed(1)} points better`,
    ],
    [
      "smallest effect",
      smallestEffect === null
        ? "none is found with 80 % power"
        : `${(100 * smallestEffect).toFixed(1)} points, with 80 % power`,
    ],
    [
      "time",
      daysExpected === null || daysToHorizon === null
        ? "unknown without traffic"
        : `${days(daysExpected)} on average if it is that much better, ${days(daysToHorizon)} at most`,
    ],
  ];
  return table(
    rows.map(([name, value]) => [colors.dim(name as string), value as string]),
    { align: ["left", "left"], colors },
  );
}
