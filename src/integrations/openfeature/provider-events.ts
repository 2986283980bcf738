/**
 * The events of the provider: what OpenFeature asks of an emitter, without its package.
 */
import type {
  EventContext,
  EventHandler,
  Logger,
  ProviderEventEmitter,
  ProviderEvents,
} from "@openfeature/server-sdk";

/** The names of `ProviderEvents`, which is an enum of a package that need not be installed to import this one. */
const EVENTS = {
  ready: "PROVIDER_READY",
  error: "PROVIDER_ERROR",
  stale: "PROVIDER_STALE",
  changed: "PROVIDER_CONFIGURATION_CHANGED",
} as const;

/** An emitter whose handlers cannot break it or each other. */
export class FlagEvents implements ProviderEventEmitter<ProviderEvents> {
  readonly #handlers = new Map<string, EventHandler[]>();
  #logger: Logger | undefined;

  setLogger(logger: Logger): this {
    this.#logger = logger;
    return this;
  }

  /** Tells the handlers of an event. */
  tell(event: keyof typeof EVENTS, context: EventContext = {}): void {
    this.emit(EVENTS[event], context);
  }

  emit(event: string, context: EventContext = {}): void {
    for (const handler of [...this.getHandlers(event)]) {
      // A handler may be asynchronous, and both ways of failing are the host's own.
      new Promise((resolve) => resolve(handler(context as Parameters<EventHandler>[0]))).catch(
        (error: unknown) => this.#logger?.error("a handler of a provider event failed", error),
      );
    }
  }

  addHandler(event: string, handler: EventHandler): void {
    this.#handlers.set(event, [...this.getHandlers(event), handler]);
  }

  removeHandler(event: string, handler: EventHandler): void {
    this.#handlers.set(
      event,
      this.getHandlers(event).filter((each) => each !== handler),
    );
  }

  removeAllHandlers(event?: string): void {
    if (event === undefined) this.#handlers.clear();
    else this.#handlers.delete(event);
  }

  getHandlers(event: string): EventHandler[] {
    return this.#handlers.get(event) ?? [];
  }
}
