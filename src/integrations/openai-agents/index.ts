/**
 * `dethrone/openai-agents`: sessions for the OpenAI Agents SDK. `@openai/agents` is a peer: 0.20 or later.
 */
export type { PriceTable, TokenPrice } from "../token-usage.js";
export { type AgentSettings, agentSettings } from "./agent-settings.js";
export { type SessionModelOptions, sessionModel } from "./session-model.js";
export { type SessionRun, type SessionRunOptions, sessionRun } from "./session-run.js";
