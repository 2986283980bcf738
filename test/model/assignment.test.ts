import { describe, it } from "vitest";
import { changes } from "./operations-by-hand.js";
import { beginnings } from "./operations-contests.js";
import { sessions } from "./operations-sessions.js";
import { assertAgrees, timeoutOf } from "./run.js";

const RUNS = 10;

const { challenge, start, draft, pass, decide } = beginnings;
const { revise, drop, override, pause, promote, rollback, abort, holdout } = changes;

describe("sessions", () => {
  it(
    "get the arm that the model says, whatever else happens in two processes",
    () =>
      assertAgrees({
        runs: RUNS,
        steps: 250,
        weights: [
          [40, sessions],
          [14, challenge],
          [2, draft],
          [2, start],
          [8, pass],
          [1, decide],
          [3, revise],
          [5, drop],
          [4, override],
          [2, pause],
          [1, promote],
          [1, rollback],
          [1, abort],
          [1, holdout],
        ],
      }),
    timeoutOf(RUNS),
  );
});
