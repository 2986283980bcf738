/** What the pages leave to their reader: the agent, its models, and packages that do not come with this one. */
import { AGENT, PROVIDER } from "../page-blocks.js";

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
  runAgent: AGENT,
  provider: PROVIDER,
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
