/**
 * What the plain rule costs: how often it promotes a challenger that is no different from the champion.
 */
import type { Policy } from "../decision/policy.js";
import type { ShareRule } from "../decision/share-rule.js";
import { createSimulation, simulateRuns } from "./simulate.js";

/** How often a policy promotes where there is nothing to promote. */
export interface FalsePromotion {
  /** part of the simulated experiments that promoted, in [0, 1] */
  readonly rate: number;
  /** simulated experiments; the rate's standard error is sqrt(rate (1 - rate)/runs) */
  readonly runs: number;
  /** planned sessions of each */
  readonly horizon: number;
}

/** The rate still rises beyond, but slowly: it is then a lower bound. */
const HORIZON_MAX = 20_000;
const RUNS_MIN = 100;
const RUNS_MAX = 1000;
/** Folded sessions after which no more runs are made. */
const UNITS_ENOUGH = 300_000;
const BATCH = 50;

/**
 * How often a policy promotes a challenger that is identical to the champion, looked at after every session.
 *
 * @param baseRate success rate of both, in [0, 1]
 * @returns the same for the same input: the seed is fixed
 * @throws DethroneError `settings_invalid`
 *
 * Method: simulation, 100 to 1,000 experiments, within a second; the rate is within 3 to 10 points.
 */
export function falsePromotion(policy: Policy, share: ShareRule, baseRate: number): FalsePromotion {
  const horizon = Math.min(policy.horizon, HORIZON_MAX);
  const simulation = createSimulation({ policy: { ...policy, horizon }, share, baseRate, effect: 0 });
  let promoted = 0;
  let units = 0;
  let runs = 0;
  while (runs < RUNS_MAX && (runs < RUNS_MIN || units < UNITS_ENOUGH)) {
    const batch = simulateRuns(simulation, runs, runs + BATCH);
    runs += BATCH;
    for (const arm of batch.promoted) promoted += arm > 0 ? 1 : 0;
    for (const count of batch.units) units += count;
  }
  return { rate: promoted / runs, runs, horizon };
}
