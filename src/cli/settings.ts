/**
 * Which database the command line works on: flag, then environment, then configuration file, then the default.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { DethroneError, type Json, type JsonObject, received } from "../core/errors.js";
import { parseDuration } from "../engine/duration.js";
import type { FileSettings } from "../file-settings.js";

const FILE_NAMES = ["dethrone.config.ts", "dethrone.config.mjs", "dethrone.config.js"] as const;

const KNOWN_FIELDS = ["url", "share", "policy"];

export type { FileSettings };

/** The settings of the configuration file in a folder; none where there is no file. @throws `settings_invalid` */
export async function readFileSettings(folder: string): Promise<FileSettings> {
  const path = FILE_NAMES.map((name) => resolve(folder, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) return {};
  let settings: unknown;
  try {
    // Node 20 does not run TypeScript by itself.
    const { createJiti } = await import("jiti");
    settings = await createJiti(import.meta.url, { moduleCache: false }).import(path, { default: true });
  } catch (error) {
    throw new DethroneError(
      "settings_invalid",
      `Cannot read ${path}: ${String(error)}.`,
      { file: path },
      { cause: error },
    );
  }
  if (typeof settings !== "object" || settings === null) {
    throw new DethroneError("settings_invalid", `${path} must export its settings as default.`, {
      file: path,
    });
  }
  const unknown = Object.keys(settings).find((key) => !KNOWN_FIELDS.includes(key));
  if (unknown !== undefined) {
    throw new DethroneError(
      "settings_invalid",
      `${path}: unknown setting '${unknown}'; known: ${KNOWN_FIELDS.join(", ")}.`,
      {
        file: path,
        received: unknown,
      },
    );
  }
  return settings as FileSettings;
}

/** The database URL to use. */
export function databaseUrl(flag: string | undefined, file: FileSettings): string {
  return flag ?? process.env.DETHRONE_DB ?? file.url ?? "file:dethrone.db";
}

/** The text of a file named by the user. @throws DethroneError `input_invalid` */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new DethroneError(
      "input_invalid",
      `Cannot read ${path}: ${(error as Error).message}.`,
      { received: path },
      { cause: error },
    );
  }
}

/** The JSON of a file named by the user. @throws DethroneError `input_invalid` */
export function readJson(path: string): Json {
  try {
    return JSON.parse(readText(path)) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new DethroneError("input_invalid", `${path} is not JSON: ${error.message}.`, { received: path });
    }
    throw error;
  }
}

/** A value of `--set`: `@file` is the text of a file, JSON is JSON, anything else is text. */
function settingValue(text: string): Json {
  if (text.startsWith("@")) return readText(text.slice(1));
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** A config with `key=value` settings applied; keys may be dotted paths. @throws DethroneError `usage_invalid` */
export function applySettings(base: JsonObject, settings: readonly string[]): JsonObject {
  const config = structuredClone(base) as Record<string, unknown>;
  for (const setting of settings) {
    const split = setting.indexOf("=");
    if (split < 1) {
      throw new DethroneError("usage_invalid", `--set takes key=value; received '${setting}'.`, {
        received: setting,
      });
    }
    setPath(config, setting.slice(0, split).split("."), settingValue(setting.slice(split + 1)));
  }
  return config as JsonObject;
}

function setPath(target: Record<string, unknown>, path: readonly string[], value: Json): void {
  const [key = "", ...rest] = path;
  if (["__proto__", "constructor", "prototype"].includes(key)) {
    throw new DethroneError("usage_invalid", `--set cannot set '${key}'.`, { received: received(path) });
  }
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const child = target[key];
  const isObject = typeof child === "object" && child !== null && !Array.isArray(child);
  if (!isObject) target[key] = {};
  setPath(target[key] as Record<string, unknown>, rest, value);
}

/** Milliseconds of a duration such as `30s`, `5m`, `24h`, `14d`. @throws DethroneError `usage_invalid` */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw new DethroneError("usage_invalid", `A duration reads like 30s, 5m, 24h or 14d; received '${text}'.`, {
    received: text,
  });
}

/** The number of a flag; an empty text is none. */
export function numberFrom(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

/** @throws DethroneError `usage_invalid`: the flag, what it received and what it takes */
export function invalidFlag(flag: string, text: string, allowed: string): never {
  throw new DethroneError("usage_invalid", `${flag} takes ${allowed}; received '${text}'.`, {
    flag,
    received: text,
    allowed,
  });
}

/** The number of a flag. @throws DethroneError `usage_invalid` */
export function flagNumber(flag: string, text: string): number {
  const value = numberFrom(text);
  return Number.isFinite(value) ? value : invalidFlag(flag, text, "a number");
}

/** The whole number of a flag. @throws DethroneError `usage_invalid` */
export function flagWhole(flag: string, text: string, min: number, max: number): number {
  const value = numberFrom(text);
  const isWhole = Number.isInteger(value) && value >= min && value <= max;
  return isWhole ? value : invalidFlag(flag, text, `a whole number from ${min} to ${max}`);
}
