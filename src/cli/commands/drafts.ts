/**
 * `edit` and `start`: experiments that are planned, and started later.
 */
import { shareOf } from "../../core/sessions/assignment.js";
import type { EditInput } from "../../engine/experiments/drafts.js";
import type { ExperimentSummary } from "../../engine/experiments/experiment-summary.js";
import { requireExperiment, requireProject } from "../../engine/experiments/lookup.js";
import type { Store, StoredExperiment } from "../../engine/ports.js";
import { editedPolicy, type PlanningFlags, planningFrom, withoutUndefined } from "../challenge-flags.js";
import { configOfFile } from "../config-flags.js";
import { armNames, labelsOf } from "../names.js";
import { withEngine } from "../open.js";
import type { Colors } from "../render.js";
import { descriptionFacts, planText, setupText } from "../setup-views.js";
import { facts } from "../views.js";
import { type CommandContext, type ReasonFlags, requireChanges } from "./context.js";

/** Flags of `edit`. */
export interface EditFlags extends PlanningFlags, ReasonFlags {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

function changesFrom(
  { file }: CommandContext,
  flags: EditFlags,
  before: StoredExperiment,
): Omit<EditInput, "reason" | "actor"> {
  const { add, remove } = flags;
  return withoutUndefined({
    ...planningFrom(flags, Date.now(), before.watch),
    policy: editedPolicy(flags, before.policy, file),
    add: add?.map(configOfFile),
    remove,
  });
}

const EDITABLE =
  "see 'dethrone edit --help'; --add, --remove, --share, --starts-at, --hypothesis and the like";

async function armNamesOf(store: Store, projectId: number, { challengers }: ExperimentSummary) {
  const labels = await labelsOf(store, projectId);
  return armNames(challengers.map(({ hash }) => ({ hash, label: labels.get(hash) ?? null })));
}

function editedText(experiment: ExperimentSummary, names: readonly string[], colors: Colors): string {
  const { id, status, challengers } = experiment;
  if (status !== "draft")
    return [
      `Edited what is said of experiment ${id} (${status}).`,
      facts(descriptionFacts(experiment), colors),
    ].join("\n\n");
  const planShares = challengers.map(({ planShare }) => planShare);
  return [`Edited draft ${id}.`, setupText({ ...experiment, planShares, names }, colors, Date.now())].join(
    "\n\n",
  );
}

/** `edit PROJECT EXPERIMENT` */
export async function edit(
  context: CommandContext,
  key: string,
  id: string,
  flags: EditFlags,
): Promise<void> {
  const { reason } = flags;
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const state = await requireProject(store, key);
    const before = await requireExperiment(store, key, id);
    const changes = changesFrom(context, flags, before);
    const { allowSecrets: _allowed, ...asked } = changes;
    requireChanges(asked, EDITABLE);
    const project = await engine.project(key);
    const edited = await project.edit(before.uid, { ...changes, reason, actor: context.actor });
    const names = await armNamesOf(store, state.id, edited);
    // Who is held out is settled at the start; until then it is what the project says.
    const experiment = { ...edited, holdout: shareOf(state.holdoutBuckets) };
    context.output.result({ project: key, action: "edit", reason, experiment: edited }, () =>
      editedText(edited.status === "draft" ? experiment : edited, names, context.output.colors),
    );
  });
}

/** `start PROJECT EXPERIMENT` */
export async function start(
  context: CommandContext,
  key: string,
  id: string,
  { reason }: ReasonFlags,
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    const { id: projectId } = await requireProject(store, key);
    const project = await engine.project(key);
    const experiment = await project.start(id, { reason, actor: context.actor });
    const names = await armNamesOf(store, projectId, experiment);
    const { shareRule, challengers, policy, assign } = experiment;
    const planShares = challengers.map(({ planShare }) => planShare);
    const shares = { shareRule, planShares, names, assign };
    context.output.result(
      { project: key, action: "start", reason, experiment },
      () => `Started experiment ${experiment.id}:\n${planText(shares, policy.horizon)}`,
    );
  });
}
