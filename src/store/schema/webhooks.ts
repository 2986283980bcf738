/**
 * The tables of webhooks, beside those of `main.ts`.
 */
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { auditLog, projects } from "./main.js";

/** Endpoints that are told of events. */
export const webhooks = sqliteTable("webhooks", {
  id: text("id").primaryKey(),
  /** null for all projects */
  projectId: integer("project_id").references(() => projects.id),
  url: text("url").notNull(),
  /** actions of the audit log; null for all */
  actions: text("actions", { mode: "json" }).$type<readonly string[]>(),
  /** as it is needed to sign: whoever reads the database can sign */
  secret: text("secret").notNull(),
  previousSecret: text("previous_secret"),
  previousUntilMs: integer("previous_until_ms"),
  allowPrivate: integer("allow_private", { mode: "boolean" }).notNull(),
  isEnabled: integer("is_enabled", { mode: "boolean" }).notNull(),
  /** newest entry of the audit log that has been looked at for it */
  seenId: integer("seen_id").notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** One row an event on its way to an endpoint; its body is made of the audit log. */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    uid: text("uid").notNull().unique(),
    webhookId: text("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    eventId: integer("event_id")
      .notNull()
      .references(() => auditLog.id, { onDelete: "cascade" }),
    status: text("status", { enum: ["pending", "delivered", "dead"] }).notNull(),
    attempts: integer("attempts").notNull(),
    nextAtMs: integer("next_at_ms").notNull(),
    lastAtMs: integer("last_at_ms"),
    lastStatus: integer("last_status"),
    lastError: text("last_error"),
  },
  (table) => [
    uniqueIndex("webhook_deliveries_once").on(table.webhookId, table.eventId),
    index("webhook_deliveries_due").on(table.status, table.nextAtMs),
  ],
);
