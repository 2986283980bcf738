import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/core/errors.js";
import { type Audience, checkAudience, isInAudience } from "../../../../src/engine/sessions/audience.js";

/** Whether a context is in the audience of a condition, after the way through the store. */
function matches(where: JsonObject, context: JsonObject | null): boolean {
  const stored: unknown = JSON.parse(JSON.stringify(checkAudience({ where })));
  return isInAudience(stored as Audience, context);
}

describe("groups: exclusion and inclusion", () => {
  const audience = { includeGroups: ["beta", "early"], excludeGroups: ["staff"] };

  it.each<[string, JsonObject | null, boolean]>([
    ["a member of an included group is in", { groups: ["x", "early"] }, true],
    ["a member of none of the included groups is out", { groups: ["x"] }, false],
    ["a member of any excluded group is out, whatever else it is in", { groups: ["beta", "staff"] }, false],
    ["a session without groups is in none", {}, false],
    ["a session without a context is in none", null, false],
    ["one text is one group", { groups: "beta" }, true],
    ["one text can be an excluded group", { groups: "staff" }, false],
    ["groups that are no texts are none", { groups: [1, null, ["beta"], { beta: true }] }, false],
    ["groups that are no list are none", { groups: { beta: true } }, false],
    ["only the session's own field counts", { user: { groups: ["beta"] } }, false],
  ])("%s", (_, context, expected) => {
    expect(isInAudience(audience, context)).toBe(expected);
  });

  it("an empty list restricts nothing", () => {
    for (const context of [null, {}, { groups: ["any"] }])
      expect(isInAudience({ includeGroups: [], excludeGroups: [] }, context)).toBe(true);
  });

  it("exclusion alone lets everyone else in", () => {
    expect(isInAudience({ excludeGroups: ["staff"] }, null)).toBe(true);
    expect(isInAudience({ excludeGroups: ["staff"] }, { groups: ["beta"] })).toBe(true);
    expect(isInAudience({ excludeGroups: ["staff"] }, { groups: ["staff", "beta"] })).toBe(false);
  });

  it("groups and the condition must both hold", () => {
    const both = { where: { platform: "ios" }, includeGroups: ["beta"] };
    expect(isInAudience(both, { platform: "ios", groups: ["beta"] })).toBe(true);
    expect(isInAudience(both, { platform: "web", groups: ["beta"] })).toBe(false);
    expect(isInAudience(both, { platform: "ios", groups: [] })).toBe(false);
  });
});

describe("platforms", () => {
  it("another platform is out", () => {
    expect(matches({ platform: { $in: ["ios"] } }, { platform: "android" })).toBe(false);
  });

  it("a matching platform is in", () => {
    expect(matches({ platform: { $in: ["ios", "android"] } }, { platform: "android" })).toBe(true);
  });

  it("no platforms, by no condition, is everyone; an empty list is refused, being read both ways", () => {
    for (const audience of [null, {}, { where: {} }] as const)
      expect(isInAudience(audience, { platform: "ios" })).toBe(true);
    expect(() => checkAudience({ where: { platform: { $in: [] } } })).toThrow(
      expect.objectContaining({ code: "audience_invalid" }),
    );
  });
});

describe("numeric factors", () => {
  it.each<[string, number, boolean, boolean, boolean]>([
    ["$gt", 0.5, false, false, true],
    ["$gte", 0.5, false, true, true],
    ["$lt", 0.5, true, false, false],
    ["$lte", 0.5, true, true, false],
    ["$eq", 0.5, false, true, false],
    ["$ne", 0.5, true, false, true],
  ])("%s below, at and above the threshold", (operator, threshold, below, at, above) => {
    const where = { "factors.focus": { [operator]: threshold } };
    expect([0.4, 0.5, 0.6].map((focus) => matches(where, { factors: { focus } }))).toEqual([
      below,
      at,
      above,
    ]);
  });

  it.each(["$gt", "$gte", "$lt", "$lte", "$eq"])("a missing factor fails %s", (operator) => {
    const where = { "factors.focus": { [operator]: 0 } };
    for (const context of [null, {}, { factors: {} }, { factors: null }, { factors: { focus: null } }])
      expect(matches(where, context)).toBe(false);
  });

  it("several rules must all hold", () => {
    const where = { "factors.focus": { $gt: 0.5 }, "factors.recall": { $gte: 0.2, $lt: 0.8 } };
    expect(matches(where, { factors: { focus: 0.6, recall: 0.2 } })).toBe(true);
    expect(matches(where, { factors: { focus: 0.6, recall: 0.8 } })).toBe(false);
    expect(matches(where, { factors: { focus: 0.5, recall: 0.2 } })).toBe(false);
  });

  it("a text is no number, nor a number a text", () => {
    expect(matches({ age: { $gt: 18 } }, { age: "42" })).toBe(false);
    expect(matches({ age: 42 }, { age: "42" })).toBe(false);
    expect(matches({ age: { $in: ["42"] } }, { age: 42 })).toBe(false);
  });

  it("$mod takes the whole part of numbers and nothing else", () => {
    const even = { build: { $mod: [2, 0] } };
    expect([4, 4.9, -4, 0].map((build) => matches(even, { build }))).toEqual([true, true, true, true]);
    expect([3, "4", null, true, ""].map((build) => matches(even, { build }))).not.toContain(true);
    expect(matches(even, {})).toBe(false);
  });
});

describe("metadata", () => {
  it("$is ignores case, equality does not", () => {
    expect(matches({ os: { $is: "iOS" } }, { os: "IOS" })).toBe(true);
    expect(matches({ os: { $is: "iOS" } }, { os: "iOS 17" })).toBe(false);
    expect(matches({ os: "iOS" }, { os: "IOS" })).toBe(false);
  });

  it("$ne and $not hold for other values", () => {
    expect(matches({ os: { $ne: "ios" } }, { os: "android" })).toBe(true);
    expect(matches({ os: { $ne: "ios" } }, { os: "ios" })).toBe(false);
    expect(matches({ os: { $not: { $is: "ios" } } }, { os: "iOS" })).toBe(false);
    expect(matches({ os: { $not: { $is: "ios" } } }, { os: "Android" })).toBe(true);
  });

  it("$contains finds a part of a text, ignoring case", () => {
    expect(matches({ model: { $contains: "PRO" } }, { model: "MacBook Pro 16" })).toBe(true);
    expect(matches({ model: { $contains: "air" } }, { model: "MacBook Pro 16" })).toBe(false);
    expect(matches({ model: { $contains: "16" } }, { model: 16 })).toBe(false);
    expect(matches({ model: { $contains: ".*" } }, { model: "anything" })).toBe(false);
  });

  it.each([
    [">=9", "10", true],
    [">=10", "9", false],
    [">=1.10", "1.9", false],
    [">=1.9", "1.10", true],
    [">=1.10", "1.10.0", true],
    ["<2", "1.99.99", true],
    ["<2", "2.0.0", false],
    ["^1.2 || ^3", "iOS 3.1", true],
    ["1.x", "v1.4.2-beta.1+5", true],
    [">=2.0.0", "2.0.0-rc.1", true],
    [">=1.2.3", "1.2.3.4", true],
    [">=17", 17, true],
    [">=0", 1.1, false],
    [">=0", -1, false],
    [">=0", 1e21, false],
    [">=0", "latest", false],
    [">=0", "", false],
    [">=0", `${"0".repeat(200)}1`, false],
    [">=0", null, false],
    [">=0", true, false],
    [">=0", ["x", "1.2"], true],
  ])("versions are not compared by their letters: %s of %j is %j", (range, version, expected) => {
    expect(matches({ version: { $version: range } }, { version })).toBe(expected);
  });

  it.each<[string, JsonObject]>([
    ["$eq", { $eq: "x" }],
    ["$in", { $in: ["x"] }],
    ["$is", { $is: "x" }],
    ["$contains", { $contains: "x" }],
    ["$version", { $version: "*" }],
    ["$gte", { $gte: "" }],
    ["$all", { $all: ["x"] }],
    ["$size", { $size: 0 }],
    ["$mod", { $mod: [1, 0] }],
    ["$elemMatch", { $elemMatch: { $ne: "x" } }],
    ["$exists", { $exists: true }],
  ])("a missing field, and missing metadata, fails %s", (_, condition) => {
    expect(matches({ os: condition }, {})).toBe(false);
    expect(matches({ os: condition }, null)).toBe(false);
    expect(matches({ "device.os": condition }, { device: "phone" })).toBe(false);
  });

  it.each<[string, JsonObject]>([
    ["$ne", { os: { $ne: "ios" } }],
    ["$nin", { os: { $nin: ["ios"] } }],
    ["$not", { os: { $not: { $eq: "ios" } } }],
    ["$nor", { $nor: [{ os: "ios" }] }],
    ["equality with null", { os: null }],
    ["$in with null", { os: { $in: ["ios", null] } }],
    ["$exists: false", { os: { $exists: false } }],
  ])("with a missing field %s holds, as in MongoDB", (_, where) => {
    expect(matches(where, {})).toBe(true);
    expect(matches(where, null)).toBe(true);
  });

  it("a field of another value is asked for by $exists", () => {
    const where = { os: { $exists: true, $ne: "ios" } };
    expect(matches(where, {})).toBe(false);
    expect(matches(where, { os: "android" })).toBe(true);
    expect(matches({ os: { $ne: null } }, {})).toBe(false);
  });

  it("rules on factors and metadata mix, both ways", () => {
    const where = { "factors.focus": { $gt: 0.5 }, os: { $is: "ios" }, app: { $version: ">=2" } };
    expect(matches(where, { factors: { focus: 0.9 }, os: "iOS", app: "10.1" })).toBe(true);
    expect(matches(where, { factors: { focus: 0.9 }, os: "iOS", app: "1.9" })).toBe(false);
    expect(matches(where, { factors: { focus: 0.1 }, os: "iOS", app: "10.1" })).toBe(false);
  });
});

describe("lists", () => {
  const context = {
    tags: ["a", "b"],
    orders: [
      { kind: "x", cost: 1, at: { day: 1 } },
      { kind: "y", cost: 5 },
    ],
  };

  it.each<[JsonObject, boolean]>([
    [{ tags: "a" }, true],
    [{ tags: { $in: ["z", "b"] } }, true],
    [{ tags: { $ne: "a" } }, false],
    [{ tags: { $nin: ["z"] } }, true],
    [{ tags: { $all: ["b", "a"] } }, true],
    [{ tags: { $all: ["b", "z"] } }, false],
    [{ tags: { $size: 2 } }, true],
    [{ tags: { $size: 1 } }, false],
    [{ tags: { $contains: "B" } }, true],
    [{ "tags.1": "b" }, true],
    [{ tags: { $elemMatch: { $gt: "a", $lt: "c" } } }, true],
    [{ tags: { $elemMatch: { $gt: "b", $lt: "a" } } }, false],
    [{ orders: { $elemMatch: { kind: "x", cost: { $gt: 3 } } } }, false],
    [{ orders: { $elemMatch: { kind: "y", cost: { $gt: 3 } } } }, true],
    [{ orders: { $elemMatch: { $or: [{ "at.day": 1 }, { kind: "z" }] } } }, true],
    [{ orders: { $elemMatch: { $nor: [{ kind: "x" }, { kind: "y" }] } } }, false],
    [{ orders: { $not: { $elemMatch: { kind: "z" } } } }, true],
    [{ orders: { $elemMatch: { $exists: true } } }, true],
    [{ kind: { $elemMatch: { $exists: true } } }, false],
  ])("%j is %j", (where, expected) => {
    expect(matches(where, context)).toBe(expected);
  });
});

describe("how a field is found", () => {
  it("by its name as it is, else by its name as a path, as everywhere", () => {
    expect(matches({ "user.plan": "free" }, { user: { plan: "free" } })).toBe(true);
    expect(matches({ "user.plan": "free" }, { "user.plan": "free", user: { plan: "paid" } })).toBe(true);
    expect(matches({ "user.plan": "free" }, { "user.plan": "paid", user: { plan: "free" } })).toBe(false);
  });

  it("in every branch of one query", () => {
    const where = { a: 1, $or: [{ a: 2 }, { "b.c": 3, a: { $lt: 2 } }], $and: [{ $nor: [{ d: 4 }] }] };
    expect(matches(where, { a: 1, b: { c: 3 } })).toBe(true);
    expect(matches(where, { a: 1, b: { c: 4 } })).toBe(false);
    expect(matches(where, { a: 1, b: { c: 3 }, d: 4 })).toBe(false);
  });
});

it("an audience is compiled once", () => {
  let reads = 0;
  const audience: Audience = {
    get where() {
      reads += 1;
      return { platform: "ios" };
    },
  };
  for (const platform of ["ios", "web", "ios"])
    expect(isInAudience(audience, { platform })).toBe(platform === "ios");
  expect(reads).toBe(1);
});

it("the documented examples hold", () => {
  const audience: Audience = {
    where: { platform: { $in: ["ios", "android"] }, app: { $version: ">=1.10" }, "user.age": { $gte: 18 } },
    excludeGroups: ["staff"],
  };
  expect(checkAudience(audience)).toEqual(audience);
  expect(isInAudience(audience, { platform: "ios", app: "1.10", user: { age: 18 } })).toBe(true);
  expect(isInAudience(audience, { platform: "ios", app: "1.9", user: { age: 18 } })).toBe(false);
  expect(isInAudience({ where: { os: { $version: ">=9" } } }, { os: "10" })).toBe(true);
});
