/**
 * Runs of steps. Short by default; MODEL_RUNS asks for more runs, and FC_SEED for others. A failure prints its seed and
 * path, and the steps that are left of it.
 */
import fc from "fast-check";
import { createModel, type Model } from "./model.js";
import { CHAMPIONS } from "./step.js";
import { World } from "./world.js";

const asked = process.env.MODEL_RUNS;

/** Far more than a run takes, with some left to make what failed smaller. */
const RUN_MS = 10_000;

/** How many runs: `short`, unless MODEL_RUNS says otherwise. */
const runsOf = (short: number): number => (asked === undefined ? short : Number(asked));

/** How long a test may take. */
export const timeoutOf = (short: number): number => Math.max(120_000, RUN_MS * runsOf(short));

type Commands = fc.Arbitrary<fc.AsyncCommand<Model, World>>;

/** Any sequence of the steps, each as often as its weight says, does to the world what it does to the model. */
export async function assertAgrees(options: {
  readonly runs: number;
  /** what every run begins with; default: nothing */
  readonly opening?: readonly Commands[];
  /** proposed in a run, at most */
  readonly steps: number;
  readonly weights: readonly (readonly [number, Commands])[];
}): Promise<void> {
  const steps = fc.oneof(...options.weights.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  const commands = fc.commands([steps], { maxCommands: options.steps, size: "max" });
  const opening = fc.tuple(...(options.opening ?? []));
  const property = fc.asyncProperty(opening, commands, async (first, sequence) => {
    const world = await World.open(CHAMPIONS);
    try {
      const model = createModel(world.clock.now(), CHAMPIONS);
      await fc.asyncModelRun(() => ({ model, real: world }), [...first, ...sequence]);
    } finally {
      await world.close();
    }
  });
  await fc.assert(property, {
    numRuns: runsOf(options.runs),
    // What failed is told in time, however far it has been made smaller.
    interruptAfterTimeLimit: timeoutOf(options.runs) - 10_000,
    markInterruptAsFailure: true,
  });
}
