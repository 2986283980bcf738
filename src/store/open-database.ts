/**
 * Opens a database, wherever it lies.
 */
import type { OpenDatabase, OpenOptions } from "./database.js";
import { FileDatabase } from "./file/database.js";
import type { Location } from "./location.js";
import { PostgresDatabase } from "./postgres/database.js";
import { RemoteDatabase } from "./remote/database.js";

/**
 * Opens and migrates it.
 *
 * @throws DethroneError `database_not_found` (with `mustExist`), `database_invalid`, `schema_newer`, `storage_busy`,
 *   `storage_unavailable`
 */
export function openDatabase(location: Location, options: OpenOptions): Promise<OpenDatabase> {
  switch (location.kind) {
    case "file":
      return FileDatabase.open(location, options);
    case "postgres":
      return PostgresDatabase.open(location, options);
    case "remote":
      return RemoteDatabase.open(location, options);
  }
}
