/**
 * A report as Markdown, and as a comment of a pull request on GitHub: the outcome first, the rest folded away.
 */
import { explain } from "../../core/decision/explain.js";
import { count, evidence, percent, plural, probability, signedPoints } from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import type { ConfigChange } from "../../engine/configs/diff.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import { stateText } from "../../engine/words/setup.js";
import { placeText, textOf } from "../dashboard/config-diff.js";
import { alarmsOf, headlineOf } from "../dashboard/experiment-head.js";
import { metricRows, setUpFacts } from "../dashboard/experiment-parts.js";
import { type ExperimentView, rulingOf } from "../dashboard/experiment-view.js";
import { configName, contestName } from "../dashboard/names.js";
import { minuteText } from "../time-text.js";

/** GitHub takes 65,536 characters. */
const COMMENT_MAX = 60_000;

/**
 * A text that says itself and nothing else: no markup, no HTML, no cell of a table, and nobody's name or issue called. One line.
 */
function inert(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/[\\`*[\]|~]|(?<!\w)_|_(?!\w)/g, "\\$&")
    .replace(/[@#]/g, "$&\u2060");
}

/** Cells are Markdown already; the first column is always a text. */
function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  others: "text" | "numbers" = "numbers",
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = header.map((_, column) => (column === 0 || others === "text" ? ":---" : "---:"));
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}

/** A text as it is, within a fence that it cannot close. */
function fenced(text: string, language: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

const section = (title: string, body: string): string => (body === "" ? "" : `### ${title}\n\n${body}`);

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join("\n\n");

/** "running, 312 of 2,000 sessions, at most 6 days left". */
function progressText(report: ExperimentReport): string {
  const { evaluation, policy, daysLeft, status, isAwaitingApproval } = report;
  const left = status === "running" && !isAwaitingApproval && daysLeft !== null;
  const facts = [
    stateText(report),
    `${count(evaluation.sessionCount)} of ${plural(policy.horizon, "session")}`,
    left ? `at most ${days(daysLeft)} left` : "",
  ];
  return facts.filter((fact) => fact !== "").join(", ");
}

function armsTable({ evaluation, champion, challengers }: ExperimentReport): string {
  const rows = evaluation.arms.map(({ arm, sessionCount, scoreSum, interval: [low, high] }) => {
    const config = arm === 0 ? champion : challengers[arm - 1];
    const name = config === undefined ? `challenger ${arm}` : inert(configName(config));
    return [
      `**${name}** ${arm === 0 ? "champion" : "challenger"}`,
      count(sessionCount),
      sessionCount === 0 ? "-" : percent(scoreSum / sessionCount),
      `${percent(low)} to ${percent(high)}`,
    ];
  });
  return table(["arm", "sessions", evaluation.phi === 1 ? "success" : "mean score", "95 %"], rows);
}

/** The numbers that decide, of every challenger, the leading one first. */
function numbersTable({ evaluation, challengers }: ExperimentReport): string {
  const rows = [evaluation, ...evaluation.others].map((each) => {
    const [low, high] = each.upliftInterval.map((end) => signedPoints(end).replace(/ points$/, ""));
    const config = challengers[each.arm - 1];
    return [
      inert(config === undefined ? `challenger ${each.arm}` : configName(config)),
      probability(each.probabilityBetter),
      `${evidence(each.logSupPromote)} of ${evidence(each.logLinePromote)}`,
      `${signedPoints(each.upliftMean)} (${low} to ${high})`,
      each.out === null ? percent(each.chanceOfPromotion) : `out: ${each.out}`,
    ];
  });
  return table(["challenger", "P(better)", "evidence", "uplift", "chance of promotion"], rows);
}

function metricsTable(report: ExperimentReport): string {
  const rows = metricRows(report).map(({ name, text, note, state }) =>
    [name, text, note, state.text].map(inert),
  );
  return rows.length === 0 ? "" : table(["metric", "change, 95 %", "limit", "state"], rows, "text");
}

function breakdownTables({ breakdown, champion, challengers }: ExperimentReport): string {
  const names = [champion, ...challengers].map((config) => inert(configName(config)));
  const tables = breakdown.map(({ attribute, values }) =>
    table(
      [inert(attribute), ...names],
      values.map(({ value, arms }) => [
        inert(value),
        ...arms.map((arm) => (arm.mean === null ? "-" : `${percent(arm.mean)} of ${count(arm.count)}`)),
      ]),
    ),
  );
  const warning = "Exploratory: no test vouches for what stands out here.";
  return tables.length === 0 ? "" : joined([warning, ...tables]);
}

const sided = (text: string | null, sign: string): string[] =>
  text === null ? [] : text.split("\n").map((line) => `${sign} ${line}`);

function changeText({ path, kind, before, after }: ConfigChange): string {
  const lines = [...sided(textOf(before), "-"), ...sided(textOf(after), "+")];
  return `**${inert(placeText(path))}** ${kind}\n\n${fenced(lines.join("\n"), "diff")}`;
}

function sessionsTable({ sessions, champion, challengers }: ExperimentReport): string {
  const names = [champion, ...challengers].map(configName);
  const rows = sessions.map(({ served, unsettled, missing, abandoned, excluded, lateSignals }, place) => [
    inert(names[place] ?? `challenger ${place}`),
    ...[served, unsettled, missing, abandoned, excluded, lateSignals].map(count),
  ]);
  return table(["arm", "served", "open", "missing", "abandoned", "left out", "late signals"], rows);
}

/** Where it stands, in the sentences of the page and the terminal. */
function outcomeText(report: ExperimentReport): string {
  const { evaluation, policy, startedAtMs } = report;
  if (startedAtMs === null) return "Not started.";
  return explain({ ruling: rulingOf(report), evaluation, policy })
    .map(inert)
    .join(" ");
}

const headline = (report: ExperimentReport): string =>
  inert(report.startedAtMs === null ? "A draft" : headlineOf(report));

const alarmsText = (view: ExperimentView): string =>
  alarmsOf(view)
    .map(({ title, text }) => `> **${inert(title)}** ${inert(text)}`)
    .join("\n>\n");

function numbersOf(report: ExperimentReport): string {
  return report.startedAtMs === null ? "" : joined([armsTable(report), numbersTable(report)]);
}

function changesOf({ changes, champion, challenger }: ExperimentReport): string {
  const names = `From ${inert(configName(champion))} to ${inert(configName(challenger))}.`;
  return changes.length === 0 ? "The two do not differ." : joined([names, ...changes.map(changeText)]);
}

/** What stands below the numbers, a part each. */
function parts(report: ExperimentReport, changes: string): string {
  const facts = setUpFacts(report).map(([name, text]) => [name, inert(text)]);
  const hasStarted = report.startedAtMs !== null;
  return joined([
    section("Metrics and guardrails", hasStarted ? metricsTable(report) : ""),
    section("What the challenger changes", changes),
    section("By context", breakdownTables(report)),
    section("Sessions", hasStarted ? sessionsTable(report) : ""),
    section("Set-up", table(["", ""], [["experiment", `\`${report.experiment}\``], ...facts], "text")),
  ]);
}

const asOf = ({ nowMs, report }: ExperimentView): string =>
  `As of ${minuteText(nowMs)} UTC. ${inert(report.ledger.sentence)}`;

const titleOf = ({ project, champion, challengers }: ExperimentReport): string =>
  `${inert(project)}: ${inert(contestName(champion, challengers))}`;

/** The report as Markdown. */
export function reportMarkdown(view: ExperimentView): string {
  const { report } = view;
  const progress = progressText(report);
  return `${joined([
    `# ${titleOf(report)}`,
    `**${headline(report)}.** ${outcomeText(report)}`,
    `${progress.charAt(0).toUpperCase()}${progress.slice(1)}.`,
    alarmsText(view),
    numbersOf(report),
    parts(report, changesOf(report)),
    asOf(view),
  ])}\n`;
}

/** What a comment is found by when it is to be written anew, invisible to people. */
const markerOf = (project: string): string => `<!-- dethrone-report ${encodeURIComponent(project)} -->`;

/** The report as a comment of a pull request; one comment a project, which is found by its first line. */
export function reportComment(view: ExperimentView): string {
  const { report } = view;
  const comment = (changes: string): string =>
    `${joined([
      `${markerOf(report.project)}\n**${headline(report)}.** ${titleOf(report)}, ${progressText(report)}`,
      alarmsText(view),
      numbersOf(report),
      `<details>\n<summary>${headlineDetails(report)}</summary>`,
      outcomeText(report),
      parts(report, changes),
      "</details>",
      `<sub>${asOf(view)}</sub>`,
    ])}\n`;
  const full = comment(changesOf(report));
  return full.length <= COMMENT_MAX ? full : comment("Too long for a comment; see `dethrone report`.");
}

const headlineDetails = ({ changes }: ExperimentReport): string =>
  `Details: metrics, ${plural(changes.length, "change")} of the config, sessions, set-up`;
