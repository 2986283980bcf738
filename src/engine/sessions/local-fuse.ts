/**
 * The fuse within one process: what its own sessions say sends all of its traffic to the champion at once, without
 * waiting for a tick. The tick that follows asks the database, which knows every process, and aborts.
 */
import type { Role } from "../../core/decision/evidence.js";
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
  readonly arm: Role;
}

/** Live outcomes of one project's running experiment. */
export class LocalFuse {
  readonly #context: EngineContext;
  readonly #project: string;
  #experiment: string | null = null;
  #isBlown = false;
  /** whether each session failed, by its id: one that is resumed counts once */
  #outcomes: Record<Role, Map<string, boolean>> = { champion: new Map(), challenger: new Map() };

  constructor(context: EngineContext, project: string) {
    this.#context = context;
    this.#project = project;
  }

  /** The state sessions are to be started by: once the fuse has blown here, everyone gets the champion. */
  served(state: ProjectState): ProjectState {
    const isServed = !this.#isBlown || state.experiment?.uid !== this.#experiment;
    return isServed ? state : { ...state, experiment: null };
  }

  /**
   * Counts a session that has ended, or that threw or timed out.
   *
   * @returns the end of the experiment on its way, if the fuse blows by it; it never rejects
   */
  observe(state: ProjectState | null, session: FusedSession, isFailed: boolean): Promise<void> | null {
    const running = state?.experiment;
    const { store } = this.#context;
    if (running?.status !== "running" || session.experiment !== running.uid || !store) return null;
    if (this.#experiment !== running.uid) this.#watch(running.uid);
    const outcomes = this.#outcomes[session.arm];
    outcomes.set(session.id, isFailed || outcomes.get(session.id) === true);
    if (outcomes.size > MEMORY) outcomes.delete(outcomes.keys().next().value as string);
    // Only a failure of the challenger can blow it.
    if (this.#isBlown || !isFailed || session.arm === "champion") return null;
    return this.#blows(running) ? this.#abort(store, running) : null;
  }

  #watch(experiment: string): void {
    this.#experiment = experiment;
    this.#isBlown = false;
    this.#outcomes = { champion: new Map(), challenger: new Map() };
  }

  #blows({ policy: { fuse } }: StoredExperiment): boolean {
    this.#isBlown = fuse !== null && fuseBlown(fuse, this.#countOf("champion"), this.#countOf("challenger"));
    return this.#isBlown;
  }

  #countOf(role: Role): LiveCount {
    const outcomes = [...this.#outcomes[role].values()];
    return { sessions: outcomes.length, errors: outcomes.filter((isFailed) => isFailed).length };
  }

  /** A tick at once: it asks the database, whose live counts know what every process has seen. */
  async #abort(store: Store, { uid }: StoredExperiment): Promise<void> {
    const fields = { project: this.#project, experiment: uid };
    this.#context.logger.error(
      fields,
      "fuse: the challenger fails too often; everyone gets the champion from now on",
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
      if (this.#experiment === uid) this.#watch(uid);
    });
  }
}
