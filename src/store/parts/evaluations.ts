/**
 * The log of evaluations.
 */
import { eq, inArray, sql } from "drizzle-orm";
import type { EvaluationStore, NewestEvaluation, StoredEvaluation } from "../../engine/ports.js";
import type { Aside } from "../aside/aside.js";
import type { OpenDatabase } from "../database.js";
import { conditions, listOf, PROJECT_IDS } from "../reads/conditions.js";
import { evaluations } from "../schema/governance.js";
import { experiments } from "../schema/main.js";
import type { Transact } from "../writer/write-protocol.js";

/** What the log needs of the store it belongs to. */
interface EvaluationsHost {
  readonly database: OpenDatabase;
  /** where what people look through is read */
  readonly aside: Aside;
  readonly transact: Transact;
}

const NEWEST = {
  experimentId: evaluations.experimentId,
  id: evaluations.id,
  verdict: evaluations.verdict,
  reason: evaluations.reason,
  review: evaluations.review,
  isTurn: evaluations.isTurn,
  inHour: evaluations.inHour,
  atMs: evaluations.atMs,
};

/** By the end of the index, however long the log is. */
const NEWEST_ID = sql`(SELECT max(newest.id) FROM evaluations AS newest WHERE newest.experiment_id = ${experiments.id})`;

const IS_NEWEST = `NOT EXISTS (SELECT 1 FROM evaluations AS later
  WHERE later.experiment_id = evaluations.experiment_id AND later.id > evaluations.id)`;

/** Neither news nor the newest of its experiment. */
const PRUNABLE = `evaluations.is_turn = 0 AND evaluations.at_ms < ? AND NOT ${IS_NEWEST}
  AND evaluations.experiment_id IN (SELECT id FROM experiments WHERE project_id = ?)`;

type Row = Omit<StoredEvaluation, "numbers" | "shares" | "review" | "tags" | "isTurn"> & {
  numbers: string;
  shares: string;
  review: string;
  tags: string;
  isTurn: number;
};

const asNumber = (flag: boolean | undefined): number | undefined =>
  flag === undefined ? flag : Number(flag);

/** See `EvaluationStore`. */
export class SqlEvaluations implements EvaluationStore {
  readonly #host: EvaluationsHost;

  constructor(host: EvaluationsHost) {
    this.#host = host;
  }

  async newest(experimentIds: readonly number[]): Promise<ReadonlyMap<number, NewestEvaluation>> {
    const rows = await this.#host.database.read((db) =>
      db
        .select(NEWEST)
        .from(experiments)
        .innerJoin(evaluations, eq(evaluations.id, NEWEST_ID))
        .where(inArray(experiments.id, [...experimentIds])),
    );
    return new Map(
      rows.map(({ experimentId, ...row }) => [
        experimentId,
        { ...row, reason: row.reason as NewestEvaluation["reason"] },
      ]),
    );
  }

  async find(query: Parameters<EvaluationStore["find"]>[0]): Promise<StoredEvaluation[]> {
    const where = conditions([
      [`experiments.project_id IN ${PROJECT_IDS}`, listOf(query.projects)],
      ["experiments.uid = ?", query.experiment],
      ["evaluations.verdict = ?", query.verdict],
      ["evaluations.needs_review = ?", asNumber(query.needsReview)],
      ["experiments.status = ?", query.status],
      ["experiments.owner = ?", query.owner],
      ["EXISTS (SELECT 1 FROM json_each(experiments.tags) AS tag WHERE tag.value = ?)", query.tag],
      ["evaluations.at_ms >= ?", query.sinceMs],
      ["evaluations.at_ms < ?", query.untilMs],
      ["evaluations.id < ?", query.beforeId],
    ]);
    const rows = await this.#host.aside.all<Row>(
      `SELECT evaluations.id, projects.key AS project, experiments.uid AS experiment, experiments.status,
         experiments.owner, experiments.tags, verdict, reason, digest, folded_seq AS "foldedSeq", numbers, shares,
         review, is_turn AS "isTurn", in_hour AS "inHour", actor, at_ms AS "atMs"
       FROM evaluations JOIN experiments ON experiments.id = evaluations.experiment_id
       JOIN projects ON projects.id = experiments.project_id
       WHERE ${where.sql}${query.isNewest === true ? ` AND ${IS_NEWEST}` : ""}
       ORDER BY evaluations.id DESC LIMIT ?`,
      [...where.params, query.limit],
    );
    return rows.map(({ numbers, shares, review, tags, isTurn, ...row }) => ({
      ...row,
      tags: JSON.parse(tags),
      numbers: JSON.parse(numbers),
      shares: JSON.parse(shares),
      review: JSON.parse(review),
      isTurn: isTurn === 1,
    }));
  }

  async prunable({ projectId, beforeMs }: Parameters<EvaluationStore["prunable"]>[0]): Promise<number> {
    const { n } = await this.#host.aside.one<{ n: number }>(
      `SELECT count(*) AS n FROM evaluations WHERE ${PRUNABLE}`,
      [beforeMs, projectId],
    );
    return n;
  }

  async prune(input: Parameters<EvaluationStore["prune"]>[0]): Promise<number> {
    const count = await this.prunable(input);
    const { projectId, beforeMs } = input;
    if (count > 0)
      await this.#host.transact([
        { sql: `DELETE FROM evaluations WHERE ${PRUNABLE}`, params: [beforeMs, projectId] },
      ]);
    return count;
  }
}
