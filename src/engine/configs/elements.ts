/**
 * Which elements of two arrays are the same element.
 */
import canonicalize from "canonicalize";
import type { Json } from "../../core/errors.js";
import { aligned } from "./alignment.js";
import { isList, isObject, own } from "./places.js";

/** Where an element is in the two arrays; undefined in the one it is not in. */
export interface ElementPlaces {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
}

/** An array with, for each element, the name that tells it from all others, or null. */
interface NamedList {
  readonly items: readonly Json[];
  readonly names: readonly (string | null)[];
}

/**
 * The elements of two arrays, each once, in the order of the arrays.
 *
 * - Elements are aligned by a longest common subsequence. They are the same if they have the same `id`, else `name`,
 *   else `function.name`, where that is unique in both arrays; without one, if they are equal.
 * - Between two shared elements the first nameless one of each array, the second ones, and so on, are taken for the
 *   same if both are objects, both arrays or both neither: an edited message is still that message.
 *
 * @example
 * sameElements(["a", "b"], ["new", "a", "c"]); // [{ after: 0 }, { before: 0, after: 1 }, { before: 1, after: 2 }]
 */
export function sameElements(before: readonly Json[], after: readonly Json[]): readonly ElementPlaces[] {
  const [left, right] = named(before, after);
  const found: ElementPlaces[] = [];
  const gap: { before: number[]; after: number[] } = { before: [], after: [] };
  const closeGap = (): void => {
    found.push(...gapElements(left, gap.before.splice(0), right, gap.after.splice(0)));
  };
  for (const step of aligned(identities(left), identities(right))) {
    if (step.kind === "removed") gap.before.push(step.before);
    else if (step.kind === "added") gap.after.push(step.after);
    else {
      closeGap();
      found.push({ before: step.before, after: step.after });
    }
  }
  closeGap();
  return found;
}

function named(before: readonly Json[], after: readonly Json[]): [NamedList, NamedList] {
  const [left, right] = [before.map(nameOf), after.map(nameOf)];
  const repeated = new Set([...repeatedOf(left), ...repeatedOf(right)]);
  const unique = (name: string | null): string | null => (repeated.has(name) ? null : name);
  return [
    { items: before, names: left.map(unique) },
    { items: after, names: right.map(unique) },
  ];
}

/** What an element calls itself. An `id` stays when a name is edited; OpenAI's tools are named one level down. */
function nameOf(item: Json): string | null {
  if (!isObject(item)) return null;
  const inner = own(item, "function");
  const names = [own(item, "id"), own(item, "name"), isObject(inner) ? own(inner, "name") : undefined];
  const name = names.find((value) => typeof value === "string" || typeof value === "number");
  return name === undefined ? null : JSON.stringify(name);
}

function repeatedOf(names: readonly (string | null)[]): (string | null)[] {
  const seen = new Set<string | null>();
  return names.filter((name) => seen.size === seen.add(name).size);
}

/** A text for each element, equal for those that are the same. No canonical JSON begins with a space. */
function identities({ items, names }: NamedList): string[] {
  return items.map((item, index) => {
    const name = names[index] ?? null;
    return name === null ? (canonicalize(item) as string) : ` ${name}`;
  });
}

/** The elements of a gap: those that are in both arrays as it seems, those only before, those only after. */
function gapElements(
  left: NamedList,
  removed: readonly number[],
  right: NamedList,
  added: readonly number[],
): ElementPlaces[] {
  const candidates = added.filter((index) => right.names[index] === null);
  const partners = new Map<number, number>();
  for (const [nth, index] of removed.filter((place) => left.names[place] === null).entries()) {
    const candidate = candidates[nth];
    if (candidate !== undefined && sortOf(left.items[index]) === sortOf(right.items[candidate]))
      partners.set(index, candidate);
  }
  const taken = new Set(partners.values());
  return [
    ...removed.map((index) => ({ before: index, after: partners.get(index) })),
    ...added.filter((index) => !taken.has(index)).map((index) => ({ after: index })),
  ];
}

function sortOf(item: Json | undefined): "object" | "array" | "neither" {
  if (isList(item)) return "array";
  return isObject(item) ? "object" : "neither";
}
