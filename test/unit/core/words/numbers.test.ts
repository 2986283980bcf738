import { describe, expect, it } from "vitest";
import {
  count,
  duration,
  evidence,
  percent,
  plural,
  probability,
  signedPoints,
  timeAgo,
} from "../../../../src/core/words/numbers.js";

describe("formatting", () => {
  it.each([
    [percent(0.1234, 1), "12.3 %"],
    [percent(0.05, 0), "5 %"],
    [percent(-0.00001), "0.0 %"],
    [percent(Number.NaN), "-"],
    [signedPoints(0.081), "+8.1 points"],
    [signedPoints(-0.2), "-20.0 points"],
    [signedPoints(-0.0001), "0.0 points"],
    [signedPoints(Number.NaN), "-"],
    [count(12345), "12,345"],
    [count(-1234567), "-1,234,567"],
    [count(Number.NaN), "-"],
    [plural(1, "session"), "1 session"],
    [plural(0, "session"), "0 sessions"],
    [plural(12345, "session"), "12,345 sessions"],
    [plural(2, "policy", "policies"), "2 policies"],
  ])("%s", (actual, expected) => {
    expect(actual).toBe(expected);
  });

  it.each([
    [0, "0.000"],
    [1e-300, "< 0.001"],
    [0.00099, "< 0.001"],
    [0.001, "0.001"],
    [0.25, "0.250"],
    [0.999, "0.999"],
    [0.9994, "> 0.999"],
    [1 - 2 ** -53, "> 0.999"],
    [1, "1.000"],
    [Number.NaN, "-"],
  ])("probability(%d) is %s", (value, expected) => {
    expect(probability(value)).toBe(expected);
  });

  it.each([
    [Math.log(20.3), "20.3x"],
    [0, "1.0x"],
    [Math.log(0.998), "1.0x"],
    [Math.log(0.45), "0.45x"],
    [Math.log(0.01) - 0.01, "9.9e-3x"],
    [Math.log(999.94), "999.9x"],
    [Math.log(999.96), "1,000x"],
    [Math.log(12345), "12,345x"],
    [Math.log(99_999.9), "1.0e5x"],
    [Math.log(1.2e6), "1.2e6x"],
    [5000, "3.0e2171x"],
    [-5000, "3.4e-2172x"],
    [Number.NEGATIVE_INFINITY, "0x"],
    [Number.POSITIVE_INFINITY, "∞x"],
    [Number.NaN, "-"],
  ])("evidence(%d) is %s", (logE, expected) => {
    expect(evidence(logE)).toBe(expected);
  });

  it.each([
    [0, "0 ms"],
    [340.4, "340 ms"],
    [999.7, "1.0 s"],
    [1234, "1.2 s"],
    [9960, "10 s"],
    [59_400, "59 s"],
    [59_960, "1 min"],
    [200_000, "3 min 20 s"],
    [3_599_600, "1 h"],
    [7_500_000, "2 h 5 min"],
    [86_399_000, "1 d"],
    [187_200_000, "2 d 4 h"],
    [-1500, "-1.5 s"],
    [Number.POSITIVE_INFINITY, "-"],
  ])("duration(%d) is %s", (ms, expected) => {
    expect(duration(ms)).toBe(expected);
  });

  it.each([
    [-5000, "just now"],
    [4999, "just now"],
    [12_000, "12 seconds ago"],
    [60_000, "1 minute ago"],
    [300_000, "5 minutes ago"],
    [7_200_000, "2 hours ago"],
    [3 * 86_400_000, "3 days ago"],
    [95 * 86_400_000, "3 months ago"],
    [800 * 86_400_000, "2 years ago"],
    [Number.NaN, "-"],
  ])("timeAgo(%d) is %s", (ms, expected) => {
    expect(timeAgo(ms)).toBe(expected);
  });
});
