/**
 * The statements of the log of evaluations.
 */
import { eq } from "drizzle-orm";
import type { NewEvaluation } from "../../engine/ports.js";
import { evaluations } from "../schema/governance.js";
import type { WriteStatement } from "../writer/write-protocol.js";
import { builder, given, template } from "./statements.js";

const addEvaluation = template(
  builder.insert(evaluations).values({
    experimentId: given("experimentId"),
    verdict: given("verdict"),
    reason: given("reason"),
    digest: given("digest"),
    foldedSeq: given("foldedSeq"),
    numbers: given("numbers"),
    shares: given("shares"),
    review: given("review"),
    needsReview: given("needsReview"),
    isTurn: given("isTurn"),
    inHour: given("inHour"),
    actor: given("actor"),
    atMs: given("atMs"),
  }),
);

const dropEvaluation = template(builder.delete(evaluations).where(eq(evaluations.id, given("id"))));

/** One more entry, or one in the place of the newest. */
export function logEvaluation(experimentId: number, evaluation: NewEvaluation): WriteStatement[] {
  const { replacesId, ...record } = evaluation;
  const row = { ...record, experimentId, needsReview: record.review.length > 0 };
  return [...(replacesId === null ? [] : [dropEvaluation({ id: replacesId })]), addEvaluation(row)];
}
