/**
 * Simulations and plans: bounded in what may be asked, and few at a time, because each takes seconds of a processor.
 */
import type { PolicyInput } from "../core/decision/policy.js";
import { createPolicy } from "../core/decision/policy.js";
import { DethroneError } from "../core/errors.js";
import { createPlan, type Plan, planOf, planSimulations } from "../core/simulation/plan.js";
import { createSimulation, type Simulation } from "../core/simulation/simulate.js";
import type { SimulationSummary } from "../core/simulation/simulation-summary.js";
import type { Engine } from "../engine/engine.js";
import type { SimulationJob, Simulator } from "../engine/simulations.js";
import type { RouteInput, RouteOutput } from "./contract/routes.js";

/** Sessions simulated for one answer, at most: some ten seconds of one processor. */
const SESSIONS_MAX = 2e7;
const AT_ONCE = 2;
const PLAN_RUNS_MIN = 50;
const DEFAULT_PACE = { baseRate: 0.6, sessionsPerDay: 100 };

/** Answers simulations and plans. */
export class Questions {
  readonly #engine: Engine;
  readonly #simulator: Simulator;
  #atWork = 0;

  constructor(engine: Engine, simulator: Simulator) {
    this.#engine = engine;
    this.#simulator = simulator;
  }

  async #simulated(jobs: readonly SimulationJob[], signal: AbortSignal): Promise<SimulationSummary[]> {
    if (this.#atWork >= AT_ONCE) {
      throw new DethroneError(
        "rate_limited",
        "Other simulations are being made; try again in a few seconds.",
        {
          retryAfterS: 5,
        },
      );
    }
    this.#atWork += 1;
    try {
      return await this.#simulator(jobs, { signal });
    } finally {
      this.#atWork -= 1;
    }
  }

  /** @throws DethroneError `input_invalid` where it would take too long, `settings_invalid`, `policy_invalid`, `rate_limited` */
  async simulate(
    body: RouteInput<"simulate">["body"],
    signal: AbortSignal,
  ): Promise<RouteOutput<"simulate">> {
    const { policies = ["calibrated", "threshold"], runs = 1000, alpha, tau, minUplift, ...world } = body;
    const { horizon, ...rest } = world;
    const given = Object.entries({ horizon, alpha, tau, minUplift }).filter(
      ([, value]) => value !== undefined,
    );
    const simulations = policies.map((name) => {
      const policy: PolicyInput = { ...createPolicy(name), ...Object.fromEntries(given) };
      return createSimulation({ ...rest, policy });
    });
    const sessions = simulations.reduce((sum, { policy }) => sum + policy.horizon * runs, 0);
    if (sessions > SESSIONS_MAX) {
      const message = `This would simulate ${sessions} sessions, and at most ${SESSIONS_MAX} are simulated here: ask for fewer runs or a shorter horizon, or use 'dethrone simulate'.`;
      throw new DethroneError("input_invalid", message, { received: sessions, allowed: SESSIONS_MAX });
    }
    const jobs = simulations.map((simulation) => ({ simulation, runs }));
    const summaries = await this.#simulated(jobs, signal);
    const first = simulations[0] as Simulation;
    return {
      baseRate: first.world.baseRate,
      effect: [...first.world.effects],
      share: first.share,
      horizon: first.policy.horizon,
      runs,
      seed: first.seed,
      policies: summaries.map((summary, i) => ({
        ...summary,
        policy: policies[i] as (typeof policies)[number],
      })),
    };
  }

  /** @throws DethroneError `project_not_found`; `input_invalid` where too little is known of it */
  async #paceOf(project: string): Promise<typeof DEFAULT_PACE> {
    const { baseRate, isBaseRateKnown, sessionsPerDay } = await this.#engine.pace(project);
    if (isBaseRateKnown && sessionsPerDay !== null) return { baseRate, sessionsPerDay };
    const message = `Project '${project}' has too few settled sessions in the last 14 days to plan from; give baseRate and sessionsPerDay instead.`;
    throw new DethroneError("input_invalid", message, { project });
  }

  /** @throws DethroneError as {@link simulate} */
  async plan(
    body: RouteInput<"plan">["body"],
    signal: AbortSignal,
  ): Promise<Plan & { readonly runs: number }> {
    const { runs = 500, project, ...rest } = body;
    const pace = project === undefined ? DEFAULT_PACE : await this.#paceOf(project);
    const { baseRate = pace.baseRate, sessionsPerDay = pace.sessionsPerDay } = rest;
    const settings = createPlan({ ...rest, baseRate, sessionsPerDay });
    const simulations = planSimulations(settings);
    const affordable = Math.floor(SESSIONS_MAX / (settings.horizon * simulations.length));
    if (affordable < PLAN_RUNS_MIN) {
      const message = `An experiment of ${settings.horizon} sessions is too long to be simulated here: hope for a larger effect, or use 'dethrone plan'.`;
      throw new DethroneError("input_invalid", message, { received: settings.horizon });
    }
    const used = Math.min(runs, affordable);
    const summaries = await this.#simulated(
      simulations.map((simulation) => ({ simulation, runs: used })),
      signal,
    );
    return { ...planOf(settings, summaries), runs: used };
  }
}
