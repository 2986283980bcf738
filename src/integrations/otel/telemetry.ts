/**
 * An engine's telemetry: assignments, sessions and decisions as events and spans, the state of experiments as metrics.
 */
import type { Attributes, MetricsAPI, Span, TraceAPI, Tracer } from "@opentelemetry/api";
import type { DecisionEvent } from "../../engine/experiments/decision-event.js";
import { FailureLog } from "../../engine/failure-log.js";
import type { Logger } from "../../engine/ports.js";
import { RecentMap } from "../../engine/recent-map.js";
import type { Exposure, ExposureSink } from "../../engine/sessions/exposures.js";
import { VERSION } from "../../version.js";
import {
  agentAttributes,
  assignmentOf,
  decisionAttributes,
  EVALUATION_EVENT,
  evaluationAttributes,
  type TracedSession,
} from "./attributes.js";
import { ExperimentMetrics, type ObservedEngine, type ObservedProject } from "./experiment-metrics.js";
import { inSpan } from "./session-spans.js";

/** What is asked of `@opentelemetry/api`: hand in its `trace` and `metrics`. */
export interface OpenTelemetryApi {
  readonly trace: Pick<TraceAPI, "getTracer" | "getActiveSpan">;
  readonly metrics: Pick<MetricsAPI, "getMeter">;
}

/** Takes events, such as a logger of `@opentelemetry/api-logs`. */
export interface EventLogger {
  emit(event: { readonly eventName: string; readonly attributes: Attributes }): void;
}

/** Settings of the telemetry. */
export interface TelemetryOptions {
  /** where evaluation events go, as the conventions have it; default: onto the active span, as span events */
  readonly events?: EventLogger;
  /** where failures go; default: standard error */
  readonly logger?: Logger;
}

/** Sessions whose event a span of theirs has had, remembered until their exposure comes. */
const TRACED_MAX = 10_000;

/**
 * Makes the telemetry of an engine. Nothing of it throws, rejects or waits.
 *
 * @example
 * import { metrics, trace } from "@opentelemetry/api";
 * const telemetry = openTelemetry({ trace, metrics });
 * const engine = await createEngine({ exposures: [telemetry], onDecision: telemetry.onDecision });
 */
export function openTelemetry(api: OpenTelemetryApi, options: TelemetryOptions = {}): Telemetry {
  return new Telemetry(api, options);
}

/** The telemetry of an engine. */
export class Telemetry implements ExposureSink {
  readonly #trace: OpenTelemetryApi["trace"];
  readonly #tracer: Tracer;
  readonly #metrics: ExperimentMetrics;
  readonly #events: EventLogger | undefined;
  readonly #failures: FailureLog;
  readonly #traced = new RecentMap<string, true>(TRACED_MAX);

  constructor({ trace, metrics }: OpenTelemetryApi, { events, logger }: TelemetryOptions) {
    this.#trace = trace;
    this.#tracer = trace.getTracer("dethrone", VERSION);
    this.#events = events;
    this.#failures = new FailureLog(logger);
    this.#metrics = new ExperimentMetrics(metrics.getMeter("dethrone", VERSION), this.#failures);
  }

  /**
   * Tells of an assignment: a `feature_flag.evaluation` event, and the agent's name, version and conversation as
   * attributes, on the span that was active when the session started; nothing where there was none, or it has ended. A
   * session that {@link traced} runs has them on its own span instead.
   */
  expose(exposure: Exposure): void {
    this.#metrics.count(exposure);
    if (this.#traced.delete(exposure.session)) return;
    const span = this.#trace.getActiveSpan();
    span?.setAttributes(agentAttributes(exposure));
    this.#evaluated(span, evaluationAttributes(exposure));
  }

  /** Tells of a decision: a span `decide PROJECT` at its time, and a count. To be an engine's `onDecision`. */
  readonly onDecision = (decision: DecisionEvent): void => {
    const attributes = decisionAttributes(decision);
    this.#tracer
      .startSpan(`decide ${decision.project}`, { attributes, startTime: decision.atMs })
      .end(decision.atMs);
    this.#metrics.decided(decision);
  };

  /**
   * The same runner, with a span `invoke_agent PROJECT` around each run, which what the agent does is inside of. To be
   * given to `wrap`.
   *
   * @example
   * const answer = bot.wrap(telemetry.traced((session, question: string) => runAgent(session.config, question)));
   */
  traced<Runner extends (session: never, ...args: never[]) => unknown>(runner: Runner): Runner {
    const run = runner as unknown as Parameters<typeof inSpan>[1];
    const traced = inSpan(this.#tracer, run, (session, span) => this.#started(session, span));
    return traced as unknown as Runner;
  }

  /**
   * Observes an engine's health, and the experiments that run in these projects, whenever metrics are collected.
   *
   * @returns what stops it
   */
  observe(engine: ObservedEngine, projects: readonly ObservedProject[] = []): () => void {
    return this.#metrics.observe(engine, projects);
  }

  #started(session: TracedSession, span: Span): void {
    if (session.experiment === null) return;
    this.#traced.set(session.id, true);
    this.#evaluated(span, evaluationAttributes(assignmentOf(session)));
  }

  #evaluated(span: Span | undefined, attributes: Attributes): void {
    if (!this.#events) {
      span?.addEvent(EVALUATION_EVENT, attributes);
      return;
    }
    try {
      this.#events.emit({ eventName: EVALUATION_EVENT, attributes });
    } catch (error) {
      this.#failures.note("an evaluation event was not taken", error);
    }
  }
}
