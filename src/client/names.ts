/**
 * Numbers for names. Inside the engine, projects, configs, experiments and arms are known by the numbers a database has
 * given them; a client has names alone, and numbers them as it meets them.
 */
import type { IdOf } from "../engine/sessions/snapshot.js";

/** Names and their numbers, which hold for one client. */
export class Names {
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** The number of a name; the same one each time. */
  readonly idOf: IdOf = (kind, name) => {
    const key = `${kind} ${name}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#names.length);
    return this.#names.push(name) - 1;
  };

  /** The name of a number. */
  nameOf(id: number): string {
    return this.#names[id] as string;
  }
}

/** The name of an arm. */
export function armName(experiment: string, place: number): string {
  return `${experiment}/${place}`;
}

/** The place in an arm's name. */
export function placeIn(name: string): number {
  return Number(name.slice(name.lastIndexOf("/") + 1));
}
