/**
 * The health of a database, and on request everything recomputed.
 */

import { alarming } from "../../core/decision/review.js";
import { breathe } from "../breathe.js";
import type { EngineContext, Health } from "../context.js";
import { stalledQueues } from "../experiments/queue.js";
import { verifyDecision } from "../experiments/verify.js";
import type { DatabaseFacts, Store, StoredCounts, StoredExperiment } from "../ports.js";
import { checkEvidence, type EvidenceCheck } from "./evidence-check.js";
import { type DoctorFacts, type Finding, findingsOf, type Verification } from "./findings.js";

/** How thorough the doctor is. */
export interface DoctorOptions {
  /** check every row, fold every experiment from zero, recompute every decision */
  readonly verify?: boolean | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What the doctor found. */
export interface DoctorReport {
  /** whether there is no problem; warnings there may be */
  readonly isHealthy: boolean;
  readonly version: string;
  readonly node: string;
  /** of this process */
  readonly engine: Health;
  readonly database: DatabaseFacts;
  readonly counts: StoredCounts;
  readonly findings: readonly Finding[];
  readonly verification: Verification | null;
}

async function startedExperiments(store: Store): Promise<StoredExperiment[]> {
  const all: StoredExperiment[] = [];
  for (const key of await store.projectKeys()) all.push(...(await store.experiments(key)));
  return all.filter(({ startedAtMs }) => startedAtMs !== null);
}

async function verification(
  context: EngineContext,
  store: Store,
  onProgress: (done: number, total: number) => void,
): Promise<Verification> {
  const experiments = await startedExperiments(store);
  const checks: EvidenceCheck[] = [];
  const differentDecisions: Verification["differentDecisions"][number][] = [];
  let decisionCount = 0;
  for (const [index, experiment] of experiments.entries()) {
    onProgress(index, experiments.length);
    checks.push(await checkEvidence(store, experiment));
    for (const decision of await store.decisions({ experimentId: experiment.id })) {
      const { isEqual, differences } = await verifyDecision(store, decision, context.version);
      decisionCount += 1;
      if (!isEqual)
        differentDecisions.push({ decision: decision.uid, experiment: experiment.uid, differences });
      await breathe();
    }
  }
  onProgress(experiments.length, experiments.length);
  return {
    experiments: checks.length,
    units: checks.reduce((sum, { unitCount }) => sum + unitCount, 0),
    archives: checks.filter(({ isArchived }) => isArchived).length,
    decisions: decisionCount,
    differentEvidence: checks.filter(({ isEqual }) => !isEqual),
    differentDecisions,
  };
}

const REVIEWS_MAX = 200;

/** Running experiments that a person should look at, by their newest evaluations. */
async function reviewsOf(store: Store): Promise<DoctorFacts["reviews"]> {
  const wanted = { needsReview: true, isNewest: true, status: "running" } as const;
  const all = { projects: null, beforeId: Number.MAX_SAFE_INTEGER, limit: REVIEWS_MAX };
  const found = await store.evaluations.find({ ...wanted, ...all });
  return found
    .map(({ review, ...rest }) => ({ ...rest, review: alarming(review) }))
    .filter(({ review }) => review.length > 0);
}

/** Looks at everything, and changes nothing. */
export async function doctor(
  context: EngineContext,
  store: Store,
  options: DoctorOptions = {},
): Promise<DoctorReport> {
  const { verify = false, onProgress = () => undefined } = options;
  const nowMs = context.clock.now();
  await store.flush();
  const database = await store.upkeep.facts({ isThorough: verify });
  const counts = await store.upkeep.counts(nowMs);
  const brokenRules = await store.upkeep.brokenRules();
  const running = await store.upkeep.running();
  const webhooks = await store.webhooks.backlogs();
  const verified = verify ? await verification(context, store, onProgress) : null;
  const facts = { nowMs, database, counts, brokenRules, running, webhooks };
  const governance = { stalledQueues: await stalledQueues(store, nowMs), reviews: await reviewsOf(store) };
  const findings = findingsOf({ ...facts, ...governance, verification: verified });
  return {
    isHealthy: findings.every(({ severity }) => severity !== "problem"),
    version: context.version,
    node: process.version,
    engine: context.health(),
    database,
    counts,
    findings,
    verification: verified,
  };
}
