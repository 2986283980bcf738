/**
 * Metrics beside the score, as the tools tell them.
 */
import { z } from "zod";
import type { Evaluation } from "../../core/decision/evaluation.js";
import { quantity, signedPercent, signedQuantity } from "../../core/words/quantity.js";
import { fraction } from "./shapes.js";

/** A metric of an experiment, for both arms. */
export const metricShape = z.object({
  name: z.string(),
  direction: z.enum(["lower", "higher"]).describe("which way is better"),
  champion: z.string().nullable().describe("typical value, in words"),
  challenger: z.string().nullable(),
  change: z.string().nullable().describe("challenger against champion"),
  probabilityBetter: fraction.nullable(),
});

/** The metrics of an evaluation, in words. */
export function metricsOf({ metrics }: Pick<Evaluation, "metrics">): z.input<typeof metricShape>[] {
  return Object.entries(metrics).map(([name, metric]) => {
    const { kind, champion, challenger, change, scale } = metric;
    const named = { name, kind };
    const told = scale === "ratio" ? signedPercent : (value: number) => signedQuantity(value, named);
    return {
      name,
      direction: metric.direction,
      champion: champion && quantity(champion.typical, named),
      challenger: challenger && quantity(challenger.typical, named),
      change: change === null ? null : told(change),
      probabilityBetter: metric.probabilityBetter,
    };
  });
}
