/**
 * Changes of sessions that are not the writer's own: settling, and leaving out.
 */
import { and, eq, isNull, sql } from "drizzle-orm";
import type { SettledSession, Store } from "../engine/ports.js";
import { sessions } from "./schema.js";
import { builder, statement } from "./statements.js";
import type { WriteStatement } from "./write-protocol.js";

/** Each session settles only as it was read: unsettled, with the same end and the same counted signals. */
export function settleSessions(settled: readonly SettledSession[]): WriteStatement[] {
  return settled.map(({ seq, settledAtMs, settlement, signalCount, hasEnded }) => {
    const { score, isMissing, isAbandoned } = settlement;
    return statement(
      builder
        .update(sessions)
        .set({ settledAtMs, score, isMissing, isAbandoned, signalCount })
        .where(
          and(
            eq(sessions.seq, seq),
            isNull(sessions.settledAtMs),
            hasEnded ? sql`ended_at_ms IS NOT NULL` : sql`ended_at_ms IS NULL`,
            sql`(SELECT count(*) FROM signals WHERE session_seq = ${seq} AND is_late = 0) = ${signalCount}`,
          ),
        ),
    );
  });
}

/** Takes a queued session out of the evidence, unless it has settled: what may be folded never changes. */
export function excludeSession({
  sessionId,
  served,
}: Parameters<Store["excludeSession"]>[0]): WriteStatement[] {
  const isUnsettled = and(eq(sessions.id, sessionId), isNull(sessions.settledAtMs));
  const ids = served && {
    configId: served.configId,
    experimentId: served.experimentId,
    armId: served.armId,
  };
  return [
    statement(
      builder
        .update(sessions)
        .set({ isEvidence: false, excluded: "unconfirmed", ...ids })
        .where(isUnsettled),
    ),
  ];
}
