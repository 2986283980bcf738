import { describe, expect, it } from "vitest";
import {
  days,
  magnitude,
  quantity,
  signedPercent,
  signedQuantity,
} from "../../../../src/core/words/quantity.js";

describe("magnitude", () => {
  it.each([
    [0, "0"],
    [0.0132, "0.0132"],
    [0.013249, "0.0132"],
    [0.5, "0.5"],
    [12, "12"],
    [999.4, "999"],
    [999.6, "1 k"],
    [1300, "1.3 k"],
    [123_456, "123 k"],
    [2_046_000, "2.05 M"],
    [3.2e9, "3.2 G"],
    [4.1e15, "4.10e+15"],
    [-1300, "-1.3 k"],
    [0.000_000_12, "1.2e-7"],
    [Number.NaN, "-"],
    [Number.POSITIVE_INFINITY, "-"],
  ])("of %d is %s", (value, text) => {
    expect(magnitude(value)).toBe(text);
  });
});

describe("quantity", () => {
  it.each([
    ["latency_ms", "positive", 2412, "2.41 s"],
    ["latency_ms", "positive", 340, "340 ms"],
    ["latency_ms", "positive", 999.9, "1 s"],
    ["latency_ms", "positive", 150_000, "2.5 min"],
    ["latency_ms", "positive", 5_400_000, "1.5 h"],
    ["latency_ms", "positive", 172_800_000, "2 d"],
    ["agent_seconds", "positive", 1200, "1.2 k"],
    ["error", "binary", 0.031, "3.1 %"],
    ["error", "binary", Number.NaN, "-"],
  ] as const)("%s (%s) of %d is %s", (name, kind, value, text) => {
    expect(quantity(value, { name, kind })).toBe(text);
  });

  it("says the direction of a change", () => {
    expect(signedQuantity(0.012, { name: "error", kind: "binary" })).toBe("+1.2 points");
    expect(signedQuantity(-340, { name: "wait_ms", kind: "real" })).toBe("-340 ms");
    expect(signedQuantity(2, { name: "depth", kind: "real" })).toBe("+2");
    expect(signedPercent(-0.18)).toBe("-18.0 %");
    expect(signedPercent(0.025)).toBe("+2.5 %");
    expect(signedPercent(41)).toBe("+41x");
    expect(signedPercent(Number.NaN)).toBe("-");
  });
});

describe("days", () => {
  it.each([
    [0, "0 min"],
    [0.01, "15 min"],
    [0.25, "6 h"],
    [1.5, "36 h"],
    [2.04, "2 days"],
    [6.34, "6.3 days"],
    [13.6, "14 days"],
    [400, "400 days"],
    [1100, "3 years"],
    [Number.POSITIVE_INFINITY, "-"],
  ])("%d is %s", (value, text) => {
    expect(days(value)).toBe(text);
  });
});
