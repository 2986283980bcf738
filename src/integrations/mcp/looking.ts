/**
 * Tools that look: projects, where their experiments stand, one in full, what was done.
 */
import { z } from "zod";
import type { Ruling } from "../../core/decision/decide.js";
import { explain } from "../../core/decision/explain.js";
import { guardrailText } from "../../core/words/guardrail.js";
import { shortId } from "../../core/words/names.js";
import { percent, plural } from "../../core/words/numbers.js";
import type { Engine } from "../../engine/engine.js";
import { challengersOf } from "../../engine/experiments/arms.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import { actionText, type LogNames, whyOf } from "../../engine/words/history.js";
import { assignText, differenceText, OBSERVATIONAL_TEXT } from "../../engine/words/study.js";
import { metricShape, metricsOf } from "./metrics.js";
import {
  changesShape,
  configRef,
  evidenceShape,
  jsonObject,
  projectInput,
  standingShape,
  told,
} from "./shapes.js";
import { tool } from "./tool.js";
import {
  configName,
  contestText,
  evidenceOf,
  requireReport,
  standingOf,
  standingOfReport,
  standingText,
  timeText,
} from "./words.js";

/** `list_projects` */
const listProjects = tool({
  name: "list_projects",
  title: "List projects",
  description:
    "All projects: each is one agent whose config is being improved. Gives the champion (the config in charge) and whether an experiment runs.",
  effect: "reads",
  input: z.object({}),
  output: z.object({
    projects: z.array(
      z.object({
        project: z.string(),
        champion: configRef.extend({ config: jsonObject }),
        createdAtMs: z.number(),
        sessionsToday: z.number(),
        experiment: z.string().nullable().describe("id of the one that runs or is paused"),
        draftCount: z.number(),
      }),
    ),
  }),
  async run({ engine }) {
    const projects = (await engine.projects()).map(({ key, experiment, ...rest }) => ({
      project: key,
      champion: rest.champion,
      createdAtMs: rest.createdAtMs,
      sessionsToday: rest.sessionsToday,
      experiment: experiment?.id ?? null,
      draftCount: rest.draftCount,
    }));
    const lines = projects.map(
      ({ project, champion, experiment }) =>
        `${project}: champion ${configName(champion)}, ${experiment === null ? "no experiment" : `experiment ${shortId(experiment)}`}`,
    );
    const text = lines.length === 0 ? "No project yet. The agent's code creates one." : lines.join("\n");
    return { facts: { projects }, text };
  },
});

/** `status` */
const status = tool({
  name: "status",
  title: "Where experiments stand",
  description:
    "Where the running or paused experiment of every project stands, in one line each: who is ahead, how sure that is, what is left, and what a person should look at.",
  effect: "reads",
  input: z.object({}),
  output: z.object({
    projects: z.array(
      z.object({
        project: z.string(),
        standing: standingShape.nullable(),
        alarms: z
          .array(z.enum(["srm", "missing", "guardrail", "awaiting-approval", "review"]))
          .describe("what a person should look at"),
        isTickOverdue: z.boolean().describe("sessions wait to be settled: is the scheduled job running?"),
      }),
    ),
  }),
  async run({ engine }) {
    const summaries = await engine.projects();
    const projects = summaries.map(({ key, experiment, overdueSinceMs }) => ({
      project: key,
      standing: experiment && standingOf(experiment, experiment.standing),
      alarms: [...(experiment?.standing.alarms ?? [])],
      isTickOverdue: overdueSinceMs !== null,
    }));
    const lines = projects.map(({ project, standing, alarms }) => {
      const line = standing ? standingText(project, standing) : `${project}: no experiment`;
      return alarms.length === 0 ? line : `${line}; look at: ${alarms.join(", ")}`;
    });
    return { facts: { projects }, text: lines.join("\n") || "No project yet." };
  },
});

const reportShape = z.object({
  project: z.string(),
  standing: standingShape,
  verdict: z.enum(["promote", "hold", "abort", "continue"]),
  reason: z.string(),
  explanation: z.array(z.string()).describe("the verdict in words"),
  champion: configRef,
  challengers: z.array(configRef.extend({ out: z.string().nullable(), config: jsonObject })),
  changes: changesShape.describe("what the leading challenger changes of the champion"),
  hypothesis: z.string().nullable(),
  arms: z.array(
    z.object({
      role: z.enum(["champion", "challenger"]),
      sessionCount: z.number(),
      successRate: z.number().nullable(),
      interval: z.array(z.number()).describe("95 %"),
    }),
  ),
  upliftInterval: z.array(z.number()).describe("95 %, at all times at once"),
  expectedLoss: z.object({ ifPromoted: z.number(), ifKept: z.number() }),
  metrics: z.array(metricShape),
  guardrails: z.array(z.object({ rule: z.string(), isCrossed: z.boolean(), evidence: evidenceShape })),
  ledger: z.string().describe("all experiments of the project, and how many promotions may be false"),
});

/** The verdict in words; what was observed, where a rule gives the arms and there is none to come. */
function explanationOf(report: ExperimentReport, ruling: Ruling): string[] {
  const { assign, observed, challengers, evaluation, policy } = report;
  if (assign === null) return [...explain({ ruling, evaluation, policy })];
  const differences = (observed ?? []).map(
    ({ difference, differenceInterval }, j) =>
      `${configName(challengers[j] ?? report.challenger)} less the champion, as observed: ${differenceText(difference, differenceInterval)}.`,
  );
  return [`Arms are ${assignText(assign)}.`, OBSERVATIONAL_TEXT, ...differences];
}

function reportFacts(report: ExperimentReport): z.input<typeof reportShape> {
  const { evaluation, decision, policy, champion, challengers } = report;
  const ruling: Ruling = decision
    ? { verdict: decision.verdict, reason: decision.reason }
    : { verdict: "continue", reason: "collecting" };
  return {
    project: report.project,
    standing: standingOfReport(report),
    verdict: ruling.verdict,
    reason: ruling.reason,
    explanation: explanationOf(report, ruling),
    champion: { hash: champion.hash, label: champion.label },
    challengers: challengers.map(({ hash, label, out, body }) => ({ hash, label, out, config: body })),
    changes: told(report.changes),
    hypothesis: report.hypothesis,
    arms: evaluation.arms.map(({ role, sessionCount, scoreSum, interval }) => ({
      role,
      sessionCount,
      successRate: sessionCount === 0 ? null : scoreSum / sessionCount,
      interval: [...interval],
    })),
    upliftInterval: [...evaluation.upliftInterval],
    expectedLoss: {
      ifPromoted: evaluation.expectedLossChallenger,
      ifKept: evaluation.expectedLossChampion,
    },
    metrics: metricsOf(report.evaluation),
    guardrails: evaluation.guardrails.map((guardrail) => ({
      rule: guardrailText(guardrail, policy),
      isCrossed: guardrail.isCrossed,
      evidence: evidenceOf(guardrail.logSup, guardrail.logLine),
    })),
    ledger: report.ledger.sentence,
  };
}

/** `report` */
const report = tool({
  name: "report",
  title: "Report of an experiment",
  description:
    "One experiment in full: the verdict and why, both arms, the evidence, metrics, guardrails, and what the challenger changes. Default: the one that runs, else the newest.",
  effect: "reads",
  input: z.object({
    project: projectInput,
    experiment: z.string().optional().describe("id of the experiment, or the beginning of it"),
  }),
  output: reportShape,
  async run({ engine }, { project, experiment }) {
    const full = await requireReport(engine, project, experiment);
    const facts = reportFacts(full);
    const arms = facts.arms.map(({ role, sessionCount, successRate }) =>
      successRate === null
        ? `${role}: no session yet`
        : `${role}: ${percent(successRate)} of ${plural(sessionCount, "session")}`,
    );
    const metrics = facts.metrics.map(
      ({ name, champion, challenger, change }) =>
        `${name}: ${champion ?? "-"} champion, ${challenger ?? "-"} challenger${change === null ? "" : `, ${change}`}`,
    );
    const text = [
      `${facts.verdict.toUpperCase()} (${facts.reason}): ${contestText(full)}.`,
      ...facts.explanation,
      standingText(project, facts.standing),
      ...arms,
      ...metrics,
      `All experiments of ${project}: ${facts.ledger}`,
    ];
    return { facts, text: text.join("\n") };
  },
});

/** What the names in a project's log are. */
async function logNames(engine: Engine, project: string): Promise<LogNames> {
  const configs = await (await engine.project(project)).configs();
  const experiments = await engine.experiments(project);
  return {
    labels: new Map(configs.map(({ hash, label }) => [hash, label])),
    challengers: new Map(
      experiments.map((each) => [each.uid, challengersOf(each).map(({ config }) => config.hash)]),
    ),
  };
}

/** `history` */
const history = tool({
  name: "history",
  title: "What was done in a project",
  description: "The audit log of a project, newest first: who did what, when and why.",
  effect: "reads",
  input: z.object({
    project: projectInput,
    limit: z.int().min(1).max(200).default(20).describe("entries, at most"),
  }),
  output: z.object({
    project: z.string(),
    entries: z.array(
      z.object({
        atMs: z.number(),
        what: z.string(),
        why: z.string().nullable(),
        who: z.string(),
        experiment: z.string().nullable(),
      }),
    ),
  }),
  async run({ engine }, { project, limit }) {
    const log = await (await engine.project(project)).history(limit);
    const names = await logNames(engine, project);
    const entries = log.map((entry) => ({
      atMs: entry.atMs,
      what: actionText(entry, names),
      why: whyOf(entry),
      who: entry.actor,
      experiment: entry.experimentUid,
    }));
    const lines = entries.map(
      ({ atMs, what, why, who }) => `${timeText(atMs)} ${what}${why === null ? "" : `: ${why}`} (${who})`,
    );
    return { facts: { project, entries }, text: lines.join("\n") };
  },
});

/** The tools that look. */
export const LOOKING = [listProjects, status, report, history];
