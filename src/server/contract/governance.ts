/**
 * The log of evaluations, the queue and the budget.
 */
import { z } from "zod";
import { experiment } from "./experiment.js";
import { outline, reason, review, verdict } from "./numbers.js";
import { byHand, flag, nextCursor, page, text, timeMs } from "./schemas.js";

const queryTimeMs = z.coerce.number().int().min(0).max(8.64e15).optional();

/** Which evaluations are listed; all that is given must hold. */
export const evaluationsQuery = page.extend({
  project: text.optional(),
  experiment: text.optional(),
  verdict: verdict.optional(),
  needsReview: flag,
  status: experiment.shape.status.optional().meta({ description: "of the experiment, now" }),
  owner: text.optional(),
  tag: text.optional(),
  sinceMs: queryTimeMs,
  untilMs: queryTimeMs,
  isNewest: flag.meta({ description: "only the newest of each experiment" }),
});

/** A page of evaluations, newest first. */
export const evaluations = z.object({
  evaluations: z.array(
    z.object({
      id: z.number().int(),
      project: z.string(),
      experiment: z.string(),
      status: experiment.shape.status,
      owner: z.string().nullable(),
      tags: z.array(z.string()),
      verdict,
      reason,
      digest: z.string().meta({ description: "SHA-256 of the evidence it is of, in hexadecimal" }),
      foldedSeq: z.number().int(),
      numbers: outline,
      shares: z.array(z.number()).meta({ description: "the challengers', in the order of their arms" }),
      review,
      isTurn: z.boolean().meta({ description: "whether it says something else than the one before" }),
      inHour: z.number().int(),
      actor: z.string(),
      atMs: timeMs,
    }),
  ),
  nextCursor,
});

/** Where a budget of expected false promotions stands. */
const budgetState = z.object({
  limit: z.number(),
  windowMs: z.number().nullable(),
  spent: z.number().meta({ description: "the sum of the levels of the experiments counted" }),
  left: z.number(),
  freesAtMs: timeMs.nullable(),
});

/** What waits in a project, and for what. */
export const queue = z.object({
  experiments: z.array(experiment),
  waitsFor: z.enum(["slot", "budget", "time", "tick"]).nullable(),
  message: z.string().nullable(),
  budget: budgetState.nullable(),
});

/** A place in the queue, from 1; null takes the draft out. */
export const move = byHand.extend({ place: z.number().int().min(1).nullable() });

/** False promotions that may be expected; null for no limit. */
export const budget = byHand.extend({
  limit: z.number().nullable(),
  window: z.string().nullable().optional().meta({ description: "such as 90d; default: all experiments" }),
});
