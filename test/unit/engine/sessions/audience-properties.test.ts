import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../src/core/errors.js";
import { type Audience, checkAudience, isInAudience } from "../../../../src/engine/sessions/audience.js";
import { checkWhere } from "../../../../src/engine/sessions/where-check.js";

/** The language once more, as it is documented: one value, its members at any depth, one operator at a time. */
function holds(where: JsonObject, context: JsonObject): boolean {
  return Object.entries(where).every(([key, condition]) => {
    const queries = condition as readonly JsonObject[];
    if (key === "$and") return queries.every((query) => holds(query, context));
    if (key === "$or") return queries.some((query) => holds(query, context));
    if (key === "$nor") return !queries.some((query) => holds(query, context));
    const parts = Object.hasOwn(context, key) ? [key] : key.split(".");
    const value = parts.reduce<Json | undefined>((found, part) => {
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
      return (found as JsonObject)[part];
    }, context);
    return conditionHolds(condition as Json, value);
  });
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function conditionHolds(condition: Json, value: Json | undefined): boolean {
  const operators = isObject(condition) ? Object.entries(condition) : [["$eq", condition] as const];
  const flat = Array.isArray(value) ? (value.flat(Number.POSITIVE_INFINITY) as Json[]) : [value];
  const lists = listsOf(value);
  const any = (test: (each: Json | undefined) => boolean): boolean => [...flat, ...lists].some(test);
  const isSame = (operand: Json) =>
    any((each) => each === operand || (operand === null && each === undefined));
  const ordered = (test: (a: number, b: number) => boolean, operand: Json) =>
    any((each) => typeof each === typeof operand && each !== null && test(each as number, operand as number));
  const one: Record<string, (operand: Json) => boolean> = {
    $eq: isSame,
    $ne: (operand) => !isSame(operand),
    $in: (operand) => (operand as Json[]).some(isSame),
    $nin: (operand) => !(operand as Json[]).some(isSame),
    $all: (operand) => (operand as Json[]).every(isSame),
    $gt: (operand) => ordered((a, b) => a > b, operand),
    $gte: (operand) => ordered((a, b) => a >= b, operand),
    $lt: (operand) => ordered((a, b) => a < b, operand),
    $lte: (operand) => ordered((a, b) => a <= b, operand),
    $exists: (operand) => (value !== undefined) === operand,
    $size: (operand) => lists.some((list) => list.length === operand),
    $not: (operand) => !conditionHolds(operand, value),
    $contains: (operand) =>
      any(
        (each) => typeof each === "string" && each.toLowerCase().includes((operand as string).toLowerCase()),
      ),
    $elemMatch: (operand) =>
      lists.flat().some((each) => {
        if (Array.isArray(each)) return false;
        const hasOperators = Object.keys(operand as JsonObject).some((key) => /^\$(?!and|or|nor)/.test(key));
        return hasOperators
          ? conditionHolds(operand, each as Json)
          : isObject(each as Json) && holds(operand as JsonObject, each as JsonObject);
      }),
  };
  return operators.every(([operator, operand]) => (one[operator] as (operand: Json) => boolean)(operand));
}

function listsOf(value: Json | undefined): readonly Json[][] {
  return Array.isArray(value) ? [value as Json[], ...value.flatMap((each: Json) => listsOf(each))] : [];
}

describe("properties", () => {
  const name = fc.constantFrom("a", "b", "c", "a.b", "a.0", "b.c.a");
  const scalar = fc.constantFrom<Json>(null, true, 0, 1, 2, "", "x", "X1", "y");
  const ordered = fc.constantFrom<Json>(0, 1, 2, "", "x", "y");
  const list = fc.array(scalar, { minLength: 1, maxLength: 3 });
  const { context } = fc.letrec<{ context: JsonObject; value: Json }>((tie) => ({
    context: fc.dictionary(name, tie("value"), { maxKeys: 4 }),
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      scalar,
      fc.array(tie("value"), { maxLength: 3 }),
      tie("context"),
    ),
  }));
  const query = fc.letrec<{
    query: JsonObject;
    condition: JsonObject;
    simple: JsonObject;
    field: JsonObject;
  }>((tie) => ({
    simple: fc
      .record(
        {
          ...Object.fromEntries(["$eq", "$ne"].map((operator) => [operator, scalar])),
          ...Object.fromEntries(["$gt", "$gte", "$lt", "$lte"].map((operator) => [operator, ordered])),
          ...Object.fromEntries(["$in", "$nin", "$all"].map((operator) => [operator, list])),
          $exists: fc.boolean(),
          $size: fc.nat(3),
          $contains: fc.constantFrom("x", "1"),
          $elemMatch: fc.oneof(
            { maxDepth: 3 },
            fc.constant({ $exists: true }),
            tie("condition"),
            tie("field"),
          ),
        },
        { requiredKeys: [] },
      )
      .map((all) => Object.fromEntries(Object.entries(all).slice(0, 2)) as JsonObject)
      .filter((condition) => Object.keys(condition).length > 0),
    condition: fc.oneof(
      { maxDepth: 3 },
      tie("simple"),
      tie("simple").map(($not): JsonObject => ({ $not })),
    ),
    field: fc
      .tuple(name, fc.oneof(scalar, tie("condition")))
      .map(([key, condition]): JsonObject => ({ [key]: condition })),
    query: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      tie("field"),
      fc.tuple(tie("field"), tie("field")).map(([one, other]): JsonObject => ({ ...one, ...other })),
      fc
        .tuple(fc.constantFrom("$and", "$or", "$nor"), fc.array(tie("query"), { minLength: 1, maxLength: 3 }))
        .map(([logic, queries]): JsonObject => ({ [logic]: queries })),
    ),
  })).query;

  it("a condition means what is documented, on any context", () => {
    let held = 0;
    fc.assert(
      fc.property(query, context, (where, given) => {
        const expected = holds(where, given);
        if (expected) held += 1;
        expect(isInAudience(checkAudience({ where }), given)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
    // Neither side of the comparison is rare.
    expect(held).toBeGreaterThan(1000);
    expect(held).toBeLessThan(4000);
  });

  it("judging never throws, for any JSON audience and context", () => {
    const json = fc.json({ maxDepth: 6 }).map((text) => JSON.parse(text));
    fc.assert(
      fc.property(fc.oneof(query, json), fc.oneof(json, context), (where, given) => {
        expect(typeof isInAudience({ where } as Audience, given as JsonObject)).toBe("boolean");
        expect(typeof isInAudience(where as Audience, given as JsonObject)).toBe("boolean");
      }),
    );
  });

  it("a context too deep to be walked is out, and one of many lists in lists is judged at once", () => {
    const where = checkWhere({
      a: { $not: { $elemMatch: { $elemMatch: { $elemMatch: { $elemMatch: { $elemMatch: { $ne: 1 } } } } } } },
    });
    const lists = (depth: number): Json => {
      let inner: Json = [1, 1];
      for (let level = 0; level < depth; level++) inner = [inner, inner.length];
      return inner;
    };
    expect(isInAudience({ where }, { a: lists(100) })).toBe(true);
    expect(isInAudience({ where }, { a: lists(200_000) })).toBe(false);
  });
});
