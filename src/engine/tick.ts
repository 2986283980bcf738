/**
 * One tick: settle what is due, fold what has settled, decide, commit. Two at once do no harm: whoever commits second
 * finds the state moved and changes nothing.
 */
import { decide, type Ruling } from "../core/decide.js";
import { fold } from "../core/evidence.js";
import { nextStatus } from "../core/life-cycle.js";
import { DEFAULT_POLICY } from "../core/policy.js";
import { probabilityBetterBy, promotionChance } from "../core/posterior.js";
import { settle } from "../core/score.js";
import type { EngineContext } from "./context.js";
import { decisionRecord, foldInput } from "./decision-record.js";
import type {
  AuditEntry,
  Checkpoint,
  ExperimentChange,
  SettledSession,
  Store,
  StoredExperiment,
} from "./ports.js";

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

const isCollecting = (ruling: Ruling): boolean => ruling.reason === "collecting";

/** Folds what has settled since the checkpoint, deciding after each, until a decision or until nothing is left. */
async function foldNew(
  store: Store,
  experiment: StoredExperiment,
  from: Checkpoint,
): Promise<{ checkpoint: Checkpoint; ruling: Ruling }> {
  const { policy, planShare, promotion } = experiment;
  let { evidence, foldedSeq } = from;
  let ruling: Ruling = { verdict: "continue", reason: "collecting" };
  for (;;) {
    const rows = await store.foldRows({ experimentId: experiment.id, afterSeq: foldedSeq, limit: PAGE });
    for (const row of rows) {
      evidence = fold(evidence, foldInput(row), policy, planShare);
      foldedSeq = row.seq;
      ruling = decide({ policy, planShare, promotion, evidence, isExpired: false });
      if (!isCollecting(ruling)) break;
    }
    if (rows.length < PAGE || !isCollecting(ruling)) break;
    await breathe();
  }
  const moved = foldedSeq !== from.foldedSeq;
  return { checkpoint: moved ? { version: from.version + 1, foldedSeq, evidence } : from, ruling };
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
  readonly ruling: Ruling;
  readonly isExpired: boolean;
}

async function find(context: EngineContext, store: Store, experiment: StoredExperiment): Promise<Finding> {
  const from = await store.checkpoint(experiment.id);
  const isWaiting = experiment.awaitingSeq !== null;
  const folded = isWaiting
    ? { checkpoint: from, ruling: { verdict: "continue", reason: "collecting" } as Ruling }
    : await foldNew(store, experiment, from);
  if (!isCollecting(folded.ruling)) return { experiment, from, ...folded, isExpired: false };
  // The clock is asked last: what had settled before the time ran out still counts.
  const { policy, planShare, promotion } = experiment;
  const expired = isExpired(experiment, context.clock.now());
  const { evidence } = folded.checkpoint;
  const ruling = decide({ policy, planShare, promotion, evidence, isExpired: expired });
  return { experiment, from, checkpoint: folded.checkpoint, ruling, isExpired: expired };
}

async function changeOf(
  context: EngineContext,
  store: Store,
  finding: Finding,
  actor: string,
): Promise<ExperimentChange> {
  const { experiment, from, checkpoint, ruling } = finding;
  const { verdict, reason } = ruling;
  const status = verdict === "continue" ? experiment.status : nextStatus(experiment.status, ENDING[verdict]);
  const atMs = context.clock.now();
  const isDecision = !isCollecting(ruling);
  const audit: AuditEntry = {
    action: AUDIT_ACTION[verdict],
    actor,
    reason,
    details: { sessionCount: checkpoint.evidence.index },
    atMs,
  };
  return {
    experiment,
    status,
    awaitingSeq: reason === "awaiting-approval" ? checkpoint.foldedSeq : null,
    checkpoint: checkpoint === from ? null : { previousVersion: from.version, next: checkpoint },
    decision: isDecision
      ? await decisionRecord(context, store, experiment, ruling, {
          actor,
          isExpired: finding.isExpired,
          checkpoint,
        })
      : null,
    champion: verdict === "promote" ? { configId: experiment.challenger.id, cause: "promoted" } : null,
    audit: isDecision ? audit : null,
    atMs,
  };
}

function resultOf(finding: Finding, changed: boolean): TickResult {
  const { experiment, checkpoint, ruling } = finding;
  const { policy, planShare } = experiment;
  const { evidence } = checkpoint;
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    ...ruling,
    changed,
    sessionCount: evidence.index,
    probabilityBetter: probabilityBetterBy(evidence, policy, 0),
    logSupPromote: evidence.promote.logSup,
    logSupHarm: evidence.harm.logSup,
    chanceOfPromotion: promotionChance(evidence, policy, planShare),
  };
}

/**
 * Folds and decides one running experiment.
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
  const hasNews = finding.checkpoint !== finding.from || !isCollecting(finding.ruling);
  if (options.isDryRun || isWaitingStill || !hasNews) return resultOf(finding, false);
  const isStored = await store.changeExperiment(await changeOf(context, store, finding, options.actor));
  return resultOf(finding, isStored && !isCollecting(finding.ruling));
}
