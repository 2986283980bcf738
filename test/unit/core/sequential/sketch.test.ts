import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom, shuffled } from "../../../../src/core/random.js";
import {
  addToSketch,
  countBelow,
  emptySketch,
  insert,
  mergeSketches,
  quantileOf,
  rankOf,
  runningSketch,
  type Sketch,
} from "../../../../src/core/sequential/sketch.js";

function sketchOf(values: readonly number[]): Sketch {
  const running = runningSketch(emptySketch());
  for (const value of values) insert(running, value);
  return running;
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const value = fc.oneof(
  finite,
  fc.integer({ min: -300, max: 300 }),
  fc.double({ min: -2, max: 2, noNaN: true }),
);
const values = fc.array(value, { maxLength: 80 });

/** More bins than are kept: 45 powers of 2 of both signs, all bins of each. */
function tooMany(): number[] {
  const all: number[] = [0];
  for (let exponent = -20; exponent < 25; exponent++)
    for (let k = 128; k < 256; k++) all.push((k * 2 ** exponent) / 128, (-k * 2 ** exponent) / 128);
  return all;
}

describe("addToSketch", () => {
  it("gives the documented values", () => {
    expect(emptySketch().total).toBe(0);
    expect(addToSketch(addToSketch(emptySketch(), 3), 3).counts).toEqual([2]);
  });

  it("leaves the old sketch alone, and equals insertion in place", () => {
    fc.assert(
      fc.property(values, value, (before, next) => {
        const sketch = sketchOf(before);
        const text = JSON.stringify(sketch);
        expect(addToSketch(sketch, next)).toEqual(sketchOf([...before, next]));
        expect(JSON.stringify(sketch)).toBe(text);
      }),
    );
  });

  it("survives JSON: the same ranks, and it goes on the same", () => {
    fc.assert(
      fc.property(values, value, (before, next) => {
        const sketch = sketchOf(before);
        const stored = JSON.parse(JSON.stringify(sketch)) as Sketch;
        expect(stored).toEqual(sketch);
        expect(rankOf(stored, next)).toBe(rankOf(sketch, next));
        expect(addToSketch(stored, next)).toEqual(addToSketch(sketch, next));
      }),
    );
  });

  it("takes -0 as 0, and the smallest numbers of both signs too", () => {
    expect(sketchOf([0, -0, Number.MIN_VALUE, -Number.MIN_VALUE])).toEqual({
      keys: [0],
      counts: [4],
      total: 4,
    });
    expect(Object.is(sketchOf([-Number.MIN_VALUE]).keys[0], 0)).toBe(true);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses %s", (wrong) => {
    const isDomainError = expect.objectContaining({ code: "numeric_domain" });
    expect(() => addToSketch(emptySketch(), wrong)).toThrow(isDomainError);
    expect(() => rankOf(emptySketch(), wrong)).toThrow(isDomainError);
    expect(() => countBelow(emptySketch(), wrong)).toThrow(isDomainError);
    for (const call of [addToSketch, rankOf, countBelow])
      expect(() => call(emptySketch(), wrong)).toThrow(/^value must be a finite number/);
  });
});

describe("rankOf and countBelow", () => {
  it("give the documented values", () => {
    const three = addToSketch(emptySketch(), 3);
    expect(rankOf(emptySketch(), 4)).toBe(0.5);
    expect(rankOf(three, 4)).toBe(0.75);
    expect(rankOf(three, 3)).toBe(0.5);
    expect(countBelow(three, 4)).toBe(1);
    expect(countBelow(three, 3)).toBe(0);
  });

  it("are exact among integers of up to 256 of both signs", () => {
    const integer = fc.integer({ min: -256, max: 256 });
    fc.assert(
      fc.property(fc.array(integer, { maxLength: 200 }), integer, (all, next) => {
        const below = all.filter((other) => other < next).length;
        const equal = all.filter((other) => other === next).length;
        expect(countBelow(sketchOf(all), next)).toBe(below);
        expect(rankOf(sketchOf(all), next)).toBe((below + equal / 2 + 0.5) / (all.length + 1));
      }),
    );
  });

  it("count a value as lower or equal only if it is less than 1/128 nearer to 0 or farther, relative to it", () => {
    fc.assert(
      fc.property(values, value, (all, next) => {
        const slack = Math.abs(next) / 128 + 1e-300;
        const below = countBelow(sketchOf(all), next);
        expect(below).toBeGreaterThanOrEqual(all.filter((other) => other < next - slack).length);
        expect(below).toBeLessThanOrEqual(all.filter((other) => other < next).length);
        const exact = all.filter((other) => other < next).length + all.filter((o) => o === next).length / 2;
        const near = all.filter((other) => Math.abs(other - next) <= slack * (129 / 128)).length;
        const rank = rankOf(sketchOf(all), next) * (all.length + 1) - 0.5;
        expect(Math.abs(rank - exact)).toBeLessThanOrEqual(near / 2 + 1e-9);
      }),
    );
  });

  it("never fall as the value rises", () => {
    const capped = sketchOf(tooMany());
    fc.assert(
      fc.property(values, value, value, (all, a, b) => {
        for (const sketch of [sketchOf(all), capped]) {
          expect(rankOf(sketch, Math.min(a, b))).toBeLessThanOrEqual(rankOf(sketch, Math.max(a, b)));
          expect(countBelow(sketch, Math.min(a, b))).toBeLessThanOrEqual(countBelow(sketch, Math.max(a, b)));
        }
      }),
    );
  });

  it("are mirrored when all signs are", () => {
    fc.assert(
      fc.property(values, value, (all, next) => {
        const mirrored = rankOf(sketchOf(all.map((other) => -other)), -next);
        expect(rankOf(sketchOf(all), next) + mirrored).toBeCloseTo(1, 12);
      }),
    );
  });
});

describe("quantileOf", () => {
  it("gives the documented value, and null when there are no values", () => {
    expect(quantileOf(addToSketch(addToSketch(emptySketch(), 3), 200), 0.5)).toBe(3);
    expect(quantileOf(emptySketch(), 0.5)).toBeNull();
  });

  it("is exact for integers of up to 256 and within 1/128 for every normal number", () => {
    for (let k = -256; k <= 256; k++) expect(quantileOf(sketchOf([k]), 0.5)).toBe(k);
    fc.assert(
      fc.property(finite, (x) => {
        const found = quantileOf(sketchOf([x]), 0.5) as number;
        expect(Math.abs(found)).toBeLessThanOrEqual(Math.abs(x));
        // Below 2^-1022 a double has fewer bits to keep.
        if (Math.abs(x) >= 2 ** -1022) expect(Math.abs(x - found)).toBeLessThan(Math.abs(x) / 128);
      }),
    );
  });

  it.each([0.5, 1, 2])("follows the exact quantiles of 20,000 lognormal values of sigma %s", (sigma) => {
    const random = createRandom(11);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const all = Array.from({ length: 20_000 }, () => 1500 * Math.exp(sigma * normal()));
    const sorted = [...all].sort((a, b) => a - b);
    const sketch = sketchOf(all);
    for (const p of [0, 0.01, 0.1, 0.25, 0.5, 0.7, 0.9, 0.95, 0.99, 1]) {
      const exact = sorted[Math.max(Math.ceil(p * 20_000 - 1e-6) - 1, 0)]!;
      const error = exact / (quantileOf(sketch, p) as number) - 1;
      expect(error).toBeGreaterThanOrEqual(0);
      expect(error).toBeLessThan(1 / 128);
    }
  });

  it("does not skip a value by rounding", () => {
    const ten = sketchOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect([0, 0.1, 0.3, 0.7, 0.71, 1].map((p) => quantileOf(ten, p))).toEqual([1, 1, 3, 7, 8, 10]);
  });

  it.each([-0.1, 1.1, Number.NaN])("refuses p = %s", (p) => {
    expect(() => quantileOf(emptySketch(), p)).toThrow(expect.objectContaining({ code: "numeric_domain" }));
    expect(() => quantileOf(emptySketch(), p)).toThrow(/^p must be in \[0, 1\]/);
  });
});

describe("mergeSketches", () => {
  it("gives the documented value", () => {
    expect(mergeSketches(addToSketch(emptySketch(), 3), addToSketch(emptySketch(), 4)).total).toBe(2);
  });

  it("equals adding all values to one, in any order", () => {
    fc.assert(
      fc.property(values, values, fc.integer({ min: 0, max: 1e9 }), (one, other, seed) => {
        const merged = mergeSketches(sketchOf(one), sketchOf(other));
        expect(merged).toEqual(sketchOf(shuffled([...one, ...other], createRandom(seed))));
        expect(merged).toEqual(mergeSketches(sketchOf(other), sketchOf(one)));
      }),
    );
  });
});

describe("the bound on bins", () => {
  it("needs 128 bins for a factor of 2 and 1,693 from 1 to 10,000", () => {
    const spread = Array.from({ length: 200_000 }, (_, k) => 10 ** (k / 50_000));
    expect(sketchOf(spread.filter((x) => x < 2)).keys.length).toBe(128);
    expect(sketchOf([...spread, 9999.99]).keys.length).toBe(1693);
  });

  it("holds for adversarial values, and gives up those nearest to 0 only", () => {
    const all = tooMany();
    const sketch = sketchOf(all);
    expect(all.length).toBe(11_521);
    expect(sketch.keys.length).toBe(4096);
    expect(sketch.total).toBe(all.length);
    expect(sketch.counts.reduce((sum, count) => sum + count, 0)).toBe(all.length);
    const far = 2 ** 10;
    expect(countBelow(sketch, far)).toBe(all.filter((x) => x < far).length);
    expect(countBelow(sketch, -far)).toBe(all.filter((x) => x < -far).length);
    expect(quantileOf(sketch, 1)).toBe((255 / 128) * 2 ** 24);
    const ranks = [1, -1, 0, 1e-9].map((x) => rankOf(sketch, x));
    expect(new Set(ranks).size).toBe(1);
    expect(ranks[0]).toBeCloseTo(0.5, 3);
  });

  it("gives up the negative one first of two bins as near to 0", () => {
    // 16 powers of 2 of both signs are all the bins there are room for: from 1 and -1 outwards.
    const full = Array.from({ length: 2048 }, (_, k) => (1 + (k % 128) / 128) * 2 ** Math.floor(k / 128));
    const sketch = sketchOf([...full, ...full.map((x) => -x)]);
    expect(sketch.keys.length).toBe(4096);
    expect(rankOf(sketch, -1)).toBeLessThan(rankOf(sketch, 1));
    const more = addToSketch(sketch, 2 ** 16);
    expect(more.keys.length).toBe(4096);
    expect(countBelow(more, 1)).toBe(2047);
    expect(countBelow(more, 1 + 1 / 128)).toBe(2049);
    expect([-1, 0].map((x) => rankOf(more, x))).toEqual([rankOf(more, 1), rankOf(more, 1)]);
    expect(addToSketch(more, -1)).toEqual(addToSketch(more, 1));
  });

  it.each([
    ["positive", (x: number) => x > 0],
    ["negative", (x: number) => x < 0],
    // Lopsided, so that bins of one sign meet no twin of the other.
    ["lopsided", (x: number, index: number) => index % 3 > 0 || x > 0],
  ])("keeps the same bins of %s values whatever the order and the way of merging", (_, isIn) => {
    const all = tooMany().filter(isIn);
    const whole = sketchOf(all);
    expect(whole.keys.length).toBe(4096);
    for (const seed of [1, 2, 3]) {
      const order = shuffled(all, createRandom(seed));
      expect(sketchOf(order)).toEqual(whole);
      const half = Math.floor(order.length / (seed + 1));
      expect(mergeSketches(sketchOf(order.slice(0, half)), sketchOf(order.slice(half)))).toEqual(whole);
    }
  });
});
