/**
 * Arms that are given by a rule instead of by chance: for a rollout by plan or team, or an arm for everyone. Deterministic,
 * and so never evidence.
 */
import type { JsonObject } from "../errors.js";
import { fieldOf } from "../json-field.js";

/** What gives sessions their arms instead of chance. Arms are places: 0 the champion's, j the j-th challenger's. */
export type Assign =
  /** by a field of the context: a text, or a number or boolean as JSON writes it; any other value gets the champion */
  | { readonly by: "attribute"; readonly field: string; readonly arms: Readonly<Record<string, number>> }
  /** by the first of the context's `groups` that is listed; without one, the champion */
  | { readonly by: "group"; readonly arms: Readonly<Record<string, number>> }
  /** one arm for everyone */
  | { readonly by: "fixed"; readonly arm: number }
  /** one arm after the other, by the turns of one process; a unit does not keep its arm */
  | { readonly by: "round-robin" };

/** What a session is placed by. */
export interface AssignedSession {
  readonly context: JsonObject | null;
  /** how many sessions the process has started before; an integer, 0 or more */
  readonly turn: number;
}

function groupsOf(context: JsonObject): readonly string[] {
  const groups = Object.hasOwn(context, "groups") ? context.groups : undefined;
  return Array.isArray(groups) ? groups.filter((each): each is string => typeof each === "string") : [];
}

function keysOf(assign: Extract<Assign, { arms: unknown }>, context: JsonObject): readonly string[] {
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
 * const byPlan = { by: "attribute", field: "plan", arms: { pro: 1 } } as const;
 * placeBy(byPlan, { context: { plan: "pro" }, turn: 0 }, 2); // 1
 * placeBy(byPlan, { context: { plan: "free" }, turn: 0 }, 2); // 0
 */
export function placeBy(assign: Assign, { context, turn }: AssignedSession, armCount: number): number {
  if (assign.by === "fixed") return assign.arm;
  if (assign.by === "round-robin") return turn % armCount;
  const { arms } = assign;
  const key =
    context === null ? undefined : keysOf(assign, context).find((each) => Object.hasOwn(arms, each));
  return key === undefined ? 0 : (arms[key] as number);
}
