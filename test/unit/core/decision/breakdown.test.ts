import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breakdown, breakdownOf } from "../../../../src/core/decision/breakdown.js";
import type { FoldInput } from "../../../../src/core/decision/evidence.js";
import type { Json, JsonObject } from "../../../../src/core/errors.js";
import { createRandom, shuffled } from "../../../../src/core/random.js";

const unit = (arm: number, score: number | null, context?: JsonObject | null): FoldInput => ({
  arm,
  shares: [0.5],
  score,
  ...(context === undefined ? {} : { context }),
});

/** Units that differ in their context alone. */
const among = (contexts: readonly JsonObject[]): FoldInput[] =>
  contexts.map((context) => unit(0, 1, context));

const countOf = ({ values, otherCount }: Breakdown): number =>
  values.reduce((sum, { arms }) => sum + arms.reduce((inner, { count }) => inner + count, 0), otherCount);

/** Frequencies by value, and how many units have another. */
const frequencies = ({ values, otherCount }: Breakdown) => [
  Object.fromEntries(values.map(({ value, arms }) => [value, arms[0]?.count])),
  otherCount,
];

const namesOf = (units: readonly FoldInput[]): string[] =>
  breakdownOf(units, 2).map(({ attribute }) => attribute);

describe("breakdownOf", () => {
  it("gives counts, means and uplift of each value", () => {
    const units = [
      unit(0, 0.5, { platform: "ios" }),
      unit(1, 1, { platform: "ios" }),
      unit(1, 0.5, { platform: "ios" }),
      unit(2, 0, { platform: "ios" }),
      unit(0, 0.25, { platform: "web" }),
      unit(2, 1, { platform: "web" }),
    ];
    expect(breakdownOf(units, 3)).toEqual([
      {
        attribute: "platform",
        values: [
          {
            value: "ios",
            arms: [
              { count: 1, mean: 0.5 },
              { count: 2, mean: 0.75 },
              { count: 1, mean: 0 },
            ],
            uplift: 0.25,
          },
          {
            value: "web",
            arms: [
              { count: 1, mean: 0.25 },
              { count: 0, mean: null },
              { count: 1, mean: 1 },
            ],
            uplift: null,
          },
        ],
        otherCount: 0,
      },
    ]);
  });

  it("has no uplift where the champion has no units, nor without a challenger", () => {
    const units = [unit(1, 1, { a: "x" }), unit(1, 1, { a: "x" })];
    expect(breakdownOf(units, 2)[0]?.values[0]?.uplift).toBeNull();
    const [alone] = breakdownOf(among([{ a: "x" }, { a: "x" }]), 1);
    expect(alone?.values).toEqual([{ value: "x", arms: [{ count: 2, mean: 1 }], uplift: null }]);
  });

  it("counts a number or boolean as its text, and nothing where there is no value", () => {
    const contexts: JsonObject[] = [
      { a: true },
      { a: "true" },
      { a: 1.5 },
      { a: 1.5 },
      { a: null },
      { a: {} },
      { a: [] },
      { a: [1, null, ["x"]] },
      {},
    ];
    const [a] = breakdownOf([...among(contexts), unit(0, 1), unit(0, 1, null)], 2);
    expect(frequencies(a as Breakdown)).toEqual([{ true: 2, "1.5": 2 }, 0]);
  });

  it("counts a unit once under each text of a list", () => {
    const [groups] = breakdownOf(
      among([{ groups: ["a", "b", "a", 3] }, { groups: ["b"] }, { groups: "b" }]),
      2,
    );
    expect(frequencies(groups as Breakdown)).toEqual([{ b: 3, a: 1 }, 0]);
  });

  it("looks one level inside of objects, and no deeper", () => {
    const context = { user: { plan: "free", tags: ["x"], at: { day: 1 } } };
    expect(namesOf(among([context, context]))).toEqual(["user.plan", "user.tags"]);
  });

  it("takes a field of the context's own before one inside, and each name once a unit", () => {
    const context = {
      user: { plan: "inside" },
      "user.plan": "own",
      a: { "b.c": "first" },
      "a.b": { c: "second" },
    };
    const found = breakdownOf(among([context, context]), 2);
    expect(found.map((each) => [each.attribute, frequencies(each)])).toEqual([
      ["a.b.c", [{ first: 2 }, 0]],
      ["user.plan", [{ own: 2 }, 0]],
    ]);
  });

  it("leaves out units without a score", () => {
    const units = [unit(0, null, { a: "x" }), unit(0, 1, { a: "x" }), unit(0, 0, { a: "x" })];
    expect(frequencies(breakdownOf(units, 2)[0] as Breakdown)).toEqual([{ x: 2 }, 0]);
  });

  it("keeps the most frequent values, of equals the first by text, and counts the rest", () => {
    const values = ["d", "c", "b", "a", "a", "e", "e", "e"];
    const units = among(values.map((a) => ({ a })));
    const [kept] = breakdownOf(units, 2, { maxValues: 3 });
    expect(kept?.values.map(({ value }) => value)).toEqual(["e", "a", "b"]);
    expect(kept?.otherCount).toBe(2);
    const many = among(Array.from({ length: 40 }, (_, index) => ({ a: `v${index % 20}` })));
    expect(breakdownOf(many, 2)[0]?.values).toHaveLength(8);
    expect(breakdownOf(many, 2)[0]?.otherCount).toBe(24);
  });

  it("leaves out ids, and attributes with more than 50 values", () => {
    const contexts = (distinct: number) =>
      Array.from({ length: 200 }, (_, index) => ({ id: `id${index}`, a: index % distinct, b: "same" }));
    expect(namesOf(among(contexts(50)))).toEqual(["a", "b"]);
    expect(namesOf(among(contexts(51)))).toEqual(["b"]);
    expect(namesOf(among([{ id: "1" }, { id: "2" }]))).toEqual([]);
    // Once too many, always too many.
    const settled = Array.from({ length: 100 }, (_, index) => ({ a: Math.min(index, 60) }));
    expect(namesOf(among(settled))).toEqual([]);
  });

  it("gives any attribute that is asked for, and that alone", () => {
    const units = among(
      Array.from({ length: 100 }, (_, index) => ({ id: `id${index}`, a: { b: { c: "deep" } } })),
    );
    const [ids] = breakdownOf(units, 2, { attribute: "id", maxValues: 2 });
    expect(ids?.values.map(({ value }) => value)).toEqual(["id0", "id1"]);
    expect(ids?.otherCount).toBe(98);
    const [deep] = breakdownOf(units, 2, { attribute: "a.b.c" });
    expect(frequencies(deep as Breakdown)).toEqual([{ deep: 100 }, 0]);
    expect(breakdownOf(units, 2, { attribute: "nothing" })).toEqual([]);
    expect(breakdownOf([], 2)).toEqual([]);
  });

  it("is harmless to prototypes", () => {
    const context = JSON.parse('{"__proto__": "x", "constructor": {"prototype": "y"}}') as JsonObject;
    expect(namesOf(among([context, context]))).toEqual(["__proto__", "constructor.prototype"]);
  });

  it.each([
    ["armCount", "an integer, 1 or more", () => breakdownOf([], 0)],
    ["maxValues", "an integer, 1 or more", () => breakdownOf([], 2, { maxValues: 0 })],
    ["arm", "an integer in [0, 1]", () => breakdownOf([unit(2, 1)], 2)],
    ["arm", "an integer in [0, 1]", () => breakdownOf([unit(-1, 1)], 2)],
    ["arm", "an integer in [0, 1]", () => breakdownOf([unit(0.5, 1)], 2)],
  ])("%s must be %s", (parameter, allowed, act) => {
    expect(act).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        details: expect.objectContaining({ parameter, allowed }),
      }),
    );
  });

  it("gives the documented value", () => {
    const ios = { shares: [0.5], context: { platform: "ios" } };
    const [platform] = breakdownOf(
      [
        { ...ios, arm: 0, score: 0 },
        { ...ios, arm: 1, score: 1 },
      ],
      2,
    );
    expect(platform).toMatchObject({
      attribute: "platform",
      values: [{ value: "ios", uplift: 1 }],
      otherCount: 0,
    });
  });
});

describe("properties", () => {
  const scalar = fc.oneof(fc.constantFrom("x", "y", "z", ""), fc.boolean(), fc.integer({ min: 0, max: 60 }));
  const field: fc.Arbitrary<Json> = fc.oneof(
    scalar,
    fc.constant(null),
    fc.dictionary(fc.constantFrom("a", "b"), scalar),
  );
  const context = fc.option(fc.dictionary(fc.constantFrom("a", "b", "c"), field));
  const fold = fc
    .record({ arm: fc.nat(2), score: fc.option(fc.constantFrom(0, 0.5, 1)), context })
    .map((each): FoldInput => ({ ...each, shares: [0.3, 0.3] }));
  const folds = fc.array(fold, { maxLength: 80 });

  const isScalar = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
  const attributes = {
    a: (each: FoldInput) => isScalar(each.context?.a),
    "b.a": (each: FoldInput) => isScalar((each.context?.b as JsonObject | null | undefined)?.a),
    c: (each: FoldInput) => isScalar(each.context?.c),
  };
  const attribute = fc.constantFrom(...(Object.keys(attributes) as (keyof typeof attributes)[]));

  it("counts add up to the scored units with the attribute", () => {
    fc.assert(
      fc.property(folds, attribute, fc.integer({ min: 1, max: 5 }), (units, name, maxValues) => {
        const having = units.filter((each) => each.score !== null && attributes[name](each));
        const asked = breakdownOf(units, 3, { attribute: name, maxValues });
        expect(asked.reduce((sum, each) => sum + countOf(each), 0)).toBe(having.length);
        // What is found is what would have been asked for.
        const found = breakdownOf(units, 3, { maxValues }).filter((each) => each.attribute === name);
        if (found.length > 0) expect(found).toEqual(asked);
      }),
    );
  });

  it("a mean lies within the scores, and is null exactly where there are none", () => {
    fc.assert(
      fc.property(folds, (units) => {
        const values = breakdownOf(units, 3).flatMap((each) => each.values);
        for (const { count, mean } of values.flatMap(({ arms }) => arms)) {
          expect(mean === null).toBe(count === 0);
          expect((mean ?? 0) >= 0 && (mean ?? 1) <= 1).toBe(true);
        }
      }),
    );
  });

  it("the order of the units does not matter", () => {
    // Scores of halves add up without rounding.
    fc.assert(
      fc.property(folds, fc.nat(1000), (units, seed) => {
        expect(breakdownOf(shuffled(units, createRandom(seed)), 3)).toEqual(breakdownOf(units, 3));
      }),
    );
  });
});
