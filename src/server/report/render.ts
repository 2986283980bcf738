/**
 * Reports in the forms in which they leave the house. All are made of what the experiment's page shows.
 */
import type { Engine } from "../../engine/engine.js";
import { type ExperimentView, experimentView } from "../dashboard/experiment-view.js";
import { reportCsv } from "./csv.js";
import { reportHtml } from "./html.js";
import { reportComment, reportMarkdown } from "./markdown.js";

/** Media types of the forms that are no JSON. */
export const REPORT_TYPES = {
  md: "text/markdown; charset=utf-8",
  html: "text/html; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  github: "text/markdown; charset=utf-8",
} as const;

/**
 * The form of a report: `md`, Markdown; `html`, one page with its pictures that needs nothing else; `csv`, a row for each
 * arm; `github`, a comment for a pull request.
 */
export type ReportFormat = keyof typeof REPORT_TYPES;

/** Which experiment is reported, and in which form. */
export interface RenderOptions {
  readonly format: ReportFormat;
  /** id of the experiment, or the beginning of it; default: the one in the slot, else the newest */
  readonly experiment?: string | undefined;
  /** break the scores down by this attribute of the context alone, e.g. `user.plan` */
  readonly by?: string | undefined;
}

const RENDERERS: Readonly<Record<ReportFormat, (view: ExperimentView) => string | Promise<string>>> = {
  md: reportMarkdown,
  html: reportHtml,
  csv: ({ report }) => reportCsv(report),
  github: reportComment,
};

/**
 * The report of an experiment as a text. What people have written (names, hypotheses, configs) is escaped for the form.
 *
 * @throws DethroneError `project_not_found`, `experiment_not_found`
 */
export async function renderReport(
  engine: Engine,
  project: string,
  { format, experiment = "current", by }: RenderOptions,
): Promise<string> {
  const { id } = await engine.experiment(project, experiment);
  return RENDERERS[format](await experimentView(engine, project, id, by));
}
