import fc from "fast-check";
import { describe, it } from "vitest";
import { changes } from "./operations-by-hand.js";
import { beginnings } from "./operations-contests.js";
import { sessions } from "./operations-sessions.js";
import { racesOf } from "./race.js";
import { assertAgrees, timeoutOf } from "./run.js";

const RUNS = 8;

const { challenge, draft, edit, start, pass } = beginnings;
// A name is looked up before the change is made: one that moves meanwhile may still mean what it meant.
const { label: _label, ...guarded } = changes;
// A tick is many changes, not one.
const races = racesOf(
  fc.oneof(challenge, challenge, draft, edit, start, sessions, ...Object.values(guarded)),
);

describe("two operations at once", () => {
  it(
    "come to what one after the other would, in some order",
    () =>
      assertAgrees({
        runs: RUNS,
        steps: 60,
        weights: [
          [10, races],
          [2, challenge],
          [2, draft],
          [2, sessions],
          [1, pass],
        ],
      }),
    timeoutOf(RUNS),
  );
});
