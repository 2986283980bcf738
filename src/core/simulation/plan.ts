/**
 * `plan`: how long an experiment will take, how likely it is to find what is hoped for, and what another share buys.
 *
 * Horizon and smallest effect come from the formulas of planning.ts; power and days from simulations through the real
 * decision, which the caller runs: {@link planSimulations}, then {@link planOf} with their summaries.
 */
import { DethroneError } from "../errors.js";
import { horizonFor, smallestEffect } from "./planning.js";
import { createSimulation, HORIZON_MAX, type Simulation } from "./simulate.js";
import { checkSetting, invalidSetting } from "./simulated-sessions.js";
import type { SimulationSummary } from "./simulation-summary.js";

/** What is known and wished for. */
export interface PlanInput {
  /** the champion's success rate, in [0, 1] */
  readonly baseRate: number;
  /** the challenger's rate less the champion's that is hoped for; default 0.1 */
  readonly effect?: number | undefined;
  /** the challenger's share, in [0.01, 0.99]; default 0.2 */
  readonly share?: number | undefined;
  /** sessions of the project in a day, both arms together; above 0 */
  readonly sessionsPerDay: number;
  /** wanted chance to promote a challenger that is this much better, in (0, 1); default 0.8 */
  readonly power?: number | undefined;
  /** level of the promotion, in (0, 1); default 0.05 */
  readonly alpha?: number | undefined;
  /** planned sessions; default: what the wanted power needs by the formula */
  readonly horizon?: number | undefined;
  /** days the experiment may take at most, instead of a horizon */
  readonly withinDays?: number | undefined;
  readonly seed?: number | undefined;
}

/** A plan's settings, complete. */
export interface PlanSettings {
  readonly baseRate: number;
  readonly effect: number;
  readonly share: number;
  readonly sessionsPerDay: number;
  readonly powerWanted: number;
  readonly alpha: number;
  readonly horizon: number;
  /** days until the horizon is reached */
  readonly daysMax: number;
  readonly seed: number;
}

/** What an experiment can be expected to do at one share. */
export interface PlanRow {
  readonly share: number;
  /** chance to promote */
  readonly power: number;
  /** its standard error, from the simulation */
  readonly powerError: number;
  /** days to any decision: on average, and within which nine experiments in ten decide */
  readonly daysMean: number;
  readonly daysP90: number;
  readonly sessionsMean: number;
  readonly challengerSessionsMean: number;
}

/** A plan in numbers. */
export interface Plan extends PlanSettings, PlanRow {
  /** the smallest effect this horizon finds with the wanted power, by the formula; null where there is none */
  readonly smallestEffect: number | null;
  /** the same experiment at other shares, rising; the plan's own among them */
  readonly alternatives: readonly PlanRow[];
}

/** Shares that are shown beside the plan's own. */
const SHARES = [0.05, 0.1, 0.2, 0.3, 0.5] as const;

function fail(message: string, field: string): never {
  throw new DethroneError("settings_invalid", message, { field });
}

function horizonOf(settings: Omit<PlanSettings, "horizon" | "daysMax">, input: PlanInput): number {
  const { baseRate, effect, share, alpha, powerWanted: power } = settings;
  if (input.horizon !== undefined) return input.horizon;
  if (input.withinDays !== undefined)
    return Math.max(1, Math.floor(settings.sessionsPerDay * input.withinDays));
  const horizon = horizonFor({ baseRate, effect, share, alpha, power });
  if (horizon === null)
    fail("A challenger that is no better is never found: give an effect above 0, or a horizon.", "effect");
  if (horizon > HORIZON_MAX)
    fail(`An effect this small takes over ${HORIZON_MAX} sessions: give a larger effect or share.`, "effect");
  return horizon;
}

/**
 * Completes and checks a plan's settings.
 *
 * @throws DethroneError `settings_invalid`, `share_out_of_range`, `policy_invalid`
 */
export function createPlan(input: PlanInput): PlanSettings {
  const { baseRate, effect = 0.1, share = 0.2, sessionsPerDay, seed = 1, alpha = 0.05 } = input;
  const powerWanted = input.power ?? 0.8;
  if (!(sessionsPerDay > 0 && sessionsPerDay <= 1e9))
    invalidSetting("sessionsPerDay", sessionsPerDay, "a number in (0, 1e9]");
  if (input.withinDays !== undefined && !(input.withinDays > 0))
    invalidSetting("withinDays", input.withinDays, "a number above 0");
  checkSetting("power", powerWanted, [0.01, 0.999]);
  // The rest is checked where it is used.
  createSimulation({ baseRate, effect, share, seed, policy: { alpha } });
  if (share === 0) invalidSetting("share", share, "a number in [0.01, 0.99]");
  const settings = { baseRate, effect, share, sessionsPerDay, powerWanted, alpha, seed };
  const horizon = horizonOf(settings, input);
  return { ...settings, horizon, daysMax: horizon / sessionsPerDay };
}

const sharesOf = ({ share }: PlanSettings): readonly number[] =>
  [...new Set([...SHARES, share])].sort((a, b) => a - b);

/** The simulations a plan needs, one for each share that is shown. */
export function planSimulations(settings: PlanSettings): readonly Simulation[] {
  const { baseRate, effect, alpha, horizon, seed } = settings;
  return sharesOf(settings).map((share) =>
    createSimulation({ baseRate, effect, share, seed, policy: { alpha, horizon } }),
  );
}

/** The plan from its settings and the summaries of {@link planSimulations}, in their order. */
export function planOf(settings: PlanSettings, summaries: readonly SimulationSummary[]): Plan {
  const { baseRate, share, horizon, alpha, powerWanted: power, sessionsPerDay } = settings;
  const alternatives = sharesOf(settings).map((each, index): PlanRow => {
    const summary = summaries[index] as SimulationSummary;
    return {
      share: each,
      power: summary.promoted,
      powerError: summary.standardErrors.promoted,
      daysMean: summary.sessionsMean / sessionsPerDay,
      daysP90: summary.sessionsP90 / sessionsPerDay,
      sessionsMean: summary.sessionsMean,
      challengerSessionsMean: summary.challengerSessionsMean,
    };
  });
  const own = alternatives.find((row) => row.share === share) as PlanRow;
  const found = smallestEffect({ baseRate, share, horizon, alpha, power });
  return { ...settings, ...own, smallestEffect: found, alternatives };
}
