/**
 * Looking through the log of evaluations, page by page.
 */
import { DethroneError, received } from "../../core/errors.js";
import type { EvaluationQuery, Store, StoredEvaluation } from "../ports.js";
import { checkedLimit, pageOf, placeOfCursor, reachable } from "../sessions/search.js";
import { requireExperiment } from "./lookup.js";

/** Which evaluations of a project are listed; all that is given must hold. */
export interface ProjectEvaluationFilter
  extends Omit<EvaluationQuery, "projects" | "experiment" | "beforeId" | "limit"> {
  /** id of the experiment, or the beginning of it */
  readonly experiment?: string | undefined;
  /** how many at most, an integer in [1, 200]; default 50 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
}

/** Which evaluations are listed, over all projects. */
export interface EvaluationFilter extends ProjectEvaluationFilter {
  /** key of a project */
  readonly project?: string | undefined;
  /** keys of the projects that may be looked into; default: all */
  readonly projects?: readonly string[] | null | undefined;
}

/** A page of evaluations, newest first. */
export interface EvaluationPage {
  readonly evaluations: readonly StoredEvaluation[];
  /** asks for the next page; null on the last */
  readonly nextCursor: string | null;
}

const ALLOWED = {
  verdict: ["promote", "hold", "abort", "continue"],
  status: ["draft", "running", "paused", "promoted", "held", "aborted"],
} as const;

/** @throws DethroneError `input_invalid` for a verdict or status that there is not */
function checkNames(filter: EvaluationFilter): void {
  for (const field of ["verdict", "status"] as const) {
    const allowed: readonly string[] = ALLOWED[field];
    const value = filter[field];
    if (value === undefined || allowed.includes(value)) continue;
    throw new DethroneError(
      "input_invalid",
      `${field} must be one of ${allowed.join(", ")}; received '${String(value)}'.`,
      { field, received: received(value), allowed },
    );
  }
}

/** @throws DethroneError `input_invalid`, `project_not_found`, `experiment_not_found` */
export async function findEvaluations(store: Store, filter: EvaluationFilter = {}): Promise<EvaluationPage> {
  const { project, projects, experiment, cursor, ...query } = filter;
  checkNames(filter);
  const limit = checkedLimit(filter.limit);
  const meant =
    project === undefined || experiment === undefined
      ? experiment
      : (await requireExperiment(store, project, experiment)).uid;
  const rows = await store.evaluations.find({
    ...query,
    projects: reachable(project, projects),
    experiment: meant,
    beforeId: placeOfCursor(cursor),
    limit: limit + 1,
  });
  const { page, nextCursor } = pageOf(rows, limit, ({ id }) => id);
  return { evaluations: page, nextCursor };
}
