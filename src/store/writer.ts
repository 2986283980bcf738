/**
 * The main thread's end of the one writer: a bounded first-in-first-out queue in front of the writer's thread.
 *
 * Group commit by back-pressure: whatever queued while the last batch was written is the next batch. There is no timer
 * and the event loop never waits for a lock or the disk.
 */
import { Worker } from "node:worker_threads";
import { DethroneError } from "../core/errors.js";
import { FILE_REPLACED } from "./file-identity.js";
import { storageError } from "./storage-error.js";
import type { Durability, Outcome, WriteOperation, WriterReply, WriterRequest } from "./write-protocol.js";

// `src/store` and `dist/store` lie at the same depth, so this finds the built file from either.
const WORKER_URL = new URL("../../dist/store/writer-worker.js", import.meta.url);

const BATCH_MAX = 1000;

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

/** How a writer is opened. */
export interface WriterOptions {
  readonly migrationsFolder: string;
  /** operations that may wait to be written before new sessions are refused */
  readonly capacity: number;
  readonly durability?: Durability | undefined;
  /** how long, in milliseconds, a batch waits for another process's lock; default 10,000 */
  readonly patienceMs?: number | undefined;
  /** asked, in order, what is to become of each operation that the database has failed to take; null: it fails */
  readonly rescue?:
    | ((operation: WriteOperation, error: DethroneError) => Promise<Outcome> | null)
    | undefined;
}

/** Writes in order; a resolved write is on disk. */
export class Writer {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #capacity: number;
  readonly #rescue: WriterOptions["rescue"];
  readonly #exchanges: Exchange[] = [];
  #queue: Queued[] = [];
  /** sent, and not answered yet */
  #batch: Queued[] = [];
  #isBusy = false;
  #isHeld = false;
  #failure: DethroneError | undefined;
  /** settles once everything queued so far is written or given up */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, { capacity, rescue }: WriterOptions) {
    this.#path = path;
    this.#capacity = capacity;
    this.#rescue = rescue;
    this.#worker = new Worker(WORKER_URL);
    this.#worker.on("message", (reply: WriterReply) => this.#exchanges.shift()?.onReply(reply));
    this.#worker.on("error", (error) => this.#crash(error));
    this.#worker.on("exit", () => this.#crash(new Error("the writer's thread exited")));
    this.#worker.unref();
  }

  /** @throws DethroneError for a database that cannot be opened or is not one of ours */
  static async open(path: string, options: WriterOptions): Promise<Writer> {
    const { migrationsFolder, durability = "full", patienceMs = PATIENCE_MS } = options;
    const writer = new Writer(path, options);
    try {
      await writer.#exchange({ type: "open", path, migrationsFolder, patienceMs, durability });
      return writer;
    } catch (error) {
      await writer.#worker.terminate();
      throw error;
    }
  }

  get length(): number {
    return this.#queue.length + this.#batch.length;
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

  /** Writes at once, ahead of what is queued. @throws DethroneError; then nothing is written */
  async writeFirst(operations: readonly WriteOperation[]): Promise<readonly Outcome[]> {
    if (this.#failure) throw this.#failure;
    return (await this.#exchange({ type: "apply", operations })).outcomes;
  }

  /** Keeps what is queued from being written, until released. */
  hold(): void {
    this.#isHeld = true;
  }

  /** See {@link hold}. */
  release(): void {
    this.#isHeld = false;
    this.#pump();
  }

  /** Takes back what is queued and has not been sent to the database, as if that had failed. */
  takeBack(error: DethroneError): void {
    this.#giveUp(this.#queue.splice(0), error);
  }

  /** Writes no more: what it would write to is not the database any more. */
  abandon(error: DethroneError): void {
    this.#stop(error);
  }

  /** Why it does not write any more. */
  get failure(): DethroneError | undefined {
    return this.#failure;
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

  #pump(): void {
    if (this.#isBusy || this.#isHeld || this.#queue.length === 0) return;
    this.#isBusy = true;
    // Starts on the next turn, so that what is queued in one turn is one batch.
    setImmediate(() => this.#sendBatch());
  }

  #sendBatch(): void {
    if (this.#isHeld || this.#queue.length === 0) {
      this.#isBusy = false;
      return;
    }
    this.#batch = this.#queue.splice(0, BATCH_MAX);
    this.#exchange({ type: "apply", operations: this.#batch.map((queued) => queued.operation) }).then(
      (reply) => {
        for (const [index, queued] of this.#batch.splice(0).entries())
          queued.resolve(reply.outcomes[index] as Outcome);
        this.#batchDone();
      },
      (error: DethroneError) => {
        if (error.details.storageCode === FILE_REPLACED) this.#failure ??= error;
        // All that is queued behind it too, or an end could be written whose start was not.
        this.#giveUp([...this.#batch.splice(0), ...this.#queue.splice(0)], error);
        this.#batchDone();
      },
    );
  }

  #giveUp(failed: readonly Queued[], error: DethroneError): void {
    for (const { operation, resolve, reject } of failed) {
      const rescued = this.#rescue?.(operation, error);
      if (rescued) rescued.then(resolve, reject);
      else reject(error);
    }
  }

  #batchDone(): void {
    this.#isBusy = false;
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
    const message = `The database writer stopped: ${cause.message}`;
    this.#stop(new DethroneError("storage_unavailable", message, {}, { cause }));
  }

  #stop(error: DethroneError): void {
    this.#failure ??= error;
    const failure = this.#failure;
    const { code, message } = failure;
    // In their order, and before anything that is written from now on.
    this.#giveUp([...this.#batch.splice(0), ...this.#queue.splice(0)], failure);
    for (const exchange of this.#exchanges.splice(0))
      exchange.onReply({ type: "error", error: { code, message } });
  }
}
