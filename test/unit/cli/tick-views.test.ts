import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { type TickView, tickText } from "../../../src/cli/tick-views.js";

const plain = picocolors.createColors(false);
const NOW = Date.UTC(2026, 10, 21);
const NOTHING: TickView = { results: [], news: [], late: [], stalled: [] };

const news = (action: string, reason: string | null): TickView["news"][number] => ({
  project: "support",
  names: { labels: new Map(), challengers: new Map() },
  entry: { id: 1, action, actor: "tick", reason, details: {}, atMs: NOW, experimentUid: "exp" },
});

describe("a tick", () => {
  it("without anything to do says so", () => {
    expect(tickText(NOTHING, NOW, plain)).toBe("Nothing is running.");
  });

  it("tells what it did beside its verdict, and which drafts are late and why", () => {
    const late = { project: "support", experiment: "01a1fdac-99e1-7630", dueAtMs: NOW - 3_600_000 };
    const text = tickText(
      {
        results: [],
        news: [news("dropped", "harm"), news("watch-started", "watch over the promotion by exp")],
        late: [
          { ...late, waitsFor: "01a1fdaf-b88d-7000" },
          { ...late, waitsFor: null },
        ],
        stalled: [{ project: "bot", count: 2, message: "The budget is spent." }],
      },
      NOW,
      plain,
    );
    expect(text.split("\n").slice(1)).toEqual([
      "  support  dropped the challenger: harm",
      "  support  watch started:",
      "  support  draft 01a1fdac-99e1, due 1 hour ago, waits for the end of experiment 01a1fdaf-b88d",
      "  support  draft 01a1fdac-99e1, due 1 hour ago, cannot start: 'dethrone start' says why",
      "  bot  2 challengers wait. The budget is spent.",
    ]);
  });

  it("breaks long news at words", () => {
    const text = tickText({ ...NOTHING, news: [news("dropped", "because ".repeat(30).trim())] }, NOW, plain);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).toMatch(/\n {11}because/);
  });
});
