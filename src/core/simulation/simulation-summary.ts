/**
 * What many simulated experiments have in common: how often they promote, hold and abort, and after how many sessions.
 */
import type { Reason, Verdict } from "../decision/decide.js";
import { DethroneError } from "../errors.js";
import { ENDINGS, type SimulatedRuns, type Simulation } from "./simulate.js";
import { bestEffect } from "./simulated-sessions.js";

/** A summary of runs. Fractions are of all runs. */
export interface SimulationSummary {
  readonly runs: number;
  readonly promoted: number;
  readonly held: number;
  readonly aborted: number;
  /** promoted a challenger that is never better than the champion by more than minUplift */
  readonly promotedWrongly: number;
  /** by reason: `evidence`, `futility`, `horizon`, `harm`, `srm` */
  readonly reasons: Readonly<Partial<Record<Reason, number>>>;
  /** standard errors of the fractions above, from the simulation itself */
  readonly standardErrors: {
    readonly promoted: number;
    readonly held: number;
    readonly aborted: number;
    readonly promotedWrongly: number;
    readonly sessionsMean: number;
  };
  /** sessions assigned by the decision, all arms together */
  readonly sessionsMean: number;
  readonly sessionsMedian: number;
  /** nine runs in ten have decided by then */
  readonly sessionsP90: number;
  /** units folded by the decision: fewer than sessions where scores come late or are missing */
  readonly unitsMean: number;
  /** sessions of all challengers */
  readonly challengerSessionsMean: number;
  /** sessions of arms that are worse than the best one; 0 where all are equal */
  readonly worseArmSessionsMean: number;
  /** mean, over the promotions, of the promoted arm's mean score less the champion's; null without any */
  readonly upliftAtPromotionMean: number | null;
  /** how far the runs are after so many sessions, from 0 to the longest run */
  readonly curve: readonly CurvePoint[];
}

/** Fractions of runs that have ended in each way by so many sessions. */
export interface CurvePoint {
  readonly sessions: number;
  readonly promoted: number;
  readonly held: number;
  readonly aborted: number;
}

const CURVE_STEPS = 60;

/** Standard error of a fraction of so many runs. */
export function standardErrorOf(fraction: number, runs: number): number {
  return Math.sqrt((fraction * (1 - fraction)) / runs);
}

/** The runs of several parts, in order. @throws DethroneError `invariant_violated` unless they are 0, 1, 2 ... */
function joined(parts: readonly SimulatedRuns[]): SimulatedRuns {
  const sorted = [...parts].sort((a, b) => a.from - b.from);
  let next = 0;
  for (const { from, endings } of sorted) {
    if (from !== next) throw new DethroneError("invariant_violated", `Run ${next} is missing or doubled.`);
    next += endings.length;
  }
  const all = <T extends { set(from: ArrayLike<number>, at: number): void }>(
    make: (length: number) => T,
    field: (part: SimulatedRuns) => ArrayLike<number>,
  ): T => {
    const target = make(sorted.reduce((sum, part) => sum + field(part).length, 0));
    let at = 0;
    for (const part of sorted) {
      target.set(field(part), at);
      at += field(part).length;
    }
    return target;
  };
  return {
    from: 0,
    endings: all(
      (length) => new Uint8Array(length),
      ({ endings }) => endings,
    ),
    promoted: all(
      (length) => new Uint8Array(length),
      ({ promoted }) => promoted,
    ),
    units: all(
      (length) => new Int32Array(length),
      ({ units }) => units,
    ),
    armSessions: all(
      (length) => new Int32Array(length),
      ({ armSessions }) => armSessions,
    ),
    uplifts: all(
      (length) => new Float64Array(length),
      ({ uplifts }) => uplifts,
    ),
  };
}

function sumOf(
  values: ArrayLike<number>,
  weigh: (value: number, index: number) => number = (x) => x,
): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += weigh(values[i] as number, i);
  return sum;
}

/** Sessions of each run, over the arms that count. */
function sessionsOf(runs: SimulatedRuns, counts: readonly boolean[]): Int32Array {
  const sessions = new Int32Array(runs.endings.length);
  runs.armSessions.forEach((count, i) => {
    const run = Math.floor(i / counts.length);
    if (counts[i % counts.length]) sessions[run] = (sessions[run] as number) + count;
  });
  return sessions;
}

function median(sorted: Int32Array): number {
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] as number;
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper;
}

/** The arms that are worse than the best one. */
function worseArms({ world }: Simulation): readonly boolean[] {
  const gains = [0, ...world.effects.map((effect) => bestEffect(world, effect))];
  const best = Math.max(...gains);
  return gains.map((gain) => gain < best);
}

/** Arms whose promotion is wrong: never better by more than minUplift. */
function wrongArms({ world, policy }: Simulation): readonly boolean[] {
  // A rate of 0.6 + 0.05 less 0.6 is not quite 0.05.
  const isWrong = (effect: number): boolean => bestEffect(world, effect) <= policy.minUplift + 1e-12;
  return [false, ...world.effects.map(isWrong)];
}

const verdictAt = (runs: SimulatedRuns, index: number): Verdict =>
  (ENDINGS[runs.endings[index] as number] as (typeof ENDINGS)[number]).verdict;

function curveOf(runs: SimulatedRuns, sessions: Int32Array, longest: number): readonly CurvePoint[] {
  const count = sessions.length;
  const tally = Array.from({ length: CURVE_STEPS + 1 }, () => ({
    promote: 0,
    hold: 0,
    abort: 0,
    continue: 0,
  }));
  sessions.forEach((each, index) => {
    const step = Math.ceil((each * CURVE_STEPS) / longest);
    const at = tally[step] as Record<Verdict, number>;
    at[verdictAt(runs, index)] += 1;
  });
  let [promoted, held, aborted] = [0, 0, 0];
  return tally.map(({ promote, hold, abort }, step) => {
    promoted += promote;
    held += hold;
    aborted += abort;
    return {
      sessions: (step * longest) / CURVE_STEPS,
      promoted: promoted / count,
      held: held / count,
      aborted: aborted / count,
    };
  });
}

/**
 * Sums up the runs of a simulation. The result is the same however they were divided into parts.
 *
 * @param parts of `simulateRuns`: together runs 0 to n - 1, n of at least 1, in any order
 * @throws DethroneError `invariant_violated` if a run is missing or there twice
 */
export function summarise(simulation: Simulation, parts: readonly SimulatedRuns[]): SimulationSummary {
  const runs = joined(parts);
  const count = runs.endings.length;
  if (count === 0) throw new DethroneError("invariant_violated", "There is no run to sum up.");
  const arms = simulation.world.effects.map(() => true);
  const sessions = sessionsOf(runs, [true, ...arms]);
  const sorted = sessions.slice().sort();
  const mean = sumOf(sessions) / count;
  const variance = sumOf(sessions, (each) => (each - mean) ** 2) / count;
  const byEnding = ENDINGS.map((_, code) => sumOf(runs.endings, (each) => Number(each === code)) / count);
  const fraction = (verdict: Verdict): number =>
    sumOf(runs.endings, (_, index) => Number(verdictAt(runs, index) === verdict)) / count;
  const wrong = wrongArms(simulation);
  const rates = {
    promoted: fraction("promote"),
    held: fraction("hold"),
    aborted: fraction("abort"),
    promotedWrongly: sumOf(runs.promoted, (arm) => Number(wrong[arm])) / count,
  };
  const errorOf = (rate: number): number => standardErrorOf(rate, count);
  const promotions = sumOf(runs.promoted, (arm) => Number(arm > 0));
  const upliftSum = sumOf(runs.uplifts, (uplift) => (Number.isNaN(uplift) ? 0 : uplift));
  return {
    runs: count,
    ...rates,
    reasons: Object.fromEntries(ENDINGS.map(({ reason }, code) => [reason, byEnding[code]])),
    standardErrors: {
      promoted: errorOf(rates.promoted),
      held: errorOf(rates.held),
      aborted: errorOf(rates.aborted),
      promotedWrongly: errorOf(rates.promotedWrongly),
      sessionsMean: Math.sqrt(variance / count),
    },
    sessionsMean: mean,
    sessionsMedian: median(sorted),
    sessionsP90: sorted[Math.ceil(0.9 * count) - 1] as number,
    unitsMean: sumOf(runs.units) / count,
    challengerSessionsMean: sumOf(sessionsOf(runs, [false, ...arms])) / count,
    worseArmSessionsMean: sumOf(sessionsOf(runs, worseArms(simulation))) / count,
    upliftAtPromotionMean: promotions === 0 ? null : upliftSum / promotions,
    curve: curveOf(runs, sessions, sorted[count - 1] as number),
  };
}
