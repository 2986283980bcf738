import type { Json, JsonObject } from "./errors.js";

/**
 * A field of a JSON object: by its name as it is, else by its name as a path of names with dots between; undefined where
 * there is neither.
 */
export function fieldOf(record: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(record, name)) return record[name];
  let found: Json | undefined = record;
  for (const part of name.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as JsonObject)[part];
  }
  return found;
}
