import { describe, expect, it } from "vitest";
import {
  type ExperimentAction,
  type ExperimentStatus,
  hasEnded,
  nextStatus,
  occupiesSlot,
} from "../../../../src/core/decision/life-cycle.js";

const STATUSES: ExperimentStatus[] = ["draft", "running", "paused", "promoted", "held", "aborted"];
const ACTIONS: ExperimentAction[] = ["start", "pause", "resume", "promote", "hold", "abort"];

const LEGAL: Record<string, ExperimentStatus> = {
  "draft start": "running",
  "draft abort": "aborted",
  "running pause": "paused",
  "running promote": "promoted",
  "running hold": "held",
  "running abort": "aborted",
  "paused resume": "running",
  "paused promote": "promoted",
  "paused hold": "held",
  "paused abort": "aborted",
};

describe("nextStatus", () => {
  for (const status of STATUSES) {
    for (const action of ACTIONS) {
      const to = LEGAL[`${status} ${action}`];
      it(`${to ? `takes ${status} to ${to}` : `refuses ${status}`} on ${action}`, () => {
        if (to) expect(nextStatus(status, action)).toBe(to);
        else {
          expect(() => nextStatus(status, action)).toThrow(
            expect.objectContaining({ code: "transition_illegal", kind: "conflict" }),
          );
        }
      });
    }
  }

  it("says what is possible instead", () => {
    expect(() => nextStatus("held", "resume")).toThrow("it has ended, which is final");
    expect(() => nextStatus("running", "resume")).toThrow(
      expect.objectContaining({
        message:
          "Cannot resume an experiment that is running: from here one can pause, promote, hold, abort.",
        details: { status: "running", action: "resume", allowed: ["pause", "promote", "hold", "abort"] },
      }),
    );
  });
});

describe("statuses", () => {
  it("occupy the slot while running or paused, and end for good", () => {
    expect(STATUSES.filter(occupiesSlot)).toEqual(["running", "paused"]);
    expect(STATUSES.filter(hasEnded)).toEqual(["promoted", "held", "aborted"]);
  });
});
