/**
 * Every change of the product's state as the statements of one transaction. Statements that carry `changes` are the
 * compare-and-set guards: if another process moved the state, the whole transaction is undone.
 */
import { and, eq, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/libsql";
import { BUCKET_COUNT } from "../core/sessions/assignment.js";
import type {
  AuditEntry,
  DecisionRecord,
  ExperimentChange,
  NewConfig,
  NewExperiment,
  SettledSession,
  Store,
  StoredExperiment,
} from "../engine/ports.js";
import {
  arms,
  auditLog,
  checkpoints,
  configs,
  decisions,
  experiments,
  projects,
  reigns,
  revisions,
  sessions,
} from "./schema.js";
import type { Value, WriteStatement } from "./write-protocol.js";

// Builds statements and never runs one: running is the writer's.
const builder = drizzle.mock();

interface Built {
  toSQL(): { sql: string; params: unknown[] };
}

function statement(built: Built, changes?: number): WriteStatement {
  const { sql: text, params } = built.toSQL();
  return { sql: text, params: params as Value[], ...(changes === undefined ? {} : { changes }) };
}

const configIdOf = (hash: string) => sql`(SELECT id FROM configs WHERE hash = ${hash})`;
const projectIdOf = (key: string) => sql`(SELECT id FROM projects WHERE key = ${key})`;
const experimentIdOf = (uid: string) => sql`(SELECT id FROM experiments WHERE uid = ${uid})`;

function addConfig(config: NewConfig, atMs: number): WriteStatement {
  return statement(
    builder
      .insert(configs)
      .values({ ...config, createdAtMs: atMs })
      .onConflictDoNothing({ target: configs.hash }),
  );
}

function addAudit(entry: AuditEntry, where: { projectId: unknown; experimentId: unknown }): WriteStatement {
  return statement(
    builder.insert(auditLog).values({
      ...entry,
      projectId: where.projectId as number,
      experimentId: where.experimentId as number | null,
    }),
  );
}

/** Config, project, first reign and audit entry. The unique key refuses a second project of the name. */
export function createProject(input: Parameters<Store["createProject"]>[0]): WriteStatement[] {
  const { key, champion, audit, atMs } = input;
  return [
    addConfig(champion, atMs),
    statement(
      builder
        .insert(projects)
        .values({ key, championConfigId: configIdOf(champion.hash) as never, createdAtMs: atMs }),
    ),
    statement(
      builder.insert(reigns).values({
        projectId: projectIdOf(key) as never,
        configId: configIdOf(champion.hash) as never,
        cause: "created",
        startedAtMs: atMs,
      }),
    ),
    addAudit(audit, { projectId: projectIdOf(key), experimentId: null }),
  ];
}

/** Experiment, its two arms and audit entry, provided that the champion is still the one it was planned against. */
export function startExperiment(input: NewExperiment): WriteStatement[] {
  const { uid, projectId, championConfigId, challenger, bucketCount, audit, atMs, ...rest } = input;
  const isStillChampion = and(eq(projects.id, projectId), eq(projects.championConfigId, championConfigId));
  const armOf = (position: number, role: "champion" | "challenger", configId: unknown, buckets: number) =>
    statement(
      builder.insert(arms).values({
        experimentId: experimentIdOf(uid) as never,
        position,
        role,
        configId: configId as number,
        bucketCount: buckets,
      }),
    );
  return [
    statement(builder.update(projects).set({ championConfigId }).where(isStillChampion), 1),
    addConfig(challenger, atMs),
    statement(
      builder.insert(experiments).values({
        ...rest,
        uid,
        projectId,
        status: "running",
        version: 1,
        championConfigId,
        challengerConfigId: configIdOf(challenger.hash) as never,
        createdAtMs: atMs,
        startedAtMs: atMs,
      }),
    ),
    armOf(0, "champion", championConfigId, BUCKET_COUNT - bucketCount),
    armOf(1, "challenger", configIdOf(challenger.hash), bucketCount),
    addAudit(audit, { projectId, experimentId: experimentIdOf(uid) }),
  ];
}

function addDecision(experimentId: number, decision: DecisionRecord): WriteStatement {
  return statement(builder.insert(decisions).values({ ...decision, experimentId }));
}

function moveCheckpoint(change: ExperimentChange): WriteStatement[] {
  const { checkpoint, experiment, atMs } = change;
  if (checkpoint === null) return [];
  const { previousVersion, next } = checkpoint;
  const row = { experimentId: experiment.id, ...next, updatedAtMs: atMs };
  // The first checkpoint is inserted: the primary key refuses a second first one.
  if (previousVersion === 0) return [statement(builder.insert(checkpoints).values(row))];
  const isPrevious = and(
    eq(checkpoints.experimentId, experiment.id),
    eq(checkpoints.version, previousVersion),
  );
  return [statement(builder.update(checkpoints).set(row).where(isPrevious), 1)];
}

function moveChampion(input: {
  projectId: number;
  fromConfigId: number;
  toConfigId: number;
  cause: "promoted" | "rollback";
  atMs: number;
}): WriteStatement[] {
  const { projectId, fromConfigId, toConfigId, cause, atMs } = input;
  const isFrom = and(eq(projects.id, projectId), eq(projects.championConfigId, fromConfigId));
  return [
    statement(builder.update(projects).set({ championConfigId: toConfigId }).where(isFrom), 1),
    statement(builder.insert(reigns).values({ projectId, configId: toConfigId, cause, startedAtMs: atMs })),
  ];
}

/** The challenger's buckets, and the champion the rest. */
function moveShare(experiment: StoredExperiment, bucketCount: number): WriteStatement[] {
  return experiment.arms.map(({ id, role }) =>
    statement(
      builder
        .update(arms)
        .set({ bucketCount: role === "champion" ? BUCKET_COUNT - bucketCount : bucketCount })
        .where(eq(arms.id, id)),
    ),
  );
}

/** A revision from the session after the last one there is: what has been assigned stays under the terms it had. */
function addRevision({ experiment, revision, atMs }: ExperimentChange): WriteStatement[] {
  if (revision === null) return [];
  const fromSeq = sql`(SELECT coalesce(max(seq), 0) + 1 FROM sessions)` as never;
  return [
    statement(
      builder.insert(revisions).values({ experimentId: experiment.id, fromSeq, fields: revision, atMs }),
    ),
  ];
}

/** Status, checkpoint, decision, champion and audit entry of one experiment, all or nothing. */
export function changeExperiment(change: ExperimentChange): WriteStatement[] {
  const { experiment, status, awaitingSeq, decision, champion, audit, atMs, bucketCount } = change;
  const isEnded = status === "promoted" || status === "held" || status === "aborted";
  const isSame = and(
    eq(experiments.id, experiment.id),
    eq(experiments.version, experiment.version),
    eq(experiments.status, experiment.status),
  );
  return [
    statement(
      builder
        .update(experiments)
        .set({
          status,
          awaitingSeq,
          version: experiment.version + 1,
          ...(isEnded ? { endedAtMs: atMs } : {}),
        })
        .where(isSame),
      1,
    ),
    ...moveCheckpoint(change),
    ...(bucketCount === null ? [] : moveShare(experiment, bucketCount)),
    ...addRevision(change),
    ...(decision ? [addDecision(experiment.id, decision)] : []),
    ...(champion
      ? moveChampion({
          projectId: experiment.projectId,
          fromConfigId: experiment.champion.id,
          toConfigId: champion.configId,
          cause: champion.cause,
          atMs,
        })
      : []),
    ...(audit ? [addAudit(audit, { projectId: experiment.projectId, experimentId: experiment.id })] : []),
  ];
}

/** A new champion where no experiment is in the slot. */
export function changeChampion(input: Parameters<Store["changeChampion"]>[0]): WriteStatement[] {
  const { project, configId, cause, audit, atMs } = input;
  const isSlotFree = sql`NOT EXISTS (SELECT 1 FROM experiments WHERE project_id = ${project.id} AND status IN ('running', 'paused'))`;
  return [
    statement(
      builder
        .update(projects)
        .set({ key: project.key })
        .where(and(eq(projects.id, project.id), isSlotFree)),
      1,
    ),
    ...moveChampion({
      projectId: project.id,
      fromConfigId: project.champion.id,
      toConfigId: configId,
      cause,
      atMs,
    }),
    addAudit(audit, { projectId: project.id, experimentId: null }),
  ];
}

/** Each session settles only as it was read: unsettled, with the same end and the same counted signals. */
export function settleSessions(settled: readonly SettledSession[]): WriteStatement[] {
  return settled.map(({ seq, settledAtMs, settlement, signalCount, hasEnded }) => {
    const { score, isMissing, isAbandoned } = settlement;
    return statement(
      builder
        .update(sessions)
        .set({ settledAtMs, score, isMissing, isAbandoned, signalCount })
        .where(
          and(
            eq(sessions.seq, seq),
            isNull(sessions.settledAtMs),
            hasEnded ? sql`ended_at_ms IS NOT NULL` : sql`ended_at_ms IS NULL`,
            sql`(SELECT count(*) FROM signals WHERE session_seq = ${seq} AND is_late = 0) = ${signalCount}`,
          ),
        ),
    );
  });
}

/** Takes a queued session out of the evidence, unless it has settled: what may be folded never changes. */
export function excludeSession(input: Parameters<Store["excludeSession"]>[0]): WriteStatement[] {
  const isUnsettled = and(eq(sessions.id, input.sessionId), isNull(sessions.settledAtMs));
  return [
    statement(
      builder
        .update(sessions)
        .set({ isEvidence: false, excluded: "unconfirmed", ...input.served })
        .where(isUnsettled),
    ),
  ];
}
