import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DethroneError } from "../../../../src/core/errors.js";
import { identifyConfig, partNotJson } from "../../../../src/engine/configs/config.js";

interface Rfc8785 {
  readonly numbers: readonly { readonly ieee754: string; readonly canonical: string }[];
  readonly refusedNumbers: readonly string[];
  readonly values: readonly {
    readonly title: string;
    readonly json: string;
    readonly canonicalHex: string;
  }[];
}

const rfc8785 = JSON.parse(
  readFileSync(new URL("../../../fixtures/canonical/rfc8785.json", import.meta.url), "utf8"),
) as Rfc8785;

const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
const double = (hex: string): number => Buffer.from(hex, "hex").readDoubleBE();

function refusal(config: unknown): DethroneError {
  try {
    identifyConfig(config);
  } catch (error) {
    return error as DethroneError;
  }
  throw new Error("accepted");
}

describe("the hash of a config is that of its canonical JSON (RFC 8785)", () => {
  it.each(rfc8785.numbers)("appendix B: $ieee754 is written $canonical", ({ ieee754, canonical }) => {
    expect(identifyConfig({ n: double(ieee754) }).hash).toBe(sha256(`{"n":${canonical}}`));
  });

  it.each(rfc8785.refusedNumbers)("appendix B: %s is refused", (hex) => {
    expect(refusal({ n: double(hex) })).toMatchObject({ code: "config_invalid" });
  });

  it.each(rfc8785.values)("$title", ({ json, canonicalHex }) => {
    expect(identifyConfig(JSON.parse(json)).hash).toBe(sha256(Buffer.from(canonicalHex, "hex")));
  });

  it("does not hang on the order of keys", () => {
    expect(identifyConfig({ b: 1, a: 2 }).hash).toBe(identifyConfig({ a: 2, b: 1 }).hash);
    expect(identifyConfig({ b: 1, a: 2 }).hash).not.toBe(identifyConfig({ a: 1, b: 2 }).hash);
  });

  it("tells keys apart that Unicode normalisation would join", () => {
    const [composed, combined] = ["\u00e9", "e\u0301"];
    const both = identifyConfig({ [composed]: 1, [combined]: 2 });
    expect(Object.keys(both.body)).toEqual([composed, combined]);
    expect(both.hash).toBe(sha256(`{"${combined}":2,"${composed}":1}`));
    expect(identifyConfig({ [composed]: 1 }).hash).not.toBe(identifyConfig({ [combined]: 1 }).hash);
  });

  it("speaks of the body, whatever JSON it is, and of the body as storage gives it back", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (config) => {
        const { hash, body } = identifyConfig(config);
        expect(identifyConfig(body)).toEqual({ hash, body });
        expect(identifyConfig(JSON.parse(JSON.stringify(body)))).toEqual({ hash, body });
      }),
    );
  });
});

describe("the body of a config", () => {
  it("is a copy that shares nothing with the value", () => {
    const value = { tools: [{ name: "a" }] };
    const { body } = identifyConfig(value);
    value.tools[0]!.name = "b";
    expect(body).toEqual({ tools: [{ name: "a" }] });
  });

  it("has 0 where the value has -0, as JSON would give it back", () => {
    expect(Object.is(identifyConfig({ n: -0 }).body.n, 0)).toBe(true);
  });

  it("keeps a key called __proto__ as a key, and touches no prototype", () => {
    const { hash, body } = identifyConfig(JSON.parse('{"__proto__":{"isAdmin":true},"a":1}'));
    expect(hash).toBe(sha256('{"__proto__":{"isAdmin":true},"a":1}'));
    expect(Object.keys(body)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect("isAdmin" in body).toBe(false);
    expect("isAdmin" in {}).toBe(false);
    expect(hash).not.toBe(identifyConfig({ a: 1 }).hash);
    expect(identifyConfig(structuredClone(body)).hash).toBe(hash);
  });

  it("is what was read once, so that a getter cannot give the hash another value than the body", () => {
    let count = 0;
    const value = Object.defineProperty({}, "n", { enumerable: true, get: () => ++count });
    const { hash, body } = identifyConfig(value);
    expect(body).toEqual({ n: 1 });
    expect(hash).toBe(sha256('{"n":1}'));
  });

  it("is not what a hidden toJSON would say", () => {
    const hidden = Object.defineProperty({ a: 1 }, "toJSON", { value: () => ({ a: 2 }) });
    expect(identifyConfig({ hidden })).toEqual(identifyConfig({ hidden: { a: 1 } }));
    const list = Object.defineProperty([1], "toJSON", { value: () => [2] });
    expect(identifyConfig({ list })).toEqual(identifyConfig({ list: [1] }));
    expect(identifyConfig({ toJSON: "a text" }).body).toEqual({ toJSON: "a text" });
  });

  it("may come from an object without a prototype", () => {
    expect(identifyConfig(Object.assign(Object.create(null), { a: 1 }))).toEqual(identifyConfig({ a: 1 }));
  });
});

describe("refused is what JSON would drop or change without a word", () => {
  class Custom {}
  const throwing = {
    get model(): string {
      throw new Error("no model");
    },
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();

  it.each<[string, unknown, string]>([
    ["undefined", { a: [{ b: undefined }] }, "a.0.b (undefined)"],
    ["a hole in an array", { a: new Array(1) }, "a.0 (undefined)"],
    [
      "a named property of an array",
      { a: Object.assign([1], { b: 2 }) },
      "a.b (a named property of an array)",
    ],
    ["a function", { a: () => 1 }, "a (function)"],
    ["a toJSON method", { a: { toJSON: () => 1 } }, "a.toJSON (function)"],
    ["a date", { at: new Date(0) }, "at (Date)"],
    ["a date as the whole", new Date(0), "the whole (Date)"],
    ["a map", { a: new Map() }, "a (Map)"],
    ["an instance of a class", { a: new Custom() }, "a (Custom)"],
    ["an object that inherits", { a: Object.create({ b: 1 }) }, "a (an object with a prototype)"],
    [
      "an object that inherits from one that does not",
      { a: Object.create(Object.create(null)) },
      "a (an object with a prototype)",
    ],
    ["a literal with a prototype", { a: { __proto__: { b: 1 } } }, "a (an object with a prototype)"],
    ["a key that is a symbol", { a: { [Symbol("s")]: 1 } }, "a (the key Symbol(s))"],
    ["a symbol on an array", { a: Object.assign([], { [Symbol("s")]: 1 }) }, "a (the key Symbol(s))"],
    ["a symbol", { a: Symbol("s") }, "a (symbol)"],
    ["a large integer", { a: 1n }, "a (bigint)"],
    ["NaN", { a: Number.NaN }, "a (NaN)"],
    ["an infinity", { a: Number.NEGATIVE_INFINITY }, "a (-Infinity)"],
    ["a getter that throws", { a: throwing }, "a.model (reading it throws)"],
    ["a revoked proxy", { a: proxy }, "a part that cannot be read"],
    ["a key with a dot on the way", { "a.b": { c: undefined } }, '"a.b".c (undefined)'],
    ["half an emoji", { a: ["\ud83d"] }, "a.0 (a lone surrogate, half a character)"],
    ["half an emoji in a key", { a: { "x\ude00": 1 } }, 'a."x\\ude00" (a lone surrogate, half a character)'],
  ])("%s", (_title, config, offender) => {
    const error = refusal(config);
    expect(error).toMatchObject({ code: "config_invalid", details: { received: offender } });
    expect(error.message).toBe(`A config must be plain JSON; this part is not: ${offender}.`);
    expect(error.details.allowed).toContain("well-formed strings");
  });

  it("keeps the error of a getter as the cause", () => {
    expect(refusal(throwing).cause).toEqual(new Error("no model"));
    expect(refusal({ a: undefined }).cause).toBeUndefined();
  });

  it("a cycle, and what is nested deeper than 100 levels", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = [cycle];
    expect(refusal(cycle).message).toContain("(deeper than 100 levels, or a cycle)");
    const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
    expect(identifyConfig(nested(100)).hash).toMatch(/^[0-9a-f]{64}$/);
    expect(refusal(nested(101))).toMatchObject({ code: "config_invalid" });
  });

  it.each<[string, unknown, string]>([
    ["an array", [1], "an array"],
    ["null", null, "null"],
    ["a text", "gpt", "string gpt"],
    ["undefined", undefined, "undefined"],
    ["a function", () => 1, "a function"],
  ])("%s as the whole", (_title, config, described) => {
    expect(refusal(config)).toMatchObject({
      code: "config_invalid",
      message: `A config must be a JSON object; received ${described}.`,
    });
  });
});

describe("partNotJson", () => {
  it("names the first part that is not plain JSON, or nothing", () => {
    expect(partNotJson({ a: [1, { b: "x" }] })).toBeNull();
    expect(partNotJson({ a: [1, { b: () => 1 }] })).toBe("a.1.b (function)");
  });

  it("lets half a character pass: a context is stored escaped, and must not stop a session", () => {
    expect(partNotJson({ task: "cut \ud83d" })).toBeNull();
  });
});
