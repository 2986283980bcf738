/**
 * Where something stands inside a JSON value: as a path of names with dots between, and as a JSON pointer (RFC 6901).
 */
import type { Json, JsonObject } from "../../core/errors.js";

/** Whether a JSON value is an array. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a JSON value is an object, and no array. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

/** A member of an object, not of what every object inherits: a config may have a key called `constructor`. */
export function own(record: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

// A key that would not be told from its surroundings, or would not be seen.
const NEEDS_QUOTES = /^$|[\s."\p{Cc}\p{Bidi_Control}\p{Surrogate}]/u;

/**
 * The dotted path of a member, from the path of what it is in ("" for the whole value).
 *
 * @example
 * dotted(dotted("tools", 0), "name"); // "tools.0.name"
 * dotted("models", "gpt.5"); // 'models."gpt.5"'
 */
export function dotted(path: string, key: string | number): string {
  const name = String(key);
  const step = NEEDS_QUOTES.test(name) ? JSON.stringify(name) : name;
  return path === "" ? step : `${path}.${step}`;
}

/**
 * The JSON pointer of a member, from the pointer of what it is in ("" for the whole value).
 *
 * @example
 * pointer("/paths", "a/b"); // "/paths/a~1b"
 */
export function pointer(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/**
 * The keys a JSON pointer goes through.
 *
 * @example
 * keysOf("/paths/a~1b"); // ["paths", "a/b"]
 */
export function keysOf(place: string): string[] {
  const [, ...keys] = place.split("/");
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A text in a JSON value, and where. */
export interface PlacedText {
  readonly text: string;
  /** dotted path of the string, or of the object that has the key */
  readonly path: string;
  readonly isKey: boolean;
  /** key of the nearest field around it: the elements of an array stand in the array's field; null outside of any */
  readonly field: string | null;
  /** the object or array that holds the text, or null if the text is the whole value */
  readonly holder: Json;
}

/** Every string of a JSON value, keys included: each key before what stands under it. */
export function* textsOf(
  value: Json,
  path = "",
  field: string | null = null,
  holder: Json = null,
): Generator<PlacedText> {
  if (typeof value === "string") yield { text: value, path, isKey: false, field, holder };
  if (isList(value)) {
    for (const [index, item] of value.entries()) yield* textsOf(item, dotted(path, index), field, value);
  }
  if (!isObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    yield { text: key, path, isKey: true, field, holder: value };
    yield* textsOf(item, dotted(path, key), key, value);
  }
}
