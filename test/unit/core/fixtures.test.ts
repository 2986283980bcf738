import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { golden } from "../../../src/core/golden.js";

interface Case {
  readonly fn: string;
  readonly input: object;
  readonly expected: number | readonly number[];
  readonly relTol: number;
}

const listOf = (value: number | readonly number[]): readonly number[] =>
  typeof value === "number" ? [value] : value;

/** What an error is measured against: the value; the width, for intervals; at least 1, for logs of e-values. */
function scaleOf(fn: string, expected: readonly number[], index: number): number {
  const size = Math.abs(expected[index]!);
  if (fn === "eProcess" || fn === "srmSequentialLogE") return Math.max(1, size);
  if (/Interval|Hdi/.test(fn)) return Math.max(size, expected[1]! - expected[0]!);
  return size;
}

function check({ fn, input, expected, relTol }: Case): void {
  const wanted = listOf(expected);
  const got = listOf(golden(fn, input));
  expect(got).toHaveLength(wanted.length);
  for (const [index, value] of wanted.entries()) {
    const allowed = relTol * scaleOf(fn, wanted, index) + 1e-300;
    expect(
      Math.abs(got[index]! - value),
      `${fn} ${JSON.stringify(input)}: ${got[index]} for ${value}`,
    ).toBeLessThanOrEqual(allowed);
  }
}

function suite(title: string, cases: readonly Case[]): void {
  const names = [...new Set(cases.map((each) => each.fn))];
  describe(title, () => {
    it.each(names)("%s", (name) => {
      for (const each of cases) if (each.fn === name) check(each);
    });
  });
}

// Made by make.py beside the file: another program, other formulas, more digits.
const own = JSON.parse(
  readFileSync(new URL("../../fixtures/numeric/reference.json", import.meta.url), "utf8"),
);
suite("reference values of the project's own making", own.cases);

const golden411 = new URL("../../../../shared/golden/golden.json", import.meta.url);
if (existsSync(golden411)) {
  const { cases } = JSON.parse(readFileSync(golden411, "utf8")) as { cases: Case[] };
  const known = cases.filter(({ fn, input }) => {
    try {
      golden(fn, input);
      return true;
    } catch (error) {
      return (error as { code?: string }).code !== "input_invalid";
    }
  });
  suite("golden reference values", known);
}

describe("golden", () => {
  it("refuses a name it does not know", () => {
    expect(() => golden("toString", {})).toThrow(expect.objectContaining({ code: "input_invalid" }));
  });
});
