import { type Model, type ModelRequest, type ModelResponse, type StreamEvent, Usage } from "@openai/agents";

/** What a model of the tests was asked. */
type Asked = Pick<ModelRequest, "systemInstructions" | "modelSettings"> & {
  readonly model: string;
  readonly tools: readonly string[];
};

type Done = Extract<StreamEvent, { type: "response_done" }>["response"];

/** One answer of a model; an error is thrown. */
export type Answer = Omit<ModelResponse, "usage"> & { readonly usage?: Usage };

/** Tokens as OpenAI's providers tell them. */
export const usageOf = (input: number, output: number, cached = 0): Usage =>
  new Usage({
    requests: 1,
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + output,
    inputTokensDetails: [{ cached_tokens: cached }],
  });

/** An answer in words. */
export const says = (text: string, usage: Usage = usageOf(10, 5), rest: Partial<Answer> = {}): Answer => ({
  usage,
  output: [
    { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text }] },
  ],
  ...rest,
});

/** An answer that calls a tool, or hands over to an agent. */
export const calls = (name: string, usage: Usage = usageOf(100, 20)): Answer => ({
  usage,
  output: [{ type: "function_call", callId: `call-${name}`, name, status: "completed", arguments: "{}" }],
});

const words = ({ output }: Answer): string[] =>
  output.flatMap((item) =>
    "role" in item && item.role === "assistant"
      ? item.content.flatMap((part) => (part.type === "output_text" ? part.text.split(/(?<= )/) : []))
      : [],
  );

/** A provider whose models give these answers in turn, the last one again and again, whole or in words. */
export function provider(...answers: readonly (Answer | Error)[]) {
  const asked: Asked[] = [];
  const left = [...answers];
  const next = (name: string, { systemInstructions, modelSettings, tools }: ModelRequest): Answer => {
    const system = systemInstructions === undefined ? {} : { systemInstructions };
    asked.push({ model: name, modelSettings, tools: tools.map((tool) => tool.name), ...system });
    const answer = (left.length > 1 ? left.shift() : left[0]) as Answer | Error;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const getModel = (name = "default"): Model => ({
    getResponse: async (request) => ({ usage: new Usage(), ...next(name, request) }),
    async *getStreamedResponse(request): AsyncGenerator<StreamEvent> {
      const answer = next(name, request);
      for (const delta of words(answer)) yield { type: "output_text_delta", delta };
      const { inputTokens = 0, outputTokens = 0, inputTokensDetails = [] } = answer.usage ?? {};
      const usage = {
        inputTokens,
        outputTokens,
        totalTokens: inputTokens + outputTokens,
        inputTokensDetails,
      };
      yield {
        type: "response_done",
        response: { id: "response-1", usage, output: answer.output as Done["output"] },
      };
    },
  });
  return { asked, getModel };
}
