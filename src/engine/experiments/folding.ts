/**
 * Folds stored sessions into evidence, under the terms each was assigned under.
 */
import { type Evidence, emptyEvidence, type FoldInput, Folding } from "../../core/decision/evidence.js";
import type { Terms } from "../../core/decision/terms.js";
import { breathe } from "../breathe.js";
import type { FoldRow, Store, StoredExperiment } from "../ports.js";
import { foldInput, startTerms, termsAt } from "./terms.js";

/** Rows between two breaths: some 5 milliseconds. */
const PAGE = 250;

interface FoldRowOptions {
  readonly withSignals: boolean;
  /** only rows after this one; default: all */
  readonly afterSeq?: number;
}

/**
 * All folded units of an experiment, in assignment order, some hundred at a time; from its archive, where its sessions
 * are deleted.
 */
export async function* foldRowPages(
  store: Store,
  experimentId: number,
  untilSeq: number,
  { withSignals, afterSeq: fromSeq = 0 }: FoldRowOptions,
): AsyncGenerator<readonly FoldRow[]> {
  const isArchived = async (): Promise<boolean> =>
    ((await store.upkeep.archive(experimentId))?.sealedAtMs ?? null) !== null;
  let afterSeq = fromSeq;
  let isInArchive = await isArchived();
  for (;;) {
    const page = isInArchive
      ? await store.upkeep.archivedRows(experimentId, afterSeq)
      : await store.foldRows({ experimentId, afterSeq, untilSeq, limit: PAGE, withSignals });
    // Asked afterwards: what was read before the archive was sealed is whole, what was read later may not be.
    if (!isInArchive && (await isArchived())) {
      isInArchive = true;
      continue;
    }
    const within = page.filter(({ seq }) => seq <= untilSeq);
    if (within.length > 0) yield isInArchive && !withSignals ? within.map(withoutSignals) : within;
    const isLast = isInArchive ? page.length === 0 || within.length < page.length : page.length < PAGE;
    if (isLast) return;
    await breathe();
    afterSeq = page.at(-1)?.seq ?? afterSeq;
  }
}

const withoutSignals = (row: FoldRow): FoldRow => ({ ...row, signals: [] });

/** Evidence on its way, row by row; the terms follow the revisions. */
export class ExperimentFolding {
  readonly #experiment: StoredExperiment;
  readonly #folding: Folding;
  #terms: Terms;
  /** revisions that hold by now */
  #revisionCount = 0;

  /**
   * @param from evidence to go on from, and the sequence it is folded up to; default: from zero
   */
  constructor(
    experiment: StoredExperiment,
    from?: { readonly evidence: Evidence; readonly foldedSeq: number },
  ) {
    this.#experiment = experiment;
    this.#terms = termsAt(experiment, from?.foldedSeq ?? 0);
    this.#folding = new Folding(from?.evidence ?? emptyEvidence(startTerms(experiment)), this.#terms);
  }

  /** The terms of the newest unit folded. */
  get terms(): Terms {
    return this.#terms;
  }

  /** The evidence so far; it changes with the next unit. */
  get evidence(): Evidence {
    return this.#folding.evidence;
  }

  /** Folds one row; returns it as the core took it. */
  add(row: FoldRow): FoldInput {
    this.#revise(row.seq);
    const unit = foldInput(row, this.#terms.policy);
    this.#folding.add(unit);
    return unit;
  }

  /** Takes the revisions that hold from this sequence on; each holds from a later one than those before it. */
  #revise(seq: number): void {
    const { revisions } = this.#experiment;
    const before = this.#revisionCount;
    while ((revisions[this.#revisionCount]?.fromSeq ?? Number.POSITIVE_INFINITY) <= seq)
      this.#revisionCount += 1;
    if (this.#revisionCount === before) return;
    this.#terms = termsAt(this.#experiment, seq);
    this.#folding.setTerms(this.#terms);
  }
}
