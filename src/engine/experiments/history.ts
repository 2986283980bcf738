/**
 * The folded units of experiments, as far as reports and charts need them: read in pages, worked on in slices between
 * which the host's timers and requests run, and kept, so that to look again costs what is new.
 */
import { RunningTrajectory, type Trajectory } from "../../core/decision/trajectory.js";
import { UnitHistory } from "../../core/decision/unit-history.js";
import { breathe } from "../breathe.js";
import type { FoldRow, Store, StoredExperiment } from "../ports.js";
import { foldRowPages } from "./folding.js";
import { startTerms, termsAt } from "./terms.js";

/** Steps of e-processes between two breaths: some 5 milliseconds. */
const STEPS = 15_000;
/** Points of a trajectory between two breaths: some 5 milliseconds. */
const POINTS = 10;

/** Works on a history until it has caught up with its units. */
export async function catchUp(units: UnitHistory): Promise<void> {
  while (!units.work(STEPS)) await breathe();
}

/** The units of one experiment, up to the last one that was asked for. */
export class ExperimentHistory {
  readonly units: UnitHistory;
  readonly #trajectory: RunningTrajectory;
  #seq = 0;
  /** revisions that hold by now */
  #revisionCount = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(experiment: StoredExperiment) {
    this.units = new UnitHistory(startTerms(experiment));
    this.#trajectory = new RunningTrajectory(startTerms(experiment));
  }

  /** Goes on to the unit of this sequence, unless it is there or further; one caller after the other. */
  upTo(store: Store, experiment: StoredExperiment, seq: number): Promise<void> {
    return this.#next(() => this.#extend(store, experiment, seq));
  }

  /** How the experiment came to where it is, of all units so far. */
  trajectory(): Promise<Trajectory> {
    return this.#next(async () => {
      while (!this.#trajectory.work(this.units, POINTS)) await breathe();
      return this.#trajectory.trajectory(this.units);
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
    await catchUp(this.units);
  }

  #add(row: FoldRow, experiment: StoredExperiment): void {
    const { seq, arm, shares, score, startedAtMs } = row;
    this.#revise(seq, experiment);
    const unit = { seq, arm, shares, score, startedAtMs };
    this.units.add(unit);
    this.#trajectory.add(unit);
    // Row by row, so that a page that fails to come is asked for from where this one ended.
    this.#seq = seq;
  }

  /** Takes the revisions that hold from this sequence on. */
  #revise(seq: number, experiment: StoredExperiment): void {
    const { length } = experiment.revisions.filter(({ fromSeq }) => fromSeq <= seq);
    if (length === this.#revisionCount) return;
    this.#revisionCount = length;
    this.#trajectory.setTerms(termsAt(experiment, seq));
  }
}

/** Experiments whose histories are kept. */
const KEPT = 16;

/** A store is opened anew when its database is replaced, so what is kept of it lives as long as it does. */
const kept = new WeakMap<Store, Map<number, ExperimentHistory>>();

/** The history of an experiment, up to a unit or further. */
export async function historyUpTo(
  store: Store,
  experiment: StoredExperiment,
  seq: number,
): Promise<ExperimentHistory> {
  const histories = kept.get(store) ?? new Map<number, ExperimentHistory>();
  kept.set(store, histories);
  const history = histories.get(experiment.id) ?? new ExperimentHistory(experiment);
  // The newest one last, so that the first is the one that nobody has asked for the longest.
  histories.delete(experiment.id);
  histories.set(experiment.id, history);
  const [oldest] = histories.keys();
  if (histories.size > KEPT) histories.delete(oldest as number);
  await history.upTo(store, experiment, seq);
  return history;
}

/** How a stored experiment came to where it is. */
export async function trajectoryOf(store: Store, experiment: StoredExperiment): Promise<Trajectory> {
  const { foldedSeq } = await store.checkpoint(experiment.id);
  return (await historyUpTo(store, experiment, foldedSeq)).trajectory();
}
