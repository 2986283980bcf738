import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { postgresFolder } from "./test/support/postgres-server.mjs";

/** What runs on every engine: all that reads and writes, whatever the database. */
const CONTRACT = [
  ...["assignment", "browse", "contests", "experiments", "judgement", "session-trees"],
  ...["sessions", "settling", "several-fuses", "ticks", "upkeep"],
  ...["assign", "evaluations", "queue", "proposer", "studies", "webhooks", "trajectory", "robustness"],
  ...["intake", "api", "api-replies", "api-export"],
].map((name) => `test/integration/${name}.test.ts`);

// What is in `packed` takes the tarball: `npm run packed`.
const libsql: TestProjectConfiguration = {
  extends: true,
  test: {
    name: "libsql",
    include: ["test/**/*.test.{ts,tsx}"],
    exclude: ["test/postgres/**", "test/packed/**"],
  },
};

// What a test opens as a file is there a database of a double of a libSQL server.
const remote: TestProjectConfiguration = {
  extends: true,
  test: { name: "remote", include: CONTRACT, provide: { remote: true } },
};

const postgres: TestProjectConfiguration = {
  extends: true,
  resolve: {
    alias: [
      {
        find: /^.*\/src\/testing\.js$/,
        replacement: fileURLToPath(new URL("test/support/testing-on-postgres.ts", import.meta.url)),
      },
    ],
  },
  test: {
    name: "postgres",
    include: ["test/postgres/**/*.test.ts", ...CONTRACT],
    globalSetup: ["test/support/postgres-server.mjs"],
  },
};

// On a machine of CI it must be there; a developer without it is told what is left out.
const hasPostgres = postgresFolder() !== null || process.env.CI !== undefined;
if (!hasPostgres)
  process.stderr.write("PostgreSQL is not installed: the tests that need one are left out.\n");

export default defineConfig({
  test: {
    projects: hasPostgres ? [libsql, remote, postgres] : [libsql, remote],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 60_000,
    expect: { poll: { timeout: 40_000 } },
    // Tests of files and processes wait for the disk half of their time: two at once even on two processors.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Output is compared as text, whatever the terminal or the machine prefers.
    env: { NO_COLOR: "1", FORCE_COLOR: "0" },
    coverage: {
      provider: "v8",
      include: ["src/core/**/*.ts"],
      // The barrel has no code of its own.
      exclude: ["src/core/index.ts"],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
});
