/**
 * Turns the errors of libsql into ours, once.
 */
import { DethroneError, ERROR_CODES, type ErrorCode } from "../core/errors.js";
import { FILE_REPLACED } from "./file/identity.js";
import type { WireError } from "./writer/write-protocol.js";

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
  [/^REMOTE_AWAY/, "storage_unavailable", "its server cannot be reached; check the URL"],
  [/^REMOTE_LOST/, "storage_unavailable", "its server does not answer, or breaks off"],
  [
    /^REMOTE_REFUSED/,
    "storage_unavailable",
    "its server refuses the token; see authToken, $DETHRONE_AUTH_TOKEN",
  ],
  [/^REMOTE_UNKNOWN/, "storage_unavailable", "its server knows no such database; check the URL"],
  [/^REMOTE_THROTTLED/, "storage_unavailable", "its server takes no more requests for now"],
  [/^(40P01|40001|55P03)$/, "storage_busy", "other processes hold its locks; try again"],
  [/^28/, "storage_unavailable", "the server does not let this user in; check user and password of its URL"],
  [/^3D000/, "storage_unavailable", "the server has no such database; create it there first, with createdb"],
  [
    /^(42501|25006)/,
    "storage_unavailable",
    "the user may not do this there; see its rights in docs/OPERATIONS.md",
  ],
  [/^53/, "storage_unavailable", "the server has too little left: connections, memory or disk"],
  [/^57/, "storage_unavailable", "the server is shutting down or starting, or took too long"],
  [/^(08|E[A-Z]+$)/, "storage_unavailable", "its server cannot be reached; check host and port of its URL"],
  [/^[0-9A-Z]{5}$/, "storage_unavailable", "its server refuses"],
];

/** SQLite's codes say all there is; a server has words of its own. */
const shown = ({ code, message }: WireError): string =>
  code.startsWith("REMOTE_") ? `${code}: ${message}` : code || message;

/** The DethroneError of a storage failure, with the way out. */
export function storageError(error: WireError, name: string): DethroneError {
  if ((ERROR_CODES as readonly string[]).includes(error.code)) {
    return new DethroneError(error.code as ErrorCode, error.message, { database: name });
  }
  const known = HINTS.find(([pattern]) => pattern.test(error.code || error.message));
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
