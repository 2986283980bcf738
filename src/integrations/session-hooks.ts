/**
 * How adapters make a session of each run: the options of `wrap` that they hand on, and the end of a run that streams.
 */
import type { Session } from "../engine/sessions/session.js";
import type { WrapOptions } from "../engine/sessions/wrap.js";

const NAMES = ["id", "unit", "context", "parent", "requestId", "onError", "timeoutMs"] as const;

/** How a call becomes a session: the functions get the arguments of the call. See `WrapOptions`. */
export type SessionHooks<Args extends readonly unknown[]> = Pick<
  WrapOptions<Args, unknown>,
  (typeof NAMES)[number]
>;

/** Those of an adapter's options that are for `wrap`, and are given. */
export function sessionHooks<Args extends readonly unknown[]>(
  options: SessionHooks<Args>,
): SessionHooks<Args> {
  const given = NAMES.map((name) => [name, options[name]]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as SessionHooks<Args>;
}

/** What aborts a run: the call's own signal, or the session's once it has taken too long; undefined for neither. */
export function abortSignalOf(
  session: Pick<Session, "abortSignal">,
  own: AbortSignal | undefined,
  timeoutMs: number | undefined,
): AbortSignal | undefined {
  if (timeoutMs === undefined) return own;
  return own === undefined ? session.abortSignal : AbortSignal.any([own, session.abortSignal]);
}

/** How a failed call ended: an abort is the host's wish, not the model's failure. */
export const failureOf = (error: unknown): { readonly kind: "cancelled" | "failed" } =>
  ["AbortError", "ResponseAborted"].includes(String(Object(error).name))
    ? { kind: "cancelled" }
    : { kind: "failed" };
