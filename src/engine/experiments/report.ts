/**
 * One experiment in full: its numbers, where its sessions are, its decision.
 */

import { quantile } from "simple-statistics";
import type { Evaluation } from "../../core/decision/evaluation.js";
import type { Ledger } from "../../core/decision/ledger.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import { shareOf } from "../../core/sessions/assignment.js";
import { DAY_MS } from "../duration.js";
import type { ArmCounts, Revision, Store, StoredDecision, StoredExperiment } from "../ports.js";
import { evaluateExperiment } from "./evaluate-experiment.js";
import { projectLedger } from "./ledger.js";
import { shareRuleOf, termsAt } from "./terms.js";

/** Where an arm's sessions are. */
export interface ArmSessions extends Omit<ArmCounts, "durationsMs"> {
  /** median and 95th percentile of the newest sessions' durations in milliseconds; null without any */
  readonly durationMsP50: number | null;
  readonly durationMsP95: number | null;
}

/** One experiment in full. */
export interface ExperimentReport {
  readonly project: string;
  readonly experiment: string;
  readonly status: StoredExperiment["status"];
  readonly isAwaitingApproval: boolean;
  readonly champion: StoredExperiment["champion"];
  readonly challenger: StoredExperiment["challenger"];
  /** the challenger's share of the sessions to come */
  readonly share: number;
  readonly shareRule: ShareRule;
  /** as it holds for the sessions folded last */
  readonly policy: StoredExperiment["policy"];
  /** changes in flight, oldest first */
  readonly revisions: readonly Revision[];
  readonly promotion: "auto" | "approve";
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly evaluation: Evaluation;
  readonly sessions: readonly ArmSessions[];
  readonly decision: StoredDecision | null;
  /** units folded a day since the start; null before the first */
  readonly unitsPerDay: number | null;
  /** days until the horizon at this pace; null before the first unit, and once ended */
  readonly daysLeft: number | null;
  /** all experiments of the project together */
  readonly ledger: Ledger;
}

function sessionsOf(counts: ArmCounts): ArmSessions {
  const { durationsMs, ...rest } = counts;
  const isEmpty = durationsMs.length === 0;
  return {
    ...rest,
    durationMsP50: isEmpty ? null : quantile([...durationsMs], 0.5),
    durationMsP95: isEmpty ? null : quantile([...durationsMs], 0.95),
  };
}

/** How fast units are folded, and how long the rest takes. */
function paceOf(
  experiment: StoredExperiment,
  sessionCount: number,
  horizon: number,
  nowMs: number,
): Pick<ExperimentReport, "unitsPerDay" | "daysLeft"> {
  const { startedAtMs, endedAtMs } = experiment;
  if (startedAtMs === null || sessionCount === 0) return { unitsPerDay: null, daysLeft: null };
  // At least a minute, so that the first units are not taken for a pace.
  const spanMs = Math.max((endedAtMs ?? nowMs) - startedAtMs, 60_000);
  const unitsPerDay = (sessionCount * DAY_MS) / spanMs;
  const left = Math.max(0, horizon - sessionCount) / unitsPerDay;
  return { unitsPerDay, daysLeft: endedAtMs === null ? left : null };
}

/** The report of an experiment. */
export async function reportOf(
  store: Store,
  experiment: StoredExperiment,
  nowMs: number,
): Promise<ExperimentReport> {
  const decisions = await store.decisions({ experimentId: experiment.id });
  const counts = await store.armCounts(experiment.id);
  const checkpoint = await store.checkpoint(experiment.id);
  const { policy } = termsAt(experiment, checkpoint.foldedSeq);
  const challenger = experiment.arms.find(({ role }) => role === "challenger");
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    status: experiment.status,
    isAwaitingApproval: experiment.awaitingSeq !== null,
    champion: experiment.champion,
    challenger: experiment.challenger,
    share: shareOf(challenger?.bucketCount ?? 0),
    shareRule: shareRuleOf(experiment),
    policy,
    revisions: experiment.revisions,
    promotion: experiment.promotion,
    startedAtMs: experiment.startedAtMs,
    endedAtMs: experiment.endedAtMs,
    evaluation: await evaluateExperiment(store, experiment, { checkpoint }),
    sessions: counts.map(sessionsOf),
    decision: decisions.at(-1) ?? null,
    ...paceOf(experiment, checkpoint.evidence.index, policy.horizon, nowMs),
    ledger: await projectLedger(store, experiment.projectKey),
  };
}
