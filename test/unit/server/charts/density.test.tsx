import { describe, expect, it } from "vitest";
import { betaInterval } from "../../../../src/core/numeric/beta.js";
import { type DensityArm, DensityChart } from "../../../../src/server/charts/density.js";
import { expectSound, markup, widePicture } from "../../../support/markup.js";

function arm(place: number, a: number, b: number): DensityArm {
  return {
    arm: place,
    name: place === 0 ? "champion" : "challenger",
    posteriorAlpha: a,
    posteriorBeta: b,
    mean: a / (a + b),
    interval: betaInterval({ a, b, level: 0.95 }),
  };
}

const chart = (...arms: DensityArm[]): string => markup(<DensityChart id="d" arms={arms} />);

/** The highest points of the two hills, as places. */
const peaks = (html: string): number[] =>
  [...widePicture(html).matchAll(/<path class="line" d="M([^"]*)"/g)].map(([, path]) => {
    const points = (path as string)
      .split("L")
      .map((point) => point.split(",").map(Number) as [number, number]);
    return points.reduce((best, point) => (point[1] < best[1] ? point : best))[0];
  });

describe("the densities of the arms", () => {
  it("peak where the success rates are most likely", () => {
    const [challenger = 0, champion = 0] = peaks(chart(arm(0, 41, 61), arm(1, 61, 41)));
    const mode = (a: number, b: number): number => (a - 1) / (a + b - 2);
    const html = widePicture(chart(arm(0, 41, 61), arm(1, 61, 41)));
    const ticks = [...html.matchAll(/<text x="([\d.]+)"[^>]*>(\d+) %/g)].map(([, x, text]) => [
      Number(x),
      Number(text) / 100,
    ]);
    const [first, last] = [ticks[0], ticks.at(-1)] as [[number, number], [number, number]];
    const placeOf = (rate: number): number =>
      first[0] + ((rate - first[1]) * (last[0] - first[0])) / (last[1] - first[1]);
    expect(Math.abs(champion - placeOf(mode(41, 61)))).toBeLessThan(6);
    expect(Math.abs(challenger - placeOf(mode(61, 41)))).toBeLessThan(6);
  });

  it("are told in words and in a table with the intervals of the report", () => {
    const html = chart(arm(0, 41, 61), arm(1, 61, 41));
    expect(html).toContain("champion 40.2 %, 95 % between 30.9 % to 49.8 %");
    expect(html).toContain("Beta(61, 41)");
  });

  it.each([
    ["no session", arm(0, 1, 1), arm(1, 1, 1)],
    ["one session", arm(0, 2, 1), arm(1, 1, 1)],
    ["failures alone", arm(0, 1, 500), arm(1, 1, 300)],
    ["priors that rise to infinity at both ends", arm(0, 0.5, 0.5), arm(1, 0.01, 0.01)],
    ["ten million sessions", arm(0, 4e6, 6e6), arm(1, 5e6, 5e6)],
    ["a vague arm beside a sharp one", arm(0, 4e6, 6e6), arm(1, 2, 2)],
  ])("are sound with %s", (_, champion, challenger) => {
    expectSound(chart(champion, challenger));
  });

  it("show a sharp hill beside a vague one at its full height", () => {
    const html = widePicture(chart(arm(0, 4e6, 6e6), arm(1, 2, 2)));
    const heights = [...html.matchAll(/,(\d+(?:\.\d+)?)/g)].map(([, y]) => Number(y));
    expect(Math.min(...heights)).toBeLessThan(16);
  });
});
