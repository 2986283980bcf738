/**
 * The horizon-aware betting e-process: the evidence that one arm is better, valid at any number of looks.
 *
 * Given the past, E[(g - w)(y - c)] = w(1 - w) D for any c, because g is drawn with the known share w; so each factor
 * 1 + lambda (g - w)(y - c), lambda >= 0 chosen before the session, has mean at most 1 when the uplift D is at most 0.
 * Products and mixtures of such factors are nonnegative supermartingales, and P(sup E >= 1/alpha) <= alpha (Ville).
 * The bets replicate the option to touch 1/alpha by the horizon, which gives nearly the power of a group-sequential
 * design; a grid of constant bets is mixed in, so that large effects stop early and the test survives the horizon.
 *
 * Everything is kept as natural logs, so that nothing under- or overflows however long it runs.
 *
 * Source: Waudby-Smith and Ramdas 2024 (betting); Browne 1999, Koning and van Meer 2024, Voracek and Orabona 2025
 * (sizing the bets for a deadline).
 */
import { domainError } from "./errors.js";
import { normalDensity, phi, phiInverse } from "./normal.js";

/** Weight of the touch component; the grid has the rest. */
const TOUCH_WEIGHT = 0.7;
/** A bet may lose at most this fraction of its stake. */
const STAKE_MAX = 0.95;
/** Bets of the grid, in units of the bet that suits an effect found just at the horizon. */
const GRID = [1.5, 3, 6, 12] as const;
const VARIANCE_MIN = 1e-12;
/** Below this the touch component bets nothing: its target is out of reach. */
const TOUCH_MIN = 1e-300;
/** Rounding must not keep an e-value that has reached its line from counting. */
const LINE_SLACK = 1e-9;

/** What the test is planned for; fixed before the first session. */
export interface EProcessPlan {
  /** level, in (0, 1) */
  readonly alpha: number;
  /** sessions the bets are sized for, >= 1 */
  readonly horizon: number;
  /** planned share of g = 1, in [0, 1) */
  readonly planShare: number;
  /** 1 tests "not better", -1 "not worse" */
  readonly direction: 1 | -1;
  /** the uplift to exceed, in [-1, 1] */
  readonly shift: number;
}

/** The state after some sessions: plain JSON. */
export interface EProcessState {
  /** sessions processed */
  readonly count: number;
  /** count, sum and sum of squares of the (shifted) outcomes, with two pseudo-outcomes, 0 and 1 */
  readonly n: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly logTouch: number;
  readonly logGrid: readonly [number, number, number, number];
  readonly logE: number;
  /** largest logE so far, at least 0 */
  readonly logSup: number;
}

/** One session: arm g, outcome y in [0, 1], share w of g = 1 when it was drawn, in (0, 1). */
export interface EProcessSession {
  readonly g: 0 | 1;
  readonly y: number;
  readonly w: number;
}

const START: EProcessState = {
  count: 0,
  n: 2,
  sum: 1,
  sumSquares: 1,
  logTouch: 0,
  logGrid: [0, 0, 0, 0],
  logE: 0,
  logSup: 0,
};

/** The state before the first session. */
export function startEProcess(): EProcessState {
  return START;
}

/** ln of the mean of the four grid components. */
function logGridMean(logGrid: EProcessState["logGrid"]): number {
  const [a, b, c, d] = logGrid;
  const top = Math.max(a, b, c, d);
  return (
    top +
    Math.log((Math.exp(a - top) + Math.exp(b - top) + Math.exp(c - top) + Math.exp(d - top)) / GRID.length)
  );
}

/** ln[(1 - omega) mean(grid) + omega touch] */
function logMixture(logTouch: number, logGrid: EProcessState["logGrid"]): number {
  const [a, b, c, d] = logGrid;
  const top = Math.max(logTouch, a, b, c, d);
  const grid = Math.exp(a - top) + Math.exp(b - top) + Math.exp(c - top) + Math.exp(d - top);
  return top + Math.log(Math.exp(logTouch - top) * TOUCH_WEIGHT + (grid * (1 - TOUCH_WEIGHT)) / GRID.length);
}

/**
 * Half the touch component over what it must reach for the mixture to reach 1/alpha; null once the grid alone has got
 * there. The chance of the touch, were there no drift, is twice this.
 */
function touchFraction(plan: EProcessPlan, state: EProcessState): number | null {
  const target = (1 / plan.alpha - (1 - TOUCH_WEIGHT) * Math.exp(logGridMean(state.logGrid))) / TOUCH_WEIGHT;
  return target > 0 ? Math.exp(state.logTouch - Math.log(2 * target)) : null;
}

/** Mean and variance of the outcomes before a session. */
function moments(state: EProcessState): { mean: number; variance: number } {
  const mean = state.sum / state.n;
  return { mean, variance: Math.max(state.sumSquares / state.n - mean * mean, VARIANCE_MIN) };
}

/** The largest loss per unit of bet over both arms and the extreme outcomes. */
function worstLoss(plan: EProcessPlan, w: number, mean: number): number {
  const { direction, shift } = plan;
  const champion = direction * w;
  const challenger = -direction * (1 - w);
  return Math.max(
    champion * -mean,
    champion * (1 - mean),
    challenger * (-shift - mean),
    challenger * (1 - shift - mean),
  );
}

/** The bet that replicates the touch option, or 0 where there is nothing left to touch. */
function touchBet(plan: EProcessPlan, state: EProcessState, w: number, variance: number): number {
  if (state.count + 1 > plan.horizon) return 0;
  const q = touchFraction(plan, state);
  if (q === null || q <= TOUCH_MIN || q >= 0.5) return 0;
  const left = plan.horizon - state.count;
  return normalDensity(phiInverse(q)) / (q * Math.sqrt(left * w * (1 - w) * variance));
}

/** The bet of a plan that suits an effect found just at the horizon; infinite for a planned share of 0. */
function gridUnit(plan: EProcessPlan): number {
  const { alpha, horizon, planShare } = plan;
  return Math.sqrt((-2 * Math.log(alpha)) / (horizon * planShare * (1 - planShare)));
}

/** The state after one more session. Costs a fraction of a microsecond. */
export function stepEProcess(
  plan: EProcessPlan,
  state: EProcessState,
  session: EProcessSession,
): EProcessState {
  const { g, w } = session;
  const { mean, variance } = moments(state);
  const y = session.y - plan.shift * g;
  const x = plan.direction * (g - w) * (y - mean);
  const cap = STAKE_MAX / worstLoss(plan, w, mean);
  const logTouch = state.logTouch + Math.log1p(Math.min(touchBet(plan, state, w, variance), cap) * x);
  const unit = gridUnit(plan) / Math.sqrt(variance);
  const [a, b, c, d] = state.logGrid;
  const logGrid = [
    a + Math.log1p(Math.min(GRID[0] * unit, cap) * x),
    b + Math.log1p(Math.min(GRID[1] * unit, cap) * x),
    c + Math.log1p(Math.min(GRID[2] * unit, cap) * x),
    d + Math.log1p(Math.min(GRID[3] * unit, cap) * x),
  ] as const;
  const logE = logMixture(logTouch, logGrid);
  return {
    count: state.count + 1,
    n: state.n + 1,
    sum: state.sum + y,
    sumSquares: state.sumSquares + y * y,
    logTouch,
    logGrid,
    logE,
    logSup: Math.max(state.logSup, logE),
  };
}

/** Whether the evidence has ever reached its line, 1/alpha. */
export function hasCrossed(plan: EProcessPlan, state: EProcessState): boolean {
  return state.logSup >= Math.log1p(-LINE_SLACK) - Math.log(plan.alpha);
}

const EXPONENT_MAX = 700;
/** Stands for the quantile of a touch fraction too small for one. */
const U_MIN = -38;

/**
 * Probability that a Brownian motion with drift N(m, s2) touches -u within unit time.
 *
 * chance = Phi((m + u)/r) + exp(-2um + 2u^2 s2) Phi((u - m + 2u s2)/r), r = sqrt(1 + s2)
 *
 * @param u <= 0; @param m finite; @param s2 >= 0
 * @returns a probability in [0, 1], relative accuracy 1e-10
 * @throws DethroneError `numeric_domain`
 * @example
 * predictivePromotion({ u: -0.828173, m: 2.91426, s2: 0.279775 }); // 0.9858226445614706
 */
export function predictivePromotion(input: {
  readonly u: number;
  readonly m: number;
  readonly s2: number;
}): number {
  const { u, m, s2 } = input;
  if (!(u <= 0 && Number.isFinite(u))) domainError("u", u, "a finite number, at most 0");
  if (!Number.isFinite(m)) domainError("m", m, "a finite number");
  if (!(s2 >= 0 && Number.isFinite(s2))) domainError("s2", s2, "a finite number, at least 0");
  const r = Math.sqrt(1 + s2);
  const exponent = Math.min(-2 * u * m + 2 * u * u * s2, EXPONENT_MAX);
  return Math.min(1, phi((m + u) / r) + Math.exp(exponent) * phi((u - m + 2 * u * s2) / r));
}

/**
 * Predicted chance that the evidence reaches its line by the horizon, given what is believed of the uplift now.
 *
 * It only ever stops without promoting, so it cannot harm the guarantee.
 *
 * @param outlook share w of the sessions to come, and mean and variance of the uplift beyond the plan's shift
 * @returns a probability in [0, 1]
 */
export function chanceOfPromotion(
  plan: EProcessPlan,
  state: EProcessState,
  outlook: { readonly w: number; readonly upliftMean: number; readonly upliftVariance: number },
): number {
  const q = touchFraction(plan, state);
  if (q === null || q >= 0.5) return 1;
  const { w } = outlook;
  const left = Math.max(0, plan.horizon - state.count);
  const theta = Math.sqrt((left * w * (1 - w)) / moments(state).variance);
  return predictivePromotion({
    u: q < TOUCH_MIN ? U_MIN : phiInverse(q),
    m: theta * outlook.upliftMean,
    s2: theta * theta * outlook.upliftVariance,
  });
}

/** Outcomes of a run, session by session. */
export interface EProcessData {
  readonly g: readonly number[];
  readonly y: readonly number[];
  readonly w: readonly number[];
}

/** @throws DethroneError `numeric_domain` */
export function checkPlan(plan: EProcessPlan): void {
  const { alpha, horizon, planShare, direction, shift } = plan;
  if (!(alpha > 0 && alpha < 1)) domainError("alpha", alpha, "a number in (0, 1)");
  if (!(horizon >= 1 && horizon <= 1e12)) domainError("horizon", horizon, "a number in [1, 1e12]");
  if (!(planShare >= 0 && planShare < 1)) domainError("planShare", planShare, "a number in [0, 1)");
  if (direction !== 1 && direction !== -1) domainError("direction", direction, "1 or -1");
  if (!(Math.abs(shift) <= 1)) domainError("shift", shift, "a number in [-1, 1]");
}

/** @throws DethroneError `numeric_domain` */
export function checkData(data: EProcessData): void {
  const { g, y, w } = data;
  if (g.length !== y.length || g.length !== w.length) {
    domainError("data", `${g.length}, ${y.length}, ${w.length} values`, "g, y and w of the same length");
  }
  for (const each of g) if (each !== 0 && each !== 1) domainError("data.g", each, "0 or 1");
  for (const each of y) if (!(each >= 0 && each <= 1)) domainError("data.y", each, "a number in [0, 1]");
  for (const each of w) if (!(each > 0 && each < 1)) domainError("data.w", each, "a number in (0, 1)");
}

/**
 * The e-process over a whole run.
 *
 * @returns [logE, logSup, logTouch, logGrid, first session at which the line is reached, from 1; 0 for never]; logs
 *   within 1e-9 max(1, |log|)
 * @throws DethroneError `numeric_domain`
 * @example
 * const data = { g: [1], y: [1], w: [0.5] };
 * eProcess({ alpha: 0.05, horizon: 1, planShare: 0.5, direction: 1, shift: 0, data })[0]; // 0.6678293725756554
 */
export function eProcess(
  input: EProcessPlan & { readonly data: EProcessData },
): readonly [number, number, number, number, number] {
  checkPlan(input);
  checkData(input.data);
  const { g, y, w } = input.data;
  let state = startEProcess();
  let crossing = 0;
  for (let i = 0; i < g.length; i += 1) {
    state = stepEProcess(input, state, { g: g[i] as 0 | 1, y: y[i] as number, w: w[i] as number });
    if (crossing === 0 && hasCrossed(input, state)) crossing = i + 1;
  }
  return [state.logE, state.logSup, state.logTouch, logGridMean(state.logGrid), crossing];
}
