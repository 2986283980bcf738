/**
 * `report` and `history`: one experiment in full, and what was done in a project.
 */
import { DethroneError } from "../../core/errors.js";
import { challengersOf } from "../../engine/experiments/arms.js";
import { projectLedger } from "../../engine/experiments/ledger.js";
import { currentExperiment, requireExperiment, requireProject } from "../../engine/experiments/lookup.js";
import { reportOf } from "../../engine/experiments/report.js";
import type { Store, StoredExperiment } from "../../engine/ports.js";
import type { ReportFormat } from "../../server/report/render.js";
import { historyText } from "../history-views.js";
import { logNames } from "../log-names.js";
import { type Labels, labelsOf, nameIn } from "../names.js";
import { withEngine } from "../open.js";
import { reportText, type WaitingDraft } from "../report-views.js";
import { invalidFlag, numberFrom } from "../settings.js";
import type { CommandContext } from "./context.js";

/** Flags of `report`. */
export interface ReportFlags {
  readonly format?: string;
  readonly experiment?: string;
  readonly by?: string;
}

async function chosen(store: Store, key: string, { experiment }: ReportFlags): Promise<StoredExperiment> {
  if (experiment !== undefined) return requireExperiment(store, key, experiment);
  const current = await currentExperiment(store, key);
  if (current) return current;
  throw new DethroneError(
    "experiment_not_found",
    `Project '${key}' has had no experiment yet; start one with 'dethrone challenge'.`,
    { project: key },
  );
}

async function otherDrafts(
  store: Store,
  experiment: StoredExperiment,
  labels: Labels,
): Promise<WaitingDraft[]> {
  const all = await store.experiments(experiment.projectKey);
  const drafts = all.filter(({ status, id }) => status === "draft" && id !== experiment.id);
  return drafts.map((draft) => ({
    uid: draft.uid,
    names: challengersOf(draft).map(({ config }) => nameIn(labels, config.hash)),
    startsAtMs: draft.startsAtMs,
  }));
}

const FORMATS: readonly string[] = ["text", "json", "md", "html", "csv", "github"];

/** A report in a form that others read, as it is. */
async function renderedReport(
  context: CommandContext,
  key: string,
  { experiment, by, format }: ReportFlags & { readonly format: ReportFormat },
): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine, store }) => {
    await requireProject(store, key);
    const { renderReport } = await import("../../server/report/render.js");
    process.stdout.write(await renderReport(engine, key, { format, experiment, by }));
  });
}

/** `report PROJECT` */
export async function report(context: CommandContext, key: string, flags: ReportFlags): Promise<void> {
  const { by, format: asked = "text" } = flags;
  if (!FORMATS.includes(asked)) invalidFlag("--format", asked, FORMATS.join(", "));
  const format = context.output.isJson ? "json" : asked;
  if (format !== "text" && format !== "json")
    return renderedReport(context, key, { ...flags, format: format as ReportFormat });
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const { champion } = await requireProject(store, key);
    const experiment = await chosen(store, key, flags);
    const nowMs = Date.now();
    const data = await reportOf(store, experiment, nowMs, by);
    if (format === "json") {
      process.stdout.write(`${JSON.stringify(data)}\n`);
      return;
    }
    const labels = await labelsOf(store, experiment.projectId);
    const drafts = await otherDrafts(store, experiment, labels);
    const present = { hash: champion.hash, label: labels.get(champion.hash) ?? null };
    const { colors } = context.output;
    context.output.result(data, () => reportText({ report: data, drafts, present, nowMs, colors }, by));
  });
}

/** `history PROJECT` */
export async function history(
  context: CommandContext,
  key: string,
  flags: { readonly limit?: string },
): Promise<void> {
  const limit = flags.limit === undefined ? 50 : numberFrom(flags.limit);
  if (!Number.isInteger(limit) || limit < 1)
    invalidFlag("--limit", String(flags.limit), "a whole number above 0");
  await withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const state = await requireProject(store, key);
    const entries = await store.auditLog(state.id, limit);
    const ledger = await projectLedger(store, key);
    const names = await logNames(store, state);
    context.output.result({ project: key, entries, ledger }, () =>
      historyText(entries, { names, ledger, colors: context.output.colors }),
    );
  });
}
