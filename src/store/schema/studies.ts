/**
 * The tables of studies, beside those of `main.ts`.
 */
import { integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { StudyFindings, StudyTerms } from "../../engine/ports.js";
import { projects, sessions } from "./main.js";

/** One row a study: sessions that nobody randomised, compared afterwards. */
export const studies = sqliteTable(
  "studies",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    projectId: integer("project_id")
      .notNull()
      .references(() => projects.id),
    name: text("name").notNull(),
    hypothesis: text("hypothesis"),
    /** how sessions are put into arms */
    rules: text("rules", { mode: "json" }).$type<StudyTerms["rules"]>().notNull(),
    metrics: text("metrics", { mode: "json" }).$type<StudyTerms["metrics"]>().notNull(),
    /** sessions started at or after, and before; null: no bound */
    sinceMs: integer("since_ms"),
    untilMs: integer("until_ms"),
    createdAtMs: integer("created_at_ms").notNull(),
    concludedAtMs: integer("concluded_at_ms"),
    /** what was found by its conclusion; never changes */
    findings: text("findings", { mode: "json" }).$type<StudyFindings>(),
    archivedAtMs: integer("archived_at_ms"),
  },
  (table) => [uniqueIndex("studies_name").on(table.projectId, table.name)],
);

/** Arms that sessions were given by hand, the first of each alone. */
export const studyTags = sqliteTable(
  "study_tags",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    studyId: integer("study_id")
      .notNull()
      .references(() => studies.id),
    sessionSeq: integer("session_seq")
      .notNull()
      .references(() => sessions.seq),
    arm: text("arm", { enum: ["champion", "challenger", "excluded"] }).notNull(),
    actor: text("actor").notNull(),
    atMs: integer("at_ms").notNull(),
  },
  (table) => [uniqueIndex("study_tags_session").on(table.sessionSeq, table.studyId)],
);
