import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** whether the tests run over the double of a libSQL server */
    remote: boolean;
  }
}

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

/** Whether databases are files here; what is about a file is tested there alone. */
export const isOnFile = inject("postgres") === undefined && inject("remote") === undefined;

/** Whether the database is a PostgreSQL. */
export const isOnPostgres = inject("postgres") !== undefined;

let schemas = 0;

/** Where a database is that does not exist yet: a path, or the URL of a schema where the tests run on Postgres. */
export function temporaryDatabase(): string {
  const server = inject("postgres");
  if (server === undefined) return join(temporaryFolder(), "test.db");
  schemas += 1;
  return `${server}&schema=t${process.pid}_${process.env.VITEST_WORKER_ID}_${schemas}`;
}
