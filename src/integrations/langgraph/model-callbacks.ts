/**
 * Watches the models of a run by LangChain's callbacks, which reach every model of a graph, however deep.
 */
import type { MeteredCall, RunMeter } from "../run-meter.js";
import { failureOf } from "../session-hooks.js";
import type { TokenPrice } from "../token-usage.js";

/** What a model has said; LangChain's `LLMResult`, as far as it is read. */
interface Generated {
  readonly generations: readonly (readonly {
    readonly message?: unknown;
    readonly generationInfo?: unknown;
  }[])[];
}

/** Why an answer ended, in the words of the providers; what is not among them is `other`. */
const REASONS: Readonly<Record<string, string>> = {
  stop: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  tool_calls: "tool-calls",
  tool_use: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  safety: "content-filter",
};

/** Where providers tell the reason. */
const REASON_FIELDS = ["finish_reason", "stop_reason", "finishReason", "stopReason"];

function finishReason(message: unknown, generationInfo: unknown): string {
  const { tool_calls: toolCalls = [], response_metadata: metadata } = Object(message);
  const told = REASON_FIELDS.map((field) => Object(metadata)[field] ?? Object(generationInfo)[field]);
  const raw = told.find((value) => typeof value === "string");
  if (raw !== undefined) return REASONS[raw.toLowerCase()] ?? "other";
  return toolCalls.length > 0 ? "tool-calls" : "stop";
}

/** LangChain's callbacks of one run. */
export class ModelCallbacks {
  // By these three LangChain knows a handler from a bag of functions, and waits for it: what comes later is too late.
  readonly name = "dethrone";
  readonly awaitHandlers = true;
  readonly copy = (): this => this;
  /** what the whole run has come to; undefined until its end */
  outcome: { readonly state: unknown } | undefined;
  readonly #calls = new Map<string, MeteredCall>();
  readonly #meter: RunMeter;
  readonly #priceOf: (model: string | undefined) => TokenPrice | undefined;

  /** @param priceOf of a model, by the name that LangChain knows it by */
  constructor(meter: RunMeter, priceOf: (model: string | undefined) => TokenPrice | undefined) {
    this.#meter = meter;
    this.#priceOf = priceOf;
  }

  handleChatModelStart(...start: readonly unknown[]): void {
    const [, , runId, , params, , metadata] = start;
    const { invocation_params: invocation } = Object(params);
    const model = Object(metadata).ls_model_name ?? Object(invocation).model;
    this.#calls.set(String(runId), this.#meter.begin(this.#priceOf(model)));
  }

  // Models that are no chat models tell the same in the same places.
  handleLLMStart(...start: readonly unknown[]): void {
    this.handleChatModelStart(...start);
  }

  handleLLMNewToken(_token: string, _place: unknown, runId: string): void {
    this.#calls.get(runId)?.firstToken();
  }

  handleLLMEnd({ generations }: Generated, runId: string): void {
    const { message, generationInfo } = generations[0]?.[0] ?? {};
    const usage = Object(message).usage_metadata;
    this.#calls
      .get(runId)
      ?.end({ kind: "finished", usage, finishReason: finishReason(message, generationInfo) });
  }

  handleLLMError(error: unknown, runId: string): void {
    this.#calls.get(runId)?.end(failureOf(error));
  }

  handleChainEnd(state: unknown, _runId: string, parentRunId?: string): void {
    if (parentRunId === undefined) this.outcome = { state };
  }
}
