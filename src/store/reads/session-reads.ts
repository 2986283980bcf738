/**
 * Every query about sessions and their signals: by Drizzle, but for those that ticks run again and again.
 */
import { and, asc, desc, eq, isNotNull, sql } from "drizzle-orm";
import { FAILURE_SIGNALS, type LiveCount } from "../../core/decision/fuse.js";
import type { Policy } from "../../core/decision/policy.js";
import type { ScoringSignal } from "../../core/sessions/score.js";
import type { DueSession, FoldRow, Pulse, Store, Traffic } from "../../engine/ports.js";
import type { OpenDatabase } from "../database.js";
import { experiments, projects, sessions } from "../schema/main.js";

/** Live errors are counted over the newest finished sessions of each arm, as many as a process remembers of its own. */
const LIVE_SAMPLE = 200;

/** How many of an experiment's sessions are looked through for them, so that a tick costs the same in the long run. */
const LIVE_REACH = 20_000;

/** Traffic is told from a project's newest sessions: a challenge must not hold up its host, however long the history is. */
const TRAFFIC_SAMPLE = 50_000;

const NO_SIGNALS: readonly ScoringSignal[] = [];

type SignalRow = [seq: number, name: string, value: number, kind: ScoringSignal["kind"]];

/** In the order of their acceptance. */
const COUNTED_SIGNALS = `SELECT session_seq, name, signals.value, kind
  FROM json_each(?) AS given CROSS JOIN signals ON session_seq = CAST(given.value AS BIGINT)
  WHERE is_late = 0 ORDER BY signals.id`;

type DueTuple = [seq: number, experimentId: number | null, windowEndsAtMs: number, hasEnded: number];

/** By the time ?1, at most ?2. */
const due = (where: string): string => `SELECT seq, experiment_id, window_ends_at_ms, ended_at_ms IS NOT NULL
  FROM sessions WHERE window_ends_at_ms < ?1 AND settled_at_ms IS NULL ${where}
  ORDER BY window_ends_at_ms LIMIT ?2`;
const DUE = due("");
const DUE_OF_PROJECT = due("AND project_id = (SELECT id FROM projects WHERE key = ?3)");

type FoldTuple = [
  ...[seq: number, arm: number, shares: string, score: number | null, context: string | null],
  ...[startedAtMs: number, durationMs: number | null, isSignalled: number],
];

/** Its place in a `FoldTuple`. */
const SIGNALLED = 7;

/** Of experiment ?1, after sequence ?2 and up to ?3, at most ?4. */
const foldRows = (
  isSignalled: string,
): string => `SELECT seq, position, shares, score, context, started_at_ms,
    CASE WHEN ended_at_ms < started_at_ms THEN 0 ELSE ended_at_ms - started_at_ms END, ${isSignalled}
  FROM sessions CROSS JOIN arms ON arms.id = arm_id
  WHERE sessions.experiment_id = ?1 AND seq > ?2 AND seq <= ?3 AND is_evidence = 1 AND settled_at_ms IS NOT NULL
    AND seq < coalesce((SELECT min(seq) FROM sessions
      WHERE experiment_id = ?1 AND settled_at_ms IS NULL AND is_evidence = 1), ${Number.MAX_SAFE_INTEGER})
  ORDER BY seq LIMIT ?4`;
const FOLD_ROWS = foldRows("0");
const FOLD_ROWS_AND_SIGNALS = foldRows("EXISTS (SELECT 1 FROM signals WHERE session_seq = seq)");

const OF_FAILURE = `name IN (${FAILURE_SIGNALS.map((name) => `'${name}'`).join(", ")}) AND signals.value <> 0`;
const FAILED = `EXISTS (SELECT 1 FROM signals WHERE session_seq = seq AND ${OF_FAILURE})`;

/** After signal ?1, up to ?2. */
const FAILED_SINCE = `SELECT DISTINCT uid FROM signals
  JOIN sessions ON seq = session_seq JOIN experiments ON experiments.id = experiment_id
  WHERE signals.id > ?1 AND signals.id <= ?2 AND ${OF_FAILURE}`;

/** Two numbers an arm, of one subquery, which has to be run once. */
const LIVE_COUNTS = `SELECT (SELECT '[' || count(*) || ',' || coalesce(sum(is_failed), 0) || ']' FROM
    (SELECT CASE WHEN ${FAILED} THEN 1 ELSE 0 END AS is_failed FROM sessions
      WHERE experiment_id = ?1 AND arm_id = arms.id AND (ended_at_ms IS NOT NULL OR ${FAILED})
        AND seq > coalesce((SELECT seq FROM sessions WHERE experiment_id = ?1
          ORDER BY seq DESC LIMIT 1 OFFSET ${LIVE_REACH}), 0)
      ORDER BY seq DESC LIMIT ${LIVE_SAMPLE}) AS newest)
  FROM arms WHERE experiment_id = ?1 ORDER BY position`;

type TrafficTuple = [units: number, firstAtMs: number | null, scored: number, scoreSum: number];

/** Of project ?1, with champion ?2, since ?3. */
const TRAFFIC = `SELECT count(DISTINCT unit), min(started_at_ms), count(champion_score), coalesce(sum(champion_score), 0)
  FROM (SELECT coalesce(unit, id) AS unit, started_at_ms, CASE WHEN config_id = ?2 THEN score END AS champion_score
    FROM sessions WHERE project_id = ?1 ORDER BY seq DESC LIMIT ${TRAFFIC_SAMPLE}) AS newest
  WHERE started_at_ms >= ?3`;

/** A function that answers the same question as the one before at once, with the same object. */
function remembering<T>(answer: (question: string) => T): (question: string) => T {
  let last: { readonly question: string; readonly answer: T } | undefined;
  return (question) => {
    if (last?.question !== question) last = { question, answer: answer(question) };
    return last.answer;
  };
}

/** The counted signals of sessions, in the order of their acceptance, by the sessions' sequence. */
export async function countedSignals(
  database: OpenDatabase,
  seqs: readonly number[],
): Promise<ReadonlyMap<number, readonly ScoringSignal[]>> {
  const bySession = new Map<number, ScoringSignal[]>();
  if (seqs.length === 0) return bySession;
  const rows = await database.tuples<SignalRow>(COUNTED_SIGNALS, [JSON.stringify(seqs)]);
  for (const [seq, name, value, kind] of rows) {
    const list = bySession.get(seq);
    if (list) list.push({ name, value, kind });
    else bySession.set(seq, [{ name, value, kind }]);
  }
  return bySession;
}

/** A policy that is damaged is the matter of its own tick, not of everyone's. */
function maxDurationOf(policyText: string): number | null {
  try {
    return (JSON.parse(policyText) as Partial<Policy>).maxDurationMs ?? null;
  } catch {
    return null;
  }
}

/** What is read of sessions. */
export class SessionReads {
  readonly #database: OpenDatabase;

  constructor(database: OpenDatabase) {
    this.#database = database;
  }

  async dueSessions(input: Parameters<Store["dueSessions"]>[0]): Promise<DueSession[]> {
    const { nowMs, limit, projectKey } = input;
    const due = await this.#database.tuples<DueTuple>(projectKey === null ? DUE : DUE_OF_PROJECT, [
      ...[nowMs, limit, ...(projectKey === null ? [] : [projectKey])],
    ]);
    const seqs = due.map(([seq]) => seq);
    const bySession = await countedSignals(this.#database, seqs);
    return due.map(([seq, experimentId, windowEndsAtMs, hasEnded]) => ({
      seq,
      experimentId,
      windowEndsAtMs,
      hasEnded: hasEnded === 1,
      signals: bySession.get(seq) ?? NO_SIGNALS,
    }));
  }

  async foldRows(input: Parameters<Store["foldRows"]>[0]): Promise<FoldRow[]> {
    const { experimentId, afterSeq, untilSeq = Number.MAX_SAFE_INTEGER, limit, withSignals } = input;
    const rows = await this.#database.tuples<FoldTuple>(withSignals ? FOLD_ROWS_AND_SIGNALS : FOLD_ROWS, [
      ...[experimentId, afterSeq, untilSeq, limit],
    ]);
    // Most have none, and then there is no second query.
    const withSome = rows.filter((row) => row[SIGNALLED] === 1).map(([seq]) => seq);
    const bySession = await countedSignals(this.#database, withSome);
    const sharesOf = remembering((text: string): readonly number[] => JSON.parse(text));
    return rows.map(([seq, arm, shares, score, context, startedAtMs, durationMs]) => ({
      seq,
      arm,
      shares: sharesOf(shares),
      score,
      context: context === null ? null : JSON.parse(context),
      startedAtMs,
      durationMs,
      signals: bySession.get(seq) ?? NO_SIGNALS,
    }));
  }

  async liveCounts(experimentId: number): Promise<LiveCount[]> {
    const rows = await this.#database.tuples<[counts: string]>(LIVE_COUNTS, [experimentId]);
    return rows.map(([counts]) => {
      const [served, errors] = JSON.parse(counts) as [number, number];
      return { sessions: served, errors };
    });
  }

  async failedSince({ afterId, untilId }: Parameters<Store["failedSince"]>[0]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.tuples<[uid: string]>(FAILED_SINCE, [afterId, untilId]);
    return new Set(rows.map(([uid]) => uid));
  }

  async pulses(projectKey: string | null): Promise<Pulse[]> {
    const ofExperiment = sql`FROM sessions WHERE sessions.experiment_id = ${experiments.id}`;
    const rows = await this.#database.read((db) =>
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
          policyText: sql<string>`${experiments.policy}`,
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
    return rows.map(({ policyText, ...pulse }) => ({ ...pulse, maxDurationMs: maxDurationOf(policyText) }));
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
    const { projectId, championConfigId, sinceMs } = input;
    const [row] = await this.#database.tuples<TrafficTuple>(TRAFFIC, [projectId, championConfigId, sinceMs]);
    const [units, firstAtMs, scored, scoreSum] = row ?? [0, null, 0, 0];
    return { units, firstAtMs, scored, scoreSum };
  }
}
