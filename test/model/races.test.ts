import fc from "fast-check";
import { describe, it } from "vitest";
import { changes } from "./operations-by-hand.js";
import { beginnings } from "./operations-contests.js";
import { sessions } from "./operations-sessions.js";
import { racesOf } from "./race.js";
import { assertAgrees, timeoutOf } from "./run.js";
import type { Steps } from "./step.js";

const RUNS = 10;

const { challenge, draft, edit, start } = beginnings;
// A name is looked up before the change is made: one that moves meanwhile may still mean what it meant.
const { label: _label, ...guarded } = changes;
const { pause, revise, drop, promote, rollback } = guarded;
// A tick is many changes, not one.
const racing = [challenge, challenge, draft, edit, start, sessions, pause, revise, drop, promote, rollback];
const races = racesOf(fc.oneof(...racing, ...Object.values(guarded)));

/** Every run begins with a former champion, or a watch. */
const first = (steps: Steps) => steps.map((step) => step.doneBy({ process: "A", project: "sales" }));

describe("two operations at once", () => {
  it(
    "come to what one after the other would, in some order",
    () =>
      assertAgrees({
        runs: RUNS,
        steps: 100,
        opening: [first(challenge), first(promote)],
        weights: [
          [10, races],
          [3, challenge],
          [1, draft],
          [1, sessions],
        ],
      }),
    timeoutOf(RUNS),
  );
});
