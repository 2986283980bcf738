/**
 * From a session's signals to its score, and what a session is when its window closes.
 */

import type { Aggregate, Policy, ScoringPolicy } from "../decision/policy.js";
import { domainError } from "../errors.js";

/** Whether a person or judge graded the session, or the value was inferred. */
export type SignalKind = "explicit" | "implicit";

/** A signal as far as it bears on the score. A signal without a kind is a metric and never scores. */
export interface ScoringSignal {
  readonly name: string;
  /** in [0, 1] where `kind` is given */
  readonly value: number;
  readonly kind: SignalKind | null;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** One value from the signals of one name, in the order they were accepted. At least one value is expected. */
export function aggregateSignals(values: readonly number[], aggregate: Aggregate): number {
  switch (aggregate) {
    case "sum":
      return values.reduce((sum, value) => sum + value, 0);
    case "mean":
      return mean(values);
    case "last":
      return values[values.length - 1] as number;
    case "max":
      // Not spread into arguments: a session may have more signals than a call takes.
      return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  }
}

const clamp01 = (value: number): number => Math.min(1, Math.max(0, value));

/** The value of each name of a class, so that a chatty signal does not outvote another of its class. */
function classValues(
  signals: readonly ScoringSignal[],
  kind: SignalKind,
  scoring: ScoringPolicy,
): readonly number[] {
  if (scoring.mode === "signal") {
    return signals.filter((signal) => signal.kind === kind).map(({ value }) => value);
  }
  const byName = new Map<string, number[]>();
  for (const signal of signals) {
    if (signal.kind !== kind) continue;
    const values = byName.get(signal.name) ?? [];
    values.push(signal.value);
    byName.set(signal.name, values);
  }
  return [...byName].map(([name, values]) => {
    const aggregate = Object.hasOwn(scoring.aggregate, name) ? scoring.aggregate[name] : undefined;
    return clamp01(aggregateSignals(values, aggregate ?? "mean"));
  });
}

/** The lowest score that a rule fixes, or null where none applies. */
function ruledScore(signals: readonly ScoringSignal[], { rules }: ScoringPolicy): number | null {
  const scores = signals
    .filter(({ name, value }) => value !== 0 && Object.hasOwn(rules, name))
    .map(({ name }) => rules[name] as number);
  return scores.length === 0 ? null : Math.min(...scores);
}

/**
 * The score of a session from its signals: the weighted mean of its explicit and its implicit class.
 *
 * score = (wE mean(explicit) + wI mean(implicit)) / (wE + wI) with both classes, the mean of the one class otherwise.
 * Classes are weighted, not signals, so any number of implicit signals counts less than one explicit one (5:1 by
 * default). With `mode: "signal"` each signal has the weight of its class, and a chatty session outvotes its user.
 * A signal of `rules` (a human took over) fixes the score. Never binarised.
 *
 * @returns a score in [0, 1], or null where no signal has a kind (or only a class of weight 0 has)
 * @throws DethroneError `numeric_domain` if a scoring signal's value is outside [0, 1]
 * @example
 * const { scoring } = createPolicy();
 * scoreSignals([{ name: "thumbs", value: 0, kind: "explicit" }, { name: "tests", value: 1, kind: "implicit" }], scoring);
 * // 0.16666666666666666
 */
export function scoreSignals(signals: readonly ScoringSignal[], scoring: ScoringPolicy): number | null {
  for (const signal of signals) {
    if (signal.kind !== null && !(signal.value >= 0 && signal.value <= 1)) {
      domainError(`signal ${signal.name}`, signal.value, "a number in [0, 1]");
    }
  }
  const ruled = ruledScore(signals, scoring);
  if (ruled !== null) return ruled;
  const isByClass = scoring.mode === "class";
  const classes = (["explicit", "implicit"] as const)
    .map((kind) => ({ weight: scoring[kind], values: classValues(signals, kind, scoring) }))
    .filter(({ weight, values }) => weight > 0 && values.length > 0)
    .map(({ weight, values }) => ({
      weight: isByClass ? weight : weight * values.length,
      value: mean(values),
    }));
  if (classes.length === 0) return null;
  // The class alone is returned as it is: weighting and unweighting it would cost its last digit.
  if (classes.length === 1) return (classes[0] as { value: number }).value;
  const total = classes.reduce((sum, { weight }) => sum + weight, 0);
  return clamp01(classes.reduce((sum, { weight, value }) => sum + weight * value, 0) / total);
}

/** What a session turned out to be when its score was fixed. */
export interface Settlement {
  /** in [0, 1]; null when the session is missing and left out */
  readonly score: number | null;
  /** finished, but nothing says how it went */
  readonly isMissing: boolean;
  /** never finished */
  readonly isAbandoned: boolean;
}

/**
 * Settles a session whose window has closed, from the signals accepted by then.
 *
 * No end: abandoned, scores 0 whatever its signals, so that a config whose process dies gains nothing by it. Ended
 * without a scoring signal: missing.
 */
export function settle(
  session: { readonly hasEnded: boolean; readonly signals: readonly ScoringSignal[] },
  policy: Pick<Policy, "missing" | "scoring">,
): Settlement {
  if (!session.hasEnded) return { score: 0, isMissing: false, isAbandoned: true };
  const score = scoreSignals(session.signals, policy.scoring);
  if (score !== null) return { score, isMissing: false, isAbandoned: false };
  const substitute = policy.missing === "exclude" ? null : policy.missing;
  return { score: substitute, isMissing: true, isAbandoned: false };
}
