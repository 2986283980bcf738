/**
 * The horizon-aware betting e-process: a test that may be looked at after every session.
 *
 * A session is a bet on x = direction (g - w)(yy - c), with g the arm (1 = challenger), w the probability with which it
 * was drawn, yy the outcome less the shift, c the running mean. Because g was drawn with probability w, x has mean 0
 * or less under the null whatever c is, and each factor 1 + bet x has mean 1 or less: the product is a nonnegative
 * supermartingale, and P(it ever reaches 1/alpha) <= alpha (Ville). That holds for unequal and moving shares, for
 * drift, for dependent sessions and for any outcome in [0, 1]. The size of the bets decides power only.
 *
 * Two kinds of bets are mixed. The touch part, weight 0.7, hedges a one-touch option: it bets as if to reach 1/alpha
 * by the horizon, which is an O'Brien-Fleming boundary. The grid, weight 0.3 over four constant bets, stops early on
 * large effects and survives the horizon. All wealth is kept as natural logs, so that nothing overflows.
 */
import { checkInside, checkInteger, checkLists, checkSigned, checkUnit } from "../check.js";
import { domainError } from "../errors.js";
import { standardDensity, standardQuantile } from "../numeric/normal.js";

/** What a test is for. */
export interface EProcessPlan {
  /** level: the chance of crossing under the null; in (0, 1) */
  readonly alpha: number;
  /** planned sessions, both arms together; an integer of at least 1 */
  readonly horizon: number;
  /** the challenger's share the plan expects; in [0, 1] */
  readonly planShare: number;
  /** 1 tests "never better than shift", -1 tests "never worse than shift" */
  readonly direction: 1 | -1;
  /** difference that counts as none; in [-1, 1] */
  readonly shift: number;
}

/** One session, as it is bet on. */
export interface EProcessSession {
  /** 1 if the challenger served it, 0 if the champion did */
  readonly g: 0 | 1;
  /** outcome, in [0, 1] */
  readonly y: number;
  /** probability with which the challenger was drawn, in (0, 1) */
  readonly w: number;
}

/** Where the test stands. Plain JSON: it is stored as a checkpoint, and a process resumed from it is the same. */
export interface EProcessState {
  /** sessions processed */
  readonly count: number;
  /** sessions in the running moments: two pseudo-sessions, one 0 and one 1, are included here and below */
  readonly n: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** ln of the touch part */
  readonly logTouch: number;
  /** ln of the four constant bets */
  readonly logGrid: readonly [number, number, number, number];
  /** ln of the mean of the constant bets: kept, because each step needs it twice */
  readonly logMean: number;
  /** ln of the mixture */
  readonly logE: number;
  /** the largest logE so far, 0 at start */
  readonly logSup: number;
}

/** A state that is stepped in place; inside this package only, where many sessions run in a loop. */
export type RunningEProcess = { -readonly [Key in keyof EProcessState]: EProcessState[Key] } & {
  logGrid: [number, number, number, number];
};

/** A plan with what every step needs. */
export interface PreparedPlan {
  readonly plan: EProcessPlan;
  /** ln of where the test has crossed */
  readonly logThreshold: number;
  /** the constant bets, before division by the standard deviation */
  readonly bets: readonly [number, number, number, number];
}

const TOUCH_WEIGHT = 0.7;
/** Largest loss a bet may risk, as a part of the wealth. */
const LOSS_MAX = 0.95;
/** The constant bets are this, 2, 4 and 8 times it, in units of the plan's scale. */
const SMALLEST_BET = 1.5;
const VARIANCE_MIN = 1e-12;
/** Smallest worst loss: with a shift of -1 a session may be unable to lose, and the cap would be infinite. */
const BOUND_MIN = 1e-9;
/** Below this the touch part is without hope. */
export const CHANCE_MIN = 1e-300;

/** Checks a plan and prepares it. */
export function preparePlan(plan: EProcessPlan): PreparedPlan {
  const { alpha, horizon, planShare, direction, shift } = plan;
  checkInside("alpha", alpha);
  checkInteger("horizon", horizon, 1);
  checkUnit("planShare", planShare);
  if (direction !== 1 && direction !== -1) domainError("direction", direction, "1 or -1");
  checkSigned("shift", shift);
  const logTarget = -Math.log(alpha);
  // A planned share of 0 or 1 makes this infinite: every bet is then the capped one.
  const bet = Math.sqrt((2 * logTarget) / (horizon * planShare * (1 - planShare)));
  return {
    plan,
    logThreshold: logThresholdOf(alpha),
    bets: [SMALLEST_BET * bet, 2 * SMALLEST_BET * bet, 4 * SMALLEST_BET * bet, 8 * SMALLEST_BET * bet],
  };
}

/**
 * The e-process before the first session.
 *
 * @example
 * startEProcess().logE; // 0
 */
export function startEProcess(): EProcessState {
  return {
    count: 0,
    n: 2,
    sum: 1,
    sumSquares: 1,
    logTouch: 0,
    logGrid: [0, 0, 0, 0],
    logMean: 0,
    logE: 0,
    logSup: 0,
  };
}

/** A copy of a state to be stepped in place. */
export function runningCopy(state: EProcessState): RunningEProcess {
  const { count, n, sum, sumSquares, logTouch, logGrid, logMean, logE, logSup } = state;
  const grid: RunningEProcess["logGrid"] = [logGrid[0], logGrid[1], logGrid[2], logGrid[3]];
  return { count, n, sum, sumSquares, logTouch, logGrid: grid, logMean, logE, logSup };
}

/** ln of the mean of the four constant bets. */
function logMeanOf(grid: EProcessState["logGrid"]): number {
  // By index, not by destructuring: this runs twice a session, and iterators would double the time of a step.
  const top = Math.max(grid[0], grid[1], grid[2], grid[3]);
  const firstHalf = Math.exp(grid[0] - top) + Math.exp(grid[1] - top);
  return top + Math.log((firstHalf + Math.exp(grid[2] - top) + Math.exp(grid[3] - top)) / 4);
}

/** ln of the mixture of both parts. */
function logMixture(logGridMean: number, logTouch: number): number {
  const top = Math.max(logGridMean, logTouch);
  return (
    top + Math.log((1 - TOUCH_WEIGHT) * Math.exp(logGridMean - top) + TOUCH_WEIGHT * Math.exp(logTouch - top))
  );
}

/** What the touch part has to reach for the mixture to reach 1/alpha: B. Not above 0: the grid is there by itself. */
function targetOf(plan: EProcessPlan, state: EProcessState): number {
  return (1 / plan.alpha - (1 - TOUCH_WEIGHT) * Math.exp(state.logMean)) / TOUCH_WEIGHT;
}

/** q = W/(2 B), the chance that a driftless touch reaches B; 0.5 or more where nothing is left to be reached. */
function chanceOf(target: number, logTouch: number): number {
  return target > 0 ? Math.exp(logTouch) / (2 * target) : 1;
}

/** Variance of the outcomes so far, before the coming session. */
function varianceOf({ n, sum, sumSquares }: EProcessState): number {
  const mean = sum / n;
  return Math.max(sumSquares / n - mean * mean, VARIANCE_MIN);
}

/** Largest bet: the worst outcome of the coming session then costs 95 % of the wealth. */
function largestBet({ direction, shift }: EProcessPlan, mean: number, w: number): number {
  const withChallenger = -direction * (1 - w);
  const withChampion = direction * w;
  const worst = Math.max(
    withChallenger * (-shift - mean),
    withChallenger * (1 - shift - mean),
    withChampion * -mean,
    withChampion * (1 - mean),
    BOUND_MIN,
  );
  return LOSS_MAX / worst;
}

/** The touch part's bet on the coming session: the delta of a one-touch option. 0 where it is done or hopeless. */
function touchBet(plan: EProcessPlan, state: EProcessState, spread: number): number {
  const chance = chanceOf(targetOf(plan, state), state.logTouch);
  if (!(chance > CHANCE_MIN && chance < 0.5)) return 0;
  const density = standardDensity(standardQuantile(chance));
  return density / (chance * Math.sqrt((plan.horizon - state.count) * spread));
}

/** Steps a state in place. The only place where bets are placed. */
export function advance(
  { plan, bets }: PreparedPlan,
  state: RunningEProcess,
  session: EProcessSession,
): void {
  const { g, y, w } = session;
  const mean = state.sum / state.n;
  const variance = varianceOf(state);
  const outcome = y - plan.shift * g;
  const x = plan.direction * (g - w) * (outcome - mean);
  const cap = largestBet(plan, mean, w);
  if (state.count < plan.horizon) {
    const bet = touchBet(plan, state, w * (1 - w) * variance);
    state.logTouch += Math.log1p(Math.min(bet, cap) * x);
  }
  const deviation = Math.sqrt(variance);
  const grid = state.logGrid;
  grid[0] += Math.log1p(Math.min(bets[0] / deviation, cap) * x);
  grid[1] += Math.log1p(Math.min(bets[1] / deviation, cap) * x);
  grid[2] += Math.log1p(Math.min(bets[2] / deviation, cap) * x);
  grid[3] += Math.log1p(Math.min(bets[3] / deviation, cap) * x);
  state.logMean = logMeanOf(grid);
  state.logE = logMixture(state.logMean, state.logTouch);
  state.logSup = Math.max(state.logSup, state.logE);
  state.count += 1;
  state.n += 1;
  state.sum += outcome;
  state.sumSquares += outcome * outcome;
}

/** Checks one session. */
function checkSession({ g, y, w }: EProcessSession): void {
  if (g !== 0 && g !== 1) domainError("g", g, "0 or 1");
  checkUnit("y", y);
  checkInside("w", w);
}

/**
 * The e-process after one more session. Sessions are given in the order of their assignment, each once.
 *
 * @param plan what the test is for; horizon and planShare may differ from step to step without touching the guarantee
 * @param state from {@link startEProcess} or an earlier step
 * @param session arm g, outcome y in [0, 1], share w in (0, 1)
 * @throws DethroneError `numeric_domain` if a field of the plan or the session is outside its range.
 *
 * Method: bets sized by the delta of a one-touch option and by a grid of constants, under 1 microsecond.
 * Source: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, 2024; S. Browne,
 * Reaching goals by a deadline, 1999.
 *
 * @example
 * const plan = { alpha: 0.05, horizon: 100, planShare: 0.5, direction: 1, shift: 0 } as const;
 * stepEProcess(plan, startEProcess(), { g: 1, y: 1, w: 0.5 }).logE; // 0.334753745008
 */
export function stepEProcess(
  plan: EProcessPlan,
  state: EProcessState,
  session: EProcessSession,
): EProcessState {
  const prepared = preparePlan(plan);
  checkSession(session);
  const next = runningCopy(state);
  advance(prepared, next, session);
  return next;
}

/** ln of where a test of this level has crossed: 1/alpha, less a rounding. */
function logThresholdOf(alpha: number): number {
  return -Math.log(alpha) + Math.log1p(-1e-9);
}

/** Whether a test of this level has crossed 1/alpha, now or at any earlier session. */
export function hasCrossed({ alpha }: Pick<EProcessPlan, "alpha">, state: EProcessState): boolean {
  checkInside("alpha", alpha);
  return state.logSup >= logThresholdOf(alpha);
}

/** What the touch part still has to do, as the chance of predicting it takes it. */
export interface TouchOutlook {
  /** q = W/(2 B), half the chance that it reaches its target B without drift; 0.5 or more where that is reached */
  readonly chance: number;
  /** variance of the outcomes so far */
  readonly variance: number;
}

/** What the touch part still has to do. */
export function touchOutlook(plan: EProcessPlan, state: EProcessState): TouchOutlook {
  return { chance: chanceOf(targetOf(plan, state), state.logTouch), variance: varianceOf(state) };
}

/** A whole test at once: the plan and, session by session, arms, outcomes and shares. */
export type EProcessInput = EProcessPlan & { readonly data: EProcessData };

/** Sessions as three lists of one length. */
export interface EProcessData {
  readonly g: readonly number[];
  readonly y: readonly number[];
  readonly w: readonly number[];
}

/** The sessions of three lists, checked. */
export function sessionsOf({ g, y, w }: EProcessData): readonly EProcessSession[] {
  checkLists({ g, y, w });
  return g.map((arm, index) => {
    const session = { g: arm as 0 | 1, y: y[index] as number, w: w[index] as number };
    checkSession(session);
    return session;
  });
}

/**
 * The e-process over a list of sessions.
 *
 * @returns [ln E, ln of its largest value, ln of the touch part, ln of the mean of the constant bets, number of the session
 *   at which it crossed 1/alpha or 0]
 * @throws DethroneError `numeric_domain` if a field is outside its range or the lists differ in length.
 *
 * @example
 * const data = { g: [1, 0], y: [1, 0], w: [0.5, 0.5] };
 * eProcess({ alpha: 0.05, horizon: 100, planShare: 0.5, direction: 1, shift: 0, data })[4]; // 0
 */
export function eProcess(input: EProcessInput): readonly [number, number, number, number, number] {
  const { data, ...plan } = input;
  const prepared = preparePlan(plan);
  const state = runningCopy(startEProcess());
  let crossing = 0;
  for (const session of sessionsOf(data)) {
    advance(prepared, state, session);
    if (crossing === 0 && state.logSup >= prepared.logThreshold) crossing = state.count;
  }
  return [state.logE, state.logSup, state.logTouch, state.logMean, crossing];
}
