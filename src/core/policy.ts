/**
 * The thresholds and limits that turn evidence into a decision (defaults: STATISTICS of this package, "Default policy").
 *
 * A policy is complete, validated plain data: it is stored with its experiment and with each decision.
 */
import { DethroneError, type Json, received } from "./errors.js";

/** How several signals of one name become one value. */
export type Aggregate = "sum" | "mean" | "last" | "max";

/** How signals become a session's score. */
export interface ScoringPolicy {
  /** Weight of the mean of the explicit signals (a person or judge graded it); >= 0. Default 5. */
  readonly explicit: number;
  /** Weight of the mean of the implicit signals (inferred); >= 0. Default 1. */
  readonly implicit: number;
  /** How the signals of one name become one value; a name not listed takes the mean. */
  readonly aggregate: Readonly<Record<string, Aggregate>>;
}

/** When to give up because a promotion has become unlikely. */
interface FutilityPolicy {
  /** Hold once the predicted chance of promotion is below this; in [0, 1). Default 0.02. */
  readonly chance: number;
  /** ... but not before this fraction of the horizon; in [0, 1]. Default 0.1. */
  readonly after: number;
}

/** Everything that decides an experiment, apart from its evidence. */
export interface Policy {
  /** `calibrated`: anytime-valid promotion. `threshold`: plain P > tau, with no guaranteed error rate. */
  readonly kind: "calibrated" | "threshold";
  /** Highest probability of promoting a challenger that is never better; in (0, 1). Default 0.05. */
  readonly alpha: number;
  /** Highest probability of aborting for harm a challenger that is never worse; in (0, 1). Default 0.10. */
  readonly alphaHarm: number;
  /** P(challenger > champion + minUplift) must be at least this to promote; in (0, 1). Default 0.95. */
  readonly tau: number;
  /** Units each arm must have before a promotion; >= 1. Default 10, 20 for `threshold`. */
  readonly minPerArm: number;
  /** Planned units, both arms together; the bets are sized for it and the experiment holds at it. Default 2000. */
  readonly horizon: number;
  /** The challenger must be better by more than this; in (-1, 1). Default 0. */
  readonly minUplift: number;
  /** Worse by more than this is harm; in [0, 1). Default 0. */
  readonly harmMargin: number;
  readonly futility: FutilityPolicy | null;
  /** Level of the sample-ratio test that aborts a broken assignment; in (0, 1). Default 0.001. */
  readonly srmAlpha: number;
  /** Beta prior of each arm's success rate, for the posterior alone; both in [0.01, 1e6]. Default Beta(1, 1). */
  readonly prior: { readonly alpha: number; readonly beta: number };
  /** What a finished session without any signal scores; `exclude` leaves it out. Default `exclude`. */
  readonly missing: "exclude" | number;
  /** How long after its start a session accepts signals, in milliseconds; > 0. Default 24 h. */
  readonly windowMs: number;
  /** Longest life of the experiment in milliseconds, approval time included; null for none. Default null. */
  readonly maxDurationMs: number | null;
  readonly scoring: ScoringPolicy;
}

/** What a caller may give. A field left out takes its default. */
export type PolicyInput = Partial<Omit<Policy, "scoring">> & { readonly scoring?: Partial<ScoringPolicy> };

/** The default window in which a session accepts signals: 24 hours. */
export const DEFAULT_WINDOW_MS = 86_400_000;

/** The default policy. */
export const DEFAULT_POLICY: Policy = {
  kind: "calibrated",
  alpha: 0.05,
  alphaHarm: 0.1,
  tau: 0.95,
  minPerArm: 10,
  horizon: 2000,
  minUplift: 0,
  harmMargin: 0,
  futility: { chance: 0.02, after: 0.1 },
  srmAlpha: 0.001,
  prior: { alpha: 1, beta: 1 },
  missing: "exclude",
  windowMs: DEFAULT_WINDOW_MS,
  maxDurationMs: null,
  scoring: { explicit: 5, implicit: 1, aggregate: {} },
};

interface Bound {
  readonly allowed: string;
  readonly holds: (value: number) => boolean;
}

const openUnit: Bound = { allowed: "a number in (0, 1)", holds: (x) => x > 0 && x < 1 };
const halfOpenUnit: Bound = { allowed: "a number in [0, 1)", holds: (x) => x >= 0 && x < 1 };
const closedUnit: Bound = { allowed: "a number in [0, 1]", holds: (x) => x >= 0 && x <= 1 };
const shape: Bound = { allowed: "a number in [0.01, 1e6]", holds: (x) => x >= 0.01 && x <= 1e6 };
const weight: Bound = { allowed: "a number in [0, 1e12]", holds: (x) => x >= 0 && x <= 1e12 };
const wholePositive: Bound = {
  allowed: "a whole number in [1, 1e12]",
  holds: (x) => Number.isInteger(x) && x >= 1 && x <= 1e12,
};
const uplift: Bound = { allowed: "a number in (-1, 1)", holds: (x) => x > -1 && x < 1 };

function fail(field: string, value: unknown, allowed: string): never {
  throw new DethroneError(
    "policy_invalid",
    `policy.${field} must be ${allowed}; received ${String(value)}.`,
    {
      field,
      received: received(value),
      allowed,
    },
  );
}

function check(field: string, value: unknown, bound: Bound): void {
  if (typeof value !== "number" || !bound.holds(value)) fail(field, value, bound.allowed);
}

function checkNoUnknownFields(field: string, given: object, known: object): void {
  const unknown = Object.keys(given).find((key) => !(key in known));
  if (unknown !== undefined)
    fail(field + unknown, "an unknown field", `one of ${Object.keys(known).join(", ")}`);
}

const NUMERIC_BOUNDS = {
  alpha: openUnit,
  alphaHarm: openUnit,
  tau: openUnit,
  minPerArm: wholePositive,
  horizon: wholePositive,
  minUplift: uplift,
  harmMargin: halfOpenUnit,
  srmAlpha: openUnit,
  windowMs: wholePositive,
} as const;

const AGGREGATES: readonly string[] = ["sum", "mean", "last", "max"] satisfies Aggregate[];

function checkScoring(scoring: ScoringPolicy): void {
  check("scoring.explicit", scoring.explicit, weight);
  check("scoring.implicit", scoring.implicit, weight);
  if (scoring.explicit + scoring.implicit === 0) fail("scoring.explicit", 0, "above 0 where implicit is 0");
  for (const [name, aggregate] of Object.entries(scoring.aggregate)) {
    if (!AGGREGATES.includes(aggregate)) fail(`scoring.aggregate.${name}`, aggregate, AGGREGATES.join(", "));
  }
}

function checkPolicy(policy: Policy): void {
  if (policy.kind !== "calibrated" && policy.kind !== "threshold") {
    fail("kind", policy.kind, "'calibrated' or 'threshold'");
  }
  for (const [field, bound] of Object.entries(NUMERIC_BOUNDS))
    check(field, policy[field as keyof Policy], bound);
  if (policy.futility !== null) {
    checkNoUnknownFields("futility.", policy.futility, { chance: 0, after: 0 });
    check("futility.chance", policy.futility.chance, halfOpenUnit);
    check("futility.after", policy.futility.after, closedUnit);
  }
  check("prior.alpha", policy.prior.alpha, shape);
  check("prior.beta", policy.prior.beta, shape);
  if (policy.missing !== "exclude") check("missing", policy.missing, closedUnit);
  if (policy.maxDurationMs !== null) check("maxDurationMs", policy.maxDurationMs, wholePositive);
  checkScoring(policy.scoring);
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function withoutUndefined<T extends object>(input: T): T {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as T;
}

/**
 * A complete policy from the fields given.
 *
 * @param input a policy kind (`"calibrated"`, `"threshold"`) or the fields that differ from the default
 * @throws DethroneError `policy_invalid` naming the field, the value and what is allowed
 * @example
 * createPolicy({ tau: 0.99 }).alpha; // 0.05
 * createPolicy("threshold").minPerArm; // 20
 */
export function createPolicy(input: PolicyInput | Policy["kind"] = {}): Policy {
  const given: PolicyInput = typeof input === "string" ? { kind: input } : input;
  if (!isObject(given)) fail("", given, "an object or 'calibrated' or 'threshold'");
  checkNoUnknownFields("", given, DEFAULT_POLICY);
  for (const field of ["prior", "scoring"] as const) {
    if (given[field] === undefined) continue;
    if (!isObject(given[field])) fail(field, given[field], "an object");
    checkNoUnknownFields(`${field}.`, given[field], DEFAULT_POLICY[field]);
  }
  if (given.futility !== undefined && given.futility !== null && !isObject(given.futility)) {
    fail("futility", given.futility, "an object or null");
  }
  const base =
    given.kind === "threshold" ? { ...DEFAULT_POLICY, minPerArm: 20, futility: null } : DEFAULT_POLICY;
  const scoring = { ...DEFAULT_POLICY.scoring, ...withoutUndefined(given.scoring ?? {}) };
  const policy: Policy = { ...base, ...withoutUndefined(given), scoring };
  checkPolicy(policy);
  return policy;
}

/** A policy as plain JSON, for storage and output. */
export function policyJson(policy: Policy): Json {
  return policy as unknown as Json;
}
