/**
 * What is told to the server: one bounded queue, first in, first out, sent one batch at a time.
 *
 * Group commit by back-pressure: whatever queued while the last batch was on its way is the next one. There is no timer;
 * the first operation leaves in the turn it is queued in. A batch whose answer was lost is sent again, which stores
 * nothing twice, because every operation can be repeated. What the server refuses fails alone; while the server is away
 * everything waits, in memory.
 */
import { DethroneError, isDethroneError } from "../core/errors.js";
import { keptAlive } from "../engine/platform.js";
import type { Clock } from "../engine/ports.js";
import type { Operation, OperationResult } from "../engine/sessions/operations.js";
import { backoffMs } from "./backoff.js";
import { errorOf, type ProblemLike, serverUnavailable } from "./problem.js";
import type { Refusal, Transport } from "./transport.js";

/** What the server says of an operation that it has not refused. */
export type Accepted = Exclude<OperationResult, { readonly status: "failed" }>;
/** And of one that it has. */
interface Failed {
  readonly status: "failed";
  readonly error: ProblemLike | DethroneError;
}
type Answer = Accepted | Failed;

/** What an outbox is made of. */
export interface OutboxSettings {
  readonly transport: Transport;
  readonly clock: Clock;
  /** uniform in [0, 1) */
  readonly random: () => number;
  /** told of each attempt that fails, which is tried again */
  readonly onTrouble: (error: DethroneError) => void;
  /** given the end of each operation */
  readonly inBackground: (task: Promise<unknown>) => void;
}

interface Waiting {
  /** the operation as JSON */
  readonly text: string;
  readonly resolve: (answer: Accepted) => void;
  readonly reject: (error: DethroneError) => void;
}

/** Operations that may wait before new sessions are refused. */
const CAPACITY = 10_000;
/** And their size, in UTF-16 units. */
const SIZE_MAX = 8 * 2 ** 20;
/** Most operations in a request, as the contract has it, and their size. */
const BATCH_MAX = 1000;
const BATCH_SIZE_MAX = 256 * 2 ** 10;
/** However slow the server is, so many are sent at once. */
const BATCH_MIN = 50;
/** Where the server will not have us, or is none, it is asked again this slowly. */
const REFUSED_WAIT_MS = 30_000;
/** How long flushing and closing wait for the server. */
const FLUSH_PATIENCE_MS = 10_000;

/** Whether the request itself is wrong: then sending the same again helps nobody. */
const isMalformed = ({ http }: Refusal): boolean =>
  http === 400 || http === 413 || http === 415 || http === 422;

/** Sends what sessions record. */
export class Outbox {
  readonly #settings: OutboxSettings;
  #queue: Waiting[] = [];
  #size = 0;
  /** settles once everything queued so far is answered or given up */
  #last: Promise<void> = Promise.resolve();
  #batchMax = BATCH_MAX;
  #failure: DethroneError | null = null;
  #isRunning = false;
  #isClosed = false;
  #cancelPause: () => void = () => undefined;

  constructor(settings: OutboxSettings) {
    this.#settings = settings;
  }

  /** Operations that are not acknowledged yet. */
  get length(): number {
    return this.#queue.length;
  }

  /** Their size, in UTF-16 units. */
  get size(): number {
    return this.#size;
  }

  /** Why the last attempt has failed; null where it has not. */
  get failure(): DethroneError | null {
    return this.#failure;
  }

  /** Whether one more new session, and what follows of it, can be taken. */
  hasRoom(): boolean {
    return !this.#isClosed && this.#queue.length < CAPACITY && this.#size < SIZE_MAX;
  }

  /**
   * Queues an operation at once; resolves when the server has it on disk.
   *
   * @throws DethroneError what the server refuses it with; `queue_full` where twice as much waits as new sessions are taken
   *   for; `engine_closed`
   */
  add(operation: Operation): Promise<Accepted> {
    if (this.#isClosed) return Promise.reject(new DethroneError("engine_closed", "The client is closed."));
    const isFull = this.#queue.length >= 2 * CAPACITY || this.#size >= 2 * SIZE_MAX;
    // A session that was taken in must be able to end, and of ends there are no more than sessions.
    if (isFull && operation.type !== "end" && operation.type !== "exclude")
      return Promise.reject(tooMuch(this.#queue.length));
    const text = JSON.stringify(operation);
    const answered = new Promise<Accepted>((resolve, reject) => {
      this.#queue.push({ text, resolve, reject });
    });
    this.#size += text.length;
    // First in, first out: once the last is answered, all are.
    this.#last = answered.then(nothing, nothing);
    this.#settings.inBackground(this.#last);
    if (!this.#isRunning) this.#start();
    return answered;
  }

  #start(): void {
    this.#isRunning = true;
    // After what else this turn has to tell: a session that is over at once is one request.
    queueMicrotask(() => void this.#run());
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      for (let attempt = 0; this.#queue.length > 0 && !this.#isClosed; ) {
        const batch = this.#nextBatch();
        const reply = await this.#sent(batch);
        if (Array.isArray(reply)) {
          attempt = 0;
          this.#settle(batch, reply);
        } else if (isMalformed(reply)) {
          this.#narrow(batch, reply.error);
        } else {
          attempt += 1;
          // A server that is too slow for the whole of it may be fast enough for a half.
          if (reply.http === 0) this.#batchMax = Math.max(BATCH_MIN, Math.ceil(batch.length / 2));
          await this.#pause(reply, attempt);
        }
      }
    } catch (error) {
      this.#drop(serverUnavailable("Sending has failed.", {}, error));
    } finally {
      this.#isRunning = false;
    }
  }

  /** The answers to a batch, or why there are none. */
  async #sent(batch: readonly Waiting[]): Promise<Answer[] | Refusal> {
    const operations = batch.map(({ text }) => text).join(",");
    const text = `{"sentAtMs":${this.#settings.clock.now()},"operations":[${operations}]}`;
    const reply = await this.#settings.transport.send("record", { params: {} }, { text });
    if (reply.status === "refused") return reply;
    const results: unknown = reply.status === "ok" ? reply.body.results : null;
    return isAnswers(results, batch.length) ? results : NO_ANSWER;
  }

  /** One operation spoils the request for all: halves find out which. */
  #narrow(batch: readonly Waiting[], error: DethroneError): void {
    if (batch.length > 1) this.#batchMax = Math.ceil(batch.length / 2);
    else this.#settle(batch, [{ status: "failed", error }]);
  }

  #nextBatch(): Waiting[] {
    let size = 0;
    const isWithin = ({ text }: Waiting, index: number): boolean => {
      size += text.length;
      return index === 0 || size <= BATCH_SIZE_MAX;
    };
    const most = this.#queue.slice(0, this.#batchMax);
    const end = most.findIndex((each, index) => !isWithin(each, index));
    return end < 0 ? most : most.slice(0, end);
  }

  #settle(batch: readonly Waiting[], answers: readonly Answer[]): void {
    this.#failure = null;
    this.#batchMax = Math.min(BATCH_MAX, this.#batchMax * 2);
    this.#queue = this.#queue.slice(batch.length);
    batch.forEach(({ text, resolve, reject }, index) => {
      this.#size -= text.length;
      const answer = answers[index] as Answer;
      if (answer.status !== "failed") resolve(answer);
      else if (isDethroneError(answer.error)) reject(answer.error);
      else reject(errorOf(answer.error) ?? NO_ANSWER.error);
    });
  }

  async #pause(refusal: Refusal, attempt: number): Promise<void> {
    const { clock, random, onTrouble } = this.#settings;
    this.#failure = refusal.error;
    onTrouble(refusal.error);
    const { kind } = refusal.error;
    const isRefused = kind === "not_permitted" || kind === "not_found";
    const leastMs = Math.max(refusal.leastMs, isRefused ? REFUSED_WAIT_MS : 0);
    await new Promise<void>((resolve) => {
      const cancel = clock.after(backoffMs({ attempt, leastMs, random: random() }), resolve);
      this.#cancelPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /**
   * Resolves when everything queued so far is answered.
   *
   * @throws DethroneError `server_unavailable` where it is not within 10 seconds; it goes on being sent
   */
  flush(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    const last = this.#last;
    const waited = new Promise<void>((resolve, reject) => {
      const cancel = this.#settings.clock.after(FLUSH_PATIENCE_MS, () => reject(this.#unsent()));
      void last.then(() => {
        cancel();
        resolve();
      });
    });
    return keptAlive(waited);
  }

  #unsent(): DethroneError {
    return serverUnavailable(
      `${this.#queue.length} records wait to be sent; the server has not taken them within ${FLUSH_PATIENCE_MS} ms.`,
      { waiting: this.#queue.length, cause: this.#failure?.message ?? null },
    );
  }

  /** Sends what waits, for a bounded time, and gives up the rest. */
  async close(): Promise<void> {
    await this.flush().catch(nothing);
    this.#isClosed = true;
    this.#cancelPause();
    this.#drop(this.#unsent());
  }

  #drop(error: DethroneError): void {
    for (const { reject } of this.#queue.splice(0)) reject(error);
    this.#size = 0;
  }
}

const nothing = (): void => undefined;

const NO_ANSWER: Refusal = {
  status: "refused",
  error: serverUnavailable("The server's answer is not one of a dethrone server of this version."),
  http: 0,
  leastMs: 0,
};

function isAnswers(results: unknown, count: number): results is Answer[] {
  return (
    Array.isArray(results) &&
    results.length === count &&
    results.every((result) => typeof Object(result).status === "string")
  );
}

function tooMuch(waiting: number): DethroneError {
  return new DethroneError("queue_full", "Too much waits to be sent; the newest is dropped.", { waiting });
}
