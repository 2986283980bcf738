/**
 * What a host says of its projects, checked, wherever they are stored.
 */
import { DethroneError, isDethroneError } from "../core/errors.js";
import { assertPrivate, type PrivacyGuard } from "./configs/privacy.js";
import { configWithoutSecrets } from "./configs/secrets.js";
import type { NewConfig } from "./ports.js";

const KEY_LENGTH_MAX = 200;

/** @throws DethroneError `settings_invalid` */
export function checkProjectKey(key: unknown): asserts key is string {
  if (typeof key === "string" && key.trim() === key && key.length > 0 && key.length <= KEY_LENGTH_MAX) return;
  throw new DethroneError(
    "settings_invalid",
    `A project's key must be a text of 1 to ${KEY_LENGTH_MAX} characters; received ${String(key)}.`,
    {
      field: "key",
    },
  );
}

/** What a host says of a project as it opens it. */
interface OpenedWith {
  readonly champion?: unknown;
  readonly allowSecrets?: readonly string[] | undefined;
}

/**
 * The champion of the host's code; null where it gives none.
 *
 * @throws DethroneError `settings_invalid` for the key; `config_invalid`, `config_secret`, `privacy_refused`
 */
export function codeChampionOf(
  key: unknown,
  { champion, allowSecrets }: OpenedWith,
  guard: PrivacyGuard | null,
): NewConfig | null {
  checkProjectKey(key);
  if (champion === undefined) return null;
  const config = configWithoutSecrets(champion, allowSecrets);
  assertPrivate(guard, "config", config.body);
  return config;
}

/** The challengers that a function of the host makes. @throws DethroneError `config_invalid` where it throws */
export function madeOf<Config>(make: (champion: Config) => unknown, champion: Config): unknown {
  try {
    return make(champion);
  } catch (cause) {
    throw new DethroneError(
      "config_invalid",
      `The function that makes the challengers failed: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { allowed: "a function of the champion that returns a config, or a list of them" },
      { cause },
    );
  }
}

/** What boot code is told of besides invalid input. */
const REFUSED: readonly string[] = ["label_taken", "engine_closed"];

/** Whether trying again makes it no better: what boot code is told of. */
export function isRefusal(error: unknown): boolean {
  return isDethroneError(error) && (error.kind === "invalid_input" || REFUSED.includes(error.code));
}
