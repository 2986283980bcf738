/**
 * What a config asks of a run of the AI SDK: model, instructions, tools, call settings.
 */
import type { LanguageModelMiddleware, ToolLoopAgentSettings, wrapLanguageModel } from "ai";
import { DethroneError, received } from "../../core/errors.js";

/** A language model as providers of the AI SDK 6 make them (specification v3). */
export type ModelV3 = Parameters<typeof wrapLanguageModel>[0]["model"];

type WrapGenerate = NonNullable<LanguageModelMiddleware["wrapGenerate"]>;

/** What a language model is called with. */
export type ModelCall = Parameters<WrapGenerate>[0]["params"];

/** What a config asks for. What it leaves out stays as the code has it. */
export interface RunSettings {
  /** the model's name, for the `model` function of the adapter */
  readonly model?: string | undefined;
  /** the system prompt */
  readonly instructions?: string | undefined;
  /** names of the tools that may be used, out of those the code has */
  readonly tools?: readonly string[] | undefined;
  /** model calls of a run, at most; of the agent alone */
  readonly maxSteps?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly providerOptions?: ToolLoopAgentSettings["providerOptions"] | undefined;
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
        `The config's ${field} must be ${allowed} to be used by the AI SDK; give 'settings' to read a config in another way.`,
        { field, received: received(value), allowed },
      );
    }
    settings[field] = value;
  }
  return settings;
}

/** A model call with what the config asks for. */
export function applied(call: ModelCall, settings: RunSettings): ModelCall {
  const { model: _model, maxSteps: _maxSteps, instructions, tools, stopSequences, ...numbers } = settings;
  return {
    ...(tools ? withTools(call, tools) : call),
    ...(numbers as Partial<ModelCall>),
    ...(stopSequences && { stopSequences: [...stopSequences] }),
    ...(instructions !== undefined && { prompt: instructed(call.prompt, instructions) }),
  };
}

/** The instructions take the place of the system messages that lead the prompt. */
function instructed(prompt: ModelCall["prompt"], instructions: string): ModelCall["prompt"] {
  const first = prompt.findIndex(({ role }) => role !== "system");
  return [{ role: "system", content: instructions }, ...prompt.slice(first < 0 ? prompt.length : first)];
}

/** Providers refuse an empty list of tools, and the choice of one that is not in it. */
function withTools({ tools = [], toolChoice, ...call }: ModelCall, names: readonly string[]): ModelCall {
  const left = tools.filter(({ name }) => names.includes(name));
  if (left.length === 0) return call;
  const isThere = toolChoice?.type !== "tool" || names.includes(toolChoice.toolName);
  return { ...call, tools: left, ...(toolChoice && isThere && { toolChoice }) };
}
