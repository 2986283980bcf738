/**
 * One experiment in full: its numbers, where its sessions are, its decision.
 */
import { quantile } from "simple-statistics";
import type { Evaluation } from "../core/evaluation.js";
import { evaluateExperiment } from "./evaluate-experiment.js";
import type { ArmCounts, Store, StoredDecision, StoredExperiment } from "./ports.js";

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
  readonly share: number;
  readonly policy: StoredExperiment["policy"];
  readonly promotion: "auto" | "approve";
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly evaluation: Evaluation;
  readonly sessions: readonly ArmSessions[];
  readonly decision: StoredDecision | null;
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

/** The report of an experiment. */
export async function reportOf(store: Store, experiment: StoredExperiment): Promise<ExperimentReport> {
  const decisions = await store.decisions({ experimentId: experiment.id });
  const counts = await store.armCounts(experiment.id);
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    status: experiment.status,
    isAwaitingApproval: experiment.awaitingSeq !== null,
    champion: experiment.champion,
    challenger: experiment.challenger,
    share: experiment.planShare,
    policy: experiment.policy,
    promotion: experiment.promotion,
    startedAtMs: experiment.startedAtMs,
    endedAtMs: experiment.endedAtMs,
    evaluation: await evaluateExperiment(store, experiment),
    sessions: counts.map(sessionsOf),
    decision: decisions.at(-1) ?? null,
  };
}
