/**
 * Wraps the function that runs an agent: a session around each call, the result back unchanged, the outcome recorded.
 *
 * Nothing here may break or delay the host's call. Recording happens behind its back; whatever of ours fails is counted
 * and logged; what the host's runner throws is rethrown as it is.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { observeResult, type ResultEnding } from "./observe-result.js";
import { checkSessionOptions, type SessionOptions } from "./router.js";
import { type EngineSession, type Session, scoreOf } from "./session.js";

const current = new AsyncLocalStorage<Session<unknown>>();

/**
 * The session of the wrapped call this code runs in, or undefined outside of one.
 */
export function currentSession<Config = JsonObject>(): Session<Config> | undefined {
  return current.getStore() as Session<Config> | undefined;
}

type Score = number | boolean | undefined;

/** How calls become sessions and results become scores. The functions get the arguments of the call. */
export interface WrapOptions<Args extends readonly unknown[], Result> {
  /** the session's own id; a stored one is resumed */
  readonly id?: (...args: Args) => string | undefined;
  /** what is randomised: a user, repository, conversation; default: the session itself */
  readonly unit?: (...args: Args) => string | undefined;
  /** attributes of the session, kept for breakdowns */
  readonly context?: (...args: Args) => object | undefined;
  /** how it went: boolean, [0, 1], or undefined to leave it to signals. Streams are scored when drained. */
  readonly score?: (result: Awaited<Result>, ...args: Args) => Score | Promise<Score>;
  /** `return` (default): the session ends with the call or its stream; `manual`: with `session.end()` */
  readonly end?: "return" | "manual";
  /** the score of a call that throws, or `missing`; must not look at the arm. Default: 0. */
  readonly onError?: (error: unknown, ...args: Args) => number | "missing";
  /** after so many milliseconds `session.abortSignal` fires */
  readonly timeoutMs?: number;
}

/** Starts the session of a call; never throws. */
type BeginSession<Config> = (
  options: SessionOptions,
) => EngineSession<Config> | Promise<EngineSession<Config>>;

/** What a wrapped call needs of its project. */
export interface WrapHost<Config> {
  readonly context: EngineContext;
  readonly begin: BeginSession<Config>;
  /** The session of a call of which nothing can be recorded. */
  readonly fallback: () => EngineSession<Config>;
  /** Keeps a background task until it is done, so that `flush` can wait for it. */
  readonly keep: (task: Promise<unknown>) => void;
}

/** One call of the wrapped runner. */
class WrappedCall<Config, Args extends readonly unknown[], Result> {
  readonly #host: WrapHost<Config>;
  readonly #options: WrapOptions<Args, Result>;
  readonly #session: EngineSession<Config>;
  readonly #args: Args;
  #cancelTimeout: () => void = () => undefined;

  constructor(
    host: WrapHost<Config>,
    options: WrapOptions<Args, Result>,
    session: EngineSession<Config>,
    args: Args,
  ) {
    this.#host = host;
    this.#options = options;
    this.#session = session;
    this.#args = args;
  }

  async run(runner: (session: Session<Config>, ...args: Args) => Result): Promise<Awaited<Result>> {
    this.#startTimeout();
    const runInContext = <R>(fn: () => R): R => current.run(this.#session, fn);
    let result: Awaited<Result>;
    try {
      result = await runInContext(() => runner(this.#session, ...this.#args));
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    return observeResult(result, { runInContext, onEnd: (ending) => this.#ended(ending, result) });
  }

  #startTimeout(): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined) return;
    this.#cancelTimeout = this.#host.context.clock.after(timeoutMs, () => {
      this.#record(this.#session.signal({ name: "timeout", value: 1, key: "timeout" }));
      this.#session.abort(new DOMException(`The session ran longer than ${timeoutMs} ms.`, "TimeoutError"));
    });
  }

  #ended(ending: ResultEnding, result: Awaited<Result>): void {
    if (ending.kind === "failed") {
      this.#failed(ending.error);
      return;
    }
    this.#cancelTimeout();
    if (this.#options.end === "manual") return;
    // A cancelled stream is a result the host did not want to the end: its score function judges it like any other.
    this.#host.keep(this.#finish(() => this.#options.score?.(result, ...this.#args)));
  }

  #failed(error: unknown): void {
    this.#cancelTimeout();
    this.#record(this.#session.signal({ name: "error", value: 1, key: "error" }));
    this.#host.keep(
      this.#finish(() => {
        const score = this.#options.onError ? this.#options.onError(error, ...this.#args) : 0;
        return score === "missing" ? undefined : score;
      }),
    );
  }

  /** Asks for the score and ends the session; a score that throws or is invalid leaves the session missing. */
  async #finish(score: () => Score | Promise<Score>): Promise<void> {
    let value: number | null = null;
    try {
      // Called at once, before the host can change the result; awaited only if it is a promise.
      const answer = score();
      value = scoreOf(answer instanceof Promise ? await answer : answer);
    } catch (error) {
      this.#host.context.fail(
        "callbacksFailed",
        "a score could not be taken; the session is missing",
        error,
        {
          sessionId: this.#session.id,
        },
      );
    }
    this.#record(this.#session.end(value === null ? {} : { score: value }));
  }

  /** Lets a write finish behind the host's back. */
  #record(write: Promise<unknown>): void {
    // Nothing was recorded of the start, which was counted then: the rest is no news.
    if (!this.#session.isRecorded) {
      write.catch(() => undefined);
      return;
    }
    this.#host.keep(
      write.catch((error: unknown) =>
        this.#host.context.fail("writesFailed", "a session's outcome could not be recorded", error, {
          sessionId: this.#session.id,
        }),
      ),
    );
  }
}

/** The context of a call; one that fails or is no JSON is left out, and the session goes on without. */
function contextOf<Config, Args extends readonly unknown[]>(
  host: WrapHost<Config>,
  options: Pick<WrapOptions<Args, unknown>, "context">,
  args: Args,
): object | undefined {
  try {
    const context = options.context?.(...args);
    checkSessionOptions({ context });
    return context;
  } catch (error) {
    host.context.fail("callbacksFailed", "a session's context could not be taken; it is left out", error);
    return undefined;
  }
}

/** @throws DethroneError `settings_invalid` */
function checkWrapOptions(options: { readonly end?: unknown; readonly timeoutMs?: unknown }): void {
  const { end = "return", timeoutMs } = options;
  if (end !== "return" && end !== "manual") {
    throw new DethroneError(
      "settings_invalid",
      `end must be 'return' or 'manual'; received '${String(end)}'.`,
      {
        field: "end",
        received: received(end),
      },
    );
  }
  if (timeoutMs === undefined || (typeof timeoutMs === "number" && timeoutMs > 0)) return;
  throw new DethroneError("settings_invalid", `timeoutMs must be above 0; received ${String(timeoutMs)}.`, {
    field: "timeoutMs",
    received: received(timeoutMs),
  });
}

/** The session of a call; a callback of the host that fails makes it the champion's, with nothing recorded. */
async function sessionOf<Config, Args extends readonly unknown[]>(
  host: WrapHost<Config>,
  options: Pick<WrapOptions<Args, unknown>, "id" | "unit" | "context">,
  args: Args,
): Promise<EngineSession<Config>> {
  try {
    const session = host.begin({
      id: options.id?.(...args),
      unit: options.unit?.(...args),
      context: contextOf(host, options, args),
    });
    return session instanceof Promise ? await session : session;
  } catch (error) {
    host.context.fail(
      "callbacksFailed",
      "a session could not be set up; the champion runs unrecorded",
      error,
    );
    return host.fallback();
  }
}

/** A function that runs an agent: the session first, then the arguments of the call. */
export type Runner<Config> = (session: Session<Config>, ...args: never[]) => unknown;

/** The arguments of a runner, without the session. */
export type ArgsOf<R> = R extends (session: never, ...args: infer Args) => unknown ? Args : never;

/** A wrapped runner: the same call, without the session. */
export type Wrapped<R extends (...args: never[]) => unknown> = (
  ...args: ArgsOf<R>
) => Promise<Awaited<ReturnType<R>>>;

/** The runner with a session around each call. */
export function wrapRunner<Config, R extends Runner<Config>>(
  host: WrapHost<Config>,
  runner: R,
  options: WrapOptions<ArgsOf<R>, ReturnType<R>>,
): Wrapped<R> {
  checkWrapOptions(options);
  const run = runner as unknown as (session: Session<Config>, ...args: ArgsOf<R>) => ReturnType<R>;
  return (...args) =>
    sessionOf(host, options, args).then((session) =>
      new WrappedCall<Config, ArgsOf<R>, ReturnType<R>>(host, options, session, args).run(run),
    );
}
