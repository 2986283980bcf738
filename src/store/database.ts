/**
 * What the store needs of an open database, wherever it lies.
 */
import { fileURLToPath } from "node:url";
import type { LibSQLDatabase } from "drizzle-orm/libsql";
import type { TransferTable } from "../engine/ports.js";
import type { Aside, Tuple } from "./aside/aside.js";
import type { Location } from "./location.js";
import type * as schema from "./schema/main.js";
import type { GiveRows } from "./writer/given-rows.js";
import type { WriteStatement } from "./writer/write-protocol.js";
import type { Writer, WriterOptions } from "./writer/writer.js";

// `src/store` and `dist/store` lie at the same depth, so this finds the shipped migrations from either.
/** Where the migrations are. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../drizzle", import.meta.url));

/** How a database is opened. */
export interface OpenOptions extends Omit<WriterOptions, "migrationsFolder"> {
  /** reject one that is not there, instead of creating it */
  readonly mustExist: boolean;
  /** told that another process may have changed a project; a database that cannot tell is looked at now and then */
  readonly onChange?: (() => void) | undefined;
}

/** An open database. */
export interface OpenDatabase {
  readonly location: Location;
  readonly writer: Writer;
  readonly giveRows: GiveRows;
  /** Runs a read. @throws DethroneError */
  read<T>(query: (database: LibSQLDatabase<typeof schema>) => Promise<T>): Promise<T>;
  /** The rows of a statement that ticks run again and again, read beside the host's event loop. @throws DethroneError */
  tuples<Row extends Tuple>(sql: string, params: Tuple): Promise<Row[]>;
  /**
   * Something that runs statements beside the host's event loop; whoever asks for it closes it.
   *
   * @param options.mayLag whether a copy that is some seconds behind will do
   */
  aside(options?: { readonly mayLag: boolean }): Aside;
  /**
   * Such statements that all see the database as it was at one moment, whatever is written meanwhile; until it is closed. A
   * libSQL server holds no moment for longer than seconds: there each sees the database of its own.
   *
   * @throws DethroneError
   */
  snapshot(): Promise<Aside>;
  /** Makes the next number that a table gives out higher than one. */
  raiseSequence(table: TransferTable, above: number): WriteStatement[];
  close(): Promise<void>;
}

/** What a failure is at the bottom: Drizzle wraps the error of the client, and the client that of libsql. */
export function rootCause(error: unknown): { code: string; message: string } {
  let current = error as { code?: unknown; message?: unknown; cause?: unknown };
  while (typeof current.code !== "string" && current.cause) current = current.cause as typeof current;
  return {
    code: typeof current.code === "string" ? current.code : "",
    message: typeof current.message === "string" ? current.message : String(error),
  };
}
