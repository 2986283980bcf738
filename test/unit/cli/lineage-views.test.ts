import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { lineageText } from "../../../src/cli/lineage-views.js";
import type { ConfigEntry, ConfigReign } from "../../../src/engine/configs/lineage.js";

const plain = picocolors.createColors(false);
const at = (day: number, hour = 9): number => Date.UTC(2026, 10, day, hour);
const hashOf = (letter: string): string => letter.repeat(64);

function config(letter: string, parent: string | null, more: Partial<ConfigEntry> = {}): ConfigEntry {
  return {
    hash: hashOf(letter),
    label: null,
    body: {},
    parent: parent && hashOf(parent),
    changes: [],
    actor: "ana",
    reason: null,
    addedAtMs: at(1),
    role: "challenger",
    reigns: [],
    ...more,
  };
}

const reign = (cause: ConfigReign["cause"], fromMs: number, untilMs: number | null): ConfigReign => ({
  cause,
  fromMs,
  untilMs,
});

describe("a lineage", () => {
  it("is a tree, each config with its role, reigns, changes, and who added it and why", () => {
    const text = lineageText(
      "support",
      [
        config("a", null, {
          label: "long",
          role: "champion",
          reigns: [reign("created", at(1), at(2)), reign("rollback", at(4), null)],
        }),
        config("b", "a", {
          label: "brief",
          role: "former champion",
          reason: "Short is enough.",
          changes: [
            { path: "/prompt", kind: "changed", before: "a", after: "b" },
            { path: "/tools/0", kind: "added", after: "x" },
            { path: "/a~1b", kind: "removed", before: 1 },
          ],
          reigns: [reign("promoted", at(2), at(2, 17)), reign("promoted", at(3), at(4))],
        }),
        config("c", "b"),
        config("d", "a", { role: "contending" }),
      ],
      plain,
    );
    expect(text.split("\n")).toEqual([
      "support  4 configs",
      "config              hash          role             champion (UTC)",
      "long                aaaaaaaaaaaa  champion         since 2026-11-04 09:00 (rolled back)",
      "│                   champion 2026-11-01 09:00 to 2026-11-02 09:00",
      "│                   created 2026-11-01 09:00 by ana",
      "├─ brief            bbbbbbbbbbbb  former champion  2026-11-03 09:00 to 2026-11-04 09:00 (promoted)",
      "│  │                champion 2026-11-02 09:00 to 17:00 (promoted)",
      "│  │                changes prompt, tools.0 added, a/b removed",
      "│  │                added 2026-11-01 09:00 by ana: Short is enough.",
      "│  └─ cccccccccccc                challenger",
      "│                   added 2026-11-01 09:00 by ana",
      "└─ dddddddddddd                   contending",
      "                    added 2026-11-01 09:00 by ana",
    ]);
  });

  it("has no config twice and loses none, whatever its parent", () => {
    const text = lineageText("x", [config("a", null), config("b", "z"), config("c", "b")], plain);
    for (const letter of ["a", "b", "c"]) expect(text.split(letter.repeat(12))).toHaveLength(2);
  });

  it("keeps to the width, and counts what it leaves out", () => {
    const changes = Array.from({ length: 9 }, (_, place) => ({
      path: `/a/very/long/path/to/something/deep/${place}`,
      kind: "added" as const,
      after: place,
    }));
    const reason = "why ".repeat(60).trim();
    const text = lineageText("x", [config("a", null), config("b", "a", { changes, reason })], plain);
    expect(text).toContain("5 more");
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
