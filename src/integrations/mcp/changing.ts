/**
 * Tools that begin something: challenge, and signals.
 */
import { z } from "zod";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { percent, plural, signedPoints } from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import type { Engine } from "../../engine/engine.js";
import type { ChallengeOptions } from "../../engine/experiments/challenge-plan.js";
import type { Forecast } from "../../engine/experiments/detect.js";
import { totalOf } from "../../engine/experiments/experiment-summary.js";
import { changesOf, changesShape, fraction, jsonObject, projectInput, shareInput } from "./shapes.js";
import { type AnyTool, tool } from "./tool.js";

const challengeInput = z.object({
  project: projectInput,
  config: jsonObject.optional().describe("the challenger's whole config"),
  changes: jsonObject
    .optional()
    .describe("instead of config: fields of the champion's config to change; a null takes the field away"),
  dryRun: z.boolean().default(false).describe("start nothing; say what would start and what it could find"),
  share: shareInput.describe("the challenger's share, 0.01 to 0.99, or a share that moves; default 0.2"),
  horizon: z.int().min(1).optional().describe("planned units, both arms together; default 2000"),
  detect: z.number().optional().describe("instead of share and horizon: the uplift to be found, e.g. 0.1"),
  within: z.string().optional().describe("with detect: by when, e.g. 14d"),
  policy: z
    .union([z.enum(["calibrated", "strict", "threshold"]), jsonObject])
    .optional()
    .describe(
      "a name, or the fields that differ from the default policy, e.g. guardrails, metrics, minUplift",
    ),
  promotion: z.enum(["auto", "approve"]).optional().describe("approve: a promotion waits for a person"),
  hypothesis: z.string().optional().describe("what is expected, and why"),
  label: z.string().optional().describe("a name for the challenger"),
  queue: z.boolean().optional().describe("wait its turn where the slot is occupied, instead of failing"),
  again: z.string().optional().describe("why a pair that has contended before contends again"),
});

/** The challenger as it is asked for. @throws DethroneError `input_invalid` */
function challengerOf(
  champion: JsonObject,
  { config, changes }: Pick<z.output<typeof challengeInput>, "config" | "changes">,
): JsonObject {
  if ((config === undefined) === (changes === undefined)) {
    throw new DethroneError("input_invalid", "Give config or changes, one of the two.", {
      allowed: ["config", "changes"],
    });
  }
  if (config !== undefined) return config as JsonObject;
  const fields = Object.entries({ ...champion, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(fields) as JsonObject;
}

const forecastShape = z.object({
  successRate: fraction,
  isSuccessRateKnown: z.boolean(),
  effect: z.number().describe("uplift the power is told for"),
  power: fraction.nullable(),
  smallestEffect: z.number().nullable(),
  daysExpected: z.number().nullable(),
  daysToHorizon: z.number().nullable(),
});

function forecastOf(forecast: Forecast | null): z.input<typeof forecastShape> | null {
  if (forecast === null) return null;
  const { effect, power, smallestEffect, daysExpected, daysToHorizon } = forecast;
  const rate = { successRate: forecast.baseRate, isSuccessRateKnown: forecast.isBaseRateKnown };
  return { ...rate, effect, power, smallestEffect, daysExpected, daysToHorizon };
}

function forecastText(forecast: z.input<typeof forecastShape> | null): string[] {
  if (forecast === null) return [];
  const { effect, power, smallestEffect, daysExpected, daysToHorizon } = forecast;
  const points = signedPoints(effect);
  return [
    power === null
      ? `No rate is ${points} better.`
      : `${percent(power)} chance to promote a challenger that is ${points} better.`,
    smallestEffect === null
      ? "No effect is found with 80 % power."
      : `Smallest effect found with 80 % power: ${signedPoints(smallestEffect)}.`,
    daysExpected === null || daysToHorizon === null
      ? "Time unknown without traffic."
      : `About ${days(daysExpected)} if it is that much better, ${days(daysToHorizon)} at most.`,
  ];
}

/** What a challenge came to, in words. */
const OUTCOMES: Record<string, string> = {
  started: "Started",
  existing:
    "These contend or have contended already; nothing was started. To run them again, say why with 'again'",
  "is-champion": "This config is the champion already; nothing was started",
  queued: "Queued: it starts by itself when its turn has come",
  "over-budget": "The project's budget of expected false promotions is spent; nothing was started",
  pending: "The database is away; the challenge starts once it is back",
  off: "dethrone is switched off (DETHRONE=off); nothing was started",
};

const challengeShape = z.object({
  project: z.string(),
  dryRun: z.boolean(),
  started: z.boolean(),
  status: z
    .string()
    .describe("started, queued, existing, over-budget, is-champion; in a dry run what stands in the way"),
  experiment: z.string().nullable(),
  share: fraction.nullable().describe("planned"),
  horizon: z.number().nullable(),
  changes: changesShape,
  forecast: forecastShape.nullable(),
});

type ChallengeFacts = z.input<typeof challengeShape>;

/** What is known of a challenge before it is made. */
interface Asked {
  readonly key: string;
  readonly challenger: JsonObject;
  readonly options: ChallengeOptions;
  /** what the challenger changes of the champion */
  readonly changes: ChallengeFacts["changes"];
}

function answered(facts: ChallengeFacts, head: string) {
  const changed = facts.changes.map(
    ({ path, before, after }) => `${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
  );
  return { facts, text: [head, ...changed, ...forecastText(facts.forecast)].join("\n") };
}

/** What would start; nothing is written. */
async function preview(engine: Engine, { key, challenger, options, changes }: Asked) {
  const { known, design } = await engine.previewChallenge(key, challenger, options);
  const share = totalOf(design.planShares);
  const { horizon } = design.policy;
  const status = known?.status ?? "would-start";
  const experiment = known?.experiment?.uid ?? null;
  const forecast = forecastOf(design.forecast);
  return answered(
    { project: key, dryRun: true, started: false, status, experiment, share, horizon, changes, forecast },
    known
      ? `Nothing would start (${status}): experiment ${experiment ?? "none"}.`
      : `Would start: ${percent(share)} of the traffic for ${plural(horizon, "planned session")}.`,
  );
}

/** @throws DethroneError `experiment_overlap` where another experiment runs */
async function begin(engine: Engine, { key, challenger, options, changes }: Asked) {
  const outcome = await (await engine.project(key)).challenge(challenger, options);
  const { status, started, experiment } = outcome;
  if (status === "overlap") {
    throw new DethroneError(
      "experiment_overlap",
      `Project '${key}' has experiment ${experiment?.id} in its slot. Wait for its decision, or abort it first.`,
      { project: key, experiment: experiment?.id ?? null },
    );
  }
  const named = experiment === null ? "" : ` (experiment ${experiment.id}, ${experiment.status})`;
  return answered(
    {
      ...{ project: key, dryRun: false, started, status, changes },
      experiment: experiment?.id ?? null,
      share: experiment?.share ?? null,
      horizon: experiment?.policy.horizon ?? null,
      forecast: forecastOf(outcome.forecast),
    },
    `${OUTCOMES[status] ?? status}${named}.`,
  );
}

/** `challenge` */
const challenge = tool({
  name: "challenge",
  title: "Start an experiment",
  description:
    "Lets a challenger config contend with the champion for a share of the traffic. Asked again with the same config it returns the experiment that there is. Call it with dryRun first: it shows what changes, the power, and the days it takes.",
  effect: "writes-once",
  input: challengeInput,
  output: challengeShape,
  async run({ engine, actor }, { project: key, config, changes: wanted, dryRun, ...given }) {
    // As stored now: what another process has promoted counts.
    const { champion } = await engine.projectOverview(key);
    const challenger = challengerOf(champion.config, { config, changes: wanted });
    const changes = changesOf(champion.config, challenger);
    const asked = { key, challenger, options: { ...given, actor } as ChallengeOptions, changes };
    return dryRun ? preview(engine, asked) : begin(engine, asked);
  },
});

/** `record_signal` */
const recordSignal = tool({
  name: "record_signal",
  title: "Record a signal",
  description:
    "Records an observation about a session, such as a grade or a cost. With a kind it bears on the session's score. A signal after the session has settled is kept and never counted.",
  effect: "writes",
  input: z.object({
    session: z.string().min(1).describe("the session's id"),
    name: z.string().describe("e.g. thumbs, judge_helpful, cost_usd"),
    value: z.union([z.number(), z.boolean()]).describe("with a kind: from 0 to 1"),
    kind: z.enum(["explicit", "implicit"]).optional().describe("explicit: graded; implicit: inferred"),
    source: z.string().optional().describe("where it came from, e.g. judge:v3"),
    key: z.string().optional().describe("recording the same key twice stores it once"),
  }),
  output: z.object({
    session: z.string(),
    status: z.enum(["recorded", "duplicate", "late", "spooled", "off"]),
  }),
  async run({ engine }, { session, name, value, kind, source, key }) {
    const given = Object.entries({ kind, source, key }).filter(([, each]) => each !== undefined);
    const { status } = await engine.signal(session, { name, value, ...Object.fromEntries(given) });
    const text =
      status === "late"
        ? "Recorded, too late to count: the session had settled."
        : `Signal ${name} of session ${session}: ${status}.`;
    return { facts: { session, status }, text };
  },
});

/** The tools that begin something. */
export const CHANGING: readonly AnyTool[] = [challenge, recordSignal];
