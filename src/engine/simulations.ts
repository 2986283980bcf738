/**
 * Simulations beside other work: on whatever threads the host has, by default on this one, a slice at a time.
 */
import { type SimulatedRuns, type Simulation, simulateRuns } from "../core/simulation/simulate.js";
import { type SimulationSummary, summarise } from "../core/simulation/simulation-summary.js";
import { breathe } from "./breathe.js";

/** A simulation and how often to run it. */
export interface SimulationJob {
  readonly simulation: Simulation;
  /** an integer of at least 1 */
  readonly runs: number;
}

/** Runs simulations, each summed up, in the order of the jobs; rejects once the signal is aborted. */
export type Simulator = (
  jobs: readonly SimulationJob[],
  options: { readonly signal: AbortSignal },
) => Promise<SimulationSummary[]>;

/** Sessions simulated before others have their turn: some 20 ms. */
const SLICE_SESSIONS = 20_000;

/** Simulates on this thread, a slice at a time. */
export const simulateInSlices: Simulator = async (jobs, { signal }) => {
  const summaries: SimulationSummary[] = [];
  for (const { simulation, runs } of jobs) {
    const step = Math.max(1, Math.floor(SLICE_SESSIONS / simulation.policy.horizon));
    const parts: SimulatedRuns[] = [];
    for (let from = 0; from < runs; from += step) {
      signal.throwIfAborted();
      parts.push(simulateRuns(simulation, from, Math.min(runs, from + step)));
      await breathe();
    }
    summaries.push(summarise(simulation, parts));
  }
  return summaries;
};
