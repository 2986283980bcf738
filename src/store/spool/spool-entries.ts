/**
 * What a spool holds, a line each: starts, ends, signals and exclusions, named so that they can be stored in another
 * copy of the database than the one they were meant for, where ids of rows may differ.
 */
import { createHash } from "node:crypto";
import type { ProjectState, SessionEnd, SessionSignal, SessionStart } from "../../engine/ports.js";

/** What a session is served, in names that hold in any copy of the database. */
export interface ServedNames {
  /** a config's hash */
  readonly config: string;
  /** an experiment's id at the edge; null outside of one */
  readonly experiment: string | null;
  /** the arm's place in the experiment */
  readonly arm: number | null;
}

type ServedIds = Pick<SessionStart, "configId" | "experimentId" | "armId">;

/** One thing to store later. */
export type SpoolEntry =
  | {
      readonly kind: "start";
      readonly start: SessionStart;
      /** the project's key */
      readonly project: string;
      readonly names: ServedNames;
    }
  | { readonly kind: "end"; readonly end: SessionEnd }
  | { readonly kind: "signal"; readonly signal: SessionSignal }
  | { readonly kind: "exclude"; readonly sessionId: string; readonly names: ServedNames | null };

/** The session an entry is about. */
export function sessionOf(entry: SpoolEntry): string {
  switch (entry.kind) {
    case "start":
      return entry.start.id;
    case "end":
      return entry.end.sessionId;
    case "signal":
      return entry.signal.sessionId;
    case "exclude":
      return entry.sessionId;
  }
}

const SUM_LENGTH = 8;
const SUM_END = `["${"0".repeat(SUM_LENGTH)}",`.length;

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, SUM_LENGTH);
}

/** A line, with its end: `["<checksum>",<entry>]`. */
export function encodeLine(entry: object): string {
  const text = JSON.stringify(entry);
  return `["${sumOf(text)}",${text}]\n`;
}

/** What a line says, without its end; null where it is not whole. */
export function decodeLine(line: string): object | null {
  const text = line.slice(SUM_END, -1);
  if (line !== `["${sumOf(text)}",${text}]`) return null;
  return JSON.parse(text) as object;
}

/** The names behind the ids that one database has given out. */
export class Names {
  readonly #projects = new Map<number, string>();
  readonly #configs = new Map<number, string>();
  readonly #experiments = new Map<number, string>();
  readonly #arms = new Map<number, number>();

  /** Every id that sessions of the state may be started with. */
  learn({ id, key, champion, experiment }: ProjectState): void {
    this.#projects.set(id, key);
    this.#configs.set(champion.id, champion.hash);
    if (!experiment) return;
    this.#experiments.set(experiment.id, experiment.uid);
    for (const [position, arm] of experiment.arms.entries()) {
      this.#arms.set(arm.id, position);
      this.#configs.set(arm.config.id, arm.config.hash);
    }
  }

  /** The names of what a session is served; null where one of its ids was never learned. */
  served({ configId, experimentId, armId }: ServedIds): ServedNames | null {
    const config = this.#configs.get(configId);
    if (config === undefined) return null;
    if (experimentId === null || armId === null) return { config, experiment: null, arm: null };
    const experiment = this.#experiments.get(experimentId);
    const arm = this.#arms.get(armId);
    return experiment === undefined || arm === undefined ? null : { config, experiment, arm };
  }

  /** The key of a project; null where its id was never learned. */
  project(id: number): string | null {
    return this.#projects.get(id) ?? null;
  }
}
