/**
 * Every number of a stored experiment.
 */
import type { OutReason } from "../../core/decision/decide.js";
import type { Evaluation } from "../../core/decision/evaluation.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import type { Checkpoint, Store, StoredExperiment } from "../ports.js";
import { outOf } from "./arms.js";
import { unitsUpTo } from "./folded-units.js";
import { termsAt } from "./terms.js";

/** What is evaluated, where it is not as stored. */
interface EvaluatedFrom {
  readonly checkpoint?: Checkpoint;
  readonly live?: readonly LiveCount[] | null;
  readonly out?: readonly (OutReason | null)[] | null;
}

/** The numbers of a checkpoint, by default the stored one. */
export async function evaluateExperiment(
  store: Store,
  experiment: StoredExperiment,
  from: EvaluatedFrom = {},
): Promise<Evaluation> {
  const { evidence, foldedSeq, version } = from.checkpoint ?? (await store.checkpoint(experiment.id));
  const terms = termsAt(experiment, foldedSeq);
  const { live = null, out = outOf(experiment) } = from;
  const units = await unitsUpTo(store, experiment, foldedSeq);
  const key = JSON.stringify([version, foldedSeq, terms, live, out]);
  return units.evaluation(key, { ...terms, evidence, live, out });
}
