/**
 * Leases: who is at a piece of work that is better not done twice at once.
 */
import { and, eq, sql } from "drizzle-orm";
import type { Store } from "../../engine/ports.js";
import { leases } from "../schema/main.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import { builder, statement } from "./statements.js";

/** Takes it over from nobody, from oneself, from one that has run out, and from a clock that is wrong. */
export function takeLease(input: Parameters<Store["takeLease"]>[0]): WriteStatement[] {
  const { name, holder, nowMs, ttlMs } = input;
  const expiresAtMs = nowMs + ttlMs;
  return [
    statement(
      builder
        .insert(leases)
        .values({ name, holder, expiresAtMs })
        .onConflictDoUpdate({
          target: leases.name,
          set: { holder, expiresAtMs },
          setWhere: sql`leases.holder = ${holder} OR leases.expires_at_ms <= ${nowMs} OR leases.expires_at_ms > ${nowMs + 2 * ttlMs}`,
        }),
      1,
    ),
  ];
}

/** Gives it back, if it is still one's own. */
export function releaseLease({ name, holder }: Parameters<Store["releaseLease"]>[0]): WriteStatement[] {
  return [statement(builder.delete(leases).where(and(eq(leases.name, name), eq(leases.holder, holder))))];
}
