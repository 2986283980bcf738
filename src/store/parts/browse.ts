/**
 * What people look through, over a libSQL file. All of it goes aside: a search may have to pass many rows, and must not
 * hold up the agents of its process.
 */
import type {
  BrowseStore,
  DecisionHead,
  EventEntry,
  FoundSession,
  FoundSignal,
  Occupant,
  ProjectHead,
  SessionParts,
  SessionQuery,
  StoredSessionHead,
} from "../../engine/ports.js";
import type { Aside } from "../aside/aside.js";
import type { OpenDatabase } from "../database.js";
import { conditions, listOf, PROJECT_IDS } from "../reads/conditions.js";

type Value = string | number | null;

/** How far back sessions are counted, over all projects. */
const COUNTED_MAX = 100_000;
const PARTS_MAX = 100;

type SessionRow = Omit<FoundSession, "isEvidence" | "isMissing" | "isAbandoned"> & {
  isEvidence: number;
  isMissing: number | null;
  isAbandoned: number | null;
};

const SESSION_COLUMNS = `sessions.seq, sessions.id, projects.key AS project, experiments.uid AS experiment,
  arms.position AS arm, configs.hash AS config, unit, root_id AS root, is_evidence AS isEvidence, excluded,
  sessions.started_at_ms AS startedAtMs, window_ends_at_ms AS windowEndsAtMs, sessions.ended_at_ms AS endedAtMs,
  settled_at_ms AS settledAtMs, score, is_missing AS isMissing, is_abandoned AS isAbandoned`;

const SESSIONS = `FROM sessions JOIN projects ON projects.id = sessions.project_id
  JOIN configs ON configs.id = sessions.config_id
  LEFT JOIN experiments ON experiments.id = sessions.experiment_id LEFT JOIN arms ON arms.id = sessions.arm_id`;

const EVENTS = `SELECT audit_log.id, projects.key AS project, experiments.uid AS experiment, action, actor, reason,
  details, at_ms AS atMs FROM audit_log JOIN projects ON projects.id = audit_log.project_id
  LEFT JOIN experiments ON experiments.id = audit_log.experiment_id`;

/** See `BrowseStore`. */
export class SqlBrowse implements BrowseStore {
  readonly occupants: () => Promise<Occupant[]>;
  readonly #aside: Aside;
  readonly #database: Pick<OpenDatabase, "tuples">;

  constructor(aside: Aside, database: Pick<OpenDatabase, "tuples">, occupants: () => Promise<Occupant[]>) {
    this.#aside = aside;
    this.#database = database;
    this.occupants = occupants;
  }

  async projectHeads({ sinceMs, nowMs }: Parameters<BrowseStore["projectHeads"]>[0]): Promise<ProjectHead[]> {
    const rows = await this.#aside.all<
      Omit<ProjectHead, "champion"> & { id: number; hash: string; body: string; label: string | null }
    >(
      `SELECT projects.id, key, hash, body, label, projects.created_at_ms AS createdAtMs,
         holdout_buckets AS holdoutBuckets,
         (SELECT count(*) FROM experiments WHERE project_id = projects.id AND status = 'draft') AS draftCount,
         coalesce(counted.n, 0) AS sessionCount, overdue.firstMs AS overdueSinceMs
       FROM projects JOIN configs ON configs.id = champion_config_id
       LEFT JOIN project_configs ON project_configs.project_id = projects.id
         AND project_configs.config_id = champion_config_id
       LEFT JOIN (SELECT project_id, count(*) AS n
         FROM (SELECT project_id, started_at_ms FROM sessions ORDER BY seq DESC LIMIT ${COUNTED_MAX}) AS newest
         WHERE started_at_ms >= ?1 GROUP BY project_id) AS counted ON counted.project_id = projects.id
       LEFT JOIN (SELECT project_id, min(window_ends_at_ms) AS firstMs FROM sessions
         WHERE settled_at_ms IS NULL AND window_ends_at_ms < ?2 GROUP BY project_id) AS overdue
         ON overdue.project_id = projects.id
       ORDER BY key`,
      [sinceMs, nowMs],
    );
    return rows.map(({ id: _id, hash, body, label, ...head }) => ({
      ...head,
      champion: { hash, body: JSON.parse(body), label },
    }));
  }

  async sessions(query: SessionQuery): Promise<FoundSession[]> {
    const { id, projects, unit, experiment, arm, sinceMs, untilMs, beforeSeq, limit } = query;
    const where = conditions([
      ["sessions.id = ?", id],
      [`sessions.project_id IN ${PROJECT_IDS}`, listOf(projects)],
      ["sessions.unit = ?", unit],
      ["sessions.experiment_id = (SELECT id FROM experiments WHERE uid = ?)", experiment],
      ["arms.position = ?", arm],
      ["sessions.started_at_ms >= ?", sinceMs],
      ["sessions.started_at_ms < ?", untilMs],
      ["sessions.seq < ?", beforeSeq],
    ]);
    const rows = await this.#aside.all<SessionRow>(
      `SELECT ${SESSION_COLUMNS} ${SESSIONS} WHERE ${where.sql} ORDER BY sessions.seq DESC LIMIT ?`,
      [...where.params, limit],
    );
    return rows.map((row) => ({
      ...row,
      isEvidence: row.isEvidence === 1,
      isMissing: row.isMissing === 1,
      isAbandoned: row.isAbandoned === 1,
    }));
  }

  async projectsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#aside.all<{ id: string; key: string }>(
      `SELECT sessions.id, key FROM sessions JOIN projects ON projects.id = sessions.project_id
         WHERE sessions.id IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(ids)],
    );
    return new Map(rows.map(({ id, key }) => [id, key]));
  }

  async storedSessions(ids: readonly string[]): Promise<ReadonlyMap<string, StoredSessionHead>> {
    // Not aside, where a copy may lag behind: what is imported depends on it.
    const rows = await this.#database.tuples<[string, number, number, number, number]>(
      `SELECT id, project_id, config_id, settled_at_ms IS NOT NULL, window_ends_at_ms FROM sessions
         WHERE id IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(ids)],
    );
    return new Map(
      rows.map(([id, projectId, configId, settled, windowEndsAtMs]) => [
        id,
        { projectId, configId, isSettled: settled === 1, windowEndsAtMs },
      ]),
    );
  }

  async sessionParts({ seq, id }: FoundSession): Promise<SessionParts> {
    const row = await this.#aside.one<{
      context: string | null;
      shares: string | null;
      body: string;
      label: string | null;
    }>(
      `SELECT context, shares, body, label FROM sessions JOIN configs ON configs.id = sessions.config_id
         LEFT JOIN project_configs ON project_configs.project_id = sessions.project_id
           AND project_configs.config_id = sessions.config_id WHERE seq = ?`,
      [seq],
    );
    const signals = await this.#aside.all<Omit<FoundSignal, "isLate"> & { isLate: number }>(
      `SELECT key, name, value, kind, source, accepted_at_ms AS acceptedAtMs, is_late AS isLate FROM signals
         WHERE session_seq = ? ORDER BY id`,
      [seq],
    );
    const parts = await this.#aside.all<{ id: string }>(
      `SELECT id FROM sessions WHERE root_id = ? ORDER BY seq LIMIT ${PARTS_MAX}`,
      [id],
    );
    return {
      context: row.context === null ? null : JSON.parse(row.context),
      shares: row.shares === null ? null : JSON.parse(row.shares),
      configBody: JSON.parse(row.body),
      configLabel: row.label,
      signals: signals.map((signal) => ({ ...signal, isLate: signal.isLate === 1 })),
      parts: parts.map((part) => part.id),
    };
  }

  async decisionHeads(input: Parameters<BrowseStore["decisionHeads"]>[0]): Promise<DecisionHead[]> {
    const where = conditions([
      [`experiments.project_id IN ${PROJECT_IDS}`, listOf(input.projects)],
      ["experiments.uid = ?", input.experiment],
      ["decisions.id < ?", input.beforeId],
    ]);
    const rows = await this.#aside.all<Omit<DecisionHead, "isTerminal"> & { isTerminal: number }>(
      `SELECT decisions.id, decisions.uid, is_terminal AS isTerminal, verdict, decisions.reason,
         session_count AS sessionCount, arm, engine_version AS engineVersion, actor, note,
         decided_at_ms AS decidedAtMs, experiments.uid AS experiment, projects.key AS project
       FROM decisions JOIN experiments ON experiments.id = decisions.experiment_id
       JOIN projects ON projects.id = experiments.project_id
       WHERE ${where.sql} ORDER BY decisions.id DESC LIMIT ?`,
      [...where.params, input.limit],
    );
    return rows.map((row) => ({ ...row, isTerminal: row.isTerminal === 1 }));
  }

  async events({ afterId, projects, limit }: Parameters<BrowseStore["events"]>[0]): Promise<EventEntry[]> {
    const where = conditions([
      ["audit_log.id > ?", afterId],
      [`audit_log.project_id IN ${PROJECT_IDS}`, listOf(projects)],
    ]);
    const order = afterId === null ? "DESC" : "ASC";
    const rows = await this.#events(`${where.sql} ORDER BY audit_log.id ${order}`, [...where.params, limit]);
    return afterId === null ? rows.reverse() : rows;
  }

  history({ project, beforeId, limit }: Parameters<BrowseStore["history"]>[0]): Promise<EventEntry[]> {
    return this.#events("projects.key = ? AND audit_log.id < ? ORDER BY audit_log.id DESC", [
      project,
      beforeId,
      limit,
    ]);
  }

  async #events(where: string, params: Value[]): Promise<EventEntry[]> {
    const rows = await this.#aside.all<Omit<EventEntry, "details"> & { details: string }>(
      `${EVENTS} WHERE ${where} LIMIT ?`,
      params,
    );
    return rows.map((row) => ({ ...row, details: JSON.parse(row.details) }));
  }
}
