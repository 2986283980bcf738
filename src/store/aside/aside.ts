/**
 * Statements that may take long (checks of the whole file, copies, rewriting it), or are many (what ticks read), run beside
 * the host's event loop, on a thread and a connection of their own.
 */

import { storageError } from "../storage-error.js";
import { startThread, type Thread } from "../thread.js";
import type { WireError } from "../writer/write-protocol.js";
import { asideService } from "./aside-service.js";

/** What the thread is started with. */
export interface AsideSettings {
  readonly path: string;
  /** how long a statement waits for another's lock, in milliseconds */
  readonly waitMs: number;
  /** the server whose database the file is a copy of, and follows */
  readonly follows?: { readonly url: string; readonly authToken: string | null } | undefined;
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

// `src` and `dist` lie side by side, so this finds the built file from either.
const WORKER_URL = new URL("../../../dist/store/aside/aside-worker.js", import.meta.url);

const WAIT_MS = 10_000;

interface Waiting {
  readonly resolve: (reply: AsideReply) => void;
  readonly reject: (error: Error) => void;
}

/** Runs statements beside the host's event loop. */
export abstract class Aside {
  /** The rows of a statement. @throws DethroneError */
  abstract all<Row>(sql: string, params?: Tuple): Promise<Row[]>;

  /** The only row of a statement that always has one. */
  async one<Row>(sql: string, params: Tuple = []): Promise<Row> {
    return (await this.all<Row>(sql, params))[0] as Row;
  }

  /** Lets go of what it has; the next statement takes it up again. */
  abstract close(): Promise<void>;
}

/** Runs statements on a file one after the other, on a thread that starts with the first. */
export class FileAside extends Aside {
  readonly #path: string;
  readonly #settings: AsideSettings;
  #thread: Thread<AsideRequest> | undefined;
  readonly #waiting: Waiting[] = [];

  constructor(path: string, { waitMs = WAIT_MS, follows }: Partial<Omit<AsideSettings, "path">> = {}) {
    super();
    this.#path = path;
    this.#settings = { path, waitMs, follows };
  }

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

  /** Ends the thread; the next statement starts another. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.finish();
  }

  #ask(request: AsideRequest): Promise<AsideReply> {
    this.#thread ??= this.#start();
    const thread = this.#thread;
    // Idle, it keeps no process alive; at work, it does.
    thread.ref();
    return new Promise<AsideReply>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      thread.postMessage(request);
    });
  }

  #start(): Thread<AsideRequest> {
    const settings = this.#settings;
    const thread: Thread<AsideRequest> = startThread<AsideRequest, AsideReply>({
      url: WORKER_URL,
      workerData: settings,
      inPlace: asideService(settings),
      onReply: (reply) => {
        this.#waiting.shift()?.resolve(reply);
        if (this.#waiting.length === 0) thread.unref();
      },
      onGone: (error) => {
        if (this.#thread === thread) this.#thread = undefined;
        for (const { reject } of this.#waiting.splice(0)) reject(error);
      },
    });
    return thread;
  }
}
