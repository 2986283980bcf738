import { describe, expect, it } from "vitest";
import {
  checkFinite,
  checkInside,
  checkInteger,
  checkLists,
  checkNonNegative,
  checkPositive,
  checkShapes,
  checkSigned,
  checkUnit,
} from "../../../src/core/check.js";

const SMALLEST = Number.MIN_VALUE;
/** The doubles next to 1. */
const [BELOW_ONE, ABOVE_ONE] = [1 - 2 ** -53, 1 + 2 ** -52];

interface Domain {
  readonly name: string;
  readonly check: (value: number) => void;
  readonly allowed: string;
  readonly inside: readonly number[];
  readonly outside: readonly unknown[];
}

/** What no domain holds: neither a number in disguise nor what compares as one. */
const NEVER = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "0.5", null, undefined, [0.5]];

const DOMAINS: readonly Domain[] = [
  {
    name: "a shape",
    check: (value) => checkShapes({ p: value }),
    allowed: "in (0, 1e12]",
    inside: [SMALLEST, 1, 1e12],
    outside: [0, -1, 1e12 + 0.001],
  },
  {
    name: "a number in [0, 1]",
    check: (value) => checkUnit("p", value),
    allowed: "in [0, 1]",
    inside: [0, 0.5, 1],
    outside: [-SMALLEST, ABOVE_ONE],
  },
  {
    name: "a number in (0, 1)",
    check: (value) => checkInside("p", value),
    allowed: "in (0, 1)",
    inside: [SMALLEST, 0.5, BELOW_ONE],
    outside: [0, 1, -1, 2],
  },
  {
    name: "a number in [-1, 1]",
    check: (value) => checkSigned("p", value),
    allowed: "in [-1, 1]",
    inside: [-1, 0, 1],
    outside: [-ABOVE_ONE, ABOVE_ONE],
  },
  {
    name: "a finite number",
    check: (value) => checkFinite("p", value),
    allowed: "a finite number",
    inside: [-Number.MAX_VALUE, 0, Number.MAX_VALUE],
    outside: [],
  },
  {
    name: "a positive number",
    check: (value) => checkPositive("p", value),
    allowed: "a finite number above 0",
    inside: [SMALLEST, Number.MAX_VALUE],
    outside: [0, -1],
  },
  {
    name: "a number of 0 or more",
    check: (value) => checkNonNegative("p", value),
    allowed: "a finite number, 0 or more",
    inside: [0, Number.MAX_VALUE],
    outside: [-SMALLEST],
  },
  {
    name: "an integer of at least 2",
    check: (value) => checkInteger("p", value, 2),
    allowed: "an integer, 2 or more",
    inside: [2, Number.MAX_SAFE_INTEGER],
    outside: [1, 2.5, 2 ** 53],
  },
];

describe.each(DOMAINS)("$name", ({ check, allowed, inside, outside }) => {
  it.each(inside)("may be %s", (value) => {
    expect(() => check(value)).not.toThrow();
  });

  it.each([...outside, ...NEVER].map((value) => [value]))("must not be %s", (value) => {
    expect(() => check(value as number)).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        message: `p must be ${allowed}; received ${String(value)}.`,
        details: expect.objectContaining({ parameter: "p", allowed }),
      }),
    );
  });
});

describe("checkShapes", () => {
  it("names the shape that is wrong", () => {
    expect(() => checkShapes({ a: 1, b: 0 })).toThrow(/^b must be/);
    expect(() => checkShapes({ a: 0, b: 1 })).toThrow(/^a must be/);
  });
});

describe("checkLists", () => {
  it("takes lists of one length, even of length 0", () => {
    expect(() => checkLists({ g: [], y: [], w: [] })).not.toThrow();
    expect(() => checkLists({ g: [1, 0], y: ["a", "b"] })).not.toThrow();
  });

  it.each([
    ["a longer second", { g: [1], y: [1, 2], w: [1] }, "y must be an array of length 1; received 2."],
    ["a shorter third", { g: [1, 2], y: [1, 2], w: [1] }, "w must be an array of length 2; received 1."],
    ["one after an empty one", { g: [], y: [1], w: [] }, "y must be an array of length 0; received 1."],
    ["a string", { g: "ab" as never, y: [1, 2] }, "g must be an array; received ab."],
    ["nothing", { g: [1], y: undefined as never }, "y must be an array; received undefined."],
  ])("refuses %s", (_, lists, message) => {
    expect(() => checkLists(lists)).toThrow(expect.objectContaining({ code: "numeric_domain", message }));
  });
});
