/**
 * Studies, their tags and the sessions they are made of.
 */
import { and, desc, eq, isNotNull, isNull } from "drizzle-orm";
import type {
  AssignedRow,
  NewStudy,
  StoredStudy,
  StudyRow,
  StudyStore,
  TaggedRow,
} from "../../engine/ports.js";
import { addAudit, builder, statement } from "../changes/statements.js";
import type { OpenDatabase } from "../database.js";
import { countedSignals } from "../reads/session-reads.js";
import { sessions } from "../schema/main.js";
import { studies, studyTags } from "../schema/studies.js";
import type { Transact } from "../writer/write-protocol.js";

type RowTuple = [
  ...[seq: number, unit: string | null, config: string, context: string | null, startedAtMs: number],
  ...[durationMs: number | null, settledAtMs: number | null, score: number | null],
  mark: string | number | null,
];

/** Its place in a `RowTuple`. */
const MARK = 8;

const COLUMNS = `seq, unit, hash, context, started_at_ms,
  CASE WHEN ended_at_ms < started_at_ms THEN 0 ELSE ended_at_ms - started_at_ms END, settled_at_ms, score`;

/** Of study ?1 and project ?2, from ?3 to before ?4, after sequence ?5, at most ?6. */
const STUDIED = `SELECT ${COLUMNS}, study_tags.arm
  FROM sessions JOIN configs ON configs.id = sessions.config_id
  LEFT JOIN study_tags ON study_tags.session_seq = seq AND study_tags.study_id = ?1
  WHERE sessions.project_id = ?2 AND experiment_id IS NULL AND started_at_ms >= ?3 AND started_at_ms < ?4 AND seq > ?5
  ORDER BY seq LIMIT ?6`;

/** Of experiment ?1, after sequence ?2, at most ?3. */
const ASSIGNED = `SELECT ${COLUMNS}, position
  FROM sessions JOIN configs ON configs.id = sessions.config_id JOIN arms ON arms.id = sessions.arm_id
  WHERE sessions.experiment_id = ?1 AND excluded = 'assigned' AND seq > ?2 ORDER BY seq LIMIT ?3`;

/** Only a session of the study's project, and only while the study goes on. */
const TAG = `INSERT INTO study_tags (study_id, session_seq, arm, actor, at_ms)
  SELECT studies.id, seq, ?, ?, ? FROM studies JOIN sessions ON sessions.project_id = studies.project_id
  WHERE studies.id = ? AND concluded_at_ms IS NULL AND sessions.id = ?
  ON CONFLICT DO NOTHING`;

/** See `StudyStore`. */
export class SqlStudies implements StudyStore {
  readonly #database: OpenDatabase;
  readonly #transact: Transact;

  constructor(database: OpenDatabase, transact: Transact) {
    this.#database = database;
    this.#transact = transact;
  }

  add({ audit, ...study }: NewStudy): Promise<boolean> {
    return this.#transact([
      statement(builder.insert(studies).values({ ...study, createdAtMs: audit.atMs })),
      addAudit(audit, { projectId: study.projectId, experimentId: null }),
    ]);
  }

  list(projectId: number): Promise<StoredStudy[]> {
    return this.#database.read((db) =>
      db.select().from(studies).where(eq(studies.projectId, projectId)).orderBy(desc(studies.id)),
    );
  }

  conclude({ study, findings, audit }: Parameters<StudyStore["conclude"]>[0]): Promise<boolean> {
    const goesOn = and(eq(studies.id, study.id), isNull(studies.concludedAtMs));
    return this.#transact([
      statement(builder.update(studies).set({ concludedAtMs: audit.atMs, findings }).where(goesOn), 1),
      addAudit(audit, { projectId: study.projectId, experimentId: null }),
    ]);
  }

  archive({ study, audit }: Parameters<StudyStore["archive"]>[0]): Promise<boolean> {
    const isOpen = and(
      eq(studies.id, study.id),
      isNotNull(studies.concludedAtMs),
      isNull(studies.archivedAtMs),
    );
    return this.#transact([
      statement(builder.update(studies).set({ archivedAtMs: audit.atMs }).where(isOpen), 1),
      addAudit(audit, { projectId: study.projectId, experimentId: null }),
    ]);
  }

  tag({ study, sessionId, arm, actor, atMs }: Parameters<StudyStore["tag"]>[0]): Promise<boolean> {
    return this.#transact([{ sql: TAG, params: [arm, actor, atMs, study.id, sessionId], changes: 1 }]);
  }

  async tagOf(studyId: number, sessionId: string): Promise<TaggedRow["tag"]> {
    const [row] = await this.#database.read((db) =>
      db
        .select({ arm: studyTags.arm })
        .from(studyTags)
        .innerJoin(sessions, eq(sessions.seq, studyTags.sessionSeq))
        .where(and(eq(studyTags.studyId, studyId), eq(sessions.id, sessionId))),
    );
    return row?.arm ?? null;
  }

  async sessions({ study, afterSeq, limit }: Parameters<StudyStore["sessions"]>[0]): Promise<TaggedRow[]> {
    const { id, projectId, sinceMs, untilMs } = study;
    const rows = await this.#rows(STUDIED, [
      ...[id, projectId, sinceMs ?? 0, untilMs ?? Number.MAX_SAFE_INTEGER, afterSeq, limit],
    ]);
    return rows.map(({ mark, ...row }) => ({ ...row, tag: mark as TaggedRow["tag"] }));
  }

  async assignedSessions(input: Parameters<StudyStore["assignedSessions"]>[0]): Promise<AssignedRow[]> {
    const { experimentId, afterSeq, limit } = input;
    const rows = await this.#rows(ASSIGNED, [experimentId, afterSeq, limit]);
    return rows.map(({ mark, ...row }) => ({ ...row, arm: mark as number }));
  }

  async #rows(sql: string, params: number[]): Promise<(StudyRow & { readonly mark: RowTuple[8] })[]> {
    const rows = await this.#database.tuples<RowTuple>(sql, params);
    const bySession = await countedSignals(
      this.#database,
      rows.map(([seq]) => seq),
    );
    return rows.map((row) => {
      const [seq, unit, config, context, startedAtMs, durationMs, settledAtMs, score] = row;
      return {
        ...{ seq, unit, config, startedAtMs, durationMs, score, mark: row[MARK] },
        context: context === null ? null : JSON.parse(context),
        isSettled: settledAtMs !== null,
        signals: bySession.get(seq) ?? [],
      };
    });
  }
}
