/**
 * What the tools' inputs and outputs have in common.
 */
import { z } from "zod";
import type { JsonObject } from "../../core/errors.js";
import { type ConfigChange, diffConfigs } from "../../engine/configs/diff.js";

/** A project's key. */
export const projectInput = z.string().min(1).describe("the project's key, as list_projects gives it");

/** Why something is done by hand. */
export const reasonInput = z.string().min(1).describe("why, for the audit log");

/** A share that is asked for, fixed or by a rule. */
export const shareInput = z.union([z.number(), z.enum(["ramp", "adaptive"])]).optional();

/** A probability or share, in [0, 1]; an output, so no bound that rounding could pass. */
export const fraction = z.number();

/** A JSON object. */
export const jsonObject = z.record(z.string(), z.unknown());

/** A config by its hash, and its label where it has one. */
export const configRef = z.object({ hash: z.string(), label: z.string().nullable() });

/** Evidence as how many times a stake against "no difference" has been multiplied. */
export const evidenceShape = z.object({
  times: z.string().describe('in words, e.g. "3.4x"'),
  needed: z.string().describe("at which it acts"),
  log: z.number().describe("natural logarithm"),
  logNeeded: z.number(),
});

/** Where an experiment stands. */
export const standingShape = z.object({
  experiment: z.string().describe("id"),
  status: z.string().describe("running, paused, awaiting approval, promoted, held, aborted, draft"),
  kind: z.enum(["contest", "watch"]),
  sessionCount: z.number().describe("units that count so far"),
  horizon: z.number().describe("planned units"),
  share: z.number().describe("the challengers' share of the traffic"),
  probabilityBetter: fraction.describe("P(challenger better than champion)"),
  upliftMean: z.number().describe("challenger less champion, of success rate"),
  evidenceBetter: evidenceShape,
  evidenceWorse: evidenceShape,
  chanceOfPromotion: fraction.describe("predicted, by the horizon"),
  unitsPerDay: z.number().nullable(),
  daysLeft: z.number().nullable().describe("at most, at this pace"),
});

/** What one config changes of another. */
export const changesShape = z.array(
  z.object({ path: z.string(), kind: z.string(), before: z.unknown(), after: z.unknown() }),
);

/** What `after` changes of `before`; what is not there is null. */
export function changesOf(before: JsonObject, after: JsonObject): z.input<typeof changesShape> {
  return told(diffConfigs(before, after));
}

/** Changes in the shape of the tools. */
export const told = (changes: readonly ConfigChange[]): z.input<typeof changesShape> =>
  changes.map(({ before = null, after = null, ...change }) => ({ ...change, before, after }));
