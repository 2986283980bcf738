/**
 * What a run of an agent has taken: one run is all model calls of a session until somebody takes stock.
 */
import type { Session, SignalInput } from "../../engine/sessions/session.js";
import {
  addTokens,
  costUsd,
  NO_TOKENS,
  type PriceTable,
  plus,
  type TokenUsage,
  tokenSignals,
  tokenUsage,
  UNKNOWN_TOKENS,
} from "../token-usage.js";

/** How a model call ended. */
export type CallEnding =
  | { readonly kind: "finished"; readonly usage: unknown; readonly finishReason: string }
  | { readonly kind: "failed" }
  | { readonly kind: "cancelled" };

/** One model call under way. */
export interface MeteredCall {
  /** the first part of the answer has arrived, of an answer that comes in parts */
  firstToken(): void;
  /** the first ending counts */
  end(ending: CallEnding): void;
}

/** Adds up the model calls of a run. */
export class RunMeter {
  readonly #prices: PriceTable;
  readonly #now: () => number;
  #startedAtMs: number | null = null;
  #endedAtMs = 0;
  #firstTokenAfterMs: number | null = null;
  #usage = NO_TOKENS;
  #cost: number | null = 0;
  #stepCount = 0;
  #failureCount = 0;
  #isFailing = false;
  #finishReason: string | null = null;
  #open = new Set<MeteredCall>();

  /** @param now a clock that never goes back, in milliseconds */
  constructor(prices: PriceTable, now: () => number) {
    this.#prices = prices;
    this.#now = now;
  }

  /** A model call begins. @param models what the model may be called in the price table, the best name first */
  begin(models: readonly (string | undefined)[]): MeteredCall {
    const startedAtMs = this.#now();
    this.#startedAtMs ??= startedAtMs;
    const call: MeteredCall = {
      firstToken: () => {
        this.#firstTokenAfterMs ??= this.#now() - (this.#startedAtMs ?? startedAtMs);
      },
      end: (ending) => {
        if (this.#open.delete(call)) this.#ended(ending, models);
      },
    };
    this.#open.add(call);
    return call;
  }

  #ended(ending: CallEnding, models: readonly (string | undefined)[]): void {
    this.#endedAtMs = this.#now();
    this.#isFailing =
      ending.kind === "failed" || (ending.kind === "finished" && ending.finishReason === "error");
    if (ending.kind === "failed") {
      this.#failureCount += 1;
      return;
    }
    this.#stepCount += 1;
    this.#finishReason = ending.kind === "finished" ? ending.finishReason : "cancelled";
    this.#add(ending.kind === "finished" ? tokenUsage(ending.usage) : UNKNOWN_TOKENS, models);
  }

  #add(usage: TokenUsage, models: readonly (string | undefined)[]): void {
    this.#usage = addTokens(this.#usage, usage);
    const name = models.find((each) => each !== undefined && Object.hasOwn(this.#prices, each));
    this.#cost = plus(this.#cost, costUsd(usage, name === undefined ? undefined : this.#prices[name]));
  }

  /**
   * Takes stock: the signals of the run so far, after which a new one begins; none where no model was called. Calls still
   * under way were cancelled.
   */
  take(): SignalInput[] {
    for (const call of [...this.#open]) call.end({ kind: "cancelled" });
    if (this.#startedAtMs === null) return [];
    const signals = this.#signals(this.#endedAtMs - this.#startedAtMs);
    this.#startedAtMs = null;
    this.#firstTokenAfterMs = null;
    this.#usage = NO_TOKENS;
    this.#cost = 0;
    this.#stepCount = 0;
    this.#failureCount = 0;
    this.#finishReason = null;
    return signals;
  }

  #signals(latencyMs: number): SignalInput[] {
    const told = this.#stepCount === 0 ? [] : tokenSignals(this.#usage, this.#cost);
    const reason = this.#finishReason?.replaceAll("-", "_");
    return [
      ...told,
      { name: "latency_ms", value: latencyMs },
      ...(this.#firstTokenAfterMs === null
        ? []
        : [{ name: "time_to_first_token_ms", value: this.#firstTokenAfterMs }]),
      { name: "steps", value: this.#stepCount },
      { name: "model_errors", value: this.#failureCount },
      { name: "finish_stop", value: reason === "stop" },
      ...(reason === undefined || reason === "stop" ? [] : [{ name: `finish_${reason}`, value: 1 }]),
      // Under the key that a wrapped call's own error has, so that both together are one.
      ...(this.#isFailing ? [{ name: "error", value: 1, key: "error" }] : []),
    ];
  }
}

/** The meters of the sessions under way. */
export class RunMeters {
  readonly #bySession = new WeakMap<object, RunMeter>();
  readonly #make: () => RunMeter;

  constructor(make: () => RunMeter) {
    this.#make = make;
  }

  /** The meter of a session, whose stock is taken right before the session ends. */
  of(session: Session<unknown, unknown>): RunMeter {
    const known = this.#bySession.get(session);
    if (known) return known;
    const meter = this.#make();
    this.#bySession.set(session, meter);
    session.beforeEnd(() => recordRun(session, meter));
    return meter;
  }
}

/** Records what a run has taken, behind the host's back. */
export function recordRun(session: Session<unknown, unknown>, meter: RunMeter): void {
  // Where nothing can be recorded of a session, its start has been counted and logged as such.
  for (const signal of meter.take()) session.signal(signal).catch(() => undefined);
}
