import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactParts } from "../../../../src/store/writer/exact-number.js";

describe("exactParts", () => {
  it.each([
    [0.75, [6755399441055744, 53, 0]],
    [3, [3, 0, 0]],
    [0, [0, 0, 0]],
    [-1.5, [-6755399441055744, 52, 0]],
    [2 ** -30, [2 ** 52, 62, 20]],
  ])("of %d are %j", (value, parts) => {
    expect(exactParts(value)).toEqual(parts);
  });

  it.each([1e300, 2 ** 53, 2 ** -120, 5e-324, Number.NaN, Number.POSITIVE_INFINITY])(
    "of %d are none",
    (value) => {
      expect(exactParts(value)).toBeNull();
    },
  );

  it("are whole, and give the number back exactly", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const parts = exactParts(value);
        if (parts === null) return;
        const [whole, k1, k2] = parts;
        expect(Number.isSafeInteger(whole)).toBe(true);
        expect(Math.max(k1, k2)).toBeLessThanOrEqual(62);
        expect(Math.abs(whole / 2 ** k1 / 2 ** k2 - value)).toBe(0);
      }),
    );
  });
});
