/**
 * `queue`, `budget`, `evaluations`: what starts by itself, what it may come to, and what ticks found.
 */
import { DethroneError } from "../../core/errors.js";
import { timeMs } from "../../engine/experiments/description.js";
import type { ProjectEvaluationFilter } from "../../engine/experiments/evaluations.js";
import { requireExperiment, requireProject } from "../../engine/experiments/lookup.js";
import { projectQueue } from "../../engine/experiments/queue.js";
import { budgetText, evaluationsText, queueText } from "../governance-views.js";
import { labelsOf } from "../names.js";
import { withEngine } from "../open.js";
import { durationMs, numberFrom } from "../settings.js";
import type { CommandContext, ReasonFlags } from "./context.js";

/** What is done with a queue. */
export type QueueAction = "list" | "move" | "remove";

/** Flags of `queue`. */
export interface QueueFlags {
  readonly reason?: string;
}

/** What `queue` is told besides the project. */
interface QueueArguments {
  readonly action: QueueAction;
  readonly experiment: string | undefined;
  readonly place: string | undefined;
}

function usage(message: string): DethroneError {
  return new DethroneError("usage_invalid", message, {});
}

/** The place a draft is to get; null for none. @throws DethroneError `usage_invalid` */
function placeFrom({ action, place }: QueueArguments): number | null {
  if (action === "remove" && place === undefined) return null;
  if (action === "remove") throw usage("'queue PROJECT remove' takes a draft, and no place.");
  if (place === undefined) throw usage("'queue PROJECT move' takes a draft and its place, from 1.");
  return numberFrom(place);
}

/** `queue PROJECT [list|move|remove] [EXPERIMENT] [PLACE]` */
export async function queue(
  context: CommandContext,
  key: string,
  asked: QueueArguments,
  { reason }: QueueFlags,
): Promise<void> {
  const { action, experiment } = asked;
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const { id } = await requireProject(store, key);
    if (action !== "list") {
      if (experiment === undefined) throw usage(`'queue PROJECT ${action}' takes the draft's id.`);
      if (reason === undefined) throw usage("A change by hand takes --reason, for the audit log.");
      const { uid } = await requireExperiment(store, key, experiment);
      const place = placeFrom(asked);
      await (await engine.project(key)).move(uid, place, { reason, actor: context.actor });
    } else if (experiment !== undefined) throw usage("'queue PROJECT list' takes nothing more.");
    const listed = await projectQueue(store, key, Date.now());
    const labels = await labelsOf(store, id);
    context.output.result({ project: key, action, ...listed }, () =>
      queueText(listed, labels, context.output.colors),
    );
  });
}

/** Flags of `budget`. */
export interface BudgetFlags extends ReasonFlags {
  readonly window?: string;
}

/** `budget PROJECT LIMIT` */
export async function budget(
  context: CommandContext,
  key: string,
  limit: string,
  { window, reason }: BudgetFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    const project = await engine.project(key);
    const most = limit === "none" ? null : numberFrom(limit);
    await project.budget(most, { window, reason, actor: context.actor });
    const { budget: stands } = await project.queue();
    context.output.result({ project: key, action: "budget", reason, budget: stands }, () =>
      budgetText(stands),
    );
  });
}

/** Flags of `evaluations`. */
export interface EvaluationFlags {
  readonly experiment?: string;
  readonly verdict?: string;
  readonly needsReview?: boolean;
  readonly newest?: boolean;
  readonly status?: string;
  readonly owner?: string;
  readonly tag?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** A time as people give it: `7d` ago, or a date. @throws DethroneError `settings_invalid` */
function timeFrom(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?[a-z]+$/.test(text)) return Date.now() - durationMs(text);
  return timeMs(flag, text);
}

function filterFrom(flags: EvaluationFlags): ProjectEvaluationFilter {
  const { experiment, needsReview, newest, owner, tag, cursor, limit } = flags;
  return {
    ...{ experiment, owner, tag, cursor },
    // What there is no such thing of, the engine says.
    verdict: flags.verdict as ProjectEvaluationFilter["verdict"],
    status: flags.status as ProjectEvaluationFilter["status"],
    needsReview: needsReview === true ? true : undefined,
    isNewest: newest,
    sinceMs: timeFrom("--since", flags.since),
    untilMs: timeFrom("--until", flags.until),
    limit: limit === undefined ? undefined : numberFrom(limit),
  };
}

/** `evaluations [PROJECT]` */
export async function evaluations(
  context: CommandContext,
  key: string | undefined,
  flags: EvaluationFlags,
): Promise<void> {
  const filter = filterFrom(flags);
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    if (key !== undefined) await requireProject(store, key);
    const page = await engine.evaluations({ ...filter, project: key });
    const { colors } = context.output;
    context.output.result(page, () =>
      evaluationsText(page.evaluations, { hasMore: page.nextCursor !== null, colors }),
    );
  });
}
