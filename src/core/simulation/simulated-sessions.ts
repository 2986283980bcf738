/**
 * Simulated sessions: which arm serves each, how it goes, and when that is known.
 *
 * Every session takes the same random numbers whatever the policy makes of it, so that policies which are compared under
 * one seed see the same sessions for as long as their shares agree.
 */
import { DethroneError, received } from "../errors.js";
import { standardQuantile } from "../numeric/normal.js";
import type { Random } from "../random.js";

/** A value for the champion's sessions and one for those of every challenger. */
export interface ByArm<T> {
  readonly champion: T;
  readonly challenger: T;
}

/** Sessions assigned after a session until its score is known: whole numbers, 0 or more, by how it went. */
export interface Delay {
  readonly success: number;
  readonly failure: number;
}

/** What a session scores, given its arm's rate. */
export type Outcomes =
  /** 1 with the rate as its chance, else 0 */
  | { readonly kind: "binary" }
  /** a Beta with the rate as its mean, and a + b = concentration, in [0.5, 1e6] */
  | { readonly kind: "beta"; readonly concentration: number }
  /** 0, 1/2 or 1: the mean of two binary ones */
  | { readonly kind: "levels" }
  /** drawn with replacement from recorded scores: the champion's, then each challenger's; rates and effects are theirs */
  | { readonly kind: "pool"; readonly scores: readonly (readonly number[])[] };

/** How the arms' sessions go. Plain data. */
export interface World {
  /** the champion's expected score at the first session, in [0, 1] */
  readonly baseRate: number;
  /** ... and at the horizon; linear between, constant after it */
  readonly endRate: number;
  /** by how much each challenger is better at every session, held to what [0, 1] leaves room for */
  readonly effects: readonly number[];
  readonly outcomes: Outcomes;
  /** null: known at once */
  readonly delay: ByArm<Delay> | null;
  /** chance that nothing says how a session went; null: never */
  readonly missing: (ByArm<number> & { readonly only: "all" | "failures" }) | null;
}

/** A {@link World} as a caller gives it. */
export interface WorldInput {
  /** in [0, 1]; default 0.6 */
  readonly baseRate?: number | undefined;
  /** the base rate moves from one to the other over the horizon, instead of `baseRate` */
  readonly drift?: { readonly from: number; readonly to: number } | null | undefined;
  /** in [-1, 1]; one for each challenger. Default 0, for one challenger */
  readonly effect?: number | readonly number[] | undefined;
  /** default binary */
  readonly outcomes?: Outcomes | undefined;
  /** a number is the delay of all */
  readonly delay?: number | ByArm<Delay> | undefined;
  /** a number is the chance of both arms; each in [0, 0.95] */
  readonly missing?: number | (ByArm<number> & { readonly only?: "all" | "failures" }) | undefined;
}

/** Throws `settings_invalid` naming the field, the value and what is allowed. */
export function invalidSetting(field: string, value: unknown, allowed: string): never {
  throw new DethroneError(
    "settings_invalid",
    `${field} must be ${allowed}; received ${JSON.stringify(received(value))}.`,
    { field, received: received(value), allowed },
  );
}

/** Checks a number in [low, high]. @throws DethroneError `settings_invalid` */
export function checkSetting(field: string, value: unknown, [low, high]: readonly [number, number]): void {
  if (!(typeof value === "number" && value >= low && value <= high))
    invalidSetting(field, value, `a number in [${low}, ${high}]`);
}

/** Checks a whole number in [low, high]. @throws DethroneError `settings_invalid` */
export function checkWhole(field: string, value: unknown, [low, high]: readonly [number, number]): void {
  if (!(Number.isInteger(value) && (value as number) >= low && (value as number) <= high))
    invalidSetting(field, value, `a whole number in [${low}, ${high}]`);
}

const UNIT = [0, 1] as const;
const DELAY_MAX = 1e6;
const CHALLENGERS_MAX = 20;

function checkRates({ baseRate, endRate, effects }: World, hasDrift: boolean): void {
  checkSetting(hasDrift ? "drift.from" : "baseRate", baseRate, UNIT);
  checkSetting(hasDrift ? "drift.to" : "baseRate", endRate, UNIT);
  checkWhole("the number of challengers", effects.length, [1, CHALLENGERS_MAX]);
  for (const effect of effects) {
    checkSetting("effect", effect, [-1, 1]);
    const rate = baseRate + effect;
    // A drift may carry an effect to the edge for a while; an effect that is never possible is a slip.
    if (!hasDrift && !(rate > -1e-9 && rate < 1 + 1e-9))
      invalidSetting("baseRate + effect", rate, "a rate in [0, 1]");
  }
}

const meanOf = (scores: readonly number[]): number =>
  scores.reduce((sum, score) => sum + score, 0) / scores.length;

function checkPool(scores: readonly (readonly number[])[]): void {
  checkWhole("the number of arms with recorded scores", scores.length, [2, CHALLENGERS_MAX + 1]);
  for (const list of scores) {
    if (list.length === 0) invalidSetting("recorded scores", list, "a list of at least one score");
    for (const score of list) checkSetting("a recorded score", score, UNIT);
  }
}

function delayOf(input: WorldInput["delay"]): World["delay"] {
  if (input === undefined || input === 0) return null;
  const all = typeof input === "number" ? { success: input, failure: input } : null;
  const delay = all ? { champion: all, challenger: all } : (input as ByArm<Delay>);
  for (const each of [delay.champion, delay.challenger]) {
    checkWhole("delay", each.success, [0, DELAY_MAX]);
    checkWhole("delay", each.failure, [0, DELAY_MAX]);
  }
  return delay;
}

function missingOf(input: WorldInput["missing"]): World["missing"] {
  if (input === undefined || input === 0) return null;
  const missing =
    typeof input === "number"
      ? ({ champion: input, challenger: input, only: "all" } as const)
      : { only: "all" as const, ...input };
  checkSetting("missing", missing.champion, [0, 0.95]);
  checkSetting("missing", missing.challenger, [0, 0.95]);
  return missing;
}

/**
 * A complete world.
 *
 * @throws DethroneError `settings_invalid` naming the field, the value and what is allowed
 * @example
 * createWorld({ effect: 0.05 }).effects; // [0.05]
 */
export function createWorld(input: WorldInput = {}): World {
  const { drift, outcomes = { kind: "binary" }, effect = 0 } = input;
  const rest = { outcomes, delay: delayOf(input.delay), missing: missingOf(input.missing) };
  if (outcomes.kind === "pool") {
    checkPool(outcomes.scores);
    const [baseRate, ...rates] = outcomes.scores.map(meanOf) as [number, ...number[]];
    return { ...rest, baseRate, endRate: baseRate, effects: rates.map((rate) => rate - baseRate) };
  }
  if (outcomes.kind === "beta") checkSetting("concentration", outcomes.concentration, [0.5, 1e6]);
  const { from, to } = drift ?? { from: input.baseRate ?? 0.6, to: input.baseRate ?? 0.6 };
  const effects = typeof effect === "number" ? [effect] : effect;
  const world = { ...rest, baseRate: from, endRate: to, effects };
  checkRates(world, Boolean(drift));
  return world;
}

const held = (rate: number): number => Math.min(1, Math.max(0, rate));

/** By how much a challenger is better at best, at any session. */
export function bestEffect({ baseRate, endRate }: World, effect: number): number {
  return Math.max(held(baseRate + effect) - baseRate, held(endRate + effect) - endRate);
}

/** A session as it is drawn. Its fields are overwritten by the next. */
export interface SimulatedSession {
  /** 0 the champion, j the j-th challenger */
  arm: number;
  /** null: missing */
  score: number | null;
  /** sessions assigned after it until the score is known */
  delay: number;
}

/** A standard gamma variate. Source: G. Marsaglia, W. W. Tsang, A simple method for generating gamma variables, 2000. */
function gammaDraw(shape: number, random: Random): number {
  if (shape < 1) {
    const raised = gammaDraw(shape + 1, random);
    return raised * Math.max(random.next(), 2 ** -53) ** (1 / shape);
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardQuantile((random.uint32() + 0.5) / 2 ** 32);
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    if (Math.log(1 - random.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function betaDraw(mean: number, concentration: number, random: Random): number {
  if (mean <= 0 || mean >= 1) return held(mean);
  const success = gammaDraw(concentration * mean, random);
  const failure = gammaDraw(concentration * (1 - mean), random);
  return success / (success + failure);
}

function scoreDraw(world: World, random: Random): (arm: number, rate: number) => number {
  const { outcomes } = world;
  if (outcomes.kind === "binary") return (_arm, rate) => (random.next() < rate ? 1 : 0);
  if (outcomes.kind === "levels")
    return (_arm, rate) => (Number(random.next() < rate) + Number(random.next() < rate)) / 2;
  if (outcomes.kind === "beta") return (_arm, rate) => betaDraw(rate, outcomes.concentration, random);
  return (arm) => {
    const scores = outcomes.scores[arm] as readonly number[];
    return scores[Math.floor(random.next() * scores.length)] as number;
  };
}

/** The arm that owns a point of [0, 1): the challengers in order from 0 upward, the champion the rest. */
function armAt(point: number, shares: readonly number[]): number {
  let end = 0;
  for (let j = 0; j < shares.length; j++) {
    end += shares[j] as number;
    if (point < end) return j + 1;
  }
  return 0;
}

/**
 * A source of sessions: each call draws the next one, under the challengers' shares of the moment.
 *
 * @param horizon sessions over which the base rate drifts
 */
export function sessionSource(
  world: World,
  horizon: number,
  random: Random,
): (shares: readonly number[]) => SimulatedSession {
  const { baseRate, endRate, effects, delay, missing } = world;
  const session: SimulatedSession = { arm: 0, score: 0, delay: 0 };
  const draw = scoreDraw(world, random);
  let index = 0;
  return (shares) => {
    const arm = armAt(random.next(), shares);
    let rate = baseRate + (endRate - baseRate) * Math.min(1, index / horizon);
    if (arm > 0) rate = held(rate + (effects[arm - 1] as number));
    const score = draw(arm, rate);
    const role = arm === 0 ? "champion" : "challenger";
    session.arm = arm;
    session.score = score;
    if (delay !== null) session.delay = delay[role][score < 0.5 ? "failure" : "success"];
    if (missing !== null) {
      const isMissing = random.next() < missing[role];
      if (isMissing && (missing.only === "all" || score < 0.5)) session.score = null;
    }
    index += 1;
    return session;
  };
}
