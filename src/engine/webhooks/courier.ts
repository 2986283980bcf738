/**
 * Brings events to webhooks, at least once.
 *
 * Every change writes its entry of the audit log in its own transaction: the log is the outbox, whichever process wrote
 * it. A round looks through what is new in it for each endpoint and queues a delivery of each entry that it is told of,
 * moving the endpoint's mark in the same transaction. An attempt is stored before it is made, as one that failed: whoever
 * crashes in the middle of it has it repeated under the same id, and no two processes make the same one.
 */
import { BUCKET_COUNT, HASH_VERSION, saltedBucketOf, saltOf } from "../../core/sessions/assignment.js";
import type { EngineContext } from "../context.js";
import { DAY_MS } from "../duration.js";
import type { EventEntry, Store, StoredDelivery, StoredWebhook } from "../ports.js";
import { cloudEvent, headersOf } from "./message.js";
import { type Posted, post } from "./post.js";
import { ATTEMPTS_MAX, CEILING_MS, retryAfterMs } from "./retry.js";

/** No attempt begins later in a round; what is left waits for the next one. */
const ROUND_MS = 20_000;
const PAGE = 200;
const KEPT_MS = 30 * DAY_MS;
/** The status of what was there, and never will be again. */
const GONE = 410;

/** What a round did. */
export interface CourierRound {
  readonly delivered: number;
  /** attempts that failed, to be repeated later unless their delivery is dead by now */
  readonly failed: number;
}

const isTold = ({ project, actions }: StoredWebhook, entry: EventEntry): boolean =>
  (project === null || project === entry.project) && (actions === null || actions.includes(entry.action));

/** Brings events to webhooks. */
export class Courier {
  readonly #context: EngineContext;
  readonly #stopped = new AbortController();
  /** in the background */
  #round: Promise<unknown> | null = null;
  #isAskedAgain = false;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Goes on a round in the background; one that is under way is followed by another. */
  wake(): void {
    if (this.#stopped.signal.aborted) return;
    this.#isAskedAgain = this.#round !== null;
    this.#round ??= this.#rounds().finally(() => {
      this.#round = null;
    });
  }

  async #rounds(): Promise<void> {
    do {
      this.#isAskedAgain = false;
      try {
        await this.deliver();
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#context.fail(null, "webhooks could not be told of events; the next tick tries again", error);
      }
    } while (this.#isAskedAgain);
  }

  /** Resolves when no round is under way. */
  async idle(): Promise<void> {
    await this.#round;
  }

  /** Gives up what is under way: it is repeated by whoever is next. */
  stop(): void {
    this.#stopped.abort();
  }

  /** One round: whatever is new or due, each endpoint at its own pace, in bounded time. */
  async deliver(): Promise<CourierRound> {
    const { clock } = this.#context;
    const store = this.#context.requireStore();
    const waiting = await store.webhooks.waiting(clock.now());
    if (waiting.length === 0) return { delivered: 0, failed: 0 };
    const untilMs = clock.now() + ROUND_MS;
    const ends = await Promise.allSettled(waiting.map((webhook) => this.#serve(store, webhook, untilMs)));
    const served = ends.map((end) => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
    await store.webhooks.forget(clock.now() - KEPT_MS);
    return {
      delivered: served.reduce((sum, each) => sum + each.delivered, 0),
      failed: served.reduce((sum, each) => sum + each.failed, 0),
    };
  }

  async #serve(store: Store, webhook: StoredWebhook, untilMs: number): Promise<CourierRound> {
    await this.#queueNew(store, webhook, untilMs);
    let delivered = 0;
    for (;;) {
      const due = await store.webhooks.due({
        webhook: webhook.id,
        nowMs: this.#context.clock.now(),
        limit: PAGE,
      });
      if (due.length === 0) return { delivered, failed: 0 };
      for (const delivery of due) {
        if (this.#stopped.signal.aborted || this.#context.clock.now() >= untilMs)
          return { delivered, failed: 0 };
        const isDelivered = await this.#attempt(store, webhook, delivery);
        if (isDelivered) delivered += 1;
        // An endpoint in trouble is not pressed: the rest waits for the next round.
        if (isDelivered === false) return { delivered, failed: 1 };
      }
    }
  }

  /** Queues what the log has gained since the endpoint was last looked after. */
  async #queueNew(store: Store, webhook: StoredWebhook, untilMs: number): Promise<void> {
    let { seenId } = webhook;
    while (this.#context.clock.now() < untilMs) {
      const entries = await store.browse.events({ afterId: seenId, projects: null, limit: PAGE });
      const last = entries.at(-1);
      if (!last) return;
      const deliveries = entries
        .filter((entry) => isTold(webhook, entry))
        .map(({ id: eventId }) => ({ uid: this.#context.ids.next(), eventId }));
      const nowMs = this.#context.clock.now();
      const input = { webhook: { id: webhook.id, seenId }, seenId: last.id, deliveries, nowMs };
      // Where it did not, another process is at it.
      if (!(await store.webhooks.queue(input)) || entries.length < PAGE) return;
      seenId = last.id;
    }
  }

  /** Whether it was delivered; null where another process is at it, or this one is asked to stop. */
  async #attempt(store: Store, webhook: StoredWebhook, delivery: StoredDelivery): Promise<boolean | null> {
    const { uid, event } = delivery;
    const { clock } = this.#context;
    const attempt = delivery.attempts + 1;
    const nowMs = clock.now();
    const nextAtMs = nowMs + retryAfterMs(attempt, drawnOf(uid, attempt));
    if (!(await store.webhooks.begin({ uid, attempt, nextAtMs, nowMs }))) return null;
    const posted = await this.send(webhook, uid, JSON.stringify(cloudEvent(uid, event)));
    const { isDelivered, status, error, retryAfterMs: asked } = posted;
    if (this.#stopped.signal.aborted && !isDelivered) return null;
    const isLast = attempt >= ATTEMPTS_MAX || status === GONE;
    await store.webhooks.end({
      ...{ uid, attempt, lastStatus: status, lastError: error },
      status: isDelivered ? "delivered" : isLast ? "dead" : "pending",
      ...(asked !== null && { nextAtMs: Math.max(nextAtMs, clock.now() + Math.min(asked, CEILING_MS)) }),
    });
    if (status === GONE) await this.#disable(store, webhook);
    return isDelivered;
  }

  /** An endpoint that says it is gone for good is told of nothing more. */
  async #disable(store: Store, { id, url }: StoredWebhook): Promise<void> {
    await store.webhooks.change(id, { isEnabled: false });
    this.#context.logger.warn(
      { webhook: id, url },
      "a webhook answered 410 Gone and is disabled; 'dethrone webhooks enable' undoes that",
    );
  }

  /** Sends one message, once. */
  send(webhook: StoredWebhook, id: string, body: string): Promise<Posted> {
    const { clock, version } = this.#context;
    const { url, allowPrivate } = webhook;
    const signed = headersOf(webhook, { id, body, nowMs: clock.now() });
    const headers = { ...signed, "user-agent": `dethrone/${version}` };
    return post({ url, headers, body, allowPrivate, signal: this.#stopped.signal }, clock);
  }
}

const SALT = saltOf(HASH_VERSION, "webhooks");

/** A number in [0, 1), as good as drawn, and the same whoever asks. */
const drawnOf = (uid: string, attempt: number): number =>
  saltedBucketOf(SALT, `${uid} ${attempt}`) / BUCKET_COUNT;
