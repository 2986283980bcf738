/**
 * The life of an experiment: draft -> running <-> paused -> promoted | held | aborted. Ended is final.
 */
import { DethroneError } from "../errors.js";

/** Where an experiment stands. `running` and `paused` occupy the project's one slot. */
export type ExperimentStatus = "draft" | "running" | "paused" | "promoted" | "held" | "aborted";

/** What moves an experiment on. */
export type ExperimentAction = "start" | "pause" | "resume" | "promote" | "hold" | "abort";

const NEXT: Record<
  ExperimentAction,
  { readonly from: readonly ExperimentStatus[]; readonly to: ExperimentStatus }
> = {
  start: { from: ["draft"], to: "running" },
  pause: { from: ["running"], to: "paused" },
  resume: { from: ["paused"], to: "running" },
  promote: { from: ["running", "paused"], to: "promoted" },
  hold: { from: ["running", "paused"], to: "held" },
  abort: { from: ["draft", "running", "paused"], to: "aborted" },
};

/** Whether the experiment has ended, for good. */
export function hasEnded(status: ExperimentStatus): boolean {
  return status === "promoted" || status === "held" || status === "aborted";
}

/** Whether the experiment occupies its project's one slot. */
export function occupiesSlot(status: ExperimentStatus): boolean {
  return status === "running" || status === "paused";
}

/**
 * The status after an action.
 *
 * @throws DethroneError `transition_illegal` naming the status and what is allowed from it
 * @example
 * nextStatus("running", "pause"); // "paused"
 */
export function nextStatus(status: ExperimentStatus, action: ExperimentAction): ExperimentStatus {
  const { from, to } = NEXT[action];
  if (from.includes(status)) return to;
  const allowed = Object.entries(NEXT)
    .filter(([, step]) => step.from.includes(status))
    .map(([name]) => name);
  const hint =
    allowed.length === 0 ? "it has ended, which is final" : `from here one can ${allowed.join(", ")}`;
  throw new DethroneError(
    "transition_illegal",
    `Cannot ${action} an experiment that is ${status}: ${hint}.`,
    {
      status,
      action,
      allowed,
    },
  );
}
