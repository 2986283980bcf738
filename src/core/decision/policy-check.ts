/**
 * Checks of a policy, as given and as completed: each failure names the field, the value and what is allowed.
 */
import { DethroneError, received } from "../errors.js";
import type { Guardrail, MetricKind } from "../sequential/guardrail.js";
import type { Aggregate, FusePolicy, Policy, PolicyInput, ScoringPolicy } from "./policy.js";

interface Bound {
  readonly allowed: string;
  readonly holds: (value: number) => boolean;
}

const openUnit: Bound = { allowed: "a number in (0, 1)", holds: (x) => x > 0 && x < 1 };
const halfOpenUnit: Bound = { allowed: "a number in [0, 1)", holds: (x) => x >= 0 && x < 1 };
const positiveUnit: Bound = { allowed: "a number in (0, 1]", holds: (x) => x > 0 && x <= 1 };
const closedUnit: Bound = { allowed: "a number in [0, 1]", holds: (x) => x >= 0 && x <= 1 };
const shape: Bound = { allowed: "a number in [0.01, 1e6]", holds: (x) => x >= 0.01 && x <= 1e6 };
const weight: Bound = { allowed: "a number in [0, 1e12]", holds: (x) => x >= 0 && x <= 1e12 };
const wholePositive: Bound = {
  allowed: "a whole number in [1, 1e12]",
  holds: (x) => Number.isInteger(x) && x >= 1 && x <= 1e12,
};
const signedUnit: Bound = { allowed: "a number in (-1, 1)", holds: (x) => x > -1 && x < 1 };
const finite: Bound = { allowed: "a finite number", holds: Number.isFinite };
const finitePositive: Bound = {
  allowed: "a finite number, 0 or more",
  holds: (x) => Number.isFinite(x) && x >= 0,
};

function fail(field: string, value: unknown, allowed: string): never {
  throw new DethroneError(
    "policy_invalid",
    `policy${field === "" ? "" : `.${field}`} must be ${allowed}; received ${String(value)}.`,
    { field, received: received(value), allowed },
  );
}

function check(field: string, value: unknown, bound: Bound): void {
  if (typeof value !== "number" || !bound.holds(value)) fail(field, value, bound.allowed);
}

function checkChoice(field: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) fail(field, value, allowed.map((each) => `'${each}'`).join(" or "));
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function checkObject(field: string, given: unknown, known: readonly string[]): void {
  if (!isObject(given)) fail(field, given, "an object");
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    fail(field === "" ? unknown : `${field}.${unknown}`, "an unknown field", `one of ${known.join(", ")}`);
}

const METRIC_FIELDS = ["kind", "direction", "aggregate"];
const GUARDRAIL_FIELDS = ["metric", "direction", "margin", "mode", "where"];

/** Checks the structure of what a caller gives against a policy that has every field. @throws DethroneError `policy_invalid` */
export function checkPolicyInput(given: PolicyInput, known: Policy): void {
  if (!isObject(given)) fail("", given, "an object or 'calibrated', 'strict' or 'threshold'");
  checkObject("", given, Object.keys(known));
  const { prior, scoring, metrics, futility, guardrails, fuse } = given;
  if (prior !== undefined) checkObject("prior", prior, ["alpha", "beta"]);
  if (scoring !== undefined) checkObject("scoring", scoring, Object.keys(known.scoring));
  if (futility) checkObject("futility", futility, ["chance", "after"]);
  else if (futility !== undefined && futility !== null) fail("futility", futility, "an object or null");
  if (fuse) checkObject("fuse", fuse, ["minSessions", "errorRate"]);
  else if (fuse !== undefined && fuse !== null) fail("fuse", fuse, "an object or null");
  if (metrics !== undefined) {
    if (!isObject(metrics)) fail("metrics", metrics, "an object");
    for (const [name, metric] of Object.entries(metrics))
      checkObject(`metrics.${name}`, metric, METRIC_FIELDS);
  }
  if (guardrails === undefined) return;
  if (!Array.isArray(guardrails)) fail("guardrails", guardrails, "a list");
  for (const [index, guardrail] of guardrails.entries())
    checkObject(`guardrails[${index}]`, guardrail, GUARDRAIL_FIELDS);
}

const NUMERIC_BOUNDS = {
  alpha: openUnit,
  alphaHarm: openUnit,
  alphaGuard: openUnit,
  tau: openUnit,
  minPerArm: wholePositive,
  horizon: wholePositive,
  minUplift: signedUnit,
  harmMargin: halfOpenUnit,
  srmAlpha: openUnit,
  windowMs: wholePositive,
} as const;

const AGGREGATES: readonly string[] = ["sum", "mean", "last", "max"] satisfies Aggregate[];
const KINDS: readonly string[] = ["binary", "count", "positive", "real", "auto"];
const DIRECTIONS = ["lower", "higher"];

function checkScoring(scoring: ScoringPolicy): void {
  check("scoring.explicit", scoring.explicit, weight);
  check("scoring.implicit", scoring.implicit, weight);
  if (scoring.explicit + scoring.implicit === 0) fail("scoring.explicit", 0, "above 0 where implicit is 0");
  for (const field of ["aggregate", "rules"] as const) {
    if (!isObject(scoring[field])) fail(`scoring.${field}`, scoring[field], "an object");
  }
  for (const [name, aggregate] of Object.entries(scoring.aggregate))
    checkChoice(`scoring.aggregate.${name}`, aggregate, AGGREGATES);
  for (const [name, score] of Object.entries(scoring.rules))
    check(`scoring.rules.${name}`, score, closedUnit);
  checkChoice("scoring.mode", scoring.mode, ["class", "signal"]);
}

const isName = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= 200;

/** A margin is a part of the champion's values or rate points, or for real metrics in their own unit. */
function marginBound(mode: Guardrail["mode"], kind: MetricKind | "auto"): Bound {
  // Only what is required can be an improvement: to abort a challenger for not being better is the promotion's work.
  if (kind === "real") return mode === "require" ? finite : finitePositive;
  return mode === "require" ? signedUnit : halfOpenUnit;
}

function checkGuardrail(field: string, guardrail: Guardrail, kind: MetricKind | "auto"): void {
  const { metric, direction, margin, mode, where } = guardrail;
  if (!isName(metric)) fail(`${field}.metric`, metric, "a text of 1 to 200 characters");
  checkChoice(`${field}.direction`, direction, DIRECTIONS);
  checkChoice(`${field}.mode`, mode, ["abort", "require"]);
  check(`${field}.margin`, margin, marginBound(mode, kind));
  if (where === undefined) return;
  if (!isObject(where)) fail(`${field}.where`, where, "an object of fields and values");
  for (const [name, value] of Object.entries(where)) {
    if (!["string", "number", "boolean"].includes(typeof value))
      fail(`${field}.where.${name}`, value, "a text, a number or a boolean");
  }
}

function checkMetrics(metrics: Policy["metrics"]): void {
  for (const [name, { kind, direction, aggregate }] of Object.entries(metrics)) {
    checkChoice(`metrics.${name}.kind`, kind, KINDS);
    checkChoice(`metrics.${name}.direction`, direction, DIRECTIONS);
    checkChoice(`metrics.${name}.aggregate`, aggregate, AGGREGATES);
  }
}

function checkFuse({ minSessions, errorRate }: FusePolicy): void {
  check("fuse.minSessions", minSessions, wholePositive);
  check("fuse.errorRate", errorRate, positiveUnit);
}

/**
 * Checks a complete policy.
 *
 * @param kindOf the kind of a metric under this policy
 * @throws DethroneError `policy_invalid`
 */
export function checkPolicy(policy: Policy, kindOf: (metric: string) => MetricKind | "auto"): void {
  checkChoice("kind", policy.kind, ["calibrated", "threshold"]);
  for (const [field, bound] of Object.entries(NUMERIC_BOUNDS))
    check(field, policy[field as keyof Policy], bound);
  if (policy.futility !== null) {
    check("futility.chance", policy.futility.chance, halfOpenUnit);
    check("futility.after", policy.futility.after, closedUnit);
  }
  check("prior.alpha", policy.prior.alpha, shape);
  check("prior.beta", policy.prior.beta, shape);
  if (policy.missing !== "exclude") check("missing", policy.missing, closedUnit);
  if (policy.maxDurationMs !== null) check("maxDurationMs", policy.maxDurationMs, wholePositive);
  if (policy.fuse !== null) checkFuse(policy.fuse);
  checkMetrics(policy.metrics);
  for (const [index, guardrail] of policy.guardrails.entries())
    checkGuardrail(`guardrails[${index}]`, guardrail, kindOf(guardrail.metric));
  checkScoring(policy.scoring);
}
