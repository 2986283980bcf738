import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../src/core/errors.js";
import { type Audience, checkAudience, isInAudience } from "../../../../src/engine/sessions/audience.js";
import { checkWhere } from "../../../../src/engine/sessions/where-check.js";
import { compileWhere } from "../../../../src/engine/sessions/where-match.js";

const invalid = (field: string) =>
  expect.objectContaining({ code: "audience_invalid", details: expect.objectContaining({ field }) });

const nest = (levels: number, inner: Json, wrap: (inner: Json) => Json): Json =>
  levels === 0 ? inner : nest(levels - 1, wrap(inner), wrap);

describe("what is refused, and where", () => {
  it.each<[string, unknown]>([
    ["", null],
    ["", undefined],
    ["", "everyone"],
    ["", []],
    ["", new Date(0)],
    ["includeGroup", { includeGroup: ["beta"] }],
    ["where", { where: null }],
    ["where", { where: [] }],
    ["where", { where: "platform = ios" }],
    ["includeGroups", { includeGroups: "beta" }],
    ["includeGroups", { includeGroups: new Array(1001).fill("x") }],
    ["includeGroups[1]", { includeGroups: ["beta", ""] }],
    ["excludeGroups[0]", { excludeGroups: [1] }],
    ["excludeGroups[0]", { excludeGroups: ["x".repeat(201)] }],
  ])("field '%s' of an audience", (field, audience) => {
    expect(() => checkAudience(audience)).toThrow(invalid(field));
  });

  it.each<[string, unknown]>([
    ["$where", { $where: "true" }],
    ["$not", { $not: { a: 1 } }],
    ["$in", { $in: ["a"] }],
    ["a.$regex", { a: { $regex: ".*" } }],
    ["a.$gtt", { a: { $gtt: 1 } }],
    ["a.$or", { a: { $or: [{ $eq: 1 }] } }],
    ["a.plan", { a: { plan: "free" } }],
    ["a.plan", { a: { $eq: 1, plan: "free" } }],
    ["a.__proto__", { a: JSON.parse('{"__proto__": 1}') }],
    ["a.constructor", { a: { constructor: "x" } }],
    ["a", { a: {} }],
    ["a", { a: ["ios", "android"] }],
    ["a", { a: undefined }],
    ["a", { a: () => true }],
    ["a", { a: /x/ }],
    ["a", { a: Symbol("a") }],
    ["a", { a: 1n }],
    ["a", { a: Number.NaN }],
    ["a", { a: "x".repeat(1001) }],
    ["", { "": 1 }],
    ["", { ["x".repeat(201)]: 1 }],
    ["a.$eq", { a: { $eq: { b: 1 } } }],
    ["a.$eq", { a: { $eq: { $where: "true" } } }],
    ["a.$ne", { a: { $ne: [1] } }],
    ["a.$gt", { a: { $gt: null } }],
    ["a.$lt", { a: { $lt: true } }],
    ["a.$gte", { a: { $gte: Number.POSITIVE_INFINITY } }],
    ["a.$lte", { a: { $lte: new Date(0) } }],
    ["a.$in", { a: { $in: "ios" } }],
    ["a.$nin", { a: { $nin: [] } }],
    ["a.$in[1]", { a: { $in: ["ios", /x/] } }],
    ["a.$in[0]", { a: { $in: new Array(2) } }],
    ["$and[0]", { $and: new Array(2) }],
    ["a.$all[0]", { a: { $all: [{ $where: "true" }] } }],
    ["a.$exists", { a: { $exists: 1 } }],
    ["a.$size", { a: { $size: -1 } }],
    ["a.$size", { a: { $size: 1.5 } }],
    ["a.$mod", { a: { $mod: [0, 0] } }],
    ["a.$mod", { a: { $mod: [2] } }],
    ["a.$mod", { a: { $mod: [2, 0.5] } }],
    ["a.$mod", { a: { $mod: 2 } }],
    ["a.$contains", { a: { $contains: "" } }],
    ["a.$contains", { a: { $contains: 1 } }],
    ["a.$is", { a: { $is: null } }],
    ["a.$version", { a: { $version: "newest" } }],
    ["a.$version", { a: { $version: "" } }],
    ["a.$version", { a: { $version: 2 } }],
    ["a.$version", { a: { $version: `>=${"1".repeat(200)}` } }],
    ["a.$not", { a: { $not: "x" } }],
    ["a.$not", { a: { $not: {} } }],
    ["a.$not.$not", { a: { $not: { $not: { $eq: 1 } } } }],
    ["a.$not.$where", { a: { $not: { $where: "true" } } }],
    ["a.$elemMatch", { a: { $elemMatch: "x" } }],
    ["a.$elemMatch", { a: { $elemMatch: {} } }],
    ["a.$elemMatch.b", { a: { $elemMatch: { b: 1, $gt: 1 } } }],
    ["a.$elemMatch.$where", { a: { $elemMatch: { $where: "true" } } }],
    ["a.$elemMatch.b.$where", { a: { $elemMatch: { b: { $where: "true" } } } }],
    ["$and", { $and: { a: 1 } }],
    ["$or", { $or: [] }],
    ["$nor[0]", { $nor: ["a"] }],
    ["$or[1].$and[0].a.$type", { $or: [{ a: 1 }, { $and: [{ a: { $type: "string" } }] }] }],
  ])("%s of a condition", (field, where) => {
    expect(() => checkAudience({ where })).toThrow(invalid(field === "" ? "where" : `where.${field}`));
  });

  it("says what was received and what is allowed, at no length", () => {
    expect(() => checkAudience({ where: { platform: { $in: "ios" } } })).toThrow(
      expect.objectContaining({
        message:
          "audience.where.platform.$in must be a list of at least one value; leave the condition out for everyone; received ios.",
        details: {
          field: "where.platform.$in",
          received: "ios",
          allowed: "a list of at least one value; leave the condition out for everyone",
        },
      }),
    );
    const received = (where: unknown): Json => {
      try {
        checkAudience({ where });
      } catch (error) {
        return (error as { details: JsonObject }).details.received as Json;
      }
      return "nothing was refused";
    };
    expect(received({ a: [1, 2] })).toBe("a list of 2");
    expect(received({ a: { $eq: {} } })).toBe("an object");
    expect(received({ a: "x".repeat(5000) })).toBe(`${"x".repeat(100)}...`);
    expect(received({ a: Number.NaN })).toBe("NaN");
    expect(() => checkAudience([])).toThrow("An audience must be an object; received a list of 0.");
  });

  it("is bounded in depth and size", () => {
    const and = (levels: number): unknown => nest(levels, { a: 1 }, (inner) => ({ $and: [inner] }));
    expect(() => checkAudience({ where: and(8) })).not.toThrow();
    expect(() => checkAudience({ where: and(9) })).toThrow("nested at most 8 levels deep");
    const listed = (length: number): unknown => ({ a: { $in: new Array(length).fill("x") } });
    expect(() => checkAudience({ where: listed(998) })).not.toThrow();
    expect(() => checkAudience({ where: listed(999) })).toThrow(
      "at most 1000 fields, operators and values in all",
    );
    const cycle: Record<string, unknown> = {};
    cycle.$and = [cycle, cycle];
    expect(() => checkAudience({ where: cycle })).toThrow(
      expect.objectContaining({ code: "audience_invalid" }),
    );
  });
});

it("a checked audience is a copy of its own", () => {
  const given = {
    where: { a: { $in: ["x"] }, $or: [{ b: 1 }] },
    includeGroups: ["beta"],
    excludeGroups: undefined,
  };
  const checked = checkAudience(given);
  given.where.a.$in.push("y");
  given.includeGroups.push("z");
  expect(checked).toEqual({ where: { a: { $in: ["x"] }, $or: [{ b: 1 }] }, includeGroups: ["beta"] });
  expect(Object.keys(checked)).toEqual(["where", "includeGroups"]);
  const bare = Object.assign(Object.create(null), { where: Object.assign(Object.create(null), { a: 1 }) });
  expect(checkAudience(bare)).toEqual({ where: { a: 1 } });
});

describe("no code is run", () => {
  const trap = globalThis as { wasRun?: boolean };
  afterEach(() => {
    delete trap.wasRun;
  });

  const code = "(globalThis.wasRun = true)";
  const wraps: ((inner: Json) => Json)[] = [
    (inner) => ({ $and: [inner] }),
    (inner) => ({ $or: [{ b: 2 }, inner] }),
    (inner) => ({ $nor: [inner] }),
    (inner) => ({ a: inner }),
    (inner) => ({ a: { $not: inner } }),
    (inner) => ({ a: { $elemMatch: inner } }),
    (inner) => ({ a: { $eq: inner } }),
    (inner) => ({ a: { $in: [inner] } }),
    (inner) => ({ a: { $all: [inner] } }),
    (inner) => ({ a: { $elemMatch: { a: inner } } }),
  ];
  const contexts: JsonObject[] = [{ a: 1 }, { a: [1, { a: 1 }] }, { a: [{ a: [{ a: 1 }] }] }, {}];

  it("in no nesting, neither by the check nor behind its back", () => {
    const operators = fc.constantFrom("$where", "$regex", "$type", "$function", "$expr", "$options");
    const nestings = fc.array(fc.constantFrom(...wraps), { maxLength: 6 });
    fc.assert(
      fc.property(operators, nestings, (operator, wrapping) => {
        const where = wrapping.reduce<Json>((inner, wrap) => wrap(inner), { [operator]: code }) as JsonObject;
        expect(() => checkAudience({ where })).toThrow(expect.objectContaining({ code: "audience_invalid" }));
        for (const context of contexts) expect(isInAudience({ where }, context)).toBe(false);
        expect(trap.wasRun).toBeUndefined();
      }),
    );
  });

  it.each<JsonObject>([
    { a: { $where: code } },
    { a: { $not: { $where: code } } },
    { a: { $elemMatch: { $where: code } } },
    { $or: [{ a: { $where: code } }] },
    { $and: [{ $nor: [{ a: { $not: { $elemMatch: { b: { $where: code } } } } }] }] },
    { a: { $regex: ".*" } },
  ])("an operator that is not listed does not even compile: %j", (where) => {
    expect(() => compileWhere(where)).toThrow(/Unsupported operation: \$(where|regex)/);
    expect(trap.wasRun).toBeUndefined();
  });

  it("functions in place of values are refused, and never called", () => {
    const call = () => {
      trap.wasRun = true;
      return true;
    };
    for (const where of [{ a: call }, { a: { $eq: call } }, { a: { $in: [call] } }, { a: { $not: call } }]) {
      expect(() => checkAudience({ where })).toThrow(expect.objectContaining({ code: "audience_invalid" }));
      expect(isInAudience({ where } as unknown as Audience, { a: 1 })).toBe(false);
    }
    expect(trap.wasRun).toBeUndefined();
  });
});

describe("prototypes are neither read nor written", () => {
  it.each([
    "__proto__",
    "__proto__.polluted",
    "constructor",
    "constructor.prototype",
    "toString",
    "hasOwnProperty",
  ])("%s is a field like any other", (name) => {
    const where = checkWhere(JSON.parse(`{"${name}": {"$exists": true}}`));
    expect(Object.keys(where)).toEqual([name]);
    expect(isInAudience({ where }, {})).toBe(false);
    expect(isInAudience({ where }, { a: "text" })).toBe(false);
    expect(isInAudience({ where }, JSON.parse(`{"${name}": 1}`))).toBe(true);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("what a text has by nature is no field of it", () => {
    for (const name of ["os.length", "os.0", "os.trim", "age.toFixed"])
      expect(isInAudience({ where: { [name]: { $exists: true } } }, { os: "ios", age: 1 })).toBe(false);
  });
});

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
