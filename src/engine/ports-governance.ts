/**
 * The log of evaluations: what ticks found, as far as it is kept.
 */
import type { Reason, Verdict } from "../core/decision/decide.js";
import type { EvaluationOutline } from "../core/decision/evaluation.js";
import type { NewestEntry, Placement } from "../core/decision/evaluation-log.js";
import type { ExperimentStatus } from "../core/decision/life-cycle.js";
import type { ReviewPoint } from "../core/decision/review.js";

/** What a tick found of an experiment after folding. */
interface EvaluationRecord extends Omit<Placement, "replaces"> {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** SHA-256 of the evidence it is of, in hexadecimal: the same for the same evidence, however it was folded */
  readonly digest: string;
  /** assignment sequence folded up to */
  readonly foldedSeq: number;
  readonly numbers: EvaluationOutline;
  /** the challengers' shares of the sessions to come, in the order of their arms */
  readonly shares: readonly number[];
  /** where the criteria disagree */
  readonly review: readonly ReviewPoint[];
  readonly actor: string;
  readonly atMs: number;
}

/** An evaluation on its way in. */
export interface NewEvaluation extends EvaluationRecord {
  /** id of the entry whose place it takes; null where it is added */
  readonly replacesId: number | null;
}

/** The newest entry of an experiment. */
export interface NewestEvaluation extends NewestEntry {
  readonly id: number;
}

/** An evaluation as the log tells of it. */
export interface StoredEvaluation extends EvaluationRecord {
  /** order of storage, over all projects */
  readonly id: number;
  readonly project: string;
  readonly experiment: string;
  /** of the experiment now */
  readonly status: ExperimentStatus;
  readonly owner: string | null;
  readonly tags: readonly string[];
}

/** Which evaluations are looked for; all that is given must hold. */
export interface EvaluationQuery {
  /** keys of the projects that may be looked into; null for all */
  readonly projects: readonly string[] | null;
  /** id of the experiment */
  readonly experiment?: string | undefined;
  readonly verdict?: Verdict | undefined;
  readonly needsReview?: boolean | undefined;
  /** of the experiment, now */
  readonly status?: ExperimentStatus | undefined;
  readonly owner?: string | undefined;
  readonly tag?: string | undefined;
  /** made at or after, in milliseconds since the epoch */
  readonly sinceMs?: number | undefined;
  /** made before */
  readonly untilMs?: number | undefined;
  /** only the newest of each experiment */
  readonly isNewest?: boolean | undefined;
  /** only those stored before this one; for the next page */
  readonly beforeId: number;
  readonly limit: number;
}

/** The log of evaluations. It is written with the changes that ticks make. */
export interface EvaluationStore {
  /** The newest entry of each experiment, by its id; none where it has none yet. */
  newest(experimentIds: readonly number[]): Promise<ReadonlyMap<number, NewestEvaluation>>;
  /** Newest first; beside the host's event loop. */
  find(query: EvaluationQuery): Promise<StoredEvaluation[]>;
  /** Entries of a project made before a time that may go: neither news nor the newest of their experiment. */
  prunable(input: { readonly projectId: number; readonly beforeMs: number }): Promise<number>;
  /** Deletes those; how many. */
  prune(input: { readonly projectId: number; readonly beforeMs: number }): Promise<number>;
}
