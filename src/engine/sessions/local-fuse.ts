/**
 * The fuse within one process: what its own sessions say sends all of its traffic to the champion at once, without
 * waiting for a tick. The tick that follows asks the database, which knows every process, and aborts.
 */
import { fuseBlown, type LiveCount } from "../../core/decision/fuse.js";
import type { SessionContext } from "../context.js";
import type { ServedExperiment, ServedState } from "../ports.js";

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

/** Has the experiment of an id looked at by whoever may end it. */
export type AbortByFuse = (experiment: string) => Promise<void>;

const isOut = (experiment: ServedExperiment, place: number): boolean =>
  (experiment.arms[place]?.out ?? null) !== null;

/** Live outcomes of one project's running experiment. */
export class LocalFuse {
  readonly #context: SessionContext;
  readonly #project: string;
  readonly #abort: AbortByFuse;
  #experiment: string | null = null;
  /** the place of the challenger that blew it */
  #blownBy: number | null = null;
  /** by place: whether each session failed, by its id; one that is resumed counts once */
  readonly #outcomes = new Map<number, Map<string, boolean>>();

  constructor(context: SessionContext, project: string, abort: AbortByFuse) {
    this.#context = context;
    this.#project = project;
    this.#abort = abort;
  }

  /** The state sessions are to be started by: once the fuse has blown here, everyone gets the champion. */
  served(state: ServedState): ServedState {
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
  observe(state: ServedState | null, session: FusedSession, isFailed: boolean): Promise<void> | null {
    const running = state?.experiment;
    if (running?.status !== "running" || session.experiment !== running.uid || !this.#context.store)
      return null;
    if (this.#experiment !== running.uid) this.#watch(running.uid);
    const outcomes = this.#outcomesOf(session.place);
    outcomes.set(session.id, isFailed || outcomes.get(session.id) === true);
    if (outcomes.size > MEMORY) outcomes.delete(outcomes.keys().next().value as string);
    // Only a failure of a challenger that contends can blow it.
    if (!isFailed || session.place === 0 || isOut(running, session.place)) return null;
    if (this.#blownBy !== null && !isOut(running, this.#blownBy)) return null;
    return this.#blows(running, session.place) ? this.#blow(running, session.place) : null;
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

  #blows({ policy: { fuse } }: ServedExperiment, place: number): boolean {
    if (fuse === null || !fuseBlown(fuse, this.#countOf(0), this.#countOf(place))) return false;
    this.#blownBy = place;
    return true;
  }

  #countOf(place: number): LiveCount {
    const outcomes = [...this.#outcomesOf(place).values()];
    return { sessions: outcomes.length, errors: outcomes.filter((isFailed) => isFailed).length };
  }

  async #blow({ uid }: ServedExperiment, place: number): Promise<void> {
    const fields = { project: this.#project, experiment: uid };
    this.#context.logger.error(
      fields,
      "fuse: a challenger fails too often; everyone gets the champion until that has been dealt with",
    );
    try {
      await this.#abort(uid);
    } catch (error) {
      this.#context.fail(null, "the fuse could not end the experiment; the next tick will", error, fields);
    }
    // An experiment that goes on all the same must not lose this process's sessions for good.
    this.#context.clock.after(REST_MS, () => {
      if (this.#experiment === uid && this.#blownBy === place) this.#watch(uid);
    });
  }
}
