/**
 * The entry of the log of evaluations that a tick leaves.
 */
import { createHash } from "node:crypto";
import type { OutReason, Ruling } from "../../core/decision/decide.js";
import { outlineOf } from "../../core/decision/evaluation.js";
import { placementOf } from "../../core/decision/evaluation-log.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import { reviewPoints } from "../../core/decision/review.js";
import type { Terms } from "../../core/decision/terms.js";
import type { ArmChange, Checkpoint, NewEvaluation, Store, StoredExperiment } from "../ports.js";
import { sharesOf } from "./arms.js";

/** What a tick has found. */
interface Found {
  readonly experiment: StoredExperiment;
  readonly checkpoint: Checkpoint;
  readonly terms: Terms;
  readonly ruling: Ruling;
  readonly out: readonly (OutReason | null)[] | null;
  readonly live: readonly LiveCount[] | null;
}

/** SHA-256 of the evidence as it is stored, in hexadecimal. */
const digestOf = ({ evidence }: Checkpoint): string =>
  createHash("sha256").update(JSON.stringify(evidence)).digest("hex");

/** The entry of an evaluation, and whether it takes the place of the newest one of its experiment. */
export async function evaluationRecord(
  store: Store,
  { experiment, checkpoint, terms, ruling, out, live }: Found,
  by: { readonly arms: readonly ArmChange[] | null; readonly actor: string; readonly atMs: number },
): Promise<NewEvaluation> {
  const { verdict, reason } = ruling;
  const { evidence, foldedSeq } = checkpoint;
  const numbers = outlineOf({ ...terms, evidence, out, live });
  const review = reviewPoints(numbers, terms.policy);
  const newest = await store.evaluations.newest(experiment.id);
  const { replaces, ...placed } = placementOf(newest, { verdict, reason, review, atMs: by.atMs });
  return {
    ...placed,
    replacesId: replaces ? (newest?.id ?? null) : null,
    verdict,
    reason,
    digest: digestOf(checkpoint),
    foldedSeq,
    numbers,
    shares: sharesOf({ arms: movedArms(experiment, by.arms) }),
    review,
    actor: by.actor,
    atMs: by.atMs,
  };
}

const movedArms = ({ arms }: StoredExperiment, changes: readonly ArmChange[] | null) =>
  arms.map((arm) => ({ ...arm, ...changes?.find(({ id }) => id === arm.id) }));
