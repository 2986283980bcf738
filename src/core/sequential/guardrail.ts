/**
 * Guardrails: tests of a second metric (cost, latency, tokens, errors) that may be looked at after every session.
 *
 * A rate is tested as outcomes are, by the e-process. Any other metric is tested by ranks: the challenger's values are
 * first made better by the margin, z' = z/(1 + margin) where lower is better, and the e-process then bets on
 * y = the rank of z' among all z' before it. Ranks need no mean and no variance, so spikes of any size do no harm.
 *
 * The guarantee. Given the past, y is a non-decreasing function of z', for the sketch holds earlier values only. So if
 * the challenger's z' is stochastically no larger than the champion's, neither is its y, the bet gains nothing on
 * average, and P(the test ever crosses) <= alpha. Any non-decreasing function chosen beforehand would do: that the
 * sketch ranks by bins of 0.8 % costs no exactness, only a little power.
 */
import { checkFinite, checkInside, checkNonNegative, checkUnit } from "../check.js";
import { domainError, type JsonObject } from "../errors.js";
import { fieldOf } from "../json-field.js";
import {
  advance,
  type EProcessState,
  type PreparedPlan,
  preparePlan,
  type RunningEProcess,
  runningCopy,
  startEProcess,
} from "./e-process.js";
import { emptySketch, insert, type RunningSketch, rankOf, runningSketch, type Sketch } from "./sketch.js";

/** A limit on how much worse the challenger may be in a metric other than the outcome. */
export interface Guardrail {
  readonly metric: string;
  /** which values are better */
  readonly direction: "lower" | "higher";
  /**
   * how much worse is still accepted: a part of the champion's values (0.1 = 10 %) for positive and count, in (-1, 1);
   * rate points for binary, in (-1, 1); in the metric's own unit for real, any finite number. A negative margin asks for
   * an improvement.
   */
  readonly margin: number;
  /** `abort` stops a challenger that is shown to be worse; `require` promotes none that is not shown to be no worse */
  readonly mode: "abort" | "require";
  /** fields that a session's context must have for the session to count; without it all sessions count */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * What values a metric has: rates and scores in [0, 1]; whole numbers; numbers of at least 0, as costs and times are;
 * or any number.
 */
export type MetricKind = "binary" | "count" | "positive" | "real";

/** Where a guardrail stands. Plain JSON, for a checkpoint. */
export interface GuardrailState {
  readonly test: EProcessState;
  /** z' of all sessions so far, both arms; stays empty for a binary metric */
  readonly seen: Sketch;
}

/** A state that is stepped in place; inside this package only, where many sessions run in a loop. */
export interface RunningGuardrail {
  readonly test: RunningEProcess;
  readonly seen: RunningSketch;
}

/** One session, as a guardrail sees it. */
export interface GuardrailSession {
  /** 1 if the challenger served it, 0 if the champion did */
  readonly g: 0 | 1;
  /** the metric's value */
  readonly value: number;
  /** probability with which the challenger was drawn, in (0, 1) */
  readonly w: number;
}

/** What a guardrail is to be prepared from. */
export interface GuardrailPlan {
  readonly guardrail: Guardrail;
  readonly kind: MetricKind;
  /** level: the chance of crossing under the null; in (0, 1) */
  readonly alpha: number;
  /** planned sessions, both arms together; an integer of at least 1 */
  readonly horizon: number;
  /** the challenger's share the plan expects; in [0, 1] */
  readonly planShare: number;
}

/** A guardrail with what every step needs. */
export interface PreparedGuardrail {
  readonly kind: MetricKind;
  readonly test: PreparedPlan;
  /** the challenger's z' is (z - offset)/divisor, then rounded */
  readonly offset: number;
  readonly divisor: number;
  readonly round: "up" | "down" | "none";
}

/** Checks that a word is one of those allowed. */
function checkWord(name: string, word: string, allowed: readonly string[]): void {
  if (!allowed.includes(word)) domainError(name, word, `one of ${allowed.join(", ")}`);
}

/**
 * Checks a guardrail and prepares it.
 *
 * Mode abort tests the null "the challenger is no more than margin worse", mode require the null "the challenger is at
 * least margin worse". Worse is meant of the whole distribution: the challenger's z' is stochastically no better, for
 * require, or no worse, for abort, than the champion's values; for binary, of the mean.
 *
 * Counts in mode require are rounded to the worse after scaling. Without that, 3/1.1 would rank below 3, and since ties
 * are the rule among small counts, a challenger far worse than the margin would pass. Values of another kind are
 * expected to be finer than the margin: costs rounded to whole cents and mostly below 10 are counts.
 *
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 */
export function prepareGuardrail(plan: GuardrailPlan): PreparedGuardrail {
  const { guardrail, kind, alpha, horizon, planShare } = plan;
  const { direction, margin, mode } = guardrail;
  checkWord("kind", kind, ["binary", "count", "positive", "real"]);
  checkWord("direction", direction, ["lower", "higher"]);
  checkWord("mode", mode, ["abort", "require"]);
  if (kind === "real") checkFinite("margin", margin);
  else checkInside("margin", margin, -1);
  const towardHarm = direction === "lower" ? 1 : -1;
  const worse = towardHarm * margin;
  return {
    kind,
    test: preparePlan({
      alpha,
      horizon,
      planShare,
      direction: mode === "abort" ? towardHarm : (-towardHarm as 1 | -1),
      shift: kind === "binary" ? worse : 0,
    }),
    offset: kind === "real" ? worse : 0,
    divisor: kind === "real" ? 1 : 1 + worse,
    round: kind !== "count" || mode === "abort" ? "none" : direction === "lower" ? "up" : "down",
  };
}

/**
 * A guardrail before the first session.
 *
 * @example
 * startGuardrail().test.logE; // 0
 */
export function startGuardrail(): GuardrailState {
  return { test: startEProcess(), seen: emptySketch() };
}

/** A copy of a state to be stepped in place. */
export function runningGuardrail({ test, seen }: GuardrailState): RunningGuardrail {
  return { test: runningCopy(test), seen: runningSketch(seen) };
}

/** z': the value, the challenger's made better by the margin. */
function comparable({ offset, divisor, round }: PreparedGuardrail, g: 0 | 1, value: number): number {
  if (g === 0) return value;
  const scaled = (value - offset) / divisor;
  if (round === "none") return scaled;
  return round === "up" ? Math.ceil(scaled) : Math.floor(scaled);
}

/** Steps a state in place. Arm and share are not checked, the value is. */
export function advanceGuardrail(
  prepared: PreparedGuardrail,
  state: RunningGuardrail,
  { g, value, w }: GuardrailSession,
): void {
  // Not clamped: a score of 5 out of 5 in a rate is a mistake that clamping would hide, and the test would then look at
  // something other than was asked for.
  if (prepared.kind === "binary") {
    checkUnit("value", value);
    advance(prepared.test, state.test, { g, y: value, w });
    return;
  }
  if (prepared.kind === "real") checkFinite("value", value);
  else checkNonNegative("value", value);
  const z = comparable(prepared, g, value);
  // The rank is taken before z is inserted: it must depend on z and the past alone.
  const y = rankOf(state.seen, z);
  insert(state.seen, z);
  advance(prepared.test, state.test, { g, y, w });
}

/**
 * A guardrail after one more session. Sessions are given in the order of their assignment, each once.
 *
 * @param prepared from {@link prepareGuardrail}; horizon and planShare may differ from step to step, nothing else
 * @param state from {@link startGuardrail} or an earlier step; it is left as it is
 * @param session arm g, share w in (0, 1), and the value: in [0, 1] for binary, 0 or more for positive and count,
 *   finite for real
 * @throws DethroneError `numeric_domain` if a field of the session is outside its range.
 *
 * Source: the e-process of stepEProcess on sequential ranks. Each step copies the sketch; {@link advanceGuardrail} does
 * not.
 *
 * @example
 * const guardrail = { metric: "cost", direction: "lower", margin: 0.1, mode: "abort" } as const;
 * const plan = { guardrail, kind: "positive", alpha: 0.05, horizon: 100, planShare: 0.5 } as const;
 * const first = stepGuardrail(prepareGuardrail(plan), startGuardrail(), { g: 0, value: 2, w: 0.5 });
 * stepGuardrail(prepareGuardrail(plan), first, { g: 1, value: 4, w: 0.5 }).test.logE; // 0.205383561333
 */
export function stepGuardrail(
  prepared: PreparedGuardrail,
  state: GuardrailState,
  session: GuardrailSession,
): GuardrailState {
  if (session.g !== 0 && session.g !== 1) domainError("g", session.g, "0 or 1");
  checkInside("w", session.w);
  const next = runningGuardrail(state);
  advanceGuardrail(prepared, next, session);
  return next;
}

/** Whether a guardrail has crossed 1/alpha, now or at any earlier session: it is breached (abort) or met (require). */
export function hasGuardrailCrossed({ test }: PreparedGuardrail, state: GuardrailState): boolean {
  return state.test.logSup >= test.logThreshold;
}

/**
 * Whether a session counts for a guardrail: its context has every field of `where`, with the same value and type.
 *
 * @param where fields by name; `user.plan` means the field of this name or, without one, `plan` inside `user`. Without
 *   `where` every session counts.
 * @param context the session's context; null where it has none
 *
 * @example
 * matchesWhere({ "user.plan": "free" }, { user: { plan: "free" } }); // true
 */
export function matchesWhere(where: Guardrail["where"], context: JsonObject | null): boolean {
  const fields = Object.entries(where ?? {});
  return fields.every(([name, value]) => context !== null && fieldOf(context, name) === value);
}
