/**
 * Units whose arm the store has confirmed to this process: their later sessions need not wait for it again.
 *
 * A stored unit never changes its arm while its experiment lasts, so what is remembered cannot be wrong; only which arms
 * are out can change, and that is asked of the state.
 */
import type { ServedExperiment, StoredArm } from "../ports.js";

/** Units remembered of an experiment; the one not used for longest is forgotten first. */
const CAPACITY = 10_000;

/** Confirmed units of one project's running experiment. */
export class KnownUnits {
  #experiment = "";
  // A Map remembers the order of insertion.
  #arms = new Map<string, number>();

  /** The confirmed arm of a unit; null where it is not known, or out of the contest. */
  armOf(experiment: ServedExperiment, unit: string): StoredArm | null {
    if (experiment.uid !== this.#experiment) return null;
    const id = this.#arms.get(unit);
    if (id === undefined) return null;
    this.#keep(unit, id);
    const arm = experiment.arms.find((each) => each.id === id);
    return arm && arm.out === null ? arm : null;
  }

  /** Remembers what the store has said. */
  remember(experiment: ServedExperiment, unit: string, armId: number): void {
    if (experiment.uid !== this.#experiment) {
      this.#experiment = experiment.uid;
      this.#arms = new Map();
    }
    this.#keep(unit, armId);
    if (this.#arms.size > CAPACITY) this.#arms.delete(this.#arms.keys().next().value as string);
  }

  #keep(unit: string, id: number): void {
    this.#arms.delete(unit);
    this.#arms.set(unit, id);
  }
}
