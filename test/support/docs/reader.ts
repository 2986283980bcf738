/** What the pages leave to their reader: the agent, its models, and packages that do not come with this one. */

/** Types of it, for every program. */
export const AMBIENT = `
declare const engine: import("dethrone").Engine;
declare const bot: import("dethrone").Project<{ model: string; prompt: string }>;
declare const session: import("dethrone").Session<{ model: string; prompt: string }>;
declare function runAgent(config: object, question: string): Promise<{ text: string; resolved: boolean }>;
declare function provider(modelId: string | undefined): import("@ai-sdk/provider").LanguageModelV3;
declare function chatModel(name: string | undefined): import("@langchain/core/language_models/chat_models").BaseChatModel;
`;

/** Code of it, by the name a program calls. */
export const PRELUDES: Readonly<Record<string, string>> = {
  runAgent: `async function runAgent(config, question) {
  return { text: config.prompt + " " + question, resolved: true };
}
`,
  provider: `import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
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
`,
};

interface StandIn {
  readonly name: string;
  /** what is imported of the package */
  readonly path: string;
  readonly types: string;
  readonly code: string;
}

/** As much of other packages as the pages use. */
export const STAND_INS: readonly StandIn[] = [
  {
    ...{ name: "next", path: "server" },
    types: "export declare function after(task: () => unknown): void;",
    code: "export const tasks = []; export const after = (task) => void tasks.push(task());",
  },
  {
    ...{ name: "@mastra/core", path: "agent" },
    types: `export declare class Agent {
  constructor(config: { id: string; name: string; instructions: string; model: string });
  generate(prompt: string): Promise<{ text: string; totalUsage: { inputTokens: number; outputTokens: number } }>;
}`,
    code: "export class Agent {}",
  },
];
