/**
 * What differs between two configs, as a list a person can read.
 */
import type { Json, JsonObject } from "../../core/errors.js";
import { type ElementPlaces, sameElements } from "./elements.js";
import { isList, isObject, keysOf, own, pointer } from "./places.js";

/** One difference of two configs. */
export interface ConfigChange {
  /** JSON pointer (RFC 6901) into the config after the change; for `removed`, into the one before */
  readonly path: string;
  readonly kind: "added" | "removed" | "changed";
  /** missing where something was added */
  readonly before?: Json;
  /** missing where something was removed */
  readonly after?: Json;
}

/**
 * The differences of two configs, in the order of their paths; none if and only if their canonical JSON is equal.
 *
 * The order of keys never matters. A text is one value: it is `changed` as a whole. Which elements of two arrays are the
 * same, {@link sameElements} says: a tool put first is one `added`, an edit in a tool is told inside of it. An element
 * that moved past others is `removed` where it was and `added` where it is.
 *
 * @example
 * diffConfigs({ model: "m1", tools: ["a"] }, { model: "m2", tools: ["b", "a"] });
 * // [{ path: "/model", kind: "changed", before: "m1", after: "m2" }, { path: "/tools/0", kind: "added", after: "b" }]
 */
export function diffConfigs(before: JsonObject, after: JsonObject): readonly ConfigChange[] {
  return [...changes("", before, after)]
    .map((change) => ({ change, keys: keysOf(change.path) }))
    .sort((a, b) => byKeys(a.keys, b.keys) || byKind(a.change, b.change))
    .map(({ change }) => change);
}

/** The changes of one value; undefined stands for none at all. */
function* changes(path: string, before: Json | undefined, after: Json | undefined): Generator<ConfigChange> {
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* changes(pointer(path, key), own(before, key), own(after, key));
  } else if (isList(before) && isList(after)) {
    for (const places of sameElements(before, after)) yield* elementChanges(path, before, after, places);
  } else if (before !== after) {
    if (before === undefined) yield { path, kind: "added", after: after as Json };
    else if (after === undefined) yield { path, kind: "removed", before };
    else yield { path, kind: "changed", before, after };
  }
}

function elementChanges(
  path: string,
  before: readonly Json[],
  after: readonly Json[],
  places: ElementPlaces,
): Generator<ConfigChange> {
  const shown = (places.after ?? places.before) as number;
  return changes(pointer(path, shown), before[places.before ?? -1], after[places.after ?? -1]);
}

// ---- Order

const INDEX = /^\d+$/;

/** Numbers first, by size, then names by their code units: the order must not hang on the machine's language. */
function byKey(a: string, b: string): number {
  const [isIndexA, isIndexB] = [INDEX.test(a), INDEX.test(b)];
  if (isIndexA !== isIndexB) return isIndexA ? -1 : 1;
  const bySize = isIndexA ? Number(a) - Number(b) : 0;
  if (bySize) return bySize;
  return a < b ? -1 : Number(a > b);
}

function byKeys(a: readonly string[], b: readonly string[]): number {
  const parts = a.findIndex((key, index) => key !== b[index]);
  if (parts === -1) return a.length - b.length;
  return parts < b.length ? byKey(a[parts] as string, b[parts] as string) : 1;
}

/** At one path of two arrays, what was there comes before what is there. */
function byKind(a: ConfigChange, b: ConfigChange): number {
  return Number(b.kind === "removed") - Number(a.kind === "removed");
}
