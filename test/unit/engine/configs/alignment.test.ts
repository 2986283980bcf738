import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aligned, type Step } from "../../../../src/engine/configs/alignment.js";

/** Steps in short: what stayed as it is, -removed, +added. */
const shorthand = (before: readonly string[], after: readonly string[]): string =>
  aligned(before, after)
    .map((step) => {
      if (step.kind === "removed") return `-${before[step.before]}`;
      return step.kind === "added" ? `+${after[step.after]}` : `${before[step.before]}`;
    })
    .join(" ");

/** Length of a longest common subsequence, the plain way. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  const rows = [new Array<number>(b.length + 1).fill(0)];
  for (const item of a) {
    const above = rows.at(-1)!;
    const row = [0];
    for (const [index, other] of b.entries())
      row.push(item === other ? above[index]! + 1 : Math.max(above[index + 1]!, row[index]!));
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
}

/** Whether steps go through both lists from end to end, in order, and share only what is equal. */
function expectWay(steps: readonly Step[], before: readonly string[], after: readonly string[]): void {
  expect(steps.flatMap((step) => ("before" in step ? [step.before] : []))).toEqual([...before.keys()]);
  expect(steps.flatMap((step) => ("after" in step ? [step.after] : []))).toEqual([...after.keys()]);
  for (const step of steps) if (step.kind === "both") expect(before[step.before]).toBe(after[step.after]);
  for (const [index, step] of steps.entries())
    if (step.kind === "removed") expect(steps[index - 1]?.kind).not.toBe("added");
}

describe("an alignment", () => {
  it.each([
    ["", "", ""],
    ["ab", "ab", "a b"],
    ["ab", "b", "-a b"],
    ["b", "ab", "+a b"],
    ["abc", "xbc", "-a +x b c"],
    ["abcd", "axyd", "a -b -c +x +y d"],
    ["abc", "cab", "+c a b -c"],
    ["aa", "a", "a -a"],
    ["a", "", "-a"],
  ])("of %j and %j is %j", (before, after, expected) => {
    expect(shorthand([...before], [...after])).toBe(expected);
  });

  it("reads as documented", () => {
    expect(aligned(["a", "b"], ["b"])).toEqual([
      { kind: "removed", before: 0 },
      { kind: "both", before: 1, after: 0 },
    ]);
  });

  it("goes through both lists, and shares as much as can be", () => {
    const list = fc.array(fc.constantFrom("a", "b", "c", "_0", "0", "_t"), { maxLength: 12 });
    fc.assert(
      fc.property(list, list, (before, after) => {
        const steps = aligned(before, after);
        expectWay(steps, before, after);
        expect(steps.filter(({ kind }) => kind === "both")).toHaveLength(commonLength(before, after));
      }),
    );
  });

  it("of lists too long for a table is that of their common head and tail", () => {
    const middle = (prefix: string): string[] => Array.from({ length: 2001 }, (_, index) => prefix + index);
    const before = ["head", ...middle("a"), "shared", "tail"];
    const after = ["head", ...middle("b"), "shared", ...middle("c"), "tail"];
    const steps = aligned(before, after);
    expectWay(steps, before, after);
    expect(steps.filter(({ kind }) => kind === "both")).toEqual([
      { kind: "both", before: 0, after: 0 },
      { kind: "both", before: before.length - 1, after: after.length - 1 },
    ]);
  });

  it("of long lists with one difference is as exact as that of short ones", () => {
    const before = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    const after = before.toSpliced(10_000, 0, "new");
    expect(aligned(before, after).filter(({ kind }) => kind !== "both")).toEqual([
      { kind: "added", after: 10_000 },
    ]);
  });
});
