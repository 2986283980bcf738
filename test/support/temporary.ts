import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dethrone-test-"));
  folders.push(folder);
  return folder;
}

/** The path of a database that does not exist yet. */
export function temporaryDatabase(): string {
  return join(temporaryFolder(), "test.db");
}
