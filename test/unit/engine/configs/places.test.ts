import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  dotted,
  isList,
  isObject,
  keysOf,
  own,
  pointer,
  textsOf,
} from "../../../../src/engine/configs/places.js";

describe("a dotted path", () => {
  it("joins keys with dots, and quotes those that would not be told apart or seen", () => {
    expect(dotted(dotted("tools", 0), "name")).toBe("tools.0.name");
    expect(dotted("models", "gpt.5")).toBe('models."gpt.5"');
    expect(dotted("", "a/b~c-d")).toBe("a/b~c-d");
    for (const key of ["", " ", "a b", 'say "x"', "\u001b[31m", "\u202e", "\ud800", "\n"])
      expect(dotted("x", key)).toBe(`x.${JSON.stringify(key)}`);
  });
});

describe("a JSON pointer", () => {
  it("escapes ~ and /, as RFC 6901 wants", () => {
    expect(pointer("/paths", "a/b")).toBe("/paths/a~1b");
    expect(keysOf("/paths/a~1b")).toEqual(["paths", "a/b"]);
    expect(pointer("", "m~n")).toBe("/m~0n");
    expect(pointer("", "~1")).toBe("/~01");
    expect(keysOf("/~01")).toEqual(["~1"]);
    expect(pointer("/a", 0)).toBe("/a/0");
    expect(keysOf("")).toEqual([]);
    expect(keysOf("/")).toEqual([""]);
  });

  it("gives back the keys it was made from", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("~", "/", "0", "1", "a", ".") })), (keys) => {
        expect(keysOf(keys.reduce(pointer, ""))).toEqual(keys);
      }),
    );
  });
});

describe("a JSON value", () => {
  it("is an array, an object or neither", () => {
    for (const [value, list, object] of [
      [[], true, false],
      [{}, false, true],
      [null, false, false],
      ["a", false, false],
      [undefined, false, false],
    ] as const) {
      expect(isList(value)).toBe(list);
      expect(isObject(value)).toBe(object);
    }
  });

  it("has members of its own only", () => {
    expect(own({ a: 1 }, "a")).toBe(1);
    expect(own({}, "constructor")).toBeUndefined();
  });

  it("is walked text by text, each key before what is under it", () => {
    const list = ["x", ["y"]];
    const value = { a: { b: list, n: 1 }, c: "z" };
    expect([...textsOf(value)]).toEqual([
      { text: "a", path: "", isKey: true, field: null, holder: value },
      { text: "b", path: "a", isKey: true, field: "a", holder: value.a },
      { text: "x", path: "a.b.0", isKey: false, field: "b", holder: list },
      { text: "y", path: "a.b.1.0", isKey: false, field: "b", holder: list[1] },
      { text: "n", path: "a", isKey: true, field: "a", holder: value.a },
      { text: "c", path: "", isKey: true, field: null, holder: value },
      { text: "z", path: "c", isKey: false, field: "c", holder: value },
    ]);
    expect([...textsOf("whole")]).toEqual([
      { text: "whole", path: "", isKey: false, field: null, holder: null },
    ]);
    expect([...textsOf(1)]).toEqual([]);
  });
});
