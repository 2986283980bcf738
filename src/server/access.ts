/**
 * Who a request comes from, and what that lets it do.
 */
import type { RateLimiterMemory } from "rate-limiter-flexible";
import { RateLimiterRes } from "rate-limiter-flexible";
import { DethroneError } from "../core/errors.js";
import type { Principal } from "../engine/access/keys.js";
import type { Engine } from "../engine/engine.js";
import type { Scope } from "../engine/ports.js";
import type { Route } from "./contract/route.js";

/** Who asks where the server is open: whoever reaches it, which is this machine alone. */
export const LOCAL: Principal = {
  keyId: "",
  name: "server",
  scopes: ["read", "record", "admin"],
  projects: null,
};

/**
 * Who a key stands for.
 *
 * @throws DethroneError `key_missing`, `key_rejected`
 */
export function principalOf(engine: Engine, authorization: string | null): Promise<Principal> {
  const [, key] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (key !== undefined) return engine.keys.authenticate(key);
  throw new DethroneError("key_missing", "This takes a key: send 'Authorization: Bearer dth_...'.", {
    allowed: "a key of 'dethrone keys create'",
  });
}

function missing(message: string, allowed: readonly string[]): DethroneError {
  return new DethroneError("scope_missing", message, { allowed });
}

/**
 * Whether an operation is within a principal's scopes and projects. Said before anything is looked up: what there is in
 * other projects cannot be told from the answer.
 *
 * @throws DethroneError `scope_missing`
 */
export function assertMay(
  { scopes, projects }: Principal,
  { scope }: Pick<Route, "scope">,
  named: readonly (string | undefined)[],
): void {
  if (scope !== null && !scopes.includes(scope as Scope))
    throw missing(`This takes a key with the scope '${scope}'.`, scopes);
  const stranger = named.find((project) => project !== undefined && projects?.includes(project) === false);
  if (stranger !== undefined) throw missing(`The key is not for project '${stranger}'.`, projects ?? []);
}

/** Counts a request of a principal. @throws DethroneError `rate_limited` */
export async function assertRate(limiter: RateLimiterMemory, who: string): Promise<void> {
  try {
    await limiter.consume(who);
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused;
    const retryAfterS = Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
    const message = `Too many requests; try again in ${retryAfterS} s. POST /v1/records takes a thousand operations at once.`;
    throw new DethroneError("rate_limited", message, { retryAfterS });
  }
}
