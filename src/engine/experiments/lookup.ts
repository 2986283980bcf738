/**
 * Finding what a caller names: a project, an experiment, a config, an arm.
 */
import { DethroneError, received } from "../../core/errors.js";
import type { ProjectConfig, ProjectState, Store, StoredArm, StoredExperiment } from "../ports.js";

/** @throws DethroneError `project_not_found` */
export async function requireProject(store: Store, key: string): Promise<ProjectState> {
  const state = await store.projectState(key);
  if (state) return state;
  const known = await store.projectKeys();
  throw new DethroneError(
    "project_not_found",
    `There is no project '${key}'. ${known.length > 0 ? `Known: ${known.join(", ")}.` : "Create one with 'dethrone project create'."}`,
    { received: key, known },
  );
}

/** The experiment in the slot. @throws DethroneError `project_not_found`, `experiment_not_found` */
export async function requireOccupied(store: Store, key: string): Promise<StoredExperiment> {
  const { experiment } = await requireProject(store, key);
  if (experiment) return experiment;
  throw new DethroneError("experiment_not_found", `Project '${key}' has no running or paused experiment.`, {
    project: key,
  });
}

/** An experiment of the project by its id, or by the beginning of it. @throws DethroneError `experiment_not_found` */
export async function requireExperiment(store: Store, key: string, id: unknown): Promise<StoredExperiment> {
  await requireProject(store, key);
  const all = await store.experiments(key);
  const found = typeof id === "string" && id !== "" ? all.filter(({ uid }) => uid.startsWith(id)) : [];
  const exact = found.find(({ uid }) => uid === id) ?? (found.length === 1 ? found[0] : undefined);
  if (exact) return exact;
  const what = found.length > 1 ? `${found.length} experiments that begin with` : "no experiment";
  throw new DethroneError("experiment_not_found", `Project '${key}' has ${what} '${String(id)}'.`, {
    received: received(id),
    known: all.map(({ uid }) => uid),
  });
}

/**
 * The experiment people mean by "the" experiment: the one in the slot, else the one that started last, else the newest
 * draft; null without any.
 */
export async function currentExperiment(store: Store, key: string): Promise<StoredExperiment | null> {
  const { experiment } = await requireProject(store, key);
  if (experiment) return experiment;
  const all = await store.experiments(key);
  const started = all.filter(({ startedAtMs }) => startedAtMs !== null);
  const newest = started.sort(
    (a, b) => (b.startedAtMs as number) - (a.startedAtMs as number) || b.id - a.id,
  )[0];
  return newest ?? all.find(({ status }) => status === "draft") ?? null;
}

const HASH_PREFIX_MIN = 6;

const isHash = (text: string, hash: string): boolean =>
  text.length >= HASH_PREFIX_MIN && hash.startsWith(text);

/** A config of the project, by its label or the beginning of its hash. @throws DethroneError `config_not_found` */
export async function requireConfig(store: Store, projectId: number, ref: unknown): Promise<ProjectConfig> {
  const configs = await store.projectConfigs(projectId);
  const found = configs.find(({ label, hash }) => label === ref || hash === ref);
  if (found) return found;
  const begins = configs.filter(({ hash }) => typeof ref === "string" && isHash(ref, hash));
  if (begins.length === 1) return begins[0] as ProjectConfig;
  const known = configs.map(({ label, hash }) => label ?? hash.slice(0, 10));
  throw new DethroneError(
    "config_not_found",
    `${begins.length > 1 ? "Several configs begin with" : "The project has no config"} '${String(ref)}'. Known: ${known.join(", ")}.`,
    { received: received(ref), known },
  );
}

/**
 * A challenger's place in an experiment, from 1: by its place, its config's label or the beginning of its hash; the only
 * one where there is one and none is named.
 *
 * @throws DethroneError `arm_not_found`
 */
export async function placeOf(store: Store, experiment: StoredExperiment, ref: unknown): Promise<number> {
  const { arms, projectId } = experiment;
  if (ref === undefined && arms.length === 2) return 1;
  const configs = await store.projectConfigs(projectId);
  const hash = ref === undefined ? undefined : configs.find(({ label }) => label === ref)?.hash;
  const isMeant = ({ config }: StoredArm, place: number): boolean =>
    place === ref || String(place) === ref || config.hash === (hash ?? ref);
  const exact = arms.findIndex((arm, place) => place > 0 && isMeant(arm, place));
  if (exact > 0) return exact;
  const begins = arms.flatMap(({ config }, place) =>
    place > 0 && typeof ref === "string" && isHash(ref, config.hash) ? [place] : [],
  );
  if (begins.length === 1) return begins[0] as number;
  const known = arms.slice(1).map(({ config }, j) => `${j + 1} (${labelOf(configs, config.hash)})`);
  throw new DethroneError(
    "arm_not_found",
    `${ref === undefined ? "The experiment has several challengers: name one" : `The experiment has no challenger '${String(ref)}'`}. Known: ${known.join(", ")}.`,
    { received: received(ref), known },
  );
}

function labelOf(configs: readonly ProjectConfig[], hash: string): string {
  return configs.find((config) => config.hash === hash)?.label ?? hash.slice(0, 10);
}

/** @throws DethroneError `label_taken` where another config of the project has the label */
export async function requireLabelsFree(
  store: Store,
  projectId: number,
  challengers: readonly { readonly config: { readonly hash: string }; readonly label: string | null }[],
): Promise<void> {
  const labelled = challengers.filter(({ label }) => label !== null);
  if (labelled.length === 0) return;
  const configs = await store.projectConfigs(projectId);
  for (const [index, { config, label }] of labelled.entries()) {
    const other =
      configs.find((each) => each.label === label && each.hash !== config.hash)?.hash ??
      labelled.slice(0, index).find((each) => each.label === label)?.config.hash;
    if (other === undefined) continue;
    throw new DethroneError("label_taken", `The label '${label}' is that of config ${other.slice(0, 10)}.`, {
      received: label,
      config: other,
    });
  }
}
