import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, once } from "node:events";
import { addAbortSignal, Readable, Transform } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isStreaming,
  observeResult,
  type ResultEnding,
} from "../../../../src/engine/sessions/observe-result.js";

const storage = new AsyncLocalStorage<string>();
const COMPLETED = { kind: "completed" };
const CANCELLED = { kind: "cancelled" };
const boom = new Error("boom");

/** Hands `result` through, as the library does, and keeps what was reported. */
function observed<T>(result: T): { result: T; endings: ResultEnding[] } {
  const endings: ResultEnding[] = [];
  const observer = {
    onEnd: (ending: ResultEnding) => void endings.push(ending),
    runInContext: <R>(fn: () => R): R => storage.run("session", fn),
  };
  return { result: observeResult(result, observer), endings };
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Lets everything that is already possible happen: promise reactions and one turn of the event loop. */
async function idle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

async function* letters(): AsyncGenerator<string, string, unknown> {
  yield "a";
  yield "b";
  return "end";
}

function pulled(chunks: readonly unknown[], log: unknown[] = []): ReadableStream<unknown> {
  let index = 0;
  return new ReadableStream(
    {
      pull(controller) {
        log.push(index);
        if (index < chunks.length) controller.enqueue(chunks[index++]);
        else controller.close();
      },
      cancel(reason) {
        log.push({ cancelled: reason });
      },
    },
    { highWaterMark: 0 },
  );
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("plain values", () => {
  it.each([
    ["a string", "text"],
    ["undefined", undefined],
    ["null", null],
    ["an object", { resolved: true }],
    ["an array", [1, 2]],
    ["a function", () => 1],
    ["a sync iterable", new Map()],
    ["an event emitter", new EventEmitter()],
  ])("%s comes back as it is and ends at once", (_name, value) => {
    const { result, endings } = observed<unknown>(value);
    expect(result).toBe(value);
    expect(endings).toEqual([COMPLETED]);
    expect(isStreaming(value)).toBe(false);
  });

  it("keeps a value whose properties cannot be read", () => {
    const hostile = new Proxy(
      {},
      { get: () => expect.fail("read"), getPrototypeOf: () => expect.fail("read") },
    );
    const { result, endings } = observed(hostile);
    expect(result === hostile).toBe(true);
    expect(endings).toEqual([COMPLETED]);
    expect(isStreaming(hostile)).toBe(false);
  });
});

describe("observers that fail", () => {
  const failing = (onEnd: () => void) => ({ onEnd, runInContext: <R>(fn: () => R): R => fn() });

  it("never reach the host when they throw", async () => {
    const observer = failing(() => {
      throw boom;
    });
    expect(observeResult(1, observer)).toBe(1);
    expect(await collect(observeResult(letters(), observer))).toEqual(["a", "b"]);
    expect(await collect(observeResult(pulled([1]), observer))).toEqual([1]);
    expect(await collect(observeResult(Readable.from([1]), observer))).toEqual([1]);
  });

  it("never reach the host when they reject", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on("unhandledRejection", note);
    observeResult(
      1,
      failing(() => Promise.reject(boom) as unknown as undefined),
    );
    await idle();
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([]);
  });
});

describe("async generators", () => {
  it("keep identity, class, values and return value, and end when drained", async () => {
    const source = letters();
    const { result, endings } = observed(source);
    expect(result).toBe(source);
    expect(isStreaming(source)).toBe(true);
    expect(Object.getPrototypeOf(result)).toBe(letters.prototype);
    expect(Object.keys(result)).toEqual([]);
    expect(await result.next()).toEqual({ done: false, value: "a" });
    expect(await result.next()).toEqual({ done: false, value: "b" });
    expect(endings).toEqual([]);
    expect(await result.next()).toEqual({ done: true, value: "end" });
    expect(endings).toEqual([COMPLETED]);
  });

  it("do not end again past the end", async () => {
    const { result, endings } = observed(letters());
    await collect(result);
    expect(await result.next()).toEqual({ done: true, value: undefined });
    expect(await result.return("late")).toEqual({ done: true, value: "late" });
    await expect(result.throw(boom)).rejects.toBe(boom);
    expect(endings).toEqual([COMPLETED]);
  });

  it("are not started before the host asks", async () => {
    let isStarted = false;
    const { result } = observed(
      (async function* () {
        isStarted = true;
        yield 1;
      })(),
    );
    await idle();
    expect(isStarted).toBe(false);
    await result.next();
    expect(isStarted).toBe(true);
  });

  it("report the ending before the host sees it", async () => {
    const { result, endings } = observed(letters());
    const steps = [result.next(), result.next(), result.next().then(() => [...endings])];
    expect((await Promise.all(steps))[2]).toEqual([COMPLETED]);
  });

  it("fail with the error itself", async () => {
    const { result, endings } = observed(
      (async function* () {
        yield 1;
        throw boom;
      })(),
    );
    await expect(collect(result)).rejects.toBe(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("leave an error nobody handles unhandled, once", async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on("unhandledRejection", note);
    const { result } = observed(
      (async function* () {
        yield await Promise.reject(boom);
      })(),
    );
    void result.next();
    await idle();
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([boom]);
  });

  it("are cancelled by a break, after their finally block ran", async () => {
    const log: string[] = [];
    async function* tidy() {
      try {
        yield 1;
        yield 2;
      } finally {
        log.push(`cleanup in ${storage.getStore()}, ended ${endings.length}`);
      }
    }
    const source = tidy();
    const { result, endings }: { result: typeof source; endings: ResultEnding[] } = observed(source);
    for await (const _item of result) break;
    expect(log).toEqual(["cleanup in session, ended 0"]);
    expect(endings).toEqual([CANCELLED]);
  });

  it("are cancelled by return() before the start and while a finally block still yields", async () => {
    const fresh = observed(letters());
    expect(await fresh.result.return("x")).toEqual({ done: true, value: "x" });
    expect(fresh.endings).toEqual([CANCELLED]);

    const stubborn = observed(
      (async function* () {
        try {
          yield 1;
        } finally {
          yield 2;
        }
      })(),
    );
    await stubborn.result.next();
    expect(await stubborn.result.return(undefined)).toEqual({ done: false, value: 2 });
    expect(stubborn.endings).toEqual([CANCELLED]);
    expect((await stubborn.result.next()).done).toBe(true);
    expect(stubborn.endings).toEqual([CANCELLED]);
  });

  it("fail when their cleanup does, and the host sees it", async () => {
    const { result, endings } = observed(
      (async function* () {
        try {
          yield 1;
        } finally {
          await Promise.reject(boom);
        }
      })(),
    );
    await result.next();
    await expect(result.return(undefined)).rejects.toBe(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("pass throw() and sent values in", async () => {
    const { result, endings } = observed(
      (async function* (): AsyncGenerator<unknown, void, unknown> {
        try {
          yield yield "first";
        } catch (error) {
          yield { caught: error };
        }
      })(),
    );
    await result.next();
    expect((await result.next("sent")).value).toBe("sent");
    expect((await result.throw(boom)).value).toEqual({ caught: boom });
    expect(endings).toEqual([]);
    await result.next();
    expect(endings).toEqual([COMPLETED]);
  });

  it("run their body in the session's context, and the host outside of it", async () => {
    const { result } = observed(
      (async function* () {
        yield storage.getStore();
        await Promise.resolve();
        yield storage.getStore();
      })(),
    );
    const hosts: unknown[] = [];
    for await (const store of result) hosts.push([store, storage.getStore()]);
    expect(hosts).toEqual([
      ["session", undefined],
      ["session", undefined],
    ]);
  });

  it("work through yield* and when observed by two sessions", async () => {
    const inner = observed(letters());
    const outer = observed(inner.result);
    const delegating = (async function* () {
      return yield* outer.result;
    })();
    expect(await collect(delegating)).toEqual(["a", "b"]);
    expect([inner.endings, outer.endings]).toEqual([[COMPLETED], [COMPLETED]]);
  });

  it("come back as an heir when frozen", async () => {
    const source = Object.freeze(letters());
    const { result, endings } = observed(source);
    expect(result).toBeInstanceOf(letters);
    expect(await collect(result)).toEqual(["a", "b"]);
    expect(endings).toEqual([COMPLETED]);

    const left = observed(Object.freeze(letters()));
    for await (const _item of left.result) break;
    expect(left.endings).toEqual([CANCELLED]);
  });
});

describe("async iterables", () => {
  class Answer {
    readonly #items: readonly string[];
    constructor(...items: string[]) {
      this.#items = items;
    }
    async *[Symbol.asyncIterator]() {
      for (const item of this.#items) yield `${item} in ${storage.getStore()}`;
    }
    size(): number {
      return this.#items.length;
    }
  }

  it("keep identity and class, and end when drained", async () => {
    const source = new Answer("a", "b");
    const { result, endings } = observed(source);
    expect(result).toBe(source);
    expect(isStreaming(source)).toBe(true);
    expect(result.size()).toBe(2);
    expect(JSON.stringify(result)).toBe("{}");
    expect(endings).toEqual([]);
    expect(await collect(result)).toEqual(["a in session", "b in session"]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("can be iterated again, and end only once", async () => {
    const { result, endings } = observed(new Answer("a", "b"));
    for await (const _item of result) break;
    expect(await collect(result)).toHaveLength(2);
    expect(endings).toEqual([CANCELLED]);
  });

  it("come back as an heir when frozen", async () => {
    const { result, endings } = observed(Object.freeze(new Answer("a")));
    expect(result).toBeInstanceOf(Answer);
    expect(await collect(result)).toEqual(["a in session"]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("with a fixed own method come back as an heir", async () => {
    const source = Object.defineProperty({}, Symbol.asyncIterator, { value: letters });
    const { result, endings } = observed(source as AsyncIterable<string>);
    expect(await collect(result)).toEqual(["a", "b"]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("without return() are cancelled by a break and can be resumed by hand", async () => {
    let count = 0;
    const iterator = { next: async () => ({ done: false as const, value: ++count }) };
    const { result, endings } = observed({ [Symbol.asyncIterator]: () => iterator });
    for await (const _item of result) break;
    expect(endings).toEqual([CANCELLED]);
    expect(await iterator.next()).toEqual({ done: false, value: 2 });
    expect(iterator).not.toHaveProperty("throw");
  });

  it("whose iterator answers without promises work as before", async () => {
    let count = 0;
    const iterator = { next: () => ({ done: ++count > 2, value: count }) };
    const source = { [Symbol.asyncIterator]: () => iterator } as unknown as AsyncIterable<number>;
    const { result, endings } = observed(source);
    expect(await collect(result)).toEqual([1, 2]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("that hand out one iterator are watched once", async () => {
    const shared = letters();
    const source = { [Symbol.asyncIterator]: () => shared };
    const { result, endings } = observed(source);
    for (let i = 0; i < 100; i++) expect(result[Symbol.asyncIterator]()).toBe(shared);
    const { next } = shared;
    result[Symbol.asyncIterator]();
    expect(shared.next).toBe(next);
    await collect(result);
    expect(endings).toEqual([COMPLETED]);
  });

  it("that are also iterators but iterate through another object are watched both ways", async () => {
    const make = () => ({ next: async () => ({ done: true, value: 0 }), [Symbol.asyncIterator]: letters });
    const looped = observed(make());
    expect(await collect(looped.result)).toEqual(["a", "b"]);
    expect(looped.endings).toEqual([COMPLETED]);
    const stepped = observed(make());
    await stepped.result.next();
    expect(stepped.endings).toEqual([COMPLETED]);
  });

  it("fail when they cannot be opened", async () => {
    const { result, endings } = observed({
      [Symbol.asyncIterator](): AsyncIterator<string> {
        throw boom;
      },
    });
    await expect(collect(result)).rejects.toBe(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("that are malformed raise the host's own TypeError", async () => {
    const { result } = observed({
      [Symbol.asyncIterator]: () => undefined,
    } as unknown as AsyncIterable<string>);
    await expect(collect(result)).rejects.toThrow(TypeError);
  });
});

describe("web streams", () => {
  it("deliver the same chunks and end when drained", async () => {
    const chunk = { text: "a" };
    const source = pulled([chunk, "b"]);
    expect(isStreaming(source)).toBe(true);
    const { result, endings } = observed(source);
    expect(result).toBeInstanceOf(ReadableStream);
    const items = await collect(result);
    expect(items).toEqual([chunk, "b"]);
    expect(items[0]).toBe(chunk);
    expect(endings).toEqual([COMPLETED]);
  });

  it("are not pulled before the host asks, and then one chunk at a time", async () => {
    const log: unknown[] = [];
    const { result, endings } = observed(pulled([1, 2, 3], log));
    await idle();
    expect(log).toEqual([]);
    const reader = result.getReader();
    await idle();
    expect(log).toEqual([]);
    expect(await reader.read()).toEqual({ done: false, value: 1 });
    await idle();
    expect(log).toEqual([0]);
    await Promise.all([reader.read(), reader.read()]);
    await idle();
    expect(log).toEqual([0, 1, 2]);
    expect(endings).toEqual([]);
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    expect(endings).toEqual([COMPLETED]);
  });

  it("end with their last chunk when the source has closed by then", async () => {
    const source = new ReadableStream({
      start(controller) {
        controller.enqueue("a");
        controller.enqueue("b");
        controller.close();
      },
    });
    const { result, endings } = observed(source);
    const reader = result.getReader();
    await reader.read();
    await idle();
    expect(endings).toEqual([]);
    expect((await reader.read()).value).toBe("b");
    await reader.closed;
    expect(endings).toEqual([COMPLETED]);
    expect(await reader.read()).toEqual({ done: true, value: undefined });
  });

  it("close and fail without a read when the source does", async () => {
    const empty = observed(new ReadableStream({ start: (controller) => controller.close() }));
    await empty.result.getReader().closed;
    expect(empty.endings).toEqual([COMPLETED]);

    let fail: (error: Error) => void = () => undefined;
    const broken = observed(
      new ReadableStream({
        start(controller) {
          fail = (error) => controller.error(error);
        },
      }),
    );
    const reader = broken.result.getReader();
    fail(boom);
    await expect(reader.closed).rejects.toBe(boom);
    expect(broken.endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("pass errors through as they are, after the chunks before them", async () => {
    let index = 0;
    const { result, endings } = observed(
      new ReadableStream<number>(
        {
          pull(controller) {
            if (index++ > 0) throw boom;
            controller.enqueue(7);
          },
        },
        { highWaterMark: 0 },
      ),
    );
    const reader = result.getReader();
    expect((await reader.read()).value).toBe(7);
    await expect(reader.read()).rejects.toBe(boom);
    await expect(reader.closed).rejects.toBe(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("deliver a chunk that was followed by an error at once", async () => {
    const { result, endings } = observed(
      new ReadableStream<number>(
        {
          pull(controller) {
            controller.enqueue(7);
            controller.error(boom);
          },
        },
        { highWaterMark: 0 },
      ),
    );
    const reader = result.getReader();
    expect((await reader.read()).value).toBe(7);
    await expect(reader.read()).rejects.toBe(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("pass the reason of a cancel on and wait for the source", async () => {
    const log: unknown[] = [];
    const { result, endings } = observed(pulled([1, 2], log));
    const reason = { why: "closed tab" };
    const reader = result.getReader();
    await reader.read();
    await reader.cancel(reason);
    expect(log).toEqual([0, { cancelled: reason }]);
    expect((log[1] as { cancelled: unknown }).cancelled).toBe(reason);
    expect(endings).toEqual([CANCELLED]);
  });

  it("can be cancelled while a read is waiting", async () => {
    const log: unknown[] = [];
    const { result, endings } = observed(
      new ReadableStream(
        { cancel: (reason) => void log.push([reason, storage.getStore()]) },
        { highWaterMark: 0 },
      ),
    );
    const reader = result.getReader();
    const waiting = reader.read();
    await idle();
    await reader.cancel("enough");
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(log).toEqual([["enough", "session"]]);
    await idle();
    expect(endings).toEqual([CANCELLED]);
  });

  it("show the host an error of the source's cancel", async () => {
    const { result, endings } = observed(
      new ReadableStream({
        cancel() {
          throw boom;
        },
      }),
    );
    await expect(result.cancel()).rejects.toBe(boom);
    expect(endings).toEqual([CANCELLED]);
  });

  it("are cancelled by leaving a for await, but not under preventCancel", async () => {
    const log: unknown[] = [];
    const { result, endings } = observed(pulled([1, 2], log));
    for await (const _item of result.values({ preventCancel: true })) break;
    await idle();
    expect(endings).toEqual([]);
    for await (const item of result) {
      expect(item).toBe(2);
      break;
    }
    expect(endings).toEqual([CANCELLED]);
    expect(log).toEqual([0, 1, { cancelled: undefined }]);
  });

  it("work with tee, pipeTo, pipeThrough and Readable.fromWeb", async () => {
    const teed = observed(pulled(["a", "b"]));
    const [left, right] = teed.result.tee();
    expect(await Promise.all([collect(left), collect(right)])).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(teed.endings).toEqual([COMPLETED]);

    const piped = observed(pulled(["a", "b"]));
    const sink: unknown[] = [];
    await piped.result.pipeTo(new WritableStream({ write: (chunk) => void sink.push(chunk) }));
    expect(sink).toEqual(["a", "b"]);
    expect(piped.endings).toEqual([COMPLETED]);

    const encoded = observed(pulled(["a", "b"]) as ReadableStream<string>);
    expect(await collect(encoded.result.pipeThrough(new TextEncoderStream()))).toEqual([
      bytes(97),
      bytes(98),
    ]);
    expect(encoded.endings).toEqual([COMPLETED]);

    const fromWeb = observed(pulled(["a", "b"]));
    const webStream = fromWeb.result as Parameters<typeof Readable.fromWeb>[0];
    expect(await collect(Readable.fromWeb(webStream, { objectMode: true }))).toEqual(["a", "b"]);
    expect(fromWeb.endings).toEqual([COMPLETED]);
  });

  it("carry an error of a pipe's sink back as a cancel", async () => {
    const log: unknown[] = [];
    const { result, endings } = observed(pulled(["a"], log));
    const sink = new WritableStream({
      write() {
        throw boom;
      },
    });
    await expect(result.pipeTo(sink)).rejects.toBe(boom);
    expect(log.at(-1)).toEqual({ cancelled: boom });
    expect(endings).toEqual([CANCELLED]);
  });

  it("run their pulls in the session's context", async () => {
    const { result } = observed(
      new ReadableStream<unknown>(
        { pull: (controller) => controller.enqueue(storage.getStore()) },
        { highWaterMark: 0 },
      ),
    );
    const reader = result.getReader();
    expect((await reader.read()).value).toBe("session");
    expect((await reader.read()).value).toBe("session");
    expect(storage.getStore()).toBeUndefined();
  });

  it("that are locked come back untouched and end at once", async () => {
    const source = pulled([1]);
    const reader = source.getReader();
    expect(isStreaming(source)).toBe(false);
    const { result, endings } = observed(source);
    expect(result).toBe(source);
    expect(endings).toEqual([COMPLETED]);
    expect((await reader.read()).value).toBe(1);
  });

  it("that were read in part go on where they were", async () => {
    const source = pulled([1, 2]);
    const peek = source.getReader();
    await peek.read();
    peek.releaseLock();
    const { result, endings } = observed(source);
    expect(await collect(result)).toEqual([2]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("with their own async iterator behave as streams", async () => {
    const source = pulled(["a", "b"]);
    const own = () => ({ next: () => source.getReader().read() });
    Object.defineProperty(source, Symbol.asyncIterator, { value: own, configurable: true });
    const { result, endings } = observed(source);
    expect(await collect(result)).toEqual(["a", "b"]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("of a subclass keep their class and fields", async () => {
    class TokenStream extends ReadableStream<string> {
      readonly model = "m-large";
      async text(): Promise<string> {
        return (await collect(this)).join("");
      }
    }
    const source = new TokenStream({
      start(controller) {
        controller.enqueue("to");
        controller.enqueue("ken");
        controller.close();
      },
    });
    const { result, endings } = observed(source);
    expect(result).toBeInstanceOf(TokenStream);
    expect(result.model).toBe("m-large");
    expect(await result.text()).toBe("token");
    expect(endings).toEqual([COMPLETED]);
  });

  it("that refuse a reader come back untouched", () => {
    const refusing = {
      locked: false,
      cancel: () => undefined,
      getReader() {
        throw boom;
      },
    };
    const { result, endings } = observed(refusing);
    expect(result).toBe(refusing);
    expect(endings).toEqual([COMPLETED]);
  });
});

describe("byte streams", () => {
  /** Works only with the reader's own buffer, as a file or socket source may. */
  function filling(total: number, log: number[] = []): ReadableStream<Uint8Array> {
    let sent = 0;
    return new ReadableStream({
      type: "bytes",
      pull(controller) {
        const view = controller.byobRequest?.view as Uint8Array;
        log.push(view.byteLength);
        const count = Math.min(view.byteLength, total - sent);
        for (let i = 0; i < count; i++) view[i] = ++sent;
        if (count === 0) controller.close();
        controller.byobRequest?.respond(count);
      },
    });
  }

  it("fill the host's own buffers and end when drained", async () => {
    const log: number[] = [];
    const { result, endings } = observed(filling(5, log));
    const reader = result.getReader({ mode: "byob" });
    const first = await reader.read(new Uint8Array(3));
    expect(first).toEqual({ done: false, value: bytes(1, 2, 3) });
    const second = await reader.read(new Uint8Array(first.value!.buffer, 0, 3));
    expect(second).toEqual({ done: false, value: bytes(4, 5) });
    expect(endings).toEqual([]);
    const last = await reader.read(new Uint8Array(4));
    expect(last).toEqual({ done: true, value: bytes() });
    expect(last.value!.buffer.byteLength).toBe(4);
    expect(log).toEqual([3, 3, 4]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("serve elements wider than a byte", async () => {
    const { result } = observed(filling(4));
    const reader = result.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint16Array(2));
    expect(new Uint8Array(value!.buffer)).toEqual(bytes(1, 2, 3, 4));
  });

  it("fail a reader in the middle of an element as before, and end", async () => {
    const { result, endings } = observed(filling(1));
    const reader = result.getReader({ mode: "byob" });
    await expect(reader.read(new Uint16Array(1))).rejects.toThrow(TypeError);
    await idle();
    expect(endings).toHaveLength(1);
  });

  it("serve plain readers, byob readers and both in turn", async () => {
    const source = new ReadableStream({
      type: "bytes",
      start(controller) {
        controller.enqueue(bytes(1, 2));
        controller.enqueue(bytes(3, 4));
        controller.enqueue(bytes(5));
        controller.close();
      },
    });
    const { result, endings } = observed(source);
    const plain = result.getReader();
    expect(await plain.read()).toEqual({ done: false, value: bytes(1, 2) });
    plain.releaseLock();
    const byob = result.getReader({ mode: "byob" });
    expect(await byob.read(new Uint8Array(1))).toEqual({ done: false, value: bytes(3) });
    byob.releaseLock();
    const again = result.getReader();
    expect(await again.read()).toEqual({ done: false, value: bytes(4) });
    expect(endings).toEqual([]);
    expect(await again.read()).toEqual({ done: false, value: bytes(5) });
    expect((await again.read()).done).toBe(true);
    expect(endings).toEqual([COMPLETED]);
  });

  it("keep automatic buffers working", async () => {
    const sizes: unknown[] = [];
    let index = 0;
    const source = new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: 8,
      pull(controller) {
        sizes.push(controller.byobRequest?.view?.byteLength);
        if (index++ === 2) controller.close();
        controller.byobRequest?.respond(index > 2 ? 0 : index);
      },
    });
    const { result, endings } = observed(source);
    expect((await collect(result)).map((chunk) => chunk.byteLength)).toEqual([1, 2]);
    expect(sizes).toEqual([8, 8, 8]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("are not pulled before the host asks", async () => {
    const log: number[] = [];
    const { result } = observed(filling(100, log));
    const reader = result.getReader({ mode: "byob" });
    await idle();
    expect(log).toEqual([]);
    await reader.read(new Uint8Array(10));
    await idle();
    expect(log).toEqual([10]);
  });

  it("pass cancels and errors through, also during a byob read", async () => {
    const reasons: unknown[] = [];
    const cancelled = observed(
      new ReadableStream({ type: "bytes", cancel: (reason) => void reasons.push(reason) }),
    );
    const waiting = cancelled.result.getReader({ mode: "byob" });
    const read = waiting.read(new Uint8Array(4));
    await idle();
    await waiting.cancel("stop");
    expect((await read).done).toBe(true);
    expect(reasons).toEqual(["stop"]);
    expect(cancelled.endings).toEqual([CANCELLED]);

    const failed = observed(
      new ReadableStream({
        type: "bytes",
        pull() {
          throw boom;
        },
      }),
    );
    const reader = failed.result.getReader({ mode: "byob" });
    await expect(reader.read(new Uint8Array(4))).rejects.toBe(boom);
    expect(failed.endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("end all waiting byob reads when the source closes with its last chunk", async () => {
    let finish = (): void => undefined;
    const source = new ReadableStream({
      type: "bytes",
      start(controller) {
        finish = () => {
          controller.enqueue(bytes(7));
          controller.close();
          controller.byobRequest?.respond(0);
        };
      },
    });
    const { result, endings } = observed(source);
    const reader = result.getReader({ mode: "byob" });
    const reads = [reader.read(new Uint8Array(1)), reader.read(new Uint8Array(1))];
    await idle();
    finish();
    expect((await Promise.all(reads)).map(({ done, value }) => [done, value])).toEqual([
      [false, bytes(7)],
      [true, bytes()],
    ]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("survive a reader that lets go during a read", async () => {
    let send: (() => void) | undefined;
    const source = new ReadableStream({
      type: "bytes",
      start(controller) {
        send = () => {
          controller.enqueue(bytes(1, 2));
          controller.close();
        };
      },
    });
    const { result, endings } = observed(source);
    const hasty = result.getReader();
    const abandoned = hasty.read();
    await idle();
    hasty.releaseLock();
    await expect(abandoned).rejects.toThrow(TypeError);
    send?.();
    await idle();
    expect(await collect(result)).toEqual([bytes(1, 2)]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("can be teed", async () => {
    const source = new Response("hello").body as ReadableStream<Uint8Array>;
    const { result, endings } = observed(source);
    const [left, right] = result.tee();
    expect(await new Response(left).text()).toBe("hello");
    expect(await new Response(right).text()).toBe("hello");
    expect(endings).toEqual([COMPLETED]);
  });
});

describe("an observed stream and a bare one", () => {
  type Step = "enqueue" | "close" | "error" | "read" | "cancel";

  /** Plays a script of what source and host do on a stream, and tells all the host gets to see. */
  async function played(
    script: readonly Step[],
    isByob: boolean,
    wrap: <T>(stream: T) => T,
  ): Promise<unknown[]> {
    const seen: unknown[] = [];
    const note = (what: string) => (value: unknown) => void seen.push([what, value]);
    const source: { controller?: ReadableStreamDefaultController | ReadableByteStreamController } = {};
    const steps = {
      start: (controller: NonNullable<typeof source.controller>) =>
        void Object.assign(source, { controller }),
      cancel: note("source cancelled"),
    };
    const bare = isByob ? new ReadableStream({ type: "bytes", ...steps }) : new ReadableStream(steps);
    const stream = wrap(bare as ReadableStream<Uint8Array>);
    const reader = isByob ? stream.getReader({ mode: "byob" }) : stream.getReader();
    reader.closed.then(note("closed"), note("failed"));
    const act: Record<Step, (index: number) => void> = {
      enqueue: (index) =>
        source.controller?.enqueue(bytes(...Array.from({ length: 1 + (index % 3) }, () => index))),
      close: () => {
        source.controller?.close();
        if (isByob) (source.controller as ReadableByteStreamController).byobRequest?.respond(0);
      },
      error: () => source.controller?.error(boom),
      read: (index) => {
        const reading = Reflect.apply(
          reader.read,
          reader,
          isByob ? [new Uint8Array(2)] : [],
        ) as Promise<unknown>;
        reading.then(note(`read ${index}`), note(`read ${index} failed`));
      },
      cancel: (index) => void reader.cancel(index).then(note("cancelled"), note("cancel failed")),
    };
    for (const [index, step] of script.entries()) {
      try {
        act[step](index);
      } catch {
        // A source may not enqueue or close once it is over; scripts do not know when that is.
      }
      await idle();
    }
    return seen;
  }

  it("cannot be told apart by what they deliver", async () => {
    const step = fc.constantFrom<Step>(
      "enqueue",
      "enqueue",
      "read",
      "read",
      "read",
      "close",
      "error",
      "cancel",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (script, isByob) => {
        const endings: ResultEnding[][] = [];
        const actual = await played(script, isByob, (stream) => {
          const watched = observed(stream);
          endings.push(watched.endings);
          return watched.result;
        });
        const expected = await played(script, isByob, (stream) => stream);
        const sorted = (seen: unknown[]) => seen.map((entry) => JSON.stringify(entry)).sort();
        expect(sorted(actual)).toEqual(sorted(expected));
        expect(endings.flat().length).toBeLessThanOrEqual(1);
      }),
      { seed: 20, numRuns: 400 },
    );
  });
});

describe("responses", () => {
  it("keep status, headers, class and body, and end when the body is read", async () => {
    const headers = new Headers({ "content-type": "application/json", "x-trace": "7" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    const source = new Response('{"ok":true}', { status: 201, statusText: "Made", headers });
    expect(isStreaming(source)).toBe(true);
    const { result, endings } = observed(source);
    expect(result).toBeInstanceOf(Response);
    expect([result.status, result.statusText, result.ok]).toEqual([201, "Made", true]);
    expect([...result.headers]).toEqual([...headers]);
    expect(result.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(result.bodyUsed).toBe(false);
    expect(endings).toEqual([]);
    expect(await result.json()).toEqual({ ok: true });
    expect(result.bodyUsed).toBe(true);
    expect(endings).toEqual([COMPLETED]);
  });

  it("of a fetch keep url, redirected and type, also when cloned", async () => {
    const source = await fetch("data:text/plain,hello");
    const labels = (response: Response) => [response.url, response.redirected, response.type];
    const expected = labels(source);
    const { result, endings } = observed(source);
    const copy = result.clone();
    expect(labels(result)).toEqual(expected);
    expect(labels(copy)).toEqual(expected);
    expect(Object.keys(result)).toEqual([]);
    expect(await Promise.all([result.text(), copy.text()])).toEqual(["hello", "hello"]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("serve every way to read a body", async () => {
    const form = new FormData();
    form.set("name", "value");
    const parsed = await observed(new Response(form)).result.formData();
    expect(parsed.get("name")).toBe("value");
    const blob = await observed(new Response("x", { headers: { "content-type": "text/css" } })).result.blob();
    expect([blob.type, await blob.text()]).toEqual(["text/css", "x"]);
    expect((await observed(new Response("abc")).result.arrayBuffer()).byteLength).toBe(3);
    const reader = observed(new Response("abc")).result.body!.getReader({ mode: "byob" });
    expect((await reader.read(new Uint8Array(2))).value).toEqual(bytes(97, 98));
  });

  it("without a body or with a used one end at once, untouched", async () => {
    const used = new Response("x");
    await used.text();
    const locked = new Response("x");
    locked.body?.getReader();
    for (const source of [new Response(null, { status: 204 }), Response.error(), used, locked]) {
      expect(isStreaming(source)).toBe(false);
      const { result, endings } = observed(source);
      expect(result).toBe(source);
      expect(endings).toEqual([COMPLETED]);
    }
  });

  it("fail with their body and are cancelled with it", async () => {
    const failing = new ReadableStream(
      { pull: (controller) => controller.error(boom) },
      { highWaterMark: 0 },
    );
    const failed = observed(new Response(failing));
    await expect(failed.result.text()).rejects.toBe(boom);
    expect(failed.endings).toEqual([{ kind: "failed", error: boom }]);

    const log: unknown[] = [];
    const cancelled = observed(new Response(pulled([bytes(1)], log) as ReadableStream<Uint8Array>));
    await cancelled.result.body?.cancel("gone");
    expect(log).toEqual([{ cancelled: "gone" }]);
    expect(cancelled.endings).toEqual([CANCELLED]);
  });

  it("of a subclass keep their class and fields", async () => {
    const secret = Symbol("secret");
    class FrameworkResponse extends Response {
      readonly [secret] = { cookies: 2 };
      get cookies(): number {
        return this[secret].cookies;
      }
    }
    const { result } = observed(new FrameworkResponse("x"));
    expect(result).toBeInstanceOf(FrameworkResponse);
    expect(result.cookies).toBe(2);
    expect(await result.text()).toBe("x");
  });
});

describe("node streams", () => {
  it("keep identity, do not flow by themselves, and end when drained", async () => {
    const source = Readable.from(["a", "b"]);
    expect(isStreaming(source)).toBe(true);
    const { result, endings } = observed(source);
    expect(result).toBe(source);
    await idle();
    expect(source.readableFlowing).toBe(null);
    expect(source.readableDidRead).toBe(false);
    expect(endings).toEqual([]);
    expect(await collect(result)).toEqual(["a", "b"]);
    expect(endings).toEqual([COMPLETED]);
  });

  it("fail with the error itself, which the host still gets", async () => {
    const { result, endings } = observed(
      new Readable({
        read() {
          this.destroy(boom);
        },
      }),
    );
    await expect(collect(result)).rejects.toBe(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("leave an error without a listener unhandled", () => {
    const { result, endings } = observed(new Readable({ read() {} }));
    expect(() => result.emit("error", boom)).toThrow(boom);
    expect(endings).toEqual([{ kind: "failed", error: boom }]);
  });

  it("are cancelled by destroy and by leaving a for await", async () => {
    const destroyed = observed(new Readable({ read() {} }));
    destroyed.result.destroy();
    await once(destroyed.result, "close");
    expect(destroyed.endings).toEqual([CANCELLED]);

    const left = observed(Readable.from(["a", "b"]));
    for await (const _item of left.result) break;
    await idle();
    expect(left.endings).toEqual([CANCELLED]);
  });

  it("that are over already end at once", async () => {
    const ended = Readable.from(["a"]);
    await collect(ended);
    expect(observed(ended).endings).toEqual([COMPLETED]);
    const destroyed = new Readable({ read() {} }).destroy();
    expect(observed(destroyed).endings).toEqual([CANCELLED]);
    const failed = new Readable({ read() {} }).on("error", () => undefined).destroy(boom);
    expect(observed(failed).endings).toEqual([{ kind: "failed", error: boom }]);
    await idle();
  });

  it("run their reads and their generators in the session's context", async () => {
    const { result } = observed(
      Readable.from(
        (async function* () {
          yield storage.getStore();
          yield storage.getStore();
        })(),
      ),
    );
    expect(await collect(result)).toEqual(["session", "session"]);
    const plain = observed(
      new Readable({
        read() {
          this.push(storage.getStore());
          this.push(null);
        },
      }),
    );
    expect(String((await collect(plain.result))[0])).toBe("session");
  });

  it("that transform or have fixed methods work too", async () => {
    const transform = new Transform({ transform: (chunk, _encoding, done) => done(null, `${chunk}!`) });
    const { result, endings } = observed(transform);
    Readable.from(["a"]).pipe(result);
    expect((await collect(result)).join("")).toBe("a!");
    expect(endings).toEqual([COMPLETED]);

    const fixed = Object.defineProperty(Readable.from(["a"]), "_destroy", { configurable: false });
    const other = observed(fixed);
    expect(other.result).toBe(fixed);
    expect(await collect(other.result)).toEqual(["a"]);
    expect(other.endings).toEqual([COMPLETED]);
  });

  it("aborted by a signal are cancelled", async () => {
    const abort = new AbortController();
    const source = addAbortSignal(abort.signal, new Readable({ read() {} }));
    const { result, endings } = observed(source);
    const reading = collect(result);
    abort.abort();
    await expect(reading).rejects.toThrow("aborted");
    expect(endings).toEqual([CANCELLED]);
  });
});
