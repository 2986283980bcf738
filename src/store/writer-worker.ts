/**
 * The writer's thread: opens the connection, applies one batch after the other, replies in order.
 */
import { parentPort } from "node:worker_threads";
import { unpack } from "./packed-operations.js";
import { WriteConnection } from "./write-connection.js";
import type { Outcome, WireError, WriterReply, WriterRequest } from "./write-protocol.js";

const BACKOFF_MS = [5, 10, 20, 40, 80] as const;

function wireError(error: unknown): WireError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" ? message : String(error),
  };
}

/** Tries until it works or another process has held the lock for longer than the patience. */
async function withPatience<T>(patienceMs: number, attempt: () => T): Promise<T> {
  const start = performance.now();
  for (let tries = 0; ; tries += 1) {
    try {
      return attempt();
    } catch (error) {
      const isBusy = wireError(error).code.startsWith("SQLITE_BUSY");
      if (!isBusy || performance.now() - start > patienceMs) throw error;
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

let connection: WriteConnection | undefined;
let patienceMs = 0;

/** What was sent behind a batch that failed must not be written either, or an end could be whose start was not. */
let failed: { readonly turn: number; readonly error: unknown } | undefined;

async function apply({
  operations,
  turn,
}: Extract<WriterRequest, { type: "apply" }>): Promise<readonly Outcome[]> {
  const open = connection;
  if (!open) throw new Error("the writer is not open");
  if (failed && failed.turn === turn) throw failed.error;
  try {
    const unpacked = unpack(operations);
    return await withPatience(patienceMs, () => open.apply(unpacked));
  } catch (error) {
    if (turn !== null) failed = { turn, error };
    throw error;
  }
}

async function handle(request: WriterRequest): Promise<WriterReply> {
  switch (request.type) {
    case "open":
      patienceMs = request.patienceMs;
      connection = await withPatience(
        patienceMs,
        () => new WriteConnection(request.path, request.migrationsFolder, request.durability),
      );
      return { type: "done", others: NONE };
    case "apply":
      return { type: "done", others: othersOf(await apply(request)) };
    case "close":
      connection?.close();
      connection = undefined;
      return { type: "done", others: NONE };
  }
}

const port = parentPort;
let last: Promise<unknown> = Promise.resolve();
port?.on("message", (request: WriterRequest) => {
  // In order: one that waits for a lock is not overtaken by the next.
  last = last
    .then(() => handle(request))
    .then(
      (reply) => port.postMessage(reply),
      (error: unknown) => port.postMessage({ type: "error", error: wireError(error) } satisfies WriterReply),
    );
});
