import { BaseSequencer, type TestSpecification } from "vitest/node";
import base from "./vitest.config.js";

/** Starts with the tests of the file whose mutants are tested. */
class MirrorFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const mirror = `/${process.env.MUTATED}.test.ts`;
    const isMirror = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith(mirror);
    return files.sort((a, b) => Number(isMirror(b)) - Number(isMirror(a)));
  }
}

const { projects: _projects, ...test } = base.test ?? {};

/** The tests of the core alone, without coverage and long simulations: `npm run mutation` runs them for each mutant. */
export default {
  ...base,
  test: {
    ...test,
    include: ["test/unit/core/**/*.test.ts"],
    exclude: ["**/long-runs.test.ts", "**/data-rules.test.ts", "**/assignment-independence.test.ts"],
    sequence: { sequencer: MirrorFirst },
    env: { ...test.env, FC_SHRINK: "no" },
  },
};
