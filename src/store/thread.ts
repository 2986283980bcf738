/**
 * A thread that answers requests, or something that answers them in its place.
 */
import { existsSync } from "node:fs";
import { parentPort, Worker } from "node:worker_threads";

/** Sends a reply to whoever asked. */
export type Respond<Reply> = (reply: Reply) => void;

/** What a thread does. */
export interface Service<Request> {
  readonly ask: (request: Request) => void;
  /** Lets go of all it has. */
  readonly end: () => void;
}

/** What is used of a thread. */
export interface Thread<Request> {
  postMessage(request: Request): void;
  /** Keeps the process alive, or not. */
  ref(): void;
  unref(): void;
  /** Ends it once it has answered what it was asked. */
  finish(): Promise<void>;
  /** Ends it at once. */
  terminate(): Promise<unknown>;
}

/** A thread of its own; null asks its script to end, see {@link serveThread}. */
class OwnThread<Request, Reply> implements Thread<Request> {
  readonly #worker: Worker;

  constructor({ url, workerData, onReply, onGone }: ThreadSettings<Request, Reply>) {
    this.#worker = new Worker(url, { workerData });
    this.#worker.on("message", onReply);
    this.#worker.on("error", (error) => onGone(error as Error));
    this.#worker.on("exit", () => onGone(new Error("a thread of the store exited")));
    this.#worker.unref();
  }

  postMessage(request: Request): void {
    this.#worker.postMessage(request);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  async finish(): Promise<void> {
    const gone = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.ref();
    this.#worker.postMessage(null);
    await gone;
  }

  terminate(): Promise<unknown> {
    return this.#worker.terminate();
  }
}

/** A service in its host's own thread. Requests are answered on a later turn, as a thread would. */
class InPlace<Request, Reply> implements Thread<Request> {
  readonly #settings: ThreadSettings<Request, Reply>;
  #service: Service<Request> | undefined;
  #isEnded = false;

  constructor(settings: ThreadSettings<Request, Reply>) {
    this.#settings = settings;
  }

  postMessage(request: Request): void {
    setImmediate(() => this.#ask(request));
  }

  #ask(request: Request): void {
    if (this.#isEnded) return;
    const { inPlace, onReply, onGone } = this.#settings;
    try {
      this.#service ??= inPlace((reply) => {
        if (!this.#isEnded) onReply(reply);
      });
      this.#service.ask(request);
    } catch (error) {
      this.#isEnded = true;
      onGone(error as Error);
    }
  }

  // What it does keeps the process alive by itself.
  ref(): void {}
  unref(): void {}

  async finish(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.terminate();
  }

  async terminate(): Promise<void> {
    this.#isEnded = true;
    this.#service?.end();
    this.#service = undefined;
  }
}

/** How a thread is started. */
export interface ThreadSettings<Request, Reply> {
  /** the script that runs on the thread */
  readonly url: URL;
  readonly workerData?: unknown;
  /** what the script does, to be done in this thread where there are no others */
  readonly inPlace: (respond: Respond<Reply>) => Service<Request>;
  readonly onReply: Respond<Reply>;
  /** it is gone, whether it was asked to go or not */
  readonly onGone: (error: Error) => void;
}

/**
 * Starts a thread. Where threads are forbidden (Node's permission model without `--allow-worker`), and where the script is
 * not on disk because a bundler has left it behind, the same is done in this thread: then writing holds its event loop up
 * for as long as the disk takes.
 */
export function startThread<Request, Reply>(settings: ThreadSettings<Request, Reply>): Thread<Request> {
  if (!existsSync(settings.url)) return new InPlace(settings);
  try {
    return new OwnThread(settings);
  } catch {
    return new InPlace(settings);
  }
}

/** What the script of a thread does: answers, until null asks it to end. */
export function serveThread<Request, Reply>(serve: (respond: Respond<Reply>) => Service<Request>): void {
  const port = parentPort;
  const { ask, end } = serve((reply) => port?.postMessage(reply));
  port?.on("message", (request: Request | null) => {
    if (request !== null) return ask(request);
    end();
    // Deno's port cannot be closed from within; in a thread, to exit is to end the thread.
    if (typeof port.close === "function") port.close();
    else process.exit();
  });
}
