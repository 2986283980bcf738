/**
 * Studies: sessions that nobody randomised, compared afterwards; and what a rule's arms have shown.
 */
import { z } from "zod";
import type { MetricPolicy } from "../../core/decision/policy.js";
import type { Placer } from "../../core/studies/classification.js";
import type { Caution, LeftOut, ObservedMetric } from "../../core/studies/study.js";
import { byHand, config, flag, hash, objectOf, role, text, timeMs, unitNumber } from "./schemas.js";

const interval = z.tuple([z.number(), z.number()]);
const observational = z
  .literal("observational")
  .meta({ description: "nobody was randomised: whatever differs between the arms is in the difference" });

const arm = z.object({
  role,
  count: z.number().meta({ description: "units with a score" }),
  mean: z.number().nullable(),
  interval: interval.nullable(),
  firstAtMs: timeMs.nullable(),
  lastAtMs: timeMs.nullable(),
});

/** What was observed of two arms. */
export const observed = z.object({
  kind: observational,
  sessionCount: z.number(),
  arms: z.tuple([arm, arm]),
  placed: objectOf<Partial<Record<Placer, number>>>("sessions in an arm, by what put them there"),
  leftOut: objectOf<Partial<Record<LeftOut, number>>>("sessions in no arm's numbers, by why"),
  difference: z.number().nullable().meta({ description: "mean score, challenger less champion" }),
  differenceInterval: interval.nullable(),
  metrics: objectOf<Record<string, ObservedMetric>>("numbers beside the score, by name"),
  time: z
    .object({
      overlap: unitNumber.meta({ description: "how much of the comparison is of sessions of the same time" }),
      laterProbability: unitNumber,
      difference: z.number().nullable().meta({ description: "within slices of time" }),
      differenceInterval: interval.nullable(),
    })
    .nullable(),
  cautions: z.array(objectOf<Caution>("what may be wrong with the comparison, and how much")),
});

const texts = z.array(z.string()).max(100);
const marks = { champion: texts, challenger: texts };
const revisions = z.object({ champion: z.string(), challenger: z.string() });

/** A study. */
export const study = z.object({
  kind: observational,
  project: z.string(),
  study: z.string().meta({ description: "its name" }),
  status: z.enum(["running", "concluded"]),
  hypothesis: z.string().nullable(),
  rules: z
    .object({
      field: z.object({ name: z.string(), ...marks }).nullable(),
      config: z.object(marks).nullable(),
      git: revisions.nullable(),
    })
    .meta({
      description:
        "how sessions are put into arms: tags beat the field, the field the config, the config git",
    }),
  metrics: objectOf<Record<string, Partial<MetricPolicy>>>("which way metrics are better"),
  sinceMs: timeMs.nullable(),
  untilMs: timeMs.nullable(),
  createdAtMs: timeMs,
  concludedAtMs: timeMs.nullable(),
  archivedAtMs: timeMs.nullable(),
});

/** Studies, newest first. */
export const studies = z.object({ studies: z.array(study) });
/** Which studies are listed. */
export const studiesQuery = z.strictObject({ archived: flag });

const mark = z.union([text, z.array(text).min(1).max(100)]);
const markInput = { champion: mark, challenger: mark };

/** A study on its way in. */
export const newStudy = z.strictObject({
  name: text,
  hypothesis: z.string().nullable().optional(),
  field: z.strictObject({ name: text, ...markInput }).optional(),
  config: z.strictObject(markInput).optional(),
  git: z.strictObject({ champion: text, challenger: text }).optional(),
  metrics: z
    .record(z.string(), z.union([z.enum(["lower", "higher"]), objectOf<Partial<MetricPolicy>>("a metric")]))
    .optional(),
  since: timeMs.nullable().optional(),
  until: timeMs.nullable().optional(),
  actor: text.optional(),
});

const revision = z.object({ revision: z.string(), commit: z.string().nullable() });

/** What a study has found. */
export const studyReport = study.omit({ metrics: true }).extend({
  ...observed.shape,
  git: z
    .object({ champion: revision, challenger: revision, problem: z.string().nullable() })
    .nullable()
    .meta({ description: "what git was asked; a server asks nothing of it" }),
  challenger: z
    .object({ hash, label: z.string().nullable(), body: config })
    .nullable()
    .meta({ description: "what to challenge with: nothing but a challenge tells whether it is better" }),
  atMs: timeMs,
});

/** What ends a study, or puts it away. */
export const studyByHand = byHand;

/** An arm that a person gives a session. */
export const tag = z.strictObject({
  arm: z.enum(["champion", "challenger", "excluded"]),
  actor: text.optional(),
});
/** What became of it. */
export const tagReceipt = z.object({ status: z.enum(["recorded", "duplicate"]) });
