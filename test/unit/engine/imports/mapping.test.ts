import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/core/errors.js";
import { checkedMapping, type Mapping, mapRecord } from "../../../../src/engine/imports/mapping.js";

const mapped = (mapping: Mapping, record: JsonObject) => mapRecord(checkedMapping(mapping), record);
const signalsOf = (signals: Mapping["signals"], record: JsonObject) => mapped({ signals }, record).signals;

describe("a mapping", () => {
  it("says which fields are what, by their names and by dotted paths", () => {
    const record = {
      run: { id: 7, who: "ada" },
      "gen_ai.model": "m",
      at: "2026-01-02T03:04:05Z",
      ok: true,
      branch: "main",
    };
    const mapping: Mapping = {
      session: "run.id",
      unit: "run.who",
      startedAt: "at",
      score: "ok",
      config: { model: "gen_ai.model", tools: { value: ["search"] }, absent: "nowhere" },
      context: { branch: "branch" },
    };
    expect(mapped(mapping, record)).toEqual({
      id: "7",
      unit: "ada",
      startedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
      endedAtMs: null,
      score: 1,
      config: { model: "m", tools: ["search"] },
      context: { branch: "main" },
      signals: [],
    });
  });

  it("takes the first of several fields that is there, and nothing for none", () => {
    const mapping: Mapping = { session: { field: ["a", "b"] }, config: "config" };
    expect(mapped(mapping, { a: null, b: "x" })).toMatchObject({ id: "x", config: null });
    expect(mapped(mapping, { a: "", b: undefined as never })).toMatchObject({ id: null });
  });

  it.each([
    [1767323045, "seconds"],
    ["1767323045.000", "seconds as a text"],
    [1767323045000, "milliseconds"],
    [1767323045000000, "microseconds"],
    ["1767323045000000000", "nanoseconds as a text"],
    ["2026-01-02T03:04:05.000Z", "ISO 8601"],
    ["2026-01-02T04:04:05+01:00", "ISO 8601 with a zone"],
    ["2026-01-02 03:04:05.000000", "a time without a zone, which is UTC"],
    ["2026-01-02 03:04:05", "the same in short"],
  ])("reads %s as a time in %s", (startedAt, _what) => {
    expect(mapped({ startedAt: "t" }, { t: startedAt }).startedAtMs).toBe(1767323045000);
  });

  it.each<[Mapping["score"], JsonObject[string], number]>([
    [{ field: "s", scale: [1, 5] }, 4, 0.75],
    [{ field: "s", scale: [5, 1] }, "4", 0.25],
    [{ field: "s", values: { good: 1, meh: 0.5 } }, "meh", 0.5],
    [{ field: "s", truthy: true }, "FAIL", 0],
    [{ field: "s", truthy: true }, "whatever", 1],
    [{ field: "s", truthy: ["Yes", 2] }, "yes", 1],
    [{ field: "s", truthy: ["Yes", 2] }, 3, 0],
    [{ field: "s", multiply: 0.01 }, 42, 0.42],
    ["s", "true", 1],
    ["s", "0.5", 0.5],
    [{ value: 1 }, null, 1],
  ])("makes of %j and %j the score %d", (score, s, expected) => {
    expect(mapped({ score }, { s }).score).toBeCloseTo(expected, 15);
  });

  it("reads signals by name, for some records alone, and every number of an object", () => {
    const record = {
      id: "k1",
      name: "stars",
      value: 3,
      at: 1767323045,
      who: "ada",
      scores: { a: 0.5, b: null, c: "x" },
    };
    const stars = { field: "value", scale: [1, 5] } as { field: string; scale: [number, number] };
    const own = { name: { field: "name" }, value: stars, key: "id", at: "at", source: "who" };
    const [signal] = signalsOf([{ ...own, kind: "explicit", when: { name: ["stars", "rating"] } }], record);
    expect(signal).toEqual({
      ...{ key: "k1:stars", name: "stars", value: 0.5, kind: "explicit" },
      ...{ source: "ada", atMs: 1767323045000 },
    });
    expect(signalsOf([{ ...own, when: { name: "thumbs" } }], record)).toEqual([]);
    expect(signalsOf([{ each: "scores" }], record)).toEqual([
      { key: null, name: "a", value: 0.5, kind: null, source: null, atMs: null },
    ]);
    expect(signalsOf([{ each: "nowhere" }, { name: "cost", value: "nowhere" }], record)).toEqual([]);
  });

  it.each<[Mapping, JsonObject, RegExp]>([
    [{ score: "s" }, { s: 4 }, /score must be a number in \[0, 1\].*'scale'; received 4/],
    [{ score: { field: "s", values: { good: 1 } } }, { s: "bad" }, /one of good; received "bad"/],
    [{ score: { field: "s", values: { good: 1 } } }, { s: "constructor" }, /one of good/],
    [
      { startedAt: "t" },
      { t: "yesterday" },
      /start must be a time since 1970: a number, or ISO 8601; received "yesterday"/,
    ],
    [{ startedAt: "t" }, { t: true }, /time/],
    [{ startedAt: "t" }, { t: "10/07/2026 08:00" }, /ISO 8601/],
    [{ unit: "u" }, { u: { a: "x".repeat(100) } }, /unit must be a text; received .{83}$/],
    [{ config: "c" }, { c: "{oops" }, /config must be a JSON object/],
    [{ config: "c" }, { c: [1] }, /config must be a JSON object/],
    [{ signals: [{ name: "cost", value: "c" }] }, { c: "much" }, /'cost' must be a number; received "much"/],
    [
      { signals: [{ each: "c", kind: "explicit" }] },
      { c: { taste: 7 } },
      /'taste' must be a number in \[0, 1\]/,
    ],
  ])("%j refuses %j", (mapping, record, message) => {
    expect(() => mapped(mapping, record)).toThrow(message);
  });

  it("reads objects out of the texts of CSV", () => {
    expect(mapped({ config: "c" }, { c: '{"n":1}' }).config).toEqual({ n: 1 });
  });

  it.each<[unknown, RegExp]>([
    [{ sesion: "id" }, /Unrecognized key.*sesion/],
    [[], /the mapping: /],
    [{ score: { field: "s", value: 1 } }, /score: .*either 'field' or 'value'/],
    [{ score: { field: "s", scale: [1, 1] } }, /score: .*two different numbers/],
    [{ signals: [{ name: "x", value: "v", kind: "loud" }] }, /signals\.0: /],
    [{ signals: [{ name: "x" }] }, /signals\.0: /],
  ])("%j is no mapping", (value, message) => {
    expect(() => checkedMapping(value)).toThrow(message);
    expect(() => checkedMapping(value)).toThrow(expect.objectContaining({ code: "mapping_invalid" }));
  });
});
