import { describe, expect, it } from "vitest";
import {
  DethroneError,
  domainError,
  ERROR_CODES,
  type ErrorCode,
  isDethroneError,
  received,
} from "../../../src/core/errors.js";

describe("DethroneError", () => {
  it("carries code, kind, details, cause and exit code", () => {
    const cause = new Error("disk");
    const error = new DethroneError("storage_busy", "Busy.", { database: "x.db" }, { cause });
    expect(error).toMatchObject({ name: "DethroneError", kind: "unavailable", exitCode: 6, cause });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "storage_busy",
      kind: "unavailable",
      message: "Busy.",
      details: { database: "x.db" },
    });
    expect(new DethroneError("project_not_found", "No.").details).toEqual({});
  });

  it.each<[ErrorCode, string, number]>([
    ["policy_invalid", "invalid_input", 2],
    ["experiment_not_found", "not_found", 3],
    ["transition_illegal", "conflict", 4],
    ["queue_full", "throttled", 6],
    ["storage_busy", "unavailable", 6],
    ["invariant_violated", "internal", 70],
  ])("gives %s the kind %s and the exit code %i", (code, kind, exitCode) => {
    expect(new DethroneError(code, "")).toMatchObject({ kind, exitCode });
  });

  it("has an exit code for every code", () => {
    for (const code of ERROR_CODES)
      expect([2, 3, 4, 5, 6, 70]).toContain(new DethroneError(code, "").exitCode);
  });

  it("is recognised by its brand, so that two copies of the package agree", () => {
    const foreign = Object.defineProperty({}, Symbol.for("dethrone.error"), { value: true });
    expect(isDethroneError(foreign)).toBe(true);
    expect(isDethroneError(new DethroneError("storage_busy", ""))).toBe(true);
    for (const other of [new Error("x"), null, undefined, "x", {}])
      expect(isDethroneError(other)).toBe(false);
  });
});

describe("received", () => {
  it("keeps what JSON would lose", () => {
    expect(received(Number.NaN)).toBe("NaN");
    expect(received(Number.POSITIVE_INFINITY)).toBe("Infinity");
    expect(received(undefined)).toBe("undefined");
    for (const kept of [1.5, 0, "", "text", true, false, null]) expect(received(kept)).toBe(kept);
    expect(received({ a: [1] })).toEqual({ a: [1] });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(received(cycle)).toBe("(object)");
    expect(received(1n)).toBe("(bigint)");
    expect(received(() => 1)).toBe("(function)");
    expect(received(Symbol("x"))).toBe("(symbol)");
  });
});

describe("domainError", () => {
  it("names parameter, value and what is allowed", () => {
    expect(() => domainError("a", Number.NaN, "above 0")).toThrow(
      expect.objectContaining({
        code: "numeric_domain",
        message: "a must be above 0; received NaN.",
        details: { parameter: "a", received: "NaN", allowed: "above 0" },
      }),
    );
  });
});
