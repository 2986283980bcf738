import { describe, expect, it } from "vitest";
import { LineChart, type LineChartProps } from "../../../../src/server/charts/line-chart.js";
import { expectSound, markup, valuesOf, widePicture } from "../../../support/markup.js";

const AXES = {
  x: { label: "sessions", text: String },
  y: { label: "score", text: (value: number) => value.toFixed(1) },
};

const chart = (more: Partial<LineChartProps>): string =>
  markup(<LineChart id="c" title="Title" description="Words." lines={[]} {...AXES} {...more} />);

const line = (ys: readonly number[]) => ({
  arm: 1,
  name: "challenger",
  points: ys.map((y, x) => ({ x, y })),
});

/** The path of the first line, as points. */
const path = (html: string): number[][] =>
  (
    /<path class="line"[^>]* d="([^"]*)"/.exec(
      widePicture(html).replace(/<svg class="swatch".*?<\/svg>/gs, ""),
    )?.[1] ?? ""
  )
    .split(/[ML]/)
    .filter((part) => part !== "")
    .map((part) => part.split(",").map(Number));

describe("a line chart", () => {
  it("spans its plane from the first point to the last, and from the lowest value to the highest", () => {
    const points = path(chart({ lines: [line([0, 10, 5])] }));
    expect(points).toEqual([
      [46, 202],
      [256, 14],
      [466, 108],
    ]);
  });

  it("draws a reference line at its height, and makes room for it", () => {
    const html = chart({ lines: [line([0, 1])], references: [{ y: 2, label: "the line", tone: "good" }] });
    expect(widePicture(html)).toContain('<g class="reference tone-good"><path d="M46 14H466"></path>');
    expect(html).toContain(">the line</text>");
  });

  it("takes a domain that is given, and leaves out the ticks outside", () => {
    const y = { ...AXES.y, domain: [0, 1] as const, ticks: [-1, 0, 0.5, 1, 2] };
    const html = widePicture(chart({ lines: [line([0.5, 0.5])], y }));
    expect(html).toContain(">0.5</text>");
    expect(html).not.toContain(">2.0</text>");
    expect(path(html)[0]?.[1]).toBe(108);
  });

  it("has its numbers in a table, thinned to what a person reads, the last one among them", () => {
    const html = chart({ lines: [line(Array.from({ length: 500 }, (_, k) => k))] });
    const rows = html.match(/<th scope="row">/g) ?? [];
    expect(rows).toHaveLength(24);
    expect(html).toContain('<th scope="row">499</th><td>499.0</td>');
  });

  it("keeps a value that lasts as a step", () => {
    const html = chart({ lines: [{ ...line([0, 1]), isStep: true }] });
    expect(widePicture(html)).toContain('d="M46,202L466,202L466,14"');
  });

  it("shows what the numbers are under the pointer, by native titles and nothing else", () => {
    const html = chart({ lines: [line([1, 2])] });
    expect(widePicture(html)).toContain("<title>1 sessions: challenger 2.0</title>");
    expect(html).not.toContain("<script");
  });

  it("escapes every name", () => {
    const html = chart({
      lines: [{ ...line([1, 2]), name: "<b>x</b>" }],
      title: '"><script>',
      description: "<i>",
    });
    expect(html).not.toMatch(/<b>|<script|<i>/);
  });

  it.each([
    ["no line", []],
    ["a line without points", [line([])]],
    ["one point", [line([3])]],
    ["zeros alone", [line([0, 0, 0])]],
    ["values that are none", [line([Number.NaN, 1, Number.POSITIVE_INFINITY])]],
    ["huge values", [line([1e12, -1e12])]],
    [
      "ten million sessions",
      [
        {
          arm: 0,
          name: "a",
          points: [
            { x: 1, y: 0.5 },
            { x: 1e7, y: 0.6 },
          ],
        },
      ],
    ],
  ])("is sound with %s", (_, lines) => {
    const html = chart({ lines });
    expectSound(html);
    expect(valuesOf(html, "role")).toEqual(["img", "img"]);
  });

  it("puts no label of the axis on another, in the narrow picture too", () => {
    const html = chart({
      lines: [
        {
          arm: 0,
          name: "a",
          points: [
            { x: 0, y: 0 },
            { x: 9_999_999, y: 1 },
          ],
        },
      ],
    });
    for (const picture of html.split('<svg class="plot').slice(1)) {
      const labels = [
        ...picture.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="(start|middle|end)">(\d+)</g),
      ]
        .filter(([, , anchor]) => anchor === "middle")
        .map(([, x, , text]) => ({ x: Number(x), half: (String(text).length * 6) / 2 }));
      for (const [k, { x, half }] of labels.slice(1).entries())
        expect(x - half).toBeGreaterThan((labels[k]?.x ?? 0) + (labels[k]?.half ?? 0));
    }
  });
});
