import { describe, expect, it } from "vitest";
import { ledgerOf } from "../../../../src/core/decision/ledger.js";
import { createPlan } from "../../../../src/core/simulation/plan.js";
import { BreakdownCharts } from "../../../../src/server/charts/breakdown.js";
import { Forest, type ForestRow } from "../../../../src/server/charts/forest.js";
import { Dumbbell, Meter, Parts, Sparkline, Whisker } from "../../../../src/server/charts/inline.js";
import { LedgerChart } from "../../../../src/server/charts/ledger.js";
import { PlanChart } from "../../../../src/server/charts/plan-chart.js";
import { ReignsChart } from "../../../../src/server/charts/reigns.js";
import { DecidedChart, OutcomeBars } from "../../../../src/server/charts/simulation-charts.js";
import { expectSound, markup, valuesOf, widePicture } from "../../../support/markup.js";

describe("a meter", () => {
  it.each([
    [0, "0"],
    [0.25, "25"],
    [1, "100"],
    [7, "100"],
    [-1, "0"],
    [Number.NaN, "0"],
  ])("filled to %s is that wide", (fraction, width) => {
    const html = markup(<Meter title="far" fraction={fraction} />);
    expect(valuesOf(html, "width")).toEqual(["100", width]);
    expectSound(html);
  });
});

describe("a whisker", () => {
  it("stands on its scale, with its lines", () => {
    const lines = [{ at: 0, tone: "neutral" as const }];
    const html = markup(
      <Whisker title="t" low={-5} middle={0} high={5} domain={[-10, 10]} lines={lines} arm={1} />,
    );
    expect(html).toContain('<path class="stem" d="M25 8H75">');
    expect(html).toContain('<path class="rule tone-neutral" d="M50 0V16">');
    expectSound(html);
  });

  it("ends where its scale does", () => {
    const html = markup(
      <Whisker title="t" low={-500} middle={0} high={Number.POSITIVE_INFINITY} domain={[-10, 10]} arm={0} />,
    );
    expect(html).toContain('d="M0 8H100"');
    expectSound(html);
  });
});

describe("pictures in a line", () => {
  it("join the values there are", () => {
    const html = markup(<Dumbbell title="t" values={[0.2, null, 0.6]} domain={[0, 1]} />);
    expect(html).toContain('<path class="join" d="M20 8H60">');
    expectSound(markup(<Dumbbell title="t" values={[null, null]} domain={[0, 0]} />));
  });

  it("put parts one after the other", () => {
    const parts = [
      { fraction: 0.2, kind: "a" },
      { fraction: 0.3, kind: "b" },
    ];
    expect(valuesOf(markup(<Parts title="t" parts={parts} />), "x")).toEqual(["0", "20"]);
  });

  it("show a day without sessions as a day", () => {
    const html = markup(<Sparkline title="t" values={[0, 5, 10]} />);
    expect(valuesOf(html, "height").map(Number)).toEqual([0.75, 8, 16]);
    expectSound(markup(<Sparkline title="t" values={[]} />));
  });
});

describe("the forest of metrics", () => {
  const row: ForestRow = {
    name: "cost_usd",
    note: "at most 10 % worse",
    change: { low: -0.05, middle: 0, high: 0.05 },
    text: "0.0 %",
    limit: 0.1,
    state: { text: "ok", tone: "good" },
    arm: 1,
  };

  it("has no change in the middle, and the limit at its distance", () => {
    const html = markup(<Forest rows={[row]} />);
    expect(html).toContain('<path class="rule tone-neutral" d="M50 0V16">');
    expect(html).toContain('<path class="rule tone-bad" d="M95.45 0V16">');
    expectSound(html);
  });

  it("says where there are too few values", () => {
    expect(markup(<Forest rows={[{ ...row, change: null }]} />)).toContain("too few values");
  });
});

describe("the breakdown", () => {
  const value = (mean: number | null) => ({ count: mean === null ? 0 : 10, mean });
  const breakdown = [
    {
      attribute: "plan",
      values: [
        { value: "<pro>", arms: [value(0.4), value(0.6)], uplift: 0.2 },
        { value: "free", arms: [value(0.5), value(null)], uplift: null },
      ],
      otherCount: 3,
    },
  ];

  it("shows each value's arms on one scale, with the uplift beside them", () => {
    const html = markup(<BreakdownCharts breakdown={breakdown} names={["champion", "challenger"]} />);
    expect(html).toContain("+20.0");
    expect(html).toContain("&lt;pro&gt;: champion 40.0 % of 10, challenger 60.0 % of 10");
    expect(html).toContain("free: champion 50.0 % of 10, challenger none");
    expect(html).toContain("3 with other values");
    expect(html).not.toContain("<pro>");
    expectSound(html);
  });
});

describe("champions over time", () => {
  const DAY = 86_400_000;
  const reign = (name: string, from: number, until: number | null) => ({
    name,
    cause: "promoted" as const,
    fromMs: from * DAY,
    untilMs: until === null ? null : until * DAY,
  });

  it("last as long as their bars", () => {
    const reigns = [reign("a", 0, 1), reign("b", 1, null)];
    const html = widePicture(markup(<ReignsChart id="r" reigns={reigns} nowMs={4 * DAY} />));
    expect(valuesOf(html, "width").map(Number)).toEqual([119, 357]);
  });

  it("tell who reigns, and since when", () => {
    const html = markup(<ReignsChart id="r" reigns={[reign("<a>", 0, null)]} nowMs={DAY} />);
    expect(html).toContain("1 reign; &lt;a&gt; is champion since 1970-01-01.");
    expectSound(html);
  });

  it.each([
    ["none", []],
    ["one that has just begun", [reign("a", 1, null)]],
    ["many", Array.from({ length: 60 }, (_, k) => reign(`c${k}`, k, k === 59 ? null : k + 1))],
  ])("are sound with %s", (_, reigns) => {
    const html = markup(<ReignsChart id="r" reigns={reigns} nowMs={60 * DAY} />);
    expectSound(html);
    expect(html.match(/<tr>/g) ?? []).toHaveLength(reigns.length + 1);
  });
});

describe("the ledger", () => {
  it("never shows less than may be false", () => {
    const ledger = ledgerOf([
      { alpha: 0.05, verdict: "promote", reason: "evidence" },
      { alpha: 0.021, verdict: null, reason: null },
    ]);
    const cells = [{ name: "<x>", href: "/projects/p/experiments/e", outcome: "promoted" as const }];
    const html = markup(<LedgerChart ledger={ledger} cells={cells} />);
    expect(html).toContain("at most 0.08 of them");
    expect(html).toContain(ledger.sentence);
    expect(html).toContain("&lt;x&gt;: promoted");
    expectSound(html);
  });

  it("is sound before the first experiment", () => {
    expectSound(markup(<LedgerChart ledger={ledgerOf([])} cells={[]} />));
  });
});

describe("simulations", () => {
  const curve = [
    { sessions: 0, promoted: 0, held: 0, aborted: 0 },
    { sessions: 100, promoted: 0.2, held: 0.5, aborted: 0.3 },
  ];

  it("stack how they ended to the whole", () => {
    const html = markup(
      <OutcomeBars rows={[{ policy: "calibrated", promoted: 0.2, held: 0.5, aborted: 0.3 }]} />,
    );
    expect(valuesOf(html, "x")).toEqual(["0", "20", "70"]);
    expect(html).toContain("promoted 20.0 %, held 50.0 %, aborted 30.0 %");
    expectSound(html);
  });

  it("tell when they were decided", () => {
    const html = markup(<DecidedChart id="s" policy="calibrated" curve={curve} longest={100} />);
    expect(html).toContain("20.0 % promoted, 50.0 % held, 30.0 % aborted");
    expect(html.match(/<path class="part part-/g)).toHaveLength(6);
    expectSound(html);
    expectSound(markup(<DecidedChart id="s" policy="x" curve={[]} longest={0} />));
  });
});

describe("a plan", () => {
  const PLAN = { baseRate: 0.6, effect: 0.05, sessionsPerDay: 300 };

  it("shows fewer days for larger effects, and its own effect's days", () => {
    const html = markup(<PlanChart id="p" plan={createPlan(PLAN)} />);
    expect(html).toContain("where it is +5.0 points better");
    expectSound(html);
    const days = [...html.matchAll(/<td>([\d.]+) (?:days|h|min)<\/td>/g)].map(([, text]) => Number(text));
    expect(days.length).toBeGreaterThan(10);
  });

  it("shows nothing where no effect is hoped for", () => {
    expect(
      markup(<PlanChart id="p" plan={createPlan({ ...PLAN, effect: 0, horizon: 100 })} />),
    ).not.toContain("<svg");
  });

  it.each([0, 0.99, 0.95])("is sound at a success rate of %s", (baseRate) => {
    const html = markup(<PlanChart id="p" plan={createPlan({ ...PLAN, baseRate, effect: 0.01 })} />);
    if (html.includes("<svg")) expectSound(html);
  });
});
