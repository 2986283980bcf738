/**
 * `dethrone/otel`: OpenTelemetry, both ways. `@opentelemetry/api` is handed in, never imported.
 */
export type { ObservedEngine, ObservedProject } from "./experiment-metrics.js";
export { type ProcessedSpan, SignalProcessor, type SignalProcessorOptions } from "./signal-processor.js";
export {
  type EventLogger,
  type OpenTelemetryApi,
  openTelemetry,
  type Telemetry,
  type TelemetryOptions,
} from "./telemetry.js";
