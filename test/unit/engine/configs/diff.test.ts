import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../src/core/errors.js";
import { type ConfigChange, diffConfigs } from "../../../../src/engine/configs/diff.js";
import { sameElements } from "../../../../src/engine/configs/elements.js";
import { keysOf } from "../../../../src/engine/configs/places.js";

/** Changes of a list, as one line each. */
const ofList = (before: readonly Json[], after: readonly Json[]): string[] =>
  diffConfigs({ l: before }, { l: after }).map((change) => {
    const [was, is] = [JSON.stringify(change.before), JSON.stringify(change.after)];
    return `${change.kind} ${change.path}: ${[was, is].filter((text) => text !== undefined).join(" -> ")}`;
  });

describe("the differences of two configs", () => {
  it("read as documented", () => {
    expect(diffConfigs({ model: "m1", tools: ["a"] }, { model: "m2", tools: ["b", "a"] })).toEqual([
      { path: "/model", kind: "changed", before: "m1", after: "m2" },
      { path: "/tools/0", kind: "added", after: "b" },
    ]);
    expect(sameElements(["a", "b"], ["new", "a", "c"])).toEqual([
      { after: 0 },
      { before: 0, after: 1 },
      { before: 1, after: 2 },
    ]);
  });

  it("do not hang on the order of keys", () => {
    expect(diffConfigs({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toEqual([]);
  });

  it("are told where they are, deep inside", () => {
    expect(diffConfigs({ a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1, d: 3, e: null } } })).toEqual([
      { path: "/a/b/d", kind: "changed", before: 2, after: 3 },
      { path: "/a/b/e", kind: "added", after: null },
    ]);
  });

  it("of a long text are the whole text", () => {
    const [before, after] = [`${"a".repeat(500)} brief`, `${"a".repeat(500)} full`];
    expect(diffConfigs({ system: before }, { system: after })).toEqual([
      { path: "/system", kind: "changed", before, after },
    ]);
  });

  it.each<[Json, Json]>([
    [1, "1"],
    [null, 0],
    [null, {}],
    [[], {}],
    ["", []],
    [false, null],
    [{ a: 1 }, [1]],
  ])("of %j and %j are one change of the whole value", (before, after) => {
    expect(diffConfigs({ v: before }, { v: after })).toEqual([
      { path: "/v", kind: "changed", before, after },
    ]);
  });

  it("come in the order of their paths: places by number, keys by code units, parents first", () => {
    const numbers = Array.from({ length: 12 }, (_, index) => index);
    const before: JsonObject = { l: numbers, b: 1, a: { z: 1 }, "10": 1, "9": 1, "1x": 1, B: 1 };
    const after: JsonObject = {
      l: numbers.map((n) => -n - 1),
      b: 2,
      a: 2,
      "10": 2,
      "9": 2,
      "1x": 2,
      B: 2,
      "": 1,
    };
    expect(diffConfigs(before, after).map(({ path }) => path)).toEqual([
      ...["/9", "/10", "/", "/1x", "/B", "/a", "/b"],
      ...numbers.map((index) => `/l/${index}`),
    ]);
  });

  it("escape keys in paths, and know keys that JavaScript knows better", () => {
    const strange = (value: Json): JsonObject =>
      JSON.parse(
        `{"__proto__":{"x":${value}},"_t":${value},"a/b":${value},"~":${value},"constructor":${value}}`,
      );
    const paths = ["/__proto__/x", "/_t", "/a~1b", "/constructor", "/~0"];
    expect(diffConfigs(strange(1), strange(2)).map(({ path }) => path)).toEqual(paths);
    const added = diffConfigs({}, strange(1));
    expect(added.map(({ path, kind }) => [path, kind])).toEqual(
      ["/__proto__", ...paths.slice(1)].map((path) => [path, "added"]),
    );
    expect(diffConfigs(strange(1), {}).map(({ kind }) => kind)).toEqual(new Array(5).fill("removed"));
    expect(diffConfigs({}, { toString: 1, hasOwnProperty: 2 })).toHaveLength(2);
  });
});

describe("the differences of two arrays", () => {
  it("are one addition where an element was put first, last or between", () => {
    expect(ofList(["a", "b"], ["x", "a", "b"])).toEqual(['added /l/0: "x"']);
    expect(ofList(["a", "b"], ["a", "b", "x"])).toEqual(['added /l/2: "x"']);
    expect(ofList(["a", "b"], ["a", "x", "b"])).toEqual(['added /l/1: "x"']);
    expect(ofList(["x", "a", "b"], ["a", "b"])).toEqual(['removed /l/0: "x"']);
  });

  it("are told inside an element that is called the same", () => {
    const tool = (name: string, text: string) => ({ name, text });
    expect(
      ofList([tool("a", "old"), tool("b", "")], [tool("x", ""), tool("a", "new"), tool("b", "")]),
    ).toEqual(['added /l/0: {"name":"x","text":""}', 'changed /l/1/text: "old" -> "new"']);
    expect(ofList([{ id: 7, name: "a" }], [{ id: 7, name: "b" }])).toEqual(['changed /l/0/name: "a" -> "b"']);
    const openai = (name: string, text: string) => ({ type: "function", function: { name, text } });
    expect(ofList([openai("a", "old")], [openai("x", ""), openai("a", "new")])).toEqual([
      'added /l/0: {"type":"function","function":{"name":"x","text":""}}',
      'changed /l/1/function/text: "old" -> "new"',
    ]);
  });

  it("are another element where it is called otherwise", () => {
    expect(ofList([{ name: "a", t: 1 }], [{ name: "b", t: 1 }])).toEqual([
      'removed /l/0: {"name":"a","t":1}',
      'added /l/0: {"name":"b","t":1}',
    ]);
    expect(ofList([{ name: "a" }], [{ t: 1 }])).toEqual([
      'removed /l/0: {"name":"a"}',
      'added /l/0: {"t":1}',
    ]);
  });

  it("tell elements of one name apart by what they are", () => {
    const said = (text: string) => ({ name: "user", text });
    expect(ofList([said("a"), said("b")], [said("b")])).toEqual(['removed /l/0: {"name":"user","text":"a"}']);
    expect(ofList([said("a"), said("b")], [said("a"), said("c")])).toEqual(['changed /l/1/text: "b" -> "c"']);
  });

  it("are told inside a nameless element that took the place of another of its sort", () => {
    const message = (role: string, content: string) => ({ role, content });
    expect(
      ofList(
        [message("system", "old"), message("user", "hi")],
        [message("system", "new"), message("user", "hi"), message("user", "more")],
      ),
    ).toEqual(['changed /l/0/content: "old" -> "new"', 'added /l/2: {"role":"user","content":"more"}']);
    expect(ofList(["a", "stop"], ["a", "end"])).toEqual(['changed /l/1: "stop" -> "end"']);
    expect(ofList([["a"], ["b"]], [["a"], ["c"]])).toEqual(['changed /l/1/0: "b" -> "c"']);
    expect(ofList([["a"]], ["a"])).toEqual(['removed /l/0: ["a"]', 'added /l/0: "a"']);
    expect(ofList([1, 2, 3], [9])).toEqual(["changed /l/0: 1 -> 9", "removed /l/1: 2", "removed /l/2: 3"]);
  });

  it("are a removal and an addition where an element moved", () => {
    const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
    expect(ofList([a, b, c], [c, a, b])).toEqual(['added /l/0: {"name":"c"}', 'removed /l/2: {"name":"c"}']);
  });

  it("tell what was at a place before what is there", () => {
    const [gone, first, last] = [{ name: "gone" }, { name: "a", n: 1 }, { name: "b", n: 1 }];
    expect(
      ofList(
        [gone, first, last],
        [
          { ...first, n: 2 },
          { ...last, n: 2 },
        ],
      ),
    ).toEqual(['removed /l/0: {"name":"gone"}', "changed /l/0/n: 1 -> 2", "changed /l/1/n: 1 -> 2"]);
    expect(
      ofList([first, last, gone], [{ name: "x" }, { name: "y" }, { ...first, n: 2 }, last]).slice(2),
    ).toEqual(['removed /l/2: {"name":"gone"}', "changed /l/2/n: 1 -> 2"]);
    expect(ofList(["a", "b", ["c"]], ["x", ["y"], "a", "b"])).toEqual([
      'added /l/0: "x"',
      'added /l/1: ["y"]',
      'removed /l/2: ["c"]',
    ]);
    expect(ofList(["k", "a", ["b"]], [["x"], ["y"], ["z"], "k", "a"]).slice(-2)).toEqual([
      'removed /l/2: ["b"]',
      'added /l/2: ["z"]',
    ]);
  });
});

describe("for all configs", () => {
  const key = fc.oneof(
    fc.constantFrom(
      "__proto__",
      "_t",
      "_0",
      "0",
      "a/b",
      "~",
      "constructor",
      "toString",
      "name",
      "id",
      "function",
      "",
    ),
    fc.string({ maxLength: 2 }),
  );
  const { value } = fc.letrec<{ value: Json; list: Json; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<Json[]>(null, true, 0, -0, 1, "", "a", "b"),
      tie("list"),
      tie("object"),
    ),
    list: fc.array(tie("value"), { maxLength: 4 }),
    object: fc
      .array(fc.tuple(key, tie("value")), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries) as JsonObject),
  }));
  const config = fc.record({ a: value, b: value });

  function at(root: Json, path: string): Json | undefined {
    let found: Json | undefined = root;
    for (const step of keysOf(path))
      found = Object.hasOwn(found as object, step) ? (found as Record<string, Json>)[step] : undefined;
    return found;
  }

  function expectDifferent(change: ConfigChange, before: JsonObject, after: JsonObject): void {
    expect(change.before === undefined).toBe(change.kind === "added");
    expect(change.after === undefined).toBe(change.kind === "removed");
    if (change.before !== undefined && change.after !== undefined)
      expect(canonicalize(change.before)).not.toBe(canonicalize(change.after));
    if (change.kind === "removed") expect(at(before, change.path)).toBe(change.before);
    else expect(at(after, change.path)).toBe(change.after);
  }

  it("there is none to itself", () => {
    fc.assert(
      fc.property(config, (a) => {
        expect(diffConfigs(a, structuredClone(a))).toEqual([]);
      }),
    );
  });

  it("there is none if and only if the canonical JSON is equal", () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        expect(diffConfigs(a, b).length === 0).toBe(canonicalize(a) === canonicalize(b));
      }),
    );
  });

  it("each has its path, kind and values, and the order is always the same", () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        const changes = diffConfigs(a, b);
        for (const change of changes) expectDifferent(change, a, b);
        const paths = changes.map(({ path, kind }) => `${kind === "removed"} ${path}`);
        expect(new Set(paths).size).toBe(paths.length);
        const shuffled = JSON.parse(canonicalize(a) as string) as JsonObject;
        expect(diffConfigs(shuffled, b)).toEqual(diffConfigs(JSON.parse(JSON.stringify(a)), b));
      }),
    );
  });

  it("nothing throws on any JSON", () => {
    const any = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue());
    fc.assert(fc.property(any, any, (a, b) => void diffConfigs(a as JsonObject, b as JsonObject)));
  });
});
