import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type AIMessageFields, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";

/** What a model of the tests was asked: its own name, the tools it may use, and the first message. */
export interface Asked {
  readonly model: string;
  readonly tools: readonly string[];
  readonly first: string;
}

/** Tokens as LangChain tells them. */
export const usageOf = (input: number, output: number, cached = 0) => ({
  input_tokens: input,
  output_tokens: output,
  total_tokens: input + output,
  input_token_details: { cache_read: cached },
});

const message = (fields: object): AIMessage => new AIMessage(fields as AIMessageFields);

/** An answer in words. */
export const says = (content: string, usage_metadata = usageOf(10, 5), finish_reason = "stop"): AIMessage =>
  message({ content, usage_metadata, response_metadata: { finish_reason } });

/** An answer that calls a tool. */
export const calls = (name: string, usage_metadata = usageOf(100, 20)): AIMessage =>
  message({ content: "", usage_metadata, tool_calls: [{ name, args: {}, id: `call-${name}` }] });

/** A chat model that gives these answers in turn, the last one again and again, whole or in words; an error is thrown. */
export class ScriptedChatModel extends BaseChatModel {
  tools: readonly string[] = [];

  constructor(
    readonly model: string,
    readonly answers: (AIMessage | Error)[],
    readonly asked: Asked[] = [],
    /** whether LangChain is told the model's name, as providers do */
    readonly isNamed = true,
  ) {
    super({ maxRetries: 0 });
  }

  override getLsParams(options: this["ParsedCallOptions"]) {
    return { ...super.getLsParams(options), ...(this.isNamed && { ls_model_name: this.model }) };
  }

  override bindTools(tools: readonly object[]): ScriptedChatModel {
    const bound = new ScriptedChatModel(this.model, this.answers, this.asked, this.isNamed);
    bound.tools = tools.map((each) => String(Reflect.get(each, "name")));
    return bound;
  }

  _llmType(): string {
    return "scripted";
  }

  #next([first]: BaseMessage[]): AIMessage {
    this.asked.push({ model: this.model, tools: this.tools, first: String(first?.content) });
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer instanceof AIMessage) return answer;
    throw answer;
  }

  async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const message = this.#next(messages);
    return { generations: [{ text: String(message.content), message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    _options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { content, usage_metadata, response_metadata, tool_calls } = this.#next(messages);
    for (const text of String(content).split(/(?<= )/)) {
      const chunk = new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text }) });
      yield chunk;
      await manager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
    const tool_call_chunks = (tool_calls ?? []).map(({ name, args, id = "" }, index) => {
      return { name, args: JSON.stringify(args), id, index, type: "tool_call_chunk" as const };
    });
    const told = usage_metadata ? { usage_metadata } : {};
    const last = new AIMessageChunk({ content: "", response_metadata, tool_call_chunks, ...told });
    yield new ChatGenerationChunk({ text: "", message: last });
  }
}
