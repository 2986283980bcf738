/**
 * What the parts of one engine share: the ports, the settings, and the counters that tell how it is doing.
 */

import { DethroneError, isDethroneError, type JsonObject } from "../core/errors.js";
import type { PrivacyGuard } from "./configs/privacy.js";
import type { DecisionEvent } from "./experiments/decision-event.js";
import { FailureLog } from "./failure-log.js";
import { Outlet } from "./outlet.js";
import type {
  ChampionMemory,
  Clock,
  IdSource,
  Logger,
  OpenStore,
  SessionStore,
  SpoolState,
  Store,
} from "./ports.js";
import type { Exposure, ExposureSink } from "./sessions/exposures.js";

/** How the engine is doing. Counters only rise. */
export interface Health {
  /** `ok`; `degraded` while the database is away or fails; `off` with DETHRONE=off; `closed` */
  readonly status: "ok" | "degraded" | "off" | "closed";
  /** sessions served but not recorded, because the database was away or the queue full */
  readonly sessionsDropped: number;
  /** ends and signals of recorded sessions that could not be written */
  readonly writesFailed: number;
  /** host callbacks (score, unit, onError, ...) that threw or returned something invalid */
  readonly callbacksFailed: number;
  /** sinks and hooks (exposures, onDecision) that threw, rejected or were too slow */
  readonly listenersFailed: number;
  /** rows waiting to be written */
  readonly queueLength: number;
  /** what sessions recorded while the database was away, kept in a file beside it until it is back */
  readonly spool: SpoolState;
  /** code of the newest failure, or null */
  readonly lastError: string | null;
}

type Counter = "sessionsDropped" | "writesFailed" | "callbacksFailed" | "listenersFailed";

const RETRY_MS = [250, 500, 1000, 2000, 5000] as const;

const NO_SPOOL: SpoolState = { rows: 0, bytes: 0, isDraining: false, lost: 0 };

/** How long closing tries to store what waits beside the database; it stays there for the next process. */
const CLOSE_RECOVERY_MS = 2000;

/** What messages to the host call the place where sessions are stored. */
export interface StorageNames {
  readonly name: string;
  /** where what is recorded waits while that is away */
  readonly refuge: string;
}

const DATABASE: StorageNames = { name: "database", refuge: "in a file beside it" };

/** What an engine is made of. */
export interface ContextSettings<S extends SessionStore = Store> {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly openStore: OpenStore<S>;
  /** who remembers champions while the database is away; default: nobody */
  readonly champions?: ChampionMemory | undefined;
  /** DETHRONE=off: the champion, and no I/O */
  readonly isOff: boolean;
  /** longest wait, in milliseconds, for the database on the way to an agent's run */
  readonly patienceMs: number;
  /** of the package, stored with each decision */
  readonly version: string;
  /** who is told of each assignment; default: nobody */
  readonly exposures?: readonly ExposureSink[] | undefined;
  /** refuses texts that must not be stored */
  readonly guard?: PrivacyGuard | undefined;
  /** what holds the sessions, as messages to the host call it; default: the database */
  readonly storage?: StorageNames | undefined;
  /** given each task that goes on behind the host's back; default: nobody keeps them */
  readonly waitUntil?: ((task: Promise<unknown>) => void) | undefined;
  /** told of each decision that this process makes */
  readonly onDecision?: ((decision: DecisionEvent) => void | Promise<void>) | undefined;
  /** told once the engine is closed */
  readonly onClosed?: (() => void) | undefined;
}

/** What sessions need of their engine, whatever they are recorded in. */
export type SessionContext = EngineContext<SessionStore>;

/** The shared state of one engine. */
export class EngineContext<S extends SessionStore = Store>
  implements
    Omit<ContextSettings<S>, "exposures" | "onDecision" | "onClosed" | "guard" | "champions" | "waitUntil">
{
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly isOff: boolean;
  readonly patienceMs: number;
  readonly version: string;
  readonly openStore: OpenStore<S>;
  readonly guard: PrivacyGuard | null;
  readonly champions: ChampionMemory | null;
  readonly storage: StorageNames;
  /** tells the host's sinks of each assignment */
  readonly exposures: Outlet<Exposure>;
  readonly decisions: Outlet<DecisionEvent>;
  readonly #onClosed: () => void;
  readonly #counters: Record<Counter, number> = {
    sessionsDropped: 0,
    writesFailed: 0,
    callbacksFailed: 0,
    listenersFailed: 0,
  };
  readonly #failures: FailureLog;
  readonly #whenOpen: (() => void)[] = [];
  readonly #waitUntil: ContextSettings["waitUntil"];
  #store: S | null = null;
  #failure: DethroneError | null = null;
  /** whether the newest failure was the database's */
  #isFailing = false;
  #isClosed = false;
  #cancelRetry: (() => void) | null = null;
  #cancelRecovery: (() => void) | null = null;
  /** whether the host has been told that what sessions record is kept beside the database */
  #isAway = false;
  /** times that the database has failed */
  #troubles = 0;
  /** from the end of a store until the projects have been read from the next one */
  #isReopening = false;
  #refresh: (() => Promise<void>) | null = null;

  constructor(settings: ContextSettings<S>) {
    this.clock = settings.clock;
    this.ids = settings.ids;
    this.logger = settings.logger;
    this.#failures = new FailureLog(settings.logger);
    this.isOff = settings.isOff;
    this.patienceMs = settings.patienceMs;
    this.version = settings.version;
    this.openStore = settings.openStore;
    this.guard = settings.guard ?? null;
    this.champions = settings.champions ?? null;
    this.storage = settings.storage ?? DATABASE;
    this.#waitUntil = settings.waitUntil;
    this.#onClosed = settings.onClosed ?? (() => undefined);
    this.exposures = new Outlet({
      channel: "dethrone:exposure",
      listeners: (settings.exposures ?? []).map((sink) => (exposure) => sink.expose(exposure)),
      onFailure: (error) => this.fail("listenersFailed", "an exposure did not reach a sink", error),
    });
    this.decisions = new Outlet<DecisionEvent>({
      channel: "dethrone:decision",
      listeners: settings.onDecision ? [settings.onDecision] : [],
      onFailure: (error) => this.fail("listenersFailed", "onDecision failed", error),
    });
  }

  /** The store, or null while it is away. */
  get store(): S | null {
    return this.#store;
  }

  /** @throws DethroneError why there is no store */
  requireStore(): S {
    if (this.#isClosed) throw new DethroneError("engine_closed", "The engine is closed.");
    if (this.isOff) {
      throw new DethroneError(
        "storage_unavailable",
        "dethrone is switched off (DETHRONE=off), so nothing is stored.",
      );
    }
    if (this.#store) return this.#store;
    throw this.#failure ?? new DethroneError("storage_unavailable", "The database has not been opened yet.");
  }

  /**
   * Opens the store.
   *
   * @throws DethroneError why it cannot be opened
   */
  async open(): Promise<void> {
    const previous = this.#store;
    try {
      this.#store = await this.openStore({
        onTrouble: (error) => this.#trouble(error),
        onChange: () => void this.#refresh?.(),
      });
      this.#failure = null;
      this.#isFailing = false;
    } catch (error) {
      this.#failure = isDethroneError(error)
        ? error
        : new DethroneError(
            "storage_unavailable",
            `The database cannot be opened: ${String(error)}.`,
            {},
            { cause: error },
          );
      throw this.#failure;
    }
    if (this.#isClosed) return this.#store.close();
    // Not before: it has kept what was recorded meanwhile.
    previous?.close().catch(() => undefined);
    for (const listener of this.#whenOpen.splice(0)) listener();
    // It may be another database, where projects have to be created before their sessions can be stored.
    if (previous) await this.#refresh?.();
    this.#isReopening = false;
    if (previous) await this.recover();
  }

  /** What is to be done once the database has been opened anew: it may be another one. */
  whenReopened(refresh: () => Promise<void>): void {
    this.#refresh = refresh;
  }

  /** Goes on trying to open the store in the background, until it works or the engine closes. */
  keepOpening(attempt = 0): void {
    if (this.#isClosed) return;
    const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number;
    this.#cancelRetry = this.clock.after(wait, () => {
      this.open().catch(() => this.keepOpening(attempt + 1));
    });
  }

  /** Gives up a store whose writer has stopped, and opens it anew in the background. */
  reopenIfDead(): void {
    const store = this.#store;
    if (!store || this.#isClosed || this.#isReopening || store.isAlive()) return;
    this.#isReopening = true;
    this.fail(null, "the database writer stopped; the database is opened anew", this.#failure);
    this.keepOpening();
  }

  /** Stores what was kept while the database was away, if anything; where that fails it is tried again later. */
  async recover(): Promise<void> {
    await this.#tryRecovery();
  }

  /** The database fails: said once, and looked at again and again until it is back. */
  #trouble(error: unknown): void {
    if (isDethroneError(error)) this.#failure = error;
    this.#isFailing = true;
    this.#troubles += 1;
    if (this.#isAway || this.#isClosed) return;
    this.#isAway = true;
    this.logger.warn(
      { code: this.#failure?.code ?? null, error: String(error) },
      `the ${this.storage.name} fails; what sessions record is kept ${this.storage.refuge} until it is back`,
    );
    this.reopenIfDead();
    this.#recoverLater(0);
  }

  #recoverLater(attempt: number): void {
    if (this.#isClosed) return;
    const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] as number;
    this.#cancelRecovery = this.clock.after(wait, () => {
      void this.#tryRecovery().then((isDone) => {
        if (!isDone) this.#recoverLater(attempt + 1);
      });
    });
  }

  /** Whether nothing waits any more. */
  async #tryRecovery(): Promise<boolean> {
    const store = this.#store;
    if (!store?.isAlive() || this.#isReopening) return false;
    const troubles = this.#troubles;
    try {
      const rows = await store.recover();
      // It has failed since, perhaps before there was anything to store: that it is back is not said by this.
      if (this.#troubles !== troubles) return false;
      const fields = { rows, lost: store.spool().lost };
      if (this.#isAway)
        this.logger.info(fields, `the ${this.storage.name} is back; what was kept meanwhile is stored`);
      else if (rows > 0) this.logger.info(fields, "what a process that is gone has left is stored");
      this.#isAway = false;
      this.#isFailing = false;
      return true;
    } catch (error) {
      this.#trouble(error);
      return false;
    }
  }

  /** Runs `fn` now if the store is open, else once it is. */
  whenOpen(fn: () => void): void {
    if (this.#store) fn();
    else this.#whenOpen.push(fn);
  }

  /** Counts a failure that must not reach the host, and logs it: the first, the tenth, the hundredth, ... */
  fail(counter: Counter | null, message: string, error: unknown, fields: JsonObject = {}): void {
    if (counter) this.#counters[counter] += 1;
    if (isDethroneError(error)) {
      this.#failure = error;
      this.#isFailing ||= error.kind === "unavailable";
    }
    this.#failures.note(message, error, fields);
  }

  /** Has a task kept alive that goes on behind the host's back. */
  inBackground(task: Promise<unknown>): void {
    try {
      this.#waitUntil?.(task);
    } catch (error) {
      this.fail("callbacksFailed", "waitUntil failed", error);
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Notes that the database has just done what it was asked. */
  succeed(): void {
    this.#isFailing = false;
  }

  health(): Health {
    const isWell = this.#store?.isAlive() === true && !this.#isFailing && !this.#isAway;
    const status = this.#isClosed ? "closed" : this.isOff ? "off" : isWell ? "ok" : "degraded";
    return {
      status,
      ...this.#counters,
      queueLength: this.#store?.queueLength() ?? 0,
      spool: this.#store?.spool() ?? NO_SPOOL,
      lastError: this.#failure?.code ?? null,
    };
  }

  /** Takes nothing new from here on. */
  refuse(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#cancelRecovery?.();
  }

  /** Closes the store. */
  async close(): Promise<void> {
    this.refuse();
    try {
      await this.#closeStore();
    } finally {
      this.#onClosed();
    }
  }

  async #closeStore(): Promise<void> {
    const store = this.#store;
    if (!store) return;
    if (store.isAlive() && store.spool().rows > 0) {
      const recovered = store.recover().catch(() => 0);
      await within(this.clock, CLOSE_RECOVERY_MS, recovered, 0);
    }
    await store.close();
  }
}

/** Resolves to the value, or to `fallback` once `ms` have passed; a rejection passes through. */
export function within<T, F>(clock: Clock, ms: number, promise: Promise<T>, fallback: F): Promise<T | F> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(fallback));
    promise.then(resolve, reject).finally(cancel);
  });
}
