import { describe, expect, it } from "vitest";
import {
  DethroneError,
  domainError,
  ERROR_CODES,
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
    expect(received(1.5)).toBe(1.5);
    expect(received(null)).toBeNull();
    expect(received({ a: [1] })).toEqual({ a: [1] });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(received(cycle)).toBe("(object)");
    expect(received(1n)).toBe("(bigint)");
  });
});

describe("domainError", () => {
  it("names parameter, value and what is allowed", () => {
    expect(() => domainError("a", -1, "above 0")).toThrow("a must be above 0; received -1.");
  });
});
