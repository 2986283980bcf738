import { describe, it } from "vitest";
import { changes } from "./operations-by-hand.js";
import { beginnings } from "./operations-contests.js";
import { sessions } from "./operations-sessions.js";
import { assertAgrees, timeoutOf } from "./run.js";

const RUNS = 8;

const { challenge, start, draft, pass, decide, restart } = beginnings;
const { revise, drop, override, pause, promote, rollback, abort, holdout } = changes;

/** A contest to begin with: without one everyone gets the champion. */
const challengeOf = (project: string) => challenge.map((step) => step.doneBy({ process: "A", project }));

describe("sessions", () => {
  it(
    "get the arm that the model says, whatever else happens in two processes",
    () =>
      assertAgrees({
        runs: RUNS,
        steps: 400,
        opening: [challengeOf("sales"), challengeOf("support")],
        weights: [
          [80, sessions],
          [16, challenge],
          [3, draft],
          [3, start],
          [16, pass],
          [2, decide],
          [1, restart],
          [6, revise],
          [10, drop],
          [8, override],
          [8, pause],
          [2, promote],
          [2, rollback],
          [1, abort],
          [2, holdout],
        ],
      }),
    timeoutOf(RUNS),
  );
});
