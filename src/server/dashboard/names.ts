/**
 * What configs, arms and experiments are called on pages, and where their pages are.
 */
import { listed, short } from "../../core/words/names.js";
import type { Tone } from "./parts.js";

/** A config by its label, else by the beginning of its hash. */
export function configName({
  hash,
  label,
}: {
  readonly hash: string;
  readonly label?: string | null;
}): string {
  return label || short(hash);
}

/** The name of each arm, by its place: roles where there are two, else the configs' names. */
export function armNames(
  challengers: readonly { readonly hash: string; readonly label?: string | null }[],
): readonly string[] {
  return ["champion", ...(challengers.length === 1 ? ["challenger"] : challengers.map(configName))];
}

/** Who contends against whom. */
export function contestName(
  champion: { readonly hash: string; readonly label?: string | null },
  challengers: readonly { readonly hash: string; readonly label?: string | null }[],
): string {
  const many = challengers.length > 2;
  const names = many ? `${challengers.length} challengers` : listed(challengers.map(configName));
  return `${names} against ${configName(champion)}`;
}

/** The page of a project. */
export const projectPath = (key: string): string => `/projects/${encodeURIComponent(key)}`;

/** The page of an experiment. */
export const experimentPath = (key: string, id: string): string =>
  `${projectPath(key)}/experiments/${encodeURIComponent(id)}`;

/** The page of two configs side by side. */
export const diffPath = (key: string, before: string, after: string): string =>
  `${projectPath(key)}/configs/${short(before)}..${short(after)}`;

/** The page of a session. */
export const sessionPath = (id: string): string => `/sessions/${encodeURIComponent(id)}`;

/** Where an experiment stands, as a tone. */
export function statusTone(state: string): Tone {
  if (state === "promoted") return "good";
  if (state === "awaiting approval" || state === "paused") return "warn";
  return state === "aborted" || state === "rolled back" ? "bad" : "neutral";
}
