/**
 * A model of the OpenAI Agents SDK that answers by the session's config, and records what the answers took.
 */
import type { Model, ModelRequest, ModelResponse, StreamEvent } from "@openai/agents";
import { currentSession } from "../../engine/sessions/current-session.js";
import type { Session } from "../../engine/sessions/session.js";
import { type CallEnding, type MeteredCall, meterOf } from "../run-meter.js";
import { failureOf } from "../session-hooks.js";
import { checkPrices, type PriceTable, priceOf } from "../token-usage.js";
import { type AgentSettings, agentSettings, asked } from "./agent-settings.js";

/** How configs become requests, and what is told of them. */
export interface SessionModelOptions<Config> {
  /** the model of the name that the config gives; undefined where it gives none */
  readonly model: (name: string | undefined, config: Config) => Model | Promise<Model>;
  /** what a config asks for; default: {@link agentSettings}, by the names of its fields */
  readonly settings?: (config: Config) => AgentSettings;
  /** prices by model, as the config calls it; without one no `cost_usd` is recorded */
  readonly prices?: PriceTable;
  /** a clock that never goes back, in milliseconds; default: `performance.now` */
  readonly now?: () => number;
}

/** A request by whoever answers it. */
interface Directed {
  readonly model: Model;
  readonly request: ModelRequest;
  readonly call: MeteredCall | null;
}

/** Of a response, or of the end of one that came in parts. */
interface Answer {
  readonly usage: unknown;
  readonly output: readonly unknown[];
  readonly providerData?: unknown;
}

/** Why answers are cut short, in the words of OpenAI's two interfaces. */
const CUT: Readonly<Record<string, string>> = {
  length: "length",
  max_output_tokens: "length",
  content_filter: "content-filter",
};

const CALLS = ["function_call", "computer_call", "shell_call", "apply_patch_call"];

/** The SDK tells no reason: it is read from the output, and from what providers leave in `providerData`. */
function finishReason({ output, providerData }: Answer): string {
  const raw = Object(providerData);
  const cut = CUT[String(raw.incomplete_details?.reason ?? raw.choices?.[0]?.finish_reason)];
  if (cut !== undefined) return cut;
  if (output.some((item) => CALLS.includes(Object(item).type))) return "tool-calls";
  return output.some((item) => Object(item).status === "incomplete") ? "length" : "stop";
}

/** The SDK fills in zeros where a provider tells nothing, and no request is free of tokens. */
function finished(answer: Answer): CallEnding {
  const { inputTokens, outputTokens } = Object(answer.usage);
  const usage = inputTokens === 0 && outputTokens === 0 ? undefined : answer.usage;
  return { kind: "finished", usage, finishReason: finishReason(answer) };
}

function note(event: StreamEvent, call: MeteredCall): void {
  if (event.type === "output_text_delta") call.firstToken();
  if (event.type === "response_done") call.end(finished(event.response));
}

async function respond({ model, request, call }: Directed): Promise<ModelResponse> {
  try {
    const response = await model.getResponse(request);
    call?.end(finished(response));
    return response;
  } catch (error) {
    call?.end(failureOf(error));
    throw error;
  }
}

// One that is left before its end is still under way when the run takes stock, which makes it a cancelled one.
async function* stream({ model, request, call }: Directed): AsyncGenerator<StreamEvent> {
  try {
    for await (const event of model.getStreamedResponse(request)) {
      if (call) note(event, call);
      yield event;
    }
    call?.end({ kind: "finished", usage: undefined, finishReason: "other" });
  } catch (error) {
    call?.end(failureOf(error));
    throw error;
  }
}

/**
 * A model for agents. Within a session of the project (in a wrapped call or `session.run`) it answers by the session's
 * config: model, instructions, tools and model settings; what its answers took is recorded once, when the session ends,
 * as by `sessionRun`. Outside of one it answers by the champion's config, and nothing is recorded.
 *
 * @throws DethroneError `settings_invalid` for prices that are none; a request rejects with `config_invalid` where the
 *   config cannot be read
 * @example
 * const agent = new Agent({ name: "support", model: sessionModel(bot, { model: (name) => provider.getModel(name) }) });
 * const answer = bot.wrap((session, question: string) => run(agent, question));
 */
export function sessionModel<Config>(
  project: { readonly key: string; readonly champion: Config },
  options: SessionModelOptions<Config>,
): Model {
  const { prices = {}, now = () => performance.now(), settings = agentSettings } = options;
  checkPrices(prices);
  const direct = async (request: ModelRequest): Promise<Directed> => {
    const current = currentSession() as Session<Config, unknown> | undefined;
    const session = current?.project === project.key ? current : undefined;
    const config = session ? session.config : project.champion;
    const wanted = settings(config);
    const model = await options.model(wanted.model, config);
    const call = session ? meterOf(session, now).begin(priceOf(prices, wanted.model)) : null;
    return { model, request: asked(request, wanted), call };
  };
  return {
    getResponse: async (request) => respond(await direct(request)),
    async *getStreamedResponse(request) {
      yield* stream(await direct(request));
    },
  };
}
