/**
 * A decision with everything it was made from, so that anyone can make it again.
 */
import type { OutReason, Ruling } from "../../core/decision/decide.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import type { EngineContext } from "../context.js";
import type { Checkpoint, DecisionRecord, Store, StoredExperiment } from "../ports.js";
import { outOf } from "./arms.js";
import { evaluateExperiment } from "./evaluate-experiment.js";
import { termsAt } from "./terms.js";

/** What a record is made from besides the ruling. */
interface RecordedBy {
  readonly actor?: string | undefined;
  readonly reason?: string | null;
  readonly isExpired?: boolean;
  readonly live?: readonly LiveCount[] | null;
  /** who was out; default: who is by what is stored */
  readonly out?: readonly (OutReason | null)[] | null;
  /** the evidence it rests on; default: the stored one */
  readonly checkpoint?: Checkpoint;
}

/** The record of a ruling on an experiment. */
export async function decisionRecord(
  context: EngineContext,
  store: Store,
  experiment: StoredExperiment,
  ruling: Pick<Ruling, "verdict" | "reason"> & { readonly arm: number | null },
  by: RecordedBy,
): Promise<DecisionRecord> {
  const checkpoint = by.checkpoint ?? (await store.checkpoint(experiment.id));
  const { evidence, foldedSeq } = checkpoint;
  const { policy, planShares } = termsAt(experiment, foldedSeq);
  const live = by.live ?? null;
  const out = by.out === undefined ? outOf(experiment) : by.out;
  return {
    uid: context.ids.next(),
    isTerminal: ruling.verdict !== "continue",
    verdict: ruling.verdict,
    reason: ruling.reason,
    sessionCount: evidence.index,
    foldedSeq,
    isExpired: by.isExpired ?? false,
    policy,
    planShares,
    promotion: experiment.promotion,
    out,
    arm: ruling.arm,
    live,
    evidence,
    evaluation: await evaluateExperiment(store, experiment, { checkpoint, live, out }),
    engineVersion: context.version,
    actor: by.actor ?? "library",
    note: by.reason ?? null,
    decidedAtMs: context.clock.now(),
  };
}
