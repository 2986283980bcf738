/**
 * Two lists of texts side by side: which they share, in order, and which only one of them has.
 */
import { create } from "jsondiffpatch";

/** An item of both lists, or of one: its places in `before` and in `after`. */
export type Step =
  | { readonly kind: "both"; readonly before: number; readonly after: number }
  | { readonly kind: "removed"; readonly before: number }
  | { readonly kind: "added"; readonly after: number };

// The table of common subsequences has a cell for each pair of items: this many are some 30 MB and 0.1 s.
const CELL_COUNT_MAX = 4_000_000;

// Texts are equal or not: nothing to match by position. A move would break the order of the steps.
const patcher = create({ matchByPosition: false, arrays: { detectMove: false } });

function commonHead(before: readonly string[], after: readonly string[]): number {
  const parts = before.findIndex((item, index) => item !== after[index]);
  return parts === -1 ? before.length : parts;
}

/** The keys of jsondiffpatch's array delta: `_3` for a removed item, `3` for an added one. */
function deltaKeys(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  if (before.length * after.length <= CELL_COUNT_MAX)
    return new Set(Object.keys(patcher.diff(before, after) ?? {}));
  return new Set([...before.keys()].map((index) => `_${index}`).concat([...after.keys()].map(String)));
}

/**
 * The way from one list to the other through a longest common subsequence; within a gap what is removed comes first.
 *
 * Beyond their common head and tail, lists whose lengths multiply to more than four million are taken to share nothing.
 *
 * @example
 * aligned(["a", "b"], ["b"]); // [{ kind: "removed", before: 0 }, { kind: "both", before: 1, after: 0 }]
 */
export function aligned(before: readonly string[], after: readonly string[]): readonly Step[] {
  const head = commonHead(before, after);
  const tail = commonHead(before.slice(head).reverse(), after.slice(head).reverse());
  const keys = deltaKeys(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  const steps: Step[] = [];
  for (let [left, right] = [0, 0]; left < before.length || right < after.length; ) {
    if (keys.has(`_${left - head}`)) steps.push({ kind: "removed", before: left++ });
    else if (keys.has(String(right - head))) steps.push({ kind: "added", after: right++ });
    else steps.push({ kind: "both", before: left++, after: right++ });
  }
  return steps;
}
