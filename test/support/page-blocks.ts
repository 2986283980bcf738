import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A page's code blocks of a language. */
export function blocks(language: string, page: string): string[] {
  return [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] as string);
}

/** Whether a block is of an adapter, and needs that one's package. */
export const isOfAdapter = (code: string): boolean =>
  /from "dethrone\/(openfeature|otel|judges|ai-sdk|openai-agents|langgraph|mcp)"/.test(code);

/** What pages leave to the reader: the agent. */
export const AGENT = `async function runAgent(config, question) {
  return { text: config.prompt + " " + question, resolved: true };
}
`;

/** ... the provider of its models, for the AI SDK ... */
export const PROVIDER = `import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
const usage = { inputTokens: { total: 9 }, outputTokens: { total: 2 } };
const finishReason = { unified: "stop", raw: "stop" };
const provider = (modelId) =>
  new MockLanguageModelV3({
    modelId,
    doGenerate: async () => ({ content: [{ type: "text", text: "Here." }], finishReason, usage, warnings: [] }),
    doStream: async () => ({
      stream: simulateReadableStream({
        chunks: [
          { type: "text-start", id: "1" },
          { type: "text-delta", id: "1", delta: "Here." },
          { type: "text-end", id: "1" },
          { type: "finish", finishReason, usage },
        ],
      }),
    }),
  });
`;

/** ... for OpenAI Agents, whose own would ask OpenAI ... */
const AGENTS_PROVIDER = `import { setDefaultModelProvider, setTracingDisabled, Usage } from "@openai/agents";
setTracingDisabled(true);
const usage = new Usage({ requests: 1, inputTokens: 9, outputTokens: 2, totalTokens: 11 });
const output = [
  { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "Here." }] },
];
setDefaultModelProvider({
  getModel: () => ({
    getResponse: async () => ({ usage, output }),
    async *getStreamedResponse() {
      yield { type: "output_text_delta", delta: "Here." };
      yield { type: "response_done", response: { id: "1", usage, output } };
    },
  }),
});
`;

/** ... and for LangGraph. */
const CHAT_MODEL = `import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage } from "@langchain/core/messages";
class ChatModel extends BaseChatModel {
  _llmType() {
    return "test";
  }
  bindTools() {
    return this;
  }
  async _generate() {
    const usage_metadata = { input_tokens: 9, output_tokens: 2, total_tokens: 11 };
    return { generations: [{ text: "Here.", message: new AIMessage({ content: "Here.", usage_metadata }) }] };
  }
}
const chatModel = () => new ChatModel({});
`;

/** TypeScript of a page as JavaScript. */
const toJavaScript = (code: string): string => transformSync(code, { loader: "ts", target: "es2022" }).code;

/** A block that needs no other, with what it leaves to the reader, as a module. */
export function standingAlone(code: string): string {
  const given = [
    code.includes("provider(") && PROVIDER,
    code.includes("dethrone/openai-agents") && AGENTS_PROVIDER,
    code.includes("chatModel(") && CHAT_MODEL,
  ];
  return `${given.filter(Boolean).join("")}${AGENT}${toJavaScript(code)}`;
}

/** What a block has complained of; not that a busy machine answers late, which is said and changes no output. */
export const complaints = (stderr: string): string =>
  stderr.replace(/.*(is not known in time|has not been loaded yet).*\n/g, "");

/** Installs packages into a folder as links: `dethrone` is the built package itself. */
export function linkPackages(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(name === "dethrone" ? root : join(root, "node_modules", name), link, "dir");
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
}
