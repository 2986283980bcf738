/**
 * `simulate`: how often a policy promotes, holds and aborts, on simulated sessions.
 */

import type { PolicyInput, PolicyName } from "../../core/decision/policy.js";
import type { ShareRuleInput } from "../../core/decision/share-rule.js";
import { createSimulation, type Simulation, type SimulationInput } from "../../core/simulation/simulate.js";
import { bestEffect, type Outcomes } from "../../core/simulation/simulated-sessions.js";
import { ownScores } from "../../engine/backtest/own-sessions.js";
import { selectRecorded } from "../../engine/backtest/recorded.js";
import { totalOf } from "../../engine/experiments/experiment-summary.js";
import type { SimulationJob } from "../../engine/simulations.js";
import { withEngine } from "../open.js";
import { simulateInParallel } from "../parallel.js";
import { namedPolicy } from "../policy-flags.js";
import { flagNumber, flagWhole, invalidFlag, numberFrom, readText } from "../settings.js";
import { type PolicyRow, type SimulationReport, simulationText } from "../simulation-views.js";
import type { CommandContext } from "./context.js";

/** Flags of `simulate`, as texts. */
export interface SimulateFlags {
  readonly baseRate: string;
  readonly effect: string;
  readonly share: string;
  readonly horizon?: string;
  readonly runs: string;
  readonly seed: string;
  readonly policy?: string;
  readonly compare?: string;
  readonly alpha?: string;
  readonly tau?: string;
  readonly minUplift?: string;
  readonly drift?: string;
  readonly challengers: string;
  readonly delay: string;
  readonly missing: string;
  readonly file?: string;
  readonly project?: string;
  readonly champion?: string;
  readonly challenger?: string;
  readonly score?: string;
}

const RUNS_MAX = 1e6;

function shareOf(text: string): ShareRuleInput {
  return text === "ramp" || text === "adaptive" ? text : flagNumber("--share", text);
}

function driftOf(text: string | undefined): SimulationInput["drift"] {
  if (text === undefined) return null;
  const [from = "", to = "", ...rest] = text.split("..");
  const [first, last] = [numberFrom(from), numberFrom(to)];
  if (rest.length > 0 || !Number.isFinite(first) || !Number.isFinite(last))
    invalidFlag("--drift", text, "two rates as FROM..TO, e.g. 0.5..0.8");
  return { from: first, to: last };
}

/** `0.05` for every challenger, or `0,0.05`: one each. */
function effectsOf(flags: SimulateFlags): number[] {
  const effects = flags.effect.split(",").map((text) => flagNumber("--effect", text));
  const challengers = flagWhole("--challengers", flags.challengers, 1, 20);
  if (effects.length === 1) return Array(challengers).fill(effects[0]);
  if (challengers !== 1 && challengers !== effects.length)
    invalidFlag("--effect", flags.effect, `one effect, or one for each of ${challengers} challengers`);
  return effects;
}

function recordedOutcomes(flags: SimulateFlags, seed: number): Outcomes | undefined {
  const { file, champion, challenger, score } = flags;
  if (file === undefined) {
    const stray = Object.entries({ champion, challenger, score }).find(([, text]) => text !== undefined);
    if (stray) invalidFlag(`--${stray[0]}`, stray[1] as string, "recorded sessions: give --file too");
    return undefined;
  }
  if (champion === undefined || challenger === undefined || score === undefined)
    invalidFlag("--file", file, "the flags --champion, --challenger and --score beside it");
  if (flags.project !== undefined) invalidFlag("--project", flags.project, "no --file beside it");
  const selection = { champion, challenger, score, order: "file", seed, timeField: "" } as const;
  const arms = selectRecorded(readText(file), selection);
  const scores = [arms.champion, arms.challenger].map((sessions) =>
    sessions.flatMap((session) => (session.score === null ? [] : [session.score])),
  );
  return { kind: "pool", scores };
}

interface NamedPolicy {
  readonly name: string;
  readonly input: PolicyInput;
}

const NAMES: readonly string[] = ["calibrated", "strict", "threshold"] satisfies PolicyName[];

/** A policy as it is called in the table: by its name, or as `given` where it is JSON. */
function named(text: string): NamedPolicy {
  return { name: NAMES.includes(text) ? text : "given", input: namedPolicy(text, {}) };
}

/** `--policy` alone, or the policies of `--compare`, or both side by side. */
function policiesOf({ policy, compare }: SimulateFlags): readonly NamedPolicy[] {
  const isAlone = policy !== undefined && compare === undefined;
  const names = isAlone ? [] : (compare ?? "calibrated,threshold").split(",").map((name) => name.trim());
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) invalidFlag("--compare", unknown, `names out of ${NAMES.join(", ")}`);
  const all = [...(policy === undefined ? [] : [named(policy)]), ...names.map(named)];
  return all.filter(({ name }, index) => all.findIndex((each) => each.name === name) === index);
}

function policyInput(flags: SimulateFlags, { input }: NamedPolicy): PolicyInput {
  const { alpha, tau, minUplift, horizon } = flags;
  return {
    ...input,
    ...(horizon !== undefined && { horizon: flagNumber("--horizon", horizon) }),
    ...(alpha !== undefined && { alpha: flagNumber("--alpha", alpha) }),
    ...(tau !== undefined && { tau: flagNumber("--tau", tau) }),
    ...(minUplift !== undefined && { minUplift: flagNumber("--min-uplift", minUplift) }),
  };
}

/** A simulation under the name of its policy. */
export interface NamedSimulation {
  readonly name: string;
  readonly simulation: Simulation;
}

/**
 * The simulation of each policy, from the flags.
 *
 * @param own scores to be drawn from, where the project's own sessions are resampled
 * @throws DethroneError naming the flag or field
 */
export function simulationsOf(flags: SimulateFlags, own?: Outcomes): readonly NamedSimulation[] {
  const seed = flagWhole("--seed", flags.seed, 0, Number.MAX_SAFE_INTEGER);
  const outcomes = recordedOutcomes(flags, seed) ?? own;
  const input: SimulationInput = {
    baseRate: flagNumber("--base-rate", flags.baseRate),
    effect: effectsOf(flags),
    drift: driftOf(flags.drift),
    delay: flagNumber("--delay", flags.delay),
    missing: flagNumber("--missing", flags.missing),
    share: shareOf(flags.share),
    outcomes,
    seed,
  };
  return policiesOf(flags).map((policy) => ({
    name: policy.name,
    simulation: createSimulation({ ...input, policy: policyInput(flags, policy) }),
  }));
}

/** The same without any difference between the arms. */
export function withoutDifference(simulation: Simulation): Simulation {
  const { world } = simulation;
  const { outcomes } = world;
  const effects = world.effects.map(() => 0);
  if (outcomes.kind !== "pool") return { ...simulation, world: { ...world, effects } };
  const [champion = []] = outcomes.scores;
  const scores = outcomes.scores.map(() => champion);
  return { ...simulation, world: { ...world, effects, outcomes: { kind: "pool", scores } } };
}

/** Whether any challenger is better than minUplift asks for: then its power and the false promotions are two things. */
function hasBetter({ world, policy }: Simulation): boolean {
  return world.effects.some((effect) => bestEffect(world, effect) > policy.minUplift + 1e-12);
}

const rounded = (value: number): number => Number(value.toPrecision(12));

/** Runs the simulations and puts together what `--json` prints. */
export async function simulationReport(
  named: readonly NamedSimulation[],
  runs: number,
  onProgress: (done: number, total: number) => void,
): Promise<SimulationReport> {
  const simulations = named.map(({ simulation }) => simulation);
  const nulls = simulations.filter(hasBetter);
  const jobs: SimulationJob[] = [...simulations, ...nulls.map(withoutDifference)].map((simulation) => ({
    simulation,
    runs,
  }));
  const summaries = await simulateInParallel(jobs, { onProgress });
  const policies = simulations.map((simulation, index): PolicyRow => {
    const summary = summaries[index] as (typeof summaries)[number];
    const place = nulls.indexOf(simulation);
    const without = place < 0 ? summary : (summaries[simulations.length + place] as typeof summary);
    const isNull = simulation.world.effects.every((effect) => effect === 0);
    return {
      policy: (named[index] as NamedSimulation).name,
      ...summary,
      promotedWithoutDifference: place >= 0 || isNull ? without.promoted : null,
    };
  });
  const { world, policy, share, seed } = simulations[0] as Simulation;
  const effects = world.effects.map(rounded);
  const isSame = effects.every((effect) => effect === effects[0]);
  return {
    baseRate: rounded(world.baseRate),
    effect: isSame ? (effects[0] as number) : effects,
    share: share.kind === "fixed" ? share.share : share.kind === "each" ? totalOf(share.shares) : share.kind,
    horizon: policy.horizon,
    runs,
    seed,
    challengers: effects.length,
    drift: world.baseRate === world.endRate ? null : { from: world.baseRate, to: world.endRate },
    delay: world.delay?.champion.success ?? 0,
    missing: world.missing?.champion ?? 0,
    isRecorded: world.outcomes.kind === "pool",
    alpha: policy.alpha,
    minUplift: policy.minUplift,
    policies,
  };
}

/** The scores of a project's own sessions, to be drawn from. */
async function ownOutcomes(context: CommandContext, key: string): Promise<Outcomes> {
  return withEngine(context.url, { mustExist: true }, async ({ store }) => {
    const { champion, challenger } = await ownScores(store, key);
    return { kind: "pool", scores: [champion, challenger] };
  });
}

/** `simulate` */
export async function simulate(context: CommandContext, flags: SimulateFlags): Promise<void> {
  const { output } = context;
  const runs = flagWhole("--runs", flags.runs, 1, RUNS_MAX);
  const own = flags.project === undefined ? undefined : await ownOutcomes(context, flags.project);
  const simulations = simulationsOf(flags, own);
  const progress = output.progress();
  const report = await simulationReport(simulations, runs, (done, total) => progress.update(done, total));
  progress.end();
  const width = process.stdout.columns ?? 80;
  output.result(report, () => simulationText(report, { colors: output.colors, width }));
}
