/**
 * Units whose arm the store has confirmed to this process: their later sessions need not wait for it again.
 *
 * A stored unit never changes its arm while its experiment lasts, so what is remembered cannot be wrong; only which arms
 * are out can change, and that is asked of the state.
 */
import type { ServedExperiment, StoredArm } from "../ports.js";
import { RecentMap } from "../recent-map.js";

/** Units remembered of an experiment; the one not used for longest is forgotten first. */
const CAPACITY = 10_000;

/** Confirmed units of one project's running experiment. */
export class KnownUnits {
  #experiment = "";
  #arms = new RecentMap<string, number>(CAPACITY);

  /** The confirmed arm of a unit; null where it is not known, or out of the contest. */
  armOf(experiment: ServedExperiment, unit: string): StoredArm | null {
    if (experiment.uid !== this.#experiment) return null;
    const id = this.#arms.get(unit);
    if (id === undefined) return null;
    const arm = experiment.arms.find((each) => each.id === id);
    return arm && arm.out === null ? arm : null;
  }

  /** Remembers what the store has said. */
  remember(experiment: ServedExperiment, unit: string, armId: number): void {
    if (experiment.uid !== this.#experiment) {
      this.#experiment = experiment.uid;
      this.#arms = new RecentMap(CAPACITY);
    }
    this.#arms.set(unit, armId);
  }
}
