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
  type RunningEProcess,
  runningCopy,
  sessionsOf,
  startEProcess,
} from "./e-process.js";
import { SessionLog } from "./session-log.js";

/** What a confidence sequence is planned for. */
export interface ConfidencePlan {
  /** confidence, in (0, 1) */
  readonly level: number;
  /** planned sessions, both arms together; an integer of at least 1 */
  readonly horizon: number;
  /** the challenger's share the plan expects; in [0, 1] */
  readonly planShare: number;
}

/** Sessions so far and the confidence that is asked for. */
export interface ConfidenceInput extends ConfidencePlan {
  readonly data: EProcessData;
}

const SHIFTS_PER_UNIT = 200;

/** One end of the interval: shifts are tried from the outside inwards, each on all sessions until it is rejected. */
class End {
  readonly #plan: EProcessPlan;
  readonly #log: SessionLog;
  /** sessions that it took to reject each of the outer shifts */
  readonly #rejectedAfter: number[] = [];
  /** the e-process of the first shift that is not rejected */
  #prepared: PreparedPlan;
  #state: RunningEProcess;

  constructor(plan: EProcessPlan, log: SessionLog) {
    this.#plan = plan;
    this.#log = log;
    this.#prepared = preparePlan({ ...plan, shift: this.#shiftAt(0) });
    this.#state = runningCopy(startEProcess());
  }

  #shiftAt(step: number): number {
    return this.#plan.direction * ((step - SHIFTS_PER_UNIT) / SHIFTS_PER_UNIT);
  }

  /** Takes up to `steps` steps of e-processes; how many it had to take. */
  work(steps: number): number {
    const session: EProcessSession = { g: 0, y: 0, w: 0 };
    let taken = 0;
    while (taken < steps && this.#rejectedAfter.length < 2 * SHIFTS_PER_UNIT) {
      if (this.#state.count === this.#log.length) break;
      this.#log.read(this.#state.count, session);
      advance(this.#prepared, this.#state, session);
      taken += 1;
      if (this.#state.logSup >= this.#prepared.logThreshold) this.#reject();
    }
    return taken;
  }

  /** Goes on to the next shift inwards, from the first session. */
  #reject(): void {
    this.#rejectedAfter.push(this.#state.count);
    this.#state = runningCopy(startEProcess());
    const step = this.#rejectedAfter.length;
    if (step < 2 * SHIFTS_PER_UNIT)
      this.#prepared = preparePlan({ ...this.#plan, shift: this.#shiftAt(step) });
  }

  /** The last of the shifts that were all rejected within the first `count` sessions. */
  at(count: number): number {
    // Not by bisection: how soon a shift is rejected is almost, but not strictly, monotone in it.
    const beyond = this.#rejectedAfter.findIndex((sessions) => sessions > count);
    const steps = beyond < 0 ? this.#rejectedAfter.length : beyond;
    return this.#shiftAt(Math.max(steps - 1, 0));
  }
}

/**
 * The confidence sequence of a log that grows. It is worked on in parts: every step of an e-process is taken once, so to
 * follow the log costs what is new of it, and a few whole passes whenever an end moves. What comes out depends neither
 * on how the work was divided nor on when the sessions came.
 */
export class RunningConfidence {
  readonly #ends: readonly [End, End];

  /** @throws DethroneError `numeric_domain` if a field of the plan is outside its range */
  constructor({ level, horizon, planShare }: ConfidencePlan, log: SessionLog) {
    checkInside("level", level);
    const plan = { alpha: (1 - level) / 2, horizon, planShare, shift: 0 };
    this.#ends = [new End({ ...plan, direction: 1 }, log), new End({ ...plan, direction: -1 }, log)];
  }

  /** Takes up to `steps` steps, of some 0.3 microseconds; how many it had to take: fewer once it is up with the log. */
  work(steps: number): number {
    const taken = this.#ends[0].work(steps);
    return taken + this.#ends[1].work(steps - taken);
  }

  /** The interval after the first `count` sessions; it is up with them. */
  at(count: number): readonly [number, number] {
    return [this.#ends[0].at(count), this.#ends[1].at(count)];
  }
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
export function confidenceSequence({ data, ...plan }: ConfidenceInput): readonly [number, number] {
  const log = new SessionLog();
  const confidence = new RunningConfidence(plan, log);
  for (const session of sessionsOf(data)) log.push(session);
  confidence.work(Number.POSITIVE_INFINITY);
  return confidence.at(log.length);
}
