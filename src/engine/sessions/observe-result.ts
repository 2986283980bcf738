/**
 * Learns when an agent's result has ended, without the host noticing.
 *
 * A session ends when its result does, and a result may be a stream that outlives the call. Three rules hold for
 * every kind: nothing is consumed before the host asks for it, what the host would have seen it still sees (the same
 * chunks, error objects and cancel reasons), and a fault in here leaves the result untouched.
 *
 * Iterators and Node streams are instrumented in place, so they keep their identity. Web streams are locked by whoever
 * reads them, so they are relayed through a stream of the same type.
 */
import { errorMonitor } from "../platform.js";

/** How a result ended: read to its end, broken by an error, or dropped by the host before its end. */
export type ResultEnding =
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "cancelled" };

/** What {@link observeResult} calls: `onEnd` once, `runInContext` around every step of the agent's own code. */
export interface ResultObserver {
  readonly onEnd: (ending: ResultEnding) => void;
  readonly runInContext: <R>(fn: () => R) => R;
  /** whose result it is, and within whose call it came about: the latter may hand it on as a result of its own */
  readonly owner?: object | undefined;
  readonly within?: object | undefined;
}

type ResultKind = "value" | "response" | "web-stream" | "node-stream" | "iterable";
type Method = (...args: unknown[]) => unknown;
type Methods = Record<PropertyKey, Method>;

const COMPLETED: ResultEnding = { kind: "completed" };
const CANCELLED: ResultEnding = { kind: "cancelled" };

/**
 * Returns the result to hand to the host, and reports once when it has ended.
 *
 * Plain values, locked or used streams and bodiless responses end at once, before this returns. The rest ends when it
 * is drained, fails or is cancelled (which includes leaving a `for await` early); what the host never reads never ends.
 * An iterable that is iterated more than once ends with the first iteration to end.
 *
 * The same reference is returned, except that a web stream comes back as a stream of the same type, a Response as a
 * Response around such a stream, and a frozen iterable as an object that inherits from it.
 *
 * @param observer `onEnd` is called exactly once; what it throws is dropped. `runInContext` must call its function at
 *   once and return what that returns.
 *
 * @example
 * observeResult("a plain value", { onEnd: ({ kind }) => log(kind), runInContext: (fn) => fn() }); // logs "completed"
 */
export function observeResult<T>(result: T, observer: ResultObserver): T {
  const watch: ResultObserver = { ...observer, onEnd: once(observer.onEnd) };
  try {
    return observe(result, watch) as T;
  } catch {
    watch.onEnd(COMPLETED);
    return result;
  }
}

/** Whether the result can go on after the agent has returned it, so that its end is reported later. */
export function isStreaming(result: unknown): boolean {
  try {
    return kindOf(result) !== "value";
  } catch {
    return false;
  }
}

/** Objects watched in place, and within whose call: an agent may return one and the same to many calls. */
const watchedInPlace = new WeakMap<object, object | undefined>();

/**
 * Watched again at each call it would grow a layer a call; it belongs to the session that returned it first, and to those
 * around that one which hand it on.
 */
function belongsElsewhere(result: object, { owner }: ResultObserver): boolean {
  return watchedInPlace.has(result) && (owner === undefined || watchedInPlace.get(result) !== owner);
}

function observe(result: unknown, watch: ResultObserver): unknown {
  if (isObject(result)) {
    if (belongsElsewhere(result, watch)) {
      watch.onEnd(COMPLETED);
      return result;
    }
    if (isStreaming(result)) watchedInPlace.set(result, watch.within);
  }
  switch (kindOf(result)) {
    case "response":
      return observeResponse(result as Response, watch);
    case "web-stream":
      return observeStream(result as ReadableStream<unknown>, watch);
    case "node-stream":
      return observeNodeStream(result as NodeStream, watch);
    case "iterable":
      return observeIterable(result as AsyncIterable<unknown>, watch);
    case "value":
      watch.onEnd(COMPLETED);
      return result;
  }
}

// By structure, because streams of other realms and polyfills count too. Iterables come last: streams are iterable.
function kindOf(result: unknown): ResultKind {
  if (!isObject(result)) return "value";
  if (result instanceof Response) return hasUnreadBody(result) ? "response" : "value";
  if (hasMethods(result, "getReader", "cancel"))
    return Reflect.get(result, "locked") ? "value" : "web-stream";
  if (hasMethods(result, "on", "pipe", "read")) return "node-stream";
  return hasMethods(result, Symbol.asyncIterator) ? "iterable" : "value";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function hasMethods(target: object, ...names: readonly PropertyKey[]): boolean {
  return names.every((name) => typeof Reflect.get(target, name) === "function");
}

function hasUnreadBody(response: Response): boolean {
  return response.body !== null && !response.bodyUsed && !response.body.locked;
}

function once(onEnd: ResultObserver["onEnd"]): ResultObserver["onEnd"] {
  let hasEnded = false;
  return (ending) => {
    if (hasEnded) return;
    hasEnded = true;
    try {
      // An async observer type-checks as well, and its unhandled rejection would end the host's process.
      Promise.resolve<unknown>(onEnd(ending)).catch(() => undefined);
    } catch {
      // Learning about the end is our business; failing at it must not become the host's.
    }
  };
}

// ---- Async iterables and generators

function observeIterable(source: AsyncIterable<unknown>, watch: ResultObserver): AsyncIterable<unknown> {
  const open = source[Symbol.asyncIterator];
  // An iterable may hand out the same iterator each time; once is enough for it.
  const seen = new WeakSet<object>();
  const observed: AsyncIterable<unknown> = override(source, {
    ...(hasMethods(source, "next")
      ? iteratorMethods(source as unknown as AsyncIterator<unknown>, watch)
      : {}),
    [Symbol.asyncIterator]: () => {
      const iterator = watchStep(() => Reflect.apply(open, source, []), neverEnds, watch);
      if (iterator === source) return observed;
      if (!isObject(iterator) || seen.has(iterator)) return iterator;
      const observedIterator = override(iterator, iteratorMethods(iterator as AsyncIterator<unknown>, watch));
      seen.add(observedIterator);
      return observedIterator;
    },
  });
  return observed;
}

function iteratorMethods(iterator: AsyncIterator<unknown>, watch: ResultObserver): Methods {
  const { next, return: close = closeNothing, throw: fail } = iterator;
  const watched =
    (method: Method, endingOf: typeof endsWhenDone): Method =>
    (...args) =>
      watchStep(() => Reflect.apply(method, iterator, args), endingOf, watch);
  return {
    next: watched(next as Method, endsWhenDone),
    return: watched(close as Method, alwaysCancels),
    ...(fail && { throw: watched(fail as Method, endsWhenDone) }),
  };
}

// Added where an iterator has no `return` of its own: it is how leaving a `for await` early becomes visible.
async function closeNothing(value: unknown): Promise<IteratorResult<unknown>> {
  return { done: true, value };
}

const neverEnds = (): undefined => undefined;
const alwaysCancels = (): ResultEnding => CANCELLED;

function endsWhenDone(step: unknown): ResultEnding | undefined {
  return isObject(step) && Reflect.get(step, "done") ? COMPLETED : undefined;
}

// The host gets the promise that reports first: if nobody handles its rejection, it is still an unhandled one.
function watchStep(call: () => unknown, endingOf: typeof endsWhenDone, watch: ResultObserver): unknown {
  const settle = (step: unknown): unknown => {
    const ending = endingOf(step);
    if (ending) watch.onEnd(ending);
    return step;
  };
  const fail = (error: unknown): never => {
    watch.onEnd({ kind: "failed", error });
    throw error;
  };
  let step: unknown;
  try {
    step = watch.runInContext(call);
  } catch (error) {
    return fail(error);
  }
  return isObject(step) && hasMethods(step, "then") ? Promise.resolve(step).then(settle, fail) : settle(step);
}

/** Puts the methods on the target itself or, where that is frozen, on an object that inherits from it. */
function override<O extends object>(target: O, methods: Methods): O {
  const names = Reflect.ownKeys(methods);
  const isOpen =
    Object.isExtensible(target) &&
    names.every((name) => Object.getOwnPropertyDescriptor(target, name)?.configurable !== false);
  const observed: O = isOpen ? target : Object.create(target);
  for (const name of names) defineHidden(observed, name, Reflect.get(methods, name));
  return observed;
}

function defineHidden(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true });
}

// ---- Web streams and responses

type StreamController = ReadableStreamDefaultController<unknown> | ReadableByteStreamController;
type StreamReader = ReadableStreamDefaultReader<unknown> | ReadableStreamBYOBReader;
type ReadResult = { readonly done: boolean; readonly value?: unknown };

function observeStream(source: ReadableStream<unknown>, watch: ResultObserver): ReadableStream<unknown> {
  let relay: StreamRelay | undefined;
  const steps = {
    start: (controller: StreamController) => {
      relay = new StreamRelay(source, controller, watch);
    },
    pull: () => relay?.pull(),
    cancel: (reason: unknown) => relay?.cancel(reason),
  };
  // A mark of 0 (the default of byte streams) asks for a chunk only once the host waits for one.
  const wrapped = isByteStream(source)
    ? new ReadableStream({ type: "bytes", ...steps })
    : new ReadableStream<unknown>(steps, { highWaterMark: 0 });
  return source instanceof ReadableStream ? dressAs(wrapped, source, ReadableStream.prototype) : wrapped;
}

function isByteStream(source: ReadableStream<unknown>): boolean {
  try {
    source.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

class StreamRelay {
  #reader: StreamReader;
  #isByob = false;
  #isReading = false;
  #isOver = false;
  #sourceEnding: ResultEnding | undefined;

  constructor(
    private readonly source: ReadableStream<unknown>,
    private readonly controller: StreamController,
    private readonly watch: ResultObserver,
  ) {
    this.#reader = this.#follow(source.getReader());
  }

  async pull(): Promise<void> {
    const request = "byobRequest" in this.controller ? this.controller.byobRequest : null;
    this.#isReading = true;
    try {
      const { done, value } = await this.#read(request?.view);
      this.#isReading = false;
      if (this.#isOver) return;
      if (done) return this.#settle(COMPLETED, value);
      if (request) request.respondWithNewView(value as ArrayBufferView);
      else this.controller.enqueue(value as ArrayBufferView);
      if (this.#sourceEnding) this.#settle(this.#sourceEnding);
    } catch (error) {
      this.#isReading = false;
      this.#settle({ kind: "failed", error });
    }
  }

  cancel(reason: unknown): Promise<void> {
    this.#isOver = true;
    this.watch.onEnd(CANCELLED);
    return this.watch.runInContext(() => this.#reader.cancel(reason));
  }

  // The host's own buffer goes down to the source, which may be unable to work without one.
  #read(view: ArrayBufferView | null | undefined): Promise<ReadResult> {
    if (this.#isByob !== Boolean(view)) {
      this.#isByob = Boolean(view);
      this.#reader.releaseLock();
      this.#reader = this.#follow(this.source.getReader(view ? { mode: "byob" } : undefined));
    }
    const { read } = this.#reader as { read(view?: ArrayBufferView): Promise<ReadResult> };
    return this.watch.runInContext(() => Reflect.apply(read, this.#reader, view ? [view] : []));
  }

  // A source that closes or breaks between two reads must do so for the host as well, without a read. During a read
  // the news waits, because the last chunk is still under way.
  #follow(reader: StreamReader): StreamReader {
    const note = (ending: ResultEnding): void => {
      if (this.#reader !== reader) return;
      this.#sourceEnding = ending;
      if (!this.#isReading) this.#settle(ending);
    };
    reader.closed.then(
      () => note(COMPLETED),
      (error: unknown) => note({ kind: "failed", error }),
    );
    return reader;
  }

  #settle(ending: ResultEnding, emptyView?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.watch.onEnd(ending);
    try {
      if (ending.kind === "failed") this.controller.error(ending.error);
      else closeController(this.controller, emptyView as ArrayBufferView | undefined);
    } catch {
      // A byte stream that closes in the middle of an element fails its reader by itself.
    }
  }
}

// A waiting byob read does not end with the stream: it wants its buffer back, which a read of ours may have moved.
function closeController(controller: StreamController, emptyView?: ArrayBufferView): void {
  controller.close();
  if (!("byobRequest" in controller)) return;
  if (emptyView) controller.byobRequest?.respondWithNewView(emptyView);
  else controller.byobRequest?.respond(0);
}

function observeResponse(response: Response, watch: ResultObserver): Response {
  const { status, statusText, headers } = response;
  const body = observeStream(response.body as ReadableStream<unknown>, watch);
  return labelled(
    new Response(body as ReadableStream<Uint8Array>, { status, statusText, headers }),
    response,
  );
}

// What a constructor cannot set. `clone` makes another Response, which needs its labels too.
function labelled(wrapped: Response, original: Response): Response {
  const { url, redirected, type } = original;
  const clone = (): Response => labelled(Response.prototype.clone.call(wrapped), original);
  for (const [name, value] of Object.entries({ url, redirected, type, clone }))
    defineHidden(wrapped, name, value);
  return dressAs(wrapped, original, Response.prototype);
}

/** Gives the wrapper the class and the own fields of the original, where these are more than the platform's own. */
function dressAs<O extends object>(wrapped: O, original: O, platform: object): O {
  const prototype: object | null = Object.getPrototypeOf(original);
  if (prototype !== platform) Object.setPrototypeOf(wrapped, prototype);
  for (const name of Reflect.ownKeys(original)) {
    // An own iterator may hold on to the original, which is locked now.
    if (Object.hasOwn(wrapped, name) || name === Symbol.asyncIterator) continue;
    Object.defineProperty(wrapped, name, Object.getOwnPropertyDescriptor(original, name) ?? {});
  }
  return wrapped;
}

// ---- Node streams

interface NodeStream {
  readonly readableEnded?: boolean;
  readonly destroyed?: boolean;
  readonly errored?: unknown;
  on(event: string | symbol, listener: (error?: unknown) => void): unknown;
}

// None of these events makes a stream flow, and an error that is only monitored stays unhandled.
function observeNodeStream(stream: NodeStream, watch: ResultObserver): NodeStream {
  if (stream.readableEnded) watch.onEnd(COMPLETED);
  else if (stream.errored) watch.onEnd({ kind: "failed", error: stream.errored });
  else if (stream.destroyed) watch.onEnd(CANCELLED);
  stream.on(errorMonitor, (error) => watch.onEnd(isAbort(error) ? CANCELLED : { kind: "failed", error }));
  stream.on("end", () => watch.onEnd(COMPLETED));
  stream.on("close", () => watch.onEnd(CANCELLED));
  const hooks = ["_read", "_destroy"].filter((name) => hasMethods(stream, name));
  override(stream, Object.fromEntries(hooks.map((name) => [name, inContext(stream, name, watch)])));
  return stream;
}

// Node's own word for a stream dropped before its end, by leaving a `for await` or through an AbortSignal.
function isAbort(error: unknown): boolean {
  return isObject(error) && Reflect.get(error, "code") === "ABORT_ERR";
}

function inContext(stream: object, name: string, watch: ResultObserver): Method {
  const method: Method = Reflect.get(stream, name);
  return (...args) => watch.runInContext(() => Reflect.apply(method, stream, args));
}
