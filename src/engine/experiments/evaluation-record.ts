/**
 * The entry of the log of evaluations that a tick leaves.
 */
import { createHash } from "node:crypto";
import type { Ruling } from "../../core/decision/decide.js";
import type { EvaluationOutline } from "../../core/decision/evaluation.js";
import { placementOf } from "../../core/decision/evaluation-log.js";
import { reviewPoints } from "../../core/decision/review.js";
import type { Terms } from "../../core/decision/terms.js";
import type { ArmChange, Checkpoint, NewEvaluation, NewestEvaluation, StoredExperiment } from "../ports.js";
import { sharesOf } from "./arms.js";

/** What a tick has found. */
interface Found {
  readonly experiment: StoredExperiment;
  /** the entry before it */
  readonly newest: NewestEvaluation | null;
  readonly checkpoint: Checkpoint;
  readonly terms: Terms;
  readonly ruling: Ruling;
}

/** SHA-256 of the evidence as it is stored, in hexadecimal. */
const digestOf = ({ evidence }: Checkpoint): string =>
  createHash("sha256").update(JSON.stringify(evidence)).digest("hex");

/** The entry of an evaluation, and whether it takes the place of the newest one of its experiment. */
export function evaluationRecord(
  { experiment, newest, checkpoint, terms, ruling }: Found,
  by: {
    readonly numbers: EvaluationOutline;
    readonly arms: readonly ArmChange[] | null;
    readonly actor: string;
    readonly atMs: number;
  },
): NewEvaluation {
  const { verdict, reason } = ruling;
  const { numbers, actor, atMs } = by;
  const review = reviewPoints(numbers, terms.policy);
  const { replaces, ...placed } = placementOf(newest, { verdict, reason, review, atMs });
  return {
    ...placed,
    replacesId: replaces ? (newest?.id ?? null) : null,
    verdict,
    reason,
    digest: digestOf(checkpoint),
    foldedSeq: checkpoint.foldedSeq,
    numbers,
    shares: sharesOf({ arms: movedArms(experiment, by.arms) }),
    review,
    actor,
    atMs,
  };
}

const movedArms = ({ arms }: StoredExperiment, changes: readonly ArmChange[] | null) =>
  arms.map((arm) => ({ ...arm, ...changes?.find(({ id }) => id === arm.id) }));
