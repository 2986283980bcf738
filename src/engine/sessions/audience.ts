/**
 * Who may take part in an experiment, by what the host says of a session when it starts. A session outside of the
 * audience gets the champion and is no evidence.
 */
import type { Json, JsonObject } from "../../core/errors.js";
import { fieldOf } from "../../core/json-field.js";
import { checkWhere, failAudience, isPlainObject } from "./where-check.js";
import { compileWhere } from "./where-match.js";

/**
 * Who takes part; everyone where it is null. All that is given must hold. Stored with the experiment as JSON.
 *
 * @example
 * const audience: Audience = {
 *   where: { platform: { $in: ["ios", "android"] }, app: { $version: ">=1.10" }, "user.age": { $gte: 18 } },
 *   excludeGroups: ["staff"],
 * };
 */
export interface Audience {
  /**
   * A query over the session's context in the language of MongoDB, by field: a value the field is equal to, or operators
   * that must all hold. A field is found by its name as it is, else by its name as a path with dots.
   *
   * - $eq, $ne, $in, $nin: equal by value and type, to texts, numbers, booleans or null.
   * - $gt, $gte, $lt, $lte: numbers with numbers, texts with texts (by UTF-16 code units).
   * - $mod: [divisor, remainder] of the whole part of a number.
   * - $exists; $size, $all and $elemMatch of lists; $not of operators; $and, $or and $nor of queries.
   * - $is: the same text, ignoring case. $contains: a part of the text, ignoring case.
   * - $version: in a range such as ">=1.10" of semantic versions. A text stands for the first version in it, what is left
   *   out being 0 ("10" is 10.0.0, after "9.1"); what follows the third number does not count. So does a whole number;
   *   one with a fraction does not, because 1.10 has become 1.1.
   *
   * On a list, an operator holds where it does for a member or for the list; the members of a list within it count too.
   * What is not there fails every comparison, and with it holds what only denies: $ne, $nin, $not, $nor, equality with
   * null and `$exists: false`. `{ $exists: true, $ne: "ios" }` asks for a field of another value. A session without a
   * context counts as one with an empty context.
   */
  readonly where?: JsonObject;
  /** a session must be in one of these groups; no restriction where it is empty or left out */
  readonly includeGroups?: readonly string[];
  /** a session must be in none of these groups */
  readonly excludeGroups?: readonly string[];
}

const FIELDS = ["where", "includeGroups", "excludeGroups"];
const GROUP_COUNT_MAX = 1000;
const GROUP_LENGTH_MAX = 200;

const isGroup = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= GROUP_LENGTH_MAX;

function checkedGroups(field: string, groups: unknown): readonly string[] {
  if (!Array.isArray(groups) || groups.length > GROUP_COUNT_MAX)
    failAudience(field, groups, `a list of at most ${GROUP_COUNT_MAX} groups`);
  const wrong = groups.findIndex((group) => !isGroup(group));
  if (wrong >= 0)
    failAudience(`${field}[${wrong}]`, groups[wrong], `a text of 1 to ${GROUP_LENGTH_MAX} characters`);
  return [...groups];
}

/**
 * An audience as a plain copy, with every operator and operand known.
 *
 * Bounded, so that judging a session takes time in proportion to its context: `where` has at most 1,000 fields,
 * operators and listed values, nested at most 8 levels deep, and a list of groups at most 1,000 names.
 *
 * @throws DethroneError `audience_invalid` naming the part that is wrong: an unknown field or operator, a wrong operand,
 *   too much of it, or what is not JSON
 * @example
 * checkAudience({ where: { platform: { $in: ["ios"] } } }); // { where: { platform: { $in: ["ios"] } } }
 * checkAudience({ where: { platform: { $regex: "i.*s" } } }); // throws: audience.where.platform.$regex must be ...
 */
export function checkAudience(input: unknown): Audience {
  if (!isPlainObject(input)) failAudience("", input, "an object");
  const unknown = Object.keys(input).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) failAudience(unknown, input[unknown], `one of ${FIELDS.join(", ")}`);
  const { where, includeGroups, excludeGroups } = input;
  return {
    ...(where === undefined ? {} : { where: checkWhere(where) }),
    ...(includeGroups === undefined ? {} : { includeGroups: checkedGroups("includeGroups", includeGroups) }),
    ...(excludeGroups === undefined ? {} : { excludeGroups: checkedGroups("excludeGroups", excludeGroups) }),
  };
}

type Judge = (context: JsonObject) => boolean;

/** The groups a session is in: a list of texts, or one text, so that an exclusion is never missed for want of a list. */
function groupsOf(context: JsonObject): readonly Json[] {
  const groups = fieldOf(context, "groups");
  return Array.isArray(groups) ? groups : [groups ?? null];
}

function compile(given: Audience): Judge {
  const { where = {}, includeGroups = [], excludeGroups = [] } = checkAudience(given);
  const matches = compileWhere(where);
  const included = new Set<Json>(includeGroups);
  const excluded = new Set<Json>(excludeGroups);
  return (context) => {
    const groups = groupsOf(context);
    if (groups.some((group) => excluded.has(group))) return false;
    if (included.size > 0 && !groups.some((group) => included.has(group))) return false;
    return matches(context);
  };
}

const nobody: Judge = () => false;

// What an experiment was stored with is judged for each of its sessions, and never changes.
const JUDGES = new WeakMap<Audience, Judge>();

function judgeOf(audience: Audience): Judge {
  const known = JUDGES.get(audience);
  if (known) return known;
  let judge = nobody;
  try {
    judge = compile(audience);
  } catch {
    // An audience that was never checked: the champion serves everyone.
  }
  JUDGES.set(audience, judge);
  return judge;
}

/**
 * Whether a session may take part, judged by its context: `where` holds, it is in one of `includeGroups` if there are
 * any, and in none of `excludeGroups`. Groups are read from `context.groups`.
 *
 * Never throws: nobody is in an audience that {@link checkAudience} refuses, nor is a context too deep to be walked.
 * An audience is compiled once and must not be changed afterwards.
 *
 * @param audience everyone takes part where it is null
 * @param context null where the session has none, which counts as an empty one
 *
 * @example
 * isInAudience({ where: { os: { $version: ">=9" } } }, { os: "10" }); // true
 * isInAudience({ excludeGroups: ["staff"] }, { groups: ["staff", "beta"] }); // false
 */
export function isInAudience(audience: Audience | null, context: JsonObject | null): boolean {
  if (audience === null) return true;
  try {
    return judgeOf(audience)(context ?? {});
  } catch {
    return false;
  }
}
