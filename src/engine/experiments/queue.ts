/**
 * The queue of a project: drafts that start one after the other, as the slot becomes free.
 *
 * A tick starts them. Each contends against whoever is champion then; its own config stays as it was when it was queued,
 * whatever the champion has become since. One that would contend with itself, or once more with the same champion, is
 * skipped, and the log says so.
 */
import type { Budget } from "../../core/decision/budget.js";
import { nextStatus } from "../../core/decision/life-cycle.js";
import { DethroneError, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { ProjectState, Store, StoredExperiment } from "../ports.js";
import { auditByHand, type ByHand, persist } from "./audit.js";
import { budgetRefusal, projectBudget } from "./budget.js";
import { knownOutcome } from "./challenge.js";
import { decisionRecord } from "./decision-record.js";
import { planOf, startDraft } from "./drafts.js";
import { type ExperimentSummary, summaryOf } from "./experiment-summary.js";
import { requireExperiment, requireProject } from "./lookup.js";
import { isQueued, queueOf } from "./queue-order.js";

/** What waits in a project, and for what. */
export interface ProjectQueue {
  /** drafts in the order in which they are to start */
  readonly experiments: readonly ExperimentSummary[];
  /**
   * what the first one waits for: `slot`, the end of the experiment that runs; `budget`, which is spent; `time`, it has a
   * time to start at; `tick`, nothing but the next tick. Null where the queue is empty.
   */
  readonly waitsFor: "slot" | "budget" | "time" | "tick" | null;
  /** what stands in the way, and the ways out; null unless it waits for the budget */
  readonly message: string | null;
  /** null where the project has none */
  readonly budget: Budget | null;
}

async function waitingFor(
  store: Store,
  state: ProjectState,
  first: StoredExperiment | undefined,
  nowMs: number,
): Promise<Pick<ProjectQueue, "waitsFor" | "message">> {
  if (!first) return { waitsFor: null, message: null };
  if (state.experiment) return { waitsFor: "slot", message: null };
  if (first.startsAtMs !== null && first.startsAtMs > nowMs) return { waitsFor: "time", message: null };
  const refusal = await budgetRefusal(store, state, planOf(first), nowMs);
  return refusal ? { waitsFor: "budget", message: refusal.message } : { waitsFor: "tick", message: null };
}

/** What waits in a project, and for what. @throws DethroneError `project_not_found` */
export async function projectQueue(store: Store, key: string, nowMs: number): Promise<ProjectQueue> {
  const state = await requireProject(store, key);
  const queue = queueOf(await store.experiments(key));
  return {
    experiments: queue.map(summaryOf),
    ...(await waitingFor(store, state, queue[0], nowMs)),
    budget: await projectBudget(store, state, nowMs),
  };
}

/** A queue that stands still though the slot is free, for the budget is spent. */
export interface StalledQueue {
  readonly project: string;
  /** drafts that wait */
  readonly count: number;
  /** what stands in the way, and the ways out */
  readonly message: string;
}

/** The queues that stand still, of one project or of all. */
export async function stalledQueues(
  store: Store,
  nowMs: number,
  project: string | null = null,
): Promise<StalledQueue[]> {
  const keys = new Set((await store.queuedDrafts()).map(({ projectKey }) => projectKey));
  const stalled: StalledQueue[] = [];
  for (const key of keys) {
    if (project !== null && project !== key) continue;
    const { message, experiments } = await projectQueue(store, key, nowMs);
    if (message !== null) stalled.push({ project: key, count: experiments.length, message });
  }
  return stalled;
}

/** @throws DethroneError `input_invalid`, `transition_illegal` */
function checkMove(experiment: StoredExperiment, place: unknown): void {
  if (experiment.status !== "draft") {
    throw new DethroneError(
      "transition_illegal",
      `Experiment ${experiment.uid} is ${experiment.status}: only drafts wait in a queue.`,
      { experiment: experiment.uid, status: experiment.status },
    );
  }
  if (place === null || (Number.isInteger(place) && (place as number) >= 1)) return;
  throw new DethroneError(
    "input_invalid",
    `place must be a whole number from 1, or null to take it out of the queue; received ${String(place)}.`,
    { field: "place", received: received(place) },
  );
}

/**
 * Gives a draft a place in the queue, from 1, whether it is in it or not; one beyond the last is the last. Null takes it
 * out of the queue: it stays a draft.
 */
export function moveInQueue(
  context: EngineContext,
  store: Store,
  key: string,
  id: string,
  place: number | null,
  byHand: ByHand,
): Promise<void> {
  return persist(key, async () => {
    const experiment = await requireExperiment(store, key, id);
    checkMove(experiment, place);
    const others = queueOf(await store.experiments(key)).filter(({ uid }) => uid !== experiment.uid);
    const order = place === null ? others : others.toSpliced(place - 1, 0, experiment);
    const to = place === null ? null : order.indexOf(experiment) + 1;
    const action = place === null ? "unqueued" : "queue-moved";
    const audit = auditByHand(context, action, byHand, { place: to });
    if (place === null && !isQueued(experiment)) return { isDone: true, result: undefined };
    return { isDone: await store.orderQueue({ moved: experiment, order, audit }), result: undefined };
  });
}

const SCHEDULE = "schedule";

/** Why a queued draft is not to start at all; null where it is. */
async function needlessness(
  store: Store,
  state: ProjectState,
  draft: StoredExperiment,
): Promise<string | null> {
  const started = (await store.experiments(state.key)).filter(({ startedAtMs }) => startedAtMs !== null);
  const known = knownOutcome(started, state, planOf(draft));
  if (known?.status === "is-champion") return "a challenger of it is the champion by now";
  if (known?.status !== "existing") return null;
  return `these have contended against this champion before, in experiment ${known.experiment?.uid}`;
}

/** Discards a queued draft that has become needless. */
async function skip(
  context: EngineContext,
  store: Store,
  experiment: StoredExperiment,
  reason: string,
): Promise<void> {
  const by = { actor: SCHEDULE, reason };
  const ruling = { verdict: "abort", reason: "champion-changed", arm: null } as const;
  const decision = await decisionRecord(context, store, experiment, ruling, by);
  const atMs = context.clock.now();
  await store.changeExperiment({
    experiment,
    status: nextStatus(experiment.status, "abort"),
    awaiting: null,
    decision,
    audit: [{ action: "queue-skipped", ...by, details: {}, atMs }],
    atMs,
  });
}

/** Starts the first of a project's queue that is not needless; whether one has started. */
async function startNext(
  context: EngineContext,
  store: Store,
  key: string,
  queue: readonly StoredExperiment[],
): Promise<boolean> {
  for (const draft of queue) {
    const state = await requireProject(store, key);
    if (state.experiment) return false;
    const why = await needlessness(store, state, draft);
    if (why !== null) {
      await skip(context, store, draft, why);
      continue;
    }
    const refusal = await budgetRefusal(store, state, planOf(draft), context.clock.now());
    if (refusal) throw refusal;
    await startDraft(context, store, key, draft.uid, { reason: "its turn in the queue", actor: SCHEDULE });
    return true;
  }
  return false;
}

/** Starts what is next where the slot is free; returns the projects. One that cannot start now waits; why is logged. */
export async function startQueued(
  context: EngineContext,
  store: Store,
  projectKey: string | null,
): Promise<string[]> {
  const waiting = await store.queuedDrafts();
  const started: string[] = [];
  for (const key of new Set(waiting.map((draft) => draft.projectKey))) {
    if (projectKey !== null && projectKey !== key) continue;
    const queue = queueOf(waiting.filter((draft) => draft.projectKey === key));
    try {
      if (await startNext(context, store, key, queue)) started.push(key);
    } catch (error) {
      context.fail(null, "a queued challenger could not start; the next tick tries again", error, {
        project: key,
      });
    }
  }
  return started;
}
