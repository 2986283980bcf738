/**
 * A config's identity: the SHA-256 of its canonical JSON (RFC 8785).
 *
 * A value is read once, into a copy, and only the copy is hashed and kept: no getter, proxy or `toJSON` can make the
 * hash speak of another body than the one stored.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import canonicalize from "canonicalize";
import { frozenPolicy, type Policy } from "../../core/decision/policy.js";
import { DethroneError, type Json, type JsonObject, received } from "../../core/errors.js";
import type { NewConfig } from "../ports.js";
import { dotted, textsOf } from "./places.js";

const DEPTH_MAX = 100;

/** Thrown and caught in this file: where a value is not JSON, and what stands there. */
class NotJson extends Error {
  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`${path === "" ? "the whole" : path} (${what})`, options);
  }
}

/** A copy of a value of JSON. Cycles end at the depth limit. @throws NotJson */
function copied(value: unknown, path: string, depth: number): Json {
  if (depth > DEPTH_MAX) throw new NotJson(path, `deeper than ${DEPTH_MAX} levels, or a cycle`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  // JSON has no -0: without the sum the copy would differ from what is read back from storage.
  if (typeof value === "number" && Number.isFinite(value)) return value + 0;
  if (typeof value === "number") throw new NotJson(path, String(value));
  if (typeof value !== "object") throw new NotJson(path, typeof value);
  const copy = Array.isArray(value) ? copiedList(value, path, depth) : copiedObject(value, path, depth);
  refuseSymbols(value, path);
  return copy;
}

function copiedList(list: readonly unknown[], path: string, depth: number): Json[] {
  // A loop, not map: map would keep holes, and JSON has none.
  const copy: Json[] = [];
  for (let index = 0; index < list.length; index++)
    copy.push(copied(member(list, index, path), dotted(path, index), depth + 1));
  const named = Object.keys(list)[list.length];
  if (named !== undefined) throw new NotJson(dotted(path, named), "a named property of an array");
  return copy;
}

function copiedObject(value: object, path: string, depth: number): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new NotJson(path, className(prototype));
  // From entries, because an assignment to `__proto__` would change the copy's prototype and lose the key.
  return Object.fromEntries(
    Object.keys(value).map((key) => [key, copied(member(value, key, path), dotted(path, key), depth + 1)]),
  );
}

function member(holder: object, key: string | number, path: string): unknown {
  try {
    return Reflect.get(holder, key);
  } catch (cause) {
    throw new NotJson(dotted(path, key), "reading it throws", { cause });
  }
}

function refuseSymbols(value: object, path: string): void {
  const symbol = Object.getOwnPropertySymbols(value).find((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key),
  );
  if (symbol !== undefined) throw new NotJson(path, `the key ${String(symbol)}`);
}

function className(prototype: unknown): string {
  const owner = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value as
    | { name?: unknown }
    | undefined;
  return typeof owner?.name === "string" && owner.name !== "Object"
    ? owner.name
    : "an object with a prototype";
}

/** A value's own copy, or where it is not plain JSON and the error that says so. */
function copyOf(value: object): { copy: Json } | { offender: string; cause: unknown } {
  try {
    return { copy: copied(value, "", 0) };
  } catch (error) {
    if (error instanceof NotJson) return { offender: error.message, cause: error.cause };
    // A proxy may throw before there is a member to name.
    return { offender: "a part that cannot be read", cause: error };
  }
}

/** Path of the first part of an object that is not plain JSON, or null. */
export function partNotJson(value: object): string | null {
  const result = copyOf(value);
  return "offender" in result ? result.offender : null;
}

// RFC 8785 section 3.2.2.2 demands that these end in an error: UTF-8, which is what is hashed, cannot say them.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Where a text holds half a character, as a cut through the middle of an emoji leaves, or null. */
function loneSurrogate(body: Json): string | null {
  for (const { text, path, isKey } of textsOf(body))
    if (LONE_SURROGATE.test(text))
      return `${isKey ? dotted(path, text) : path} (a lone surrogate, half a character)`;
  return null;
}

/** SHA-256, in hexadecimal, of the canonical JSON of a value. */
function hashOf(value: Json): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalize(value) as string)));
}

/** The hash of what stays frozen of a policy while its experiment runs. */
export function policyHashOf(policy: Policy): string {
  return hashOf(frozenPolicy(policy));
}

/**
 * A config with its identity, as a copy of its own.
 *
 * Refused is what JSON would drop or change without a word: functions, dates and other classes, undefined, NaN, holes,
 * keys that are symbols, named properties of arrays, getters that throw, cycles, and texts with half a character. Keys
 * are told apart by their UTF-16 units, without Unicode normalisation; -0 is 0; `toJSON` is not called.
 *
 * @param value any JSON object
 * @throws DethroneError `config_invalid` naming the part that is not JSON
 * @example
 * identifyConfig({ b: 1, a: 2 }).hash === identifyConfig({ a: 2, b: 1 }).hash; // true
 */
export function identifyConfig(value: unknown): NewConfig {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DethroneError(
      "config_invalid",
      `A config must be a JSON object; received ${describe(value)}.`,
      {
        received: received(value),
        allowed: "a JSON object",
      },
    );
  }
  const result = copyOf(value);
  if ("offender" in result) notPlainJson(result.offender, result.cause);
  const offender = loneSurrogate(result.copy);
  if (offender !== null) notPlainJson(offender, undefined);
  return { hash: hashOf(result.copy), body: result.copy as JsonObject };
}

function notPlainJson(offender: string, cause: unknown): never {
  throw new DethroneError(
    "config_invalid",
    `A config must be plain JSON; this part is not: ${offender}.`,
    {
      received: offender,
      allowed: "objects, arrays, well-formed strings, finite numbers, booleans and null",
    },
    cause === undefined ? {} : { cause },
  );
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "function") return "a function";
  if (value === null || value === undefined) return String(value);
  return `${typeof value} ${String(value)}`.trim();
}
