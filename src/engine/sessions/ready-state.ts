/**
 * A project's state, made ready to begin sessions by: every config they may get has been checked and built by the host.
 *
 * All of an experiment or none of it: a process that could serve one arm and not another would bias the evidence, so it
 * serves the champion to everyone, outside of the experiment, and tries again with the next state.
 */
import { DethroneError } from "../../core/errors.js";
import type { ConfigPreparation, PreparedConfig } from "../configs/prepared.js";
import { type SessionContext, within } from "../context.js";
import type { ServedExperiment, ServedState, StoredConfig } from "../ports.js";

/** How long the host may take to make the configs of a state ready before the process goes on without them. */
const PATIENCE_MS = 10_000;
/** For a config that was not ready before: one that is slow goes on being made, and a later look finds it. */
const PATIENCE_AGAIN_MS = 50;

/** What sessions are begun by. */
export interface ReadyState {
  /** as stored; without the experiment where a config of it is not ready */
  readonly state: ServedState;
  /** the champion and who contends, by the configs' internal ids */
  readonly configs: ReadonlyMap<number, PreparedConfig>;
  /** internal id of the experiment that is not served here, because a config of it is not ready; null for none */
  readonly refused: number | null;
}

/** The configs that sessions of the experiment may get, while it is paused those that are resumed. */
function contending(experiment: ServedExperiment | null): readonly StoredConfig[] {
  return (experiment?.arms ?? []).filter(({ out }) => out === null).map(({ config }) => config);
}

/** Makes the states of one project ready. */
export class Readiness {
  readonly #context: SessionContext;
  readonly #project: string;
  readonly #preparation: ConfigPreparation;
  /** why configs failed when last tried, by their hashes: each is told of once */
  readonly #failures = new Map<string, unknown>();

  constructor(context: SessionContext, project: string, preparation: ConfigPreparation) {
    this.#context = context;
    this.#project = project;
    this.#preparation = preparation;
  }

  /** The state, ready; null where the champion itself cannot be made so. Never rejects. */
  async of(state: ServedState): Promise<ReadyState | null> {
    const wanted = [state.champion, ...contending(state.experiment)];
    const configs = new Map<number, PreparedConfig>();
    const prepare = async (config: StoredConfig): Promise<void> => {
      const prepared = await this.#prepared(config);
      if (prepared) configs.set(config.id, prepared);
    };
    await Promise.all(wanted.map(prepare));
    if (!configs.has(state.champion.id)) return null;
    if (wanted.every(({ id }) => configs.has(id))) return { state, configs, refused: null };
    return { state: { ...state, experiment: null }, configs, refused: state.experiment?.id ?? null };
  }

  /** Why a config failed when last tried. */
  failureOf({ hash }: StoredConfig): unknown {
    return this.#failures.get(hash);
  }

  async #prepared(config: StoredConfig): Promise<PreparedConfig | null> {
    try {
      const prepared = await this.#inTime(config);
      this.#failures.delete(config.hash);
      return prepared;
    } catch (error) {
      this.#tell(config, error);
      return null;
    }
  }

  async #inTime(config: StoredConfig): Promise<PreparedConfig> {
    const patience = this.#failures.has(config.hash) ? PATIENCE_AGAIN_MS : PATIENCE_MS;
    const prepared = await within(this.#context.clock, patience, this.#preparation.prepare(config), null);
    if (prepared) return prepared;
    const message = `The host's build() or schema took longer than ${patience} ms for the config ${config.hash.slice(0, 12)}.`;
    throw new DethroneError("config_invalid", message, { hash: config.hash });
  }

  #tell({ hash }: StoredConfig, error: unknown): void {
    const isNews = !this.#failures.has(hash);
    this.#failures.set(hash, error);
    if (!isNews) return;
    const fields = { project: this.#project, config: hash };
    const message = "a stored config could not be prepared; this process takes no part in its experiment";
    this.#context.fail("callbacksFailed", message, error, fields);
  }
}
