import { describe, expect, it } from "vitest";
import {
  callbackSink,
  type Exposure,
  logSink,
  noopSink,
  recordingSink,
} from "../../../../src/engine/sessions/exposures.js";
import { recordingLogger } from "../../../support/recording-logger.js";

const exposure: Exposure = Object.freeze({
  project: "support",
  experiment: "experiment-1",
  session: "session-1",
  arm: "challenger",
  place: 1,
  config: "a".repeat(64),
  label: "brief",
  unit: "user-42",
  share: 0.2,
  requestId: "request-7",
  isOverride: false,
  isEvidence: true,
  excluded: null,
  root: "session-0",
  atMs: 1_700_000_000_000,
});

describe("logSink", () => {
  it("writes one info line with every field", async () => {
    const logger = recordingLogger();
    await logSink(logger).expose(exposure);
    expect(logger.messages).toEqual([{ level: "info", message: "exposure", fields: exposure }]);
  });

  it("calls the logger as a method, as loggers with state need", async () => {
    const lines: unknown[] = [];
    class StatefulLogger {
      readonly #lines = lines;
      info(fields: object): void {
        this.#lines.push(fields);
      }
      debug(): void {}
      warn(): void {}
      error(): void {}
    }
    await logSink(new StatefulLogger()).expose(exposure);
    expect(lines).toEqual([exposure]);
  });

  it("leaves the fields to the logger to change", () => {
    const logger = {
      ...recordingLogger(),
      info: (fields: object) => void Object.assign(fields, { host: "a" }),
    };
    expect(() => logSink(logger).expose(exposure)).not.toThrow();
    expect(exposure).not.toHaveProperty("host");
  });

  it("lets whoever called it hear of a logger that rejects", async () => {
    const boom = new Error("boom");
    const logger = { ...recordingLogger(), info: () => Promise.reject(boom) };
    await expect(logSink(logger).expose(exposure)).rejects.toBe(boom);
  });
});

describe("recordingSink", () => {
  it("keeps exposures in order, until cleared", () => {
    const sink = recordingSink();
    sink.expose(exposure);
    expect(sink.exposures.length).toBe(1);
    sink.expose({ ...exposure, session: "session-2" });
    expect(sink.exposures.map(({ session }) => session)).toEqual(["session-1", "session-2"]);
    sink.clear();
    expect(sink.exposures).toEqual([]);
  });

  it("works taken apart, on one array throughout", () => {
    const { exposures, expose, clear } = recordingSink();
    expose(exposure);
    clear();
    expose(exposure);
    expect(exposures).toEqual([exposure]);
  });

  it("shares nothing with another", () => {
    const [one, other] = [recordingSink(), recordingSink()];
    one.expose(exposure);
    expect(other.exposures).toEqual([]);
  });
});

describe("noopSink", () => {
  it("drops everything", () => {
    expect(noopSink().expose(exposure)).toBe(undefined);
  });
});

describe("callbackSink", () => {
  it("calls the function with each exposure", async () => {
    const told: unknown[] = [];
    const sink = callbackSink(({ unit, arm }) => void told.push({ unit, arm }));
    await sink.expose(exposure);
    await sink.expose({ ...exposure, unit: null });
    expect(told).toEqual([
      { unit: "user-42", arm: "challenger" },
      { unit: null, arm: "challenger" },
    ]);
  });

  it("passes on what the function throws and what it rejects with", async () => {
    const boom = new Error("boom");
    const throwing = callbackSink(() => {
      throw boom;
    });
    expect(() => throwing.expose(exposure)).toThrow(boom);
    await expect(callbackSink(() => Promise.reject(boom)).expose(exposure)).rejects.toBe(boom);
  });
});
