/**
 * What a condition on a session's context may say: the operators, their operands, and how much of them. All that is not
 * listed here is refused, so that no condition runs code or takes longer than the context and the condition are large.
 */
import Range from "semver/classes/range.js";
import { DethroneError, type Json, type JsonObject, received } from "../../core/errors.js";

/** Levels of $and, $or, $nor, $not and $elemMatch within each other. */
const NESTING_MAX = 8;
/** Fields, operators and listed values of one condition, all together. */
const PART_COUNT_MAX = 1000;
const TEXT_LENGTH_MAX = 1000;
const NAME_LENGTH_MAX = 200;
const LOGIC = ["$and", "$or", "$nor"];

/** Whether a key of a condition joins conditions, and is no field. */
export const isLogic = (key: string): boolean => LOGIC.includes(key);

/** Whether an object holds operators on one value, and not conditions by field. */
export const isCondition = (query: object): boolean =>
  Object.keys(query).some((key) => key.startsWith("$") && !isLogic(key));

/** Whether a value is an object as JSON makes them. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Where in the audience a value stands. */
interface Place {
  readonly path: string;
  readonly nesting: number;
  readonly inNot: boolean;
  /** shared by all places of one condition */
  readonly budget: { partsLeft: number };
}

// Neither objects nor long texts are repeated: what was received may be of any size.
function shown(value: unknown): Json {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" && value.length > 100 ? `${value.slice(0, 100)}...` : received(value);
}

/** Throws `audience_invalid` naming the part of the audience, the value and what is allowed. */
export function failAudience(path: string, value: unknown, allowed: string): never {
  const place = path === "" ? "An audience" : `audience.${path}`;
  throw new DethroneError("audience_invalid", `${place} must be ${allowed}; received ${shown(value)}.`, {
    field: path,
    received: shown(value),
    allowed,
  });
}

function spend(at: Place, value: unknown): void {
  at.budget.partsLeft -= 1;
  if (at.budget.partsLeft < 0)
    failAudience(at.path, value, `one of at most ${PART_COUNT_MAX} fields, operators and values in all`);
}

function inside(at: Place, key: string | number, value: unknown): Place {
  const path = typeof key === "number" ? `${at.path}[${key}]` : `${at.path}.${key}`;
  const place = { ...at, path };
  spend(place, value);
  return place;
}

function nested(at: Place, value: unknown): Place {
  const nesting = at.nesting + 1;
  if (nesting > NESTING_MAX) failAudience(at.path, value, `nested at most ${NESTING_MAX} levels deep`);
  return { ...at, nesting };
}

type Check = (operand: unknown, at: Place) => Json;

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length <= TEXT_LENGTH_MAX;

const checkedScalar: Check = (operand, { path }) => {
  if (operand === null || typeof operand === "boolean") return operand;
  if (isText(operand) || Number.isFinite(operand)) return operand as Json;
  return failAudience(
    path,
    operand,
    `a text of at most ${TEXT_LENGTH_MAX} characters, a number, a boolean or null`,
  );
};

const checkedOrdered: Check = (operand, { path }) => {
  if (isText(operand) || Number.isFinite(operand)) return operand as Json;
  return failAudience(path, operand, `a number or a text of at most ${TEXT_LENGTH_MAX} characters`);
};

const checkedText: Check = (operand, { path }) => {
  if (isText(operand) && operand !== "") return operand;
  return failAudience(path, operand, `a text of 1 to ${TEXT_LENGTH_MAX} characters`);
};

// An empty list reads as "nobody" to one person and as "no restriction" to another.
const checkedScalars: Check = (operand, at) => {
  if (!Array.isArray(operand) || operand.length === 0)
    failAudience(at.path, operand, "a list of at least one value; leave the condition out for everyone");
  return Array.from(operand, (value, index) => checkedScalar(value, inside(at, index, value)));
};

const checkedBoolean: Check = (operand, { path }) =>
  typeof operand === "boolean" ? operand : failAudience(path, operand, "true or false");

const checkedSize: Check = (operand, { path }) => {
  if (Number.isSafeInteger(operand) && (operand as number) >= 0) return operand as number;
  return failAudience(path, operand, "a whole number, 0 or more");
};

const checkedModulus: Check = (operand, { path }) => {
  const isPair = Array.isArray(operand) && operand.length === 2 && operand.every(Number.isSafeInteger);
  if (!isPair || operand[0] === 0)
    failAudience(path, operand, "a list of two whole numbers: a divisor other than 0 and a remainder");
  return [operand[0], operand[1]];
};

const checkedVersions: Check = (operand, { path }) => {
  if (typeof operand === "string" && operand !== "" && operand.length <= NAME_LENGTH_MAX && isRange(operand))
    return operand;
  return failAudience(
    path,
    operand,
    `a range of versions such as ">=1.10", in at most ${NAME_LENGTH_MAX} characters`,
  );
};

function isRange(text: string): boolean {
  try {
    return new Range(text).set.length > 0;
  } catch {
    return false;
  }
}

const checkedNot: Check = (operand, at) => {
  // Lists within lists would be walked once more for each further level.
  if (at.inNot) failAudience(at.path, operand, "outside of another $not");
  return checkedCondition(operand, { ...nested(at, operand), inNot: true });
};

const checkedElement: Check = (operand, at) => {
  const place = { ...nested(at, operand), inNot: false };
  if (!isPlainObject(operand) || Object.keys(operand).length === 0)
    failAudience(at.path, operand, "an object of operators, or of conditions by field");
  return isCondition(operand) ? checkedCondition(operand, place) : checkedQuery(operand, place);
};

const OPERATORS: Readonly<Record<string, Check>> = {
  $eq: checkedScalar,
  $ne: checkedScalar,
  $gt: checkedOrdered,
  $gte: checkedOrdered,
  $lt: checkedOrdered,
  $lte: checkedOrdered,
  $in: checkedScalars,
  $nin: checkedScalars,
  $all: checkedScalars,
  $exists: checkedBoolean,
  $size: checkedSize,
  $mod: checkedModulus,
  $not: checkedNot,
  $elemMatch: checkedElement,
  $contains: checkedText,
  $is: checkedText,
  $version: checkedVersions,
};

const OPERATOR_NAMES = Object.keys(OPERATORS).join(", ");

/** An object with every value checked: `Object.fromEntries` keeps a key `__proto__` a key. */
function checkedEntries(
  record: Record<string, unknown>,
  at: Place,
  check: (key: string) => Check,
): JsonObject {
  const entries = Object.entries(record);
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const place = inside(at, key, value);
      return [key, check(key)(value, place)];
    }),
  );
}

/** The operators on one value. */
function checkedCondition(condition: unknown, at: Place): JsonObject {
  if (!isPlainObject(condition) || Object.keys(condition).length === 0)
    failAudience(at.path, condition, `an object of operators, each one of ${OPERATOR_NAMES}`);
  return checkedEntries(condition, at, (key) => {
    if (Object.hasOwn(OPERATORS, key)) return OPERATORS[key] as Check;
    return failAudience(
      `${at.path}.${key}`,
      condition[key],
      `one of ${OPERATOR_NAMES}; a field inside of a field is written with a dot, as in "user.plan"`,
    );
  });
}

const checkedBranches: Check = (operand, at) => {
  const place = nested(at, operand);
  if (!Array.isArray(operand) || operand.length === 0)
    failAudience(at.path, operand, "a list of at least one condition");
  return Array.from(operand, (query, index) => checkedQuery(query, inside(place, index, query)));
};

const checkedField: Check = (condition, at) =>
  isPlainObject(condition) ? checkedCondition(condition, at) : checkedScalar(condition, at);

/** Conditions by field, and conditions joined. */
function checkedQuery(query: unknown, at: Place): JsonObject {
  if (!isPlainObject(query)) failAudience(at.path, query, "an object of conditions by field");
  return checkedEntries(query, at, (key) => {
    if (isLogic(key)) return checkedBranches;
    if (key.startsWith("$"))
      failAudience(`${at.path}.${key}`, query[key], `a field, or one of ${LOGIC.join(", ")}`);
    if (key === "" || key.length > NAME_LENGTH_MAX)
      failAudience(at.path, key, `conditions on fields whose names have 1 to ${NAME_LENGTH_MAX} characters`);
    return checkedField;
  });
}

/**
 * A condition on the context as a copy of its own.
 *
 * At most 1,000 fields, operators and listed values, nested at most 8 levels deep; texts of at most 1,000 characters,
 * field names and version ranges of at most 200.
 *
 * @throws DethroneError `audience_invalid` naming the part that is wrong
 * @example
 * checkWhere({ platform: { $in: ["ios"] } }); // { platform: { $in: ["ios"] } }
 */
export function checkWhere(where: unknown): JsonObject {
  const budget = { partsLeft: PART_COUNT_MAX };
  return checkedQuery(where, { path: "where", nesting: 0, inNot: false, budget });
}
