/**
 * Scores by attribute of the sessions' contexts: where a challenger does better, and where worse.
 *
 * Exploratory. It looks at many attributes and values at once, and no test vouches for what stands out: of twenty values
 * without any difference, one is expected to differ at the level of 0.05. What it suggests is a question for the next
 * experiment, with that attribute as its audience.
 */
import { checkInteger } from "../check.js";
import { domainError, type Json, type JsonObject } from "../errors.js";
import { fieldOf } from "../json-field.js";
import type { FoldInput } from "./evidence.js";

const VALUES_DEFAULT = 8;
/** An attribute with more values than this is an id, a text or a measurement, unless it is asked for. */
const DISTINCT_MAX = 50;

/** The scores of one arm among the units with one value. */
interface BreakdownArm {
  /** units with a score; an integer, 0 or more */
  readonly count: number;
  /** mean of their scores, in [0, 1]; null without any */
  readonly mean: number | null;
}

/** The units with one value of an attribute. */
interface BreakdownValue {
  /** the value as text: a number and a boolean as JSON writes them */
  readonly value: string;
  /** the champion, then the challengers */
  readonly arms: readonly BreakdownArm[];
  /** mean of the first challenger minus that of the champion, in [-1, 1]; null where one of them has no units */
  readonly uplift: number | null;
}

/** Scores by the values of one attribute. */
export interface Breakdown {
  /** a field of the context, or one inside of a field with a dot between, as in `user.plan` */
  readonly attribute: string;
  /** from the most frequent to the least, those of equal frequency by their text */
  readonly values: readonly BreakdownValue[];
  /** units with any other value; an integer, 0 or more */
  readonly otherCount: number;
}

/** What to break down by. */
export interface BreakdownOptions {
  /** this attribute alone, whatever its values; by its name or a path of any depth */
  readonly attribute?: string | undefined;
  /** values to keep of each attribute; an integer, 1 or more; default 8 */
  readonly maxValues?: number | undefined;
}

interface Tally {
  readonly value: string;
  count: number;
  readonly counts: number[];
  readonly sums: number[];
}

/** The tallies of an attribute by value; null once it has too many values. */
type Tallies = Map<string, Tally> | null;

/** The values a field counts under: a text, number or boolean its own, a list each of its texts once. */
function valuesOf(field: Json | undefined): readonly string[] {
  if (Array.isArray(field))
    return [...new Set(field.filter((each): each is string => typeof each === "string"))];
  if (typeof field === "string") return [field];
  return typeof field === "number" || typeof field === "boolean" ? [String(field)] : [];
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields of a context and those one level inside; each name once, the context's own field before one inside. */
function fieldsOf(context: JsonObject): ReadonlyMap<string, Json> {
  const fields = new Map<string, Json>(Object.entries(context));
  for (const [outer, value] of Object.entries(context)) {
    if (!isObject(value)) continue;
    for (const [inner, field] of Object.entries(value)) {
      const name = `${outer}.${inner}`;
      if (!fields.has(name)) fields.set(name, field);
    }
  }
  return fields;
}

function startTally(value: string, armCount: number): Tally {
  return { value, count: 0, counts: new Array(armCount).fill(0), sums: new Array(armCount).fill(0) };
}

function addTo(tallies: Map<string, Tally>, value: string, unit: ScoredUnit, armCount: number): void {
  const tally = tallies.get(value) ?? startTally(value, armCount);
  tallies.set(value, tally);
  tally.count += 1;
  tally.counts[unit.arm] = (tally.counts[unit.arm] as number) + 1;
  tally.sums[unit.arm] = (tally.sums[unit.arm] as number) + unit.score;
}

interface ScoredUnit {
  readonly arm: number;
  readonly score: number;
}

function meanOf(sum: number, count: number): number | null {
  return count === 0 ? null : sum / count;
}

function breakdownValue({ value, counts, sums }: Tally): BreakdownValue {
  const arms = counts.map((count, arm) => ({ count, mean: meanOf(sums[arm] as number, count) }));
  const champion = arms[0]?.mean ?? null;
  const challenger = arms[1]?.mean ?? null;
  return { value, arms, uplift: champion === null || challenger === null ? null : challenger - champion };
}

/** By code units, so that the order is the same in every locale. No two are equal. */
const byText = (left: string, right: string): number => (left < right ? -1 : 1);

function summarise(attribute: string, tallies: ReadonlyMap<string, Tally>, maxValues: number): Breakdown {
  const ordered = [...tallies.values()].sort(
    (left, right) => right.count - left.count || byText(left.value, right.value),
  );
  return {
    attribute,
    values: ordered.slice(0, maxValues).map(breakdownValue),
    otherCount: ordered.slice(maxValues).reduce((sum, { count }) => sum + count, 0),
  };
}

const isInformative = (tallies: ReadonlyMap<string, Tally>): boolean =>
  [...tallies.values()].some(({ count }) => count > 1);

/** A breakdown on its way: units are added one by one, in any order, each once. See {@link breakdownOf}. */
export class RunningBreakdown {
  readonly #byAttribute = new Map<string, Tallies>();
  readonly #armCount: number;
  readonly #attribute: string | undefined;

  /** @throws DethroneError `numeric_domain` if armCount is outside its range */
  constructor(armCount: number, attribute?: string) {
    checkInteger("armCount", armCount, 1);
    this.#armCount = armCount;
    this.#attribute = attribute;
  }

  /** @throws DethroneError `numeric_domain` if the arm is outside its range */
  add({ arm, score, context }: Pick<FoldInput, "arm" | "score" | "context">): void {
    if (!(Number.isInteger(arm) && arm >= 0 && arm < this.#armCount))
      domainError("arm", arm, `an integer in [0, ${this.#armCount - 1}]`);
    if (score === null || !context) return;
    if (this.#attribute !== undefined) {
      this.#addValues(this.#attribute, valuesOf(fieldOf(context, this.#attribute)), { arm, score });
      return;
    }
    for (const [name, field] of fieldsOf(context)) this.#addValues(name, valuesOf(field), { arm, score });
  }

  #addValues(attribute: string, values: readonly string[], unit: ScoredUnit): void {
    if (values.length === 0) return;
    const known = this.#byAttribute.get(attribute);
    // Left out for good: to go on would keep every id in memory.
    if (known === null) return;
    const tallies = known ?? new Map<string, Tally>();
    for (const value of values) addTo(tallies, value, unit, this.#armCount);
    const isKept = this.#attribute !== undefined || tallies.size <= DISTINCT_MAX;
    this.#byAttribute.set(attribute, isKept ? tallies : null);
  }

  /** The breakdown so far. @throws DethroneError `numeric_domain` if maxValues is outside its range */
  breakdown(maxValues = VALUES_DEFAULT): readonly Breakdown[] {
    checkInteger("maxValues", maxValues, 1);
    return [...this.#byAttribute]
      .sort(([left], [right]) => byText(left, right))
      .flatMap(([name, tallies]) =>
        tallies !== null && (this.#attribute !== undefined || isInformative(tallies))
          ? [summarise(name, tallies, maxValues)]
          : [],
      );
  }
}

/**
 * The scores of an experiment's units by the attributes of their contexts: texts, numbers and booleans, the texts of
 * lists (a unit in two groups counts in both), and the same one level inside of objects (`user.plan`).
 *
 * Left out, unless asked for by name: attributes with more than 50 values, and those no two units share a value of. Units
 * without a score are left out, as they are of the evidence. Exploratory: no test vouches for a difference found here.
 *
 * @param units settled units, each once, in any order
 * @param armCount arms of the experiment, the champion included; an integer, 1 or more
 * @returns attributes in the order of their names; empty where the contexts have none
 * @throws DethroneError `numeric_domain` if armCount, maxValues or the arm of a unit is outside its range
 *
 * Method: one pass, in time proportional to the fields of all contexts, then a sort of names and values.
 *
 * @example
 * const ios = { shares: [0.5], context: { platform: "ios" } };
 * breakdownOf([{ ...ios, arm: 0, score: 0 }, { ...ios, arm: 1, score: 1 }], 2);
 * // [{ attribute: "platform", values: [{ value: "ios", arms: [...], uplift: 1 }], otherCount: 0 }]
 */
export function breakdownOf(
  units: readonly FoldInput[],
  armCount: number,
  options: BreakdownOptions = {},
): readonly Breakdown[] {
  const running = new RunningBreakdown(armCount, options.attribute);
  for (const unit of units) running.add(unit);
  return running.breakdown(options.maxValues);
}
