/** A simulated agent whose success depends on its config's `rate`. */
import { createRandom } from "../../src/core/random.js";
import type { TestEngine } from "../../src/testing.js";

/** A config of the simulated agent. */
export interface RateConfig {
  readonly rate: number;
}

/** Plays sessions of a project: each succeeds with the rate its config says. */
export async function playRates(
  test: TestEngine,
  count: number,
  options: {
    readonly project?: string;
    readonly seed?: number;
    readonly context?: (i: number) => object;
  } = {},
): Promise<void> {
  const { project = "support", seed = 1, context } = options;
  const bot = await test.engine.project<RateConfig>(project);
  const random = createRandom(seed);
  const writes: Promise<unknown>[] = [];
  await test.runSessions(count, async (index) => {
    const session = await bot.session({ context: context?.(index) });
    writes.push(session.end({ score: random.next() < session.config.rate ? 1 : 0 }));
  });
  await Promise.all(writes);
}
