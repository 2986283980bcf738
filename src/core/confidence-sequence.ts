/**
 * Confidence sequence of the uplift: an interval that holds at all times at once.
 */
import {
  checkData,
  checkPlan,
  type EProcessData,
  type EProcessPlan,
  hasCrossed,
  startEProcess,
  stepEProcess,
} from "./e-process.js";
import { domainError } from "./errors.js";

/** Shifts are multiples of 1/200, from -1 to 1. */
const STEPS = 200;

/** Whether "the uplift is at most (direction 1) or at least (-1) the shift" is rejected at some time. */
function isRejected(plan: EProcessPlan, data: EProcessData): boolean {
  let state = startEProcess();
  for (let i = 0; i < data.g.length; i += 1) {
    state = stepEProcess(plan, state, {
      g: data.g[i] as 0 | 1,
      y: data.y[i] as number,
      w: data.w[i] as number,
    });
    if (hasCrossed(plan, state)) return true;
  }
  return false;
}

/** The last rejected shift, scanning inwards from the outside; the outermost where none is. */
function endOf(plan: Omit<EProcessPlan, "shift">, data: EProcessData): number {
  const shiftAt = (k: number): number => plan.direction * (k / STEPS - 1);
  // Scanned, not bisected: rejection is monotone in the shift almost, not strictly, always.
  let k = 0;
  while (k <= 2 * STEPS && isRejected({ ...plan, shift: shiftAt(k) }, data)) k += 1;
  return shiftAt(Math.max(0, k - 1));
}

/**
 * Confidence sequence of a constant uplift E[y | g = 1] - E[y | g = 0].
 *
 * @param level coverage at all times simultaneously, in (0, 1)
 * @returns [lower, upper] in [-1, 1], on a grid of 0.005: the ends are the last rejected shifts, so they are on the
 *   safe side of the grid; -1 and 1 where nothing is rejected
 * @throws DethroneError `numeric_domain`
 *
 * Method: inverts the e-process, each end at (1 - level)/2. Cost: up to 400 passes over the data, fewer where shifts are
 * rejected early.
 * @example
 * confidenceSequence({ level: 0.95, horizon: 100, planShare: 0.5, data: { g: [], y: [], w: [] } }); // [-1, 1]
 */
export function confidenceSequence(input: {
  readonly level: number;
  readonly horizon: number;
  readonly planShare: number;
  readonly data: EProcessData;
}): readonly [number, number] {
  const { level, horizon, planShare, data } = input;
  if (!(level > 0 && level < 1)) domainError("level", level, "a number in (0, 1)");
  const plan = { alpha: (1 - level) / 2, horizon, planShare };
  checkPlan({ ...plan, direction: 1, shift: 0 });
  checkData(data);
  const lower = endOf({ ...plan, direction: 1 }, data);
  const upper = endOf({ ...plan, direction: -1 }, data);
  return [lower, upper];
}
