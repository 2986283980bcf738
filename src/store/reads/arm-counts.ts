/**
 * Where the sessions of an experiment are. Every one of them is looked at, so it is done aside.
 */
import type { ArmCounts } from "../../engine/ports.js";
import type { Aside } from "../aside/aside.js";

/** Durations are read from the newest sessions, so that what is sent back is the same however long the history is. */
const DURATION_SAMPLE = 10_000;

const OF_ARM = "experiment_id = arms.experiment_id AND arm_id = arms.id";

const QUERY = `SELECT role, coalesce(served, 0) AS served, coalesce(excluded, 0) AS excluded,
    coalesce(unsettled, 0) AS unsettled, coalesce(missing, 0) AS missing, coalesce(abandoned, 0) AS abandoned,
    (SELECT count(*) FROM signals JOIN sessions ON sessions.seq = session_seq WHERE ${OF_ARM} AND is_late = 1)
      AS lateSignals,
    (SELECT string_agg(CAST(ms AS TEXT), ',') FROM (SELECT
      CASE WHEN ended_at_ms < started_at_ms THEN 0 ELSE ended_at_ms - started_at_ms END AS ms FROM sessions
      WHERE ${OF_ARM} AND ended_at_ms IS NOT NULL ORDER BY seq DESC LIMIT ${DURATION_SAMPLE}) AS newest)
      AS durationsMs
  FROM arms LEFT JOIN (
    SELECT arm_id, count(*) AS served, sum(1 - is_evidence) AS excluded, count(*) - count(settled_at_ms) AS unsettled,
      sum(is_missing) AS missing, sum(is_abandoned) AS abandoned
    FROM sessions WHERE experiment_id = ?1 GROUP BY arm_id
  ) AS counted ON arm_id = arms.id
  WHERE arms.experiment_id = ?1 ORDER BY position`;

/** Of each arm, the champion's first. */
export async function armCounts(aside: Aside, experimentId: number): Promise<ArmCounts[]> {
  const rows = await aside.all<Omit<ArmCounts, "durationsMs"> & { durationsMs: string | null }>(QUERY, [
    experimentId,
  ]);
  return rows.map((row) => ({ ...row, durationsMs: JSON.parse(`[${row.durationsMs ?? ""}]`) as number[] }));
}
