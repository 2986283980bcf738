/**
 * One tick: settle what is due, fold what has settled, decide, commit. Two at once do no harm: whoever commits second
 * finds the state moved and changes nothing.
 */

import { decide, type Ruling } from "../../core/decision/decide.js";
import type { Evidence } from "../../core/decision/evidence.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import { nextStatus } from "../../core/decision/life-cycle.js";
import { DEFAULT_POLICY } from "../../core/decision/policy.js";
import { probabilityBetterBy, promotionChance } from "../../core/decision/posterior.js";
import { nextShares } from "../../core/decision/share-rule.js";
import type { Terms } from "../../core/decision/terms.js";
import { DethroneError } from "../../core/errors.js";
import { bucketCountOf, shareOf } from "../../core/sessions/assignment.js";
import { settle } from "../../core/sessions/score.js";
import { policyHashOf } from "../configs/config.js";
import type { EngineContext } from "../context.js";
import type {
  AuditEntry,
  Checkpoint,
  ExperimentChange,
  SettledSession,
  Store,
  StoredExperiment,
} from "../ports.js";
import { decisionRecord } from "./decision-record.js";
import { ExperimentFolding } from "./folding.js";
import { shareRuleOf, termsAt } from "./terms.js";

const PAGE = 1000;

/** What a tick found of one experiment. */
export interface TickResult {
  readonly project: string;
  readonly experiment: string;
  readonly verdict: Ruling["verdict"];
  readonly reason: Ruling["reason"];
  /** whether this tick ended the experiment, or put it up for approval */
  readonly changed: boolean;
  /** units folded */
  readonly sessionCount: number;
  readonly probabilityBetter: number;
  readonly logSupPromote: number;
  readonly logSupHarm: number;
  readonly chanceOfPromotion: number;
}

/** Lets the host's timers and requests run between two pages of work. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Settles every session, of one project or of all, whose window has closed. */
export async function settleDue(
  context: EngineContext,
  store: Store,
  projectKey: string | null,
): Promise<void> {
  let previousFirst = -1;
  for (;;) {
    const due = await store.dueSessions({ nowMs: context.clock.now(), limit: PAGE, projectKey });
    // The same first session twice means another process is settling it differently; the next tick will see.
    if (due.length === 0 || due[0]?.seq === previousFirst) return;
    previousFirst = due[0]?.seq ?? -1;
    const experimentIds = due
      .map((session) => session.experimentId)
      .filter((id): id is number => id !== null);
    const policies = await store.policies([...new Set(experimentIds)]);
    const settled = due.map((session): SettledSession => {
      const policy = policies.get(session.experimentId ?? -1) ?? DEFAULT_POLICY;
      return {
        seq: session.seq,
        settledAtMs: session.windowEndsAtMs,
        settlement: settle(session, policy),
        signalCount: session.signals.length,
        hasEnded: session.hasEnded,
      };
    });
    await store.settleSessions(settled);
    await breathe();
  }
}

const COLLECTING: Ruling = { verdict: "continue", reason: "collecting" };

const isCollecting = (ruling: Ruling): boolean => ruling.reason === "collecting";

/** Folds what has settled since the checkpoint, deciding after each, until a decision or until nothing is left. */
async function foldNew(
  store: Store,
  experiment: StoredExperiment,
  from: Checkpoint,
): Promise<{ checkpoint: Checkpoint; terms: Terms; ruling: Ruling }> {
  const { promotion } = experiment;
  const folding = new ExperimentFolding(experiment, from);
  const { evidence } = folding;
  let { foldedSeq } = from;
  let ruling: Ruling = COLLECTING;
  for (;;) {
    const page = { experimentId: experiment.id, afterSeq: foldedSeq, limit: PAGE, withSignals: true };
    const rows = await store.foldRows(page);
    for (const row of rows) {
      folding.add(row);
      foldedSeq = row.seq;
      ruling = decide({ ...folding.terms, promotion, evidence, isExpired: false });
      if (!isCollecting(ruling)) break;
    }
    if (rows.length < PAGE || !isCollecting(ruling)) break;
    await breathe();
  }
  const moved = foldedSeq !== from.foldedSeq;
  const checkpoint = moved ? { version: from.version + 1, foldedSeq, evidence } : from;
  return { checkpoint, terms: folding.terms, ruling };
}

/** Whether the experiment has outlived its maximum duration. */
function isExpired(experiment: StoredExperiment, nowMs: number): boolean {
  const { maxDurationMs } = experiment.policy;
  return maxDurationMs !== null && nowMs > (experiment.startedAtMs ?? nowMs) + maxDurationMs;
}

const ENDING = { promote: "promote", hold: "hold", abort: "abort" } as const;
const AUDIT_ACTION = {
  promote: "promoted",
  hold: "held",
  abort: "aborted",
  continue: "awaiting-approval",
} as const;

/** Settled, folded and ruled on, before anything of it is stored. */
interface Finding {
  readonly experiment: StoredExperiment;
  readonly from: Checkpoint;
  readonly checkpoint: Checkpoint;
  readonly terms: Terms;
  readonly ruling: Ruling;
  readonly isExpired: boolean;
  /** live counts, where the fuse was asked */
  readonly live: readonly LiveCount[] | null;
}

/** @throws DethroneError `stored_data_invalid` */
function assertFrozen({ policy, policyHash, uid }: StoredExperiment): void {
  // Experiments of the first schema have no such hash.
  if (policyHash === "" || policyHashOf(policy) === policyHash) return;
  throw new DethroneError(
    "stored_data_invalid",
    `The policy of experiment ${uid} is not the one it was started with: alpha, margins and the like are frozen at start. Start a new experiment instead.`,
    { experiment: uid, stored: policyHash, found: policyHashOf(policy) },
  );
}

async function find(context: EngineContext, store: Store, experiment: StoredExperiment): Promise<Finding> {
  assertFrozen(experiment);
  const from = await store.checkpoint(experiment.id);
  const isWaiting = experiment.awaitingSeq !== null;
  const folded = isWaiting
    ? { checkpoint: from, terms: termsAt(experiment, from.foldedSeq), ruling: COLLECTING }
    : await foldNew(store, experiment, from);
  if (!isCollecting(folded.ruling)) return { experiment, from, ...folded, isExpired: false, live: null };
  // The clock and the live counts are asked last: what had settled before still counts.
  const expired = isExpired(experiment, context.clock.now());
  const { evidence } = folded.checkpoint;
  const live = isWaiting || folded.terms.policy.fuse === null ? null : await store.liveCounts(experiment.id);
  const facts = { ...folded.terms, promotion: experiment.promotion, evidence, isExpired: expired, live };
  return { experiment, from, ...folded, ruling: decide(facts), isExpired: expired, live };
}

/** The challenger's buckets for the sessions to come, by the share rule; null where they stay. */
function nextBuckets({ experiment, checkpoint, terms, ruling }: Finding): number | null {
  if (!isCollecting(ruling)) return null;
  const challenger = experiment.arms.find(({ role }) => role === "challenger");
  const now = challenger?.bucketCount ?? 0;
  const facts = { ...terms, evidence: checkpoint.evidence, shares: [shareOf(now)] };
  const next = bucketCountOf(nextShares(shareRuleOf(experiment), facts)[0] as number);
  return next === now ? null : next;
}

function auditOf(
  finding: Finding,
  bucketCount: number | null,
  actor: string,
  atMs: number,
): AuditEntry | null {
  const { experiment, ruling, checkpoint } = finding;
  const sessionCount = checkpoint.evidence.index;
  if (!isCollecting(ruling)) {
    const { verdict, reason } = ruling;
    return { action: AUDIT_ACTION[verdict], actor, reason, details: { sessionCount }, atMs };
  }
  // A ramp has a handful of steps; an adaptive share moves too often for the log, and each session keeps its own.
  if (bucketCount === null || shareRuleOf(experiment).kind !== "ramp") return null;
  const share = shareOf(bucketCount);
  return {
    action: "share-raised",
    actor,
    reason: `ramp to ${share}`,
    details: { share, sessionCount },
    atMs,
  };
}

async function changeOf(
  context: EngineContext,
  store: Store,
  finding: Finding,
  by: { readonly actor: string; readonly bucketCount: number | null },
): Promise<ExperimentChange> {
  const { experiment, from, checkpoint, ruling, isExpired: expired, live } = finding;
  const { actor, bucketCount } = by;
  const { verdict, reason } = ruling;
  const status = verdict === "continue" ? experiment.status : nextStatus(experiment.status, ENDING[verdict]);
  const atMs = context.clock.now();
  const record = { actor, isExpired: expired, live, checkpoint };
  return {
    experiment,
    status,
    awaitingSeq: reason === "awaiting-approval" ? checkpoint.foldedSeq : null,
    checkpoint: checkpoint === from ? null : { previousVersion: from.version, next: checkpoint },
    decision: isCollecting(ruling) ? null : await decisionRecord(context, store, experiment, ruling, record),
    bucketCount,
    revision: null,
    champion: verdict === "promote" ? { configId: experiment.challenger.id, cause: "promoted" } : null,
    audit: auditOf(finding, bucketCount, actor, atMs),
    atMs,
  };
}

function resultOf(finding: Finding, changed: boolean): TickResult {
  const { experiment, checkpoint, terms, ruling } = finding;
  const { evidence } = checkpoint;
  const { promote, harm } = evidence.pairs[0] as Evidence["pairs"][number];
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    verdict: ruling.verdict,
    reason: ruling.reason,
    changed,
    sessionCount: evidence.index,
    probabilityBetter: probabilityBetterBy(evidence, terms.policy, 0),
    logSupPromote: promote.logSup,
    logSupHarm: harm.logSup,
    chanceOfPromotion: promotionChance(evidence, terms),
  };
}

/**
 * Folds and decides one running experiment, and moves its share as its rule says.
 *
 * @param isDryRun find out, but store nothing
 */
export async function tickExperiment(
  context: EngineContext,
  store: Store,
  experiment: StoredExperiment,
  options: { readonly isDryRun: boolean; readonly actor: string },
): Promise<TickResult> {
  const finding = await find(context, store, experiment);
  const isWaitingStill = experiment.awaitingSeq !== null && finding.ruling.verdict === "continue";
  const bucketCount = isWaitingStill ? null : nextBuckets(finding);
  const hasNews =
    finding.checkpoint !== finding.from || !isCollecting(finding.ruling) || bucketCount !== null;
  if (options.isDryRun || isWaitingStill || !hasNews) return resultOf(finding, false);
  const change = await changeOf(context, store, finding, { actor: options.actor, bucketCount });
  const isStored = await store.changeExperiment(change);
  return resultOf(finding, isStored && !isCollecting(finding.ruling));
}
