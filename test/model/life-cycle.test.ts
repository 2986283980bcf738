import { describe, it } from "vitest";
import { changes } from "./operations-by-hand.js";
import { beginnings } from "./operations-contests.js";
import { reads } from "./operations-reads.js";
import { assertAgrees, timeoutOf } from "./run.js";

const RUNS = 10;

const { challenge, draft, edit, start, pass, decide, restart } = beginnings;
const { pause, revise, drop, abort, answer, promote, rollback, archive, holdout, override, label } = changes;

describe("experiments, configs and champions", () => {
  it(
    "are what the model says, after any sequence of operations in two processes",
    () =>
      assertAgrees({
        runs: RUNS,
        steps: 300,
        weights: [
          [9, challenge],
          [8, draft],
          [6, edit],
          [8, start],
          [5, pass],
          [5, decide],
          [1, restart],
          [4, pause],
          [4, revise],
          [6, drop],
          [3, abort],
          [1, answer],
          [8, promote],
          [6, rollback],
          [3, archive],
          [2, holdout],
          [4, override],
          [3, label],
          [2, reads],
        ],
      }),
    timeoutOf(RUNS),
  );
});
