/**
 * The fuse within one process: what its own sessions say sends all of its traffic to the champion at once, without
 * waiting for a tick. The tick that follows asks the database, which knows every process, and aborts.
 */
import { fuseBlown, type LiveCount } from "../../core/decision/fuse.js";
import type { EngineContext } from "../context.js";
import { tickExperiment } from "../experiments/tick.js";
import type { ProjectState, Store, StoredExperiment } from "../ports.js";

/** Newest outcomes of each arm that are remembered: a failure that sets in late is seen as fast as an early one. */
const MEMORY = 200;

/** How long the champion serves after a fuse that the database does not confirm: then the challenger has another try. */
const REST_MS = 60_000;

/** Where a session belongs, as far as the fuse is concerned. */
export interface FusedSession {
  readonly id: string;
  readonly experiment: string | null;
  /** of its arm; 0 is the champion's */
  readonly place: number;
}

const isOut = (experiment: StoredExperiment, place: number): boolean =>
  (experiment.arms[place]?.out ?? null) !== null;

/** Live outcomes of one project's running experiment. */
export class LocalFuse {
  readonly #context: EngineContext;
  readonly #project: string;
  #experiment: string | null = null;
  /** the place of the challenger that blew it */
  #blownBy: number | null = null;
  /** by place: whether each session failed, by its id; one that is resumed counts once */
  readonly #outcomes = new Map<number, Map<string, boolean>>();

  constructor(context: EngineContext, project: string) {
    this.#context = context;
    this.#project = project;
  }

  /** The state sessions are to be started by: once the fuse has blown here, everyone gets the champion. */
  served(state: ProjectState): ProjectState {
    const { experiment } = state;
    if (this.#blownBy === null || experiment === null || experiment.uid !== this.#experiment) return state;
    // A challenger that is out by now has been dealt with: the others go on.
    return isOut(experiment, this.#blownBy) ? state : { ...state, experiment: null };
  }

  /**
   * Counts a session that has ended, or that threw or timed out.
   *
   * @returns the end of the challenger on its way, if the fuse blows by it; it never rejects
   */
  observe(state: ProjectState | null, session: FusedSession, isFailed: boolean): Promise<void> | null {
    const running = state?.experiment;
    const { store } = this.#context;
    if (running?.status !== "running" || session.experiment !== running.uid || !store) return null;
    if (this.#experiment !== running.uid) this.#watch(running.uid);
    const outcomes = this.#outcomesOf(session.place);
    outcomes.set(session.id, isFailed || outcomes.get(session.id) === true);
    if (outcomes.size > MEMORY) outcomes.delete(outcomes.keys().next().value as string);
    // Only a failure of a challenger that contends can blow it.
    if (!isFailed || session.place === 0 || isOut(running, session.place)) return null;
    if (this.#blownBy !== null && !isOut(running, this.#blownBy)) return null;
    return this.#blows(running, session.place) ? this.#abort(store, running, session.place) : null;
  }

  #watch(experiment: string): void {
    this.#experiment = experiment;
    this.#blownBy = null;
    this.#outcomes.clear();
  }

  #outcomesOf(place: number): Map<string, boolean> {
    const known = this.#outcomes.get(place);
    if (known) return known;
    const outcomes = new Map<string, boolean>();
    this.#outcomes.set(place, outcomes);
    return outcomes;
  }

  #blows({ policy: { fuse } }: StoredExperiment, place: number): boolean {
    if (fuse === null || !fuseBlown(fuse, this.#countOf(0), this.#countOf(place))) return false;
    this.#blownBy = place;
    return true;
  }

  #countOf(place: number): LiveCount {
    const outcomes = [...this.#outcomesOf(place).values()];
    return { sessions: outcomes.length, errors: outcomes.filter((isFailed) => isFailed).length };
  }

  /** A tick at once: it asks the database, whose live counts know what every process has seen. */
  async #abort(store: Store, { uid }: StoredExperiment, place: number): Promise<void> {
    const fields = { project: this.#project, experiment: uid };
    this.#context.logger.error(
      fields,
      "fuse: a challenger fails too often; everyone gets the champion until that has been dealt with",
    );
    try {
      await store.flush();
      const experiment = (await store.projectState(this.#project))?.experiment;
      // While a promotion waits for a person the fuse ends nothing, but neither is a failing challenger served here.
      if (experiment?.uid === uid && experiment.awaitingSeq !== null) return;
      if (experiment?.status === "running")
        await tickExperiment(this.#context, store, experiment, { isDryRun: false, actor: "fuse" });
    } catch (error) {
      this.#context.fail(null, "the fuse could not end the experiment; the next tick will", error, fields);
    }
    // An experiment that goes on all the same must not lose this process's sessions for good.
    this.#context.clock.after(REST_MS, () => {
      if (this.#experiment === uid && this.#blownBy === place) this.#watch(uid);
    });
  }
}
