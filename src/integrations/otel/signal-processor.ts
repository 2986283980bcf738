/**
 * The other way round: what instrumented code tells of a session in spans becomes the session's signals.
 *
 * A run is a span that starts in a session, outside of any other span of it, with all that is inside. When it ends, and
 * any of it was a model's or an agent's, the run's tokens and its latency are recorded once. Frameworks tell the usage of
 * a model call again on the spans around it, so a span counts only if none inside it did.
 */
import type { Attributes, HrTime, SpanContext } from "@opentelemetry/api";
import { DethroneError } from "../../core/errors.js";
import { FailureLog } from "../../engine/failure-log.js";
import type { Logger } from "../../engine/ports.js";
import { RecentMap } from "../../engine/recent-map.js";
import { enclosingSession } from "../../engine/sessions/current-session.js";
import type { SignalInput } from "../../engine/sessions/session.js";
import { checkCount } from "../settings.js";

/** What is read of a span of the SDK, of its versions 1 and 2. */
export interface ProcessedSpan {
  spanContext(): SpanContext;
  readonly parentSpanContext?: SpanContext;
  readonly parentSpanId?: string;
  readonly attributes: Attributes;
  readonly status: { readonly code: number };
  readonly duration: HrTime;
}

/** Settings of the processor. */
export interface SignalProcessorOptions {
  /** most spans of sessions under way at once; beyond it the oldest, which may never end, is forgotten; default 10,000 */
  readonly capacity?: number;
  /** where failures go; default: standard error */
  readonly logger?: Logger;
}

/** Signals by the attributes they add up; the first attribute that is there counts, the others are its former names. */
const USAGE: Readonly<Record<string, readonly string[]>> = {
  input_tokens: ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
  output_tokens: ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"],
  cached_tokens: ["gen_ai.usage.cache_read.input_tokens"],
};

/** Operations that an agent may try again when they fail: that is not the run's failure. */
const CALLS = ["chat", "generate_content", "text_completion", "embeddings", "retrieval", "execute_tool"];

const STATUS_ERROR = 2;

type SignalledSession = { readonly id: string; signal(signal: SignalInput): Promise<unknown> };

/** One run: its session, and what its spans have told so far. */
interface Run {
  readonly session: SignalledSession;
  readonly totals: Map<string, number>;
  /** whether any of it was a model's or an agent's */
  isOfModel: boolean;
}

interface OpenSpan {
  readonly run: Run;
  /** null for the outermost */
  readonly parent: OpenSpan | null;
  /** whether a span inside it has told its usage */
  isCounted: boolean;
}

/**
 * A span processor that records, once a run: `input_tokens`, `output_tokens`, `total_tokens`, `cached_tokens` where they
 * are told, `latency_ms`, and `error` where the run's span ends with an error. All are metrics, and none is a score.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * const provider = new NodeTracerProvider({ spanProcessors: [new SignalProcessor()] });
 */
export class SignalProcessor {
  readonly #capacity: number;
  readonly #failures: FailureLog;
  readonly #open: RecentMap<string, OpenSpan>;
  readonly #recording = new Set<Promise<unknown>>();
  #isShutDown = false;

  constructor({ capacity = 10_000, logger }: SignalProcessorOptions = {}) {
    checkCount("capacity", capacity);
    this.#capacity = capacity;
    this.#open = new RecentMap(capacity);
    this.#failures = new FailureLog(logger);
  }

  /** Notes which session a span starts in. */
  onStart(span: ProcessedSpan): void {
    const session = enclosingSession();
    if (!session || this.#isShutDown) return;
    if (this.#open.size >= this.#capacity) {
      const error = new DethroneError("queue_full", "Too many spans of sessions are under way at once.");
      this.#failures.note("a span of a session is forgotten", error);
    }
    const around = this.#open.get(span.parentSpanContext?.spanId ?? span.parentSpanId ?? "");
    const parent = around?.run.session === session ? around : null;
    const run = parent?.run ?? { session, totals: new Map<string, number>(), isOfModel: false };
    this.#open.set(span.spanContext().spanId, { run, parent, isCounted: false });
  }

  /** Adds up what the span tells; records it if that was the run. */
  onEnd(span: ProcessedSpan): void {
    const { spanId } = span.spanContext();
    const open = this.#open.get(spanId);
    if (!open || this.#isShutDown) return;
    this.#open.delete(spanId);
    addUp(open, span.attributes);
    if (open.parent === null && open.run.isOfModel) this.#record(open.run, span, spanId);
  }

  /** Resolves when the signals recorded so far are on disk, or have failed. */
  async forceFlush(): Promise<void> {
    await Promise.all([...this.#recording]);
  }

  /** Looks at nothing from here on. */
  shutdown(): Promise<void> {
    this.#isShutDown = true;
    return this.forceFlush();
  }

  #record({ session, totals }: Run, span: ProcessedSpan, spanId: string): void {
    const [input, output] = [totals.get("input_tokens"), totals.get("output_tokens")];
    if (input !== undefined && output !== undefined) totals.set("total_tokens", input + output);
    const [seconds, nanoseconds] = span.duration;
    totals.set("latency_ms", seconds * 1000 + nanoseconds / 1e6);
    // By keys of the run: a span that is processed twice is recorded once.
    for (const [name, value] of totals) this.#signal(session, { name, value, key: `otel:${spanId}:${name}` });
    const isCall = CALLS.includes(String(span.attributes["gen_ai.operation.name"]));
    // By the key and in the words of `wrap`, which records the same failure: it counts once.
    if (span.status.code === STATUS_ERROR && !isCall) {
      this.#signal(session, { name: "error", value: 1, key: "error" });
    }
  }

  #signal(session: SignalledSession, signal: SignalInput): void {
    const recording = session
      .signal(signal)
      .catch((error: unknown) =>
        this.#failures.note("a span's signal could not be recorded", error, { sessionId: session.id }),
      );
    this.#recording.add(recording);
    void recording.then(() => this.#recording.delete(recording));
  }
}

function addUp({ run, parent, isCounted }: OpenSpan, attributes: Attributes): void {
  const usage = isCounted ? [] : usageOf(attributes);
  for (const [name, value] of usage) run.totals.set(name, (run.totals.get(name) ?? 0) + value);
  run.isOfModel ||= usage.length > 0 || Object.keys(attributes).some((name) => name.startsWith("gen_ai."));
  if (parent) parent.isCounted ||= isCounted || usage.length > 0;
}

/** The tokens a span tells of, by signal. */
function usageOf(attributes: Attributes): [string, number][] {
  return Object.entries(USAGE).flatMap(([name, known]) => {
    const value = known.map((attribute) => attributes[attribute]).find((each) => each !== undefined);
    const isTokens = typeof value === "number" && Number.isFinite(value) && value >= 0;
    return isTokens ? [[name, value] as [string, number]] : [];
  });
}
