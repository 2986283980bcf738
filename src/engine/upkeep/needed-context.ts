/**
 * What of a session's context its experiment's tests need.
 */
import type { Policy } from "../../core/decision/policy.js";
import type { JsonObject } from "../../core/errors.js";
import { fieldOf } from "../../core/json-field.js";

/**
 * The context without all that no guardrail of the policy looks for: a guardrail's `where` matches what is left exactly
 * where it matches the whole. Null where nothing is left.
 *
 * @example
 * const guardrails = [{ metric: "score", margin: 0.05, where: { "user.plan": "pro" } }];
 * neededContext({ user: { plan: "pro", name: "Ada" } }, { guardrails }); // { "user.plan": "pro" }
 * neededContext({ user: { plan: "free", name: "Ada" } }, { guardrails }); // null
 */
export function neededContext(
  context: JsonObject | null,
  policy: { readonly guardrails: readonly Pick<Policy["guardrails"][number], "where">[] } | null,
): JsonObject | null {
  if (context === null || policy === null) return null;
  const wanted = policy.guardrails.flatMap(({ where }) => Object.entries(where ?? {}));
  const found = wanted.filter(([name, value]) => fieldOf(context, name) === value);
  return found.length === 0 ? null : Object.fromEntries(found);
}
