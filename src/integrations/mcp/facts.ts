/**
 * One tool that gives all that is to be known before an experiment is set up.
 */
import { z } from "zod";
import { DEFAULT_POLICY } from "../../core/decision/policy.js";
import { smallestEffect } from "../../core/simulation/planning.js";
import { count, percent, plural, signedPoints } from "../../core/words/numbers.js";
import type { Engine } from "../../engine/engine.js";
import type { Pace } from "../../engine/experiments/detect.js";
import type { ExperimentSummary } from "../../engine/experiments/experiment-summary.js";
import { ADVICE, WORDS } from "./glossary.js";
import { metricShape, metricsOf } from "./metrics.js";
import {
  changesOf,
  changesShape,
  configRef,
  fraction,
  jsonObject,
  projectInput,
  standingShape,
} from "./shapes.js";
import { tool } from "./tool.js";
import { configName, standingOfReport, standingText, timeText } from "./words.js";

const DAYS = [3, 7, 14, 28] as const;
const SHARES = [0.1, 0.2, 0.5] as const;
const POWER = 0.8;
const PAST_MAX = 20;

/** What experiments of these lengths find at a project's pace; empty without traffic. */
function detectable({ baseRate, sessionsPerDay }: Pace) {
  if (sessionsPerDay === null) return [];
  return DAYS.flatMap((days) =>
    SHARES.map((share) => {
      const horizon = Math.max(1, Math.round(sessionsPerDay * days));
      const design = { baseRate, share, horizon, alpha: DEFAULT_POLICY.alpha, power: POWER };
      return { days, share, horizon, effect: smallestEffect(design) };
    }),
  );
}

const pastShape = z.object({
  experiment: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  challengers: z.array(configRef.extend({ changes: changesShape.describe("of the champion of then") })),
  hypothesis: z.string().nullable(),
  sessionCount: z.number().nullable().describe("units that counted at the decision"),
  endedAtMs: z.number(),
});

/** The experiments that have ended, newest first. */
async function pastOf(engine: Engine, project: string, experiments: readonly ExperimentSummary[]) {
  const { decisions } = await engine.decisions({ project, limit: 200 });
  const terminal = new Map(
    decisions.filter(({ isTerminal }) => isTerminal).map((each) => [each.experiment, each]),
  );
  return experiments
    .flatMap(({ id, status, champion, challengers, hypothesis, endedAtMs }): z.input<typeof pastShape>[] => {
      if (endedAtMs === null) return [];
      const decision = terminal.get(id);
      const contenders = challengers.map(({ hash, label, config }) => {
        return { hash, label, changes: changesOf(champion, config) };
      });
      const sessionCount = decision?.sessionCount ?? null;
      const reason = decision?.reason ?? null;
      return [
        { experiment: id, status, reason, challengers: contenders, hypothesis, sessionCount, endedAtMs },
      ];
    })
    .slice(0, PAST_MAX);
}

/** A challenger of the past, by name and what it changed. */
const pastText = (challenger: z.input<typeof pastShape>["challengers"][number]): string =>
  `${configName(challenger)} (${challenger.changes.map(({ path }) => path).join(", ")})`;

function trafficText({ sessionsPerDay, baseRate, isBaseRateKnown }: Pace): string {
  const rate = isBaseRateKnown
    ? `the champion succeeds in ${percent(baseRate)}`
    : `the champion has too few scores for a success rate (${percent(baseRate)} assumed)`;
  return sessionsPerDay === null
    ? `Traffic is not known yet: too few sessions; ${rate}.`
    : `${count(Math.round(sessionsPerDay))} units a day; ${rate}.`;
}

function detectableText({ days, share, effect }: ReturnType<typeof detectable>[number]): string {
  const found = effect === null ? "finds nothing" : `finds ${signedPoints(effect)}`;
  return `${plural(days, "day")} at a share of ${percent(share, 0)} ${found}`;
}

/** `experiment_facts` */
export const experimentFacts = tool({
  name: "experiment_facts",
  title: "All facts to set up an experiment",
  description:
    "Everything needed to set up a sound experiment, in one call: the champion's config, traffic and success rate, what an experiment of so many days can find, what runs, what was tried before, how many promotions may be false, the default policy, what the words mean, and advice. Call this first, then challenge with dryRun.",
  effect: "reads",
  input: z.object({ project: projectInput }),
  output: z.object({
    project: z.string(),
    champion: configRef.extend({ config: jsonObject }),
    traffic: z.object({
      unitsPerDay: z.number().nullable(),
      successRate: fraction,
      isSuccessRateKnown: z.boolean(),
    }),
    smallestEffects: z
      .array(
        z.object({
          days: z.number(),
          share: fraction,
          horizon: z.number(),
          effect: z.number().nullable().describe("uplift found with 80 % power; null where none is"),
        }),
      )
      .describe("by days and share, at this traffic and the default level"),
    running: standingShape.nullable(),
    drafts: z.array(z.object({ experiment: z.string(), startsAtMs: z.number().nullable() })),
    past: z.array(pastShape).describe("newest first"),
    ledger: z.string(),
    holdout: fraction.describe("share of the units that no experiment gets"),
    metrics: z.array(metricShape).describe("of the newest experiment's arms, to choose guardrails by"),
    defaultPolicy: jsonObject,
    words: z.record(z.string(), z.string()),
    advice: z.array(z.string()),
  }),
  async run({ engine }, { project: key }) {
    const project = await engine.project(key);
    const experiments = await project.experiments();
    const pace = await engine.pace(key);
    const newest = await project.report();
    const isRunning = newest !== null && newest.startedAtMs !== null && newest.endedAtMs === null;
    const { champion, holdout, ledger } = await engine.projectOverview(key);
    const facts = {
      project: key,
      champion,
      traffic: {
        unitsPerDay: pace.sessionsPerDay,
        successRate: pace.baseRate,
        isSuccessRateKnown: pace.isBaseRateKnown,
      },
      smallestEffects: detectable(pace),
      running: isRunning ? standingOfReport(newest) : null,
      drafts: experiments
        .filter(({ status }) => status === "draft")
        .map(({ id, startsAtMs }) => ({ experiment: id, startsAtMs })),
      past: await pastOf(engine, key, experiments),
      ledger: ledger.sentence,
      holdout,
      metrics: newest === null ? [] : metricsOf(newest.evaluation),
      defaultPolicy: { ...DEFAULT_POLICY },
      words: WORDS,
      advice: [...ADVICE],
    };
    const text = [
      `${key}: champion ${configName(champion)}: ${JSON.stringify(champion.config)}`,
      trafficText(pace),
      ...facts.smallestEffects.map(detectableText),
      facts.running ? `Now: ${standingText(key, facts.running)}` : "No experiment runs: the slot is free.",
      ...facts.past.map(
        ({ challengers, status, reason, endedAtMs }) =>
          `Past: ${challengers.map(pastText).join(", ")} ${status}${reason === null ? "" : ` (${reason})`}, ${timeText(endedAtMs)}`,
      ),
      `All experiments: ${facts.ledger}`,
      ...ADVICE,
    ];
    return { facts, text: text.join("\n") };
  },
});
