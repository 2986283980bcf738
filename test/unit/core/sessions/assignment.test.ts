import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { armOf, bucketCountOf, bucketOf, shareOf } from "../../../../src/core/sessions/assignment.js";

// Version 1 values are those of an earlier system and of an independent BigInt implementation; version 2 values are
// of the BigInt implementation below. They must never change: units would move under running experiments.
const FROZEN = [
  ["checkout_v2", "user:1", 4830, 1638],
  ["checkout_v2", "user:2", 6619, 9249],
  ["onboarding_v3", "user:100", 6602, 3780],
  ["exp", "user:1", 4472, 5087],
  ["exp", "日本", 5122, 427],
  ["café", "é", 3701, 334],
  ["", "", 8189, 1709],
  ["a", "😀", 1755, 8413],
  ["x", "\ud800", 3976, 433],
  // Of an implementation in Python with integers of any size: characters of two, three and four bytes, and surrogates
  // that stand alone, or come together only across the colon.
  ["ß", "ñandú", 8313, 657],
  ["ключ", "пользователь:7", 6636, 1676],
  ["\u07ff", "\u0800", 6473, 1913],
  ["検査", "利用者:42", 6751, 5575],
  ["实验", "用户：１", 474, 5456],
  ["𐍈", "🧪:👩\u200d🔬", 2321, 3899],
  ["exp", "\u{10ffff}", 9145, 1388],
  ["exp", "\udc00\ud800", 6740, 124],
  ["a\ud83d", "\udca9b", 2744, 3043],
  ["x\ud800y", "z\udfff", 9508, 6295],
  // Not normalised: the two ways to write é are two texts.
  ["e\u0301", "\u00e9", 8535, 7094],
  ["nul\u0000", "\u0000", 2666, 9740],
  ["a", "b".repeat(1000), 4226, 5812],
  ["exp_0", "user:0", 7766, 8009],
  ["exp_1", "user:0", 7863, 6413],
  ["0193c1f0-7a52-7cc1-9d52-1f7e3c0b8a44", "0193c1f0-7a52-7cc1-9d52-1f7e3c0b8a45", 2258, 4474],
  ["0193c1f0-7a52-7cc1-9d52-1f7e3c0b8a44", "ana@example.com", 6820, 9573],
] as const;

const MASK = (1n << 64n) - 1n;

function oracle(version: 1 | 2, text: string): number {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  if (version === 2) {
    hash = ((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
    hash = ((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
    hash ^= hash >> 33n;
  }
  return Number(hash % 10_000n);
}

describe("bucketOf", () => {
  it.each(FROZEN)("keeps the bucket of %s:%s in both versions", (experiment, unit, v1, v2) => {
    expect(bucketOf({ version: 1, experiment, unit })).toBe(v1);
    expect(bucketOf({ version: 2, experiment, unit })).toBe(v2);
  });

  it("agrees with a BigInt implementation on any text", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const), text, text, (version, experiment, unit) => {
        expect(bucketOf({ version, experiment, unit })).toBe(oracle(version, `${experiment}:${unit}`));
      }),
    );
  });

  it.each([
    ["\u007f", "\u0080"],
    ["\u07ff", "\u0800"],
    ["\ud7ff", "\ue000"],
    ["\uffff", "\u{10000}"],
    ["\u{10ffff}", "\ufffd"],
    ["\ud800", "\udfff"],
  ])("encodes both sides of a border of UTF-8: %j, %j", (below, above) => {
    for (const unit of [below, above]) {
      expect(bucketOf({ version: 1, experiment: "e", unit })).toBe(oracle(1, `e:${unit}`));
      expect(bucketOf({ version: 2, experiment: "e", unit })).toBe(oracle(2, `e:${unit}`));
    }
  });

  it("is uniform, and independent between experiments, in version 2", () => {
    const units = Array.from({ length: 20_000 }, (_, index) => `user:${index}`);
    const counts = new Array<number>(20).fill(0);
    let both = 0;
    for (const unit of units) {
      const bucket = bucketOf({ version: 2, experiment: "one", unit });
      counts[Math.floor(bucket / 500)]! += 1;
      if (bucket < 5000 && bucketOf({ version: 2, experiment: "two", unit }) < 5000) both += 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(43.8); // 0.999 quantile, 19 degrees of freedom
    expect(Math.abs(both - 5000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.25 * 0.75));
  });
});

describe("armOf", () => {
  const champion = { role: "champion", bucketCount: 8000 } as const;
  const challenger = { role: "challenger", bucketCount: 2000 } as const;

  it("gives the challenger the lowest buckets and the champion the rest", () => {
    expect(armOf(0, [champion, challenger])).toBe(challenger);
    expect(armOf(1999, [champion, challenger])).toBe(challenger);
    expect(armOf(2000, [champion, challenger])).toBe(champion);
    expect(armOf(9999, [champion, challenger])).toBe(champion);
  });

  it("never takes a unit from the challenger when its share grows", () => {
    const wider = { role: "challenger", bucketCount: 5000 } as const;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), (bucket) => {
        if (armOf(bucket, [champion, challenger]) === challenger)
          expect(armOf(bucket, [champion, wider])).toBe(wider);
      }),
    );
  });

  it("gives several challengers their buckets in order", () => {
    const second = { role: "challenger", bucketCount: 500 } as const;
    const arms = [challenger, champion, second];
    expect([1999, 2000, 2499, 2500].map((bucket) => armOf(bucket, arms))).toEqual([
      challenger,
      second,
      second,
      champion,
    ]);
  });

  it("refuses arms without a champion", () => {
    expect(() => armOf(9999, [challenger])).toThrow(
      expect.objectContaining({
        code: "invariant_violated",
        message: "An experiment without a champion arm.",
      }),
    );
  });
});

describe("shares", () => {
  it.each([0.005, 0.0099, 1, Number.NaN, -0.1, 0.9901, Number.POSITIVE_INFINITY])("refuses %s", (share) => {
    expect(() => bucketCountOf(share)).toThrow(
      expect.objectContaining({
        code: "share_out_of_range",
        message: `A share must lie in [0.01, 0.99] or be 0; received ${share}.`,
        // Not null, which is what JSON makes of what is not finite.
        details: { received: Number.isFinite(share) ? share : String(share), allowed: "[0.01, 0.99] or 0" },
      }),
    );
  });

  it("stores buckets, and gives back the share truly used", () => {
    expect([0, 0.01, 0.2, 0.99].map(bucketCountOf)).toEqual([0, 100, 2000, 9900]);
    expect(shareOf(bucketCountOf(1 / 3))).toBe(0.3333);
    expect([0, 1, 10_000].map(shareOf)).toEqual([0, 0.0001, 1]);
  });

  it.each([10_001, 0.5, -1])("refuses %s as a number of buckets", (bucketCount) => {
    expect(() => shareOf(bucketCount)).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        message: `bucketCount must be an integer in [0, 10000]; received ${bucketCount}.`,
      }),
    );
  });
});
