/**
 * Tells whether a database is still the file at its path.
 */
import { statSync } from "node:fs";

/** The code of the error where it is not. */
export const FILE_REPLACED = "DETHRONE_FILE_REPLACED";

/** Which file lies at a path, as long as somebody has it open; null for none. */
export function fileAt(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found ? `${found.dev}:${found.ino}` : null;
}
