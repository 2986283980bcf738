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

/** A config out of a file, of `--set`, or of both. @throws DethroneError `usage_invalid`, `input_invalid`, `config_invalid` */
export function configFrom(flags: ConfigFlags, base: JsonObject, flag: string): JsonObject {
  if (flags.config === undefined && flags.set === undefined) {
    throw new DethroneError("usage_invalid", `Give the config: ${flag} FILE, or --set key=value.`, {});
  }
  const start = flags.config === undefined ? base : identifyConfig(readJson(flags.config)).body;
  return applySettings(start, flags.set ?? []);
}
