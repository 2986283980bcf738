/**
 * `dethrone/langgraph`: sessions for graphs of LangGraph, and whatever else runs as LangChain does. Nothing is imported.
 */
export { type RunSettings, runSettings } from "../run-settings.js";
export type { PriceTable, TokenPrice } from "../token-usage.js";
export { type Graph, type SessionGraphOptions, sessionGraph } from "./session-graph.js";
