/**
 * What a run of an agent has taken: one run is all model calls of a session until somebody takes stock.
 */
import type { Session, SignalInput } from "../engine/sessions/session.js";
import {
  addTokens,
  costUsd,
  NO_TOKENS,
  plus,
  recordAll,
  type TokenPrice,
  tokenSignals,
  tokenUsage,
  UNKNOWN_TOKENS,
} from "./token-usage.js";

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
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A model call begins. @param price of its tokens; without it no cost is told */
  begin(price: TokenPrice | undefined): MeteredCall {
    const startedAtMs = this.#now();
    this.#startedAtMs ??= startedAtMs;
    const call: MeteredCall = {
      firstToken: () => {
        this.#firstTokenAfterMs ??= this.#now() - (this.#startedAtMs ?? startedAtMs);
      },
      end: (ending) => {
        if (this.#open.delete(call)) this.#ended(ending, price);
      },
    };
    this.#open.add(call);
    return call;
  }

  #ended(ending: CallEnding, price: TokenPrice | undefined): void {
    this.#endedAtMs = this.#now();
    this.#isFailing =
      ending.kind === "failed" || (ending.kind === "finished" && ending.finishReason === "error");
    if (ending.kind === "failed") {
      this.#failureCount += 1;
      return;
    }
    this.#stepCount += 1;
    this.#finishReason = ending.kind === "finished" ? ending.finishReason : "cancelled";
    const usage = ending.kind === "finished" ? tokenUsage(ending.usage) : UNKNOWN_TOKENS;
    this.#usage = addTokens(this.#usage, usage);
    this.#cost = plus(this.#cost, costUsd(usage, price));
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

const meters = new WeakMap<object, RunMeter>();

/** The meter of a session's model calls, whoever makes them; its stock is taken right before the session ends. */
export function meterOf(session: Session<unknown, unknown>, now: () => number): RunMeter {
  const known = meters.get(session);
  if (known) return known;
  const meter = new RunMeter(now);
  meters.set(session, meter);
  session.beforeEnd(() => recordAll(session, meter.take()));
  return meter;
}
