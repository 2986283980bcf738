import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { breakdownText } from "../../../src/cli/breakdown-views.js";
import type { Breakdown } from "../../../src/core/decision/breakdown.js";

const plain = picocolors.createColors(false);

const breakdown = (attribute: string, arms: number, otherCount = 0): Breakdown => ({
  attribute,
  values: [
    { value: "pro", arms: Array.from({ length: arms }, () => ({ count: 1200, mean: 0.5 })), uplift: 0 },
    {
      value: "free",
      arms: Array.from({ length: arms }, (_, arm) =>
        arm === 0 ? { count: 0, mean: null } : { count: 3, mean: 1 },
      ),
      uplift: null,
    },
  ],
  otherCount,
});

describe("a breakdown", () => {
  it("has a row a value, the uplift where there is one challenger, and says that it is exploratory", () => {
    const text = breakdownText([breakdown("plan", 2, 40)], ["champion", "challenger"], plain);
    expect(text).toMatch(/^by context +value +champion +challenger +uplift$/m);
    expect(text).toMatch(/^plan +pro +50\.0 % of 1,200 +50\.0 % of 1,200 +0\.0 points$/m);
    expect(text).toMatch(/^ +free +- +100\.0 % of 3 +-$/m);
    expect(text).toMatch(/^ +40 with others$/m);
    expect(text).toMatch(/^Exploratory: .* no test vouches for what stands out/m);
  });

  it("is empty without attributes, and without values", () => {
    expect(breakdownText([], ["champion", "challenger"], plain)).toBe("");
    const none = { attribute: "plan", values: [], otherCount: 0 };
    expect(breakdownText([none], ["champion", "challenger"], plain)).toBe("");
  });

  it("of many attributes and arms shows what there is room for, and names the rest", () => {
    const names = ["champion", "one", "two", "three", "four"];
    const all = Array.from({ length: 8 }, (_, index) => breakdown(`attribute-${index}`, 5));
    const text = breakdownText(all, names, plain);
    expect(text.replace(/\s+/g, " ")).toContain("Not shown: attribute-6, attribute-7; see one with --by.");
    expect(text.replace(/\s+/g, " ")).toContain("Arms not shown: four; --json has all.");
    expect(text).not.toMatch(/uplift/);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
