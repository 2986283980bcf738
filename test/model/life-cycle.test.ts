import { describe, it } from "vitest";
import { changes } from "./operations-by-hand.js";
import { beginnings } from "./operations-contests.js";
import { reads } from "./operations-reads.js";
import { assertAgrees, timeoutOf } from "./run.js";

const RUNS = 10;

const { challenge, draft, edit, start, pass, decide } = beginnings;
const { pause, revise, drop, abort, answer, promote, rollback, archive, holdout, override, label } = changes;

describe("experiments, configs and champions", () => {
  it(
    "are what the model says, after any sequence of operations in two processes",
    () =>
      assertAgrees({
        runs: RUNS,
        steps: 200,
        weights: [
          [5, challenge],
          [3, draft],
          [3, edit],
          [3, start],
          [3, pass],
          [3, decide],
          [2, pause],
          [2, revise],
          [3, drop],
          [1, abort],
          [1, answer],
          [4, promote],
          [2, rollback],
          [2, archive],
          [1, holdout],
          [2, override],
          [2, label],
          [1, reads],
        ],
      }),
    timeoutOf(RUNS),
  );
});
