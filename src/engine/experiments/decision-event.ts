/**
 * Telling the host of a decision: by its `onDecision` and on Node's diagnostics channel.
 */
import type { OutReason, Reason, Verdict } from "../../core/decision/decide.js";
import type { JsonObject } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { DecisionRecord, StoredExperiment } from "../ports.js";
import { armAt } from "./arms.js";

/** A decision, as told to the process that made it. */
export interface DecisionEvent {
  readonly project: string;
  readonly experiment: string;
  readonly kind: "contest" | "watch";
  /** id of the stored decision */
  readonly decision: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** units folded */
  readonly sessionCount: number;
  /** the champion that the experiment began with */
  readonly champion: { readonly hash: string; readonly config: JsonObject };
  /** the config that is champion from now on, or waits for approval; null where the champion stays */
  readonly promoted: { readonly hash: string; readonly config: JsonObject } | null;
  /** why challengers were out, in the order of their arms; null where none was */
  readonly out: readonly (OutReason | null)[] | null;
  readonly probabilityBetter: number;
  readonly upliftMean: number;
  readonly actor: string;
  readonly note: string | null;
  readonly atMs: number;
}

/** Tells of a decision that is stored. */
export function decided(
  context: EngineContext,
  experiment: StoredExperiment,
  decision: DecisionRecord,
): void {
  const promoted = decision.arm === null ? null : armAt(experiment, decision.arm).config;
  context.decisions.emit({
    project: experiment.projectKey,
    experiment: experiment.uid,
    kind: experiment.kind,
    decision: decision.uid,
    verdict: decision.verdict,
    reason: decision.reason,
    sessionCount: decision.sessionCount,
    champion: { hash: experiment.champion.hash, config: experiment.champion.body },
    promoted: promoted && { hash: promoted.hash, config: promoted.body },
    out: decision.out,
    probabilityBetter: decision.evaluation.probabilityBetter,
    upliftMean: decision.evaluation.upliftMean,
    actor: decision.actor,
    note: decision.note,
    atMs: decision.decidedAtMs,
  });
}
