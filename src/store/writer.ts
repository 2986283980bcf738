/**
 * The main thread's end of the one writer: a bounded first-in-first-out queue in front of the writer's thread.
 *
 * Group commit by back-pressure: whatever queued while the last batch was written is the next batch. There is no timer
 * and the event loop never waits for a lock or the disk.
 */
import { Worker } from "node:worker_threads";
import { DethroneError } from "../core/errors.js";
import { storageError } from "./storage-error.js";
import type { Outcome, WriteOperation, WriterReply, WriterRequest } from "./write-protocol.js";

// `src/store` and `dist/store` lie at the same depth, so this finds the built file from either.
const WORKER_URL = new URL("../../dist/store/writer-worker.js", import.meta.url);

const BATCH_MAX = 2000;

/** How long the writer waits for another process's lock before it gives a batch up. */
const PATIENCE_MS = 10_000;

/** How long closing waits for what is queued. */
const CLOSE_PATIENCE_MS = 10_000;

/** Resolves when the promise settles or the time is up; the timer keeps no process alive. */
async function bounded(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    timer.unref();
  });
  await Promise.race([promise.catch(() => undefined), timeUp]);
  clearTimeout(timer);
}

interface Queued {
  readonly operation: WriteOperation;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: DethroneError) => void;
}

interface Exchange {
  readonly request: WriterRequest;
  readonly onReply: (reply: WriterReply) => void;
}

/** Writes in order; a resolved write is on disk. */
export class Writer {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #capacity: number;
  readonly #exchanges: Exchange[] = [];
  #queue: Queued[] = [];
  #inFlight = 0;
  /** batches that were sent and have not been answered */
  #batchCount = 0;
  #isSending = false;
  #failure: DethroneError | undefined;
  /** settles once everything queued so far is written or given up */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, capacity: number) {
    this.#path = path;
    this.#capacity = capacity;
    this.#worker = new Worker(WORKER_URL);
    this.#worker.on("message", (reply: WriterReply) => this.#exchanges.shift()?.onReply(reply));
    this.#worker.on("error", (error) => this.#crash(error));
    this.#worker.on("exit", () => this.#crash(new Error("the writer's thread exited")));
    this.#worker.unref();
  }

  /** @throws DethroneError for a database that cannot be opened or is not one of ours */
  static async open(path: string, migrationsFolder: string, capacity: number): Promise<Writer> {
    const writer = new Writer(path, capacity);
    try {
      await writer.#exchange({ type: "open", path, migrationsFolder, patienceMs: PATIENCE_MS });
      return writer;
    } catch (error) {
      await writer.#worker.terminate();
      throw error;
    }
  }

  get length(): number {
    return this.#queue.length + this.#inFlight;
  }

  /** Whether one more new session, and its end and signals after it, can be taken. */
  hasRoom(): boolean {
    return this.length < this.#capacity;
  }

  /** Queues an operation at once; resolves when it is on disk. */
  write(operation: WriteOperation): Promise<Outcome> {
    if (this.#failure) return Promise.reject(this.#failure);
    const written = new Promise<Outcome>((resolve, reject) => {
      this.#queue.push({ operation, resolve, reject });
      this.#pump();
    });
    // First in, first out: once the last is written, all are.
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Resolves when everything queued so far has been written or given up. */
  async flush(): Promise<void> {
    await this.#last;
  }

  /** Whether it still writes. */
  get isAlive(): boolean {
    return this.#failure === undefined;
  }

  /** Writes what is queued, for as long as the patience lasts, and stops. */
  async close(): Promise<void> {
    if (!this.#failure) {
      const last = this.#last;
      this.#failure = new DethroneError("engine_closed", "The engine is closed.");
      await bounded(last, CLOSE_PATIENCE_MS);
      await bounded(this.#exchange({ type: "close" }), CLOSE_PATIENCE_MS);
    }
    await this.#worker.terminate();
  }

  /** Whether a batch may be sent: to a writer that is idle, or a full one that it finds when it is done with another. */
  #maySend(): boolean {
    if (this.#queue.length === 0) return false;
    return this.#batchCount === 0 || (this.#batchCount === 1 && this.#queue.length >= BATCH_MAX);
  }

  #pump(): void {
    if (this.#isSending || !this.#maySend()) return;
    this.#isSending = true;
    // Starts on the next turn, so that what is queued in one turn is one batch.
    setImmediate(() => {
      this.#isSending = false;
      if (this.#maySend()) this.#sendBatch();
    });
  }

  #sendBatch(): void {
    const batch = this.#queue.splice(0, BATCH_MAX);
    this.#inFlight += batch.length;
    this.#batchCount += 1;
    this.#exchange({ type: "apply", operations: batch.map((queued) => queued.operation) }).then(
      (reply) => {
        for (const [index, queued] of batch.entries()) queued.resolve(reply.outcomes[index] as Outcome);
        this.#batchDone(batch.length);
      },
      (error: DethroneError) => {
        for (const queued of batch) queued.reject(error);
        this.#batchDone(batch.length);
      },
    );
    this.#pump();
  }

  #batchDone(size: number): void {
    this.#inFlight -= size;
    this.#batchCount -= 1;
    this.#pump();
  }

  #exchange(request: WriterRequest): Promise<Extract<WriterReply, { type: "done" }>> {
    return new Promise((resolve, reject) => {
      const onReply = (reply: WriterReply): void => {
        if (this.#exchanges.length === 0) this.#worker.unref();
        if (reply.type === "done") resolve(reply);
        else reject(storageError(reply.error, this.#path));
      };
      // Posted before it is remembered: what cannot be cloned throws here and must not be waited for.
      this.#worker.postMessage(request);
      this.#exchanges.push({ request, onReply });
      // A process with something to write stays alive until it is written.
      this.#worker.ref();
    });
  }

  #crash(cause: Error): void {
    this.#failure ??= new DethroneError(
      "storage_unavailable",
      `The database writer stopped: ${cause.message}`,
      {},
      { cause },
    );
    const { code, message } = this.#failure;
    for (const exchange of this.#exchanges.splice(0))
      exchange.onReply({ type: "error", error: { code, message } });
    for (const queued of this.#queue.splice(0)) queued.reject(this.#failure);
  }
}
