/**
 * A model call of the AI SDK with what a config asks for.
 */
import type { LanguageModelMiddleware, wrapLanguageModel } from "ai";
import type { RunSettings } from "../run-settings.js";

/** A language model as providers of the AI SDK 6 make them (specification v3). */
export type ModelV3 = Parameters<typeof wrapLanguageModel>[0]["model"];

type WrapGenerate = NonNullable<LanguageModelMiddleware["wrapGenerate"]>;

/** What a language model is called with. */
export type ModelCall = Parameters<WrapGenerate>[0]["params"];

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
