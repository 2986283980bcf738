/**
 * Guardrails as people read them.
 */
import type { GuardrailEvaluation } from "../decision/evaluation.js";
import { type MetricPolicy, metricPolicy, type Policy } from "../decision/policy.js";
import { magnitude } from "./quantity.js";

/** A guardrail's metric with its segment. */
export function segmentText({ metric, where }: Pick<GuardrailEvaluation, "metric" | "where">): string {
  const fields = Object.entries(where ?? {}).map(([field, value]) => `${field}=${String(value)}`);
  return [metric, ...fields].join(" ");
}

/** How much worse a guardrail lets the challenger be: "10 % worse", "2 points worse", "no worse", "5 % better". */
export function marginText(margin: number, kind: MetricPolicy["kind"]): string {
  if (margin === 0) return "no worse";
  const size = Math.abs(margin);
  const hundredths = Number((100 * size).toPrecision(3));
  const amount =
    kind === "binary" ? `${hundredths} points` : kind === "real" ? magnitude(size) : `${hundredths} %`;
  return `${amount} ${margin > 0 ? "worse" : "better"}`;
}

/** A guardrail in words: "cost_usd, at most 10 % worse". */
export function guardrailText(
  guardrail: Pick<GuardrailEvaluation, "metric" | "where" | "margin" | "mode">,
  policy: Policy,
): string {
  const { margin, mode } = guardrail;
  const limit = marginText(margin, metricPolicy(policy, guardrail.metric).kind);
  const bound = margin > 0 ? `at most ${limit}` : margin < 0 ? `at least ${limit}` : limit;
  return `${segmentText(guardrail)} ${bound}${mode === "require" ? ", shown to be so" : ""}`;
}
