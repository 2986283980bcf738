/**
 * What the engine takes of the runtime it runs in, and how it does without: Node, Bun and Deno have it all, edge runtimes
 * some, and no import may ask for more than there is.
 */

type Modules = {
  "node:async_hooks": typeof import("node:async_hooks");
  "node:diagnostics_channel": typeof import("node:diagnostics_channel");
  "node:events": typeof import("node:events");
};

/** What is read of `globalThis`, any part of which may be missing. */
interface Runtime {
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly stderr?: { write(text: string): unknown };
    getBuiltinModule?<Name extends keyof Modules>(name: Name): Modules[Name] | undefined;
  };
  readonly AsyncLocalStorage?: Modules["node:async_hooks"]["AsyncLocalStorage"];
  readonly setImmediate?: (fn: () => void) => unknown;
  readonly console?: { error(text: string): void };
}

const runtime = globalThis as Runtime;

function builtin<Name extends keyof Modules>(name: Name): Modules[Name] | undefined {
  return runtime.process?.getBuiltinModule?.(name);
}

const asyncHooks = builtin("node:async_hooks");

/** A value that code finds again in all it has started. */
export interface Ambient<Value> {
  getStore(): Value | undefined;
  run<R>(value: Value, fn: () => R): R;
}

/** Where there is no AsyncLocalStorage the value is known to synchronous code alone: until the first await. */
class SynchronousAmbient<Value> implements Ambient<Value> {
  #value: Value | undefined;

  getStore(): Value | undefined {
    return this.#value;
  }

  run<R>(value: Value, fn: () => R): R {
    const outer = this.#value;
    this.#value = value;
    try {
      return fn();
    } finally {
      this.#value = outer;
    }
  }
}

/** An ambient value: carried along by AsyncLocalStorage, or without one to the end of the synchronous code. */
export function ambient<Value>(): Ambient<Value> {
  const Storage = asyncHooks?.AsyncLocalStorage ?? runtime.AsyncLocalStorage;
  return Storage ? new Storage<Value>() : new SynchronousAmbient<Value>();
}

/** A way back into the asynchronous context of now, where the runtime has such a thing. */
export function captureScope(): (fn: () => void) => void {
  if (!asyncHooks) return (fn) => fn();
  const scope = new asyncHooks.AsyncResource("DETHRONE_MESSAGE");
  return (fn) => scope.runInAsyncScope(fn);
}

/** A channel of `node:diagnostics_channel`, or one without subscribers. */
export interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** The diagnostics channel of a name. */
export function diagnosticsChannel(name: string): Channel {
  const channels = builtin("node:diagnostics_channel");
  return channels?.channel(name) ?? { hasSubscribers: false, publish: () => undefined };
}

/** The event by which an error is seen without being handled; nobody emits it where there are no Node streams. */
export const errorMonitor: string | symbol =
  builtin("node:events")?.errorMonitor ?? Symbol("events.errorMonitor");

/** Runs `fn` in a later turn of the event loop; where the runtime can, before any timer. */
export function inLaterTurn(fn: () => void): void {
  if (runtime.setImmediate) runtime.setImmediate(fn);
  else setTimeout(fn, 0);
}

/** Runs `fn` once after `ms`, without keeping a process alive; returns what cancels it. */
export function runLater(ms: number, fn: () => void): () => void {
  // setTimeout fires at once beyond 2^31 - 1 ms.
  const timer: unknown = setTimeout(fn, Math.min(ms, 2 ** 31 - 1));
  // A number in an edge runtime, which has no process to keep alive.
  if (typeof timer === "object") (timer as { unref?(): void }).unref?.();
  return () => clearTimeout(timer as number);
}

/** The promise, for which the process stays alive: somebody waits for it, though no timer of ours keeps anything alive. */
export function keptAlive<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 2 ** 30);
  return promise.finally(() => clearInterval(timer));
}

/** Writes a line where errors go. */
export function writeError(line: string): void {
  if (runtime.process?.stderr) runtime.process.stderr.write(`${line}\n`);
  else runtime.console?.error(line);
}

/** Whether the environment says DETHRONE=off; where there is no environment, it does not. */
export function isSwitchedOff(): boolean {
  return runtime.process?.env?.DETHRONE === "off";
}
