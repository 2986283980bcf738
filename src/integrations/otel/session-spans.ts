/**
 * A span around each run of an agent.
 */
import { AsyncResource } from "node:async_hooks";
import type { Span, Tracer } from "@opentelemetry/api";
import { observeResult, type ResultEnding } from "../../engine/sessions/observe-result.js";
import { sessionAttributes, type TracedSession } from "./attributes.js";

/** `SpanStatusCode.ERROR`, an enum of a package that is not imported. */
const STATUS_ERROR = 2;

type Runner = (session: TracedSession, ...args: unknown[]) => unknown;

/** The runner, in a span of its own that ends with its result: a stream's once it has been drained, failed or cancelled. */
export function inSpan(
  tracer: Tracer,
  runner: Runner,
  onStart: (session: TracedSession, span: Span) => void,
): Runner {
  return (session, ...args) => {
    const attributes = sessionAttributes(session);
    return tracer.startActiveSpan(`invoke_agent ${session.project}`, { attributes }, (span) => {
      onStart(session, span);
      return watched(span, session, () => runner(session, ...args));
    });
  };
}

function watched(span: Span, session: object, run: () => unknown): unknown {
  // What the host reads of a stream, later and from anywhere, still belongs to the span and the session.
  const scope = new AsyncResource("DETHRONE_SPAN");
  const observed = (result: unknown): unknown =>
    observeResult(result, {
      onEnd: (ending) => end(span, ending),
      runInContext: (fn) => scope.runInAsyncScope(fn),
      owner: session,
      within: session,
    });
  const failed = (error: unknown): never => {
    end(span, { kind: "failed", error });
    throw error;
  };
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return failed(error);
  }
  const isThenable = typeof Object(result).then === "function";
  return isThenable ? Promise.resolve(result).then(observed, failed) : observed(result);
}

function end(span: Span, ending: ResultEnding): void {
  if (ending.kind === "failed") {
    const { error } = ending;
    const isError = error instanceof Error;
    span.setAttribute("error.type", isError ? error.name : "_OTHER");
    span.setStatus({ code: STATUS_ERROR, message: isError ? error.message : String(error) });
    span.recordException(isError ? error : String(error));
  }
  span.end();
}
