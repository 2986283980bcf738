/**
 * Configs as flags give them.
 */
import { DethroneError, type JsonObject } from "../core/errors.js";
import { identifyConfig } from "../engine/configs/config.js";
import { applySettings, readJson } from "./settings.js";

/** Flags that make a config. */
export interface ConfigFlags {
  readonly config?: string;
  readonly set?: readonly string[];
}

/** The config of a JSON file. @throws DethroneError `input_invalid`, `config_invalid` */
export function configOfFile(path: string): JsonObject {
  return identifyConfig(readJson(path)).body;
}

/** A config out of a file, of `--set`, or of both. @throws DethroneError `usage_invalid`, `input_invalid`, `config_invalid` */
export function configFrom(flags: ConfigFlags, base: JsonObject, flag: string): JsonObject {
  if (flags.config === undefined && flags.set === undefined) {
    throw new DethroneError("usage_invalid", `Give the config: ${flag} FILE, or --set key=value.`, {});
  }
  const start = flags.config === undefined ? base : configOfFile(flags.config);
  return applySettings(start, flags.set ?? []);
}

/** Flags that make challengers. */
export interface ChallengerFlags {
  readonly config?: readonly string[];
  readonly set?: readonly string[];
}

/** One challenger, or a file each. @throws DethroneError as {@link configFrom} */
export function challengersFrom({ config = [], set }: ChallengerFlags, champion: JsonObject): JsonObject[] {
  const [first, ...rest] = config;
  if (rest.length === 0) {
    const flags = { ...(first !== undefined && { config: first }), ...(set && { set }) };
    return [configFrom(flags, champion, "--config")];
  }
  if (set === undefined) return config.map(configOfFile);
  throw new DethroneError(
    "usage_invalid",
    `--set makes or changes one challenger; received ${config.length} files beside it. Put each challenger in a file of its own.`,
    { received: config.length },
  );
}
