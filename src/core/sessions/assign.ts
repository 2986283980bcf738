/**
 * Arms that are given by a rule instead of by chance: by plan or team, one for everyone, or in turns. What such sessions
 * show may be due to the rule, so they are never evidence.
 */
import { DethroneError, type JsonObject, received } from "../errors.js";
import { fieldOf } from "../json-field.js";

/** What gives sessions their arms instead of chance; an arm is its place: 0 the champion's, j the j-th challenger's. */
export type Assign<Arm = number> =
  /** by a field of the context: a text, or a number or boolean as JSON writes it; any other value gets the champion */
  | { readonly by: "attribute"; readonly field: string; readonly map: Readonly<Record<string, Arm>> }
  /** by the first of the context's `groups` that is in the map; without one, the champion */
  | { readonly by: "group"; readonly map: Readonly<Record<string, Arm>> }
  /** one arm for everyone */
  | { readonly by: "fixed"; readonly arm: Arm }
  /** one arm after the other, in the order in which one process starts sessions; a unit does not keep its arm */
  | { readonly by: "round-robin" };

/** A rule as it is asked for: arms by role, where there is one challenger, or by place. */
export type AssignInput = Assign<number | "champion" | "challenger">;

/** What a session is placed by. */
export interface AssignedSession {
  readonly context: JsonObject | null;
  /** how many sessions the process has started before; an integer, 0 or more */
  readonly turn: number;
}

const KEYS_MAX = 1000;
const FIELDS: Readonly<Record<Assign["by"], readonly string[]>> = {
  attribute: ["by", "field", "map"],
  group: ["by", "map"],
  fixed: ["by", "arm"],
  "round-robin": ["by"],
};

function invalid(field: string, value: unknown, allowed: string): never {
  throw new DethroneError("settings_invalid", `${field} must be ${allowed}.`, {
    field,
    received: received(value),
    allowed,
  });
}

function checkedArm(field: string, arm: unknown, challengers: number): number {
  if (arm === "champion") return 0;
  if (arm === "challenger" && challengers === 1) return 1;
  if (typeof arm === "number" && Number.isInteger(arm) && arm >= 0 && arm <= challengers) return arm;
  const role = challengers === 1 ? ", 'challenger'" : "";
  return invalid(field, arm, `'champion'${role} or the place of an arm from 0 to ${challengers}`);
}

function checkedMap(map: unknown, challengers: number): Readonly<Record<string, number>> {
  const isMap = typeof map === "object" && map !== null && !Array.isArray(map);
  const entries = isMap ? Object.entries(map) : [];
  if (entries.length === 0 || entries.length > KEYS_MAX)
    invalid("assign.map", map, `an object of 1 to ${KEYS_MAX} values, each with its arm`);
  return Object.fromEntries(
    entries.map(([key, arm]) => [key, checkedArm(`assign.map.${key}`, arm, challengers)]),
  );
}

/**
 * A rule as a plain copy, with arms by their places.
 *
 * @param challengers how many contend; an integer, 1 or more
 * @throws DethroneError `settings_invalid` naming the part that is wrong
 * @example
 * createAssign({ by: "attribute", field: "plan", map: { pro: "challenger" } }, 1);
 * // { by: "attribute", field: "plan", map: { pro: 1 } }
 */
export function createAssign(input: unknown, challengers: number): Assign {
  const given = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const { by, field, map, arm } = given;
  if (typeof by !== "string" || !Object.hasOwn(FIELDS, by))
    return invalid("assign", input, `an object whose 'by' is one of ${Object.keys(FIELDS).join(", ")}`);
  const known = FIELDS[by as Assign["by"]];
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined)
    invalid(`assign.${unknown}`, given[unknown], `left out: there is ${known.join(", ")}`);
  if (by === "round-robin") return { by };
  if (by === "fixed") return { by, arm: checkedArm("assign.arm", arm, challengers) };
  if (by === "group") return { by, map: checkedMap(map, challengers) };
  if (typeof field !== "string" || field === "" || field.length > 200)
    return invalid("assign.field", field, "the name of a field of the context, of 1 to 200 characters");
  return { by: "attribute", field, map: checkedMap(map, challengers) };
}

function groupsOf(context: JsonObject): readonly string[] {
  const groups = Object.hasOwn(context, "groups") ? context.groups : undefined;
  return Array.isArray(groups) ? groups.filter((each): each is string => typeof each === "string") : [];
}

function keysOf(assign: Extract<Assign, { map: unknown }>, context: JsonObject): readonly string[] {
  if (assign.by === "group") return groupsOf(context);
  const value = fieldOf(context, assign.field);
  if (typeof value === "string") return [value];
  return typeof value === "number" || typeof value === "boolean" ? [String(value)] : [];
}

/**
 * The place of the arm that a rule gives a session.
 *
 * @param armCount arms of the experiment, the champion's included; an integer, 2 or more
 * @returns a place, an integer in [0, armCount)
 * @example
 * const byPlan = { by: "attribute", field: "plan", map: { pro: 1 } } as const;
 * placeBy(byPlan, { context: { plan: "pro" }, turn: 0 }, 2); // 1
 * placeBy(byPlan, { context: { plan: "free" }, turn: 0 }, 2); // 0
 */
export function placeBy(assign: Assign, { context, turn }: AssignedSession, armCount: number): number {
  if (assign.by === "fixed") return assign.arm;
  if (assign.by === "round-robin") return turn % armCount;
  const { map } = assign;
  const key = context === null ? undefined : keysOf(assign, context).find((each) => Object.hasOwn(map, each));
  return key === undefined ? 0 : (map[key] as number);
}
