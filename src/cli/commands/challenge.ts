/**
 * `challenge PROJECT`: what would start, or its start.
 */

import type { Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { type FalsePromotion, falsePromotion } from "../../core/simulation/false-promotion.js";
import { identifyConfig } from "../../engine/configs/config.js";
import type { Engine } from "../../engine/engine.js";
import type { ChallengeOptions } from "../../engine/experiments/challenge-plan.js";
import type { Forecast } from "../../engine/experiments/detect.js";
import { totalOf } from "../../engine/experiments/experiment-summary.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import { type ConfigFlags, configFrom } from "../config-flags.js";
import { CLI_ACTOR, withEngine } from "../open.js";
import { designText, forecastText, knownText, plainRuleText, shareRuleText } from "../plan-views.js";
import { LIVE, type PolicyFlags, policyFrom, shareFrom } from "../policy-flags.js";
import { plural } from "../render.js";
import { numberFrom } from "../settings.js";
import { configDiff } from "../views.js";
import type { CommandContext } from "./context.js";

/** Flags of `challenge`. */
export interface ChallengeFlags extends ConfigFlags, PolicyFlags {
  readonly share?: string;
  readonly horizon?: string;
  readonly promotion?: string;
  readonly again?: string;
  readonly detect?: string;
  readonly within?: string;
  readonly fdr?: string;
  readonly dryRun?: boolean;
}

const optionalNumber = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : numberFrom(text);

function challengeOptions({ file }: CommandContext, flags: ChallengeFlags): ChallengeOptions {
  const { detect, within, share } = flags;
  if ((detect === undefined) !== (within === undefined)) {
    throw new DethroneError(
      "usage_invalid",
      "--detect and --within go together: --detect 0.1 --within 14d finds an uplift of 10 points in 14 days.",
      { received: detect === undefined ? "--within" : "--detect" },
    );
  }
  // The file's share is a default; a goal that is asked for takes its place.
  const fileShare = detect === undefined ? file.share : undefined;
  return {
    policy: policyFrom(flags, file.policy ?? {}, LIVE),
    promotion: (flags.promotion ?? "auto") as "auto" | "approve",
    again: flags.again,
    share: share === undefined ? fileShare : shareFrom(share),
    horizon: optionalNumber(flags.horizon),
    detect: optionalNumber(detect),
    within,
    fdr: optionalNumber(flags.fdr),
  };
}

/** What the plain rule costs; null where the rule is calibrated and has a guarantee instead. */
function priceOf(policy: Policy, shareRule: ShareRule, forecast: Forecast | null): FalsePromotion | null {
  if (policy.kind === "calibrated" || forecast === null || forecast.share === 0) return null;
  return falsePromotion(policy, shareRule, forecast.baseRate);
}

/** `challenge PROJECT` */
export async function challenge(context: CommandContext, key: string, flags: ChallengeFlags): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const { champion } = await requireProject(store, key);
    const challenger = configFrom(flags, champion.body, "--config");
    const options = challengeOptions(context, flags);
    if (flags.dryRun) return dryRun(context, engine, key, challenger, options);
    const project = await engine.project(key);
    const outcome = await project.challenge(challenger, { ...options, actor: CLI_ACTOR });
    if (outcome.status === "overlap") {
      throw new DethroneError(
        "experiment_overlap",
        `Project '${key}' has experiment ${outcome.experiment?.id} in its slot. Wait for its decision, or abort it first.`,
        { project: key, experiment: outcome.experiment?.id ?? null },
      );
    }
    const { experiment, started, status, forecast } = outcome;
    const { colors } = context.output;
    const price = experiment && priceOf(experiment.policy, experiment.shareRule, forecast);
    context.output.result(
      { project: key, experiment, started, status, forecast, falsePromotion: price },
      () => {
        if (!experiment || !started) return knownText(status, experiment);
        const { shareRule, policy } = experiment;
        const start = `Started experiment ${experiment.id}:\n${shareRuleText(shareRule)} of sessions to the challenger, planned for ${plural(policy.horizon, "session")}.`;
        return [
          start,
          // The forecast is about the calibrated test, which the plain rule does not use.
          ...(forecast && !price ? [forecastText(forecast, colors)] : []),
          ...plainRuleText(price, colors),
        ].join("\n\n");
      },
    );
  });
}

async function dryRun(
  context: CommandContext,
  engine: Engine,
  key: string,
  challenger: JsonObject,
  options: ChallengeOptions,
): Promise<void> {
  const { known, champion, design } = await engine.previewChallenge(key, challenger, options);
  const { policy, shareRule, planShares, forecast } = design;
  const { colors } = context.output;
  const price = priceOf(policy, shareRule, forecast);
  const result = {
    project: key,
    dryRun: true,
    challenger: identifyConfig(challenger),
    known: known && { status: known.status, experiment: known.experiment?.uid ?? null },
    share: totalOf(planShares),
    shareRule,
    policy,
    forecast,
    falsePromotion: price,
  };
  const standing = known?.experiment ? { id: known.experiment.uid, status: known.experiment.status } : null;
  context.output.result(result, () =>
    [
      `Dry run for ${colors.bold(key)}: nothing is started.`,
      ...(known ? [colors.yellow(knownText(known.status, standing))] : []),
      `${colors.bold("config, champion -> challenger")}\n${configDiff(champion, challenger, colors) || "  (no difference)"}`,
      `${colors.bold(known ? "a new experiment would have" : "the experiment")}\n${designText(design, options.promotion ?? "auto", colors)}`,
      `${colors.bold(`what ${policy.kind === "threshold" ? "the calibrated rule" : "it"} can be expected to find`)}\n${forecastText(forecast, colors)}`,
      ...plainRuleText(price, colors),
    ].join("\n\n"),
  );
}
