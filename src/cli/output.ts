/**
 * Where a command's results go: JSON on standard output and nothing else, or text for people.
 */
import picocolors from "picocolors";
import { DethroneError, isDethroneError, type Json } from "../core/errors.js";
import { type Colors, progressBar } from "./render.js";

/** Ends the process where nobody reads on, as in `dethrone report support | head`: that is no failure. */
export function leaveQuietly(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

/** A command's way to say something. */
export class Output {
  readonly isJson: boolean;
  readonly colors: Colors;

  constructor(isJson: boolean) {
    this.isJson = isJson;
    // picocolors looks at NO_COLOR, FORCE_COLOR and the terminal, but takes FORCE_COLOR=0 for a yes.
    const isPlain = isJson || process.env.FORCE_COLOR === "0";
    this.colors = isPlain ? picocolors.createColors(false) : picocolors;
  }

  /** Prints the result: the data as one line of JSON, or the text for people. */
  result(data: unknown, text: () => string): void {
    process.stdout.write(`${this.isJson ? JSON.stringify(data) : text()}\n`);
  }

  /** Tells people something beside the result. */
  note(text: string): void {
    if (!this.isJson) process.stderr.write(`${text}\n`);
  }

  /** A progress bar for people at a terminal; nothing otherwise. */
  progress(): { update(done: number, total: number): void; end(): void } {
    const isShown = !this.isJson && process.stderr.isTTY === true;
    const startedAt = performance.now();
    let isDrawn = false;
    return {
      update: (done, total) => {
        // Most runs end within a second: a bar that flashes past tells nothing.
        const elapsed = performance.now() - startedAt;
        if (!isShown || elapsed < 1000) return;
        const eta = done > 0 ? (elapsed / done) * Math.max(0, total - done) : undefined;
        process.stderr.write(`\r\x1b[2K${progressBar(done, total, 30, eta)}`);
        isDrawn = true;
      },
      end: () => {
        if (isDrawn) process.stderr.write("\r\x1b[2K");
      },
    };
  }

  /** Prints a failure; returns the exit code. */
  failure(error: unknown): number {
    const known = isDethroneError(error) ? error : internal(error);
    if (this.isJson) process.stdout.write(`${JSON.stringify({ error: errorJson(known) })}\n`);
    else
      process.stderr.write(`${this.colors.red("error")} ${this.colors.dim(known.code)} ${known.message}\n`);
    return known.exitCode;
  }
}

function errorJson(error: DethroneError): Json {
  return { code: error.code, kind: error.kind, message: error.message, details: error.details };
}

function internal(error: unknown): DethroneError {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new DethroneError(
    "invariant_violated",
    `Unexpected failure, please report it: ${message}`,
    {},
    { cause: error },
  );
}
