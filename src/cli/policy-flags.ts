/**
 * What is judged, and how: policies, shares, metrics and guardrails as flags give them.
 */

import {
  DEFAULT_POLICY,
  type GuardrailInput,
  type MetricPolicy,
  type PolicyInput,
  SCORE_METRIC,
  STRICT_POLICY,
} from "../core/decision/policy.js";
import type { ShareRuleInput } from "../core/decision/share-rule.js";
import { DethroneError } from "../core/errors.js";
import { invalidFlag, numberFrom, readText } from "./settings.js";

/** Flags that make a policy. */
export interface PolicyFlags {
  readonly policy?: string;
  readonly metric?: readonly string[];
  readonly guardrail?: readonly string[];
  readonly minUplift?: string;
}

/** A policy named, or given as JSON or as a file of JSON. @throws DethroneError `policy_invalid` */
export function namedPolicy(text: string | undefined, base: PolicyInput): PolicyInput {
  if (text === undefined) return base;
  if (text === "calibrated" || text === "threshold") return { ...base, kind: text };
  if (text === "strict") return { ...base, kind: "calibrated", ...STRICT_POLICY };
  const policy = parsed(text.startsWith("@") ? readText(text.slice(1)) : text);
  if (typeof policy === "object" && policy !== null && !Array.isArray(policy)) return { ...base, ...policy };
  const allowed = "calibrated, strict, threshold, a JSON object or @file.json";
  throw new DethroneError("policy_invalid", `--policy takes ${allowed}; received '${text}'.`, {
    received: text,
    allowed,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `NAME:DIRECTION[:KIND]`; a name may have colons itself. */
const METRIC = /^(.+):(lower|higher)(?::(binary|count|positive|real|auto))?$/;

/** The metrics of `--metric`, by name. @throws DethroneError `usage_invalid` */
export function metricsFrom(texts: readonly string[]): Record<string, Partial<MetricPolicy>> {
  const metrics = new Map<string, Partial<MetricPolicy>>();
  for (const text of texts) {
    const [, name, direction, kind] = METRIC.exec(text) ?? [];
    if (name === undefined)
      invalidFlag(
        "--metric",
        text,
        "NAME:lower or NAME:higher, and :binary, :count, :positive or :real after it",
      );
    if (name === SCORE_METRIC)
      invalidFlag("--metric", text, "any name but 'score', which is what is judged anyway");
    if (metrics.has(name)) invalidFlag("--metric", text, "each name once");
    metrics.set(name, {
      direction: direction as MetricPolicy["direction"],
      ...(kind !== undefined && { kind: kind as MetricPolicy["kind"] }),
    });
  }
  return Object.fromEntries(metrics);
}

/** `NAME[:MARGIN[:MODE]]`; a name may have colons itself. */
const GUARDRAIL = /^(.+?)(?::([-+]?[\d.]+(?:e[-+]?\d+)?)(?::(abort|require))?)?$/;

/** A guardrail of `--guardrail`. @throws DethroneError `usage_invalid` */
function guardrailFrom(text: string, known: readonly string[]): GuardrailInput {
  const [, metric = "", margin, mode] = GUARDRAIL.exec(text) ?? [];
  if (!known.includes(metric)) {
    const declared = known.length > 0 ? `; known: ${known.join(", ")}` : "";
    invalidFlag(
      "--guardrail",
      text,
      `NAME, NAME:MARGIN or NAME:MARGIN:require, of a metric declared by --metric NAME:lower${declared}`,
    );
  }
  return {
    metric,
    ...(margin !== undefined && { margin: numberFrom(margin) }),
    ...(mode !== undefined && { mode: mode as "abort" | "require" }),
  };
}

/** What stands where neither the flags nor the base say anything. */
interface Surroundings {
  /** metrics that need no declaration */
  readonly known: readonly string[];
  /** guardrails beside those of the flags, unless the base has its own or the rule is the plain one */
  readonly guardrails: readonly GuardrailInput[];
}

/** Live sessions: every one says whether it threw and how long it took. */
export const LIVE: Surroundings = {
  known: [...Object.keys(DEFAULT_POLICY.metrics), "duration_ms"],
  guardrails: DEFAULT_POLICY.guardrails,
};

/** Recorded sessions say what the flags name, and nothing else. */
export const RECORDED: Surroundings = { known: [], guardrails: [] };

/**
 * The policy the flags make of a base, usually the configuration file's.
 *
 * @throws DethroneError `usage_invalid`, `policy_invalid`
 */
export function policyFrom(flags: PolicyFlags, base: PolicyInput, around: Surroundings): PolicyInput {
  const policy = namedPolicy(flags.policy, base);
  const { metric, guardrail = [], minUplift } = flags;
  const metrics = metric === undefined ? policy.metrics : { ...policy.metrics, ...metricsFrom(metric) };
  const known = [...new Set([...around.known, ...Object.keys(metrics ?? {})])];
  const standing = policy.guardrails ?? (policy.kind === "threshold" ? [] : around.guardrails);
  const guardrails = guardrail.map((text) => guardrailFrom(text, known));
  return {
    ...policy,
    ...(metrics !== undefined && { metrics }),
    ...(guardrails.length > 0 && { guardrails: [...standing, ...guardrails] }),
    ...(minUplift !== undefined && { minUplift: numberFrom(minUplift) }),
  };
}

/** A share rule of the command line: a number, one for each challenger as in `0.1,0.2`, `ramp` or `adaptive`. */
export function shareFrom(text: string): ShareRuleInput {
  if (text === "ramp" || text === "adaptive") return text;
  return text.includes(",") ? text.split(",").map(numberFrom) : numberFrom(text);
}
