/**
 * Failures that must not reach the host.
 */
import { isDethroneError, type JsonObject } from "../core/errors.js";
import { consoleLogger, safeLogger } from "./environment.js";
import type { Logger } from "./ports.js";

/** Counts failures by message, and logs the first, the tenth, the hundredth, ... with how many there have been. */
export class FailureLog {
  readonly #logger: Logger;
  readonly #times = new Map<string, number>();

  /** @param logger default: standard error, as of an engine; one that throws or rejects does no harm */
  constructor(logger: Logger = consoleLogger) {
    this.#logger = safeLogger(logger);
  }

  /** @param message one of a few texts; what differs from time to time belongs in the error and the fields */
  note(message: string, error: unknown, fields: JsonObject = {}): void {
    const times = (this.#times.get(message) ?? 0) + 1;
    this.#times.set(message, times);
    if (!Number.isInteger(Math.log10(times))) return;
    const cause = isDethroneError(error)
      ? { code: error.code, error: error.message }
      : { error: String(error) };
    this.#logger.warn({ ...fields, ...cause, times }, message);
  }
}
