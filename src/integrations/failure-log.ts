/**
 * Failures of an integration that must not reach the host.
 */
import { isDethroneError, type JsonObject } from "../core/errors.js";
import { consoleLogger, safeLogger } from "../engine/environment.js";
import type { Logger } from "../engine/ports.js";

/** Counts failures, and logs the first, the tenth, the hundredth, ... of each message. */
export class FailureLog {
  readonly #logger: Logger;
  readonly #times = new Map<string, number>();
  #count = 0;

  /** @param logger default: standard error, as of an engine; one that throws or rejects does no harm */
  constructor(logger: Logger = consoleLogger) {
    this.#logger = safeLogger(logger);
  }

  /** Failures so far; only rises. */
  get count(): number {
    return this.#count;
  }

  /** @param message one of a few fixed texts; what differs from time to time belongs in the error and the fields */
  note(message: string, error: unknown, fields: JsonObject = {}): void {
    this.#count += 1;
    const times = (this.#times.get(message) ?? 0) + 1;
    this.#times.set(message, times);
    if (!Number.isInteger(Math.log10(times))) return;
    const cause = isDethroneError(error)
      ? { code: error.code, error: error.message }
      : { error: String(error) };
    this.#logger.warn({ ...fields, ...cause, times }, message);
  }
}
