/**
 * The confidence sequence of the uplift: what the e-process does not reject, at any time.
 */
import { checkInside } from "../check.js";
import {
  advance,
  type EProcessData,
  type EProcessPlan,
  type EProcessSession,
  type PreparedPlan,
  preparePlan,
  runningCopy,
  sessionsOf,
  startEProcess,
} from "./e-process.js";

/** Sessions so far and the confidence that is asked for. */
export interface ConfidenceInput {
  /** confidence, in (0, 1) */
  readonly level: number;
  /** planned sessions, both arms together; an integer of at least 1 */
  readonly horizon: number;
  /** the challenger's share the plan expects; in [0, 1] */
  readonly planShare: number;
  readonly data: EProcessData;
}

const SHIFTS_PER_UNIT = 200;

/** Whether the test crosses somewhere in these sessions; it stops there. */
function crosses(prepared: PreparedPlan, sessions: readonly EProcessSession[]): boolean {
  const state = runningCopy(startEProcess());
  for (const session of sessions) {
    advance(prepared, state, session);
    if (state.logSup >= prepared.logThreshold) return true;
  }
  return false;
}

/** Steps from the outside inwards that are rejected before the first that is not. */
function rejectedSteps(plan: EProcessPlan, sessions: readonly EProcessSession[]): number {
  // Not by bisection: whether a shift is rejected is almost, but not strictly, monotone in it.
  for (let step = 0; step < 2 * SHIFTS_PER_UNIT; step++) {
    const shift = plan.direction * ((step - SHIFTS_PER_UNIT) / SHIFTS_PER_UNIT);
    if (!crosses(preparePlan({ ...plan, shift }), sessions)) return step;
  }
  return 2 * SHIFTS_PER_UNIT;
}

/**
 * Confidence interval of the uplift, challenger less champion, that may be looked at after every session.
 *
 * A constant uplift lies inside at all times at once with probability `level`. Each end is the last of the shifts
 * -1, -0.995, ..., 1, from the outside inwards, that the e-process rejects at (1 - level)/2.
 *
 * @param input level in (0, 1), horizon, planShare and the sessions in the order of their assignment
 * @returns [low, high], multiples of 0.005; -1 and 1 where no shift is rejected.
 * @throws DethroneError `numeric_domain` if a field is outside its range or the lists differ in length.
 *
 * Method: one e-process for each shift tried, ended where it crosses; some 30 ms for 2,000 sessions.
 * Source: S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform confidence sequences, 2021.
 *
 * @example
 * confidenceSequence({ level: 0.95, horizon: 100, planShare: 0.5, data: { g: [], y: [], w: [] } }); // [-1, 1]
 */
export function confidenceSequence(input: ConfidenceInput): readonly [number, number] {
  const { level, horizon, planShare, data } = input;
  checkInside("level", level);
  const plan = { alpha: (1 - level) / 2, horizon, planShare, shift: 0 };
  const sessions = sessionsOf(data);
  const endOf = (direction: 1 | -1): number => {
    const steps = rejectedSteps({ ...plan, direction }, sessions);
    return direction * ((Math.max(steps - 1, 0) - SHIFTS_PER_UNIT) / SHIFTS_PER_UNIT);
  };
  return [endOf(1), endOf(-1)];
}
