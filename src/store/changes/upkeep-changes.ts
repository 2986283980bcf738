/**
 * The statements of upkeep: archiving, pruning, forgetting. Each list is one transaction.
 */
import type { Forgetting, PruneScope, Redaction, UpkeepStore } from "../../engine/ports.js";
import { packPage } from "../reads/archive-page.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import { addAudit } from "./statements.js";

type Params = WriteStatement["params"];

const run = (sql: string, params: Params, changes?: number): WriteStatement => ({
  sql,
  params,
  ...(changes === undefined ? {} : { changes }),
});

/** One more page, provided that the archive is as it was read. */
export function addToArchive(input: Parameters<UpkeepStore["addToArchive"]>[0]): WriteStatement[] {
  const { experimentId, previous, rows, hash } = input;
  const lastSeq = rows.at(-1)?.seq ?? previous?.lastSeq ?? 0;
  const unitCount = (previous?.unitCount ?? 0) + rows.length;
  const head = previous
    ? run(
        `UPDATE archives SET unit_count = ?, last_seq = ?, hash = ? WHERE experiment_id = ? AND hash = ?
           AND sealed_at_ms IS NULL`,
        [unitCount, lastSeq, hash, experimentId, previous.hash],
        1,
      )
    : run("INSERT INTO archives (experiment_id, unit_count, last_seq, hash) VALUES (?, ?, ?, ?)", [
        experimentId,
        unitCount,
        lastSeq,
        hash,
      ]);
  if (rows.length === 0) return [head];
  // Statements travel as text and numbers, so the compressed page does as hexadecimal digits.
  const page = run(
    "INSERT INTO archive_pages (experiment_id, last_seq, unit_count, body) VALUES (?, ?, ?, unhex(?))",
    [experimentId, lastSeq, rows.length, packPage(rows).toString("hex")],
  );
  return [head, page];
}

/** The archive stands for the sessions from now on. */
export function sealArchive(input: Parameters<UpkeepStore["sealArchive"]>[0]): WriteStatement[] {
  const { archive, counts, breakdown, atMs } = input;
  const { experimentId, hash } = archive;
  return [
    run(
      `UPDATE archives SET sealed_at_ms = ?, counts = ?, breakdown = ? WHERE experiment_id = ? AND hash = ?
         AND sealed_at_ms IS NULL`,
      [atMs, JSON.stringify(counts), JSON.stringify(breakdown), experimentId, hash],
      1,
    ),
  ];
}

/** Which sessions a scope has; never one that has not settled. */
export function scopeCondition(scope: PruneScope): { readonly sql: string; readonly params: number[] } {
  const { projectId, experimentId, settledBeforeMs } = scope;
  return experimentId === null
    ? {
        // A session that holds a unit's place in an experiment that runs stays, though it was served outside.
        sql: `experiment_id IS NULL AND project_id = ? AND settled_at_ms < ? AND NOT EXISTS (SELECT 1 FROM units
          JOIN experiments ON experiments.id = units.experiment_id WHERE experiments.project_id = sessions.project_id
          AND status IN ('running', 'paused') AND units.unit = sessions.unit AND units.session_id = sessions.id)`,
        params: [projectId, settledBeforeMs],
      }
    : {
        // Looked at again in the transaction: what runs or is not archived stays, whoever asks.
        sql: `experiment_id = ? AND settled_at_ms IS NOT NULL AND EXISTS (SELECT 1 FROM archives
          JOIN experiments ON experiments.id = archives.experiment_id WHERE archives.experiment_id = sessions.experiment_id
          AND sealed_at_ms IS NOT NULL AND status IN ('promoted', 'held', 'aborted'))`,
        params: [experimentId],
      };
}

/**
 * Deletes the sessions of a scope between two sequences, with their signals and units.
 *
 * @param isLast whether none remain: then no unit does either
 */
export function pruneSessions(
  scope: PruneScope,
  range: { readonly fromSeq: number; readonly toSeq: number; readonly isLast: boolean },
): WriteStatement[] {
  const { sql, params } = scopeCondition(scope);
  const { experimentId } = scope;
  const doomed = `seq BETWEEN ? AND ? AND ${sql}`;
  const bounds = [range.fromSeq, range.toSeq, ...params];
  const ofUnits = `DELETE FROM units WHERE experiment_id = ?`;
  const ofSessions = `WHERE session_seq IN (SELECT seq FROM sessions WHERE ${doomed})`;
  return [
    run(`DELETE FROM signals ${ofSessions}`, bounds),
    run(`DELETE FROM study_tags ${ofSessions}`, bounds),
    ...(experimentId === null
      ? []
      : [
          run(`${ofUnits} AND unit IN (SELECT unit FROM sessions WHERE ${doomed})`, [
            experimentId,
            ...bounds,
          ]),
        ]),
    run(`DELETE FROM sessions WHERE ${doomed}`, bounds),
    ...(experimentId !== null && range.isLast ? [run(ofUnits, [experimentId])] : []),
  ];
}

/** A session under another id and another unit, without what the host said of it. */
function redactSession(redaction: Redaction): WriteStatement[] {
  const { seq, sessionId, newSessionId, experimentId, unit, newUnit, context, isOpen } = redaction;
  return [
    run("UPDATE units SET session_id = ? WHERE experiment_id = ? AND unit = ? AND session_id = ?", [
      newSessionId,
      experimentId,
      unit,
      sessionId,
    ]),
    run("UPDATE sessions SET root_id = ? WHERE root_id = ?", [newSessionId, sessionId]),
    run("UPDATE sessions SET id = ?, unit = ?, context = ? WHERE seq = ? AND id = ?", [
      newSessionId,
      newUnit,
      context === null ? null : JSON.stringify(context),
      seq,
      sessionId,
    ]),
    ...(isOpen
      ? [
          run(
            `UPDATE sessions SET is_evidence = 0, excluded = coalesce(excluded, 'forgotten') WHERE seq = ?
               AND settled_at_ms IS NULL`,
            [seq],
          ),
        ]
      : []),
    run("UPDATE signals SET key = 'forgotten-' || id, source = NULL WHERE session_seq = ?", [seq]),
  ];
}

/** All that names the unit, under another name. */
export function forget(forgetting: Forgetting): WriteStatement[] {
  const { unit, redactions, newUnits, overrideExperimentIds, auditEntries, audit } = forgetting;
  return [
    ...redactions.flatMap(redactSession),
    ...[...newUnits].map(([experimentId, newUnit]) =>
      run("UPDATE units SET unit = ? WHERE experiment_id = ? AND unit = ?", [newUnit, experimentId, unit]),
    ),
    ...overrideExperimentIds.map((experimentId) =>
      run("DELETE FROM overrides WHERE experiment_id = ? AND unit = ?", [experimentId, unit]),
    ),
    ...auditEntries.map(({ id, reason, details }) =>
      run("UPDATE audit_log SET reason = ?, details = ? WHERE id = ?", [reason, JSON.stringify(details), id]),
    ),
    ...audit.map(({ projectId, entry }) => addAudit(entry, { projectId, experimentId: null })),
  ];
}
