/**
 * Projects, challenges and where things stand.
 */

import { DethroneError, type JsonObject } from "../../core/errors.js";
import { type PolicyInput, STRICT_POLICY } from "../../core/policy.js";
import type { ShareRuleInput } from "../../core/share-rule.js";
import type { ChallengeOptions } from "../../engine/challenge.js";
import { identifyConfig } from "../../engine/config.js";
import type { Engine } from "../../engine/engine.js";
import { requireProject } from "../../engine/experiments.js";
import type { Store } from "../../engine/ports.js";
import { summaryOf } from "../../engine/project.js";
import { type ExperimentReport, reportOf } from "../../engine/report.js";
import { CLI_ACTOR, withEngine } from "../open.js";
import type { Output } from "../output.js";
import { forecastText, previewText } from "../plan-views.js";
import { percent, plural } from "../render.js";
import { applySettings, type FileSettings, numberFrom, readJson, readText } from "../settings.js";
import { configDiff, experimentsText, historyText, reportText, short, statusText } from "../views.js";

/** What every command gets. */
export interface CommandContext {
  readonly url: string;
  readonly file: FileSettings;
  readonly output: Output;
}

interface ConfigFlags {
  readonly config?: string;
  readonly set?: readonly string[];
}

/** A config out of a file, of `--set`, or of both. */
function configFrom(flags: ConfigFlags, base: JsonObject, flag: string): JsonObject {
  if (flags.config === undefined && flags.set === undefined) {
    throw new DethroneError("usage_invalid", `Give the config: ${flag} FILE, or --set key=value.`, {});
  }
  const start = flags.config === undefined ? base : identifyConfig(readJson(flags.config)).body;
  return applySettings(start, flags.set ?? []);
}

/** `project create KEY` */
export async function createProject(context: CommandContext, key: string, flags: ConfigFlags): Promise<void> {
  const champion = configFrom(flags, {}, "--champion");
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    if (await store.projectState(key)) {
      throw new DethroneError("project_exists", `There is a project '${key}' already.`, { received: key });
    }
    const { hash } = identifyConfig(champion);
    await engine.project(key, { champion });
    context.output.result(
      { project: key, champion: hash },
      () => `Created project ${key} with champion ${short(hash)}.`,
    );
  });
}

/** `project list` and `status` */
export async function status(context: CommandContext): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const rows = await Promise.all((await store.projectKeys()).map((key) => statusRow(store, key)));
    context.output.result(
      {
        projects: rows.map(({ key, championHash, report }) => ({
          project: key,
          champion: championHash,
          experiment: report,
        })),
      },
      () => statusText(rows, context.output.colors),
    );
  });
}

async function statusRow(
  store: Store,
  key: string,
): Promise<{ key: string; championHash: string; report: ExperimentReport | null }> {
  const state = await requireProject(store, key);
  const [newest] = await store.experiments(key);
  return {
    key,
    championHash: state.champion.hash,
    report: newest ? await reportOf(store, newest, Date.now()) : null,
  };
}

/** `project show KEY` */
export async function showProject(context: CommandContext, key: string): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const state = await requireProject(store, key);
    const experiments = await store.experiments(key);
    const { colors } = context.output;
    context.output.result(
      {
        project: key,
        champion: state.champion,
        createdAtMs: state.createdAtMs,
        experiments: experiments.map(summaryOf),
      },
      () =>
        [
          `${colors.bold(key)}  champion ${short(state.champion.hash)}`,
          JSON.stringify(state.champion.body, null, 2),
          "",
          experimentsText(experiments, colors),
        ].join("\n"),
    );
  });
}

/** Flags of `challenge`. */
export interface ChallengeFlags extends ConfigFlags {
  readonly share?: string;
  readonly horizon?: string;
  readonly policy?: string;
  readonly promotion?: string;
  readonly again?: string;
  readonly detect?: string;
  readonly within?: string;
  readonly fdr?: string;
  readonly dryRun?: boolean;
}

/** A policy named, or given as JSON or as a file of JSON. */
export function policyFrom(text: string | undefined, base: PolicyInput | undefined): PolicyInput {
  if (text === undefined) return base ?? {};
  if (text === "calibrated" || text === "threshold") return { ...base, kind: text };
  if (text === "strict") return { ...base, ...STRICT_POLICY };
  const source = text.startsWith("@") ? readText(text.slice(1)) : text;
  const policy = parsed(source);
  if (typeof policy === "object" && policy !== null && !Array.isArray(policy)) return { ...base, ...policy };
  throw new DethroneError(
    "policy_invalid",
    `--policy takes calibrated, strict, threshold, a JSON object or @file.json; received '${text}'.`,
    { received: text, allowed: "calibrated, strict, threshold, a JSON object or @file.json" },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A share rule of the command line: a number, `ramp` or `adaptive`. */
function shareFrom(text: string): ShareRuleInput {
  return text === "ramp" || text === "adaptive" ? text : numberFrom(text);
}

function challengeOptions(context: CommandContext, flags: ChallengeFlags): ChallengeOptions {
  const { file } = context;
  const isSized = flags.detect !== undefined || flags.within !== undefined;
  const share = flags.share === undefined ? file.share : shareFrom(flags.share);
  return {
    policy: policyFrom(flags.policy, file.policy),
    promotion: (flags.promotion ?? "auto") as "auto" | "approve",
    again: flags.again,
    // The file's share is a default; a goal that is asked for takes its place.
    share: isSized && flags.share === undefined ? undefined : share,
    horizon: flags.horizon === undefined ? undefined : numberFrom(flags.horizon),
    detect: flags.detect === undefined ? undefined : numberFrom(flags.detect),
    within: flags.within,
    fdr: flags.fdr === undefined ? undefined : numberFrom(flags.fdr),
  };
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
    const { experiment, started, status: outcomeStatus, forecast } = outcome;
    context.output.result({ project: key, experiment, started, status: outcomeStatus, forecast }, () => {
      if (started && experiment) {
        const start = `Started experiment ${experiment.id}: ${percent(experiment.share)} of sessions get the challenger, planned for ${plural(experiment.policy.horizon, "session")}.`;
        return forecast ? `${start}\n${forecastText(forecast, context.output.colors)}` : start;
      }
      if (outcomeStatus === "is-champion") return "This config is the champion already; nothing to start.";
      return `This challenge stands as experiment ${experiment?.id} (${experiment?.status}). To run it again, say why with --again.`;
    });
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
  const { policy, shareRule, forecast } = design;
  const { colors } = context.output;
  const result = {
    project: key,
    dryRun: true,
    challenger: identifyConfig(challenger),
    known: known && { status: known.status, experiment: known.experiment?.uid ?? null },
    share: design.planShare,
    shareRule,
    policy,
    forecast,
  };
  context.output.result(result, () =>
    [
      previewText(key, design, colors),
      forecastText(forecast, colors),
      configDiff(champion, challenger, colors) || "The configs do not differ.",
    ].join("\n\n"),
  );
}

/** `report PROJECT` */
export async function report(
  context: CommandContext,
  key: string,
  flags: { readonly format?: string },
): Promise<void> {
  const { format = "text" } = flags;
  if (format !== "text" && format !== "json") {
    throw new DethroneError("usage_invalid", `--format takes text or json; received '${format}'.`, {
      received: format,
    });
  }
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const state = await requireProject(store, key);
    const [experiment] = await store.experiments(key);
    if (!experiment) {
      throw new DethroneError(
        "experiment_not_found",
        `Project '${key}' has had no experiment yet; start one with 'dethrone challenge'.`,
        {
          project: state.key,
        },
      );
    }
    const data = await reportOf(store, experiment, Date.now());
    if (format === "json") process.stdout.write(`${JSON.stringify(data)}\n`);
    else context.output.result(data, () => reportText(data, Date.now(), context.output.colors));
  });
}

/** `history PROJECT` */
export async function history(
  context: CommandContext,
  key: string,
  flags: { readonly limit?: string },
): Promise<void> {
  const limit = flags.limit === undefined ? 50 : numberFrom(flags.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new DethroneError(
      "usage_invalid",
      `--limit takes a whole number above 0; received '${flags.limit}'.`,
      {},
    );
  }
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const { id } = await requireProject(store, key);
    const entries = await store.auditLog(id, limit);
    context.output.result({ project: key, entries }, () => historyText(entries, context.output.colors));
  });
}

/** What a person may do to the experiment in the slot. */
export type ByHandVerb = "pause" | "resume" | "abort" | "promote" | "approve" | "decline" | "rollback";

const DONE: Record<ByHandVerb, string> = {
  pause: "Paused: everyone gets the champion, nothing folds or decides.",
  resume: "Resumed.",
  abort: "Aborted: everyone gets the champion.",
  promote: "Promoted: the challenger is the champion.",
  approve: "Approved: the challenger is the champion.",
  decline: "Declined: the champion stays.",
  rollback: "Rolled back: the previous champion is the champion again.",
};

/** `pause`, `resume`, `abort`, `promote`, `approve`, `decline`, `rollback` */
export async function byHand(
  context: CommandContext,
  verb: ByHandVerb,
  key: string,
  flags: { readonly reason: string },
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    await actByHand(engine, verb, key, flags.reason);
    const state = await requireProject(store, key);
    context.output.result(
      { project: key, action: verb, reason: flags.reason, champion: state.champion.hash },
      () => `${DONE[verb]} Champion of ${key}: ${short(state.champion.hash)}.`,
    );
  });
}

async function actByHand(engine: Engine, verb: ByHandVerb, key: string, reason: string): Promise<void> {
  const project = await engine.project(key);
  await project[verb]({ reason, actor: CLI_ACTOR });
}

/** Flags of `revise`. */
export interface ReviseFlags {
  readonly horizon?: string;
  readonly share?: string;
  readonly minPerArm?: string;
  readonly futility?: string;
  readonly reason: string;
}

/** `revise PROJECT` */
export async function revise(context: CommandContext, key: string, flags: ReviseFlags): Promise<void> {
  const { horizon, share, minPerArm, futility, reason } = flags;
  const changes = {
    ...(horizon !== undefined && { horizon: numberFrom(horizon) }),
    ...(share !== undefined && { share: shareFrom(share) }),
    ...(minPerArm !== undefined && { minPerArm: numberFrom(minPerArm) }),
    ...(futility !== undefined && {
      futility: futility === "off" ? null : { chance: numberFrom(futility), after: FUTILITY_AFTER },
    }),
  };
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    const project = await engine.project(key);
    await project.revise({ ...changes, reason, actor: CLI_ACTOR });
    context.output.result(
      { project: key, action: "revise", reason, changes },
      () => `Revised ${Object.keys(changes).join(", ")} of ${key}, from the next session on.`,
    );
  });
}

/** Part of the horizon before which nothing is held as unlikely, where only the chance is given. */
const FUTILITY_AFTER = 0.1;
