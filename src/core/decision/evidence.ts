/**
 * Evidence: what an experiment has learned, as a small state that settled units are folded into one by one.
 *
 * Folding is pure and its order is the order of assignment, so the evidence depends on the session log alone, never on
 * when or how often a job ran. The state is plain JSON: it is the checkpoint, and each decision keeps a copy.
 */

import type { JsonObject } from "../errors.js";
import {
  advance,
  type EProcessState,
  type PreparedPlan,
  preparePlan,
  type RunningEProcess,
  runningCopy,
  startEProcess,
} from "../sequential/e-process.js";
import {
  advanceGuardrail,
  type Guardrail,
  type GuardrailState,
  type MetricKind,
  matchesWhere,
  type PreparedGuardrail,
  prepareGuardrail,
  type RunningGuardrail,
  runningGuardrail,
  startGuardrail,
} from "../sequential/guardrail.js";
import { addToSrm, type SrmState, startSrm } from "../sequential/srm-state.js";
import {
  addMetrics,
  type MetricSummaries,
  type MetricValues,
  type RunningMetric,
  runningMetrics,
  withinReach,
} from "../sessions/metric.js";
import { SCORE_METRIC } from "./policy.js";
import { guardrailPlan, harmPlan, missingPlan, pairShare, promotePlan, type Terms } from "./terms.js";

/** The two places in a contest. */
export type Role = "champion" | "challenger";

/** One settled unit, as it is folded. */
export interface FoldInput {
  /** 0 the champion, j the j-th challenger */
  readonly arm: number;
  /** the challengers' shares when the unit was assigned, in the order of their arms; the champion had the rest */
  readonly shares: readonly number[];
  /** in [0, 1]; null for a session that is missing and left out */
  readonly score: number | null;
  /** values of the session's metrics */
  readonly metrics?: MetricValues;
  /** attributes of the session, for guardrails on a segment */
  readonly context?: JsonObject | null;
}

/** Sufficient statistics of one arm. */
export interface ArmSummary {
  /** units folded */
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** settled units left out because nothing said how they went */
  readonly missingCount: number;
  readonly metrics: MetricSummaries;
}

/** The tests of one challenger against the champion. */
export interface PairState {
  /** test of "the challenger is never better than the champion by more than minUplift" */
  readonly promote: EProcessState;
  /** test of "the challenger is never worse than the champion by more than harmMargin" */
  readonly harm: EProcessState;
  /** tests of "the challenger's units go missing no more often", and "no less often", than the champion's */
  readonly missingMore: EProcessState;
  readonly missingLess: EProcessState;
  /** the policy's guardrails, in their order */
  readonly guardrails: readonly GuardrailState[];
}

/** Everything an experiment has learned so far. */
export interface Evidence {
  /** units folded, all arms together */
  readonly index: number;
  /** the challengers' shares of the last settled unit; those at start before the first */
  readonly shares: readonly number[];
  /** units settled since the shares last changed */
  readonly phaseCount: number;
  /** the champion, then the challengers */
  readonly arms: readonly ArmSummary[];
  /** the challengers, in the order of their arms */
  readonly pairs: readonly PairState[];
  readonly srm: SrmState;
}

const EMPTY_ARM: ArmSummary = { count: 0, sum: 0, sumSquares: 0, missingCount: 0, metrics: {} };

function emptyPair(guardrails: readonly Guardrail[]): PairState {
  return {
    promote: startEProcess(),
    harm: startEProcess(),
    missingMore: startEProcess(),
    missingLess: startEProcess(),
    guardrails: guardrails.map(() => startGuardrail()),
  };
}

/** The evidence of an experiment in which nothing has settled. */
export function emptyEvidence({ policy, planShares }: Terms): Evidence {
  return {
    index: 0,
    shares: planShares,
    phaseCount: 0,
    arms: [EMPTY_ARM, ...planShares.map(() => EMPTY_ARM)],
    pairs: planShares.map(() => emptyPair(policy.guardrails)),
    srm: startSrm(planShares.length + 1),
  };
}

/** Settled units of the two arms of a challenger's contest that were left out. */
export function missingCount({ arms }: Evidence, challenger: number): number {
  return (arms[0] as ArmSummary).missingCount + (arms[challenger + 1] as ArmSummary).missingCount;
}

/** Natural log of the e-value against "units reach the arms in their shares". */
export function srmLogE({ srm }: Evidence): number {
  return srm.logE;
}

/**
 * Natural log of the larger of the two e-values against "the challenger's units go missing as often as the champion's";
 * 0 while none is.
 */
export function missingLogE(evidence: Evidence, challenger: number): number {
  if (missingCount(evidence, challenger) === 0) return 0;
  const { missingMore, missingLess } = evidence.pairs[challenger] as PairState;
  return Math.max(missingMore.logE, missingLess.logE);
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type RunningArm = Mutable<Omit<ArmSummary, "metrics">> & { metrics: Record<string, RunningMetric> };
interface RunningPair {
  readonly promote: RunningEProcess;
  readonly harm: RunningEProcess;
  readonly missingMore: RunningEProcess;
  readonly missingLess: RunningEProcess;
  readonly guardrails: readonly RunningGuardrail[];
}

interface PreparedPair {
  readonly promote: PreparedPlan;
  readonly harm: PreparedPlan;
  readonly missingMore: PreparedPlan;
  readonly missingLess: PreparedPlan;
  readonly guardrails: readonly { readonly guardrail: Guardrail; readonly prepared: PreparedGuardrail }[];
}

function preparePair(terms: Terms, challenger: number): PreparedPair {
  return {
    promote: preparePlan(promotePlan(terms, challenger)),
    harm: preparePlan(harmPlan(terms, challenger)),
    missingMore: preparePlan(missingPlan(terms, challenger, 1)),
    missingLess: preparePlan(missingPlan(terms, challenger, -1)),
    guardrails: terms.policy.guardrails.map((guardrail) => ({
      guardrail,
      prepared: prepareGuardrail(guardrailPlan(terms, challenger, guardrail)),
    })),
  };
}

const runningPair = (pair: PairState): RunningPair => ({
  promote: runningCopy(pair.promote),
  harm: runningCopy(pair.harm),
  missingMore: runningCopy(pair.missingMore),
  missingLess: runningCopy(pair.missingLess),
  guardrails: pair.guardrails.map(runningGuardrail),
});

/** Tests that may be left out of a simulation, because no decision of it reads them. */
export interface LeftOut {
  /** tests of missingness: where no unit is ever missing */
  readonly missingness?: boolean;
  /** tests of the uplift: under the plain rule */
  readonly uplift?: boolean;
}

/**
 * Evidence that units are folded into in place: the same as {@link fold}, many times faster in a loop. `evidence` is
 * the state after the last unit, and changes with the next.
 */
export class Folding {
  readonly evidence: Evidence;
  readonly #arms: readonly RunningArm[];
  readonly #pairs: readonly RunningPair[];
  readonly #running: Mutable<Evidence> & { srm: Mutable<SrmState> };
  readonly #leavesOut: LeftOut;
  readonly #metrics: Terms["policy"]["metrics"];
  #prepared: readonly PreparedPair[];

  /**
   * Goes on from `evidence`, which stays as it is.
   *
   * @param leavesOut tests that nothing is going to read; for simulation, where speed matters
   */
  constructor(evidence: Evidence, terms: Terms, leavesOut: LeftOut = {}) {
    this.#leavesOut = leavesOut;
    // Frozen at the start, unlike other terms.
    this.#metrics = terms.policy.metrics;
    this.#arms = evidence.arms.map((arm) => ({ ...arm, metrics: runningMetrics(arm.metrics) }));
    this.#pairs = evidence.pairs.map(runningPair);
    const { srm } = evidence;
    this.#running = {
      ...evidence,
      arms: this.#arms,
      pairs: this.#pairs,
      srm: { counts: [...srm.counts], expected: [...srm.expected], logE: srm.logE },
    };
    this.evidence = this.#running;
    this.#prepared = evidence.pairs.map((_, challenger) => preparePair(terms, challenger));
  }

  /** Terms for the units to come: bets may depend on anything in the past. */
  setTerms(terms: Terms): void {
    this.#prepared = this.#pairs.map((_, challenger) => preparePair(terms, challenger));
  }

  /** Folds one more settled unit; units come in assignment order, each once. */
  add(unit: FoldInput): void {
    const running = this.#running;
    running.phaseCount = areEqual(running.shares, unit.shares) ? running.phaseCount + 1 : 1;
    running.shares = unit.shares;
    addToSrm(running.srm, unit.arm, unit.shares);
    for (let j = 0; j < this.#pairs.length; j++) {
      if (unit.arm === 0 || unit.arm === j + 1) this.#addToPair(j, unit);
    }
    const arm = this.#arms[unit.arm] as RunningArm;
    const { score } = unit;
    if (score === null) {
      arm.missingCount += 1;
      return;
    }
    running.index += 1;
    arm.count += 1;
    arm.sum += score;
    arm.sumSquares += score * score;
    if (unit.metrics) addMetrics(arm.metrics, unit.metrics, score, this.#metrics);
  }

  #addToPair(challenger: number, unit: FoldInput): void {
    const w = pairShare(unit.shares, challenger).share;
    // A challenger without a share takes no part: nothing is random about who served the session.
    if (!(w > 0 && w < 1)) return;
    const pair = this.#pairs[challenger] as RunningPair;
    const prepared = this.#prepared[challenger] as PreparedPair;
    const g = unit.arm === 0 ? 0 : 1;
    if (!this.#leavesOut.missingness) {
      const missing = { g, y: unit.score === null ? 1 : 0, w } as const;
      advance(prepared.missingMore, pair.missingMore, missing);
      advance(prepared.missingLess, pair.missingLess, missing);
    }
    if (unit.score === null) return;
    if (!this.#leavesOut.uplift) {
      const scored = { g, y: unit.score, w } as const;
      advance(prepared.promote, pair.promote, scored);
      advance(prepared.harm, pair.harm, scored);
    }
    for (let i = 0; i < pair.guardrails.length; i++) {
      const { guardrail, prepared: plan } = prepared.guardrails[i] as PreparedPair["guardrails"][number];
      const value = guardrailValue(guardrail, unit);
      if (value === undefined) continue;
      const session = { g, value: fitting(plan.kind, value), w } as const;
      advanceGuardrail(plan, pair.guardrails[i] as RunningGuardrail, session);
    }
  }
}

function areEqual(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  for (let j = 0; j < left.length; j++) if (left[j] !== right[j]) return false;
  return true;
}

/** The value a guardrail looks at, or undefined where the session has none or is outside of its segment. */
function guardrailValue({ metric, where }: Guardrail, unit: FoldInput): number | undefined {
  if (where !== undefined && !matchesWhere(where, unit.context ?? null)) return undefined;
  if (metric === SCORE_METRIC) return unit.score as number;
  return unit.metrics !== undefined && Object.hasOwn(unit.metrics, metric) ? unit.metrics[metric] : undefined;
}

/**
 * The value as its kind allows it. A value that does not fit (an error count in a rate, a negative cost) is moved to
 * the nearest that does: to fail here would stop the experiment, and to leave the session out would depend on its value.
 */
function fitting(kind: MetricKind, value: number): number {
  if (kind === "binary") return Math.min(1, Math.max(0, value));
  return kind === "real" ? withinReach(value) : Math.max(0, withinReach(value));
}

/**
 * The evidence after one more settled unit. Units are folded in assignment order and each once; a missing one moves
 * the tests of the sample ratio and of missingness alone.
 */
export function fold(evidence: Evidence, unit: FoldInput, terms: Terms): Evidence {
  const folding = new Folding(evidence, terms);
  folding.add(unit);
  return folding.evidence;
}
