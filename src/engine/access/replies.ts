/**
 * The answers of requests that name themselves, kept for a day, so that a repetition gets the same answer and nothing is
 * done twice. As Stripe's idempotency keys: scoped by access key, another body under the same name is refused, and a
 * failure of the server's is not kept.
 */
import { DethroneError } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { ReplyKey } from "../ports.js";

/** How long an answer is kept. */
const KEPT_MS = 86_400_000;
/** After so long a request that has not been answered was cut off, and may be tried again. */
const CUT_OFF_MS = 60_000;

/** An answer. */
export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Keeps the answers of requests that name themselves. */
export class Replies {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * The kept answer of a request; null where it is the first of its name, which must then be answered: by `finish`, or
   * `drop` where trying again may give another answer.
   *
   * @param fingerprint SHA-256 of method, path and body
   * @throws DethroneError `idempotency_mismatch` where the name stands for another request, `request_in_progress`
   */
  async begin(key: ReplyKey, fingerprint: string): Promise<Reply | null> {
    const { access } = this.#context.requireStore();
    const atMs = this.#context.clock.now();
    const stored = await access.reply(key);
    const isOver =
      stored !== null && atMs - stored.startedAtMs > (stored.status === null ? CUT_OFF_MS : KEPT_MS);
    if (isOver) await access.dropReply(key);
    else if (stored) return keptReply(stored, fingerprint);
    const forgetBeforeMs = atMs - KEPT_MS;
    if (await access.beginReply({ ...key, fingerprint, atMs, forgetBeforeMs })) return null;
    throw inProgress();
  }

  finish(key: ReplyKey, reply: Reply): Promise<void> {
    return this.#context.requireStore().access.finishReply({ ...key, ...reply });
  }

  drop(key: ReplyKey): Promise<void> {
    return this.#context.requireStore().access.dropReply(key);
  }
}

function keptReply(
  stored: { readonly fingerprint: string; readonly status: number | null; readonly body: string | null },
  fingerprint: string,
): Reply {
  if (stored.fingerprint !== fingerprint) {
    throw new DethroneError(
      "idempotency_mismatch",
      "This Idempotency-Key was used for another request. Use a new one for each.",
    );
  }
  if (stored.status === null || stored.body === null) throw inProgress();
  return { status: stored.status, body: stored.body };
}

function inProgress(): DethroneError {
  return new DethroneError(
    "request_in_progress",
    "A request of this Idempotency-Key is being answered. Repeat it in a moment.",
  );
}
