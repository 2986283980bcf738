/**
 * The champion beyond contests: rolling back, and the units held out.
 */

import { nextStatus } from "../../core/decision/life-cycle.js";
import { DethroneError } from "../../core/errors.js";
import { holdoutBuckets } from "../../core/sessions/holdout.js";
import type { EngineContext } from "../context.js";
import type {
  AuditEntry,
  DecisionRecord,
  ProjectState,
  Reign,
  Store,
  StoredConfig,
  StoredExperiment,
} from "../ports.js";
import { auditByHand, type ByHand, persist, pinned } from "./audit.js";
import { decisionRecord } from "./decision-record.js";
import { requireConfig, requireProject } from "./lookup.js";

/** What to roll back to, and why. */
export interface RollbackInput extends ByHand {
  /** label or beginning of the hash of a former champion; default: the one that the present champion took over from */
  readonly to?: string | undefined;
}

/**
 * The champion that the present one took over from, or null for the first. A rollback undoes a reign: to roll back twice
 * goes back by two, not to and fro.
 *
 * @param reigns oldest first
 */
function predecessor(reigns: readonly Reign[]): StoredConfig | null {
  const line: StoredConfig[] = [];
  for (const { config, cause } of reigns) {
    const at = cause === "rollback" ? line.findLastIndex(({ id }) => id === config.id) : -1;
    if (at >= 0) line.length = at;
    line.push(config);
  }
  return line.at(-2) ?? null;
}

async function target(store: Store, project: ProjectState, { to }: RollbackInput): Promise<StoredConfig> {
  const reigns = await store.reigns(project.id);
  if (to === undefined) {
    const before = predecessor(reigns);
    if (before) return before;
    throw new DethroneError(
      "transition_illegal",
      `Project '${project.key}' is at its first champion; there is none before it. To return to one that was rolled back, name it.`,
      { project: project.key },
    );
  }
  const config = await requireConfig(store, project.id, to);
  if (config.id === project.champion.id) {
    throw new DethroneError(
      "transition_illegal",
      `Config ${config.hash.slice(0, 10)} is the champion of project '${project.key}' already.`,
      { project: project.key, received: to },
    );
  }
  const former = reigns.find((reign) => reign.config.id === config.id);
  if (former) return former.config;
  throw new DethroneError(
    "transition_illegal",
    `Config ${config.hash.slice(0, 10)} is no former champion of project '${project.key}': a rollback returns to one that has been champion.`,
    { project: project.key, received: to },
  );
}

/** What a rollback did. */
export interface Rollback {
  readonly champion: StoredConfig;
  /** the experiment it aborted, and the decision on it; null where the slot was free */
  readonly aborted: { readonly experiment: StoredExperiment; readonly decision: DecisionRecord } | null;
}

/**
 * Makes a former champion the champion again. An experiment in the slot contends against a champion that is no more, so
 * it is aborted (`champion-changed`) in the same transaction.
 */
export function rollback(
  context: EngineContext,
  store: Store,
  key: string,
  input: RollbackInput,
): Promise<Rollback> {
  const pin = pinned(key);
  return persist(key, async () => {
    const project = await requireProject(store, key);
    pin(`${project.champion.hash} ${project.experiment?.uid ?? ""}`);
    const entry = auditByHand(context, "rollback", input);
    const champion = await target(store, project, input);
    const audit = { ...entry, details: { from: project.champion.hash, to: champion.hash } };
    return abortAndChange(context, store, project, { champion, audit, byHand: input });
  });
}

async function abortAndChange(
  context: EngineContext,
  store: Store,
  project: ProjectState,
  change: { readonly champion: StoredConfig; readonly audit: AuditEntry; readonly byHand: ByHand },
): Promise<{ isDone: boolean; result: Rollback }> {
  const { champion, audit, byHand } = change;
  const { experiment } = project;
  const { atMs } = audit;
  if (!experiment) {
    const isDone = await store.changeChampion({
      project,
      configId: champion.id,
      cause: "rollback",
      audit,
      atMs,
    });
    return { isDone, result: { champion, aborted: null } };
  }
  const decision = await decisionRecord(context, store, experiment, CHAMPION_CHANGED, byHand);
  const isDone = await store.changeExperiment({
    experiment,
    status: nextStatus(experiment.status, "abort"),
    awaiting: null,
    decision,
    champion: { configId: champion.id, cause: "rollback" },
    audit: [audit],
    atMs,
  });
  return { isDone, result: { champion, aborted: { experiment, decision } } };
}

const CHAMPION_CHANGED = { verdict: "abort", reason: "champion-changed", arm: null } as const;

/** Holds a share of the units out of every experiment that starts from now on: they always get the champion. */
export function setHoldout(
  context: EngineContext,
  store: Store,
  key: string,
  share: number,
  byHand: ByHand,
): Promise<void> {
  const bucketCount = holdoutBuckets(share);
  return persist(key, async () => {
    const project = await requireProject(store, key);
    const details = { from: project.holdoutBuckets / 10_000, to: bucketCount / 10_000 };
    const audit = auditByHand(context, "holdout", byHand, details);
    return { isDone: await store.setHoldout({ project, bucketCount, audit }), result: undefined };
  });
}
