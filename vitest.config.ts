import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    // These take the tarball: `npm run packed`.
    exclude: ["test/packed/**"],
    setupFiles: ["test/support/setup.ts"],
    testTimeout: 60_000,
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
