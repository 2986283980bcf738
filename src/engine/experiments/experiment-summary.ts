import type { ExperimentStatus } from "../../core/decision/life-cycle.js";
import type { Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { StoredExperiment } from "../ports.js";

/** An experiment as the host sees it. */
export interface ExperimentSummary {
  readonly id: string;
  readonly status: ExperimentStatus;
  readonly champion: JsonObject;
  readonly challenger: JsonObject;
  /** the challenger's share as planned; the average of a share that moves */
  readonly share: number;
  /** how the share moves, as at the start */
  readonly shareRule: ShareRule;
  readonly policy: Policy;
  readonly isAwaitingApproval: boolean;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** The host's view of a stored experiment. */
export function summaryOf(experiment: StoredExperiment): ExperimentSummary {
  return {
    id: experiment.uid,
    status: experiment.status,
    champion: experiment.champion.body,
    challenger: experiment.challenger.body,
    share: experiment.planShare,
    shareRule: experiment.shareRule,
    policy: experiment.policy,
    isAwaitingApproval: experiment.awaitingSeq !== null,
    startedAtMs: experiment.startedAtMs,
    endedAtMs: experiment.endedAtMs,
  };
}
