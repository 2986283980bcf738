import { describe, expect, it } from "vitest";
import type { Trajectory, TrajectoryPoint } from "../../../../src/core/decision/trajectory.js";
import { EvidenceChart, HarmChart } from "../../../../src/server/charts/evidence-charts.js";
import {
  ScoresChart,
  SharesChart,
  type TrajectoryChartProps,
  UpliftChart,
} from "../../../../src/server/charts/trajectory-charts.js";
import { expectSound, markup, widePicture } from "../../../support/markup.js";

function point(
  index: number,
  more: { logE?: number; uplift?: number; width?: number; share?: number } = {},
): TrajectoryPoint {
  const { logE = 0, uplift = 0, width = 0.2, share = 0.3 } = more;
  const comparison = {
    arm: 1,
    logEPromote: logE,
    logSupPromote: Math.max(0, logE),
    logEHarm: -logE,
    logSupHarm: Math.max(0, -logE),
    probabilityBetter: 0.9,
    upliftMean: uplift,
    upliftInterval: [uplift - width, uplift + width] as const,
  };
  const arm = (place: number) => ({
    arm: place,
    sessionCount: index,
    mean: 0.5,
    interval: [0.4, 0.6] as const,
  });
  return {
    index,
    seq: index,
    startedAtMs: index,
    share,
    arms: [arm(0), arm(1)],
    perChallenger: [comparison],
  };
}

function props(
  points: readonly TrajectoryPoint[],
  more: Partial<TrajectoryChartProps> = {},
): TrajectoryChartProps {
  const trajectory: Trajectory = { logLinePromote: Math.log(20), logLineHarm: Math.log(10), points };
  return {
    ...trajectory,
    minUplift: 0,
    isDeciding: true,
    leading: 1,
    names: ["champion", "challenger"],
    promoted: null,
    isAwaitingApproval: false,
    prefix: "p",
    ...more,
  };
}

const GROWING = [point(1), point(50, { logE: 1 }), point(100, { logE: 2.9, uplift: 0.08, width: 0.06 })];

describe("the evidence over sessions", () => {
  it("has the line at which it promotes, as an e-value and as one in how many", () => {
    const html = markup(<EvidenceChart {...props(GROWING)} />);
    expect(html).toContain("promotes at 20x (1 in 20)");
    expect(html).toContain("1x</text>");
    expect(html).toContain("10x</text>");
    expect(html).toContain("18.2x at best, 18.2x now");
  });

  it("says where it does not decide", () => {
    const html = markup(<EvidenceChart {...props(GROWING, { isDeciding: false })} />);
    expect(html).toContain("20x (1 in 20), does not decide here");
    expect(html).not.toContain("promotes at");
  });

  it("marks where the challenger was promoted", () => {
    const crossed = [...GROWING, point(120, { logE: 3.1 })];
    const html = markup(<EvidenceChart {...props(crossed, { promoted: 1 })} />);
    expect(widePicture(html)).toContain('<g class="mark tone-good">');
    expect(html).toContain(">promoted</text>");
    expect(
      markup(<EvidenceChart {...props(crossed, { promoted: 1, isAwaitingApproval: true })} />),
    ).toContain("awaits approval");
    expect(markup(<EvidenceChart {...props(crossed)} />)).not.toContain('class="mark');
  });

  it("is on a logarithmic axis: ten times as much is always as far", () => {
    const html = widePicture(
      markup(<EvidenceChart {...props([point(1), point(9, { logE: Math.log(1e4) })])} />),
    );
    const ticks = [...html.matchAll(/y="([\d.]+)" text-anchor="end">([\d,]+)x</g)].map(([, y, text]) => [
      Number(y),
      Math.log10(Number((text as string).replace(",", ""))),
    ]) as [number, number][];
    expect(ticks.length).toBeGreaterThan(2);
    const steps = ticks
      .slice(1)
      .map(
        ([y, decade], k) =>
          (y - (ticks[k] as [number, number])[0]) / (decade - (ticks[k] as [number, number])[1]),
      );
    for (const step of steps) expect(step).toBeCloseTo(steps[0] as number, 0);
  });

  it("of harm has its own line", () => {
    expect(markup(<HarmChart {...props(GROWING)} />)).toContain("aborts at 10x (1 in 10)");
  });
});

describe("the uplift", () => {
  it("has a band between the ends of its confidence sequence, and the uplift that is asked for as a line", () => {
    const html = markup(<UpliftChart {...props(GROWING, { minUplift: 0.02 })} />);
    expect(html).toContain("must be above +2.0 points");
    expect(html).toContain("<td>+8 (+2 to +14)</td>");
    expect(widePicture(html)).toContain('<path class="band"');
  });

  it("is cut off where it was too wild to be read, and told as it was in the table", () => {
    const later = Array.from({ length: 7 }, (_, k) => point(k + 2, { width: 0.1 }));
    const html = markup(<UpliftChart {...props([point(1, { width: 1 }), ...later])} />);
    expect(html).toContain("<td>0 (-100 to +100)</td>");
    expect(widePicture(html)).not.toContain(">+50</text>");
    expect(widePicture(html)).toContain('clip-path="url(#p-uplift-wide-plane)"');
  });

  it("of several challengers has the band of the leading one alone", () => {
    const both = GROWING.map((each) => ({
      ...each,
      perChallenger: [each.perChallenger[0], { ...each.perChallenger[0], arm: 2 }] as never,
    }));
    const html = widePicture(
      markup(<UpliftChart {...props(both, { leading: 2, names: ["champion", "a", "b"] })} />),
    );
    expect(html.match(/<path class="band"/g)).toHaveLength(1);
    expect(html).toContain('<g class="arm-2"><path class="band"');
  });
});

describe("the other ways to the decision", () => {
  it("show the scores of both arms", () => {
    const html = markup(<ScoresChart {...props(GROWING)} />);
    expect(html).toContain("now champion 50.0 %, challenger 50.0 %");
  });

  it("show the share as steps", () => {
    const html = markup(<SharesChart {...props([point(1, { share: 0.1 }), point(10, { share: 0.5 })])} />);
    expect(html).toContain("last 50.0 %");
  });
});

describe("every chart of a trajectory", () => {
  const CASES: [string, readonly TrajectoryPoint[]][] = [
    ["no unit", []],
    ["one unit", [point(1)]],
    ["evidence that is none any more", [point(1), point(2, { logE: -800 })]],
    ["evidence beyond all numbers", [point(1), point(2, { logE: 900 })]],
    ["ten million units", [point(1), point(1e7, { logE: 2, width: 0.0001 })]],
  ];

  it.each(CASES)("is sound with %s", (_, points) => {
    for (const Each of [EvidenceChart, HarmChart, UpliftChart, ScoresChart, SharesChart])
      expectSound(markup(<Each {...props(points)} />));
  });

  it("is the same text for the same numbers", () => {
    const once = markup(<EvidenceChart {...props(GROWING)} />);
    expect(markup(<EvidenceChart {...props(GROWING)} />)).toBe(once);
  });
});
