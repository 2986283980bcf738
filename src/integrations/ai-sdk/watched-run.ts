/**
 * Learns how a run of the AI SDK that streams has ended. The SDK hands out one object with many ways to read the run, and
 * tells nobody that the last reader has left.
 */
import type { StreamTextTransform, ToolSet } from "ai";
import { isStreaming, observeResult } from "../../engine/sessions/observe-result.js";

/** What watching a result takes. */
export interface Watching {
  /** runs the agent's own code within its session */
  readonly runInContext: <T>(fn: () => T) => T;
  /** told once, right before the end of the run is told to the session */
  readonly onOver: () => void;
}

/** A run under way. */
export class WatchedRun<Outcome> {
  /** a stream without parts that stands for the run: it closes or fails as the run does */
  readonly ending: ReadableStream<never>;
  /** what the run has come to; undefined until its end, and where it did not come to one */
  outcome: Outcome | undefined;
  readonly #controller: ReadableStreamDefaultController<never>;
  #cancel: () => void = () => undefined;
  #watching: Watching | undefined;
  #isOver = false;
  #readerCount = 0;
  /** whether somebody waits for the whole, so that the run goes on without readers */
  #isAwaited = false;

  constructor() {
    let started: ReadableStreamDefaultController<never> | undefined;
    this.ending = new ReadableStream<never>({
      start: (controller) => {
        started = controller;
      },
    });
    this.#controller = started as unknown as ReadableStreamDefaultController<never>;
  }

  /** Takes the `ending` as its session watches it, to be cancelled with the run. */
  follow(watched: ReadableStream<never>): void {
    this.#cancel = () => void watched.cancel().catch(() => undefined);
  }

  /** The run has come to its end. */
  finish(outcome: Outcome): void {
    this.outcome = outcome;
    this.#over(() => this.#controller.close());
  }

  #failed(error: unknown): void {
    this.#over(() => this.#controller.error(error));
  }

  #over(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watching?.onOver();
    tell();
  }

  /** A transform of the run's parts that changes none of them. */
  transform<TOOLS extends ToolSet>(): StreamTextTransform<TOOLS> {
    return () => {
      let failure: { readonly error: unknown } | undefined;
      let isFinished = false;
      return new TransformStream({
        transform: (part, controller) => {
          if (part.type === "error") failure = { error: part.error };
          if (part.type === "finish") isFinished = part.finishReason !== "error";
          if (part.type === "abort") this.#over(() => this.#cancel());
          controller.enqueue(part);
        },
        flush: () => {
          // A run that has come to its end is told of with its outcome, by `finish`.
          if (isFinished) return;
          if (failure) this.#failed(failure.error);
          else this.#over(() => this.#controller.close());
        },
      });
    };
  }

  /**
   * The result with its streams watched, whichever are read: left by the last reader before its end, the run is cancelled.
   */
  watch<R extends object>(result: R, watching: Watching): R {
    this.#watching = watching;
    const { runInContext } = watching;
    return new Proxy(result, {
      get: (target, name) => {
        const value: unknown = runInContext(() => Reflect.get(target, name, target));
        if (typeof value !== "function") return this.#read(value);
        return (...args: unknown[]) => this.#read(runInContext(() => Reflect.apply(value, target, args)));
      },
    });
  }

  #read(value: unknown): unknown {
    if (value instanceof Promise) return this.#awaited(value);
    if (!isStreaming(value)) return value;
    this.#readerCount += 1;
    return observeResult(value, {
      runInContext: (fn) => (this.#watching as Watching).runInContext(fn),
      onEnd: (ending) => {
        this.#readerCount -= 1;
        if (ending.kind === "failed") this.#failed(ending.error);
        const isLeft = ending.kind === "cancelled" && this.#readerCount === 0 && !this.#isAwaited;
        if (isLeft) this.#over(() => this.#cancel());
      },
    });
  }

  /** The host gets the promise that reports here: if nobody handles its rejection, it is still an unhandled one. */
  #awaited(value: Promise<unknown>): Promise<unknown> {
    this.#isAwaited = true;
    return value.catch((error: unknown) => {
      this.#failed(error);
      throw error;
    });
  }
}
