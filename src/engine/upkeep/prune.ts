/**
 * Deletes sessions that no longer matter. Before an experiment's go, its folded units are archived, so that its evidence,
 * its decisions and its report stay as they are.
 */
import { RunningBreakdown } from "../../core/decision/breakdown.js";
import { DethroneError, received } from "../../core/errors.js";
import { breathe } from "../breathe.js";
import type { EngineContext } from "../context.js";
import { checkActor, DEFAULT_ACTOR } from "../experiments/audit.js";
import { foldRowPages } from "../experiments/folding.js";
import { requireProject } from "../experiments/lookup.js";
import type { Archive, FoldRow, PruneScope, Store, StoredExperiment } from "../ports.js";
import { CHAIN_START, chainAfter } from "./chain.js";
import { checkEvidence } from "./evidence-check.js";
import { keptBreakdown } from "./kept-breakdown.js";
import { neededContext } from "./needed-context.js";

/** What is pruned, and how. */
export interface PruneOptions {
  /**
   * age in milliseconds: of an experiment since its end, of a session outside of experiments since it settled, of an
   * evaluation in the log since it was made
   */
  readonly olderThanMs: number;
  /** only this project */
  readonly project?: string | undefined;
  /** find out, but delete nothing */
  readonly dryRun?: boolean | undefined;
  /** give the freed space back to the file system, which rewrites the file */
  readonly vacuum?: boolean | undefined;
  readonly actor?: string | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What of one project was deleted, or would be. */
interface PrunedProject {
  readonly project: string;
  /** ids of the experiments whose sessions go */
  readonly experiments: readonly string[];
  readonly sessions: number;
  readonly signals: number;
  /** entries of the log of evaluations that were neither news nor the newest of their experiment */
  readonly evaluations: number;
  /** experiments that are old enough, but keep their sessions, and why */
  readonly kept: readonly { readonly experiment: string; readonly why: string }[];
}

/** What was deleted, or would be. */
export interface PruneResult {
  readonly isDryRun: boolean;
  readonly beforeMs: number;
  readonly projects: readonly PrunedProject[];
  readonly sessions: number;
  readonly signals: number;
  readonly evaluations: number;
  /** bytes of the file that are free now, for new rows */
  readonly freedBytes: number;
  /** bytes given back to the file system */
  readonly returnedBytes: number;
}

/** Sessions deleted in one transaction. */
const BATCH = 1000;
/** Units of one page of an archive: some 20 milliseconds. */
const PAGE = 500;

interface Plan {
  readonly key: string;
  readonly projectId: number;
  readonly experiments: readonly StoredExperiment[];
  readonly scopes: readonly PruneScope[];
  readonly kept: PrunedProject["kept"];
  readonly sessions: number;
  readonly signals: number;
  readonly evaluations: number;
}

/** @throws DethroneError `settings_invalid` */
function checkAge(ms: unknown): void {
  if (typeof ms === "number" && ms >= 0 && Number.isFinite(ms)) return;
  throw new DethroneError("settings_invalid", `olderThanMs must be an age in milliseconds, from 0.`, {
    field: "olderThanMs",
    received: received(ms),
  });
}

const isOver = ({ status, endedAtMs }: StoredExperiment, beforeMs: number): boolean =>
  (status === "promoted" || status === "held" || status === "aborted") &&
  endedAtMs !== null &&
  endedAtMs < beforeMs;

/** What of a project is to go. */
async function planOf(store: Store, key: string, beforeMs: number): Promise<Plan> {
  const { id: projectId } = await requireProject(store, key);
  const over = (await store.experiments(key)).filter((experiment) => isOver(experiment, beforeMs));
  const outside: PruneScope = { projectId, experimentId: null, settledBeforeMs: beforeMs };
  let total = await store.upkeep.prunable(outside);
  const scopes = total.sessions > 0 ? [outside] : [];
  const experiments: StoredExperiment[] = [];
  const kept: { experiment: string; why: string }[] = [];
  for (const experiment of over) {
    const scope = { ...outside, experimentId: experiment.id };
    const { sessions, signals } = await store.upkeep.prunable(scope);
    if (sessions === 0) continue;
    const unsettled = await store.upkeep.unsettledCount(experiment.id);
    if (unsettled > 0) {
      const why = `${unsettled} of its sessions have not settled; a tick settles them once their window ends`;
      kept.push({ experiment: experiment.uid, why });
      continue;
    }
    experiments.push(experiment);
    scopes.push(scope);
    total = { sessions: total.sessions + sessions, signals: total.signals + signals };
  }
  const evaluations = await store.evaluations.prunable({ projectId, beforeMs });
  return { key, projectId, experiments, scopes, kept, ...total, evaluations };
}

/** The last unit that the checkpoint or a decision rests on. */
async function archivedUntil(store: Store, experimentId: number): Promise<number> {
  const { foldedSeq } = await store.checkpoint(experimentId);
  const decisions = await store.decisions({ experimentId });
  // A checkpoint of the first schema counts for nothing; its decisions still do.
  return Math.max(foldedSeq, ...decisions.map((decision) => decision.foldedSeq));
}

/** Archives what is not archived yet; goes on where an earlier run was interrupted. */
async function archiveUnits(store: Store, experiment: StoredExperiment): Promise<Archive | null> {
  const { id: experimentId, policy } = experiment;
  const untilSeq = await archivedUntil(store, experimentId);
  for (;;) {
    const previous = await store.upkeep.archive(experimentId);
    if (previous?.sealedAtMs) return previous;
    const afterSeq = previous?.lastSeq ?? 0;
    const live = await store.foldRows({
      experimentId,
      afterSeq,
      untilSeq,
      limit: PAGE,
      withSignals: true,
    });
    if (live.length === 0 && previous) return previous;
    const rows = live.map((row): FoldRow => ({ ...row, context: neededContext(row.context, policy) }));
    const hash = chainAfter(previous?.hash ?? CHAIN_START, rows);
    if (!(await store.upkeep.addToArchive({ experimentId, previous, rows, hash }))) return null;
    await breathe();
  }
}

/** Archives an experiment and seals the archive; why it could not, or null. */
async function archived(context: EngineContext, store: Store, experiment: StoredExperiment) {
  const archive = await archiveUnits(store, experiment);
  if (!archive) return "another process is at work on it";
  if (archive.sealedAtMs !== null) return null;
  const check = await checkEvidence(store, experiment, { fromArchive: true });
  if (!check.isEqual) return `its archive does not give its evidence (${check.differences[0] ?? "chain"})`;
  const { foldedSeq } = await store.checkpoint(experiment.id);
  const running = new RunningBreakdown(experiment.arms.length);
  for await (const page of foldRowPages(store, experiment.id, foldedSeq, { withSignals: false })) {
    for (const row of page) running.add(row);
  }
  const breakdown = keptBreakdown(running.breakdown());
  const counts = await store.upkeep.armCounts(experiment.id);
  const isSealed = await store.upkeep.sealArchive({ archive, counts, breakdown, atMs: context.clock.now() });
  return isSealed ? null : "another process is at work on it";
}

async function deleteScope(store: Store, scope: PruneScope, onBatch: (sessions: number) => void) {
  const total = { sessions: 0, signals: 0 };
  for (;;) {
    const { sessions, signals } = await store.upkeep.pruneBatch(scope, BATCH);
    total.sessions += sessions;
    total.signals += signals;
    onBatch(sessions);
    if (sessions < BATCH) return total;
    await breathe();
  }
}

async function pruneProject(
  context: EngineContext,
  store: Store,
  plan: Plan,
  by: { readonly actor: string; readonly beforeMs: number; readonly onBatch: (sessions: number) => void },
): Promise<PrunedProject> {
  const kept = [...plan.kept];
  const gone: string[] = [];
  const refused = new Set<number>();
  for (const experiment of plan.experiments) {
    const why = await archived(context, store, experiment);
    if (why === null) gone.push(experiment.uid);
    else {
      kept.push({ experiment: experiment.uid, why });
      refused.add(experiment.id);
    }
  }
  // Before the first session goes, so that the log never knows less than what has happened.
  const { sessions: planned, evaluations } = plan;
  const before = new Date(by.beforeMs).toISOString();
  const details = { before, experiments: gone, sessions: planned, evaluations };
  const audit = { action: "pruned", actor: by.actor, reason: null, details, atMs: context.clock.now() };
  await store.upkeep.addAuditEntry(plan.projectId, audit);
  const total = { sessions: 0, signals: 0 };
  for (const scope of plan.scopes) {
    if (scope.experimentId !== null && refused.has(scope.experimentId)) continue;
    const { sessions, signals } = await deleteScope(store, scope, by.onBatch);
    total.sessions += sessions;
    total.signals += signals;
  }
  const forgotten = await store.evaluations.prune({ projectId: plan.projectId, beforeMs: by.beforeMs });
  return { project: plan.key, experiments: gone, ...total, evaluations: forgotten, kept };
}

const planned = ({ key, experiments, sessions, signals, evaluations, kept }: Plan): PrunedProject => ({
  project: key,
  experiments: experiments.map(({ uid }) => uid),
  sessions,
  signals,
  evaluations,
  kept,
});

/** Whether anything is to be deleted. */
const hasAny = ({ sessions, evaluations }: Pick<Plan, "sessions" | "evaluations">): boolean =>
  sessions + evaluations > 0;

/** Prunes one project, or all. Interrupted, it goes on with the next call. */
export async function prune(
  context: EngineContext,
  store: Store,
  options: PruneOptions,
): Promise<PruneResult> {
  const { olderThanMs, project, dryRun = false, vacuum = false, actor = DEFAULT_ACTOR } = options;
  checkAge(olderThanMs);
  checkActor(actor);
  if (vacuum) store.upkeep.assertFile("vacuum");
  const beforeMs = context.clock.now() - olderThanMs;
  const keys = project === undefined ? await store.projectKeys() : [project];
  const plans: Plan[] = [];
  for (const key of keys) plans.push(await planOf(store, key, beforeMs));
  const usedBefore = await store.upkeep.usedBytes();
  const sum = (
    of: (plan: Pick<PrunedProject, "sessions" | "signals" | "evaluations">) => number,
    all: readonly Parameters<typeof of>[0][],
  ) => all.reduce((total, each) => total + of(each), 0);
  const total = sum(({ sessions }) => sessions, plans);
  let done = 0;
  const onBatch = (sessions: number): void => {
    done += sessions;
    options.onProgress?.(done, total);
  };
  const projects: PrunedProject[] = [];
  for (const plan of plans) {
    if (!hasAny(plan) || dryRun) projects.push(planned(plan));
    else projects.push(await pruneProject(context, store, plan, { actor, beforeMs, onBatch }));
  }
  const freedBytes = dryRun ? 0 : Math.max(0, usedBefore - (await store.upkeep.usedBytes()));
  return {
    isDryRun: dryRun,
    beforeMs,
    projects: projects.filter((each) => hasAny(each) || each.kept.length > 0),
    sessions: sum(({ sessions }) => sessions, projects),
    signals: sum(({ signals }) => signals, projects),
    evaluations: sum(({ evaluations }) => evaluations, projects),
    freedBytes,
    returnedBytes: vacuum && !dryRun ? await store.upkeep.vacuum() : 0,
  };
}
