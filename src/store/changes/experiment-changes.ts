/**
 * Every change of an experiment as the statements of one transaction. Statements that carry `changes` are the
 * compare-and-set guards: if another process moved the state, the whole transaction is undone.
 */
import { and, eq, isNull, sql } from "drizzle-orm";
import { hasEnded } from "../../core/decision/life-cycle.js";
import { BUCKET_COUNT } from "../../core/sessions/assignment.js";
import type {
  DecisionRecord,
  ExperimentChange,
  NewExperiment,
  Store,
  StoredExperiment,
} from "../../engine/ports.js";
import { arms, checkpoints, decisions, experiments, overrides, projects, revisions } from "../schema/main.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import { logEvaluation } from "./evaluation-changes.js";
import {
  addAudit,
  addConfig,
  addProjectConfig,
  builder,
  configIdOf,
  experimentIdOf,
  given,
  moveChampion,
  statement,
  template,
} from "./statements.js";

/** Configs of the challengers, and their place in the lineage. */
function addChallengerConfigs(input: NewExperiment): WriteStatement[] {
  const { projectId, champion, challengers, audit, atMs } = input;
  return challengers.flatMap(({ config, label }) => [
    addConfig(config, atMs),
    addProjectConfig({ projectId, hash: config.hash, parentConfigId: champion.id, label, audit }),
  ]);
}

function addArms({ uid, champion, challengers }: NewExperiment): WriteStatement[] {
  const armOf = (position: number, configId: unknown, bucketCount: number) =>
    statement(
      builder.insert(arms).values({
        experimentId: experimentIdOf(uid) as never,
        position,
        role: position === 0 ? "champion" : "challenger",
        configId: configId as number,
        bucketCount,
      }),
    );
  const taken = challengers.reduce((sum, { bucketCount }) => sum + bucketCount, 0);
  return [
    armOf(0, champion.id, BUCKET_COUNT - taken),
    ...challengers.map(({ config, bucketCount }, j) => armOf(j + 1, configIdOf(config.hash), bucketCount)),
  ];
}

const lastInQueue = (projectId: number) =>
  sql`(SELECT coalesce(max(queued.queue_position), 0) + 1 FROM experiments AS queued
    WHERE queued.project_id = ${projectId} AND queued.status = 'draft')` as never;

/** The columns of an experiment that is running or a draft. */
function columnsOf(input: NewExperiment) {
  const { uid: _uid, projectId: _projectId, champion, challengers, audit: _audit, atMs, ...rest } = input;
  return {
    ...rest,
    queuePosition: rest.queuePosition === "last" ? lastInQueue(input.projectId) : rest.queuePosition,
    championConfigId: champion.id,
    challengerConfigId: configIdOf(challengers[0]?.config.hash ?? "") as never,
    startedAtMs: rest.status === "running" ? atMs : null,
  };
}

/** An experiment that stands by itself: provided that nobody has added one that the same challenge stands for. */
export function addNewExperiment(input: NewExperiment, sinceId: number): WriteStatement[] {
  return [assertNew(input, sinceId), ...addExperiment(input)];
}

/** Experiment, arms and audit entry; provided that the project is still as it was planned for. */
function addExperiment(input: NewExperiment): WriteStatement[] {
  const { uid, projectId, audit, atMs } = input;
  return [
    assertPlanned(input),
    ...addChallengerConfigs(input),
    statement(
      builder
        .insert(experiments)
        .values({ ...columnsOf(input), uid, projectId, version: 1, createdAtMs: atMs }),
    ),
    ...addArms(input),
    addAudit(audit, { projectId, experimentId: experimentIdOf(uid) }),
  ];
}

/** Writes nothing new: only whether there is a row to write matters. */
const AS_IT_IS = { championConfigId: sql`champion_config_id` };

/**
 * Writes nothing new, but counts as a change only while the project is as the experiment was planned for: under this
 * champion, and with this holdout. A watch has the holdout of its contest.
 */
function assertPlanned({ projectId, champion, kind, holdoutBuckets }: NewExperiment): WriteStatement {
  const isPlanned = and(
    eq(projects.id, projectId),
    eq(projects.championConfigId, champion.id),
    kind === "watch" ? undefined : eq(projects.holdoutBuckets, holdoutBuckets),
  );
  return statement(builder.update(projects).set(AS_IT_IS).where(isPlanned), 1);
}

/** Counts as a change only while the project has no experiment after `sinceId` that the same challenge stands for. */
function assertNew(
  { projectId, champion, challengers, again }: NewExperiment,
  sinceId: number,
): WriteStatement {
  const hashes = challengers.map(({ config }) => config.hash).sort();
  const isNew = sql`NOT EXISTS (SELECT 1 FROM experiments AS other WHERE other.project_id = ${projectId}
    AND other.id > ${sinceId} AND other.kind = 'contest' AND other.champion_config_id = ${champion.id}
    AND (${again} = '' OR other.again = ${again}) AND ${hashes.join()} = (SELECT string_agg(hash, ',' ORDER BY hash)
      FROM arms JOIN configs ON configs.id = config_id WHERE experiment_id = other.id AND role = 'challenger'))`;
  const where = and(eq(projects.id, projectId), isNew);
  return statement(builder.update(projects).set(AS_IT_IS).where(where), 1);
}

const isUnchanged = ({ id, version, status }: StoredExperiment) =>
  and(eq(experiments.id, id), eq(experiments.version, version), eq(experiments.status, status));

/** Another draft in the place of one, under its id, or its start. A draft has no sessions, so its arms can go. */
export function replaceDraft({ draft, next }: Parameters<Store["replaceDraft"]>[0]): WriteStatement[] {
  const { projectId, audit } = next;
  return [
    assertPlanned(next),
    ...addChallengerConfigs(next),
    statement(
      builder
        .update(experiments)
        .set({ ...columnsOf(next), version: draft.version + 1 })
        .where(isUnchanged(draft)),
      1,
    ),
    statement(builder.delete(overrides).where(eq(overrides.experimentId, draft.id))),
    statement(builder.delete(arms).where(eq(arms.experimentId, draft.id))),
    ...addArms({ ...next, uid: draft.uid }),
    addAudit(audit, { projectId, experimentId: draft.id }),
  ];
}

function addDecision(experimentId: number, decision: DecisionRecord): WriteStatement {
  return statement(builder.insert(decisions).values({ ...decision, experimentId }));
}

const givenCheckpoint = {
  experimentId: given("experimentId"),
  version: given("version"),
  foldedSeq: given("foldedSeq"),
  evidence: given("evidence"),
  updatedAtMs: given("updatedAtMs"),
};

const addCheckpoint = template(builder.insert(checkpoints).values(givenCheckpoint));

const replaceCheckpoint = template(
  builder
    .update(checkpoints)
    .set(givenCheckpoint)
    .where(
      and(eq(checkpoints.experimentId, given("experimentId")), eq(checkpoints.version, given("previous"))),
    ),
  1,
);

function moveCheckpoint(change: ExperimentChange): WriteStatement[] {
  const { checkpoint, experiment, atMs } = change;
  if (!checkpoint) return [];
  const { previousVersion: previous, next } = checkpoint;
  const row = { experimentId: experiment.id, ...next, updatedAtMs: atMs };
  // The first checkpoint is inserted: the primary key refuses a second first one.
  return [previous === 0 ? addCheckpoint(row) : replaceCheckpoint({ ...row, previous })];
}

function changeArms({ arms: changes }: ExperimentChange): WriteStatement[] {
  return (changes ?? []).map(({ id, bucketCount, out }) =>
    statement(builder.update(arms).set({ bucketCount, out }).where(eq(arms.id, id))),
  );
}

/** A revision from the session after the last one there is: what has been assigned stays under the terms it had. */
function addRevision({ experiment, revision, atMs }: ExperimentChange): WriteStatement[] {
  if (!revision) return [];
  const fromSeq = sql`(SELECT coalesce(max(seq), 0) + 1 FROM sessions)` as never;
  return [
    statement(
      builder.insert(revisions).values({ experimentId: experiment.id, fromSeq, fields: revision, atMs }),
    ),
  ];
}

const moveExperiment = template(
  builder
    .update(experiments)
    .set({
      status: given("status"),
      awaitingSeq: given("awaitingSeq"),
      awaitingArm: given("awaitingArm"),
      version: given("nextVersion"),
      endedAtMs: given("endedAtMs"),
    })
    .where(
      and(
        eq(experiments.id, given("id")),
        eq(experiments.version, given("version")),
        eq(experiments.status, given("previousStatus")),
      ),
    ),
  1,
);

/** Status, checkpoint, decision, champion, what follows and audit entry of one experiment, all or nothing. */
export function changeExperiment(change: ExperimentChange): WriteStatement[] {
  const { experiment, status, awaiting, decision, evaluation, champion, watch, audit, atMs } = change;
  const { id, version, status: previousStatus } = experiment;
  return [
    moveExperiment({
      id,
      version,
      previousStatus,
      status,
      awaitingSeq: awaiting?.seq ?? null,
      awaitingArm: awaiting?.arm ?? null,
      nextVersion: version + 1,
      endedAtMs: hasEnded(status) ? atMs : experiment.endedAtMs,
    }),
    ...moveCheckpoint(change),
    ...changeArms(change),
    ...addRevision(change),
    ...(decision ? [addDecision(experiment.id, decision)] : []),
    ...(evaluation ? logEvaluation(experiment.id, evaluation) : []),
    ...(champion
      ? moveChampion({
          projectId: experiment.projectId,
          fromConfigId: experiment.champion.id,
          toConfigId: champion.configId,
          cause: champion.cause,
          atMs,
        })
      : []),
    ...audit.map((entry) =>
      addAudit(entry, { projectId: experiment.projectId, experimentId: experiment.id }),
    ),
    ...(watch ? addExperiment(watch) : []),
  ];
}

/** What people say of an experiment. It decides nothing, but it is written as a whole: two who say more both count. */
export function describeExperiment(input: Parameters<Store["describeExperiment"]>[0]): WriteStatement[] {
  const { experiment, description, audit } = input;
  const described = { ...description, version: experiment.version + 1 };
  return [
    statement(builder.update(experiments).set(described).where(isUnchanged(experiment)), 1),
    addAudit(audit, { projectId: experiment.projectId, experimentId: experiment.id }),
  ];
}

/** The time of archiving; once only. */
export function archiveExperiment(input: Parameters<Store["archiveExperiment"]>[0]): WriteStatement[] {
  const { experiment, audit } = input;
  const isOpen = and(isUnchanged(experiment), isNull(experiments.archivedAtMs));
  return [
    statement(builder.update(experiments).set({ archivedAtMs: audit.atMs }).where(isOpen), 1),
    addAudit(audit, { projectId: experiment.projectId, experimentId: experiment.id }),
  ];
}

/** A unit's arm by hand, or its end. The version stays: an override is never evidence, and no tick has to look. */
export function setOverride(input: Parameters<Store["setOverride"]>[0]): WriteStatement[] {
  const { experiment, unit, armId, audit } = input;
  const { actor, reason, atMs } = audit;
  const row = { armId: armId as number, actor, reason: reason ?? "", atMs };
  return [
    statement(
      builder.update(experiments).set({ status: experiment.status }).where(isUnchanged(experiment)),
      1,
    ),
    armId === null
      ? statement(
          builder
            .delete(overrides)
            .where(and(eq(overrides.experimentId, experiment.id), eq(overrides.unit, unit))),
        )
      : statement(
          builder
            .insert(overrides)
            .values({ experimentId: experiment.id, unit, ...row })
            .onConflictDoUpdate({ target: [overrides.experimentId, overrides.unit], set: row }),
        ),
    addAudit(audit, { projectId: experiment.projectId, experimentId: experiment.id }),
  ];
}
