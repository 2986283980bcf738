/**
 * The real world behind the ports: the system clock, time-ordered ids, a logger on standard error.
 */
import { v7 as uuid } from "uuid";
import type { JsonObject } from "../core/errors.js";
import type { Random } from "../core/random.js";
import { runLater, writeError } from "./platform.js";
import type { Clock, IdSource, Logger } from "./ports.js";

/** The system's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: runLater,
};

const ID_BYTES = 16;

/** Randomness for many ids at once: to ask for a page costs hardly more than to ask for one id's. */
const randomPage = new Uint8Array(256 * ID_BYTES);
let takenBytes = randomPage.length;

function randomBytes(): Uint8Array {
  if (takenBytes === randomPage.length) {
    globalThis.crypto.getRandomValues(randomPage);
    takenBytes = 0;
  }
  takenBytes += ID_BYTES;
  return randomPage.subarray(takenBytes - ID_BYTES, takenBytes);
}

/** UUIDs, version 7: unique, and ordered by time to the millisecond, which keeps the index of sessions compact. */
export const randomIds: IdSource = { next: () => uuid({ random: randomBytes() }) };

/** Ids that depend on the random stream and the clock alone. */
export function seededIds(random: Random, clock: Clock): IdSource {
  return {
    next() {
      const bytes = new Uint8Array(16);
      for (let i = 0; i < 16; i += 4) new DataView(bytes.buffer).setUint32(i, random.uint32());
      return uuid({ msecs: clock.now(), seq: random.uint32(), random: bytes });
    },
  };
}

const silent = (): void => undefined;

/** Warnings and errors on standard error, one line each; the rest is dropped. */
export const consoleLogger: Logger = {
  debug: silent,
  info: silent,
  warn: (fields, message) => write("warning", fields, message),
  error: (fields, message) => write("error", fields, message),
};

function write(level: string, fields: JsonObject, message: string): void {
  writeError(`dethrone ${level}: ${message} ${JSON.stringify(fields)}`);
}

/** A logger that logs nothing. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** The same logger, unable to throw: the host's logger must not be able to break the host's agent through us. */
export function safeLogger(logger: Logger): Logger {
  const guarded =
    (level: keyof Logger) =>
    (fields: JsonObject, message: string): void => {
      try {
        // An asynchronous logger may reject: that must not end the host's process.
        Promise.resolve(logger[level](fields, message)).catch(() => undefined);
      } catch {
        // Nowhere left to say it.
      }
    };
  return { debug: guarded("debug"), info: guarded("info"), warn: guarded("warn"), error: guarded("error") };
}
