import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { bar, intervalBar, lineChart, progressBar, table, textWidth } from "../../../src/cli/render.js";

const colors = picocolors.createColors(true);
const lines = (...expected: string[]): string => expected.join("\n");

describe("table", () => {
  it("aligns columns two spaces apart, numbers to the right, without trailing space", () => {
    const rows = [
      ["champion", 1204, "61.2 %", "m-large"],
      ["challenger", 312, "-", "m"],
    ];
    expect(table(rows, { header: ["arm", "sessions", "success", "model"] })).toBe(
      lines(
        "arm         sessions  success  model",
        "champion       1,204   61.2 %  m-large",
        "challenger       312        -  m",
      ),
    );
  });

  it.each([
    ["> 0.999", "right"],
    ["+8.1 points", "right"],
    ["1.2e6x", "right"],
    ["∞x", "right"],
    ["$0.013", "right"],
    ["3 min 20 s", "right"],
    ["12ab34", "left"],
    ["2026-08-21", "left"],
    ["m-large", "left"],
  ])("takes %j for a value to align %s", (cell, side) => {
    const [first] = table(
      [
        ["5", ""],
        [cell, ""],
      ].map(([a]) => [a ?? "", "|"]),
    ).split("\n");
    expect(first).toBe(
      side === "right" ? `${"5".padStart(cell.length)}  |` : `${"5".padEnd(cell.length)}  |`,
    );
  });

  it("follows the given alignment", () => {
    expect(
      table(
        [
          ["a", 1],
          ["bb", 22],
        ],
        { align: ["right", "left"] },
      ),
    ).toBe(lines(" a  1", "bb  22"));
  });

  it("does not count colours, and counts wide characters twice", () => {
    const rows = [
      [colors.green("ok"), "x"],
      ["日本", "y"],
      ["🚀", "z"],
    ];
    const drawn = table(rows, { header: ["h", "v"], colors });
    expect(stripVTControlCharacters(drawn)).toBe(lines("h     v", "ok    x", "日本  y", "🚀    z"));
    expect(drawn.startsWith(colors.dim("h"))).toBe(true);
  });

  it("keeps a cell on one line, and takes short rows and no rows", () => {
    expect(table([["a\n  b\tc", "d"], ["e"]])).toBe(lines("a b c  d", "e"));
    expect(table([], { header: ["arm", "sessions"] })).toBe("arm  sessions");
    expect(table([])).toBe("");
  });
});

describe("textWidth", () => {
  it.each([
    ["abc", 3],
    [colors.red("abc"), 3],
    ["日本語", 6],
    ["e\u0301", 1],
    ["👩‍💻", 2],
    ["█●├⠿", 4],
    ["", 0],
  ])("of %j is %i", (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

describe("bar", () => {
  it.each([
    [0, "░░░░"],
    [1 / 32, "▏░░░"],
    [0.5, "██░░"],
    [0.72, "██▉░"],
    [1, "████"],
    [-1, "░░░░"],
    [7, "████"],
    [Number.NaN, "░░░░"],
  ])("of %d", (fraction, expected) => {
    expect(bar(fraction, 4)).toBe(expected);
  });

  it("keeps its width", () => {
    for (let i = 0; i <= 100; i++) expect(textWidth(bar(i / 100, 13, { colors }))).toBe(13);
  });
});

describe("intervalBar", () => {
  const scale = { min: 0, max: 1, width: 21 };

  it("shows the mean in its interval on the common scale", () => {
    expect(intervalBar({ low: 0.2, mean: 0.45, high: 0.8, ...scale })).toBe("····├────●──────┤····");
    expect(intervalBar({ low: 0, mean: 0.5, high: 1, ...scale })).toBe("├─────────●─────────┤");
  });

  it("leaves a side open that lies beyond the scale", () => {
    expect(intervalBar({ low: -0.3, mean: 0.25, high: 0.5, ...scale })).toBe("─────●────┤··········");
    expect(intervalBar({ low: 0.5, mean: 0.75, high: 1.5, ...scale })).toBe("··········├────●─────");
    expect(intervalBar({ low: -1, mean: -0.5, high: 2, ...scale })).toBe("●────────────────────");
  });

  it("keeps its width for points, empty scales and numbers that are none", () => {
    const odd = [
      { low: 0.5, mean: 0.5, high: 0.5, ...scale },
      { low: 0.9, mean: 0.5, high: 0.1, ...scale },
      { low: 0.5, mean: 0.5, high: 0.5, min: 0.5, max: 0.5, width: 21 },
      { low: Number.NaN, mean: Number.NaN, high: Number.NaN, ...scale },
    ];
    for (const options of odd) expect(textWidth(intervalBar({ ...options, colors }))).toBe(21);
    expect(intervalBar(odd[0]!)).toBe("··········●··········");
  });
});

describe("progressBar", () => {
  it("shows how far, how many and how long", () => {
    expect(progressBar(650, 1000, 10, 42_000)).toBe("██████▌░░░  65 %    650/1,000  42 s left");
    expect(progressBar(0, 1000, 10)).toBe("░░░░░░░░░░   0 %      0/1,000");
  });

  it("says 100 % only when nothing is left, and then no time", () => {
    expect(progressBar(9999, 10_000, 4, 10)).toContain(" 99 %");
    expect(progressBar(10, 10, 4, 10)).toBe("████ 100 %  10/10");
  });

  it("takes an empty total", () => {
    expect(progressBar(0, 0, 4)).toBe("░░░░   0 %  0/0");
  });
});

describe("lineChart", () => {
  it("draws a series, its axis and a threshold", () => {
    const drawn = lineChart([[0, 1, 2, 3, 4]], {
      width: 20,
      height: 4,
      thresholds: [{ value: 3, label: "20x" }],
      ends: ["0", "5"],
    });
    expect(drawn).toBe(
      lines(
        "4 ┤          ⣀⠔⠊",
        "  │╌╌╌╌╌╌╌⣀⠔⠊╌╌╌ 20x",
        "2 ┤   ⣀⠤⠒⠉",
        "0 ┤⡠⠔⠉",
        "  └─────────────",
        "   0           5",
      ),
    );
  });

  it("puts every value on its dot", () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.round(15 * Math.sin(i / 6) ** 2));
    values.splice(0, 2, 0, 15);
    const plot = lineChart([values], { width: 23 + 1, height: 4 })
      .split("\n")
      .slice(0, 4);
    const cells = plot.map((line) => [...(line.split(/[│┤]/)[1] ?? "")]);
    // The standard numbers the dots of a braille pattern 1237 and 4568 down its two columns.
    const numbers = [
      [1, 2, 3, 7],
      [4, 5, 6, 8],
    ];
    values.forEach((value, column) => {
      const row = 15 - value;
      const character = cells[Math.floor(row / 4)]?.[Math.floor(column / 2)] ?? " ";
      const bit = 1 << (numbers[column % 2]![row % 4]! - 1);
      expect((character.codePointAt(0)! - 0x2800) & bit).toBe(bit);
    });
  });

  it("keeps to its width and height", () => {
    const series = [Array.from({ length: 5000 }, (_, i) => Math.sin(i / 300) * 7), [1, -12.5]];
    const thresholds = [{ value: 30, label: "promote" }, { value: -40 }];
    const drawn = lineChart(series, {
      width: 60,
      height: 9,
      thresholds,
      ends: ["start", "end"],
      colors,
    }).split("\n");
    expect(drawn).toHaveLength(9 + 2);
    for (const line of drawn) expect(textWidth(line)).toBeLessThanOrEqual(60);
    expect(Math.max(...drawn.map(textWidth))).toBe(60);
  });

  it("names its series in their colours", () => {
    const drawn = lineChart(
      [
        [0, 1],
        [1, 0],
      ],
      { width: 30, height: 4, labels: ["brief", "small"], colors },
    );
    expect(drawn).toContain(`${colors.cyan("━━")} brief   ${colors.yellow("━━")} small`);
    expect(drawn).toContain(colors.cyan("⠔"));
  });

  it("reaches from the lowest to the highest value", () => {
    const plot = lineChart([[-1, 1, -1]], { width: 12, height: 5 })
      .split("\n")
      .slice(0, 5);
    expect(plot[0]).toMatch(/[⠁-⣿]/);
    expect(plot[4]).toMatch(/[⠁-⣿]/);
  });

  it("leaves gaps for values that are not finite", () => {
    const dots = (values: number[]) =>
      lineChart([values], { width: 23, height: 1 }).replace(/[^⠁-⣿]/g, "").length;
    expect(dots([1, 1, 1, 1, 1])).toBe(20);
    expect(dots([1, 1, Number.NEGATIVE_INFINITY, Number.NaN, 1])).toBeLessThan(10);
  });

  it.each([
    ["nothing", []],
    ["an empty series", [[]]],
    ["one value", [[5]]],
    ["equal values", [[3, 3, 3]]],
    ["zeros", [[0, 0]]],
    ["no finite value", [[Number.NaN, Number.POSITIVE_INFINITY]]],
    ["tiny values", [[1e-9, 2e-9]]],
    ["huge values", [[-1e12, 1e12]]],
  ])("draws %s", (_name, series) => {
    const drawn = lineChart(series, { width: 40, height: 3, thresholds: [{ value: Number.NaN }] }).split(
      "\n",
    );
    expect(drawn).toHaveLength(4);
    for (const line of drawn) expect(textWidth(line)).toBeLessThanOrEqual(40);
  });

  it("gives ticks as many decimals as they need", () => {
    expect(lineChart([[0, 0.1]], { width: 20, height: 8 })).toContain("0.05 ┤");
    expect(lineChart([[1e-9, 2e-9]], { width: 40, height: 4 })).toContain("0.0000000015 ┤");
    expect(lineChart([[0, 40]], { width: 20, height: 8 })).toContain("40 ┤");
  });
});
