/**
 * Hashes, ids and lists of names as people read them.
 */

/** The first characters of a hash: enough to tell two apart, and to be asked for by. */
export const short = (hash: string): string => hash.slice(0, 12);

/** The first characters of an experiment's id: the whole of its time, to the millisecond. */
export const shortId = (id: string): string => id.slice(0, 13);

/** Names joined as people do: "a", "a and b", "a, b and c". */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}
