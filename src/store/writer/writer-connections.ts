/**
 * The connections that can write, by where the database lies.
 */
import { WriteConnection } from "../file/write-connection.js";
import type { Outcome, WriteOperation, WriterRequest } from "./write-protocol.js";

/** A connection that writes batches of operations, one after the other. */
export interface WriterConnection {
  /**
   * Applies the operations in one transaction, each all or nothing, and commits.
   *
   * @throws an error with a code where the transaction as a whole fails; then nothing was written
   */
  apply(operations: readonly WriteOperation[]): readonly Outcome[] | Promise<readonly Outcome[]>;
  close(): void | Promise<void>;
}

/**
 * Opens the database, creating and migrating it where it has to be. What a file has no use for is not loaded for one: it
 * would take longer than to open it.
 */
export async function connect(request: Extract<WriterRequest, { type: "open" }>): Promise<WriterConnection> {
  const { location, migrationsFolder, durability, patienceMs } = request;
  switch (location.kind) {
    case "file":
      return new WriteConnection(location.path, migrationsFolder, durability);
    case "postgres": {
      const { PostgresWriteConnection } = await import("../postgres/write-connection.js");
      return PostgresWriteConnection.open(location, migrationsFolder, durability);
    }
    case "remote": {
      const { RemoteConnection } = await import("../remote/write-connection.js");
      return RemoteConnection.open(location, { migrationsFolder, patienceMs });
    }
  }
}
