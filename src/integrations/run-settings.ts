/**
 * What a config asks of a run of an agent, whatever the agent is built with: model, instructions, tools, call settings.
 */
import { DethroneError, type JsonObject, received } from "../core/errors.js";

/** What a config asks for. What it leaves out stays as the code has it. */
export interface RunSettings {
  /** the model's name, for the `model` function of the adapter */
  readonly model?: string | undefined;
  /** the system prompt */
  readonly instructions?: string | undefined;
  /** names of the tools that may be used, out of those the code has */
  readonly tools?: readonly string[] | undefined;
  /** model calls of a run, at most */
  readonly maxSteps?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  /** whatever else the provider takes */
  readonly providerOptions?: Readonly<Record<string, JsonObject>> | undefined;
}

const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === "string");
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const NUMBER = [isNumber, "a number"] as const;

const FIELDS: Record<keyof RunSettings, readonly [isValid: (value: unknown) => boolean, allowed: string]> = {
  model: [isText, "the name of a model"],
  instructions: [isText, "a text"],
  tools: [isTexts, "a list of names"],
  maxSteps: [isCount, "a whole number above 0"],
  maxOutputTokens: [isCount, "a whole number above 0"],
  temperature: NUMBER,
  topP: NUMBER,
  topK: NUMBER,
  presencePenalty: NUMBER,
  frequencyPenalty: NUMBER,
  seed: NUMBER,
  stopSequences: [isTexts, "a list of texts"],
  providerOptions: [isObject, "an object"],
};

/**
 * Takes what a config asks for out of its fields of these names; `system` is another name for `instructions`, and other
 * fields are the host's own.
 *
 * @param config any config
 * @throws DethroneError `config_invalid` naming the field: what a config asks for is done or fails, because an arm that
 *   silently runs as the other one would be compared with itself
 * @example
 * runSettings({ model: "m-large", system: "Be brief.", tone: "warm" }); // { model: "m-large", instructions: "Be brief." }
 */
export function runSettings(config: unknown): RunSettings {
  const { system, ...rest } = Object(config) as Record<string, unknown>;
  const asked: Record<string, unknown> = system === undefined ? rest : { instructions: system, ...rest };
  const settings: Record<string, unknown> = {};
  for (const [field, [isValid, allowed]] of Object.entries(FIELDS)) {
    const value = asked[field];
    if (value === undefined || value === null) continue;
    if (!isValid(value)) {
      throw new DethroneError(
        "config_invalid",
        `The config's ${field} must be ${allowed} to run an agent by it; give 'settings' to read a config in another way.`,
        { field, received: received(value), allowed },
      );
    }
    settings[field] = value;
  }
  return settings;
}
