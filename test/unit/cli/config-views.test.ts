import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { diffText } from "../../../src/cli/config-views.js";
import type { JsonObject } from "../../../src/core/errors.js";
import { diffConfigs } from "../../../src/engine/configs/diff.js";

const plain = picocolors.createColors(false);
const coloured = picocolors.createColors(true);
const told = (before: JsonObject, after: JsonObject): string => diffText(diffConfigs(before, after), plain);
const lines = (...expected: string[]): string => expected.join("\n");
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}`);
const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));

describe("the differences of two configs, for a person", () => {
  it("read as documented", () => {
    expect(diffText([{ path: "/model", kind: "changed", before: "m1", after: "m2" }], plain)).toBe(
      lines("model", '  - "m1"', '  + "m2"'),
    );
  });

  it("are nothing where there is none", () => {
    expect(diffText([], plain)).toBe("");
  });

  it("are a block each: dotted path, what was, what is", () => {
    expect(
      told(
        { model: "m1", tools: [{ name: "a", n: 1 }], old: true },
        { model: "m2", tools: [{ name: "b" }, { name: "a", n: 2 }], "a.b": null },
      ),
    ).toBe(
      lines(
        ...['"a.b"', "  + null"],
        ...["model", '  - "m1"', '  + "m2"'],
        ...["old", "  - true"],
        ...["tools.0", '  + {"name":"b"}'],
        ...["tools.1.n", "  - 1", "  + 2"],
      ),
    );
  });

  it("are red and green under a bold path, with dim lines around", () => {
    expect(diffText(diffConfigs({ m: "a\nb" }, { m: "a\nc" }), coloured)).toBe(
      lines(
        coloured.bold("m"),
        `    ${coloured.dim("a")}`,
        `  ${coloured.red("- b")}`,
        `  ${coloured.green("+ c")}`,
      ),
    );
  });

  it("tell a number from a text", () => {
    expect(told({ n: 1 }, { n: "1" })).toBe(lines("n", "  - 1", '  + "1"'));
    expect(told({ n: 1 }, { n: "a\nb" })).toBe(lines("n", "  - 1", '  + "a\\nb"'));
  });
});

describe("texts of several lines", () => {
  it("are told line by line, with two equal ones around and the rest counted", () => {
    const after = numbered(30);
    after[10] = "changed";
    after.splice(20, 0, "new");
    expect(told({ s: numbered(30).join("\n") }, { s: after.join("\n") })).toBe(
      lines(
        "s",
        ...["    … 8 equal lines", "    line 8", "    line 9", "  - line 10", "  + changed"],
        ...["    line 11", "    line 12", "    … 5 equal lines", "    line 18", "    line 19"],
        ...["  + new", "    line 20", "    line 21", "    … 8 equal lines"],
      ),
    );
  });

  it("show a line rather than say that there is one more", () => {
    const around = (line: string): string => ["a", "b", "c", line, "d", "e", "f"].join("\n");
    expect(told({ s: around("x") }, { s: around("y") })).toBe(
      lines("s", ...["    a", "    b", "    c", "  - x", "  + y", "    d", "    e", "    f"]),
    );
    expect(told({ s: `0\n${around("x")}` }, { s: `0\n${around("y")}` })).toContain(
      "… 2 equal lines\n    b\n",
    );
  });

  it("may be new, gone or made of one line", () => {
    expect(told({}, { s: "a\n\nb" })).toBe(lines("s", "  + a", "  +", "  + b"));
    expect(told({ s: "a\n" }, {})).toBe(lines("s", "  - a", "  -"));
    expect(told({ s: "a" }, { s: "a\nb" })).toBe(lines("s", "    a", "  + b"));
    expect(told({ s: "a\n\nb" }, { s: "a\n\nc" })).toBe(lines("s", "    a", "", "  - b", "  + c"));
  });

  it("show spaces at the end of a line, which may be all that differs", () => {
    expect(told({ s: "a\nb" }, { s: "a\nb  " })).toBe(lines("s", "    a", "  - b", "  + b··"));
    expect(told({ s: "a\nb" }, { s: "a\r\nb" })).toBe(lines("s", "  - a", "  + a\\u000d", "    b"));
  });
});

describe("long values", () => {
  const long = "a".repeat(300);

  it("are cut to where they part, and what is left out is counted", () => {
    const text = told({ s: `${long} brief ${long}` }, { s: `${long} full ${long}` });
    expect(text).toBe(
      lines(
        "s",
        `  - (286 more) …${"a".repeat(15)} brief ${"a".repeat(24)}… (277 more)`,
        `  + (286 more) …${"a".repeat(15)} full ${"a".repeat(25)}… (276 more)`,
      ),
    );
    expect(widest(text)).toBeLessThanOrEqual(80);
  });

  it("that end where the other goes on show their end", () => {
    expect(told({ s: long }, { s: `${long}b` })).toBe(
      lines("s", `  - (285 more) …${"a".repeat(16)}"`, `  + (285 more) …${"a".repeat(16)}b"`),
    );
    const [before, after] = [`${long}\n`, `${long}b\n`];
    expect(told({ s: before }, { s: after })).toBe(
      lines("s", `  - (284 more) …${"a".repeat(16)}`, `  + (284 more) …${"a".repeat(16)}b`, ""),
    );
  });

  it("are cut between letters, not within an emoji", () => {
    const text = told({}, { s: "🙂".repeat(100) });
    expect(text).toBe(lines("s", `  + "${"🙂".repeat(57)}… (44 more)`));
    expect(/\p{Surrogate}/u.test(text)).toBe(false);
  });

  it("of an object are its first lines, each cut", () => {
    const tool = {
      name: "b",
      text: long,
      parameters: Object.fromEntries(numbered(20).map((key) => [key, 1])),
    };
    const text = told({ l: [] }, { l: [tool] });
    expect(text.split("\n").slice(0, 6)).toEqual([
      "l.0",
      "  + {",
      '  +   "name": "b",',
      `  +   "text": "${"a".repeat(47)}… (255 more)`,
      '  +   "parameters": {',
      '  +     "line 0": 1,',
    ]);
    expect(text.split("\n").at(-1)).toBe("  + … 14 more lines");
    expect(text.split("\n")).toHaveLength(14);
    expect(widest(text)).toBeLessThanOrEqual(80);
  });

  it("of an object that became a list are told where they differ", () => {
    const items = numbered(12);
    expect(told({ v: { items } }, { v: items })).toContain('\n  - {\n  -   "items": [');
  });

  it("show one more line rather than say so", () => {
    expect(told({}, { s: numbered(13).join("\n") }).split("\n")).toHaveLength(14);
    expect(
      told({}, { s: numbered(14).join("\n") })
        .split("\n")
        .slice(-2),
    ).toEqual(["  + line 11", "  + … 2 more lines"]);
  });
});

describe("a terminal", () => {
  it("is not steered by a config, and shows what it would hide", () => {
    const text = told(
      {},
      { "\u001b[2J": "x", s: "a\n\u001b[31mred\u009b0m \u202etxt\u200b.\u2028\ufeff\tend" },
    );
    expect(text).toBe(
      lines(
        '"\\u001b[2J"',
        '  + "x"',
        "s",
        "  + a",
        "  + \\u001b[31mred\\u009b0m \\u202etxt\\u200b.\\u2028\\ufeff\tend",
      ),
    );
  });

  it("is told of a change between a hidden character and its escape", () => {
    expect(told({ s: "a\n\u200b" }, { s: "a\n\\u200b" })).toBe(
      lines("s", "    a", "  - \\u200b", "  + \\u200b"),
    );
  });
});
