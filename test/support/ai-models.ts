import { MockLanguageModelV3 } from "ai/test";
import type { ModelV3 } from "../../src/integrations/ai-sdk/model-call.js";

type Generate = Awaited<ReturnType<ModelV3["doGenerate"]>>;
type StreamResult = Awaited<ReturnType<ModelV3["doStream"]>>;
/** A part of an answer that comes in parts. */
export type Part = StreamResult["stream"] extends ReadableStream<infer P> ? P : never;

/** Usage as a provider of the AI SDK 6 tells it. */
export const usageOf = (input: number, output: number | undefined, cached?: number): Generate["usage"] => ({
  inputTokens: { total: input, noCache: input - (cached ?? 0), cacheRead: cached, cacheWrite: undefined },
  outputTokens: { total: output, text: output, reasoning: undefined },
});

/** A whole answer. */
export const answer = (
  text: string,
  usage = usageOf(10, 5),
  reason: "stop" | "length" = "stop",
): Generate => ({
  content: [{ type: "text", text }],
  finishReason: { unified: reason, raw: reason },
  usage,
  warnings: [],
});

/** An answer that calls a tool. */
export const toolCall = (toolName: string, usage = usageOf(100, 20)): Generate => ({
  content: [{ type: "tool-call", toolCallId: `call-${toolName}`, toolName, input: "{}" }],
  finishReason: { unified: "tool-calls", raw: "tool_calls" },
  usage,
  warnings: [],
});

/** The parts of an answer in so many words. */
export const parts = (words: readonly string[], usage = usageOf(10, 5)): Part[] => [
  { type: "stream-start", warnings: [] },
  { type: "text-start", id: "1" },
  ...words.map((delta): Part => ({ type: "text-delta", id: "1", delta })),
  { type: "text-end", id: "1" },
  { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage },
];

/** A stream of parts that are made as they are asked for; `each` is told of each. */
export const streamOf = (
  given: readonly Part[],
  { each = () => undefined, fail }: { each?: (part: Part) => void; fail?: Error } = {},
): ReadableStream<Part> => {
  const left = [...given];
  return new ReadableStream<Part>(
    {
      pull(controller) {
        const part = left.shift();
        if (part) {
          each(part);
          controller.enqueue(part);
        } else if (fail) controller.error(fail);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
};

/** A model that answers whole, with these answers in turn; an error is thrown. */
export function generating(modelId: string, ...answers: readonly (Generate | Error)[]): MockLanguageModelV3 {
  const left = [...answers];
  return new MockLanguageModelV3({
    modelId,
    doGenerate: async () => {
      const next = left.length > 1 ? left.shift() : left[0];
      if (next instanceof Error) throw next;
      return next as Generate;
    },
  });
}

/** A model that answers in parts, with these streams in turn. */
export function streaming(modelId: string, ...streams: (() => ReadableStream<Part>)[]): MockLanguageModelV3 {
  const left = [...streams];
  return new MockLanguageModelV3({
    modelId,
    doStream: async () => {
      const next = left.length > 1 ? left.shift() : left[0];
      return { stream: (next as () => ReadableStream<Part>)() };
    },
  });
}
