/**
 * The main thread's end of the one writer: a bounded first-in-first-out queue in front of the writer's thread.
 *
 * Group commit by back-pressure: what queued while the last batch was written is the next batch; see `write-queue.ts`.
 * There is no timer and the event loop never waits for a lock or the disk.
 */
import { DethroneError } from "../../core/errors.js";
import { FILE_REPLACED } from "../file/identity.js";
import type { Location } from "../location.js";
import { storageError } from "../storage-error.js";
import { startThread, type Thread } from "../thread.js";
import { pack } from "./packed-operations.js";
import {
  type Durability,
  type Outcome,
  RECORDED,
  type WriteOperation,
  type WriterReply,
  type WriterRequest,
} from "./write-protocol.js";
import { type Batch, WriteQueue } from "./write-queue.js";
import { writerService } from "./writer-service.js";

// `src` and `dist` lie side by side, so this finds the built file from either.
const WORKER_URL = new URL("../../../dist/store/writer/writer-worker.js", import.meta.url);

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
  readonly #thread: Thread<WriterRequest>;
  readonly #name: string;
  readonly #capacity: number;
  readonly #rescue: WriterOptions["rescue"];
  readonly #exchanges: Exchange[] = [];
  readonly #queue = new WriteQueue();
  /** sent, and not answered yet; at most two */
  readonly #sent: Batch[] = [];
  /** whether the next batch is about to be sent */
  #isSending = false;
  /** see `WriterRequest` */
  #turn = 0;
  #isHeld = false;
  #failure: DethroneError | undefined;
  /** settles once everything queued so far is written or given up */
  #last: Promise<unknown> = Promise.resolve();

  private constructor({ name }: Location, { capacity, rescue }: WriterOptions) {
    this.#name = name;
    this.#capacity = capacity;
    this.#rescue = rescue;
    this.#thread = startThread<WriterRequest, WriterReply>({
      url: WORKER_URL,
      inPlace: writerService,
      onReply: (reply) => this.#exchanges.shift()?.onReply(reply),
      onGone: (error) => this.#crash(error),
    });
  }

  /** @throws DethroneError for a database that cannot be opened or is not one of ours */
  static async open(location: Location, options: WriterOptions): Promise<Writer> {
    const { migrationsFolder, durability = "full", patienceMs = PATIENCE_MS } = options;
    const writer = new Writer(location, options);
    try {
      await writer.#exchange({ type: "open", location, migrationsFolder, patienceMs, durability });
      return writer;
    } catch (error) {
      await writer.#thread.terminate();
      throw error;
    }
  }

  get length(): number {
    let length = this.#queue.length;
    for (const { operations } of this.#sent) length += operations.length;
    return length;
  }

  /** Whether one more new session, and its end and signals after it, can be taken. */
  hasRoom(): boolean {
    return this.length < this.#capacity;
  }

  /** Queues an operation at once; resolves when it is on disk. */
  write(operation: WriteOperation): Promise<Outcome> {
    if (this.#failure) return Promise.reject(this.#failure);
    // First in, first out: once the last is written, all are.
    const last = this.#queue.add(operation);
    this.#last = last;
    this.#pump();
    return last;
  }

  /** Resolves when everything queued so far has been written or given up. */
  async flush(): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  /** Whether it still writes. */
  get isAlive(): boolean {
    return this.#failure === undefined;
  }

  /** Writes at once, ahead of what is queued. @throws DethroneError; then nothing is written */
  async writeFirst(operations: readonly WriteOperation[]): Promise<readonly Outcome[]> {
    if (this.#failure) throw this.#failure;
    return this.#apply(operations, null);
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
    this.#giveUp([this.#queue.takeAll()], error);
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
    await this.#thread.terminate();
  }

  #pump(): void {
    if (this.#isSending || !this.#isNextDue()) return;
    this.#isSending = true;
    // Starts on the next turn, so that what is queued in one turn is one batch.
    setImmediate(() => {
      this.#isSending = false;
      if (this.#isNextDue()) this.#sendBatch();
    });
  }

  /** A full batch is sent while the one before it is being written: then the writer's thread need not wait for it. */
  #isNextDue(): boolean {
    if (this.#queue.length === 0 || this.#isHeld) return false;
    return this.#sent.length === 0 || (this.#sent.length === 1 && this.#queue.isFull);
  }

  #sendBatch(): void {
    const batch = this.#queue.takeBatch();
    this.#sent.push(batch);
    this.#apply(batch.operations, this.#turn).then(
      (outcomes) => {
        this.#sent.shift();
        this.#queue.noteAnswered(batch);
        // Before whoever waited goes on: the thread is not to wait for them.
        if (this.#isNextDue()) this.#sendBatch();
        batch.resolve(outcomes);
      },
      (error: DethroneError) => {
        // Given up with the batch before it, or with the writer.
        if (this.#sent[0] !== batch) return;
        if (error.details.storageCode === FILE_REPLACED) this.#failure ??= error;
        this.#turn += 1;
        this.#giveUpAll(error);
        this.#pump();
      },
    );
    this.#pump();
  }

  /** What is sent, and all that is behind it, or an end could be written whose start was not. */
  #giveUpAll(error: DethroneError): void {
    this.#giveUp([...this.#sent.splice(0), this.#queue.takeAll()], error);
  }

  #giveUp(failed: readonly Batch[], error: DethroneError): void {
    for (const batch of failed)
      batch.resolve(
        batch.operations.map((operation) => this.#rescue?.(operation, error) ?? Promise.reject(error)),
      );
  }

  async #apply(operations: readonly WriteOperation[], turn: number | null): Promise<readonly Outcome[]> {
    const request = { type: "apply", operations: pack(operations), turn } as const;
    const { others } = await this.#exchange(request);
    return operations.map((_, place) => others.get(place) ?? RECORDED);
  }

  #exchange(request: WriterRequest): Promise<Extract<WriterReply, { type: "done" }>> {
    return new Promise((resolve, reject) => {
      const onReply = (reply: WriterReply): void => {
        if (this.#exchanges.length === 0) this.#thread.unref();
        if (reply.type === "done") resolve(reply);
        else reject(storageError(reply.error, this.#name));
      };
      this.#thread.postMessage(request);
      this.#exchanges.push({ request, onReply });
      // A process with something to write stays alive until it is written.
      this.#thread.ref();
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
    this.#giveUpAll(failure);
    for (const exchange of this.#exchanges.splice(0))
      exchange.onReply({ type: "error", error: { code, message } });
  }
}
