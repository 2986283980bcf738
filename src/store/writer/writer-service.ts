/**
 * The writer itself: opens the connection, applies one batch after the other, replies in order. It runs on a thread of its
 * own, or, where there are none, in its host's; see `startThread`.
 */

import type { Respond, Service } from "../thread.js";
import { unpack } from "./packed-operations.js";
import type { Outcome, WireError, WriterReply, WriterRequest } from "./write-protocol.js";
import { connect, type WriterConnection } from "./writer-connections.js";

const BACKOFF_MS = [5, 10, 20, 40, 80] as const;

/** Another process is at it: of SQLite, and of Postgres a deadlock, a lost race and a lock that was not to be had. */
const BUSY = /^(SQLITE_BUSY|40P01$|40001$|55P03$)/;

function wireError(error: unknown): WireError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" ? message : String(error),
  };
}

/** Tries until it works or another process has held the lock for longer than the patience. */
async function withPatience<T>(patienceMs: number, attempt: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!BUSY.test(wireError(error).code) || performance.now() - start > patienceMs) throw error;
      // Thread-local and asynchronous: the host's event loop never waits for a lock.
      await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]));
    }
  }
}

const NONE: ReadonlyMap<number, Outcome> = new Map();

function othersOf(outcomes: readonly Outcome[]): ReadonlyMap<number, Outcome> {
  const others = new Map<number, Outcome>();
  for (const [place, outcome] of outcomes.entries())
    if (outcome.status !== "recorded") others.set(place, outcome);
  return others;
}

/** One connection and what it is asked. */
class WriterService {
  #connection: WriterConnection | undefined;
  #patienceMs = 0;
  /** What was sent behind a batch that failed must not be written either, or an end could be whose start was not. */
  #failed: { readonly turn: number; readonly error: unknown } | undefined;

  async handle(request: WriterRequest): Promise<WriterReply> {
    switch (request.type) {
      case "open":
        this.#patienceMs = request.patienceMs;
        this.#connection = await withPatience(this.#patienceMs, () => connect(request));
        return { type: "done", others: NONE };
      case "apply":
        return { type: "done", others: othersOf(await this.#apply(request)) };
      case "close":
        await this.close();
        return { type: "done", others: NONE };
    }
  }

  async #apply({ operations, turn }: Extract<WriterRequest, { type: "apply" }>): Promise<readonly Outcome[]> {
    const open = this.#connection;
    if (!open) throw new Error("the writer is not open");
    if (this.#failed && this.#failed.turn === turn) throw this.#failed.error;
    try {
      const unpacked = unpack(operations);
      return await withPatience(this.#patienceMs, () => open.apply(unpacked));
    } catch (error) {
      if (turn !== null) this.#failed = { turn, error };
      throw error;
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }
}

/** A writer that answers requests in their order: one that waits for a lock is not overtaken by the next. */
export function writerService(respond: Respond<WriterReply>): Service<WriterRequest> {
  const service = new WriterService();
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask(request) {
      last = last
        .then(() => service.handle(request))
        .then(respond, (error: unknown) => respond({ type: "error", error: wireError(error) }));
    },
    end: () => void service.close().catch(() => undefined),
  };
}
