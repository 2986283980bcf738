import { defineConfig } from "vitest/config";

/** The package as its users get it, installed from its tarball: `npm run packed`. */
export default defineConfig({
  test: {
    include: ["test/packed/**/*.test.ts"],
    globalSetup: ["test/packed/install.ts"],
    testTimeout: 120_000,
    env: { NO_COLOR: "1", FORCE_COLOR: "0" },
  },
});
