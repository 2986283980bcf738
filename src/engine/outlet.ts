/**
 * From the engine to code of the host that wants to know what happens, without touching the host's agent.
 *
 * A message is copied, frozen and queued; listeners hear of it in a later turn of the event loop, so the agent starts
 * first. The queue and the promises of listeners are bounded: what does not fit is dropped, counted and reported.
 *
 * A waiting message keeps the process alive for the turn that hands it over and no longer: a process that ends by
 * itself loses none, one that calls `process.exit` loses what still waits unless it flushes first, and a promise that
 * never settles keeps nothing alive.
 */
import { checkInteger } from "../core/check.js";
import { DethroneError } from "../core/errors.js";
import { type Channel, captureScope, diagnosticsChannel, inLaterTurn } from "./platform.js";

const CAPACITY = 10_000;

/** Most messages handed over in one turn of the event loop, so that a long queue does not hold up the host. */
const BATCH_SIZE_MAX = 100;

/** Code of the host that is told of each message. */
export type OutletListener<T> = (message: T) => void | Promise<void>;

/** What an outlet is made of. */
export interface OutletSettings<T> {
  /** name of the `node:diagnostics_channel` the messages are published on, e.g. `dethrone:exposure` */
  readonly channel: string;
  readonly listeners: readonly OutletListener<T>[];
  /** told of each failure: what a listener threw or rejected with, and `queue_full` for each message dropped */
  readonly onFailure: (error: unknown) => void;
  /** most messages that wait, and most unsettled promises of all listeners together; 1 or more, default 10,000 */
  readonly capacity?: number | undefined;
}

/** Somebody to tell, and the promises they have not settled yet. */
interface Recipient<T> {
  readonly listener: (message: T) => unknown;
  readonly unsettled: Set<Promise<void>>;
}

interface Waiting<T> {
  readonly message: T;
  /** runs code in the asynchronous context of the emit */
  readonly runInScope: (fn: () => void) => void;
}

interface Flush {
  /** how many messages must have been handed over */
  readonly upTo: number;
  readonly resolve: () => void;
}

/**
 * Tells listeners, and the subscribers of a diagnostics channel, of each message, in the order of the emits.
 *
 * Each listener gets the same frozen copy, in the asynchronous context of the emit: `AsyncLocalStorage` holds the
 * request the message is about. A listener that throws or rejects takes nothing from the others or from the messages
 * that follow. Promises are not waited for between messages. Each listener may have its equal part of the capacity in
 * unsettled promises; while it has that many, it alone misses messages.
 *
 * A subscriber of the channel cannot be guarded against. Node calls it from `publish` and rethrows what it throws on
 * the next tick, as an uncaught exception that ends the process unless the host handles those; what an asynchronous
 * one rejects with is an unhandled rejection. No setting of Node's turns that off for one channel. What is done here:
 * it runs apart from the agent's call, and the other subscribers, the listeners and later messages are told all the
 * same. Code that must not be able to end the process belongs in a listener.
 *
 * @throws DethroneError `numeric_domain` if the capacity is not an integer of 1 or more
 *
 * @example
 * const outlet = new Outlet<{ arm: string }>({
 *   channel: "dethrone:exposure",
 *   listeners: [({ arm }) => void arms.push(arm)],
 *   onFailure: (error) => logger.warn({ error: String(error) }, "a listener failed"),
 * });
 * outlet.emit({ arm: "champion" });
 * arms; // []
 * await outlet.flush();
 * arms; // ["champion"]
 */
export class Outlet<T> {
  readonly #channel: Channel;
  readonly #hasListeners: boolean;
  readonly #recipients: readonly Recipient<T>[];
  readonly #onFailure: (error: unknown) => void;
  readonly #capacity: number;
  /** most unsettled promises of one recipient */
  readonly #unsettledMax: number;
  readonly #waiting: Waiting<T>[] = [];
  readonly #flushes: Flush[] = [];
  #acceptedCount = 0;
  #handedOverCount = 0;
  #droppedCount = 0;
  #isScheduled = false;

  constructor({ channel: name, listeners, onFailure, capacity = CAPACITY }: OutletSettings<T>) {
    checkInteger("capacity", capacity, 1);
    this.#channel = diagnosticsChannel(name);
    this.#hasListeners = listeners.length > 0;
    const recipients = [...listeners, (message: T) => this.#publish(message)];
    this.#recipients = recipients.map((listener) => ({ listener, unsettled: new Set() }));
    this.#onFailure = onFailure;
    this.#capacity = capacity;
    this.#unsettledMax = Math.max(1, Math.floor(capacity / Math.max(1, listeners.length)));
  }

  /** Messages that did not reach somebody: one for all where too many waited, one for each listener that fell behind. */
  get dropped(): number {
    return this.#droppedCount;
  }

  /**
   * Queues a message and returns at once; never throws, and calls no listener. With neither listeners nor subscribers it
   * does not even read the message.
   *
   * @param message of plain objects and arrays, which are copied and frozen; anything else in it is passed as it is.
   *   One that cannot be copied, because it contains itself or a getter throws, is dropped.
   */
  emit(message: T): void {
    if (!this.#hasListeners && !this.#channel.hasSubscribers) return;
    if (this.#waiting.length >= this.#capacity) {
      this.#drop(
        queueFull("Too many messages wait to be handed over; the newest is dropped.", this.#capacity),
      );
      return;
    }
    try {
      this.#waiting.push({ message: frozenCopy(message), runInScope: captureScope() });
    } catch (error) {
      this.#drop(error);
      return;
    }
    this.#acceptedCount += 1;
    this.#schedule();
  }

  /**
   * Resolves once everything emitted so far has been handed over and the listeners' promises of it have settled, either
   * way. It never rejects, and never resolves while a promise does not settle: whoever cannot wait for that sets a
   * limit. A listener must not await it.
   */
  flush(): Promise<void> {
    const upTo = this.#acceptedCount;
    if (this.#handedOverCount === upTo) return this.#settled();
    return new Promise((resolve) => {
      this.#flushes.push({ upTo, resolve: () => resolve(this.#settled()) });
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    inLaterTurn(() => this.#handOverBatch());
  }

  #handOverBatch(): void {
    // Promises settle between turns only: a larger batch would make a prompt listener look like one that is behind.
    const size = Math.min(BATCH_SIZE_MAX, this.#unsettledMax);
    for (const { message, runInScope } of this.#waiting.splice(0, size)) {
      runInScope(() => this.#handOver(message));
      this.#handedOverCount += 1;
      // Here and not after the batch: a flush is not to wait for messages that came after it.
      while (this.#flushes[0]?.upTo === this.#handedOverCount) this.#flushes.shift()?.resolve();
    }
    this.#isScheduled = false;
    if (this.#waiting.length > 0) this.#schedule();
  }

  #handOver(message: T): void {
    for (const { listener, unsettled } of this.#recipients) {
      if (unsettled.size >= this.#unsettledMax) {
        this.#drop(queueFull("A listener has too many unsettled promises.", this.#unsettledMax));
        continue;
      }
      try {
        const result = listener(message);
        if (isThenable(result)) this.#watch(result, unsettled);
      } catch (error) {
        this.#report(error);
      }
    }
  }

  #publish(message: T): void {
    if (this.#channel.hasSubscribers) this.#channel.publish(message);
  }

  /** Counts the promise among the unsettled until it settles. */
  #watch(result: PromiseLike<unknown>, unsettled: Set<Promise<void>>): void {
    const watched = this.#outcomeOf(result).then(() => {
      unsettled.delete(watched);
    });
    unsettled.add(watched);
  }

  async #outcomeOf(result: PromiseLike<unknown>): Promise<void> {
    try {
      await result;
    } catch (error) {
      this.#report(error);
    }
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#recipients.flatMap(({ unsettled }) => [...unsettled]));
  }

  #drop(error: unknown): void {
    this.#droppedCount += 1;
    this.#report(error);
  }

  #report(error: unknown): void {
    try {
      // It too may be asynchronous and reject, which must not end the host's process.
      Promise.resolve(this.#onFailure(error)).catch(() => undefined);
    } catch {
      // Nowhere left to say it.
    }
  }
}

function queueFull(message: string, capacity: number): DethroneError {
  return new DethroneError("queue_full", message, { capacity });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function frozenCopy<V>(value: V): V {
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as V;
  if (!isPlainObject(value)) return value;
  const copy = { ...value } as Record<string, unknown>;
  for (const key of Object.keys(copy)) copy[key] = frozenCopy(copy[key]);
  return Object.freeze(copy) as V;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
