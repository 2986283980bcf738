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

  it("accepts what just fits", () => {
    const long = (length: number): string => "x".repeat(length);
    const fitting: Audience = {
      where: {
        [long(200)]: long(1000),
        a: { $gt: long(1000), $contains: long(1000), $version: `>=1.0.0${" ".repeat(193)}` },
        b: { $not: { $elemMatch: { $not: { $eq: 1 } } }, $size: 0, $gte: 0, $mod: [-2, -1] },
        c: { $in: [null, true, false, "", 0], $eq: null, $exists: false },
      },
      includeGroups: new Array(1000).fill("x"),
      excludeGroups: [long(200)],
    };
    expect(checkAudience(fitting)).toEqual(fitting);
    expect(checkAudience({})).toEqual({});
  });

  it.each<[string, unknown]>([
    ["a list of at most 1000 groups", { includeGroups: null }],
    ["a text of 1 to 200 characters", { includeGroups: [""] }],
    ["one of where, includeGroups, excludeGroups", { other: 1 }],
    ["an object of conditions by field", { where: 1 }],
    ["a field, or one of $and, $or, $nor", { where: { $where: "" } }],
    ["a list of at least one condition", { where: { $and: [] } }],
    ["a text of at most 1000 characters, a number, a boolean or null", { where: { a: { $eq: [] } } }],
    ["a number or a text of at most 1000 characters", { where: { a: { $lt: null } } }],
    ["a text of 1 to 1000 characters", { where: { a: { $is: "" } } }],
    ["true or false", { where: { a: { $exists: null } } }],
    ["a whole number, 0 or more", { where: { a: { $size: null } } }],
    ["a list of two whole numbers: a divisor other than 0 and a remainder", { where: { a: { $mod: 2 } } }],
    [
      'a range of versions such as ">=1.10", in at most 200 characters',
      { where: { a: { $version: "x.y" } } },
    ],
    ["outside of another $not", { where: { a: { $not: { $not: { $eq: 1 } } } } }],
    ["an object of operators, or of conditions by field", { where: { a: { $elemMatch: 1 } } }],
  ])("says that it must be %s", (allowed, audience) => {
    expect(() => checkAudience(audience)).toThrow(` must be ${allowed}; received `);
  });

  it("names the operators, and the way to a field inside of a field", () => {
    const operators =
      "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $all, $exists, $size, $mod, $not, $elemMatch, $contains, $is, $version";
    expect(() => checkAudience({ where: { user: { plan: "free" } } })).toThrow(
      `audience.where.user.plan must be one of ${operators}; a field inside of a field is written with a dot, as in "user.plan"; received free.`,
    );
    expect(() => checkAudience({ where: { user: {} } })).toThrow(
      `an object of operators, each one of ${operators};`,
    );
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
