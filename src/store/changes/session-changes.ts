/**
 * Changes of sessions that are not the writer's own: settling, and leaving out.
 */
import { and, eq, isNull } from "drizzle-orm";
import type { SettledSession, Store } from "../../engine/ports.js";
import { sessions } from "../schema/main.js";
import type { GivenRows, GiveRows } from "../writer/given-rows.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import { builder, statement } from "./statements.js";

const settle = ({ sql }: GivenRows): string =>
  `UPDATE sessions SET settled_at_ms = given.at_ms, score = given.number, is_missing = given.missing,
     is_abandoned = given.abandoned, signal_count = given.signals FROM ${sql} AS given
   WHERE sessions.seq = given.place AND settled_at_ms IS NULL
     AND CASE WHEN ended_at_ms IS NULL THEN 0 ELSE 1 END = given.ended
     AND (SELECT count(*) FROM signals WHERE session_seq = sessions.seq AND is_late = 0) = given.signals`;

/** Each session settles only as it was read: unsettled, with the same end and the same counted signals. */
export function settleSessions(settled: readonly SettledSession[], giveRows: GiveRows): WriteStatement[] {
  const columns = {
    place: settled.map(({ seq }) => seq),
    at_ms: settled.map(({ settledAtMs }) => settledAtMs),
    number: settled.map(({ settlement }) => settlement.score),
    missing: settled.map(({ settlement }) => Number(settlement.isMissing)),
    abandoned: settled.map(({ settlement }) => Number(settlement.isAbandoned)),
    signals: settled.map(({ signalCount }) => signalCount),
    ended: settled.map(({ hasEnded }) => Number(hasEnded)),
  };
  const given = giveRows(columns, "number");
  if (given) return [{ sql: settle(given), params: given.values }];
  // A score that does not travel with others is bound.
  return settled.flatMap((each) => settleSessions([each], giveRows));
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
