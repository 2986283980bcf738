/**
 * The order in which queued drafts start.
 */
import type { StoredExperiment } from "../ports.js";

/** Whether a draft waits its turn. */
export function isQueued({
  status,
  queuePosition,
}: Pick<StoredExperiment, "status" | "queuePosition">): boolean {
  return status === "draft" && queuePosition !== null;
}

/** The drafts that wait their turn, the next one first; of equal positions the older one. */
export function queueOf(experiments: readonly StoredExperiment[]): StoredExperiment[] {
  return experiments
    .filter(isQueued)
    .sort((left, right) => (left.queuePosition ?? 0) - (right.queuePosition ?? 0) || left.id - right.id);
}
