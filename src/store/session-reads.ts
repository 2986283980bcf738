/**
 * Every query about sessions and their signals, by Drizzle.
 */
import { and, asc, desc, eq, gt, gte, inArray, isNotNull, isNull, lt, lte, sql } from "drizzle-orm";
import { FAILURE_SIGNALS, type LiveCount } from "../core/decision/fuse.js";
import type { DueSession, FoldRow, Pulse, Store, Traffic } from "../engine/ports.js";
import type { OpenDatabase } from "./database.js";
import { arms, experiments, projects, sessions, signals } from "./schema.js";

/** Live errors are counted over the newest finished sessions of each arm, as many as a process remembers of its own. */
const LIVE_SAMPLE = 200;

/** How many of an experiment's sessions are looked through for them, so that a tick costs the same in the long run. */
const LIVE_REACH = 20_000;

/** Traffic is told from a project's newest sessions: a challenge must not hold up its host, however long the history is. */
const TRAFFIC_SAMPLE = 50_000;

/** What is read of sessions. */
export class SessionReads {
  readonly #database: OpenDatabase;

  constructor(database: OpenDatabase) {
    this.#database = database;
  }

  async dueSessions(input: Parameters<Store["dueSessions"]>[0]): Promise<DueSession[]> {
    const { nowMs, limit, projectKey } = input;
    const ofProject = sql`${sessions.projectId} = (SELECT id FROM projects WHERE key = ${projectKey})`;
    const due = await this.#database.read((db) =>
      db
        .select()
        .from(sessions)
        .where(
          and(
            lt(sessions.windowEndsAtMs, nowMs),
            isNull(sessions.settledAtMs),
            projectKey === null ? undefined : ofProject,
          ),
        )
        .orderBy(asc(sessions.windowEndsAtMs))
        .limit(limit),
    );
    if (due.length === 0) return [];
    const bySession = await this.#countedSignals(due.map((session) => session.seq));
    return due.map((session) => ({
      seq: session.seq,
      experimentId: session.experimentId,
      windowEndsAtMs: session.windowEndsAtMs,
      hasEnded: session.endedAtMs !== null,
      signals: bySession.get(session.seq) ?? [],
    }));
  }

  async #countedSignals(seqs: number[]): Promise<Map<number, (typeof signals.$inferSelect)[]>> {
    if (seqs.length === 0) return new Map();
    const rows = await this.#database.read((db) =>
      db
        .select()
        .from(signals)
        .where(and(inArray(signals.sessionSeq, seqs), eq(signals.isLate, false)))
        .orderBy(asc(signals.id)),
    );
    const bySession = new Map<number, (typeof signals.$inferSelect)[]>();
    for (const row of rows) {
      const list = bySession.get(row.sessionSeq);
      if (list) list.push(row);
      else bySession.set(row.sessionSeq, [row]);
    }
    return bySession;
  }

  async foldRows(input: Parameters<Store["foldRows"]>[0]): Promise<FoldRow[]> {
    const rows = await this.#database.read((db) => {
      const firstUnsettled = db
        .select({ seq: sql`min(${sessions.seq})` })
        .from(sessions)
        .where(
          and(
            eq(sessions.experimentId, input.experimentId),
            isNull(sessions.settledAtMs),
            sql`is_evidence = 1`,
          ),
        );
      return db
        .select({
          seq: sessions.seq,
          sessionId: sessions.id,
          role: arms.role,
          arm: arms.position,
          shares: sessions.shares,
          score: sessions.score,
          context: sessions.context,
          startedAtMs: sessions.startedAtMs,
          endedAtMs: sessions.endedAtMs,
          // Most have none, and then there is no second query.
          hasSignals: input.withSignals
            ? sql`EXISTS (SELECT 1 FROM signals WHERE session_seq = ${sessions.seq})`.mapWith(Boolean)
            : sql`0`.mapWith(Boolean),
        })
        .from(sessions)
        .innerJoin(arms, eq(arms.id, sessions.armId))
        .where(
          and(
            eq(sessions.experimentId, input.experimentId),
            gt(sessions.seq, input.afterSeq),
            input.untilSeq === undefined ? undefined : lte(sessions.seq, input.untilSeq),
            eq(sessions.isEvidence, true),
            isNotNull(sessions.settledAtMs),
            sql`${sessions.seq} < coalesce((${firstUnsettled}), ${Number.MAX_SAFE_INTEGER})`,
          ),
        )
        .orderBy(asc(sessions.seq))
        .limit(input.limit);
    });
    const withSignals = rows.filter(({ hasSignals }) => hasSignals);
    const bySession = await this.#countedSignals(withSignals.map(({ seq }) => seq));
    return rows.map(({ endedAtMs, hasSignals: _hasSignals, ...row }) => ({
      ...row,
      shares: row.shares as readonly number[],
      durationMs: endedAtMs === null ? null : Math.max(0, endedAtMs - row.startedAtMs),
      signals: bySession.get(row.seq) ?? [],
    }));
  }

  async liveCounts(experimentId: number): Promise<LiveCount[]> {
    const failed = sql`EXISTS (SELECT 1 FROM signals WHERE session_seq = seq AND name IN ${FAILURE_SIGNALS} AND value <> 0)`;
    const ofExperiment = sql`sessions WHERE experiment_id = ${experimentId}`;
    const oldest = sql`coalesce((SELECT seq FROM ${ofExperiment} ORDER BY seq DESC LIMIT 1 OFFSET ${LIVE_REACH}), 0)`;
    const newest = sql`SELECT ${failed} AS is_failed FROM ${ofExperiment} AND seq > ${oldest} AND arm_id = ${arms.id}
      AND (ended_at_ms IS NOT NULL OR ${failed}) ORDER BY seq DESC LIMIT ${LIVE_SAMPLE}`;
    const rows = await this.#database.read((db) =>
      db
        .select({
          // Two numbers of one subquery, which has to be run once.
          counts: sql<string>`(SELECT json_array(count(*), coalesce(sum(is_failed), 0)) FROM (${newest}))`,
        })
        .from(arms)
        .where(eq(arms.experimentId, experimentId))
        .orderBy(asc(arms.position)),
    );
    return rows.map(({ counts }) => {
      const [served, errors] = JSON.parse(counts) as [number, number];
      return { sessions: served, errors };
    });
  }

  async pulses(projectKey: string | null): Promise<Pulse[]> {
    const ofExperiment = sql`FROM sessions WHERE sessions.experiment_id = ${experiments.id}`;
    return this.#database.read((db) =>
      db
        .select({
          projectKey: projects.key,
          experimentUid: experiments.uid,
          version: experiments.version,
          newestSeq: sql<number>`coalesce((SELECT max(seq) ${ofExperiment}), 0)`.mapWith(Number),
          firstOpenSeq: sql<
            number | null
          >`(SELECT min(seq) ${ofExperiment} AND settled_at_ms IS NULL AND is_evidence = 1)`,
          newestSignalId: sql<number>`coalesce((SELECT max(id) FROM signals), 0)`.mapWith(Number),
          startedAtMs: experiments.startedAtMs,
          // A policy that is damaged is the matter of its own tick, not of everyone's.
          maxDurationMs: sql<
            number | null
          >`iif(json_valid(${experiments.policy}), ${experiments.policy} ->> 'maxDurationMs', NULL)`,
        })
        .from(experiments)
        .innerJoin(projects, eq(projects.id, experiments.projectId))
        .where(
          and(
            eq(experiments.status, "running"),
            projectKey === null ? undefined : eq(projects.key, projectKey),
          ),
        )
        .orderBy(asc(projects.key)),
    );
  }

  async scores(input: Parameters<Store["scores"]>[0]): Promise<number[]> {
    const rows = await this.#database.read((db) =>
      db
        .select({ score: sessions.score })
        .from(sessions)
        .where(
          and(
            eq(sessions.projectId, input.projectId),
            eq(sessions.configId, input.configId),
            isNotNull(sessions.score),
          ),
        )
        .orderBy(desc(sessions.seq))
        .limit(input.limit),
    );
    return rows.map(({ score }) => score as number).reverse();
  }

  async traffic(input: Parameters<Store["traffic"]>[0]): Promise<Traffic> {
    return this.#database.read(async (db) => {
      const newest = db
        .select({
          unit: sql`coalesce(${sessions.unit}, ${sessions.id})`.as("traffic_unit"),
          startedAtMs: sessions.startedAtMs,
          championScore:
            sql`CASE WHEN ${sessions.configId} = ${input.championConfigId} THEN ${sessions.score} END`.as(
              "champion_score",
            ),
        })
        .from(sessions)
        .where(eq(sessions.projectId, input.projectId))
        .orderBy(desc(sessions.seq))
        .limit(TRAFFIC_SAMPLE)
        .as("newest");
      const [traffic] = await db
        .select({
          units: sql<number>`count(DISTINCT ${newest.unit})`.mapWith(Number),
          firstAtMs: sql<number | null>`min(${newest.startedAtMs})`,
          scored: sql<number>`count(${newest.championScore})`.mapWith(Number),
          scoreSum: sql<number>`coalesce(sum(${newest.championScore}), 0)`.mapWith(Number),
        })
        .from(newest)
        .where(gte(newest.startedAtMs, input.sinceMs));
      return traffic ?? { units: 0, firstAtMs: null, scored: 0, scoreSum: 0 };
    });
  }
}
