import { describe, expect, it } from "vitest";
import { endEffect, type SessionState, signalEffect } from "../../../../src/core/sessions/session-rules.js";

const open: SessionState = {
  windowEndsAtMs: 100,
  endedAtMs: null,
  settledAtMs: null,
  score: null,
  signalCount: null,
};
const ended: SessionState = { ...open, endedAtMs: 10 };
const scored: SessionState = { ...ended, settledAtMs: 10, score: 1 };
const settledByWindow: SessionState = { ...ended, settledAtMs: 100, score: 1, signalCount: 2 };
const abandoned: SessionState = { ...open, settledAtMs: 100, score: 0, signalCount: 0 };

describe("endEffect", () => {
  it.each<[string, SessionState, number | null, number, string]>([
    ["a score settles at once", open, 1, 50, "settles"],
    ["without a score it only ends", open, null, 50, "ends"],
    ["ending again without a score is a duplicate", ended, null, 60, "duplicate"],
    ["a score may follow within the window", ended, 0, 100, "settles"],
    ["after the window it is late", open, 1, 101, "late"],
    ["the same score again is a duplicate", scored, 1, 60, "duplicate"],
    ["no score after a score is a duplicate", scored, null, 60, "duplicate"],
    ["another score after a score is a mismatch", scored, 0, 60, "mismatch"],
    ["a score after the signals settled it is late", settledByWindow, 1, 101, "late"],
    ["an end without score after that is a duplicate", settledByWindow, null, 101, "duplicate"],
    ["an end of an abandoned session is late", abandoned, null, 101, "late"],
    ["a score of an abandoned session is late, clock skew or not", abandoned, 1, 50, "late"],
  ])("%s", (_title, session, score, atMs, effect) => {
    expect(endEffect(session, { score, atMs })).toBe(effect);
  });
});

describe("signalEffect", () => {
  const body = { name: "thumbs", value: 1, kind: "explicit", source: null } as const;

  it("counts within the window, ended or not, up to its last millisecond", () => {
    expect(signalEffect(open, undefined, { ...body, atMs: 50 })).toBe("counted");
    expect(signalEffect(ended, undefined, { ...body, atMs: 100 })).toBe("counted");
  });

  it("is late after the window or once settled", () => {
    expect(signalEffect(ended, undefined, { ...body, atMs: 101 })).toBe("late");
    expect(signalEffect(scored, undefined, { ...body, atMs: 20 })).toBe("late");
  });

  it("is a duplicate with the same body, a mismatch with any other", () => {
    expect(signalEffect(open, body, { ...body, atMs: 50 })).toBe("duplicate");
    for (const change of [{ name: "x" }, { value: 0 }, { kind: null }, { source: "judge" }] as const) {
      expect(signalEffect(open, body, { ...body, ...change, atMs: 50 })).toBe("mismatch");
    }
  });
});
