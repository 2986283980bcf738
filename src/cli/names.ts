/**
 * What people call experiments, configs and arms: short, and never longer than a column.
 */
import { DethroneError } from "../core/errors.js";
import { short } from "../core/words/names.js";
import { currentExperiment, requireConfig } from "../engine/experiments/lookup.js";
import type { ProjectConfig, ProjectState, Store, StoredExperiment } from "../engine/ports.js";
import { textWidth } from "./render.js";

/** A text held to a width, on one line. */
export function clipped(text: string, width: number): string {
  // A label may hold anything; what would move the cursor must not reach a terminal.
  const line = text.replace(/\p{Cc}+/gu, " ");
  if (textWidth(line) <= width) return line;
  const letters = [...line];
  while (textWidth(letters.join("")) > width - 1) letters.pop();
  return `${letters.join("")}…`;
}

const NAME_WIDTH = 20;

/** What a config is called: by its label, else by the beginning of its hash. */
export function configName({
  hash,
  label,
}: {
  readonly hash: string;
  readonly label?: string | null;
}): string {
  return label ? clipped(label, NAME_WIDTH) : short(hash);
}

/** The name of each arm of a report or experiment, by its place: roles where there are two, else the configs' names. */
export function armNames(challengers: readonly { readonly hash: string; readonly label?: string | null }[]) {
  return ["champion", ...(challengers.length === 1 ? ["challenger"] : challengers.map(configName))];
}

/** The name of an arm; a number where its config's name is not known. */
export function armName(arm: number, arms: number, names: readonly string[] = []): string {
  if (arm === 0) return "champion";
  return names[arm] ?? (arms > 2 ? `challenger ${arm}` : "challenger");
}

/** The labels of a project's configs, by hash. */
export type Labels = ReadonlyMap<string, string | null>;

/** The labels of a project's configs. */
export async function labelsOf(store: Store, projectId: number): Promise<Labels> {
  const configs = await store.projectConfigs(projectId);
  return new Map(configs.map(({ hash, label }) => [hash, label]));
}

/** What a config of a project is called. */
export function nameIn(labels: Labels, hash: string): string {
  return configName({ hash, label: labels.get(hash) ?? null });
}

/** The only challenger of the experiment that people mean. @throws DethroneError `arm_not_found` */
function onlyChallenger(experiment: StoredExperiment | null, key: string): string {
  const challengers = experiment?.arms.slice(1) ?? [];
  const [challenger] = challengers;
  if (challenger && challengers.length === 1) return challenger.config.hash;
  throw new DethroneError(
    "arm_not_found",
    challenger
      ? `Project '${key}' has ${challengers.length} challengers: name one by its label or hash.`
      : `Project '${key}' has no challenger yet.`,
    { received: "challenger", known: challengers.map(({ config }) => short(config.hash)) },
  );
}

/**
 * A config of a project as people name it: `champion`, `challenger`, a label, or the beginning of a hash.
 *
 * @throws DethroneError `config_not_found`, `arm_not_found`
 */
export async function configNamed(store: Store, state: ProjectState, ref: string): Promise<ProjectConfig> {
  const named = async (): Promise<string> => {
    if (ref === "champion") return state.champion.hash;
    if (ref !== "challenger") return ref;
    return onlyChallenger(await currentExperiment(store, state.key), state.key);
  };
  return requireConfig(store, state.id, await named());
}
