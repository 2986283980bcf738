/**
 * From a flag key to a project and a field of its config.
 */
import { DethroneError, isDethroneError } from "../../core/errors.js";
import { RecentMap } from "../../engine/recent-map.js";
import type { FlagEngine, FlagProject } from "./engine.js";

/** What a flag key stands for. */
export interface FlagPlace {
  readonly project: FlagProject;
  /** dotted path of a field of the config; null for the config itself */
  readonly path: string | null;
}

const CAPACITY = 1000;

/** How long a key that stands for nothing is not looked up again: code in a loop must not ask the database each time. */
const MISSING_MS = 5000;

/**
 * Looks flag keys up, each once. A key is a project's own, or a project's followed by a dot and a path; where both could
 * be meant the longer project key is.
 *
 * @example
 * await keys.place("support"); // the whole config of project support
 * await keys.place("support.tools.search"); // one field of it
 */
export class FlagKeys {
  readonly #engine: FlagEngine;
  readonly #now: () => number;
  readonly #places = new RecentMap<string, FlagPlace>(CAPACITY);
  readonly #refused = new RecentMap<string, { readonly error: unknown; readonly untilMs: number }>(CAPACITY);

  constructor(engine: FlagEngine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  /** The projects evaluated so far, each with its flag keys. */
  projects(): ReadonlyMap<FlagProject, readonly string[]> {
    const keys = new Map<FlagProject, string[]>();
    for (const [key, { project }] of this.#places.entries()) {
      keys.set(project, [...(keys.get(project) ?? []), key]);
    }
    return keys;
  }

  /** @throws DethroneError `project_not_found`; whatever else the engine rejects with, where it cannot say */
  async place(key: string): Promise<FlagPlace> {
    const known = this.#places.get(key);
    if (known) return known;
    const refused = this.#refused.get(key);
    if (refused && refused.untilMs > this.#now()) throw refused.error;
    let failure: unknown;
    let refusal: unknown = notFound(key);
    for (const { project: projectKey, path } of readings(key)) {
      try {
        const place = { project: await this.#engine.project(projectKey), path };
        // While the database cannot say whether there is a longer one, this reading is not the last word.
        if (failure === undefined) this.#places.set(key, place);
        return place;
      } catch (error) {
        // What a client's key is not for is none of its flags; a text that cannot be a project's key is none either.
        if (isDethroneError(error) && error.code === "scope_missing") refusal = error;
        else if (!isDethroneError(error) || !["not_found", "invalid_input"].includes(error.kind))
          failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    this.#refused.set(key, { error: refusal, untilMs: this.#now() + MISSING_MS });
    throw refusal;
  }
}

/** All readings of a key, the longest project key first. */
function readings(key: string): { readonly project: string; readonly path: string | null }[] {
  const parts = key.split(".");
  return parts.map((_, index) => {
    const length = parts.length - index;
    return {
      project: parts.slice(0, length).join("."),
      path: index === 0 ? null : parts.slice(length).join("."),
    };
  });
}

function notFound(key: string): DethroneError {
  return new DethroneError(
    "project_not_found",
    `Flag '${key}' is neither a project nor a field of one's config.`,
    { received: key, allowed: "a project's key, or a project's key, a dot and the path of a field" },
  );
}
