/**
 * How much a tool may simulate: an answer takes seconds.
 */
import { DethroneError } from "../../core/errors.js";
import type { Simulation } from "../../core/simulation/simulate.js";

/** Sessions of a call, all its simulations together. */
const SESSIONS_MAX = 1e7;
/** Runs below which a part of them says too little. */
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
