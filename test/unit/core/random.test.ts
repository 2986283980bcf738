import { describe, expect, it } from "vitest";
import { createRandom, shuffled } from "../../../src/core/random.js";

describe("createRandom", () => {
  it("depends on the seed alone", () => {
    const take = (seed: number) =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.uint32()
        )(createRandom(seed)),
      );
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
    expect(take(2 ** 40)).not.toEqual(take(2 ** 41));
    expect(createRandom(1).uint32()).toBe(4266978352);
  });

  it("is uniform: mean, variance and serial correlation of 100,000 numbers within five standard errors", () => {
    const random = createRandom(42);
    const n = 100_000;
    const numbers = Array.from({ length: n }, () => random.next());
    const mean = numbers.reduce((sum, x) => sum + x, 0) / n;
    const variance = numbers.reduce((sum, x) => sum + (x - 0.5) ** 2, 0) / n;
    const serial = numbers.slice(1).reduce((sum, x, i) => sum + (x - 0.5) * (numbers[i]! - 0.5), 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n));
    expect(Math.abs(serial)).toBeLessThan(5 * Math.sqrt(1 / 144 / n));
  });

  it("makes the 53 bits of a number from 27 and 26 high bits of two integers", () => {
    const random = createRandom(7);
    const integers = createRandom(7);
    for (let k = 0; k < 100; k += 1) {
      const [first, second] = [BigInt(integers.uint32()), BigInt(integers.uint32())];
      expect(BigInt(random.next() * 2 ** 53)).toBe(((first >> 5n) << 26n) | (second >> 6n));
    }
  });

  it("takes the seeds from 0 to 2^53 - 1", () => {
    const firsts = [0, 1, 2 ** 32, 2 ** 53 - 1].map((seed) => createRandom(seed).uint32());
    expect(new Set(firsts).size).toBe(4);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])("refuses the seed %s", (seed) => {
    expect(() => createRandom(seed)).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        message: `seed must be an integer in [0, 2^53); received ${seed}.`,
      }),
    );
  });
});

describe("shuffled", () => {
  it("is a permutation, leaves the input alone, and puts each item first equally often", () => {
    const items = [1, 2, 3, 4];
    const random = createRandom(3);
    const first = new Map<number, number>();
    for (let i = 0; i < 4000; i += 1) {
      const copy = shuffled(items, random);
      expect([...copy].sort()).toEqual(items);
      first.set(copy[0]!, (first.get(copy[0]!) ?? 0) + 1);
    }
    expect(items).toEqual([1, 2, 3, 4]);
    for (const count of first.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(750));
  });
});
