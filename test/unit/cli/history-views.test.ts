import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { historyText } from "../../../src/cli/history-views.js";
import type { JsonObject } from "../../../src/core/errors.js";
import type { StoredAuditEntry } from "../../../src/engine/ports.js";
import { actionText } from "../../../src/engine/words/history.js";

const plain = picocolors.createColors(false);
const [LONG, BRIEF, TERSE] = ["a", "b", "c"].map((letter) => letter.repeat(64)) as [string, string, string];
const names = {
  labels: new Map<string, string | null>([
    [LONG, "long"],
    [BRIEF, "brief"],
    [TERSE, null],
  ]),
  challengers: new Map([["exp", [BRIEF, TERSE]]]),
};

const entry = (action: string, details: JsonObject, reason: string | null = null): StoredAuditEntry => ({
  ...{ id: 1, action, actor: "ana", reason, details, atMs: Date.UTC(2026, 10, 21, 9, 30, 5) },
  experimentUid: "exp",
});

describe("an entry of the log", () => {
  it.each<[string, JsonObject, string]>([
    ["created", { champion: LONG }, "created with champion long"],
    ["started", { champion: LONG, challenger: BRIEF, share: 0.2 }, "started brief against long, 20.0 %"],
    [
      "started",
      { champion: LONG, challenger: `${BRIEF} ${TERSE}`, shares: [0.1, 0.2] },
      "started brief and cccccccccccc against long, 10.0 %, 20.0 %",
    ],
    ["drafted", { champion: LONG, challenger: BRIEF, share: 0.2 }, "drafted brief against long, 20.0 %"],
    ["edited", { fields: ["share", "add", "owner"] }, "edited share, challengers added, owner"],
    [
      "watch-started",
      { champion: BRIEF, challenger: LONG, share: 0.05 },
      "watch started: long against brief, 5.0 %",
    ],
    ["revised", { horizon: 5, futility: null }, "revised planned sessions, futility rule"],
    ["dropped", { challenger: BRIEF, place: 1 }, "dropped brief"],
    ["share-raised", { share: 0.25, sessionCount: 9 }, "share raised to 25.0 %"],
    ["promoted", { champion: BRIEF, sessionCount: 494 }, "promoted brief after 494 sessions"],
    ["promoted", {}, "promoted the challenger"],
    ["approved", { champion: BRIEF }, "approved the promotion of brief"],
    ["declined", {}, "declined the promotion"],
    [
      "awaiting-approval",
      { challenger: BRIEF, sessionCount: 1 },
      "promotion of brief waits for approval after 1 session",
    ],
    ["held", { sessionCount: 2000 }, "held after 2,000 sessions"],
    ["aborted", {}, "aborted"],
    ["rollback", { from: BRIEF, to: LONG }, "rolled back from brief to long"],
    ["rolled-back", { champion: LONG, sessionCount: 80 }, "rolled back to long after 80 sessions"],
    ["holdout", { from: 0, to: 0.05 }, "holdout 0.0 % -> 5.0 %"],
    ["override", { unit: "u1", arm: 2 }, "override u1 -> cccccccccccc"],
    ["override", { unit: "u1", arm: 0 }, "override u1 -> champion"],
    ["override", { unit: "u1", arm: 7 }, "override u1 -> challenger 7"],
    ["override-removed", { unit: "u1", arm: null }, "override of u1 taken away"],
    ["labelled", { config: TERSE, label: "terse" }, "cccccccccccc labelled terse"],
    ["labelled", { config: TERSE, label: null }, "label of cccccccccccc taken away"],
    ["archived", {}, "archived"],
    ["paused", {}, "paused"],
    ["something-new", { any: 1 }, "something new"],
  ])("%s %j reads well", (action, details, text) => {
    expect(actionText(entry(action, details), names)).toBe(text);
  });

  it("of an older version, without details, is told all the same", () => {
    for (const action of ["started", "edited", "dropped", "holdout", "rollback", "created"])
      expect(actionText(entry(action, {}), names)).not.toContain("undefined");
  });
});

describe("the log", () => {
  const ledger = { sentence: "1 promotion in 1 experiment." } as never;
  const told = (...entries: StoredAuditEntry[]): string =>
    historyText(entries, { names, ledger, colors: plain });

  it("has why beside what where there is room, else below it", () => {
    const long = `because ${"of this and that ".repeat(12)}`.trim();
    const text = told(
      entry("paused", {}, "incident"),
      entry("aborted", {}, long),
      entry("aborted", {}, "two\nlines"),
      entry("resumed", {}),
    );
    expect(text).toMatch(/^2026-11-21 09:30:05 {2}paused: incident +ana {2}exp$/m);
    expect(text).toMatch(/aborted +ana {2}exp\n {23}because of this[^\n]*\n {23}\w/);
    expect(text).toContain(`${" ".repeat(23)}two\n${" ".repeat(23)}lines`);
    expect(text).toMatch(/resumed +ana/);
    expect(text.endsWith("\n\n1 promotion in 1 experiment.")).toBe(true);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it("goes on below where an entry is about much", () => {
    const fields = ["share", "horizon", "label", "watch", "startsAt", "policy", "add", "remove"];
    expect(told(entry("edited", { fields }))).toMatch(
      /edited share, planned sessions[^\n]*exp\n {21}the start[^\n]*\n {21}taken out$/m,
    );
  });
});
