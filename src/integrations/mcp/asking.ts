/**
 * Tools that ask what would be: plans and simulations, bounded so that they answer within seconds.
 */
import { z } from "zod";
import { STRICT_POLICY } from "../../core/decision/policy.js";
import { DethroneError } from "../../core/errors.js";
import { createPlan, planOf, planSimulations } from "../../core/simulation/plan.js";
import { createSimulation } from "../../core/simulation/simulate.js";
import { count, percent, plural, signedPoints } from "../../core/words/numbers.js";
import { days } from "../../core/words/quantity.js";
import { DAY_MS, parseDuration } from "../../engine/duration.js";
import type { Engine } from "../../engine/engine.js";
import { projectInput } from "./shapes.js";
import { affordableRuns } from "./simulations.js";
import { tool } from "./tool.js";

/** A project's pace, which has to be known. @throws DethroneError `input_invalid` */
async function knownPace(engine: Engine, project: string) {
  const { isBaseRateKnown, baseRate, sessionsPerDay } = await engine.pace(project);
  if (isBaseRateKnown && sessionsPerDay !== null) return { baseRate, sessionsPerDay };
  throw new DethroneError(
    "input_invalid",
    `Project '${project}' has too few settled sessions in the last 14 days to plan from; give baseRate and sessionsPerDay instead.`,
    { project },
  );
}

/** @throws DethroneError `input_invalid` */
function daysOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms / DAY_MS;
  throw new DethroneError(
    "input_invalid",
    `within must be a duration such as '36h' or '14d'; received '${text}'.`,
    {
      field: "within",
      received: text,
    },
  );
}

const planRow = {
  share: z.number(),
  power: z.number().describe("chance to promote"),
  daysMean: z.number(),
  daysP90: z.number().describe("nine in ten decide by then"),
  challengerSessionsMean: z.number(),
};

const PLAN_RUNS = 400;

/** `plan` */
const plan = tool({
  name: "plan",
  title: "How long an experiment takes",
  description:
    "How long an experiment takes and what it can find, from simulations through the code that decides, at the project's own traffic or a given one; with other shares beside.",
  effect: "reads",
  input: z.object({
    project: projectInput.optional().describe("take success rate and traffic from this project"),
    baseRate: z.number().optional().describe("the champion's success rate; default 0.6"),
    sessionsPerDay: z.number().optional().describe("default 100"),
    effect: z.number().default(0.1).describe("the uplift that is hoped for"),
    share: z.number().default(0.2).describe("the challenger's share"),
    power: z.number().default(0.8).describe("wanted chance to promote"),
    alpha: z.number().default(0.05).describe("highest chance of a false promotion"),
    horizon: z.int().min(1).optional().describe("planned sessions; default: what the power needs"),
    within: z.string().optional().describe("instead of a horizon: time it may take, e.g. 14d"),
  }),
  output: z.object({
    baseRate: z.number(),
    effect: z.number(),
    sessionsPerDay: z.number(),
    horizon: z.number(),
    daysMax: z.number(),
    smallestEffect: z.number().nullable().describe("found with the wanted power"),
    runs: z.number(),
    ...planRow,
    alternatives: z.array(z.object(planRow)),
  }),
  async run({ engine, simulator }, input, signal) {
    const { project, within, horizon, ...rest } = input;
    if (within !== undefined && horizon !== undefined)
      throw new DethroneError("input_invalid", "Give horizon or within, not both.", {
        received: { within, horizon },
      });
    const pace =
      project === undefined ? { baseRate: 0.6, sessionsPerDay: 100 } : await knownPace(engine, project);
    const settings = createPlan({
      ...rest,
      baseRate: rest.baseRate ?? pace.baseRate,
      sessionsPerDay: rest.sessionsPerDay ?? pace.sessionsPerDay,
      horizon,
      withinDays: within === undefined ? undefined : daysOf(within),
    });
    const simulations = planSimulations(settings);
    const runs = affordableRuns(simulations, PLAN_RUNS);
    const jobs = simulations.map((simulation) => ({ simulation, runs }));
    const { alternatives, ...own } = planOf(settings, await simulator(jobs, { signal }));
    const row = (each: typeof own | (typeof alternatives)[number]) => ({
      share: each.share,
      power: each.power,
      daysMean: each.daysMean,
      daysP90: each.daysP90,
      challengerSessionsMean: each.challengerSessionsMean,
    });
    const { baseRate, effect, sessionsPerDay, daysMax, smallestEffect } = own;
    const facts = { baseRate, effect, sessionsPerDay, horizon: own.horizon, daysMax, smallestEffect, runs };
    const text = [
      `A challenger that is ${signedPoints(effect)} better is promoted in ${percent(own.power, 0)} of experiments of ${plural(own.horizon, "planned session")} at a share of ${percent(own.share, 0)}.`,
      `A decision takes ${days(own.daysMean)} on average, ${days(own.daysP90)} in nine of ten, ${days(daysMax)} at most.`,
      ...alternatives.map(
        (each) =>
          `share ${percent(each.share, 0)}: ${percent(each.power, 0)} power, ${days(each.daysMean)} on average`,
      ),
    ];
    return { facts: { ...facts, ...row(own), alternatives: alternatives.map(row) }, text: text.join("\n") };
  },
});

const POLICIES = ["calibrated", "strict", "threshold"] as const;
const SIMULATED_RUNS_MAX = 5000;

/** `simulate` */
const simulate = tool({
  name: "simulate",
  title: "How often a policy is right",
  description:
    "Runs whole experiments on simulated sessions through the code that decides, and tells how often each policy promotes, holds and aborts, and after how many sessions. With an effect of 0 or below, every promotion is a false one.",
  effect: "reads",
  input: z.object({
    baseRate: z.number().default(0.6).describe("the champion's success rate"),
    effect: z.number().default(0).describe("the challenger's rate less the champion's"),
    share: z.union([z.number(), z.enum(["ramp", "adaptive"])]).default(0.2),
    horizon: z.int().min(1).default(2000).describe("planned sessions"),
    runs: z.int().min(1).max(SIMULATED_RUNS_MAX).default(1000).describe("experiments, at most"),
    seed: z.int().min(0).default(1).describe("fixes all draws"),
    policies: z.array(z.enum(POLICIES)).min(1).max(POLICIES.length).default(["calibrated", "threshold"]),
  }),
  output: z.object({
    baseRate: z.number(),
    effect: z.number(),
    horizon: z.number(),
    runs: z.number(),
    seed: z.number(),
    policies: z.array(
      z.object({
        policy: z.enum(POLICIES),
        promoted: z.number(),
        held: z.number(),
        aborted: z.number(),
        promotedWrongly: z.number(),
        sessionsMean: z.number(),
        sessionsMedian: z.number(),
        sessionsP90: z.number(),
        challengerSessionsMean: z.number(),
      }),
    ),
  }),
  async run({ simulator }, { policies, runs: wanted, horizon, ...world }, signal) {
    const simulations = policies.map((name) =>
      createSimulation({
        ...world,
        policy: { ...(name === "strict" ? STRICT_POLICY : { kind: name }), horizon },
      }),
    );
    const runs = affordableRuns(simulations, wanted);
    const summaries = await simulator(
      simulations.map((simulation) => ({ simulation, runs })),
      { signal },
    );
    const rows = summaries.map((summary, index) => ({
      policy: policies[index] as (typeof POLICIES)[number],
      promoted: summary.promoted,
      held: summary.held,
      aborted: summary.aborted,
      promotedWrongly: summary.promotedWrongly,
      sessionsMean: summary.sessionsMean,
      sessionsMedian: summary.sessionsMedian,
      sessionsP90: summary.sessionsP90,
      challengerSessionsMean: summary.challengerSessionsMean,
    }));
    const { baseRate, effect, seed } = world;
    const lines = rows.map(
      ({ policy, promoted, held, aborted, sessionsMean }) =>
        `${policy}: promotes ${percent(promoted)}, holds ${percent(held)}, aborts ${percent(aborted)}; ${count(Math.round(sessionsMean))} sessions on average`,
    );
    const head = `${plural(runs, "experiment")} each, of a challenger with ${signedPoints(effect)} against ${percent(baseRate)}:`;
    return {
      facts: { baseRate, effect, horizon, runs, seed, policies: rows },
      text: [head, ...lines].join("\n"),
    };
  },
});

/** The tools that ask what would be. */
export const ASKING = [plan, simulate];
