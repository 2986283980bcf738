/**
 * The thresholds and limits that turn evidence into a decision (defaults: STATISTICS of this package, "Default policy").
 *
 * A policy is complete, validated plain data: it is stored with its experiment and with each decision.
 */
import type { Json } from "../errors.js";
import type { Guardrail, MetricKind } from "../sequential/guardrail.js";
import { checkPolicy, checkPolicyInput } from "./policy-check.js";

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
  /** `class` weighs the mean of each class; `signal` weighs every single signal. Default `class`. */
  readonly mode: "class" | "signal";
  /**
   * Scores that a signal of this name fixes, whatever else is said, where its value is not 0; the lowest of several.
   * Default `{ escalated: 0 }`: a session that a human had to take over has failed.
   */
  readonly rules: Readonly<Record<string, number>>;
}

/** What a metric is and which way is better. */
export interface MetricPolicy {
  /**
   * `binary`: a rate; `count`: events a session; `positive`: heavy-tailed, compared by ratio; `real`: any number,
   * compared by difference; `auto`: `positive` while all values are above 0, `real` otherwise. Default `auto`.
   */
  readonly kind: MetricKind | "auto";
  /** Which way is better. Default `lower`. */
  readonly direction: "lower" | "higher";
  /** How several signals of a session become one value. Default `sum`. */
  readonly aggregate: Aggregate;
}

/** When live errors alone send all traffic back to the champion. */
export interface FusePolicy {
  /** Finished or timed-out sessions of the challenger before the fuse may blow; >= 1. Default 20. */
  readonly minSessions: number;
  /** Part of them that failed at which it blows, provided that the champion fails less; in (0, 1]. Default 0.5. */
  readonly errorRate: number;
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
  /** Highest probability that any guardrail aborts a challenger that is within all margins; in (0, 1). Default 0.05. */
  readonly alphaGuard: number;
  /** Metrics a challenger must not make worse. Default: `error`, by at most 0.02. */
  readonly guardrails: readonly Guardrail[];
  /** Metrics beside the score, by name; a name not listed is `auto`, `lower`, `sum`. */
  readonly metrics: Readonly<Record<string, MetricPolicy>>;
  /** Live errors that end the experiment at once; null for none. */
  readonly fuse: FusePolicy | null;
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

/** A guardrail as a caller gives it: margin 0.1, direction as of the metric and mode `abort` where left out. */
export type GuardrailInput = Pick<Guardrail, "metric"> & Partial<Guardrail>;

/** Policies by name: `strict` is `calibrated` at alpha 0.02, for loops that nobody watches. */
export type PolicyName = Policy["kind"] | "strict";

/** What a caller may give. A field left out takes its default. */
export type PolicyInput = Partial<Omit<Policy, "scoring" | "guardrails" | "metrics" | "fuse">> & {
  readonly scoring?: Partial<ScoringPolicy>;
  readonly guardrails?: readonly GuardrailInput[];
  readonly metrics?: Readonly<Record<string, Partial<MetricPolicy>>>;
  readonly fuse?: Partial<FusePolicy> | null;
};

/** The default window in which a session accepts signals: 24 hours. */
export const DEFAULT_WINDOW_MS = 86_400_000;

/** The name under which the score itself can be a guardrail, e.g. on a segment. */
export const SCORE_METRIC = "score";

const DEFAULT_FUSE: FusePolicy = { minSessions: 20, errorRate: 0.5 };

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
  alphaGuard: 0.05,
  guardrails: [{ metric: "error", direction: "lower", margin: 0.02, mode: "abort" }],
  metrics: { error: { kind: "binary", direction: "lower", aggregate: "max" } },
  fuse: DEFAULT_FUSE,
  srmAlpha: 0.001,
  prior: { alpha: 1, beta: 1 },
  missing: "exclude",
  windowMs: DEFAULT_WINDOW_MS,
  maxDurationMs: null,
  scoring: { explicit: 5, implicit: 1, aggregate: {}, mode: "class", rules: { escalated: 0 } },
};

function withoutUndefined<T extends object>(input: T): T {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as T;
}

/** What a metric that is not listed is taken as: lower is better, as for cost, latency and tokens. */
export const UNDECLARED_METRIC: MetricPolicy = { kind: "auto", direction: "lower", aggregate: "sum" };

/** The policy of a metric by its name. The score is a metric too, and higher is better. */
export function metricPolicy(policy: Pick<Policy, "metrics">, name: string): MetricPolicy {
  if (name === SCORE_METRIC) return { kind: "binary", direction: "higher", aggregate: "mean" };
  return (Object.hasOwn(policy.metrics, name) ? policy.metrics[name] : undefined) ?? UNDECLARED_METRIC;
}

/** What `strict` changes of the default. */
export const STRICT_POLICY: PolicyInput = { alpha: 0.02 };

const THRESHOLD_POLICY: Policy = {
  ...DEFAULT_POLICY,
  minPerArm: 20,
  futility: null,
  guardrails: [],
  fuse: null,
};

function completeGuardrail(given: GuardrailInput, metrics: Policy["metrics"]): Guardrail {
  const { direction } = metricPolicy({ metrics }, given.metric);
  return { direction, margin: 0.1, mode: "abort", ...withoutUndefined(given) };
}

function completeMetrics(given: PolicyInput["metrics"] = {}): Policy["metrics"] {
  const complete = Object.entries(given).map(
    ([name, metric]) =>
      [name, { ...metricPolicy(DEFAULT_POLICY, name), ...withoutUndefined(metric) }] as const,
  );
  return { ...DEFAULT_POLICY.metrics, ...Object.fromEntries(complete) };
}

/**
 * A complete policy from the fields given.
 *
 * Lists replace: guardrails that are given stand instead of the default one on `error`. The plain `threshold` rule
 * has no guardrails and no fuse by default.
 *
 * @param input a name (`"calibrated"`, `"strict"`, `"threshold"`) or the fields that differ from the default
 * @throws DethroneError `policy_invalid` naming the field, the value and what is allowed
 * @example
 * createPolicy({ tau: 0.99 }).alpha; // 0.05
 * createPolicy("threshold").minPerArm; // 20
 */
export function createPolicy(input: PolicyInput | PolicyName = {}): Policy {
  const given = input === "strict" ? STRICT_POLICY : typeof input === "string" ? { kind: input } : input;
  checkPolicyInput(given, DEFAULT_POLICY);
  const base = given.kind === "threshold" ? THRESHOLD_POLICY : DEFAULT_POLICY;
  const metrics = completeMetrics(given.metrics);
  const guardrails = given.guardrails?.map((guardrail) => completeGuardrail(guardrail, metrics));
  const policy: Policy = {
    ...base,
    ...withoutUndefined(given),
    scoring: { ...DEFAULT_POLICY.scoring, ...withoutUndefined(given.scoring ?? {}) },
    metrics,
    guardrails: guardrails ?? base.guardrails,
    fuse: given.fuse
      ? { ...DEFAULT_FUSE, ...withoutUndefined(given.fuse) }
      : given.fuse === null
        ? null
        : base.fuse,
  };
  checkPolicy(policy, (name) => metricPolicy(policy, name).kind);
  return policy;
}

/** Fields of a policy that may change while its experiment runs; bets may depend on anything in the past. */
export const REVISABLE = ["horizon", "futility", "minPerArm"] as const satisfies (keyof Policy)[];

/** The part of a policy that is frozen, and hashed, when its experiment starts. */
export function frozenPolicy(policy: Policy): Json {
  const revisable: readonly string[] = REVISABLE;
  return Object.fromEntries(Object.entries(policy).filter(([name]) => !revisable.includes(name))) as Json;
}

/** A policy as plain JSON, for storage and output. */
export function policyJson(policy: Policy): Json {
  return policy as unknown as Json;
}
