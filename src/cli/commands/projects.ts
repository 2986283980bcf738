/**
 * Projects and where things stand.
 */
import { DethroneError } from "../../core/errors.js";
import { shareOf } from "../../core/sessions/assignment.js";
import { short } from "../../core/words/names.js";
import { percent } from "../../core/words/numbers.js";
import { identifyConfig } from "../../engine/configs/config.js";
import { type ExperimentSummary, summaryOf } from "../../engine/experiments/experiment-summary.js";
import { projectLedger } from "../../engine/experiments/ledger.js";
import { currentExperiment, requireProject } from "../../engine/experiments/lookup.js";
import { stalledQueues } from "../../engine/experiments/queue.js";
import { reportOf } from "../../engine/experiments/report.js";
import type { Description, ProjectState, Store } from "../../engine/ports.js";
import { type ConfigFlags, configFrom } from "../config-flags.js";
import { type Labels, labelsOf } from "../names.js";
import { withEngine } from "../open.js";
import type { Colors } from "../render.js";
import { experimentsText, type StatusRow, statusText } from "../status-views.js";
import { paragraph } from "../views.js";
import type { CommandContext } from "./context.js";

/** Flags of `project create`. */
export interface CreateFlags extends ConfigFlags {
  readonly allowSecret?: readonly string[];
}

/** `project create KEY` */
export async function createProject(context: CommandContext, key: string, flags: CreateFlags): Promise<void> {
  const champion = configFrom(flags, {}, "--champion");
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    if (await store.projectState(key)) {
      throw new DethroneError("project_exists", `There is a project '${key}' already.`, { received: key });
    }
    const { hash } = identifyConfig(champion);
    await engine.project(key, { champion, allowSecrets: flags.allowSecret });
    context.output.result(
      { project: key, champion: hash },
      () => `Created project ${key} with champion ${short(hash)}.`,
    );
  });
}

/** Flags that choose experiments. */
export interface ExperimentFilterFlags {
  readonly owner?: string;
  readonly tag?: readonly string[];
}

/** Whether an experiment is one of the owner's, and has every tag. */
function isChosen(
  { owner, tags }: Pick<Description, "owner" | "tags">,
  flags: ExperimentFilterFlags,
): boolean {
  return (
    (flags.owner === undefined || owner === flags.owner) &&
    (flags.tag ?? []).every((tag) => tags.includes(tag))
  );
}

/** `project list` and `status` */
export async function status(context: CommandContext, flags: ExperimentFilterFlags = {}): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const all = await Promise.all((await store.projectKeys()).map((key) => statusRow(store, key)));
    const stalled = await stalledQueues(store, Date.now());
    const isFiltered = flags.owner !== undefined || flags.tag !== undefined;
    const rows = all.filter(({ report }) => !isFiltered || (report !== null && isChosen(report, flags)));
    context.output.result(
      {
        projects: rows.map(({ key, championHash, report, draftCount }) => ({
          project: key,
          champion: championHash,
          experiment: report,
          draftCount,
        })),
        stalledQueues: stalled,
      },
      () =>
        rows.length === 0 && all.length > 0
          ? "No project's experiment has this owner and these tags."
          : statusText(rows, context.output.colors, stalled),
    );
  });
}

async function statusRow(store: Store, key: string): Promise<StatusRow> {
  const state = await requireProject(store, key);
  const current = await currentExperiment(store, key);
  const drafts = (await store.experiments(key)).filter((experiment) => experiment.status === "draft");
  return {
    key,
    championHash: state.champion.hash,
    report: current ? await reportOf(store, current, Date.now()) : null,
    draftCount: drafts.length,
  };
}

/** Flags of `project show`. */
export interface ShowFlags extends ExperimentFilterFlags {
  readonly archived?: boolean;
}

/** `project show KEY` */
export async function showProject(context: CommandContext, key: string, flags: ShowFlags): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const state = await requireProject(store, key);
    const all = (await store.experiments(key)).map(summaryOf).filter((each) => isChosen(each, flags));
    const experiments = all.filter(({ archivedAtMs }) => flags.archived || archivedAtMs === null);
    const ledger = await projectLedger(store, key);
    const labels = await labelsOf(store, state.id);
    context.output.result(
      {
        project: key,
        champion: { ...state.champion, label: labels.get(state.champion.hash) ?? null },
        createdAtMs: state.createdAtMs,
        holdout: shareOf(state.holdoutBuckets),
        experiments: experiments.map((each) => withLabels(each, labels)),
        ledger,
      },
      () => {
        const { colors } = context.output;
        const hiddenCount = all.length - experiments.length;
        return [
          projectText(state, labels, colors),
          experimentsText(experiments, { labels, hiddenCount, colors }),
          ...(experiments.length > 0 ? [paragraph(ledger.sentence)] : []),
        ].join("\n\n");
      },
    );
  });
}

function withLabels(experiment: ExperimentSummary, labels: Labels) {
  const challengers = experiment.challengers.map((each) => ({
    ...each,
    label: labels.get(each.hash) ?? null,
  }));
  return { ...experiment, challengers };
}

function projectText(
  { key, champion, holdoutBuckets }: ProjectState,
  labels: Labels,
  colors: Colors,
): string {
  const label = labels.get(champion.hash);
  const held =
    holdoutBuckets === 0 ? "" : colors.dim(`  ${percent(shareOf(holdoutBuckets))} of the units held out`);
  return [
    `${colors.bold(key)}  champion ${label ? `${label} ` : ""}${short(champion.hash)}${held}`,
    JSON.stringify(champion.body, null, 2),
  ].join("\n");
}
