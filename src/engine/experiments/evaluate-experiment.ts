/**
 * Every number of a stored experiment.
 */
import { type Evaluation, evaluate } from "../../core/decision/evaluation.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import type { Checkpoint, Store, StoredExperiment } from "../ports.js";
import { allFoldRows } from "./folding.js";
import { foldInput, startTerms, termsAt } from "./terms.js";

/** The numbers of a checkpoint, by default the stored one. */
export async function evaluateExperiment(
  store: Store,
  experiment: StoredExperiment,
  from: { readonly checkpoint?: Checkpoint; readonly live?: readonly LiveCount[] | null } = {},
): Promise<Evaluation> {
  const { evidence, foldedSeq } = from.checkpoint ?? (await store.checkpoint(experiment.id));
  const rows = await allFoldRows(store, experiment.id, foldedSeq);
  const terms = termsAt(experiment, foldedSeq);
  return evaluate({
    ...terms,
    startTerms: startTerms(experiment),
    evidence,
    units: rows.map((row) => foldInput(row, terms.policy)),
    live: from.live ?? null,
  });
}
