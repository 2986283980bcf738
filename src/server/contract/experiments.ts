/**
 * Projects, configs, experiments and decisions.
 */
import { z } from "zod";
import type { PolicyInput } from "../../core/decision/policy.js";
import type { ShareRule, ShareRuleInput } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { AssignInput } from "../../core/sessions/assign.js";
import type { Forecast } from "../../engine/experiments/detect.js";
import { change, experiment } from "./experiment.js";
import { ledger, standing } from "./numbers.js";
import { byHand, config, flag, hash, nextCursor, objectOf, place, text, timeMs } from "./schemas.js";

const champion = z.object({ hash, label: z.string().nullable(), config });

/** A project at one look. */
const projectSummary = z.object({
  key: z.string(),
  champion,
  createdAtMs: timeMs,
  holdout: z.number(),
  draftCount: z.number().int(),
  sessionsToday: z.number().int().meta({ description: "since midnight, UTC" }),
  overdueSinceMs: timeMs.nullable().meta({ description: "no tick has settled what was due since" }),
  experiment: experiment.extend({ standing }).nullable(),
});

/** All projects. */
export const projects = z.object({ projects: z.array(projectSummary) });

/** A project on its way in. */
export const newProject = z.strictObject({
  key: text,
  champion: config,
  allowSecrets: z.array(z.string()).max(100).optional(),
});

/** A project that was created. */
export const createdProject = z.object({ key: z.string(), champion: z.object({ hash, config }) });

/** One project, with what its experiments have promoted. */
export const project = projectSummary.extend({ ledger });

/** The configs of a project. */
export const configs = z.object({
  configs: z.array(
    z.object({
      hash,
      label: z.string().nullable(),
      body: config,
      parent: hash.nullable(),
      changes: z.array(change),
      actor: z.string(),
      reason: z.string().nullable(),
      addedAtMs: timeMs,
      role: z.enum(["champion", "contending", "former champion", "challenger", "elsewhere"]),
      reigns: z.array(
        z.object({
          cause: z.enum(["created", "promoted", "rollback"]),
          fromMs: timeMs,
          untilMs: timeMs.nullable(),
        }),
      ),
    }),
  ),
});

/** Two configs, each by its label or the beginning of its hash. */
export const diffQuery = z.strictObject({ before: text, after: text });
/** What differs between two configs. */
export const diff = z.object({ changes: z.array(change) });
/** A config's name; null takes it away. */
export const label = byHand.extend({ label: z.string().nullable() });

const tags = z.array(z.string()).max(50).optional();

const describedInput = {
  hypothesis: z.string().nullable().optional(),
  description: z.string().nullable().optional(),
  owner: z.string().nullable().optional(),
  tags,
};

const shareInput = z.union([
  z.number(),
  z.array(z.number()).max(20),
  z.enum(["ramp", "adaptive"]),
  objectOf<ShareRule>("a rule in full"),
]) as z.ZodType<ShareRuleInput>;

const options = {
  ...describedInput,
  share: shareInput.optional(),
  policy: (
    z.union([
      z.enum(["calibrated", "strict", "threshold"]),
      objectOf<PolicyInput>("the fields that differ from the default"),
    ]) as z.ZodType<PolicyInput | "calibrated" | "strict" | "threshold">
  ).optional(),
  horizon: z.number().optional().meta({ description: "planned units, all arms together; default 2000" }),
  detect: z.number().optional().meta({ description: "uplift to be found; share and horizon follow from it" }),
  within: z.string().optional().meta({ description: "by when, such as 14d; with detect" }),
  fdr: z.number().nullable().optional(),
  promotion: experiment.shape.promotion.optional(),
  again: z.string().max(10_000).optional(),
  label: z.union([z.string(), z.array(z.string().nullable()).max(20)]).optional(),
  audience: experiment.shape.audience.optional(),
  exclusionGroup: z.string().nullable().optional(),
  assign: objectOf<AssignInput>(
    "gives sessions their arms by a rule: { by: attribute, field, map }, { by: group, map }, { by: fixed, arm } or { by: round-robin }; nothing of it is evidence",
  )
    .nullable()
    .optional(),
  watch: z.union([z.boolean(), z.strictObject({ share: z.number(), horizon: z.number() })]).optional(),
  queue: z.boolean().optional().meta({ description: "waits its turn where it cannot start at once" }),
  allowSecrets: z.array(z.string()).max(100).optional(),
  hashVersion: z.union([z.literal(1), z.literal(2)]).optional(),
  actor: text.optional(),
};

const challengers = z.union([config, z.array(config).min(1).max(20)]) as z.ZodType<JsonObject | JsonObject[]>;

/** A challenge: one challenger or several, and how they are to contend. */
export const challenge = z.strictObject({ challengers, ...options });

/** A draft: a challenge that starts later. */
export const draft = challenge.extend({
  startsAtMs: timeMs.nullable().optional().meta({ description: "when it starts by itself" }),
});

const forecast = objectOf<Forecast>("what the experiment can be expected to find, and when");

/** What a challenge or draft came to. */
export const challengeResult = z.object({
  experiment: experiment.nullable(),
  started: z.boolean(),
  status: z.enum([
    "started",
    "drafted",
    "queued",
    "existing",
    "overlap",
    "over-budget",
    "is-champion",
    "pending",
    "off",
  ]),
  forecast: forecast.nullable(),
});

/** What a challenge would come to. */
export const challengePreview = z.object({
  known: z
    .object({ status: challengeResult.shape.status, experiment: z.string().nullable() })
    .nullable()
    .meta({ description: "the experiment it stands for or meets; null where it would start one" }),
  champion: config,
  design: experiment
    .pick({ policy: true, shareRule: true })
    .extend({ planShares: z.array(z.number()), forecast }),
});

/** Which experiments are listed. */
export const experimentsQuery = z.strictObject({ archived: flag });
/** Experiments, newest first. */
export const experiments = z.object({ experiments: z.array(experiment) });

/** What is to change of a draft, or of what people say of an experiment. */
export const edit = z.strictObject({
  ...byHand.shape,
  ...options,
  reason: byHand.shape.reason,
  startsAtMs: timeMs.nullable().optional(),
  add: challengers.optional().meta({ description: "challengers to be added" }),
  remove: z
    .union([text, z.number(), z.array(z.union([text, z.number()])).max(20)])
    .optional()
    .meta({ description: "challengers to be taken out: by place, label or hash" }),
});

/** Which challenger is meant; needless where there is one. */
export const ofChallenger = byHand.extend({ challenger: z.union([text, z.number().int()]).optional() });

/** What is to change in flight. */
export const revision = byHand.extend({
  horizon: z.number().optional(),
  minPerArm: z.number().optional(),
  futility: z.strictObject({ chance: z.number(), after: z.number() }).nullable().optional(),
  share: shareInput.optional(),
});

/** What to roll back to; default: the champion before. */
export const rollback = byHand.extend({ to: text.optional() });
/** The config that reigns now. */
export const reigning = z.object({ champion: config });
/** The share of units held out, from the next experiment on. */
export const holdout = byHand.extend({ share: z.number() });

/** The arm a unit is to get: `champion`, `challenger`, a place, a label or a hash; null takes it away. */
export const override = byHand.extend({ arm: z.union([text, z.number().int()]).nullable() });
/** Units that were given an arm by hand. */
export const overrides = z.object({
  overrides: z.array(
    z.object({ unit: z.string(), arm: place, actor: z.string(), reason: z.string(), atMs: timeMs }),
  ),
});

/** An entry of the audit log. */
const event = z.object({
  id: z.number().int(),
  project: z.string(),
  experiment: z.string().nullable(),
  action: z.string(),
  actor: z.string(),
  reason: z.string().nullable(),
  details: objectOf("what the action was about"),
  atMs: timeMs,
});
/** A page of a project's audit log, newest first. */
export const history = z.object({ entries: z.array(event), nextCursor });
