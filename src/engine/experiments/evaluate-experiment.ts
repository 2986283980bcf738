/**
 * Every number of a stored experiment.
 */
import type { OutReason } from "../../core/decision/decide.js";
import { type Evaluation, evaluate } from "../../core/decision/evaluation.js";
import type { FoldInput } from "../../core/decision/evidence.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import type { Checkpoint, Store, StoredExperiment } from "../ports.js";
import { outOf } from "./arms.js";
import { allFoldRows } from "./folding.js";
import { foldInput, startTerms, termsAt } from "./terms.js";

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
  return (await evaluateWithUnits(store, experiment, from)).evaluation;
}

/** The numbers of a checkpoint, with the units they are from. */
export async function evaluateWithUnits(
  store: Store,
  experiment: StoredExperiment,
  from: EvaluatedFrom = {},
): Promise<{ readonly evaluation: Evaluation; readonly units: readonly FoldInput[] }> {
  const { evidence, foldedSeq } = from.checkpoint ?? (await store.checkpoint(experiment.id));
  const rows = await allFoldRows(store, experiment.id, foldedSeq);
  const terms = termsAt(experiment, foldedSeq);
  const units = rows.map((row) => foldInput(row, terms.policy));
  const evaluation = evaluate({
    ...terms,
    startTerms: startTerms(experiment),
    evidence,
    units,
    live: from.live ?? null,
    out: from.out === undefined ? outOf(experiment) : from.out,
  });
  return { evaluation, units };
}
