/**
 * The table of the log of evaluations, beside those of `main.ts`.
 */
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { EvaluationOutline } from "../../core/decision/evaluation.js";
import type { ReviewPoint } from "../../core/decision/review.js";
import { experiments } from "./main.js";

/** Evaluations of ticks that folded something, as far as they are kept. */
export const evaluations = sqliteTable(
  "evaluations",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => experiments.id),
    verdict: text("verdict", { enum: ["promote", "hold", "abort", "continue"] }).notNull(),
    reason: text("reason").notNull(),
    /** SHA-256 of the evidence it is of, in hexadecimal, and the assignment sequence folded up to */
    digest: text("digest").notNull(),
    foldedSeq: integer("folded_seq").notNull(),
    numbers: text("numbers", { mode: "json" }).$type<EvaluationOutline>().notNull(),
    /** the challengers' shares of the sessions to come, in the order of their arms */
    shares: text("shares", { mode: "json" }).$type<readonly number[]>().notNull(),
    review: text("review", { mode: "json" }).$type<readonly ReviewPoint[]>().notNull(),
    /** whether `review` has any */
    needsReview: integer("needs_review", { mode: "boolean" }).notNull(),
    /** whether it says something else than the one before it of its experiment */
    isTurn: integer("is_turn", { mode: "boolean" }).notNull(),
    /** entries of its experiment in its hour when it was written, it included */
    inHour: integer("in_hour").notNull(),
    actor: text("actor").notNull(),
    atMs: integer("at_ms").notNull(),
  },
  (table) => [
    index("evaluations_experiment").on(table.experimentId),
    index("evaluations_review").on(table.needsReview),
  ],
);
