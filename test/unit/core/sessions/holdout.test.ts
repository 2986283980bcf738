import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketOf } from "../../../../src/core/sessions/assignment.js";
import { holdoutBuckets, isHeldOut } from "../../../../src/core/sessions/holdout.js";

/** Whether the unit's bucket is exactly this one: held out by one bucket more, and not by as many. */
function isInBucket(project: string, unit: string, bucket: number, version: 1 | 2 = 2): boolean {
  const isOut = (bucketCount: number) => isHeldOut({ version, project, unit, bucketCount });
  return isOut(bucket + 1) && !isOut(bucket);
}

describe("isHeldOut", () => {
  // From an implementation in Python with integers of any size. They must never change: a unit that leaves the holdout
  // has been promoted to, and says nothing about promotions any more.
  it.each([
    ["checkout", "user:7", 2107],
    ["checkout", "user:1", 1003],
    ["checkout", "user:2", 272],
    ["checkout", "日本", 8040],
    ["項目", "利用者", 4223],
    ["🧪", "ñ", 6275],
    ['a"b\\c', "u", 4158],
    ["a\nb", "u", 6819],
    ["\ud800", "u", 8245],
    ["a", "b:c", 5020],
    ["a:b", "c", 3372],
    ["", "", 6098],
  ])("keeps project %j and unit %j in bucket %i of version 2", (project, unit, bucket) => {
    expect(isInBucket(project, unit, bucket)).toBe(true);
  });

  it("follows the version of the hash", () => {
    expect(isInBucket("checkout", "user:1", 9774, 1)).toBe(true);
    expect(isHeldOut({ version: 2, project: "checkout", unit: "user:2", bucketCount: 500 })).toBe(true);
  });

  it("holds out nobody without buckets, and everyone with all of them", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: "binary" }), (project, unit) => {
        expect(isHeldOut({ version: 2, project, unit, bucketCount: 0 })).toBe(false);
        expect(isHeldOut({ version: 2, project, unit, bucketCount: 10_000 })).toBe(true);
      }),
    );
  });

  it("never lets a unit go when it grows", () => {
    const buckets = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(fc.string(), buckets, buckets, (unit, one, other) => {
        const isOut = (bucketCount: number) => isHeldOut({ version: 2, project: "p", unit, bucketCount });
        if (isOut(Math.min(one, other))) expect(isOut(Math.max(one, other))).toBe(true);
      }),
    );
  });

  it("is not the hash of an experiment of the project's name", () => {
    const units = Array.from({ length: 1000 }, (_, index) => `user:${index}`);
    const equal = units.filter((unit) =>
      isInBucket("checkout", unit, bucketOf({ version: 2, experiment: "checkout", unit })),
    );
    expect(equal.length).toBeLessThan(3);
  });

  it.each([-1, 0.5, 10_001, Number.NaN])("refuses %s buckets", (bucketCount) => {
    expect(() => isHeldOut({ version: 2, project: "p", unit: "u", bucketCount })).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        message: `bucketCount must be an integer in [0, 10000]; received ${bucketCount}.`,
      }),
    );
  });
});

describe("holdoutBuckets", () => {
  it("gives the buckets of a share, to the nearest 1/10,000", () => {
    expect([0, 0.05, 1 / 3, 0.5, 0.00004].map(holdoutBuckets)).toEqual([0, 500, 3333, 5000, 0]);
  });

  it.each<[unknown, string, unknown]>([
    [-0.01, "-0.01", -0.01],
    [0.51, "0.51", 0.51],
    [1, "1", 1],
    [Number.NaN, '"NaN"', "NaN"],
    ["0.1", '"0.1"', "0.1"],
    [null, "null", null],
    [undefined, '"undefined"', "undefined"],
  ])("refuses %s", (share, shown, received) => {
    expect(() => holdoutBuckets(share)).toThrow(
      expect.objectContaining({
        code: "share_out_of_range",
        message: `The share of a holdout must lie in [0, 0.5]; received ${shown}.`,
        details: { received, allowed: "[0, 0.5]" },
      }),
    );
  });
});
