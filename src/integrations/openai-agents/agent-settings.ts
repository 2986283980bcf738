/**
 * What a config asks of an agent of the OpenAI Agents SDK, and a request to a model with it.
 */
import type { ModelRequest, ModelSettings } from "@openai/agents";
import { DethroneError, received } from "../../core/errors.js";
import { type RunSettings, runSettings } from "../run-settings.js";

/** What a config asks for. What it leaves out stays as the code has it. */
export interface AgentSettings extends Pick<RunSettings, "model" | "instructions" | "tools" | "maxSteps"> {
  /** settings of the SDK, which go before those of the agent and the runner */
  readonly modelSettings?: ModelSettings | undefined;
}

/** What configs of other frameworks may ask for, and this SDK has no setting for. */
const UNKNOWN = ["topK", "seed", "stopSequences", "providerOptions"] as const;

function refuse(field: string, value: unknown, what: string): never {
  throw new DethroneError("config_invalid", `The config's ${field} ${what}`, {
    field,
    received: received(value),
  });
}

/** The fields that are there. */
const given = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/**
 * Takes what a config asks for out of its fields: those of `runSettings` that the SDK knows, and `modelSettings`, which is
 * the SDK's own. Other fields are the host's.
 *
 * @param config any config
 * @throws DethroneError `config_invalid` naming the field: what a config asks for is done or fails
 * @example
 * agentSettings({ instructions: "Be brief.", maxOutputTokens: 99 });
 * // { instructions: "Be brief.", modelSettings: { maxTokens: 99 } }
 */
export function agentSettings(config: unknown): AgentSettings {
  const { model, instructions, tools, maxSteps, maxOutputTokens: maxTokens, ...others } = runSettings(config);
  for (const field of UNKNOWN) {
    if (others[field] === undefined) continue;
    const way = "put what the provider takes into modelSettings.providerData, or give 'settings'";
    refuse(field, others[field], `is nothing that OpenAI Agents has a setting for: ${way}.`);
  }
  const own: unknown = Object(config).modelSettings ?? {};
  if (typeof own !== "object" || Array.isArray(own))
    refuse("modelSettings", own, "must be an object of the SDK's model settings.");
  const modelSettings = given({ ...others, maxTokens, ...own });
  const isSet = Object.keys(modelSettings).length > 0;
  return given({ model, instructions, tools, maxSteps, modelSettings: isSet ? modelSettings : undefined });
}

/** A request with what the config asks for. */
export function asked(request: ModelRequest, settings: AgentSettings): ModelRequest {
  const { instructions, tools: names, modelSettings } = settings;
  const named = names ? withTools(request, names) : request;
  return {
    ...named,
    ...(instructions !== undefined && { systemInstructions: instructions }),
    modelSettings: { ...named.modelSettings, ...modelSettings },
  };
}

/** Providers refuse the choice of a tool that is not there; handoffs are not the config's. */
function withTools(request: ModelRequest, names: readonly string[]): ModelRequest {
  const tools = request.tools.filter(({ name }) => names.includes(name));
  const { toolChoice, ...modelSettings } = request.modelSettings;
  const left = [...tools.map(({ name }) => name), ...request.handoffs.map(({ toolName }) => toolName)];
  const isPossible =
    toolChoice === "required" ? left.length > 0 : ["auto", "none", ...left].includes(String(toolChoice));
  return { ...request, tools, modelSettings: { ...modelSettings, ...(isPossible && { toolChoice }) } };
}
