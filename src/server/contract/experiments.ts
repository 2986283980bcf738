/**
 * Projects, configs, experiments and decisions.
 */
import { z } from "zod";
import type { Breakdown } from "../../core/decision/breakdown.js";
import type { Ledger } from "../../core/decision/ledger.js";
import type { MetricEvaluation } from "../../core/decision/metric-evaluation.js";
import type { Policy, PolicyInput } from "../../core/decision/policy.js";
import type { ShareRule, ShareRuleInput } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { Audience, Revision, StoredDecision } from "../../engine/ports.js";
import {
  byHand,
  config,
  flag,
  hash,
  nextCursor,
  objectOf,
  out,
  page,
  place,
  role,
  text,
  timeMs,
} from "./schemas.js";

const verdict = z.enum(["promote", "hold", "abort", "continue"]);
const reason = z.string();
const interval = z.tuple([z.number(), z.number()]);
const status = z.enum(["draft", "running", "paused", "promoted", "held", "aborted"]);
const share = z.number();
const policy = objectOf<Policy>("thresholds and limits, complete");
const shareRule = objectOf<ShareRule>("how the shares move");
const audience = objectOf<Audience>("who takes part; null: everyone").nullable();
const watch = z.object({ share: z.number(), horizon: z.number() }).nullable();
const promotion = z.enum(["auto", "approve"]);
const ledger = objectOf<Ledger>("all experiments of the project together");

const change = z.object({
  path: z.string().meta({ description: "JSON pointer" }),
  kind: z.enum(["added", "removed", "changed"]),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

const described = {
  hypothesis: z.string().nullable(),
  description: z.string().nullable(),
  owner: z.string().nullable(),
  tags: z.array(z.string()),
};

/** An experiment. */
export const experiment = z.object({
  id: z.string(),
  kind: z.enum(["contest", "watch"]),
  status,
  ...described,
  champion: config,
  challenger: config,
  challengers: z.array(z.object({ place, hash, config, share, planShare: z.number(), out })),
  share,
  shareRule,
  policy,
  promotion,
  isAwaitingApproval: z.boolean(),
  audience,
  exclusionGroup: z.string().nullable(),
  holdout: share,
  watch,
  createdAtMs: timeMs,
  startsAtMs: timeMs.nullable(),
  startedAtMs: timeMs.nullable(),
  endedAtMs: timeMs.nullable(),
  archivedAtMs: timeMs.nullable(),
});

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

const comparison = z.object({
  arm: place,
  out: z.string().nullable(),
  probabilityBetter: z.number(),
  probabilityBetterBy: z.number(),
  expectedLossChallenger: z.number(),
  expectedLossChampion: z.number(),
  upliftMean: z.number(),
  upliftUnbiased: z.number().nullable(),
  upliftInterval: interval.meta({ description: "95 % confidence sequence: true at all times at once" }),
  logEPromote: z.number(),
  logSupPromote: z.number(),
  logEHarm: z.number(),
  logSupHarm: z.number(),
  logLinePromote: z.number(),
  logLineHarm: z.number(),
  chanceOfPromotion: z.number(),
  missingLogE: z.number(),
  phi: z.number(),
  metrics: objectOf<Record<string, MetricEvaluation>>("numbers beside the score, by name"),
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

/** Every number of an experiment at one instant; the comparison is the leading challenger's. Logs are natural. */
export const evaluation = comparison.extend({
  sessionCount: z.number(),
  arms: z.array(armEvaluation),
  srmLogE: z.number(),
  others: z.array(comparison),
});

const standing = evaluation
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
    alarms: z.array(z.enum(["srm", "missing", "guardrail", "awaiting-approval"])),
  });

const champion = z.object({ hash, label: z.string().nullable(), config });

/** A project at one look. */
export const projectSummary = z.object({
  key: z.string(),
  champion,
  createdAtMs: timeMs,
  holdout: share,
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
      role: z.enum(["champion", "contending", "former champion", "challenger"]),
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
  objectOf<Exclude<ShareRule, number>>("a rule in full"),
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
  promotion: promotion.optional(),
  again: z.string().max(10_000).optional(),
  label: z.union([z.string(), z.array(z.string().nullable()).max(20)]).optional(),
  audience: audience.optional(),
  exclusionGroup: z.string().nullable().optional(),
  watch: z.union([z.boolean(), z.strictObject({ share: z.number(), horizon: z.number() })]).optional(),
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

const forecast = objectOf("what the experiment can be expected to find, and when");

/** What a challenge or draft came to. */
export const challengeResult = z.object({
  experiment: experiment.nullable(),
  started: z.boolean(),
  status: z.enum(["started", "drafted", "existing", "overlap", "is-champion", "pending", "off"]),
  forecast: forecast.nullable(),
});

/** What a challenge would come to. */
export const challengePreview = z.object({
  known: z
    .object({ status: challengeResult.shape.status, experiment: z.string().nullable() })
    .nullable()
    .meta({ description: "the experiment it stands for or meets; null where it would start one" }),
  champion: config,
  design: z.object({ policy, shareRule, planShares: z.array(z.number()), forecast }),
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
const namedChallenger = named.extend({ place, share, planShare: z.number(), out });

/** One experiment in full. */
export const report = z.object({
  project: z.string(),
  experiment: z.string(),
  kind: experiment.shape.kind,
  status,
  ...described,
  isAwaitingApproval: z.boolean(),
  champion: named,
  challenger: namedChallenger,
  challengers: z.array(namedChallenger),
  changes: z.array(change),
  share,
  shareRule,
  audience,
  exclusionGroup: z.string().nullable(),
  holdout: share,
  watch,
  overrideCount: z.number(),
  policy,
  revisions: z.array(objectOf<Revision>("a change in flight")),
  promotion,
  startsAtMs: timeMs.nullable(),
  startedAtMs: timeMs.nullable(),
  endedAtMs: timeMs.nullable(),
  archivedAtMs: timeMs.nullable(),
  evaluation,
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
  ledger,
});

/** An entry of the audit log. */
export const event = z.object({
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
