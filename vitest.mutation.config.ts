import base from "./vitest.config.js";

/** The tests of the core alone, without coverage: `npm run mutation` runs them once for each mutant. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ["test/unit/core/*.test.ts"],
    exclude: ["**/long-runs.test.ts"],
    env: { ...base.test?.env, FC_SHRINK: "no" },
  },
};
