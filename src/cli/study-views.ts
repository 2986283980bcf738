/**
 * What people see of studies: data in, text out.
 */

import type { JsonObject } from "../core/errors.js";
import type { StudyNumbers } from "../core/studies/study.js";
import { short } from "../core/words/names.js";
import { count, percent } from "../core/words/numbers.js";
import { type ConfigChange, diffConfigs } from "../engine/configs/diff.js";
import type { StudyReport, StudySummary } from "../engine/studies/studies.js";
import {
  cautionText,
  differenceText,
  leftOutText,
  OBSERVATIONAL_TEXT,
  placedText,
  rulesText,
  sameTimeText,
} from "../engine/words/study.js";
import { metricsText } from "./metric-views.js";
import { clipped } from "./names.js";
import { type Colors, table } from "./render.js";
import { type Fact, facts, minuteText, paragraph } from "./views.js";

const NAME_WIDTH = 30;
/** Long enough for what people write by hand; lists of a hundred values are in the JSON. */
const RULES_WIDTH = 400;

/** Studies, a line each. */
export function studiesText(project: string, studies: readonly StudySummary[], colors: Colors): string {
  if (studies.length === 0)
    return `Project ${project} has no study. Make one with 'dethrone study create ${project} NAME'.`;
  const rows = studies.map(({ study, status, rules, createdAtMs, archivedAtMs }) => [
    colors.bold(clipped(study, NAME_WIDTH)),
    archivedAtMs === null ? status : "archived",
    Object.entries(rules)
      .filter(([, rule]) => rule !== null)
      .map(([name]) => name)
      .join(", ") || "tags",
    colors.dim(minuteText(createdAtMs)),
  ]);
  return table(rows, { header: ["study", "status", "by", "since (UTC)"], colors });
}

function windowText({ sinceMs, untilMs }: Pick<StudySummary, "sinceMs" | "untilMs">): string {
  const from = sinceMs === null ? "the first session" : `${minuteText(sinceMs)} UTC`;
  return `${from} to ${untilMs === null ? "now" : `${minuteText(untilMs)} UTC`}`;
}

function setUpFacts(study: Pick<StudySummary, "hypothesis" | "rules" | "sinceMs" | "untilMs">): Fact[] {
  return [
    ...(study.hypothesis === null ? [] : [["hypothesis", study.hypothesis] as const]),
    ["sessions", `outside of experiments, ${windowText(study)}`],
    ["arms by", clipped(rulesText(study.rules).join("; else "), RULES_WIDTH)],
  ];
}

function titleText({ study, project, status }: StudySummary | StudyReport, colors: Colors): string {
  return `${colors.bold(`Study ${clipped(study, NAME_WIDTH)} of ${project}`)} ${colors.yellow("OBSERVATIONAL")} ${colors.dim(status)}`;
}

/** One study. */
export function studyText(study: StudySummary, colors: Colors): string {
  return [titleText(study, colors), facts(setUpFacts(study), colors)].join("\n");
}

/** The numbers of what nobody randomised, with what has to be said of them. */
export function observedText(numbers: StudyNumbers, colors: Colors): string {
  const rows = numbers.arms.map(({ role, count: units, mean, interval, firstAtMs, lastAtMs }) => [
    role === "champion" ? colors.blue(role) : colors.magenta(role),
    count(units),
    mean === null ? "-" : percent(mean),
    interval === null ? "-" : `${percent(interval[0])} to ${percent(interval[1])}`,
    firstAtMs === null || lastAtMs === null ? "-" : `${minuteText(firstAtMs)} to ${minuteText(lastAtMs)}`,
  ]);
  const header = ["arm", "units", "mean score", "95 % interval", "started (UTC)"];
  const metrics = Object.fromEntries(
    Object.entries(numbers.metrics).map(([name, metric]) => [name, { ...metric, probabilityBetter: null }]),
  );
  return [
    table(rows, { header, align: ["left", "right", "right", "left", "left"], colors }),
    facts(
      [
        ["difference", differenceText(numbers.difference, numbers.differenceInterval)],
        ["of the same time", sameTimeText(numbers)],
        ["put into arms", placedText(numbers)],
        ["left out", leftOutText(numbers)],
      ],
      colors,
    ),
    ...numbers.cautions.map((caution) => colors.yellow(paragraph(`! ${cautionText(caution)}`))),
    metricsText(metrics, colors),
    colors.dim(paragraph(OBSERVATIONAL_TEXT)),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function gitText({ git }: StudyReport, colors: Colors): string {
  if (git === null) return "";
  if (git.problem !== null) return colors.yellow(paragraph(`! git could not tell: ${git.problem}.`));
  const { champion, challenger } = git;
  const named = ({ revision, commit }: typeof champion): string => `${revision} (${short(commit ?? "")})`;
  return colors.dim(`Commits in ${named(champion)} against commits in ${named(challenger)}.`);
}

/** A change that `--set` can make as it stands in a shell: of a field of the top, which stays. */
const isSettable = ({ path, kind, after }: ConfigChange): boolean =>
  kind !== "removed" && /^\/[\w-]+$/.test(path) && !JSON.stringify(after).includes("'");

/** What a person can do to find out, as a command. */
function challengeText(
  project: string,
  champion: JsonObject,
  { challenger }: Pick<StudyReport, "challenger">,
): string {
  const command = `dethrone challenge ${project}`;
  if (challenger === null)
    return `To find out, put what differs into a config and let it contend:\n  ${command} --config FILE`;
  const changes = diffConfigs(champion, challenger.body);
  const flags = changes.map(({ path, after }) => `--set '${path.slice(1)}=${JSON.stringify(after)}'`);
  const how = changes.every(isSettable)
    ? flags.join(" ")
    : `--config FILE, with the config ${short(challenger.hash)} of 'dethrone configs ${project} --json'`;
  return `To find out, let the challenger's config contend:\n  ${command} ${how}`;
}

/** What a study has found. */
export function studyReportText(report: StudyReport, champion: JsonObject, colors: Colors): string {
  return [
    [titleText(report, colors), facts(setUpFacts(report), colors), gitText(report, colors)]
      .filter((part) => part !== "")
      .join("\n"),
    observedText(report, colors),
    challengeText(report.project, champion, report),
  ].join("\n\n");
}
