/**
 * Statements that may take long (checks of the whole file, copies, rewriting it), or are many (what ticks read), run beside
 * the host's event loop, on a thread and a connection of their own.
 */
import { Worker } from "node:worker_threads";
import { storageError } from "./storage-error.js";
import type { WireError } from "./write-protocol.js";

/** What the thread is started with. */
export interface AsideSettings {
  readonly path: string;
  /** how long a statement waits for another's lock, in milliseconds */
  readonly waitMs: number;
}

/** A row, in the order of its columns. */
export type Tuple = readonly (string | number | null)[];

/** A statement to run. */
export interface AsideRequest {
  readonly sql: string;
  readonly params: Tuple;
  /** whether it will be run again: then it is kept, and its rows come as JSON of tuples */
  readonly isFrequent: boolean;
}

/** What came of it. */
export type AsideReply =
  | { readonly rows: readonly Record<string, unknown>[]; readonly error?: undefined }
  | { readonly tuples: string; readonly error?: undefined }
  | { readonly error: WireError };

// `src/store` and `dist/store` lie at the same depth, so this finds the built file from either.
const WORKER_URL = new URL("../../dist/store/aside-worker.js", import.meta.url);

const WAIT_MS = 10_000;

interface Waiting {
  readonly resolve: (reply: AsideReply) => void;
  readonly reject: (error: Error) => void;
}

/** Runs statements one after the other, on a thread that starts with the first. */
export class Aside {
  readonly #path: string;
  readonly #waitMs: number;
  #worker: Worker | undefined;
  readonly #waiting: Waiting[] = [];

  constructor(path: string, waitMs = WAIT_MS) {
    this.#path = path;
    this.#waitMs = waitMs;
  }

  /** The rows of a statement. @throws DethroneError */
  async all<Row>(sql: string, params: Tuple = []): Promise<Row[]> {
    const reply = await this.#answer({ sql, params, isFrequent: false });
    return ("rows" in reply ? reply.rows : []) as Row[];
  }

  /** The rows of a statement that only reads and is run often, several times as fast. @throws DethroneError */
  async tuples<Row extends Tuple>(sql: string, params: Tuple): Promise<Row[]> {
    const reply = await this.#answer({ sql, params, isFrequent: true });
    return "tuples" in reply ? JSON.parse(reply.tuples) : [];
  }

  async #answer(request: AsideRequest): Promise<Exclude<AsideReply, { readonly error: WireError }>> {
    let reply: AsideReply;
    try {
      reply = await this.#ask(request);
    } catch (error) {
      throw storageError({ code: "", message: String(error) }, this.#path);
    }
    if (reply.error) throw storageError(reply.error, this.#path);
    return reply;
  }

  /** The only row of a statement that always has one. */
  async one<Row>(sql: string, params: Tuple = []): Promise<Row> {
    return (await this.all<Row>(sql, params))[0] as Row;
  }

  /** Ends the thread; the next statement starts another. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    this.#worker = undefined;
    const gone = new Promise((resolve) => worker.once("exit", resolve));
    worker.ref();
    worker.postMessage(null);
    await gone;
  }

  #ask(request: AsideRequest): Promise<AsideReply> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    // Idle, it keeps no process alive; at work, it does.
    worker.ref();
    return new Promise<AsideReply>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.postMessage(request);
    });
  }

  #start(): Worker {
    const settings: AsideSettings = { path: this.#path, waitMs: this.#waitMs };
    const worker = new Worker(WORKER_URL, { workerData: settings });
    worker.on("message", (reply: AsideReply) => {
      this.#waiting.shift()?.resolve(reply);
      if (this.#waiting.length === 0) worker.unref();
    });
    const fail = (error: Error): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    worker.on("error", (error) => fail(error as Error));
    worker.on("exit", () => fail(new Error("a thread of the store exited")));
    return worker;
  }
}
