/**
 * Conditions on a session's context as functions. The operators are those of the check beside this file and no others:
 * sift is given them by name, so that its operators that run code or patterns are out of reach at any depth.
 */

import Range from "semver/classes/range.js";
import coerce from "semver/functions/coerce.js";
import sift from "sift";
import type { Json, JsonObject } from "../../core/errors.js";
import { fieldOf } from "../../core/json-field.js";
import { isCondition, isLogic, isPlainObject } from "./where-check.js";

type Settings = NonNullable<Parameters<typeof sift.createQueryTester>[1]>;
type Operation = NonNullable<Settings["operations"]>[string];

/** Texts longer than this are no versions. */
const VERSION_LENGTH_MAX = 200;

/** An operator that holds where the value, or any member of a list, passes a test made once of the operand. */
function passing<Operand extends Json>(testOf: (operand: Operand) => (value: Json) => boolean): Operation {
  return (operand, owner, options) => sift.createEqualsOperation(testOf(operand), owner, options);
}

/** Versions are texts, or whole numbers as long as they are written in digits alone. */
const isVersion = (value: Json): value is string | number =>
  typeof value === "string"
    ? value.length <= VERSION_LENGTH_MAX
    : Number.isSafeInteger(value) && Number(value) >= 0;

const versionTest = (range: string): ((value: Json) => boolean) => {
  const allowed = new Range(range);
  return (value) => {
    const version = isVersion(value) ? coerce(value) : null;
    return version !== null && allowed.test(version);
  };
};

const containsTest = (part: string): ((value: Json) => boolean) => {
  const lower = part.toLowerCase();
  return (value) => typeof value === "string" && value.toLowerCase().includes(lower);
};

const isTest = (text: string): ((value: Json) => boolean) => {
  const lower = text.toLowerCase();
  return (value) => typeof value === "string" && value.toLowerCase() === lower;
};

// sift's own takes null for 0 and texts for numbers.
const modulusTest =
  ([divisor, remainder]: readonly [number, number]): ((value: Json) => boolean) =>
  (value) =>
    typeof value === "number" && Math.trunc(value) % divisor === remainder;

// sift's own would walk lists within lists once more for each level.
function elementTest(query: JsonObject): (value: Json) => boolean {
  const hasOperators = isCondition(query);
  const matches = compileWhere(hasOperators ? { element: query } : query);
  const passes = (element: Json): boolean =>
    hasOperators
      ? !Array.isArray(element) && matches({ element })
      : isPlainObject(element) && matches(element);
  return (value) => Array.isArray(value) && value.some(passes);
}

const SETTINGS: Settings = {
  // Operands are scalars; null is equal to a missing field, as in MongoDB.
  compare: (operand: Json, value: Json | undefined) =>
    operand === value || (operand === null && value === undefined),
  operations: {
    $eq: sift.$eq,
    $ne: sift.$ne,
    $gt: sift.$gt,
    $gte: sift.$gte,
    $lt: sift.$lt,
    $lte: sift.$lte,
    $in: sift.$in,
    $nin: sift.$nin,
    $all: sift.$all,
    $exists: sift.$exists,
    $size: sift.$size,
    $and: sift.$and,
    $or: sift.$or,
    $nor: sift.$nor,
    $not: sift.$not,
    $elemMatch: passing(elementTest),
    $mod: passing(modulusTest),
    $contains: passing(containsTest),
    $is: passing(isTest),
    $version: passing(versionTest),
  },
};

/** The query with its fields numbered in the order of `names`, to which new ones are added. */
function numbered(query: JsonObject, names: string[]): JsonObject {
  const entries = Object.entries(query).map(([name, condition]): [string, Json] => {
    if (isLogic(name))
      return [name, (condition as readonly JsonObject[]).map((each) => numbered(each, names))];
    const known = names.indexOf(name);
    return [`f${known >= 0 ? known : names.push(name) - 1}`, condition];
  });
  return Object.fromEntries(entries);
}

/** The fields a query asks for, by their numbers. */
function projected(record: JsonObject, names: readonly string[]): JsonObject {
  const fields: Record<string, Json> = {};
  for (const [index, name] of names.entries()) {
    const found = fieldOf(record, name);
    if (found !== undefined) fields[`f${index}`] = found;
  }
  return fields;
}

/**
 * A checked condition as a function of a context.
 *
 * Fields are looked up here and not by sift, which would also find what a text or the prototype of all objects has.
 *
 * @example
 * compileWhere({ os: { $version: ">=1.10" } })({ os: "1.9" }); // false
 */
export function compileWhere(where: JsonObject): (context: JsonObject) => boolean {
  const names: string[] = [];
  const matches = sift.createQueryTester<JsonObject>(numbered(where, names), SETTINGS);
  return (context) => matches(projected(context, names));
}
