/**
 * Folds an experiment from zero, page by page, and compares with what is stored.
 */

import { breathe } from "../breathe.js";
import { ExperimentFolding, foldRowPages } from "../experiments/folding.js";
import { differencesOf, plain } from "../experiments/verify.js";
import type { FoldRow, Store, StoredExperiment } from "../ports.js";
import { CHAIN_START, chainAfter } from "./chain.js";

/** What folding an experiment from zero gave. */
export interface EvidenceCheck {
  readonly project: string;
  readonly experiment: string;
  readonly unitCount: number;
  readonly isEqual: boolean;
  /** the first differences, as `path: stored -> folded`; empty when equal */
  readonly differences: readonly string[];
  /** whether it was folded from its archive, its sessions being deleted */
  readonly isArchived: boolean;
}

/** The pages of an archive, whether or not it stands for the sessions already. */
async function* archivePages(store: Store, experimentId: number): AsyncGenerator<readonly FoldRow[]> {
  let afterSeq = 0;
  for (;;) {
    const page = await store.upkeep.archivedRows(experimentId, afterSeq);
    if (page.length === 0) return;
    yield page;
    afterSeq = page.at(-1)?.seq ?? afterSeq;
  }
}

/**
 * Folds from zero and compares with the checkpoint, bit for bit; an archive's chain of hashes too.
 *
 * @param fromArchive fold what is archived so far, even where the sessions are still there
 */
export async function checkEvidence(
  store: Store,
  experiment: StoredExperiment,
  options: { readonly fromArchive?: boolean } = {},
): Promise<EvidenceCheck> {
  const { foldedSeq, evidence } = await store.checkpoint(experiment.id);
  const archive = await store.upkeep.archive(experiment.id);
  const isArchived = archive !== null && (options.fromArchive === true || archive.sealedAtMs !== null);
  const pages = isArchived
    ? archivePages(store, experiment.id)
    : foldRowPages(store, experiment.id, foldedSeq, { withSignals: true });
  const folding = new ExperimentFolding(experiment);
  let hash = CHAIN_START;
  let unitCount = 0;
  for await (const page of pages) {
    for (const row of page) if (row.seq <= foldedSeq) folding.add(row);
    unitCount += page.length;
    if (isArchived) hash = chainAfter(hash, page);
    await breathe();
  }
  const [stored, folded] = [plain(evidence), plain(folding.evidence)];
  // Both ways, so that what only one of them has is found as well.
  const differences = [
    ...differencesOf(stored, folded, true, ""),
    ...differencesOf(folded, stored, true, "").map((line) => `folded ${line}`),
  ];
  if (isArchived && hash !== archive.hash) differences.unshift("archive: its chain of hashes is broken");
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    unitCount,
    isEqual: differences.length === 0,
    differences: differences.slice(0, 5),
    isArchived,
  };
}
