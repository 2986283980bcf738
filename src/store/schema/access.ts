/**
 * The tables of who is let in over HTTP, beside those of `main.ts`.
 */
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Scope } from "../../engine/ports.js";

/** Keys of the HTTP server. */
export const apiKeys = sqliteTable("api_keys", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  /** SHA-256 of the key, in hexadecimal; the key itself is stored nowhere */
  hash: text("hash").notNull().unique(),
  scopes: text("scopes", { mode: "json" }).$type<readonly Scope[]>().notNull(),
  /** keys of the projects it is for; null for all */
  projects: text("projects", { mode: "json" }).$type<readonly string[]>(),
  createdAtMs: integer("created_at_ms").notNull(),
  expiresAtMs: integer("expires_at_ms"),
  revokedAtMs: integer("revoked_at_ms"),
  /** to the hour */
  lastUsedAtMs: integer("last_used_at_ms"),
});

/** Answers kept for requests that may be repeated. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    /** of the key the request came with; empty where the server is open */
    keyId: text("key_id").notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    /** SHA-256 of method, path and body */
    fingerprint: text("fingerprint").notNull(),
    /** null while it is being answered */
    status: integer("status"),
    body: text("body"),
    startedAtMs: integer("started_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.keyId, table.idempotencyKey] }),
    index("idempotency_keys_started").on(table.startedAtMs),
  ],
);
