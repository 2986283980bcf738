/**
 * The folded units of experiments, as far as reports and charts need them: read in pages, worked on in slices between
 * which the host's timers and requests run, and kept, so that to look again costs what is new.
 */
import { type Breakdown, RunningBreakdown } from "../../core/decision/breakdown.js";
import { type EvaluatedHistory, type Evaluation, evaluateInParts } from "../../core/decision/evaluation.js";
import { RunningTrajectory, type Trajectory } from "../../core/decision/trajectory.js";
import { UnitHistory } from "../../core/decision/unit-history.js";
import { breathe, inParts } from "../breathe.js";
import type { FoldRow, Store, StoredAuditEntry, StoredExperiment } from "../ports.js";
import { foldRowPages } from "./folding.js";
import { startTerms, termsAt } from "./terms.js";

/** Steps of e-processes between two breaths: some 5 milliseconds. */
const STEPS = 15_000;
/** Points of a trajectory between two breaths: some 3 milliseconds. */
const POINTS = 5;

/** Works on a history until it has caught up with its units. */
export async function catchUp(units: UnitHistory): Promise<void> {
  while (!units.work(STEPS)) await breathe();
}

/** The units of one experiment, up to the last one that was asked for. */
class ExperimentHistory {
  readonly #units: UnitHistory;
  readonly #breakdown: RunningBreakdown;
  readonly #trajectory: RunningTrajectory;
  #evaluated: { readonly key: string; readonly evaluation: Evaluation } | null = null;
  #unitCount = 0;
  #seq = 0;
  /** revisions that hold by now */
  #revisionCount = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(experiment: StoredExperiment) {
    this.#units = new UnitHistory(startTerms(experiment));
    this.#breakdown = new RunningBreakdown(experiment.arms.length);
    this.#trajectory = new RunningTrajectory(startTerms(experiment));
  }

  get unitCount(): number {
    return this.#unitCount;
  }

  /** Goes on to the unit of this sequence, unless it is there or further; one caller after the other. */
  upTo(store: Store, experiment: StoredExperiment, seq: number): Promise<void> {
    return this.#next(() => this.#extend(store, experiment, seq));
  }

  /**
   * Every number of some evidence, worked out once.
   *
   * @param key the same for the same input, and for no other
   */
  evaluation(key: string, input: Omit<EvaluatedHistory, "history">): Promise<Evaluation> {
    return this.#next(async () => {
      if (this.#evaluated?.key === key) return this.#evaluated.evaluation;
      const evaluation = await inParts(evaluateInParts({ ...input, history: this.#units }));
      this.#evaluated = { key, evaluation };
      return evaluation;
    });
  }

  /** The scores by the contexts' attributes, of all units so far. */
  breakdown(): readonly Breakdown[] {
    return this.#breakdown.breakdown();
  }

  /** How the experiment came to where it is, of all units so far. */
  trajectory(): Promise<Trajectory> {
    return this.#next(async () => {
      while (!this.#trajectory.work(this.#units, POINTS)) await breathe();
      return this.#trajectory.trajectory(this.#units);
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn;
    return turn;
  }

  async #extend(store: Store, experiment: StoredExperiment, seq: number): Promise<void> {
    if (seq <= this.#seq) return;
    const options = { withSignals: false, afterSeq: this.#seq };
    for await (const page of foldRowPages(store, experiment.id, seq, options)) {
      for (const row of page) this.#add(row, experiment);
    }
    this.#seq = seq;
    await catchUp(this.#units);
  }

  #add(row: FoldRow, experiment: StoredExperiment): void {
    this.#revise(row.seq, experiment);
    this.#units.add(row);
    this.#breakdown.add(row);
    this.#trajectory.add(row);
    this.#unitCount += 1;
    // Row by row, so that where a page fails to come, the next caller asks for it and for no row twice.
    this.#seq = row.seq;
  }

  /** Takes the revisions that hold from this sequence on. */
  #revise(seq: number, experiment: StoredExperiment): void {
    const { length } = experiment.revisions.filter(({ fromSeq }) => fromSeq <= seq);
    if (length === this.#revisionCount) return;
    this.#revisionCount = length;
    this.#trajectory.setTerms(termsAt(experiment, seq));
  }
}

/** Units that are kept of all experiments together; 17 to 34 bytes each. */
const UNITS_KEPT = 2_000_000;
/** Newest entries of the audit log that are searched for an erasure. */
const ENTRIES = 20;

/** Histories of a store, the one nobody has asked for the longest first. */
export class Histories {
  readonly #store: Store;
  readonly #unitsKept: number;
  readonly #kept = new Map<number, { readonly history: ExperimentHistory; readonly auditId: number }>();

  /** @param unitsKept of all experiments together; the one asked for last is kept whatever its size */
  constructor(store: Store, unitsKept = UNITS_KEPT) {
    this.#store = store;
    this.#unitsKept = unitsKept;
  }

  /** See {@link historyUpTo}. */
  async upTo(experiment: StoredExperiment, seq: number): Promise<ExperimentHistory> {
    const entries = await this.#store.auditLog(experiment.projectId, ENTRIES);
    const { id } = experiment;
    const known = this.#kept.get(id);
    const isKept = known !== undefined && !mayHaveErased(entries, known.auditId);
    const history = isKept ? known.history : new ExperimentHistory(experiment);
    this.#kept.delete(id);
    this.#kept.set(id, { history, auditId: Math.max(known?.auditId ?? 0, entries[0]?.id ?? 0) });
    await history.upTo(this.#store, experiment, seq);
    this.#dropOldest();
    return history;
  }

  #dropOldest(): void {
    let units = [...this.#kept.values()].reduce((sum, { history }) => sum + history.unitCount, 0);
    for (const [id, { history }] of this.#kept) {
      if (units <= this.#unitsKept || this.#kept.size === 1) return;
      this.#kept.delete(id);
      units -= history.unitCount;
    }
  }
}

/** Whether a unit may have been forgotten since: what was said of its context must not outlive it here. */
function mayHaveErased(entries: readonly StoredAuditEntry[], sinceId: number): boolean {
  const newer = entries.filter(({ id }) => id > sinceId);
  return newer.length === ENTRIES || newer.some(({ action }) => action === "forgotten");
}

/** A store is opened anew where its database is replaced, so what is kept of it lives as long as it does. */
const ofStores = new WeakMap<Store, Histories>();

/**
 * The history of an experiment up to a unit, or further where another caller has asked for more; caught up.
 *
 * @param seq nothing up to it changes any more: what is folded is settled for good
 */
export function historyUpTo(
  store: Store,
  experiment: StoredExperiment,
  seq: number,
): Promise<ExperimentHistory> {
  const histories = ofStores.get(store) ?? new Histories(store);
  ofStores.set(store, histories);
  return histories.upTo(experiment, seq);
}

/** How a stored experiment came to where it is. */
export async function trajectoryOf(store: Store, experiment: StoredExperiment): Promise<Trajectory> {
  const { foldedSeq } = await store.checkpoint(experiment.id);
  return (await historyUpTo(store, experiment, foldedSeq)).trajectory();
}
