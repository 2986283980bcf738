/**
 * The configs of a project: which came from which, by whom and why, and when each was champion.
 */
import { DethroneError, type JsonObject } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { auditByHand, type ByHand } from "../experiments/audit.js";
import { checkLabel } from "../experiments/description.js";
import { requireConfig, requireProject } from "../experiments/lookup.js";
import type { ProjectConfig, ProjectState, Reign, ReignCause, Store } from "../ports.js";
import { type ConfigChange, diffConfigs } from "./diff.js";

/** A time in which a config was champion. */
export interface ConfigReign {
  readonly cause: ReignCause;
  readonly fromMs: number;
  /** null while it lasts */
  readonly untilMs: number | null;
}

/** A config of a project, with its lineage. */
export interface ConfigEntry {
  readonly hash: string;
  readonly label: string | null;
  readonly body: JsonObject;
  /** hash of the champion it was made to improve on; null for the first */
  readonly parent: string | null;
  /** what it changed of its parent */
  readonly changes: readonly ConfigChange[];
  /** who brought it in, why, and when */
  readonly actor: string;
  readonly reason: string | null;
  readonly addedAtMs: number;
  /**
   * where it stands now: `contending` is a place in the project's running or paused experiment, `elsewhere` that of a
   * config which sessions were imported with
   */
  readonly role: "champion" | "contending" | "former champion" | "challenger" | "elsewhere";
  /** oldest first; empty for one that was never champion */
  readonly reigns: readonly ConfigReign[];
}

function reignsOf(configId: number, reigns: readonly Reign[]): ConfigReign[] {
  return reigns.flatMap(({ config, cause, startedAtMs }, index) =>
    config.id === configId
      ? [{ cause, fromMs: startedAtMs, untilMs: reigns[index + 1]?.startedAtMs ?? null }]
      : [],
  );
}

function roleOf(config: ProjectConfig, state: ProjectState, hasReigned: boolean): ConfigEntry["role"] {
  if (config.id === state.champion.id) return "champion";
  const arms = state.experiment?.arms ?? [];
  const isContending = arms.some(
    ({ role, out, config: each }) => role === "challenger" && out === null && each.id === config.id,
  );
  if (isContending) return "contending";
  if (hasReigned) return "former champion";
  // Whoever contends does so against a champion, which is its parent.
  return config.parent === null ? "elsewhere" : "challenger";
}

/** Every config of a project, oldest first. */
export async function configsOf(store: Store, state: ProjectState): Promise<ConfigEntry[]> {
  const configs = await store.projectConfigs(state.id);
  const reigns = await store.reigns(state.id);
  const bodies = new Map(configs.map(({ hash, body }) => [hash, body]));
  return configs.map((config): ConfigEntry => {
    const own = reignsOf(config.id, reigns);
    const parent = config.parent === null ? undefined : bodies.get(config.parent);
    const { id: _id, ...rest } = config;
    return {
      ...rest,
      changes: parent === undefined ? [] : diffConfigs(parent, config.body),
      role: roleOf(config, state, own.length > 0),
      reigns: own,
    };
  });
}

/** Names a config of a project; null takes its name away. @throws DethroneError `config_not_found`, `label_taken` */
export async function labelConfig(
  context: EngineContext,
  store: Store,
  key: string,
  ref: string,
  label: string | null,
  byHand: ByHand,
): Promise<void> {
  const name = checkLabel(label);
  const { id: projectId } = await requireProject(store, key);
  const config = await requireConfig(store, projectId, ref);
  const audit = auditByHand(context, "labelled", byHand, { config: config.hash, label: name });
  if (await store.labelConfig({ projectId, configId: config.id, label: name, audit })) return;
  throw new DethroneError(
    "label_taken",
    `The label '${name}' is that of another config of project '${key}'.`,
    {
      received: name,
    },
  );
}
