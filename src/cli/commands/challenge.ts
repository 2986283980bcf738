/**
 * `challenge PROJECT`: what would start or be drafted, or its start.
 */
import type { Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { shareOf } from "../../core/sessions/assignment.js";
import { type FalsePromotion, falsePromotion } from "../../core/simulation/false-promotion.js";
import { shortId } from "../../core/words/names.js";
import { identifyConfig } from "../../engine/configs/config.js";
import { diffConfigs } from "../../engine/configs/diff.js";
import { budgetRefusal } from "../../engine/experiments/budget.js";
import type { ChallengePreview } from "../../engine/experiments/challenge.js";
import { type ChallengePlan, planChallenge } from "../../engine/experiments/challenge-plan.js";
import type { Forecast } from "../../engine/experiments/detect.js";
import type { DraftOptions } from "../../engine/experiments/drafts.js";
import { totalOf } from "../../engine/experiments/experiment-summary.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import type { ProjectState, Store } from "../../engine/ports.js";
import type { ChallengeResult } from "../../engine/project.js";
import { type ChallengeFlags, challengeOptions } from "../challenge-flags.js";
import { challengersFrom } from "../config-flags.js";
import { diffText } from "../config-views.js";
import { armNames, configName, type Labels, labelsOf, nameIn } from "../names.js";
import { type Opened, withEngine } from "../open.js";
import { forecastText, knownText, plainRuleText } from "../plan-views.js";
import type { Colors } from "../render.js";
import { FIRST_TICK, planText, scheduleText, setupText } from "../setup-views.js";
import type { CommandContext } from "./context.js";

/** A challenge as it is asked for. */
interface Asked {
  readonly key: string;
  readonly state: ProjectState;
  readonly challengers: readonly JsonObject[];
  readonly options: DraftOptions;
  readonly isDraft: boolean;
  readonly labels: Labels;
}

/** `challenge PROJECT` */
export async function challenge(context: CommandContext, key: string, flags: ChallengeFlags): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async (opened) => {
    const state = await requireProject(opened.store, key);
    const asked: Asked = {
      key,
      state,
      challengers: challengersFrom(flags, state.champion.body),
      options: challengeOptions(context.file, flags, Date.now()),
      isDraft: flags.draft === true || flags.startsAt !== undefined,
      labels: await labelsOf(opened.store, state.id),
    };
    await (flags.dryRun ? dryRun(context, opened, asked) : begin(context, opened, asked));
  });
}

/** What the plain rule costs; null where the rule is calibrated and has a guarantee instead. */
function priceOf(policy: Policy, shareRule: ShareRule, forecast: Forecast | null): FalsePromotion | null {
  if (policy.kind === "calibrated" || forecast === null || forecast.share === 0) return null;
  return falsePromotion(policy, shareRule, forecast.baseRate);
}

async function begin(context: CommandContext, { engine, store }: Opened, asked: Asked): Promise<void> {
  const { key, challengers, isDraft } = asked;
  const options = { ...asked.options, actor: context.actor };
  const project = await engine.project(key);
  const outcome = await (isDraft
    ? project.draft(challengers, options)
    : project.challenge(challengers, options));
  refuseOverlap(key, outcome);
  if (outcome.status === "over-budget") throw await overBudget(store, asked);
  const { experiment, started, status, forecast } = outcome;
  const labels = await labelsOf(store, asked.state.id);
  const price = experiment && priceOf(experiment.policy, experiment.shareRule, forecast);
  const named = (experiment?.challengers ?? []).map(({ config: _config, ...rest }) => ({
    ...rest,
    label: labels.get(rest.hash) ?? null,
  }));
  const result = { project: key, experiment, started, status, forecast, falsePromotion: price };
  context.output.result({ ...result, challengers: named }, () =>
    begunText({ outcome, key, names: armNames(named), price }, context.output.colors),
  );
}

function refuseOverlap(key: string, { status, experiment }: ChallengeResult): void {
  if (status !== "overlap") return;
  throw new DethroneError(
    "experiment_overlap",
    `Project '${key}' has experiment ${experiment?.id} in its slot. Wait for its decision, abort it first, or let this one wait with --queue or --draft.`,
    { project: key, experiment: experiment?.id ?? null },
  );
}

/** Why it did not start for the budget's sake. */
async function overBudget(store: Store, { state, challengers, options }: Asked): Promise<unknown> {
  return budgetRefusal(store, state, planChallenge(challengers, options), Date.now());
}

interface Begun {
  readonly outcome: ChallengeResult;
  readonly key: string;
  readonly names: readonly string[];
  readonly price: FalsePromotion | null;
}

const NEW: readonly ChallengeResult["status"][] = ["started", "drafted", "queued"];

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function begunText({ outcome, key, names, price }: Begun, colors: Colors): string {
  const { experiment, status, forecast } = outcome;
  if (!experiment || !NEW.includes(status)) return knownText(status, experiment, names.length - 1);
  const { id, policy, startsAtMs, shareRule, challengers, assign } = experiment;
  const shares = { assign, shareRule, planShares: challengers.map(({ planShare }) => planShare), names };
  const what = `${capitalised(status)} experiment ${id}:`;
  const next = experiment.isQueued
    ? `It starts by itself when its turn has come${FIRST_TICK}: dethrone queue ${key}`
    : startsAtMs === null
      ? `Start it with: dethrone start ${key} ${shortId(id)} --reason WHY`
      : `Starts ${scheduleText(startsAtMs, Date.now())}${FIRST_TICK}.`;
  return [
    `${what}\n${planText(shares, policy.horizon)}`,
    ...(status === "started" ? [] : [next]),
    // The forecast is about the calibrated test, which the plain rule does not use.
    ...(forecast && !price && assign === null ? [forecastText(forecast, colors)] : []),
    ...plainRuleText(price, colors),
  ].join("\n\n");
}

async function dryRun(context: CommandContext, { engine }: Opened, asked: Asked): Promise<void> {
  const { key, challengers, options, isDraft } = asked;
  const plan = planChallenge(challengers, options);
  const preview = await engine.previewChallenge(key, challengers, options);
  const { policy, shareRule, planShares, forecast } = preview.design;
  // What waits for its turn has no obstacle in another experiment.
  const isWaiting = isDraft || options.queue === true;
  const known = isWaiting && preview.known?.status === "overlap" ? null : preview.known;
  const price = priceOf(policy, shareRule, forecast);
  const { startsAtMs, audience, exclusionGroup, assign, watch, description } = plan;
  const result = {
    project: key,
    dryRun: true,
    challenger: identifyConfig(challengers[0]),
    challengers: plan.challengers.map(({ config, label }, j) => ({
      place: j + 1,
      ...config,
      label: label ?? asked.labels.get(config.hash) ?? null,
      planShare: planShares[j],
      changes: diffConfigs(preview.champion, config.body),
    })),
    known: known && { status: known.status, experiment: known.experiment?.uid ?? null },
    ...{ draft: isDraft, startsAtMs, share: totalOf(planShares), shareRule, policy },
    ...{ ...description, audience, exclusionGroup, assign, watch },
    holdout: shareOf(asked.state.holdoutBuckets),
    forecast,
    falsePromotion: price,
  };
  context.output.result(result, () =>
    dryRunText({ asked, plan, preview: { ...preview, known }, price }, context.output.colors),
  );
}

interface DryRun {
  readonly asked: Asked;
  readonly plan: ChallengePlan;
  readonly preview: ChallengePreview;
  readonly price: FalsePromotion | null;
}

function dryRunText({ asked, plan, preview, price }: DryRun, colors: Colors): string {
  const { key, state, isDraft, labels } = asked;
  const { known, design } = preview;
  const { kind } = design.policy;
  const named = plan.challengers.map(({ config, label }) => ({
    hash: config.hash,
    label: label ?? labels.get(config.hash) ?? null,
  }));
  const setup = {
    ...design,
    ...plan,
    ...plan.description,
    ...{ policy: design.policy, names: armNames(named), holdout: shareOf(state.holdoutBuckets) },
    startsAtMs: isDraft ? plan.startsAtMs : undefined,
  };
  const experiment = known?.experiment ? { id: known.experiment.uid, status: known.experiment.status } : null;
  const subject = isDraft ? "the draft" : "the experiment";
  return [
    `Dry run for ${colors.bold(key)}: nothing is ${isDraft ? "drafted" : "started"}.`,
    ...(known ? [colors.yellow(knownText(known.status, experiment, named.length))] : []),
    ...diffsText(asked, plan, named, colors),
    `${colors.bold(known ? "a new experiment would have" : subject)}\n${setupText(setup, colors, Date.now())}`,
    ...(plan.assign === null
      ? [
          `${colors.bold(`what ${kind === "threshold" ? "the calibrated rule" : "it"} can be expected to find`)}\n${forecastText(design.forecast, colors)}`,
        ]
      : []),
    ...plainRuleText(price, colors),
  ].join("\n\n");
}

function diffsText(
  { state, labels }: Asked,
  plan: ChallengePlan,
  named: readonly { readonly hash: string; readonly label: string | null }[],
  colors: Colors,
): string[] {
  const champion = nameIn(labels, state.champion.hash);
  return plan.challengers.map(({ config }, j) => {
    const title = `config, champion ${champion} -> challenger ${configName(named[j] ?? config)}`;
    const changes = diffText(diffConfigs(state.champion.body, config.body), colors);
    return `${colors.bold(title)}\n${changes || "  (no difference)"}`;
  });
}
