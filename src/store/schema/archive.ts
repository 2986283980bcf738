/**
 * The tables of archives, beside those of `main.ts`.
 */
import { blob, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Breakdown } from "../../core/decision/breakdown.js";
import type { ArmCounts } from "../../engine/ports.js";
import { experiments } from "./main.js";

/** What is kept of the sessions of an ended experiment once they are deleted: one row an experiment. */
export const archives = sqliteTable("archives", {
  experimentId: integer("experiment_id")
    .primaryKey()
    .references(() => experiments.id),
  /** units archived so far, and the assignment sequence of the last */
  unitCount: integer("unit_count").notNull(),
  lastSeq: integer("last_seq").notNull(),
  /** the last link of the chain of hashes over the units, in hexadecimal */
  hash: text("hash").notNull(),
  /** null until every unit is archived; no session is deleted before */
  sealedAtMs: integer("sealed_at_ms"),
  counts: text("counts", { mode: "json" }).$type<readonly ArmCounts[]>(),
  breakdown: text("breakdown", { mode: "json" }).$type<readonly Breakdown[]>(),
});

/** The units of an archive, some thousand a page, in assignment order. */
export const archivePages = sqliteTable(
  "archive_pages",
  {
    experimentId: integer("experiment_id")
      .notNull()
      .references(() => archives.experimentId),
    lastSeq: integer("last_seq").notNull(),
    unitCount: integer("unit_count").notNull(),
    /** compressed JSON */
    body: blob("body", { mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.experimentId, table.lastSeq] })],
);
