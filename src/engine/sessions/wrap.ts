/**
 * Wraps the function that runs an agent: a session around each call, the result back unchanged, the outcome recorded.
 *
 * Nothing here may break or delay the host's call. Recording happens behind its back; whatever of ours fails is counted
 * and logged; what the host's runner throws is rethrown as it is.
 */
import { DethroneError, received } from "../../core/errors.js";
import type { SessionContext } from "../context.js";
import { currentSession } from "./current-session.js";
import { observeResult, type ResultEnding } from "./observe-result.js";
import { type EngineSession, type Session, scoreOf } from "./session.js";
import { checkSessionOptions, type SessionOptions, type SessionParent } from "./session-options.js";

type Score = number | boolean | undefined;

/** How calls become sessions and results become scores. The functions get the arguments of the call. */
export interface WrapOptions<Args extends readonly unknown[], Result> {
  /** the session's own id; a stored one is resumed */
  readonly id?: (...args: Args) => string | undefined;
  /** what is randomised: a user, repository, conversation; default: the session itself */
  readonly unit?: (...args: Args) => string | undefined;
  /** attributes of the session, kept for breakdowns */
  readonly context?: (...args: Args) => object | undefined;
  /**
   * the session the call is a part of, as `fromBaggage` reads it of a request; undefined: the one the call is made in;
   * null: none. Within a session of its own project a call joins that session: it neither ends nor scores it.
   */
  readonly parent?: (...args: Args) => SessionParent | null | undefined;
  /** id of the host's request, told to the exposure sinks */
  readonly requestId?: (...args: Args) => string | undefined;
  /** how it went: boolean, [0, 1], or undefined to leave it to signals. Streams are scored when drained. */
  readonly score?: (result: Awaited<Result>, ...args: Args) => Score | Promise<Score>;
  /** `return` (default): the session ends with the call or its stream; `manual`: with `session.end()` */
  readonly end?: "return" | "manual";
  /** the score of a call that throws, or `missing`; must not look at the arm. Default: 0. */
  readonly onError?: (error: unknown, ...args: Args) => number | "missing";
  /** after so many milliseconds `session.abortSignal` fires */
  readonly timeoutMs?: number;
}

/** The session of a call. */
export interface BegunSession {
  readonly session: EngineSession;
  /** whether somebody else has started it, who ends it too */
  readonly isJoined: boolean;
}

/** What a wrapped call needs of its project. */
export interface WrapHost {
  readonly context: SessionContext;
  /** Starts the session of a call, or joins one. */
  readonly begin: (options: SessionOptions) => BegunSession | Promise<BegunSession>;
  /** The session of a call of which nothing can be recorded. */
  readonly fallback: () => EngineSession;
  /** Keeps a background task until it is done, so that `flush` can wait for it. */
  readonly keep: (task: Promise<unknown>) => void;
}

type RunnerOf<Args extends readonly unknown[], Result> = (session: EngineSession, ...args: Args) => Result;

/** One call of the wrapped runner, in a session of its own. */
class WrappedCall<Args extends readonly unknown[], Result> {
  readonly #host: WrapHost;
  readonly #options: WrapOptions<Args, Result>;
  readonly #session: EngineSession;
  readonly #args: Args;
  #cancelTimeout: () => void = () => undefined;

  constructor(host: WrapHost, options: WrapOptions<Args, Result>, session: EngineSession, args: Args) {
    this.#host = host;
    this.#options = options;
    this.#session = session;
    this.#args = args;
  }

  async run(runner: RunnerOf<Args, Result>): Promise<Awaited<Result>> {
    this.#startTimeout();
    const within = currentSession();
    const owner = this.#session;
    const runInContext = <R>(fn: () => R): R => owner.run(fn);
    let result: Awaited<Result>;
    try {
      result = await runInContext(() => runner(this.#session, ...this.#args));
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    const onEnd = (ending: ResultEnding): void => this.#ended(ending, result);
    return observeResult(result, { runInContext, onEnd, owner, within });
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

/** A call in a session that somebody else ends: the errors, the score and the time of the call are not the session's. */
async function runJoined<Args extends readonly unknown[], Result>(
  session: EngineSession,
  runner: RunnerOf<Args, Result>,
  args: Args,
): Promise<Awaited<Result>> {
  // Called within the session, it is watched by whoever runs that.
  const within = currentSession();
  if (within === session) return await runner(session, ...args);
  const runInContext = <R>(fn: () => R): R => session.run(fn);
  const result = await runInContext(() => runner(session, ...args));
  return observeResult(result, { runInContext, onEnd: () => undefined, owner: session, within });
}

/** What a session can do without; where it fails or is invalid it is left out. */
function spared<Field extends "context" | "requestId">(
  host: WrapHost,
  field: Field,
  take: () => SessionOptions[Field],
): SessionOptions[Field] {
  try {
    const value = take();
    checkSessionOptions({ [field]: value }, host.context.guard);
    return value;
  } catch (error) {
    host.context.fail("callbacksFailed", `a session's ${field} could not be taken; it is left out`, error);
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
async function sessionOf<Args extends readonly unknown[]>(
  host: WrapHost,
  options: Pick<WrapOptions<Args, unknown>, "id" | "unit" | "context" | "parent" | "requestId">,
  args: Args,
): Promise<BegunSession> {
  try {
    const begun = host.begin({
      id: options.id?.(...args),
      unit: options.unit?.(...args),
      parent: options.parent?.(...args),
      context: options.context && spared(host, "context", () => options.context?.(...args)),
      requestId: options.requestId && spared(host, "requestId", () => options.requestId?.(...args)),
    });
    return begun instanceof Promise ? await begun : begun;
  } catch (error) {
    host.context.fail(
      "callbacksFailed",
      "a session could not be set up; the champion runs unrecorded",
      error,
    );
    return { session: host.fallback(), isJoined: false };
  }
}

/** A function that runs an agent: the session first, then the arguments of the call. */
export type Runner<Config, Built = undefined> = (
  session: Session<Config, Built>,
  ...args: never[]
) => unknown;

/** The arguments of a runner, without the session. */
export type ArgsOf<R> = R extends (session: never, ...args: infer Args) => unknown ? Args : never;

/** A wrapped runner: the same call, without the session. */
export type Wrapped<R extends (...args: never[]) => unknown> = (
  ...args: ArgsOf<R>
) => Promise<Awaited<ReturnType<R>>>;

/** The runner with a session around each call; what `session.config` and `built` are is the caller's word. */
export function wrapRunner<R extends (...args: never[]) => unknown>(
  host: WrapHost,
  runner: R,
  options: WrapOptions<ArgsOf<R>, ReturnType<R>>,
): Wrapped<R> {
  checkWrapOptions(options);
  const run = runner as unknown as RunnerOf<ArgsOf<R>, ReturnType<R>>;
  return (...args) =>
    sessionOf(host, options, args).then(({ session, isJoined }) =>
      isJoined
        ? runJoined(session, run, args)
        : new WrappedCall<ArgsOf<R>, ReturnType<R>>(host, options, session, args).run(run),
    );
}
