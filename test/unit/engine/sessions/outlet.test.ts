import { AsyncLocalStorage } from "node:async_hooks";
import diagnostics from "node:diagnostics_channel";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Outlet, type OutletListener } from "../../../../src/engine/outlet.js";

const boom = new Error("boom");
/** Named, because the linter takes an object with this property for a mistake. */
const THEN = "then";
const QUEUE_FULL = expect.objectContaining({ name: "DethroneError", code: "queue_full" });

/** More than are handed over in one turn of the event loop. */
const MANY = 250;

let channelCount = 0;

/** An outlet on a channel of its own, and what it reported. */
function outletFor<T = number>(
  listeners: readonly OutletListener<T>[],
  settings: { capacity?: number; onFailure?: (error: unknown) => void } = {},
) {
  channelCount += 1;
  const channel = `dethrone:test-${channelCount}`;
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => void failures.push(error);
  const outlet = new Outlet<T>({ channel, listeners, onFailure, ...settings });
  return { outlet, channel, failures };
}

function keeping<T = number>(): { told: T[]; listener: OutletListener<T> } {
  const told: T[] = [];
  return { told, listener: (message) => void told.push(message) };
}

/** A listener whose promises are settled by hand, the oldest first. */
function pending() {
  const told: number[] = [];
  const settlers: PromiseWithResolvers[] = [];
  const listener = (message: number): Promise<void> => {
    told.push(message);
    return new Promise((resolve, reject) => settlers.push({ resolve, reject }));
  };
  return { told, listener, next: () => settlers.shift() as PromiseWithResolvers };
}

interface PromiseWithResolvers {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const immediates = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === "Immediate").length;

const subscriptions: [string, diagnostics.ChannelListener][] = [];

function subscribe(channel: string, subscriber: diagnostics.ChannelListener): void {
  subscriptions.push([channel, subscriber]);
  diagnostics.subscribe(channel, subscriber);
}

afterEach(() => {
  for (const [channel, subscriber] of subscriptions.splice(0)) diagnostics.unsubscribe(channel, subscriber);
  vi.restoreAllMocks();
});

describe("handing over", () => {
  it("happens after the emit, once the caller's agent has started", async () => {
    const log: string[] = [];
    const { outlet } = outletFor<{ arm: string }>([({ arm }) => void log.push(arm)]);
    outlet.emit({ arm: "champion" });
    expect(log).toEqual([]);
    const agent = async (): Promise<void> => {
      log.push("agent starts");
      await undefined;
      log.push("agent goes on");
    };
    await Promise.resolve().then(agent);
    await outlet.flush();
    expect(log).toEqual(["agent starts", "agent goes on", "champion"]);
  });

  it("keeps the order for every listener, over many turns", async () => {
    const [one, other] = [keeping(), keeping()];
    const { outlet, failures } = outletFor([one.listener, other.listener]);
    for (const message of numbers(MANY)) outlet.emit(message);
    await outlet.flush();
    expect(one.told).toEqual(numbers(MANY));
    expect(other.told).toEqual(numbers(MANY));
    expect([outlet.dropped, failures]).toEqual([0, []]);
  });

  it("lets the event loop turn between batches", async () => {
    const { told, listener } = keeping();
    const { outlet } = outletFor([listener]);
    for (const message of numbers(MANY)) outlet.emit(message);
    const lengths: number[] = [];
    while (told.length < MANY) {
      await turn();
      lengths.push(told.length);
    }
    expect(lengths).toEqual([100, 200, 250]);
  });

  it("goes on in a later turn with what a listener emits", async () => {
    const told: number[] = [];
    const { outlet } = outletFor([
      (message) => {
        told.push(message);
        if (message < 3) outlet.emit(message + 1);
        expect(told.at(-1)).toBe(message);
      },
    ]);
    outlet.emit(0);
    await turn();
    expect(told).toEqual([0]);
    for (const _ of numbers(3)) await turn();
    expect(told).toEqual([0, 1, 2, 3]);
  });

  it("does not wait for one message's promises before the next message", async () => {
    const { told, listener } = pending();
    const { outlet } = outletFor([listener]);
    outlet.emit(1);
    outlet.emit(2);
    await turn();
    expect(told).toEqual([1, 2]);
  });

  it("runs a listener in the context of the emit, whoever emitted first", async () => {
    const request = new AsyncLocalStorage<string>();
    const told: unknown[] = [];
    const { outlet, channel } = outletFor([(message) => void told.push([message, request.getStore()])]);
    subscribe(channel, (message) => void told.push([message, request.getStore(), "channel"]));
    request.run("request A", () => outlet.emit(1));
    request.run("request B", () => outlet.emit(2));
    outlet.emit(3);
    await outlet.flush();
    expect(told).toEqual([
      [1, "request A"],
      [1, "request A", "channel"],
      [2, "request B"],
      [2, "request B", "channel"],
      [3, undefined],
      [3, undefined, "channel"],
    ]);
  });

  it("keeps the process alive for its turn, and not for what a listener does then", async () => {
    const before = immediates();
    const { outlet } = outletFor([pending().listener]);
    outlet.emit(1);
    outlet.emit(2);
    expect(immediates()).toBe(before + 1);
    await turn();
    expect(immediates()).toBe(before);
  });
});

describe("without anybody to tell", () => {
  it("does nothing at all, and does not read the message", async () => {
    const schedule = vi.spyOn(globalThis, "setImmediate");
    const { outlet, failures } = outletFor<object>([]);
    const unreadable = new Proxy(
      {},
      {
        get: () => expect.fail("read"),
        ownKeys: () => expect.fail("read"),
        getPrototypeOf: () => expect.fail(),
      },
    );
    outlet.emit(unreadable);
    await outlet.flush();
    expect(schedule).not.toHaveBeenCalled();
    expect([outlet.dropped, failures]).toEqual([0, []]);
  });

  it("keeps nothing for who comes later", async () => {
    const { outlet, channel } = outletFor([]);
    outlet.emit(1);
    const { told, listener } = keeping<unknown>();
    subscribe(channel, listener);
    outlet.emit(2);
    await outlet.flush();
    expect(told).toEqual([2]);
  });
});

describe("listeners that fail", () => {
  const failing: [string, OutletListener<number>, unknown][] = [
    [
      "throw",
      () => {
        throw boom;
      },
      boom,
    ],
    ["reject", () => Promise.reject(boom), boom],
    [
      "throw nothing",
      () => {
        throw undefined;
      },
      undefined,
    ],
    [
      "return a promise whose then throws",
      () =>
        Object.defineProperty({}, THEN, {
          get() {
            throw boom;
          },
        }) as Promise<void>,
      boom,
    ],
    [
      "return a promise that is not one of Node's and rejects",
      () => ({ [THEN]: (_: unknown, reject: (error: unknown) => void) => reject(boom) }) as Promise<void>,
      boom,
    ],
  ];

  it.each(failing)(
    "and %s are reported; the others and later messages are told",
    async (_, listener, error) => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown) => void unhandled.push(reason);
      process.on("unhandledRejection", note);
      const [before, after] = [keeping(), keeping()];
      const { outlet, failures } = outletFor([before.listener, listener, after.listener]);
      outlet.emit(1);
      outlet.emit(2);
      await outlet.flush();
      await turn();
      process.off("unhandledRejection", note);
      expect(before.told).toEqual([1, 2]);
      expect(after.told).toEqual([1, 2]);
      expect(failures).toEqual([error, error]);
      expect(outlet.dropped).toBe(0);
      expect(unhandled).toEqual([]);
    },
  );

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw boom;
      },
    ],
    ["rejects", () => Promise.reject(boom)],
  ])("do no harm even where the report %s", async (_, onFailure) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const { told, listener } = keeping();
    const { outlet } = outletFor([() => Promise.reject(boom), listener], { capacity: 2, onFailure });
    for (const message of [1, 2, 3]) outlet.emit(message);
    await outlet.flush();
    await turn();
    process.off("unhandledRejection", note);
    expect(told).toEqual([1, 2]);
    expect(outlet.dropped).toBe(1);
    expect(unhandled).toEqual([]);
  });

  it("are not behind while their promises settle within a turn, however small the capacity", async () => {
    const told: number[] = [];
    const { outlet } = outletFor([async (message) => void told.push(message), () => undefined], {
      capacity: 3,
    });
    for (const message of numbers(3)) outlet.emit(message);
    await outlet.flush();
    expect(told).toEqual(numbers(3));
    expect(outlet.dropped).toBe(0);
  });

  it("may return what is no promise", async () => {
    const listeners = [1, null, {}, { [THEN]: 1 }, "then"].map(
      (result) => () => result as unknown as undefined,
    );
    const { outlet, failures } = outletFor(listeners, { capacity: 1 });
    for (const message of [1, 2]) {
      outlet.emit(message);
      await outlet.flush();
    }
    expect([outlet.dropped, failures]).toEqual([0, []]);
  });
});

describe("listeners that never settle", () => {
  it("miss messages beyond their part of the capacity, and nobody else does", async () => {
    const [stuck, prompt] = [pending(), keeping()];
    const quick: number[] = [];
    const asynchronous = async (message: number): Promise<void> => void quick.push(message);
    const { outlet, failures } = outletFor([stuck.listener, asynchronous, prompt.listener], { capacity: 6 });
    for (const message of numbers(5)) {
      outlet.emit(message);
      await turn();
    }
    expect(stuck.told).toEqual([0, 1]);
    expect(quick).toEqual(numbers(5));
    expect(prompt.told).toEqual(numbers(5));
    expect(outlet.dropped).toBe(3);
    expect(failures).toEqual([QUEUE_FULL, QUEUE_FULL, QUEUE_FULL]);
  });

  it("are told again once some of their promises settle, either way", async () => {
    const { told, listener, next } = pending();
    const { outlet } = outletFor([listener], { capacity: 2 });
    const send = async (message: number): Promise<void> => {
      outlet.emit(message);
      await turn();
    };
    for (const message of [1, 2, 3]) await send(message);
    next().resolve();
    await turn();
    for (const message of [4, 5]) await send(message);
    next().reject(boom);
    await turn();
    for (const message of [6, 7]) await send(message);
    expect(told).toEqual([1, 2, 4, 6]);
    expect(outlet.dropped).toBe(3);
  });

  it("may have one promise each where there are more listeners than the capacity", async () => {
    const listeners = numbers(3).map(pending);
    const { outlet } = outletFor(
      listeners.map(({ listener }) => listener),
      { capacity: 2 },
    );
    for (const message of [1, 2]) {
      outlet.emit(message);
      await turn();
    }
    expect(listeners.map(({ told }) => told)).toEqual([[1], [1], [1]]);
    expect(outlet.dropped).toBe(3);
  });
});

describe("a full queue", () => {
  it("drops the newest, reports each and works on", async () => {
    const { told, listener } = keeping();
    const { outlet, failures } = outletFor([listener], { capacity: 3 });
    for (const message of numbers(5)) outlet.emit(message);
    expect(outlet.dropped).toBe(2);
    expect(failures).toEqual([QUEUE_FULL, QUEUE_FULL]);
    await outlet.flush();
    outlet.emit(5);
    await outlet.flush();
    expect(told).toEqual([0, 1, 2, 5]);
    expect(outlet.dropped).toBe(2);
  });

  it("counts one message once, however many would have been told", async () => {
    const { outlet } = outletFor([() => undefined, () => undefined], { capacity: 1 });
    outlet.emit(1);
    outlet.emit(2);
    expect(outlet.dropped).toBe(1);
    await outlet.flush();
  });

  it("has room for 10,000 unless told otherwise", async () => {
    const { told, listener } = keeping();
    const { outlet } = outletFor([listener]);
    for (const message of numbers(10_001)) outlet.emit(message);
    expect(outlet.dropped).toBe(1);
    await outlet.flush();
    expect(told).toEqual(numbers(10_000));
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("cannot have a capacity of %s", (capacity) => {
    expect(() => outletFor([], { capacity })).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        details: expect.objectContaining({ parameter: "capacity" }),
      }),
    );
  });

  it("neither loses nor repeats nor swaps a message that it took", async () => {
    const steps = fc.array(fc.integer({ min: 0, max: 150 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 300 }), async (bursts, capacity) => {
        const { told, listener } = keeping();
        const { outlet } = outletFor([listener], { capacity });
        const taken: number[] = [];
        let message = 0;
        for (const burst of bursts) {
          for (const _ of numbers(burst)) {
            const droppedBefore = outlet.dropped;
            outlet.emit(message);
            if (outlet.dropped === droppedBefore) taken.push(message);
            message += 1;
          }
          await turn();
        }
        await outlet.flush();
        expect(told).toEqual(taken);
        expect(outlet.dropped).toBe(message - taken.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe("flush", () => {
  /** Whether the promise has resolved after some turns of the event loop. */
  async function isResolved(promise: Promise<void>): Promise<boolean> {
    let hasResolved = false;
    void promise.then(() => {
      hasResolved = true;
    });
    for (const _ of numbers(5)) await turn();
    return hasResolved;
  }

  it("resolves at once where nothing was emitted or all is done", async () => {
    const { outlet } = outletFor([() => undefined]);
    await outlet.flush();
    outlet.emit(1);
    await outlet.flush();
    const schedule = vi.spyOn(globalThis, "setImmediate");
    await outlet.flush();
    expect(schedule).not.toHaveBeenCalled();
  });

  it("waits for promises, of messages handed over before it too", async () => {
    const { listener, next } = pending();
    const { outlet } = outletFor([listener]);
    outlet.emit(1);
    await turn();
    outlet.emit(2);
    const flushed = outlet.flush();
    expect(await isResolved(flushed)).toBe(false);
    next().resolve();
    expect(await isResolved(flushed)).toBe(false);
    next().resolve();
    await flushed;
  });

  it("waits for nothing emitted after it, not even in the same turn", async () => {
    const { told, listener, next } = pending();
    const { outlet } = outletFor([listener]);
    outlet.emit(1);
    const first = outlet.flush();
    outlet.emit(2);
    const second = outlet.flush();
    await turn();
    expect(told).toEqual([1, 2]);
    next().resolve();
    await first;
    expect(await isResolved(second)).toBe(false);
    next().resolve();
    await second;
  });

  it("resolves in every caller", async () => {
    const { told, listener } = keeping();
    const { outlet } = outletFor([listener]);
    for (const message of numbers(MANY)) outlet.emit(message);
    const lengths = [outlet.flush(), outlet.flush()].map((flushed) => flushed.then(() => told.length));
    expect(await Promise.all(lengths)).toEqual([MANY, MANY]);
  });

  it("does not reject where a listener fails, and has reported it then", async () => {
    const { listener, next } = pending();
    const { outlet, failures } = outletFor([listener]);
    outlet.emit(1);
    const flushed = outlet.flush();
    await turn();
    next().reject(boom);
    await expect(flushed).resolves.toBe(undefined);
    expect(failures).toEqual([boom]);
  });

  it("may be called by a listener, which must not await it", async () => {
    const { told, listener } = keeping();
    const flushes: Promise<void>[] = [];
    const { outlet } = outletFor([() => void flushes.push(outlet.flush()), listener]);
    outlet.emit(1);
    await outlet.flush();
    await Promise.all(flushes);
    expect(told).toEqual([1]);
  });
});

describe("messages", () => {
  interface Message {
    readonly arm: string;
    readonly config: { readonly tools: readonly { name: string }[] };
  }

  const message = (): Message => ({ arm: "champion", config: { tools: [{ name: "search" }] } });

  it("are frozen all the way down, and one copy for all", async () => {
    const copies: Message[] = [];
    const meddle: OutletListener<Message> = (copy) => {
      copies.push(copy);
      (copy.config.tools[0] as { name: string }).name = "rm";
    };
    const { outlet, failures } = outletFor([meddle, meddle]);
    outlet.emit(message());
    await outlet.flush();
    const [first, second] = copies as [Message, Message];
    expect(first).toBe(second);
    expect(first).toEqual(message());
    expect([first, first.config, first.config.tools, first.config.tools[0]].every(Object.isFrozen)).toBe(
      true,
    );
    expect(failures).toEqual([expect.any(TypeError), expect.any(TypeError)]);
  });

  it("are as they were when emitted, and the emitter's own stays as free as it was", async () => {
    const { told, listener } = keeping<Message>();
    const { outlet } = outletFor([listener]);
    const own = message();
    outlet.emit(own);
    (own.config.tools[0] as { name: string }).name = "changed";
    await outlet.flush();
    expect(told).toEqual([message()]);
    expect(Object.isFrozen(own)).toBe(false);
  });

  it("equal what was emitted, whatever JSON it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const { told, listener } = keeping<unknown>();
        const { outlet } = outletFor([listener]);
        outlet.emit(value);
        await outlet.flush();
        expect(JSON.stringify(told)).toBe(JSON.stringify([value]));
      }),
    );
  });

  it("keep a key that would be read as a prototype, and lose a null prototype", async () => {
    const { told, listener } = keeping<object>();
    const { outlet } = outletFor([listener]);
    outlet.emit(JSON.parse('{"__proto__":{"isEvidence":true}}'));
    outlet.emit(Object.assign(Object.create(null), { arm: "champion" }));
    await outlet.flush();
    expect(Object.entries(told[0] as object)).toEqual([["__proto__", { isEvidence: true }]]);
    expect(told[0]).not.toHaveProperty("isEvidence");
    expect(told[1]).toStrictEqual({ arm: "champion" });
  });

  it("pass on what is neither a plain object nor an array as it is", async () => {
    const { told, listener } = keeping<unknown>();
    const { outlet } = outletFor([listener]);
    const parts = { error: boom, when: new Date(0), call: () => 1, missing: undefined, nothing: null };
    outlet.emit(parts);
    outlet.emit(undefined);
    await outlet.flush();
    expect(told).toEqual([parts, undefined]);
    expect((told[0] as typeof parts).error).toBe(boom);
    expect(Object.isFrozen(boom)).toBe(false);
  });

  it("that cannot be copied are dropped and reported", async () => {
    const { told, listener } = keeping<object>();
    const { outlet, failures } = outletFor([listener]);
    const endless: { self?: object } = {};
    endless.self = endless;
    const unreadable = {
      get arm(): string {
        throw boom;
      },
    };
    for (const each of [endless, unreadable, { arm: "champion" }]) outlet.emit(each);
    await outlet.flush();
    expect(told).toEqual([{ arm: "champion" }]);
    expect(outlet.dropped).toBe(2);
    expect(failures).toEqual([expect.any(RangeError), boom]);
  });
});

describe("the diagnostics channel", () => {
  it("carries every message, in order and frozen, to subscribers alone too", async () => {
    const { outlet, channel } = outletFor<{ arm: string }>([]);
    const told: unknown[] = [];
    subscribe(channel, (message, name) => void told.push([message, name, Object.isFrozen(message)]));
    outlet.emit({ arm: "champion" });
    outlet.emit({ arm: "challenger" });
    expect(told).toEqual([]);
    await outlet.flush();
    expect(told).toEqual([
      [{ arm: "champion" }, channel, true],
      [{ arm: "challenger" }, channel, true],
    ]);
  });

  it("is told after the listeners, the same message", async () => {
    const told: unknown[] = [];
    const { outlet, channel } = outletFor<object>([(message) => void told.push(message)]);
    subscribe(channel, (message) => void told.push(message));
    outlet.emit({});
    await outlet.flush();
    expect(told).toEqual([{}, {}]);
    expect(told[0]).toBe(told[1]);
  });

  it("is left alone while nobody subscribes", async () => {
    const { told, listener } = keeping();
    const { outlet, channel } = outletFor([listener]);
    const publish = vi.spyOn(diagnostics.channel(channel), "publish");
    outlet.emit(1);
    await outlet.flush();
    expect(publish).not.toHaveBeenCalled();
    expect(told).toEqual([1]);
  });

  it("tells nobody who unsubscribed in the meantime", async () => {
    const { outlet, channel } = outletFor([]);
    const { told, listener } = keeping<unknown>();
    diagnostics.subscribe(channel, listener);
    outlet.emit(1);
    diagnostics.unsubscribe(channel, listener);
    outlet.emit(2);
    await outlet.flush();
    expect(told).toEqual([]);
  });

  it("lets a subscriber that throws stop nobody; Node alone hears of it", async () => {
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => void uncaught.push(error));
    const [one, other] = [keeping(), keeping<unknown>()];
    const { outlet, channel, failures } = outletFor([one.listener]);
    subscribe(channel, () => {
      throw boom;
    });
    subscribe(channel, other.listener);
    outlet.emit(1);
    outlet.emit(2);
    await outlet.flush();
    await turn();
    process.setUncaughtExceptionCaptureCallback(null);
    expect(one.told).toEqual([1, 2]);
    expect(other.told).toEqual([1, 2]);
    expect(uncaught).toEqual([boom, boom]);
    expect(failures).toEqual([]);
  });

  it("that was replaced by one that throws is a failure like any other", async () => {
    const { told, listener } = keeping();
    const { outlet, channel, failures } = outletFor([listener]);
    subscribe(channel, () => undefined);
    vi.spyOn(diagnostics.channel(channel), "publish").mockImplementation(() => {
      throw boom;
    });
    outlet.emit(1);
    outlet.emit(2);
    await outlet.flush();
    expect(told).toEqual([1, 2]);
    expect(failures).toEqual([boom, boom]);
  });
});
