/**
 * The table that writers of a remote database leave receipts in, beside those of `main.ts`.
 */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The last batch of each writer. It is numbered in the transaction of the batch itself, so that a writer whose reply was
 * lost can tell whether the batch was committed, and one that comes late cannot be committed after its repetition.
 */
export const writeReceipts = sqliteTable("write_receipts", {
  /** id of a connection that writes */
  writer: text("writer").primaryKey(),
  /** number of its attempt that was committed last */
  attempt: integer("attempt").notNull(),
  /** by the server's clock */
  atMs: integer("at_ms").notNull(),
});
