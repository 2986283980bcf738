/**
 * `dethrone/server`: the HTTP API and the dashboard over an engine.
 */

export type { SimulationJob, Simulator } from "../engine/simulations.js";
export { type AccessLogEntry, type App, type AppOptions, createApp } from "./app.js";
export { openApiDocument } from "./contract/openapi.js";
export { dashboard } from "./dashboard/index.js";
export { type Listening, type ListenOptions, listen } from "./listen.js";
export { type RenderOptions, type ReportFormat, renderReport } from "./report/render.js";
