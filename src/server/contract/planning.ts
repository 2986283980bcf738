/**
 * Questions about experiments that do not exist yet: simulations and plans.
 */
import { z } from "zod";
import type { ShareRule, ShareRuleInput } from "../../core/decision/share-rule.js";
import { objectOf, text, unitNumber } from "./schemas.js";

const policyName = z.enum(["calibrated", "strict", "threshold"]);
const seed = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();

/** Experiments to be simulated, under each of some policies. */
export const simulation = z.strictObject({
  baseRate: unitNumber.optional().meta({ description: "the champion's success rate; default 0.6" }),
  effect: z
    .union([z.number(), z.array(z.number()).min(1).max(20)])
    .optional()
    .meta({ description: "by how much each challenger is better; default 0" }),
  drift: z.strictObject({ from: unitNumber, to: unitNumber }).nullable().optional(),
  delay: z.number().min(0).optional().meta({ description: "sessions until a score is known" }),
  missing: unitNumber.optional(),
  share: (
    z.union([
      z.number(),
      z.array(z.number()).max(20),
      z.enum(["ramp", "adaptive"]),
    ]) as z.ZodType<ShareRuleInput>
  ).optional(),
  horizon: z.number().int().min(1).max(100_000).optional().meta({ description: "default 2000" }),
  alpha: z.number().optional(),
  tau: z.number().optional(),
  minUplift: z.number().optional(),
  policies: z
    .array(policyName)
    .min(1)
    .max(3)
    .optional()
    .meta({ description: "default calibrated and threshold" }),
  runs: z.number().int().min(1).max(10_000).optional().meta({ description: "default 1000" }),
  seed,
});

/** How often each policy promotes, holds and aborts. Fractions are of runs. */
export const simulationResult = z.object({
  baseRate: z.number(),
  effect: z.union([z.number(), z.array(z.number())]),
  share: objectOf<ShareRule>("how the shares move"),
  horizon: z.number(),
  runs: z.number(),
  seed: z.number(),
  policies: z.array(
    z.object({
      policy: policyName,
      promoted: z.number(),
      held: z.number(),
      aborted: z.number(),
      promotedWrongly: z.number(),
      sessionsMean: z.number(),
      sessionsMedian: z.number(),
      sessionsP90: z.number(),
      challengerSessionsMean: z.number(),
      curve: z.array(
        z.object({ sessions: z.number(), promoted: z.number(), held: z.number(), aborted: z.number() }),
      ),
    }),
  ),
});

/** What is known of a project and hoped for of a challenger. */
export const plan = z.strictObject({
  project: text
    .optional()
    .meta({ description: "take base rate and traffic from this project's last 14 days" }),
  baseRate: unitNumber.optional(),
  sessionsPerDay: z.number().positive().max(1e9).optional(),
  effect: z.number().optional().meta({ description: "default 0.1" }),
  share: z.number().optional().meta({ description: "default 0.2" }),
  power: z.number().optional().meta({ description: "default 0.8" }),
  alpha: z.number().optional().meta({ description: "default 0.05" }),
  horizon: z.number().int().min(1).max(1e6).optional(),
  withinDays: z.number().positive().max(3650).optional(),
  runs: z.number().int().min(1).max(2000).optional().meta({ description: "default 500" }),
  seed,
});

const planRow = z.object({
  share: z.number(),
  power: z.number(),
  powerError: z.number(),
  daysMean: z.number(),
  daysP90: z.number(),
  sessionsMean: z.number(),
  challengerSessionsMean: z.number(),
});

/** How long an experiment takes, and what it can find. */
export const planResult = planRow.extend({
  baseRate: z.number(),
  effect: z.number(),
  sessionsPerDay: z.number(),
  horizon: z.number(),
  smallestEffect: z.number().nullable(),
  alternatives: z.array(planRow),
  runs: z.number(),
});
