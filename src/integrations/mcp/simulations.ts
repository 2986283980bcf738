/**
 * Simulations for the tools: bounded, and never on the event loop for longer than an instant.
 */
import { DethroneError } from "../../core/errors.js";
import { type SimulatedRuns, type Simulation, simulateRuns } from "../../core/simulation/simulate.js";
import { type SimulationSummary, summarise } from "../../core/simulation/simulation-summary.js";

/** A simulation and how often to run it. */
export interface SimulationJob {
  readonly simulation: Simulation;
  /** an integer of at least 1 */
  readonly runs: number;
}

/** Runs simulations and sums each of them up, in their order. Rejects once the signal is aborted. */
export type RunSimulations = (
  jobs: readonly SimulationJob[],
  options: { readonly signal: AbortSignal },
) => Promise<SimulationSummary[]>;

/** Sessions that are simulated in one go: some tens of milliseconds. */
const SLICE_SESSIONS = 20_000;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs simulations in this thread, a slice at a time; others have their turn in between. */
export const runInSlices: RunSimulations = async (jobs, { signal }) => {
  const summaries: SimulationSummary[] = [];
  for (const { simulation, runs } of jobs) {
    const size = Math.max(1, Math.floor(SLICE_SESSIONS / simulation.policy.horizon));
    const parts: SimulatedRuns[] = [];
    for (let from = 0; from < runs; from += size) {
      await turn();
      signal.throwIfAborted();
      parts.push(simulateRuns(simulation, from, Math.min(runs, from + size)));
    }
    summaries.push(summarise(simulation, parts));
  }
  return summaries;
};

/** Sessions of a call, all its simulations together: some seconds. */
const SESSIONS_MAX = 1e7;
/** Runs below which a fraction of them says too little. */
const RUNS_MIN = 50;

/**
 * How often each of some simulations can be run.
 *
 * @throws DethroneError `settings_invalid` where that is too seldom to say anything
 */
export function affordableRuns(simulations: readonly Simulation[], wanted: number): number {
  const sessions = simulations.reduce((sum, { policy }) => sum + policy.horizon, 0);
  const affordable = Math.floor(SESSIONS_MAX / sessions);
  if (affordable >= RUNS_MIN) return Math.min(wanted, affordable);
  const horizon = Math.floor(SESSIONS_MAX / RUNS_MIN / simulations.length);
  throw new DethroneError(
    "settings_invalid",
    `This takes too many sessions to be simulated here: at most ${horizon} planned sessions. Ask for a larger effect or share, or use the command line.`,
    { field: "horizon", horizonMax: horizon },
  );
}
