/**
 * The fuse within one process: what its own sessions say sends all of its traffic to the champion at once, without
 * waiting for a tick. The tick that follows asks the database, which knows every process, and aborts.
 */
import type { Role } from "../core/decision/evidence.js";
import { fuseBlown, type LiveCount } from "../core/decision/fuse.js";
import type { EngineContext } from "./context.js";
import type { ProjectState, Store, StoredExperiment } from "./ports.js";
import { tickExperiment } from "./tick.js";

/** Newest outcomes of each arm that are remembered: a failure that sets in late is seen as fast as an early one. */
const MEMORY = 200;

/** Where a session belongs, as far as the fuse is concerned. */
export interface FusedSession {
  readonly experiment: string | null;
  readonly arm: Role;
}

/** Live outcomes of one project's running experiment. */
export class LocalFuse {
  readonly #context: EngineContext;
  readonly #project: string;
  #experiment: string | null = null;
  #isBlown = false;
  #outcomes: Record<Role, boolean[]> = { champion: [], challenger: [] };

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
   * Counts a session that has ended, or that threw or timed out; each session is told of once.
   *
   * @returns the end of the experiment on its way, if the fuse blows by it; it never rejects
   */
  observe(state: ProjectState | null, session: FusedSession, isFailed: boolean): Promise<void> | null {
    const running = state?.experiment;
    const { store } = this.#context;
    if (running?.status !== "running" || session.experiment !== running.uid || !store) return null;
    if (this.#experiment !== running.uid) this.#watch(running.uid);
    const outcomes = this.#outcomes[session.arm];
    outcomes.push(isFailed);
    if (outcomes.length > MEMORY) outcomes.shift();
    // Only a failure of the challenger can blow it.
    if (this.#isBlown || !isFailed || session.arm === "champion") return null;
    return this.#blows(running) ? this.#abort(store, running) : null;
  }

  #watch(experiment: string): void {
    this.#experiment = experiment;
    this.#isBlown = false;
    this.#outcomes = { champion: [], challenger: [] };
  }

  #blows({ policy: { fuse } }: StoredExperiment): boolean {
    this.#isBlown = fuse !== null && fuseBlown(fuse, this.#countOf("champion"), this.#countOf("challenger"));
    return this.#isBlown;
  }

  #countOf(role: Role): LiveCount {
    const outcomes = this.#outcomes[role];
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
      if (experiment?.status !== "running") return;
      await tickExperiment(this.#context, store, experiment, { isDryRun: false, actor: "fuse" });
    } catch (error) {
      this.#context.fail(null, "the fuse could not end the experiment; the next tick will", error, fields);
    }
  }
}
