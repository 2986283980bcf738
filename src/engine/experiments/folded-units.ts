/**
 * The folded units of experiments, as far as reports and charts need them: read in pages, worked on in slices between
 * which the host's timers and requests run, and kept, so that to look again costs what is new.
 */
import { type Breakdown, RunningBreakdown } from "../../core/decision/breakdown.js";
import { type EvaluatedLog, type Evaluation, evaluateInParts } from "../../core/decision/evaluation.js";
import { RunningTrajectory, type Trajectory } from "../../core/decision/trajectory.js";
import { UpliftLog } from "../../core/decision/uplift-log.js";
import { breathe, inParts } from "../breathe.js";
import type { FoldRow, Store, StoredAuditEntry, StoredExperiment } from "../ports.js";
import { foldRowPages } from "./folding.js";
import { startTerms, termsAt } from "./terms.js";

/** Steps of e-processes between two breaths: some 5 milliseconds. */
const STEPS = 15_000;
/** Points of a trajectory between two breaths: some 3 milliseconds. */
const POINTS = 5;

/** Works on a log until it has caught up with its units. */
export async function catchUp(log: UpliftLog): Promise<void> {
  while (!log.work(STEPS)) await breathe();
}

/** The units of one experiment, up to the last one that was asked for. */
class FoldedUnits {
  readonly #log: UpliftLog;
  readonly #breakdown: RunningBreakdown;
  readonly #trajectory: RunningTrajectory;
  #evaluated: { readonly key: string; readonly evaluation: Evaluation } | null = null;
  #unitCount = 0;
  #seq = 0;
  /** revisions that hold by now */
  #revisionCount = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(experiment: StoredExperiment) {
    this.#log = new UpliftLog(startTerms(experiment));
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
  evaluation(key: string, input: Omit<EvaluatedLog, "log">): Promise<Evaluation> {
    return this.#next(async () => {
      if (this.#evaluated?.key === key) return this.#evaluated.evaluation;
      const evaluation = await inParts(evaluateInParts({ ...input, log: this.#log }));
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
      while (!this.#trajectory.work(this.#log, POINTS)) await breathe();
      return this.#trajectory.trajectory(this.#log);
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn;
    return turn;
  }

  async #extend(store: Store, experiment: StoredExperiment, seq: number): Promise<void> {
    if (seq > this.#seq) {
      const options = { withSignals: false, afterSeq: this.#seq };
      for await (const page of foldRowPages(store, experiment.id, seq, options)) {
        for (const row of page) this.#add(row, experiment);
      }
      this.#seq = seq;
    }
    // Also where nothing is new: the one before may have failed in between.
    await catchUp(this.#log);
  }

  #add(row: FoldRow, experiment: StoredExperiment): void {
    this.#revise(row.seq, experiment);
    this.#log.add(row);
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
const COUNT_MAX = 2_000_000;
/** Newest entries of the audit log that are searched for an erasure. */
const ENTRIES = 20;

/** The folded units of a store's experiments, those first that nobody has asked for the longest. */
export class KeptUnits {
  readonly #store: Store;
  readonly #countMax: number;
  readonly #kept = new Map<number, { readonly units: FoldedUnits; readonly auditId: number }>();

  /** @param countMax of all experiments together; the one asked for last is kept whatever its size */
  constructor(store: Store, countMax = COUNT_MAX) {
    this.#store = store;
    this.#countMax = countMax;
  }

  /** See {@link unitsUpTo}. */
  async upTo(experiment: StoredExperiment, seq: number): Promise<FoldedUnits> {
    const entries = await this.#store.auditLog(experiment.projectId, ENTRIES);
    const { id } = experiment;
    const known = this.#kept.get(id);
    const isKept = known !== undefined && !mayHaveErased(entries, known.auditId);
    const units = isKept ? known.units : new FoldedUnits(experiment);
    this.#kept.delete(id);
    this.#kept.set(id, { units, auditId: Math.max(known?.auditId ?? 0, entries[0]?.id ?? 0) });
    await units.upTo(this.#store, experiment, seq);
    this.#dropOldest();
    return units;
  }

  #dropOldest(): void {
    let count = [...this.#kept.values()].reduce((sum, { units }) => sum + units.unitCount, 0);
    for (const [id, { units }] of this.#kept) {
      if (count <= this.#countMax || this.#kept.size === 1) return;
      this.#kept.delete(id);
      count -= units.unitCount;
    }
  }
}

/** Whether a unit may have been forgotten since: what was said of its context must not outlive it here. */
function mayHaveErased(entries: readonly StoredAuditEntry[], sinceId: number): boolean {
  const newer = entries.filter(({ id }) => id > sinceId);
  return newer.length === ENTRIES || newer.some(({ action }) => action === "forgotten");
}

/** A store is opened anew where its database is replaced, so what is kept of it lives as long as it does. */
const ofStores = new WeakMap<Store, KeptUnits>();

/**
 * The folded units of an experiment up to one, or further where another caller has asked for more; caught up.
 *
 * @param seq nothing up to it changes any more: what is folded is settled for good
 */
export function unitsUpTo(store: Store, experiment: StoredExperiment, seq: number): Promise<FoldedUnits> {
  const kept = ofStores.get(store) ?? new KeptUnits(store);
  ofStores.set(store, kept);
  return kept.upTo(experiment, seq);
}

/** How a stored experiment came to where it is. */
export async function trajectoryOf(store: Store, experiment: StoredExperiment): Promise<Trajectory> {
  const { foldedSeq } = await store.checkpoint(experiment.id);
  return (await unitsUpTo(store, experiment, foldedSeq)).trajectory();
}
