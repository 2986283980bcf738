/**
 * A database in a file: its writer, and a connection that only reads.
 *
 * Reading goes through Drizzle on one connection of its own (the client's pool applies settings to one connection
 * only), which never writes: all writing is the writer's.
 */
import { existsSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Client, createClient } from "@libsql/client";
import { drizzle, type LibSQLDatabase } from "drizzle-orm/libsql";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import { FileAside, type Tuple } from "../aside/aside.js";
import { raiseSequence } from "../changes/statements.js";
import { MIGRATIONS_FOLDER, type OpenDatabase, type OpenOptions, rootCause } from "../database.js";
import type { FileLocation } from "../location.js";
import * as schema from "../schema/main.js";
import { storageError } from "../storage-error.js";
import { givenRows } from "../writer/given-rows.js";
import { Writer } from "../writer/writer.js";
import { FILE_REPLACED, fileAt } from "./identity.js";

/** How long a read waits, in its thread, for a lock. Readers of a WAL database hardly ever wait. */
const READ_WAIT_MS = 50;
const READ_ATTEMPTS = 20;
const READ_BACKOFF_MS = 25;

/** How often, at most, a read looks whether the file is still the one at its path. */
const CHECK_MS = 100;

/** An open database. */
export class FileDatabase implements OpenDatabase {
  readonly writer: Writer;
  readonly giveRows = givenRows;
  readonly raiseSequence = raiseSequence;
  readonly #location: FileLocation;
  readonly #client: Client;
  readonly #drizzle: LibSQLDatabase<typeof schema>;
  readonly #aside: FileAside;
  #isClosed = false;
  readonly #file: string | null;
  #checkedAtMs = performance.now();

  private constructor(location: FileLocation, writer: Writer) {
    this.#location = location;
    this.writer = writer;
    this.#file = fileAt(location.path);
    this.#client = createClient({
      url: pathToFileURL(location.path).href,
      concurrency: 1,
      timeout: READ_WAIT_MS,
    });
    this.#drizzle = drizzle(this.#client, { schema });
    this.#aside = new FileAside(location.path, { waitMs: READ_WAIT_MS });
  }

  /**
   * Opens and migrates the database.
   *
   * @throws DethroneError `database_not_found` (with `mustExist`), `database_invalid`, `schema_newer`,
   *   `storage_busy`, `storage_unavailable`
   */
  static async open(location: FileLocation, { mustExist, ...options }: OpenOptions): Promise<FileDatabase> {
    if (mustExist && !existsSync(location.path)) {
      throw new DethroneError(
        "database_not_found",
        `There is no database at ${location.path}. Create one with 'dethrone init', or name another with --db.`,
        { database: location.path },
      );
    }
    const writer = await Writer.open(location, { ...options, migrationsFolder: MIGRATIONS_FOLDER });
    try {
      return new FileDatabase(location, writer);
    } catch (error) {
      await writer.close();
      throw storageError(rootCause(error), location.path);
    }
  }

  get location(): FileLocation {
    return this.#location;
  }

  aside(): FileAside {
    return new FileAside(this.#location.path);
  }

  async snapshot(): Promise<FileAside> {
    const aside = this.aside();
    try {
      await aside.all("BEGIN");
      // The transaction begins with the first read.
      await aside.all("SELECT 1 FROM projects LIMIT 1");
      return aside;
    } catch (error) {
      await aside.close();
      throw error;
    }
  }

  /** Runs a read; a busy connection is renewed, because a statement that met a lock may linger on it. */
  read<T>(query: (database: LibSQLDatabase<typeof schema>) => Promise<T>): Promise<T> {
    return this.#patiently(
      () => query(this.#drizzle),
      () => this.#client.reconnect(),
    );
  }

  /** The rows of a statement that ticks run again and again, read beside the host's event loop. */
  tuples<Row extends Tuple>(sql: string, params: Tuple): Promise<Row[]> {
    return this.#patiently(async () => {
      // It would start its thread again.
      if (this.#isClosed) throw storageError({ code: "", message: "it is closed" }, this.#location.path);
      return this.#aside.tuples<Row>(sql, params);
    });
  }

  async #patiently<T>(read: () => Promise<T>, renew?: () => unknown): Promise<T> {
    this.#assertInPlace();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await read();
      } catch (error) {
        const failure = isDethroneError(error) ? error : storageError(rootCause(error), this.#location.path);
        if (failure.code !== "storage_busy" || attempt >= READ_ATTEMPTS) throw failure;
        await renew?.();
        await new Promise((wake) => setTimeout(wake, READ_BACKOFF_MS));
      }
    }
  }

  /** A file that was deleted or replaced is still open here, and would be read for ever. */
  #assertInPlace(): void {
    if (performance.now() - this.#checkedAtMs < CHECK_MS) return;
    if (fileAt(this.#location.path) !== this.#file) {
      const error = { code: FILE_REPLACED, message: "the file at the path is another one" };
      this.writer.abandon(storageError(error, this.#location.path));
      throw storageError(error, this.#location.path);
    }
    this.#checkedAtMs = performance.now();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#aside.close();
    await this.writer.close();
    this.#client.close();
    const { temporaryFolder } = this.#location;
    if (temporaryFolder !== null) rmSync(temporaryFolder, { recursive: true, force: true });
  }
}
