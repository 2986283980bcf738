/**
 * A host's own schema for its configs, by any library that follows Standard Schema: zod, valibot, arktype and others.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { identifyConfig } from "./config.js";
import { dotted } from "./places.js";

/**
 * A schema whose output is `Config`, whatever it takes.
 *
 * @example
 * declare function open<Config>(options: { schema: ConfigSchema<Config> }): Config;
 * open({ schema: z.object({ model: z.string() }) }).model; // a string to the compiler
 */
export type ConfigSchema<Config = unknown> = StandardSchemaV1<unknown, Config>;

/** What a schema makes of a config. */
export type ConfigOf<Schema extends StandardSchemaV1> = StandardSchemaV1.InferOutput<Schema>;

const ISSUE_COUNT_MAX = 5;

/**
 * A config as its schema gives it out, defaults applied.
 *
 * @throws DethroneError `config_invalid` with up to five issues if the value does not fit, if the schema itself fails,
 *   or if what it gives out is not a plain JSON object
 * @example
 * await checkedBySchema(z.object({ temperature: z.number().default(0.2) }), {}); // { temperature: 0.2 }
 */
export async function checkedBySchema(schema: StandardSchemaV1, value: unknown): Promise<JsonObject> {
  const result = await validated(schema, value);
  if (result.issues) refuse(result.issues);
  return plainOutput(result.value);
}

async function validated(
  schema: StandardSchemaV1,
  value: unknown,
): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    const result: unknown = await schema["~standard"].validate(value);
    if (typeof result === "object" && result !== null) return result as StandardSchemaV1.Result<unknown>;
    throw new TypeError(`validate() resolved to ${String(result)}`);
  } catch (cause) {
    throw new DethroneError(
      "config_invalid",
      `The config schema failed instead of answering: ${cause instanceof Error ? cause.message : String(cause)}.`,
      { allowed: "a schema with the Standard Schema interface whose validate() returns a value or issues" },
      { cause },
    );
  }
}

function refuse(issues: readonly StandardSchemaV1.Issue[]): never {
  const told = issues.slice(0, ISSUE_COUNT_MAX).map(({ path, message }) => ({ path: pathOf(path), message }));
  const more = issues.length - told.length;
  const list = told.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  throw new DethroneError(
    "config_invalid",
    `The config does not fit its schema: ${list || "no reason given"}${more ? `; and ${more} more` : ""}.`,
    { issues: told, more, allowed: "what the project's config schema accepts" },
  );
}

function pathOf(path: StandardSchemaV1.Issue["path"]): string {
  const keys = (path ?? []).map((step) => (typeof step === "object" ? step.key : step));
  return keys.reduce<string>((parent, key) => dotted(parent, String(key)), "");
}

function plainOutput(output: unknown): JsonObject {
  try {
    return identifyConfig(output).body;
  } catch (cause) {
    const { message, details } = cause as DethroneError;
    throw new DethroneError(
      "config_invalid",
      `What the config schema gives out cannot be used. ${message}`,
      details,
      { cause },
    );
  }
}
