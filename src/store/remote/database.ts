/**
 * A database behind a libSQL server. Reading awaits it and holds nothing up, so no thread is needed for that.
 */

import type { Client } from "@libsql/client";
import { drizzle, type LibSQLDatabase } from "drizzle-orm/libsql";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import { Aside, FileAside, type Tuple } from "../aside/aside.js";
import { raiseSequence } from "../changes/statements.js";
import { MIGRATIONS_FOLDER, type OpenDatabase, type OpenOptions } from "../database.js";
import type { RemoteLocation } from "../location.js";
import * as schema from "../schema/main.js";
import { storageError } from "../storage-error.js";
import { givenRows } from "../writer/given-rows.js";
import { Writer } from "../writer/writer.js";
import { remoteClient, remoteFailure } from "./client.js";
import { rowsOf } from "./link.js";
import { remoteSchema } from "./migrate.js";
import { bound } from "./statements.js";

/** A read that was broken off is begun again, a few times. */
const READ_ATTEMPTS = 3;
const READ_BACKOFF_MS = 50;
const PASSING = /^(SQLITE_BUSY|REMOTE_LOST)/;

/** Reads with one client. */
class Reader {
  readonly client: Client;
  readonly #location: RemoteLocation;

  constructor(location: RemoteLocation) {
    this.client = remoteClient(location);
    this.#location = location;
  }

  /** @throws DethroneError */
  async read<T>(query: (client: Client) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await query(this.client);
      } catch (error) {
        if (isDethroneError(error)) throw error;
        const failure = remoteFailure(error, this.#location);
        if (!PASSING.test(failure.code) || attempt === READ_ATTEMPTS)
          throw storageError(failure, this.#location.name);
        await new Promise((wake) => setTimeout(wake, attempt * READ_BACKOFF_MS));
      }
    }
  }
}

/** Statements over a client. */
class RemoteAside extends Aside {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    super();
    this.#reader = reader;
  }

  async all<Row>(sql: string, params: Tuple = []): Promise<Row[]> {
    const { columns, tuples } = rowsOf(
      await this.#reader.read((client) => client.execute(bound(sql, params))),
    );
    return tuples.map((tuple) => Object.fromEntries(columns.map((name, i) => [name, tuple[i]])) as Row);
  }

  // The client is the database's.
  async close(): Promise<void> {}
}

/** How long a copy that could not be read is left alone. */
const COPY_AGAIN_MS = 60_000;

/** A copy that follows the server, and the server itself where the copy cannot be had. */
class CopyAside extends Aside {
  readonly #copy: Aside;
  readonly #server: Aside;
  #againAtMs = 0;

  constructor(copy: Aside, server: Aside) {
    super();
    this.#copy = copy;
    this.#server = server;
  }

  async all<Row>(sql: string, params: Tuple = []): Promise<Row[]> {
    if (performance.now() < this.#againAtMs) return this.#server.all<Row>(sql, params);
    try {
      return await this.#copy.all<Row>(sql, params);
    } catch {
      this.#againAtMs = performance.now() + COPY_AGAIN_MS;
      return this.#server.all<Row>(sql, params);
    }
  }

  close(): Promise<void> {
    return this.#copy.close();
  }
}

/** An open database. */
export class RemoteDatabase implements OpenDatabase {
  readonly location: RemoteLocation;
  readonly writer: Writer;
  readonly giveRows = givenRows;
  readonly raiseSequence = raiseSequence;
  readonly #reader: Reader;
  readonly #drizzle: LibSQLDatabase<typeof schema>;

  private constructor(location: RemoteLocation, { writer, reader }: { writer: Writer; reader: Reader }) {
    this.location = location;
    this.writer = writer;
    this.#reader = reader;
    this.#drizzle = drizzle(reader.client, { schema });
  }

  /** See `openDatabase`. */
  static async open(
    location: RemoteLocation,
    { mustExist, ...options }: OpenOptions,
  ): Promise<RemoteDatabase> {
    const reader = new Reader(location);
    try {
      if (mustExist) await assertThere(reader, location);
      const writer = await Writer.open(location, { ...options, migrationsFolder: MIGRATIONS_FOLDER });
      return new RemoteDatabase(location, { writer, reader });
    } catch (error) {
      reader.client.close();
      throw error;
    }
  }

  read<T>(query: (database: LibSQLDatabase<typeof schema>) => Promise<T>): Promise<T> {
    return this.#reader.read(() => query(this.#drizzle));
  }

  async tuples<Row extends Tuple>(sql: string, params: Tuple): Promise<Row[]> {
    const result = await this.#reader.read((client) => client.execute(bound(sql, params)));
    return rowsOf(result).tuples as unknown as Row[];
  }

  aside({ mayLag } = { mayLag: false }): Aside {
    const server = new RemoteAside(this.#reader);
    const { replica, url, authToken } = this.location;
    if (replica === null || !mayLag) return server;
    return new CopyAside(new FileAside(replica, { follows: { url, authToken } }), server);
  }

  async snapshot(): Promise<Aside> {
    return this.aside();
  }

  async close(): Promise<void> {
    await this.writer.close();
    this.#reader.client.close();
  }
}

async function assertThere(reader: Reader, { name }: RemoteLocation): Promise<void> {
  const { hasTables, newest } = await reader.read(remoteSchema);
  // Another application's is told as such when it is opened.
  if (newest !== null || hasTables) return;
  throw new DethroneError(
    "database_not_found",
    `There is nothing of dethrone at ${name} yet. Begin with 'dethrone init', or name another database with --db.`,
    { database: name },
  );
}
