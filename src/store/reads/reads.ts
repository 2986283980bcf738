/**
 * Every query about projects, experiments and decisions, by Drizzle.
 */
import { and, asc, desc, eq, inArray, isNotNull, isNull, lte, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { BudgetTerms } from "../../core/decision/budget.js";
import { emptyEvidence } from "../../core/decision/evidence.js";
import type { Policy } from "../../core/decision/policy.js";
import { DethroneError } from "../../core/errors.js";
import type {
  Checkpoint,
  Occupant,
  Override,
  ProjectConfig,
  ProjectState,
  Reign,
  StoredAuditEntry,
  StoredConfig,
  StoredDecision,
  StoredExperiment,
  StoredRuling,
} from "../../engine/ports.js";
import type { OpenDatabase } from "../database.js";
import {
  arms,
  auditLog,
  checkpoints,
  configs,
  decisions,
  experiments,
  overrides,
  projectConfigs,
  projects,
  reigns,
  revisions,
} from "../schema/main.js";
import { SessionReads } from "./session-reads.js";

const championConfigs = alias(configs, "champion_configs");
const parentConfigs = alias(configs, "parent_configs");

const NO_OVERRIDES: ReadonlyMap<string, number> = new Map();

function configOf(row: typeof configs.$inferSelect): StoredConfig {
  return { id: row.id, hash: row.hash, body: row.body };
}

function budgetIn({ budgetLimit, budgetWindowMs }: typeof projects.$inferSelect): BudgetTerms | null {
  return budgetLimit === null ? null : { limit: budgetLimit, windowMs: budgetWindowMs };
}

/** What is folded of an experiment; nothing yet where no checkpoint is stored. */
function checkpointOf(
  { policy, planShares }: Pick<StoredExperiment, "policy" | "planShares">,
  stored: Checkpoint | undefined,
): Checkpoint {
  const empty = emptyEvidence({ policy, planShares });
  if (!stored) return { version: 0, foldedSeq: 0, evidence: empty };
  const { version, foldedSeq, evidence } = stored;
  // Evidence of the first schema had another shape: it is folded again from zero.
  return "arms" in evidence ? { version, foldedSeq, evidence } : { version, foldedSeq: 0, evidence: empty };
}
/** The reading half of the store. */
export class SqlReads extends SessionReads {
  readonly #database: OpenDatabase;

  constructor(database: OpenDatabase) {
    super(database);
    this.#database = database;
  }

  async projectState(key: string): Promise<ProjectState | null> {
    const [row] = await this.#database.read((db) =>
      db
        .select()
        .from(projects)
        .innerJoin(configs, eq(configs.id, projects.championConfigId))
        .where(eq(projects.key, key)),
    );
    if (!row) return null;
    const [experiment] = await this.#experiments(
      and(eq(projects.key, key), inArray(experiments.status, ["running", "paused"])),
    );
    return {
      id: row.projects.id,
      key,
      champion: configOf(row.configs),
      createdAtMs: row.projects.createdAtMs,
      holdoutBuckets: row.projects.holdoutBuckets,
      budget: budgetIn(row.projects),
      experiment: experiment ?? null,
      overrides: experiment ? await this.#overriddenArms(experiment.id) : NO_OVERRIDES,
    };
  }

  async projectKeys(): Promise<string[]> {
    const rows = await this.#database.read((db) =>
      db.select({ key: projects.key }).from(projects).orderBy(asc(projects.key)),
    );
    return rows.map((row) => row.key);
  }

  async configById(id: number): Promise<StoredConfig | null> {
    const [row] = await this.#database.read((db) => db.select().from(configs).where(eq(configs.id, id)));
    return row ? configOf(row) : null;
  }

  experiments(projectKey: string): Promise<StoredExperiment[]> {
    return this.#experiments(eq(projects.key, projectKey));
  }

  async experimentByUid(uid: string): Promise<StoredExperiment | null> {
    const [experiment] = await this.#experiments(eq(experiments.uid, uid));
    return experiment ?? null;
  }

  async experimentsByUids(uids: readonly string[]): Promise<Occupant[]> {
    return this.#withCheckpoints(await this.#experiments(inArray(experiments.uid, [...uids])));
  }

  /** Every experiment in a slot, of all projects, with what is folded of it. */
  async occupants(): Promise<Occupant[]> {
    const isIn = inArray(experiments.status, ["running", "paused"]);
    return this.#withCheckpoints(await this.#experiments(isIn));
  }

  async #withCheckpoints(found: readonly StoredExperiment[]): Promise<Occupant[]> {
    const ids = found.map(({ id }) => id);
    const rows = await this.#database.read((db) =>
      db.select().from(checkpoints).where(inArray(checkpoints.experimentId, ids)),
    );
    const byExperiment = new Map(rows.map((row) => [row.experimentId, row]));
    return found.map((experiment) => ({
      experiment,
      checkpoint: checkpointOf(experiment, byExperiment.get(experiment.id)),
    }));
  }

  async dueDrafts(nowMs: number): Promise<StoredExperiment[]> {
    const due = await this.#experiments(
      and(eq(experiments.status, "draft"), lte(experiments.startsAtMs, nowMs)),
    );
    return due.sort((left, right) => (left.startsAtMs ?? 0) - (right.startsAtMs ?? 0) || left.id - right.id);
  }

  queuedDrafts(): Promise<StoredExperiment[]> {
    const isFree = sql`NOT EXISTS (SELECT 1 FROM experiments AS other WHERE other.project_id = ${experiments.projectId}
      AND other.status IN ('running', 'paused'))`;
    const waiting = and(
      eq(experiments.status, "draft"),
      isNotNull(experiments.queuePosition),
      isNull(experiments.startsAtMs),
    );
    return this.#experiments(and(waiting, isFree));
  }

  async reigns(projectId: number): Promise<Reign[]> {
    const rows = await this.#database.read((db) =>
      db
        .select()
        .from(reigns)
        .innerJoin(configs, eq(configs.id, reigns.configId))
        .where(eq(reigns.projectId, projectId))
        .orderBy(asc(reigns.id)),
    );
    return rows.map((row) => ({
      config: configOf(row.configs),
      cause: row.reigns.cause,
      startedAtMs: row.reigns.startedAtMs,
    }));
  }

  async projectConfigs(projectId: number): Promise<ProjectConfig[]> {
    const rows = await this.#database.read((db) =>
      db
        .select()
        .from(projectConfigs)
        .innerJoin(configs, eq(configs.id, projectConfigs.configId))
        .leftJoin(parentConfigs, eq(parentConfigs.id, projectConfigs.parentConfigId))
        .where(eq(projectConfigs.projectId, projectId))
        .orderBy(asc(projectConfigs.addedAtMs), asc(projectConfigs.configId)),
    );
    return rows.map(({ project_configs: place, configs: config, parent_configs: parent }) => ({
      ...configOf(config),
      label: place.label,
      parent: parent?.hash ?? null,
      actor: place.actor,
      reason: place.reason,
      addedAtMs: place.addedAtMs,
    }));
  }

  async #overriddenArms(experimentId: number): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.read((db) =>
      db
        .select({ unit: overrides.unit, armId: overrides.armId })
        .from(overrides)
        .where(eq(overrides.experimentId, experimentId)),
    );
    return new Map(rows.map(({ unit, armId }) => [unit, armId]));
  }

  async overrides(experimentId: number): Promise<Override[]> {
    return this.#database.read((db) =>
      db
        .select({
          unit: overrides.unit,
          arm: arms.position,
          actor: overrides.actor,
          reason: overrides.reason,
          atMs: overrides.atMs,
        })
        .from(overrides)
        .innerJoin(arms, eq(arms.id, overrides.armId))
        .where(eq(overrides.experimentId, experimentId))
        .orderBy(asc(overrides.unit)),
    );
  }

  async policies(experimentIds: readonly number[]): Promise<Map<number, Policy>> {
    if (experimentIds.length === 0) return new Map();
    const rows = await this.#database.read((db) =>
      db
        .select({ id: experiments.id, policy: experiments.policy })
        .from(experiments)
        .where(inArray(experiments.id, [...experimentIds])),
    );
    return new Map(rows.map((row) => [row.id, row.policy]));
  }

  async checkpoint(experimentId: number): Promise<Checkpoint> {
    const [row] = await this.#database.read((db) =>
      db
        .select({ checkpoint: checkpoints, planShares: experiments.planShares, policy: experiments.policy })
        .from(experiments)
        .leftJoin(checkpoints, eq(checkpoints.experimentId, experiments.id))
        .where(eq(experiments.id, experimentId)),
    );
    if (!row)
      throw new DethroneError("invariant_violated", `No experiment has the internal id ${experimentId}.`);
    return checkpointOf(row, row.checkpoint ?? undefined);
  }

  async decisions(filter: { uid?: string; experimentId?: number }): Promise<StoredDecision[]> {
    const rows = await this.#database.read((db) =>
      db
        .select()
        .from(decisions)
        .innerJoin(experiments, eq(experiments.id, decisions.experimentId))
        .innerJoin(projects, eq(projects.id, experiments.projectId))
        .where(
          and(
            filter.uid === undefined ? undefined : eq(decisions.uid, filter.uid),
            filter.experimentId === undefined ? undefined : eq(decisions.experimentId, filter.experimentId),
          ),
        )
        .orderBy(asc(decisions.id)),
    );
    return rows.map((row) => ({
      ...row.decisions,
      reason: row.decisions.reason as StoredDecision["reason"],
      experimentUid: row.experiments.uid,
      projectKey: row.projects.key,
    }));
  }

  async rulings(projectKey: string): Promise<StoredRuling[]> {
    const rows = await this.#database.read((db) =>
      db
        .select({
          policy: experiments.policy,
          startedAtMs: experiments.startedAtMs,
          verdict: decisions.verdict,
          reason: decisions.reason,
          assign: experiments.assign,
        })
        .from(experiments)
        .innerJoin(projects, eq(projects.id, experiments.projectId))
        .leftJoin(decisions, and(eq(decisions.experimentId, experiments.id), eq(decisions.isTerminal, true)))
        .where(
          and(
            eq(projects.key, projectKey),
            eq(experiments.kind, "contest"),
            // A draft tests nothing yet.
            isNotNull(experiments.startedAtMs),
          ),
        )
        .orderBy(asc(experiments.startedAtMs), asc(experiments.id)),
    );
    return rows.map((row) => ({
      ...row,
      startedAtMs: row.startedAtMs as number,
      reason: row.reason as StoredRuling["reason"],
    }));
  }

  async auditLog(projectId: number, limit: number): Promise<StoredAuditEntry[]> {
    const rows = await this.#database.read((db) =>
      db
        .select()
        .from(auditLog)
        .leftJoin(experiments, eq(experiments.id, auditLog.experimentId))
        .where(eq(auditLog.projectId, projectId))
        .orderBy(desc(auditLog.id))
        .limit(limit),
    );
    return rows.map(({ audit_log: entry, experiments: experiment }) => ({
      id: entry.id,
      action: entry.action,
      actor: entry.actor,
      reason: entry.reason,
      details: entry.details,
      atMs: entry.atMs,
      experimentUid: experiment?.uid ?? null,
    }));
  }

  async #experiments(where: SQL | undefined): Promise<StoredExperiment[]> {
    const rows = await this.#database.read((db) =>
      db
        .select()
        .from(experiments)
        .innerJoin(projects, eq(projects.id, experiments.projectId))
        .innerJoin(championConfigs, eq(championConfigs.id, experiments.championConfigId))
        .where(where)
        .orderBy(desc(experiments.id)),
    );
    if (rows.length === 0) return [];
    const armRows = await this.#database.read((db) =>
      db
        .select({ arms, configs, label: projectConfigs.label })
        .from(arms)
        .innerJoin(configs, eq(configs.id, arms.configId))
        .innerJoin(experiments, eq(experiments.id, arms.experimentId))
        .leftJoin(
          projectConfigs,
          and(
            eq(projectConfigs.projectId, experiments.projectId),
            eq(projectConfigs.configId, arms.configId),
          ),
        )
        .where(
          inArray(
            arms.experimentId,
            rows.map((row) => row.experiments.id),
          ),
        )
        .orderBy(asc(arms.position)),
    );
    const changes = await this.#database.read((db) =>
      db
        .select()
        .from(revisions)
        .where(
          inArray(
            revisions.experimentId,
            rows.map((row) => row.experiments.id),
          ),
        )
        .orderBy(asc(revisions.id)),
    );
    return rows.map((row) => ({
      ...row.experiments,
      shareRule: row.experiments.shareRule ?? {
        kind: "fixed" as const,
        share: row.experiments.planShares[0] ?? 0,
      },
      revisions: changes.filter((revision) => revision.experimentId === row.experiments.id),
      hashVersion: row.experiments.hashVersion as 1 | 2,
      projectKey: row.projects.key,
      champion: configOf(row.champion_configs),
      arms: armRows
        .filter((arm) => arm.arms.experimentId === row.experiments.id)
        .map((arm) => ({
          id: arm.arms.id,
          role: arm.arms.role,
          bucketCount: arm.arms.bucketCount,
          out: arm.arms.out,
          config: configOf(arm.configs),
          label: arm.label,
        })),
    }));
  }
}
