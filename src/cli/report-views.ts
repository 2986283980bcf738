/**
 * What people see of an experiment in full: data in, text out.
 */
import type { Ruling } from "../core/decision/decide.js";
import type { Explained } from "../core/decision/explain.js";
import { hasEnded } from "../core/decision/life-cycle.js";
import { listed, shortId } from "../core/words/names.js";
import { count, duration, percent, plural, timeAgo } from "../core/words/numbers.js";
import { days } from "../core/words/quantity.js";
import { isMoving, shareRuleText } from "../core/words/share-rule.js";
import type { ExperimentReport } from "../engine/experiments/report.js";
import type { Revision } from "../engine/ports.js";
import { stateText } from "../engine/words/setup.js";
import { assignText } from "../engine/words/study.js";
import { breakdownText } from "./breakdown-views.js";
import { diffText } from "./config-views.js";
import { armsTable, decidingNumbers, othersTable } from "./evaluation-views.js";
import { coverageText, guardrailsText, metricsText } from "./metric-views.js";
import { armName, armNames, configName } from "./names.js";
import { type Colors, table } from "./render.js";
import { descriptionFacts, participationFacts, scheduleText, setupText } from "./setup-views.js";
import { observedText } from "./study-views.js";
import { type Fact, facts, paragraph, sentences, timeText, verdictText } from "./views.js";

/** A draft of the project that waits for its turn. */
export interface WaitingDraft {
  readonly uid: string;
  readonly names: readonly string[];
  readonly startsAtMs: number | null;
}

/** A report, and what is needed to tell it. */
export interface ReportView {
  readonly report: ExperimentReport;
  /** drafts of the project, other than the one reported */
  readonly drafts: readonly WaitingDraft[];
  /** the project's present champion */
  readonly present: { readonly hash: string; readonly label: string | null };
  readonly nowMs: number;
  readonly colors: Colors;
}

/** Where an experiment stands, as a ruling. */
function standing(report: ExperimentReport): Ruling {
  if (report.decision) return { verdict: report.decision.verdict, reason: report.decision.reason };
  return { verdict: "continue", reason: "collecting" };
}

const namesOf = ({ challengers }: ExperimentReport): readonly string[] => armNames(challengers);

function sessionsTable(report: ExperimentReport, colors: Colors): string {
  const names = namesOf(report);
  const rows = report.sessions.map((arm, place) => [
    armName(place, report.sessions.length, names),
    arm.served,
    arm.unsettled,
    arm.missing,
    arm.abandoned,
    arm.excluded,
    arm.lateSignals,
    arm.durationMsP50 === null || arm.durationMsP95 === null
      ? "-"
      : `${duration(arm.durationMsP50)} / ${duration(arm.durationMsP95)}`,
  ]);
  const header = ["sessions", "served", "open", "missing", "abandoned", "left out", "late", "p50 / p95"];
  return table(rows, { header, colors });
}

/** ", at most 6 days left at 310 a day"; empty where nothing is known or nothing is left. */
function paceText({ status, isAwaitingApproval, unitsPerDay, daysLeft }: ExperimentReport): string {
  if (status !== "running" || isAwaitingApproval || unitsPerDay === null || daysLeft === null) return "";
  return `, at most ${days(daysLeft)} left at ${count(Math.round(unitsPerDay))} a day`;
}

function shareText(report: ExperimentReport): string {
  const { share, shareRule, challengers } = report;
  const now = challengers.length === 1 ? percent(share) : eachShare(report);
  return isMoving(shareRule) ? `${now} now; ${shareRuleText(shareRule)}` : now;
}

/** Who has which share, of those that still contend. */
function eachShare({ challengers, share }: ExperimentReport): string {
  const within = challengers.filter(({ out }) => out === null);
  const [only] = within;
  if (only && within.length === 1) return `${percent(share)} for ${configName(only)}`;
  const each = within.map((challenger) => `${configName(challenger)} ${percent(challenger.share)}`);
  return within.length === 0 ? percent(share) : `${percent(share)} together: ${each.join(", ")}`;
}

function revisionText({ fields }: Revision): string {
  const { horizon, minPerArm, futility, shareRule } = fields;
  const changes = [
    horizon === undefined ? "" : `${plural(horizon, "planned session")}`,
    shareRule === undefined ? "" : `share ${shareRuleText(shareRule)}`,
    minPerArm === undefined ? "" : `at least ${plural(minPerArm, "session")} an arm`,
    futility === undefined
      ? ""
      : futility === null
        ? "no futility rule"
        : `hold below a chance of ${percent(futility.chance)}`,
  ];
  return changes.filter((change) => change !== "").join(", ");
}

const OUT = {
  manual: "by hand",
  harm: "worse than the champion",
  guardrail: "crossed a guardrail",
  fuse: "blew the fuse",
} as const;

function verbOf({ status, startedAtMs }: ExperimentReport, count: number): string {
  if (hasEnded(status)) return startedAtMs === null ? "was to contend" : "contended";
  return count === 1 ? "contends" : "contend";
}

/** Who contends against whom: "brief (leads) and polite contend against the champion thorough". */
function contestText(report: ExperimentReport): string {
  const { champion, challengers, kind, evaluation, startedAtMs, decision } = report;
  const mark = (place: number): string => {
    if (challengers.length === 1 || startedAtMs === null) return "";
    if (decision === null) return evaluation.arm === place ? " (leads)" : "";
    if (decision.arm !== place) return "";
    return decision.verdict === "promote" ? " (promoted)" : " (awaits approval)";
  };
  const within = challengers.filter(({ out }) => out === null || challengers.length === 1);
  const names = within.map((each) => `${configName(each)}${mark(each.place)}`);
  const contenders = names.length === 0 ? "nobody" : listed(names);
  const against = `${contenders} ${verbOf(report, names.length)} against the champion ${configName(champion)}`;
  return kind === "watch" ? `watch over a promotion: the old champion ${against}` : against;
}

/** Who is out of a contest of several, and why. */
function droppedFacts({ challengers }: ExperimentReport): Fact[] {
  if (challengers.length === 1) return [];
  const out = challengers.flatMap((each) =>
    each.out === null ? [] : [`${configName(each)}: ${OUT[each.out]}`],
  );
  return out.length === 0 ? [] : [["dropped", out.join("; ")]];
}

function policyText({ policy, promotion }: ExperimentReport): string {
  const level =
    policy.kind === "threshold" ? `P above ${policy.tau}` : `alpha ${Number(policy.alpha.toPrecision(3))}`;
  return `${policy.kind}, ${level}${promotion === "approve" ? "; a promotion waits for a person" : ""}`;
}

function draftFacts(drafts: readonly WaitingDraft[], nowMs: number): Fact[] {
  return drafts.map(({ uid, names, startsAtMs }, index) => [
    index === 0 ? (drafts.length === 1 ? "draft" : "drafts") : "",
    `${shortId(uid)} ${listed(names)}, starts ${scheduleText(startsAtMs, nowMs)}`,
  ]);
}

function title(report: ExperimentReport, ruling: Ruling, nowMs: number, colors: Colors): string {
  const { startedAtMs, status, archivedAtMs } = report;
  const started = startedAtMs === null ? "not started" : `started ${timeAgo(nowMs - startedAtMs)}`;
  const state = stateText(report);
  const archived = archivedAtMs === null ? "" : ", archived";
  const verdict = startedAtMs === null ? colors.cyan("DRAFT") : verdictText(ruling, colors);
  const facts = startedAtMs === null && status === "draft" ? started : `${state}, ${started}`;
  return `${colors.bold(report.project)}  ${verdict}  ${colors.dim(`${facts}${archived}`)}`;
}

function heading({ report, drafts, nowMs, colors }: ReportView, ruling: Ruling): string {
  const { evaluation, policy, overrideCount, revisions } = report;
  const units = plural(overrideCount, "unit");
  const rows: Fact[] = [
    ["experiment", report.experiment],
    ["contest", contestText(report)],
    ...droppedFacts(report),
    ...descriptionFacts(report),
    ...(report.assign === null
      ? ([
          ["share", shareText(report)],
          ["policy", policyText(report)],
          [
            "progress",
            `${count(evaluation.sessionCount)} of ${plural(policy.horizon, "planned session")}${paceText(report)}`,
          ],
        ] as const)
      : ([
          ["arms", assignText(report.assign)],
          ["promotion", "by hand alone: nothing of it is evidence"],
        ] as const)),
    ...revisions.map(
      (revision): Fact => [`revised`, `${timeText(revision.atMs)}: ${revisionText(revision)}`],
    ),
    ...participationFacts(report),
    ...(overrideCount === 0
      ? []
      : [
          [
            "overrides",
            `${units} ${overrideCount === 1 ? "has" : "have"} an arm by hand; their sessions never count`,
          ] as const,
        ]),
    ...draftFacts(drafts, nowMs),
  ];
  return [title(report, ruling, nowMs, colors), facts(rows, colors)].join("\n");
}

function configPart({ champion, challenger, changes }: ExperimentReport, colors: Colors): string {
  const heads = `config, champion ${configName(champion)} -> challenger ${configName(challenger)}`;
  return [colors.bold(heads), diffText(changes, colors) || "  (no difference)"].join("\n");
}

/** A draft has no numbers yet: what it is planned as. */
function draftText(view: ReportView): string {
  const { report, drafts, nowMs, colors, present } = view;
  const names = namesOf(report);
  const planShares = report.challengers.map(({ planShare }) => planShare);
  const head: Fact[] = [
    ["experiment", report.experiment],
    ["contest", contestText(report)],
  ];
  const isStale = report.status === "draft" && present.hash !== report.champion.hash;
  const others = draftFacts(drafts, nowMs);
  return [
    [
      title(report, standing(report), nowMs, colors),
      setupText({ ...report, names, planShares }, colors, nowMs, head),
    ].join("\n"),
    ...(isStale
      ? [colors.yellow(paragraph(`${configName(present)} is champion now: the draft starts against that.`))]
      : []),
    configPart(report, colors),
    ...(others.length === 0 ? [] : [facts(others, colors)]),
  ].join("\n\n");
}

/** Where the break-down by one attribute was asked for, and nobody has it. */
function emptyBreakdown({ breakdown }: ExperimentReport, by: string | undefined): string {
  if (by === undefined || breakdown.some(({ values }) => values.length > 0)) return "";
  return `No session that counts has '${by}' in its context.`;
}

/** An experiment whose arms a rule gives: what was observed, and nothing that would decide. */
function observedReport(view: ReportView): string {
  const { report, colors } = view;
  const { observed, challengers } = report;
  const each = (observed ?? []).map((numbers, j) => {
    const title = challengers.length === 1 ? "" : `${colors.bold(`challenger ${j + 1}`)}\n`;
    return `${title}${observedText(numbers, colors)}`;
  });
  return [
    heading(view, standing(report)),
    ...(each.length === 0 ? ["Its sessions were pruned; what was observed of them is gone."] : each),
    sessionsTable(report, colors),
    configPart(report, colors),
  ].join("\n\n");
}

/**
 * One experiment in full.
 *
 * @param by the attribute that was asked for
 */
export function reportText(view: ReportView, by?: string): string {
  const { report, colors } = view;
  if (report.startedAtMs === null) return draftText(view);
  if (report.assign !== null) return observedReport(view);
  const { evaluation, policy } = report;
  const names = namesOf(report);
  const challenger = armName(evaluation.arm, evaluation.arms.length, names);
  const ruling = standing(report);
  const explained: Explained = { ruling, evaluation, policy };
  const hasMoved =
    isMoving(report.shareRule) || report.revisions.some(({ fields }) => fields.shareRule !== undefined);
  const coverage = coverageText(evaluation, challenger);
  const parts = [
    heading(view, ruling),
    sentences(explained),
    armsTable(evaluation.arms, colors, names),
    decidingNumbers(explained, colors, { hasMoved }),
    othersTable(evaluation, colors, names),
    metricsText(evaluation.metrics, colors, challenger),
    coverage === "" ? "" : colors.dim(paragraph(coverage)),
    guardrailsText(evaluation.guardrails, policy, colors),
    breakdownText(report.breakdown, names, colors) || emptyBreakdown(report, by),
    sessionsTable(report, colors),
    configPart(report, colors),
    colors.dim(
      paragraph(
        `${plural(evaluation.sessionCount, "session")} count: one per unit, settled, in assignment order. A late signal is kept, never counted.`,
      ),
    ),
    paragraph(`All experiments of ${report.project}: ${report.ledger.sentence}`),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}
