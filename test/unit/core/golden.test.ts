import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isDethroneError } from "../../../src/core/errors.js";
import { GOLDEN_FUNCTIONS, golden } from "../../../src/core/golden.js";
import { expectCase, fixture, readCases } from "../../support/numeric.js";

const SHARED = new URL("../../../../shared/golden/golden.json", import.meta.url);
const OWN = [
  "beta",
  "confidence-sequence",
  "difference-interval",
  "e-process",
  "gamma",
  "lognormal-mean",
  "normal",
  "normal-inverse-gamma",
  "pairs",
  "pairs-integer",
  "promotion",
  "ratio",
  "srm",
];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isDethroneError(error) ? error.code : "another error";
  }
  return "no error";
}

if (existsSync(SHARED)) {
  const cases = readCases(SHARED).filter(({ fn }) => GOLDEN_FUNCTIONS.includes(fn));
  describe.each([...new Set(cases.map(({ fn }) => fn))])("golden values of %s", (name) => {
    it("are met to the stated tolerance", () => {
      for (const one of cases.filter(({ fn }) => fn === name)) expectCase(one, golden(one.fn, one.input));
    });
  });
}

describe.each(OWN)("own reference values, %s", (name) => {
  const cases = fixture(name).filter(({ fn }) => GOLDEN_FUNCTIONS.includes(fn));

  it(`are met by ${cases.length} cases`, () => {
    expect(cases.length).toBeGreaterThan(0);
    for (const one of cases) expectCase(one, golden(one.fn, one.input));
  });
});

describe("golden", () => {
  it("calls a function by its name", () => {
    expect(golden("betaCdf", { a: 2, b: 3, x: 0.25 })).toBeCloseTo(0.26171875, 14);
  });

  it("names the functions it knows when asked for another", () => {
    expect(() => golden("toString", {})).toThrow(/'toString'/);
    expect(codeOf(() => golden("toString", {}))).toBe("input_invalid");
    const details = { received: "toString", allowed: GOLDEN_FUNCTIONS };
    expect(() => golden("toString", {})).toThrow(expect.objectContaining({ details }));
  });

  it("knows 29 functions, the e-process and its companions among them", () => {
    expect(new Set(GOLDEN_FUNCTIONS).size).toBe(29);
    expect(GOLDEN_FUNCTIONS.slice(-5)).toEqual([
      "eProcess",
      "confidenceSequence",
      "predictivePromotion",
      "srmChiSquare",
      "srmSequentialLogE",
    ]);
  });

  it("wants an object", () => {
    expect(codeOf(() => golden("betaCdf", null as never))).toBe("input_invalid");
    expect(codeOf(() => golden("betaCdf", "x" as never))).toBe("input_invalid");
    expect(() => golden("betaCdf", 7 as never)).toThrow(
      "The input of betaCdf must be an object of named fields.",
    );
    expect(() => golden("betaCdf", 7 as never)).toThrow(
      expect.objectContaining({ details: { received: 7 } }),
    );
  });

  it.each(GOLDEN_FUNCTIONS)("reports missing fields of %s as a numeric domain", (name) => {
    expect(codeOf(() => golden(name, {}))).toBe("numeric_domain");
  });
});
