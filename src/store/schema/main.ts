/**
 * The tables. Integer keys inside, text ids at the edge, times in integer milliseconds UTC (`...AtMs`).
 *
 * What must never be wrong is held by the database itself: one occupied slot per project (partial unique index), one
 * champion per project (a NOT NULL column), one terminal decision per experiment (partial unique index), one session
 * per id, one signal per session and key, one claim per unit and experiment.
 */
import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { OutReason } from "../../core/decision/decide.js";
import type { Evaluation } from "../../core/decision/evaluation.js";
import type { Evidence } from "../../core/decision/evidence.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import type { Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { Assign } from "../../core/sessions/assign.js";
import type { Audience, OpenDesign, RevisionFields, Watch } from "../../engine/ports.js";

/** Configs are identified by their content, so one row serves every project that uses it. */
export const configs = sqliteTable("configs", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  /** SHA-256 of the canonical JSON, in hexadecimal */
  hash: text("hash").notNull().unique(),
  body: text("body", { mode: "json" }).$type<JsonObject>().notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** One row an agent whose config is being improved. */
export const projects = sqliteTable("projects", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  key: text("key").notNull().unique(),
  championConfigId: integer("champion_config_id")
    .notNull()
    .references(() => configs.id),
  /** buckets of the units that always get the champion, from the next experiment on */
  holdoutBuckets: integer("holdout_buckets").notNull().default(0),
  /** false promotions that may be expected at most, of experiments started within the window; null: no limit */
  budgetLimit: real("budget_limit"),
  /** null: of all there are */
  budgetWindowMs: integer("budget_window_ms"),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** The configs of each project, and which came from which. */
export const projectConfigs = sqliteTable(
  "project_configs",
  {
    projectId: integer("project_id")
      .notNull()
      .references(() => projects.id),
    configId: integer("config_id")
      .notNull()
      .references(() => configs.id),
    /** the champion it was made to improve on; null for the first */
    parentConfigId: integer("parent_config_id").references(() => configs.id),
    label: text("label"),
    actor: text("actor").notNull(),
    reason: text("reason"),
    addedAtMs: integer("added_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.projectId, table.configId] }),
    uniqueIndex("project_configs_label").on(table.projectId, table.label),
  ],
);

/** Who was champion when: one row a change, the newest is the present one. */
export const reigns = sqliteTable(
  "reigns",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    projectId: integer("project_id")
      .notNull()
      .references(() => projects.id),
    configId: integer("config_id")
      .notNull()
      .references(() => configs.id),
    cause: text("cause", { enum: ["created", "promoted", "rollback"] }).notNull(),
    startedAtMs: integer("started_at_ms").notNull(),
  },
  (table) => [index("reigns_project").on(table.projectId)],
);

/** One row a contest. */
export const experiments = sqliteTable(
  "experiments",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** the id at the edge, and the salt of the assignment hash */
    uid: text("uid").notNull().unique(),
    projectId: integer("project_id")
      .notNull()
      .references(() => projects.id),
    status: text("status", { enum: ["draft", "running", "paused", "promoted", "held", "aborted"] }).notNull(),
    /** raised by every change; compare-and-set guards on it */
    version: integer("version").notNull(),
    championConfigId: integer("champion_config_id")
      .notNull()
      .references(() => configs.id),
    /** the first challenger's; `arms` has them all */
    challengerConfigId: integer("challenger_config_id")
      .notNull()
      .references(() => configs.id),
    /** a contest, or the watch over a promotion */
    kind: text("kind", { enum: ["contest", "watch"] })
      .notNull()
      .default("contest"),
    hypothesis: text("hypothesis"),
    description: text("description"),
    owner: text("owner"),
    tags: text("tags", { mode: "json" }).$type<readonly string[]>().notNull().default([]),
    /** why the same pair contends again; empty the first time */
    again: text("again").notNull(),
    hashVersion: integer("hash_version").notNull(),
    policy: text("policy", { mode: "json" }).$type<Policy>().notNull(),
    /** SHA-256 of the canonical part of the policy that is frozen at start */
    policyHash: text("policy_hash").notNull(),
    /** how the challenger's share moves; null: fixed, at the planned share */
    shareRule: text("share_rule", { mode: "json" }).$type<ShareRule>(),
    /** one share a challenger, in the order of their arms */
    planShares: text("plan_shares", { mode: "json" }).$type<readonly number[]>().notNull().default([]),
    promotion: text("promotion", { enum: ["auto", "approve"] }).notNull(),
    audience: text("audience", { mode: "json" }).$type<Audience>(),
    exclusionGroup: text("exclusion_group"),
    /** what gives sessions their arms; null: chance */
    assign: text("assign", { mode: "json" }).$type<Assign>(),
    holdoutBuckets: integer("holdout_buckets").notNull().default(0),
    watch: text("watch", { mode: "json" }).$type<Watch>(),
    /** of a draft: what is settled at its start */
    openDesign: text("open_design", { mode: "json" }).$type<OpenDesign>(),
    startsAtMs: integer("starts_at_ms"),
    /** of a draft in the queue: those of lower positions start first, the older one of two */
    queuePosition: integer("queue_position"),
    /** set while a promotion waits for a person: assignment sequence of the deciding session, and the arm */
    awaitingSeq: integer("awaiting_seq"),
    awaitingArm: integer("awaiting_arm"),
    createdAtMs: integer("created_at_ms").notNull(),
    startedAtMs: integer("started_at_ms"),
    endedAtMs: integer("ended_at_ms"),
    archivedAtMs: integer("archived_at_ms"),
  },
  (table) => [
    uniqueIndex("experiments_one_slot").on(table.projectId).where(sql`status IN ('running', 'paused')`),
    index("experiments_pair").on(table.projectId, table.championConfigId, table.challengerConfigId),
    index("experiments_scheduled").on(table.startsAtMs).where(sql`status = 'draft'`),
    index("experiments_queued")
      .on(table.projectId, table.queuePosition)
      .where(sql`status = 'draft' AND queue_position IS NOT NULL`),
    index("experiments_group").on(table.exclusionGroup).where(sql`exclusion_group IS NOT NULL`),
  ],
);

/** Changes in flight: each holds for sessions from its assignment sequence on. */
export const revisions = sqliteTable(
  "revisions",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => experiments.id),
    /** the first assignment sequence it holds for */
    fromSeq: integer("from_seq").notNull(),
    fields: text("fields", { mode: "json" }).$type<RevisionFields>().notNull(),
    atMs: integer("at_ms").notNull(),
  },
  (table) => [index("revisions_experiment").on(table.experimentId)],
);

/** The places in a contest, with their shares. */
export const arms = sqliteTable(
  "arms",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => experiments.id),
    position: integer("position").notNull(),
    role: text("role", { enum: ["champion", "challenger"] }).notNull(),
    configId: integer("config_id")
      .notNull()
      .references(() => configs.id),
    bucketCount: integer("bucket_count").notNull(),
    /** why the challenger is out of the contest; null while it contends */
    out: text("out").$type<OutReason>(),
  },
  (table) => [
    uniqueIndex("arms_experiment_position").on(table.experimentId, table.position),
    uniqueIndex("arms_one_champion").on(table.experimentId).where(sql`role = 'champion'`),
    check("arms_bucket_count", sql`bucket_count BETWEEN 0 AND 10000`),
  ],
);

/** The arm of each unit, and the one session of the unit that folds. */
export const units = sqliteTable(
  "units",
  {
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => experiments.id),
    unit: text("unit").notNull(),
    armId: integer("arm_id")
      .notNull()
      .references(() => arms.id),
    /** id of the session that claimed the unit */
    sessionId: text("session_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.experimentId, table.unit] })],
);

/** Units that were given an arm by hand. */
export const overrides = sqliteTable(
  "overrides",
  {
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => experiments.id),
    unit: text("unit").notNull(),
    armId: integer("arm_id")
      .notNull()
      .references(() => arms.id),
    actor: text("actor").notNull(),
    reason: text("reason").notNull(),
    atMs: integer("at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.experimentId, table.unit] })],
);

/** One row a run of the agent; `seq` is the order of assignment. */
export const sessions = sqliteTable(
  "sessions",
  {
    /** assignment order */
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull().unique(),
    projectId: integer("project_id")
      .notNull()
      .references(() => projects.id),
    configId: integer("config_id")
      .notNull()
      .references(() => configs.id),
    experimentId: integer("experiment_id").references(() => experiments.id),
    armId: integer("arm_id").references(() => arms.id),
    unit: text("unit"),
    /** the session it is a part of, in this project or another; no reference, for that one may be stored later */
    rootId: text("root_id"),
    /** the challengers' shares at assignment, in the order of their arms */
    shares: text("shares", { mode: "json" }).$type<readonly number[]>(),
    /** whether the session may become evidence: randomised, confirmed, and the first of its unit */
    isEvidence: integer("is_evidence", { mode: "boolean" }).notNull(),
    /** why it may not; see `Exclusion` */
    excluded: text("excluded"),
    /** attributes of the session given by the host, for breakdowns */
    context: text("context", { mode: "json" }).$type<JsonObject>(),
    startedAtMs: integer("started_at_ms").notNull(),
    windowEndsAtMs: integer("window_ends_at_ms").notNull(),
    endedAtMs: integer("ended_at_ms"),
    settledAtMs: integer("settled_at_ms"),
    /** in [0, 1]; null before settling, and after it when missing and left out */
    score: real("score"),
    isMissing: integer("is_missing", { mode: "boolean" }),
    isAbandoned: integer("is_abandoned", { mode: "boolean" }),
    /** signals the score was settled from; null where `end` gave it */
    signalCount: integer("signal_count"),
  },
  (table) => [
    index("sessions_experiment").on(table.experimentId, table.seq),
    index("sessions_project").on(table.projectId, table.seq),
    index("sessions_unit").on(table.unit).where(sql`unit IS NOT NULL`),
    index("sessions_root").on(table.rootId).where(sql`root_id IS NOT NULL`),
    index("sessions_due").on(table.windowEndsAtMs).where(sql`settled_at_ms IS NULL`),
    index("sessions_unsettled")
      .on(table.experimentId, table.seq)
      .where(sql`settled_at_ms IS NULL AND is_evidence = 1`),
    check("sessions_score", sql`score IS NULL OR score BETWEEN 0 AND 1`),
  ],
);

/** One row an observation about a session. */
export const signals = sqliteTable(
  "signals",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    sessionSeq: integer("session_seq")
      .notNull()
      .references(() => sessions.seq),
    key: text("key").notNull(),
    name: text("name").notNull(),
    value: real("value").notNull(),
    kind: text("kind", { enum: ["explicit", "implicit"] }),
    source: text("source"),
    acceptedAtMs: integer("accepted_at_ms").notNull(),
    /** arrived after its session settled or its window closed: kept, shown, never counted */
    isLate: integer("is_late", { mode: "boolean" }).notNull(),
  },
  (table) => [
    uniqueIndex("signals_session_key").on(table.sessionSeq, table.key),
    index("signals_late").on(table.sessionSeq).where(sql`is_late = 1`),
  ],
);

/** The folded state of each experiment. */
export const checkpoints = sqliteTable("checkpoints", {
  experimentId: integer("experiment_id")
    .primaryKey()
    .references(() => experiments.id),
  version: integer("version").notNull(),
  /** assignment sequence up to which everything is folded */
  foldedSeq: integer("folded_seq").notNull(),
  evidence: text("evidence", { mode: "json" }).$type<Evidence>().notNull(),
  updatedAtMs: integer("updated_at_ms").notNull(),
});

/** Decisions, each with all it was made from. */
export const decisions = sqliteTable(
  "decisions",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    uid: text("uid").notNull().unique(),
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => experiments.id),
    isTerminal: integer("is_terminal", { mode: "boolean" }).notNull(),
    verdict: text("verdict", { enum: ["promote", "hold", "abort", "continue"] }).notNull(),
    reason: text("reason").notNull(),
    /** units folded, and the assignment sequence folded up to */
    sessionCount: integer("session_count").notNull(),
    foldedSeq: integer("folded_seq").notNull(),
    /** everything `decide()` was given besides the policy of the experiment */
    isExpired: integer("is_expired", { mode: "boolean" }).notNull(),
    policy: text("policy", { mode: "json" }).$type<Policy>().notNull(),
    planShares: text("plan_shares", { mode: "json" }).$type<readonly number[]>().notNull().default([]),
    promotion: text("promotion", { enum: ["auto", "approve"] }).notNull(),
    /** who was out, in the order of the challengers' arms */
    out: text("out", { mode: "json" }).$type<readonly (OutReason | null)[]>(),
    /** the arm that was promoted, or waits for it */
    arm: integer("arm"),
    live: text("live", { mode: "json" }).$type<readonly LiveCount[]>(),
    evidence: text("evidence", { mode: "json" }).$type<Evidence>().notNull(),
    evaluation: text("evaluation", { mode: "json" }).$type<Evaluation>().notNull(),
    engineVersion: text("engine_version").notNull(),
    actor: text("actor").notNull(),
    note: text("note"),
    decidedAtMs: integer("decided_at_ms").notNull(),
  },
  (table) => [
    uniqueIndex("decisions_one_terminal").on(table.experimentId).where(sql`is_terminal = 1`),
    index("decisions_experiment").on(table.experimentId),
  ],
);

/** Who is at a piece of work that is better not done twice at once. */
export const leases = sqliteTable("leases", {
  name: text("name").primaryKey(),
  /** a process's own id */
  holder: text("holder").notNull(),
  expiresAtMs: integer("expires_at_ms").notNull(),
});

/** Who did what, when and why. */
export const auditLog = sqliteTable(
  "audit_log",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    projectId: integer("project_id")
      .notNull()
      .references(() => projects.id),
    experimentId: integer("experiment_id").references(() => experiments.id),
    action: text("action").notNull(),
    actor: text("actor").notNull(),
    reason: text("reason"),
    details: text("details", { mode: "json" }).$type<JsonObject>().notNull(),
    atMs: integer("at_ms").notNull(),
  },
  (table) => [index("audit_log_project").on(table.projectId)],
);
