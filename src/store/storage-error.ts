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
  [/^REMOTE_AWAY/, "storage_unavailable", "its server cannot be reached; check the URL"],
  [/^REMOTE_LOST/, "storage_unavailable", "its server does not answer, or breaks off"],
  [
    /^REMOTE_REFUSED/,
    "storage_unavailable",
    "its server refuses the token; see authToken, $DETHRONE_AUTH_TOKEN",
  ],
  [/^REMOTE_UNKNOWN/, "storage_unavailable", "its server knows no such database; check the URL"],
  [/^REMOTE_THROTTLED/, "storage_unavailable", "its server takes no more requests for now"],
];

/** SQLite's codes say all there is; a server has words of its own. */
const shown = ({ code, message }: WireError): string =>
  code.startsWith("REMOTE_") ? `${code}: ${message}` : code || message;

/** The DethroneError of a storage failure, with the way out. */
export function storageError(error: WireError, name: string): DethroneError {
  if ((ERROR_CODES as readonly string[]).includes(error.code)) {
    return new DethroneError(error.code as ErrorCode, error.message, { database: name });
  }
  const known = HINTS.find(([pattern]) => pattern.test(error.code));
  const [code, hint] = known
    ? [known[1], known[2]]
    : (["storage_unavailable", "check that its folder exists and can be written to"] as const);
  return new DethroneError(code, `Cannot use the database ${name}: ${hint} (${shown(error)}).`, {
    database: name,
    storageCode: error.code,
    storageMessage: error.message,
  });
}

/** Whether one operation broke a rule of the schema or of this code, as opposed to the database being in trouble. */
export function isOfOneOperation(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return true;
  return (
    code.startsWith("SQLITE_CONSTRAINT") ||
    code.startsWith("SQLITE_MISMATCH") ||
    code.startsWith("SQLITE_TOOBIG")
  );
}
