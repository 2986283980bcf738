/**
 * Stored configs, made ready for the host: checked by its schema and built into what its agent uses, once a process.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import type { NewConfig } from "../ports.js";
import { checkedBySchema } from "./schema.js";

/** A config that is ready. All its sessions share it: whoever changes it must copy it first. */
export interface PreparedConfig {
  readonly hash: string;
  /** as stored */
  readonly body: JsonObject;
  /** as the schema gives it out; without a schema the body */
  readonly config: JsonObject;
  /** what `build(config)` returned; undefined without `build` */
  readonly built: unknown;
}

/** How configs are made ready. */
export interface PreparationOptions {
  readonly schema?: StandardSchemaV1 | undefined;
  /** gets a copy of its own of the config */
  readonly build?: ((config: never) => unknown) | undefined;
}

const READY_COUNT_MAX = 64;

/**
 * Prepares each config once, by its hash, and keeps the 64 that were used last.
 *
 * Callers who ask for a config that is being prepared wait for the same answer. A failure is not kept: the next call
 * tries again.
 *
 * @example
 * const preparation = new ConfigPreparation({ build: ({ model }: { model: string }) => `agent on ${model}` });
 * const { built } = await preparation.prepare(identifyConfig({ model: "m1" })); // "agent on m1"
 */
export class ConfigPreparation {
  readonly #schema: StandardSchemaV1 | undefined;
  readonly #build: ((config: never) => unknown) | undefined;
  // A Map remembers the order of insertion: the first is the one not used for longest.
  readonly #ready = new Map<string, PreparedConfig>();
  readonly #running = new Map<string, Promise<PreparedConfig>>();

  constructor({ schema, build }: PreparationOptions) {
    this.#schema = schema;
    this.#build = build;
  }

  /** Whether there is anything to do: without schema and build a config is its body. */
  get isNeeded(): boolean {
    return this.#schema !== undefined || this.#build !== undefined;
  }

  /** A config that is ready, if it is. */
  get(hash: string): PreparedConfig | undefined {
    const prepared = this.#ready.get(hash);
    if (prepared !== undefined) this.#keep(prepared);
    return prepared;
  }

  /** @throws DethroneError `config_invalid` if the schema refuses the config, or `build` fails (its error is the cause) */
  prepare(config: NewConfig): Promise<PreparedConfig> {
    const ready = this.get(config.hash);
    if (ready !== undefined) return Promise.resolve(ready);
    const running = this.#running.get(config.hash) ?? this.#run(config);
    this.#running.set(config.hash, running);
    return running;
  }

  async #run(config: NewConfig): Promise<PreparedConfig> {
    try {
      const prepared = await this.#prepared(config);
      this.#keep(prepared);
      return prepared;
    } finally {
      this.#running.delete(config.hash);
    }
  }

  async #prepared({ hash, body }: NewConfig): Promise<PreparedConfig> {
    // Copies, because neither a schema nor a build is held to leave what it gets as it is.
    const config =
      this.#schema === undefined ? body : await checkedBySchema(this.#schema, structuredClone(body));
    const built =
      this.#build === undefined ? undefined : await builtFrom(this.#build, hash, structuredClone(config));
    return { hash, body, config, built };
  }

  #keep(prepared: PreparedConfig): void {
    this.#ready.delete(prepared.hash);
    this.#ready.set(prepared.hash, prepared);
    const [oldest] = this.#ready.keys();
    if (this.#ready.size > READY_COUNT_MAX && oldest !== undefined) this.#ready.delete(oldest);
  }
}

async function builtFrom(
  build: (config: never) => unknown,
  hash: string,
  config: JsonObject,
): Promise<unknown> {
  try {
    return await build(config as never);
  } catch (cause) {
    throw new DethroneError(
      "config_invalid",
      `The host's build() failed for the config ${hash.slice(0, 12)}: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { hash, allowed: "a config from which build() makes what the agent uses" },
      { cause },
    );
  }
}
