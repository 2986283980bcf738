/**
 * Projects and where things stand.
 */
import { DethroneError } from "../../core/errors.js";
import { identifyConfig } from "../../engine/configs/config.js";
import { summaryOf } from "../../engine/experiments/experiment-summary.js";
import { projectLedger } from "../../engine/experiments/ledger.js";
import { requireProject } from "../../engine/experiments/lookup.js";
import { reportOf } from "../../engine/experiments/report.js";
import type { Store } from "../../engine/ports.js";
import { type ConfigFlags, configFrom } from "../config-flags.js";
import { withEngine } from "../open.js";
import { reportText, type StatusRow, statusText } from "../report-views.js";
import { numberFrom } from "../settings.js";
import { experimentsText, historyText, paragraph, short } from "../views.js";
import type { CommandContext } from "./context.js";

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

async function statusRow(store: Store, key: string): Promise<StatusRow> {
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
    const ledger = await projectLedger(store, key);
    const { colors } = context.output;
    context.output.result(
      {
        project: key,
        champion: state.champion,
        createdAtMs: state.createdAtMs,
        experiments: experiments.map(summaryOf),
        ledger,
      },
      () =>
        [
          `${colors.bold(key)}  champion ${short(state.champion.hash)}`,
          JSON.stringify(state.champion.body, null, 2),
          "",
          experimentsText(experiments, colors),
          ...(experiments.length > 0 ? ["", paragraph(ledger.sentence)] : []),
        ].join("\n"),
    );
  });
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
    const ledger = await projectLedger(store, key);
    context.output.result({ project: key, entries, ledger }, () =>
      historyText(entries, ledger, context.output.colors),
    );
  });
}
