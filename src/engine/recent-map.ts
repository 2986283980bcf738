/**
 * A map that forgets: of more entries than it may hold, the one not used for longest goes.
 */

/** A bounded map, by last use. */
export class RecentMap<Key, Value> {
  // A Map remembers the order of insertion.
  readonly #entries = new Map<Key, Value>();
  readonly #capacity: number;

  /** @param capacity most entries; 1 or more */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, which counts as a use. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value as Key);
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  /** From the one not used for longest. */
  entries(): IterableIterator<[Key, Value]> {
    return this.#entries.entries();
  }
}
