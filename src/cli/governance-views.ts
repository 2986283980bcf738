/**
 * What people see of the log of evaluations, the queue and the budget: data in, text out.
 */
import type { Budget } from "../core/decision/budget.js";
import { shortId } from "../core/words/names.js";
import { count, evidence, percent, plural, probability } from "../core/words/numbers.js";
import { DAY_MS } from "../engine/duration.js";
import type { ProjectQueue, StalledQueue } from "../engine/experiments/queue.js";
import type { StoredEvaluation } from "../engine/ports.js";
import { clipped, type Labels, nameIn } from "./names.js";
import { type Colors, table } from "./render.js";
import { lineWidth, minuteText, paragraph, verdictText, wrapped } from "./views.js";

const rounded = (value: number): string => String(Number(value.toPrecision(3)));

/** Where a budget stands, in a sentence. */
export function budgetText(budget: Budget | null): string {
  if (budget === null) return "No budget: as many experiments start as are asked for.";
  const { limit, windowMs, spent, left } = budget;
  const within = windowMs === null ? "" : ` within ${rounded(windowMs / DAY_MS)} days`;
  return `Budget: ${rounded(limit)} expected false promotions${within}, ${rounded(spent)} spent, ${rounded(left)} left.`;
}

const WAITS: Record<NonNullable<ProjectQueue["waitsFor"]>, string> = {
  slot: "The first one starts when the experiment in the slot has ended.",
  time: "The first one starts at its time.",
  tick: "The first one starts with the next tick ('dethrone decide').",
  budget: "",
};

const CHALLENGERS_WIDTH = 34;

/** What waits in a project, and for what. */
export function queueText(queue: ProjectQueue, labels: Labels, colors: Colors): string {
  const { experiments, waitsFor, message, budget } = queue;
  if (experiments.length === 0)
    return `Nobody waits. Queue a challenger with 'dethrone challenge --queue'.\n${budgetText(budget)}`;
  const rows = experiments.map(({ id, challengers, share, startsAtMs, owner }, index) => [
    String(index + 1),
    shortId(id),
    clipped(challengers.map(({ hash }) => nameIn(labels, hash)).join(", "), CHALLENGERS_WIDTH),
    percent(share),
    startsAtMs === null ? "" : `from ${minuteText(startsAtMs)}`,
    owner ?? "",
  ]);
  const shown = rows.some((row) => row[4] !== "" || row[5] !== "") ? 6 : 4;
  const drawn = table(
    rows.map((row) => row.slice(0, shown)),
    {
      header: ["place", "draft", "challenger", "share", "when (UTC)", "owner"].slice(0, shown),
      align: ["right", "left", "left", "right", "left", "left"],
      colors,
    },
  );
  const waits = message === null ? WAITS[waitsFor ?? "tick"] : colors.yellow(paragraph(message));
  return [drawn, "", waits, ...(message === null ? [budgetText(budget)] : [])].join("\n");
}

const REVIEW_INDENT = "    ";

/** Evaluations, newest first; below each what a person should look at. */
export function evaluationsText(
  evaluations: readonly StoredEvaluation[],
  { hasMore, colors }: { readonly hasMore: boolean; readonly colors: Colors },
): string {
  if (evaluations.length === 0) return "No evaluation. A tick logs one wherever it folds something.";
  const rows = evaluations.map((evaluation) => {
    const { project, experiment, numbers, atMs } = evaluation;
    const [leading] = numbers.contests;
    return [
      colors.dim(minuteText(atMs)),
      colors.bold(project),
      colors.dim(shortId(experiment)),
      verdictText(evaluation, colors),
      count(numbers.sessionCount),
      probability(leading?.probabilityBetter ?? Number.NaN),
      `${evidence(leading?.logSupPromote ?? Number.NaN)} of ${evidence(leading?.logLinePromote ?? Number.NaN)}`,
    ];
  });
  const [head = "", ...lines] = table(rows, {
    header: ["when (UTC)", "project", "experiment", "verdict", "sessions", "P(better)", "evidence"],
    align: ["left", "left", "left", "left", "right", "right", "left"],
    colors,
  }).split("\n");
  const told = lines.flatMap((line, index) => [
    line,
    ...(evaluations[index]?.review ?? []).flatMap(({ message }) =>
      wrapped(`needs review: ${message}`, lineWidth() - REVIEW_INDENT.length)
        .split("\n")
        .map((each) => `${REVIEW_INDENT}${colors.yellow(each)}`),
    ),
  ]);
  return [head, ...told, ...(hasMore ? ["", "More with --limit, or from the --cursor of --json."] : [])].join(
    "\n",
  );
}

/** What waits in projects with the slot free, and what stands in the way; a line each. */
export function stalledText(stalled: readonly StalledQueue[]): string[] {
  return stalled.map(({ project, count: waiting, message }) => {
    const text = `${project}  ${plural(waiting, "challenger waits", "challengers wait")}. ${message}`;
    return wrapped(text, lineWidth() - 2).replace(/^/gm, "  ");
  });
}
