/**
 * What happens, as server-sent events: the audit log as it grows, whoever writes to it, and evaluations after the ticks
 * of this process.
 *
 * All listeners together cost one query a second, and none without any. A listener that reads too slowly is let go: it
 * comes back by its last event's id and misses nothing of the log.
 */
import { DethroneError } from "../core/errors.js";
import type { Engine } from "../engine/engine.js";
import type { TickResult } from "../engine/experiments/tick.js";
import type { Clock, EventEntry } from "../engine/ports.js";

const POLL_MS = 1000;
const HEARTBEAT_MS = 15_000;
const LISTENERS_MAX = 200;
/** Messages that wait for a listener before it is let go. */
const BACKLOG_MAX = 256;
const PAGE = 200;
/** How long a listener waits until it comes back. */
const RETRY_MS = 2000;

const ENCODER = new TextEncoder();

interface Listener {
  readonly projects: readonly string[] | null;
  /** the newest entry it has been told of */
  afterId: number;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/** Who listens, to what. */
export interface Subscription {
  /** null for all */
  readonly projects: readonly string[] | null;
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
}

const messageOf = (entry: EventEntry): string =>
  `id: ${entry.id}\nevent: audit\ndata: ${JSON.stringify(entry)}\n\n`;

const includes = (projects: readonly string[] | null, project: string): boolean =>
  projects === null || projects.includes(project);

/** Tells listeners what happens. */
export class EventFeed {
  readonly #engine: Engine;
  readonly #clock: Pick<Clock, "after">;
  readonly #listeners = new Set<Listener>();
  #cancelPoll: (() => void) | null = null;
  #cancelHeartbeat: (() => void) | null = null;
  #isClosed = false;

  constructor(engine: Engine, clock: Pick<Clock, "after">) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** How many listen. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /**
   * The stream of a listener: from its last event on, or from now.
   *
   * @throws DethroneError `input_invalid` for a Last-Event-ID that is none; `rate_limited` where too many listen
   */
  async listen({ projects, lastEventId, signal }: Subscription): Promise<ReadableStream<Uint8Array>> {
    if (this.#isClosed || this.#listeners.size >= LISTENERS_MAX) {
      const message = `${LISTENERS_MAX} listen already; try again later.`;
      throw new DethroneError("rate_limited", message, { retryAfterS: 30 });
    }
    const afterId = lastEventId === null ? await this.#newestId() : idOf(lastEventId);
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const listener: Listener = { projects, afterId, controller };
          signal.addEventListener("abort", () => this.#letGo(listener));
          this.#listeners.add(listener);
          this.#tell(listener, `retry: ${RETRY_MS}\n\n`);
          this.#run();
        },
        cancel: () => this.#sweep(),
      },
      { highWaterMark: BACKLOG_MAX },
    );
  }

  async #newestId(): Promise<number> {
    const [newest] = await this.#engine.events(null, 1);
    return newest?.id ?? 0;
  }

  /** Tells who listens now of what a tick of this process has found. */
  announce(results: readonly TickResult[]): void {
    for (const result of results) {
      for (const listener of this.#listeners) {
        if (includes(listener.projects, result.project))
          this.#tell(listener, `event: evaluation\ndata: ${JSON.stringify(result)}\n\n`);
      }
    }
  }

  /** Lets everyone go. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) this.#letGo(listener);
    this.#rest();
  }

  #run(): void {
    this.#cancelPoll ??= this.#clock.after(POLL_MS, () => void this.#poll());
    this.#cancelHeartbeat ??= this.#clock.after(HEARTBEAT_MS, () => {
      this.#cancelHeartbeat = null;
      for (const listener of this.#listeners) this.#tell(listener, ": still here\n\n");
      if (this.#listeners.size > 0) this.#run();
    });
  }

  #rest(): void {
    this.#cancelPoll?.();
    this.#cancelHeartbeat?.();
    this.#cancelPoll = this.#cancelHeartbeat = null;
  }

  async #poll(): Promise<void> {
    try {
      while ((await this.#tellNew()) === PAGE);
    } catch {
      // The database is away: what happens meanwhile is told once it is back.
    }
    this.#cancelPoll = null;
    if (this.#listeners.size > 0 && !this.#isClosed) this.#run();
    else this.#rest();
  }

  /** Tells each listener what is new to it, of one page of entries; how many there were. */
  async #tellNew(): Promise<number> {
    if (this.#listeners.size === 0) return 0;
    const from = Math.min(...[...this.#listeners].map(({ afterId }) => afterId));
    const entries = await this.#engine.events(from, PAGE);
    for (const listener of this.#listeners) {
      for (const entry of entries) {
        if (entry.id <= listener.afterId) continue;
        listener.afterId = entry.id;
        if (includes(listener.projects, entry.project)) this.#tell(listener, messageOf(entry));
      }
    }
    return entries.length;
  }

  #tell(listener: Listener, message: string): void {
    const { controller } = listener;
    // Null once it has failed, below 0 while it reads more slowly than it is told.
    if ((controller.desiredSize ?? -1) > 0) controller.enqueue(ENCODER.encode(message));
    else this.#letGo(listener);
  }

  #letGo(listener: Listener): void {
    if (!this.#listeners.delete(listener)) return;
    try {
      listener.controller.close();
    } catch {
      // It has been cancelled by who read it.
    }
  }

  /** Whoever has stopped reading is gone. */
  #sweep(): void {
    for (const listener of this.#listeners) {
      if (listener.controller.desiredSize === null || listener.controller.desiredSize === 0)
        this.#letGo(listener);
    }
  }
}

/** @throws DethroneError `input_invalid` */
function idOf(lastEventId: string): number {
  if (/^\d{1,15}$/.test(lastEventId)) return Number(lastEventId);
  throw new DethroneError("input_invalid", "Last-Event-ID must be the id of an event.", {
    received: lastEventId.slice(0, 50),
  });
}
