/**
 * `dethrone/ai-sdk`: sessions for the Vercel AI SDK. `ai` is a peer: version 6.
 */
export { type RunSettings, runSettings } from "../run-settings.js";
export type { PriceTable, TokenPrice } from "../token-usage.js";
export { type ConfiguredProject, type ModelOptions, sessionMiddleware } from "./middleware.js";
export { type FinishedRun, type SessionAgentOptions, sessionAgent } from "./session-agent.js";
