/**
 * Turns the errors of libsql into ours, once.
 */
import { DethroneError, ERROR_CODES, type ErrorCode } from "../core/errors.js";
import { FILE_REPLACED } from "./file-identity.js";
import type { WireError } from "./write-protocol.js";

const HINTS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/^SQLITE_BUSY|^SQLITE_LOCKED/, "storage_busy", "another process holds its lock; try again"],
  [/^SQLITE_NOTADB/, "database_invalid", "the file is not a database; give dethrone a file of its own"],
  [/^SQLITE_CORRUPT/, "database_invalid", "the database is damaged; restore a backup"],
  [/^SQLITE_FULL/, "storage_unavailable", "the disk is full"],
  [new RegExp(`^${FILE_REPLACED}`), "storage_unavailable", "its file was deleted or replaced while in use"],
  [/^SQLITE_READONLY/, "storage_unavailable", "the database is read-only"],
  // Told by the migrator, without a code.
  [
    /^Can't find meta\/_journal/,
    "storage_unavailable",
    "its migrations are not beside its code: keep 'dethrone' out of the bundle, see docs/RUNTIMES.md",
  ],
];

/** The DethroneError of a storage failure, with the way out. */
export function storageError(error: WireError, path: string): DethroneError {
  if ((ERROR_CODES as readonly string[]).includes(error.code)) {
    return new DethroneError(error.code as ErrorCode, error.message, { database: path });
  }
  const known = HINTS.find(([pattern]) => pattern.test(error.code || error.message));
  const [code, hint] = known
    ? [known[1], known[2]]
    : (["storage_unavailable", "check that its folder exists and can be written to"] as const);
  return new DethroneError(
    code,
    `Cannot use the database ${path}: ${hint} (${error.code || error.message}).`,
    {
      database: path,
      storageCode: error.code,
      storageMessage: error.message,
    },
  );
}
