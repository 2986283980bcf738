/**
 * The numbers of experiments: evaluations, reports and decisions.
 */
import { z } from "zod";
import type { Breakdown } from "../../core/decision/breakdown.js";
import type { Ledger } from "../../core/decision/ledger.js";
import type { MetricEvaluation } from "../../core/decision/metric-evaluation.js";
import type { Revision, StoredDecision } from "../../engine/ports.js";
import { change, experiment } from "./experiment.js";
import { config, hash, nextCursor, objectOf, out, page, place, role, text, timeMs } from "./schemas.js";
import { observed } from "./studies.js";

/** What was decided. */
export const verdict = z.enum(["promote", "hold", "abort", "continue"]);
/** Why. */
export const reason = z.string();
const interval = z.tuple([z.number(), z.number()]);

/** All experiments of a project together. */
export const ledger = objectOf<Ledger>("all experiments of the project together");

const armEvaluation = z.object({
  arm: place,
  role,
  sessionCount: z.number(),
  missingCount: z.number(),
  scoreSum: z.number(),
  posteriorAlpha: z.number(),
  posteriorBeta: z.number(),
  mean: z.number(),
  interval,
});

const contest = z.object({
  arm: place,
  out: z.string().nullable(),
  probabilityBetter: z.number(),
  probabilityBetterBy: z.number(),
  expectedLossChallenger: z.number(),
  expectedLossChampion: z.number(),
  upliftMean: z.number(),
  logEPromote: z.number(),
  logSupPromote: z.number(),
  logEHarm: z.number(),
  logSupHarm: z.number(),
  logLinePromote: z.number(),
  logLineHarm: z.number(),
  chanceOfPromotion: z.number(),
  missingLogE: z.number(),
  phi: z.number(),
  guardrails: z.array(
    z.object({
      metric: z.string(),
      margin: z.number(),
      sessionCount: z.number(),
      logE: z.number(),
      logSup: z.number(),
      logLine: z.number(),
      isCrossed: z.boolean(),
    }),
  ),
});

const comparison = contest.extend({
  upliftUnbiased: z.number().nullable(),
  upliftInterval: interval.meta({ description: "95 % confidence sequence: true at all times at once" }),
  metrics: objectOf<Record<string, MetricEvaluation>>("numbers beside the score, by name"),
});

/** An evaluation as far as the evidence alone gives it; the leading challenger's contest first. */
export const outline = z.object({
  sessionCount: z.number(),
  arms: z.array(
    z.object({ sessionCount: z.number(), missingCount: z.number(), scoreMean: z.number().nullable() }),
  ),
  srmLogE: z.number(),
  contests: z.array(contest),
});

/** Every number of an experiment at one instant; the comparison is the leading challenger's. Logs are natural. */
export const evaluation = comparison.extend({
  sessionCount: z.number(),
  arms: z.array(armEvaluation),
  srmLogE: z.number(),
  others: z.array(comparison),
});

/** How an experiment came to where it is. Logs are natural. */
export const trajectory = z.object({
  logLinePromote: z.number(),
  logLineHarm: z.number(),
  points: z.array(
    z.object({
      index: z.number().int().meta({ description: "units folded by then, all arms together" }),
      seq: z.number().int(),
      startedAtMs: timeMs.nullable(),
      share: z.number().meta({ description: "the challengers', together, when the unit was assigned" }),
      arms: z.array(armEvaluation.pick({ arm: true, sessionCount: true, mean: true, interval: true })),
      perChallenger: z.array(
        comparison.pick({
          arm: true,
          logEPromote: true,
          logSupPromote: true,
          logEHarm: true,
          logSupHarm: true,
          probabilityBetter: true,
          upliftMean: true,
          upliftInterval: true,
        }),
      ),
    }),
  ),
});

/** Where the criteria disagree. */
export const review = z
  .array(
    z.object({
      reason: z.enum([
        "evidence-lags",
        "evidence-turned",
        "loss-small",
        "proof-missing",
        "guardrail-leans",
        "srm-suspected",
        "missing-differs",
      ]),
      arm: place.nullable().meta({ description: "null where it is about the whole experiment" }),
      message: z.string(),
    }),
  )
  .meta({ description: "where the criteria disagree, so that a person should look" });

/** Where a running experiment stands. */
export const standing = evaluation
  .pick({
    sessionCount: true,
    arms: true,
    arm: true,
    probabilityBetter: true,
    upliftMean: true,
    logSupPromote: true,
    logLinePromote: true,
    logSupHarm: true,
    logLineHarm: true,
    chanceOfPromotion: true,
    srmLogE: true,
    missingLogE: true,
  })
  .extend({
    horizon: z.number(),
    unitsPerDay: z.number().nullable(),
    daysLeft: z.number().nullable(),
    review,
    alarms: z.array(z.enum(["srm", "missing", "guardrail", "awaiting-approval", "review"])),
  });

const decisionHead = z.object({
  uid: z.string(),
  project: z.string(),
  experiment: z.string(),
  isTerminal: z.boolean(),
  verdict,
  reason,
  sessionCount: z.number(),
  arm: place.nullable(),
  engineVersion: z.string(),
  actor: z.string(),
  note: z.string().nullable(),
  decidedAtMs: timeMs,
});

/** Which decisions are listed. */
export const decisionsQuery = page.extend({ project: text.optional(), experiment: text.optional() });
/** A page of decisions, newest first. */
export const decisions = z.object({ decisions: z.array(decisionHead), nextCursor });
/** A decision with all it was made from. */
export const decision = decisionHead.extend({
  evaluation,
  record: objectOf<StoredDecision>("all that is needed to recompute it"),
});
/** What recomputing a decision gave. */
export const verification = z.object({
  decision: z.string(),
  project: z.string(),
  experiment: z.string(),
  verdict,
  reason,
  isEqual: z.boolean(),
  differences: z.array(z.string()),
});

const named = z.object({ hash, body: config, label: z.string().nullable() });
const namedChallenger = named.extend({ place, share: z.number(), planShare: z.number(), out });

/** How a report is asked for. */
export const reportQuery = z.strictObject({
  format: z
    .enum(["json", "md", "html", "csv", "github"])
    .optional()
    .meta({ description: "default json; github is a comment for a pull request" }),
  by: text.optional().meta({ description: "break the scores down by this attribute of the context alone" }),
});

/** One experiment in full. */
export const report = experiment
  .omit({ id: true, champion: true, challenger: true, challengers: true, createdAtMs: true })
  .extend({
    project: z.string(),
    experiment: z.string(),
    champion: named,
    challenger: namedChallenger,
    challengers: z.array(namedChallenger),
    changes: z.array(change),
    overrideCount: z.number(),
    revisions: z.array(objectOf<Revision>("a change in flight")),
    evaluation,
    review,
    sessions: z.array(
      z.object({
        role,
        served: z.number(),
        excluded: z.number(),
        unsettled: z.number(),
        missing: z.number(),
        abandoned: z.number(),
        lateSignals: z.number(),
        durationMsP50: z.number().nullable(),
        durationMsP95: z.number().nullable(),
      }),
    ),
    decision: objectOf<StoredDecision>("the newest decision, in full").nullable(),
    unitsPerDay: z.number().nullable(),
    daysLeft: z.number().nullable(),
    breakdown: z.array(objectOf<Breakdown>("scores by an attribute of the context; exploratory")),
    observed: z
      .array(observed)
      .nullable()
      .meta({ description: "of each challenger, where a rule gives sessions their arms; never evidence" }),
    ledger,
  });

/** A tick: of one project, or of all. */
export const tick = z.strictObject({ project: text.optional(), dryRun: z.boolean().optional() });
/** What a tick found. */
export const tickResults = z.object({
  results: z.array(
    z.object({
      project: z.string(),
      experiment: z.string(),
      verdict,
      reason,
      changed: z.boolean(),
      sessionCount: z.number(),
      probabilityBetter: z.number(),
      logSupPromote: z.number(),
      logSupHarm: z.number(),
      chanceOfPromotion: z.number(),
    }),
  ),
});
