/**
 * Changes of projects: their creation, configs, holdout and champion.
 */
import { and, eq, sql } from "drizzle-orm";
import type { Store, StoredExperiment } from "../../engine/ports.js";
import { experiments, projectConfigs, projects, reigns } from "../schema/main.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import {
  addAudit,
  addConfig,
  addProjectConfig,
  builder,
  configIdOf,
  moveChampion,
  projectIdOf,
  statement,
} from "./statements.js";

/** Config, project, first reign and audit entry. The unique key refuses a second project of the name. */
export function createProject(input: Parameters<Store["createProject"]>[0]): WriteStatement[] {
  const { key, champion, label, audit, atMs } = input;
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
    addProjectConfig({
      projectId: projectIdOf(key),
      hash: champion.hash,
      parentConfigId: null,
      label,
      audit,
    }),
    addAudit(audit, { projectId: projectIdOf(key), experimentId: null }),
  ];
}

/** Units held out from the next experiment on. */
export function setHoldout(input: Parameters<Store["setHoldout"]>[0]): WriteStatement[] {
  const { project, bucketCount, audit } = input;
  return [
    statement(
      builder.update(projects).set({ holdoutBuckets: bucketCount }).where(eq(projects.id, project.id)),
      1,
    ),
    addAudit(audit, { projectId: project.id, experimentId: null }),
  ];
}

/** How many false promotions may be expected. */
export function setBudget(input: Parameters<Store["setBudget"]>[0]): WriteStatement[] {
  const { project, budget, audit } = input;
  const columns = { budgetLimit: budget?.limit ?? null, budgetWindowMs: budget?.windowMs ?? null };
  return [
    statement(builder.update(projects).set(columns).where(eq(projects.id, project.id)), 1),
    addAudit(audit, { projectId: project.id, experimentId: null }),
  ];
}

/** The queue in another order. */
export function orderQueue(input: Parameters<Store["orderQueue"]>[0]): WriteStatement[] {
  const { moved, order, audit } = input;
  const placed = ({ id, version }: StoredExperiment, queuePosition: number | null): WriteStatement => {
    const isUnchanged = and(
      eq(experiments.id, id),
      eq(experiments.version, version),
      eq(experiments.status, "draft"),
    );
    const columns = { queuePosition, version: version + 1 };
    return statement(builder.update(experiments).set(columns).where(isUnchanged), 1);
  };
  return [
    ...order.map((experiment, index) => placed(experiment, index + 1)),
    ...(order.includes(moved) ? [] : [placed(moved, null)]),
    addAudit(audit, { projectId: moved.projectId, experimentId: moved.id }),
  ];
}

/** A config that no experiment has brought in. */
export function addConfigOf(input: Parameters<Store["addProjectConfig"]>[0]): WriteStatement[] {
  const { projectId, config, audit } = input;
  const { hash } = config;
  return [
    addConfig(config, audit.atMs),
    addProjectConfig({ projectId, hash, parentConfigId: null, label: null, audit }),
  ];
}

/** A config's label; the unique index refuses one that is taken. */
export function labelConfig(input: Parameters<Store["labelConfig"]>[0]): WriteStatement[] {
  const { projectId, configId, label, audit } = input;
  const isIt = and(eq(projectConfigs.projectId, projectId), eq(projectConfigs.configId, configId));
  return [
    statement(builder.update(projectConfigs).set({ label }).where(isIt), 1),
    addAudit(audit, { projectId, experimentId: null }),
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
