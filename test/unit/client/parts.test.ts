import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../src/client/backoff.js";
import { armName, Names, placeIn } from "../../../src/client/names.js";
import { errorOf } from "../../../src/client/problem.js";
import { CLIENT_ROUTES, type ClientRouteId, targetOf } from "../../../src/client/routes.js";
import { DethroneError, ERROR_CODES } from "../../../src/core/errors.js";
import { ROUTES } from "../../../src/server/contract/routes.js";

describe("waits between attempts", () => {
  it("double up to five seconds, and are random from nothing to that", () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backoffMs({ attempt, leastMs: 0, random: 1 }));
    expect(most).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    expect(backoffMs({ attempt: 3, leastMs: 0, random: 0 })).toBe(0);
    expect(backoffMs({ attempt: 3, leastMs: 7000, random: 0.5 })).toBe(7400);
  });
});

describe("addresses", () => {
  it("are those of the contract", () => {
    for (const id of Object.keys(CLIENT_ROUTES) as ClientRouteId[])
      expect(CLIENT_ROUTES[id]).toEqual({ method: ROUTES[id].method, path: ROUTES[id].path });
  });

  it("hold any name, but for those that are steps to whoever reads them", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (unit) => {
        fc.pre(unit !== "." && unit !== "..");
        const target = targetOf("setOverride", { params: { project: "p", unit } });
        const { pathname } = new URL(`https://dethrone.test${target}`);
        expect(decodeURIComponent(pathname)).toBe(`/v1/projects/p/overrides/${unit}`);
      }),
    );
    for (const unit of ["", ".", ".."])
      expect(() => targetOf("setOverride", { params: { project: "p", unit } })).toThrowError(
        expect.objectContaining({ code: "input_invalid" }),
      );
  });

  it("carry what is asked, without what is left open", () => {
    const params = { project: "p" };
    expect(targetOf("getHistory", { params, query: { limit: 5 } })).toBe("/v1/projects/p/history?limit=5");
    expect(targetOf("getHistory", { params, query: { cursor: undefined } })).toBe("/v1/projects/p/history");
  });
});

describe("problems", () => {
  it("are the errors they were", () => {
    for (const code of ERROR_CODES) {
      const error = new DethroneError(code, "Why.", { received: 1 });
      const { kind, message: detail, details } = error;
      expect(errorOf({ code, kind, detail, details })).toMatchObject({
        code,
        kind,
        message: "Why.",
        details,
      });
    }
  });

  it("of a code of tomorrow are of the same kind", () => {
    const kinds = new Set(ERROR_CODES.map((code) => new DethroneError(code, "").kind));
    for (const kind of kinds) {
      const error = errorOf({ code: "tomorrow", kind, detail: "Why.", details: {} });
      expect(error).toMatchObject({ message: "Why.", details: { code: "tomorrow" } });
      if (kind !== "internal") expect(error?.kind).toBe(kind);
    }
  });

  it("are nothing else", () => {
    for (const value of [
      null,
      1,
      "text",
      [],
      {},
      { code: 1, detail: "" },
      { code: "tomorrow", detail: "", kind: "toString" },
    ])
      expect(errorOf(value)).toBeNull();
  });
});

describe("numbers for names", () => {
  it("are the same for the same name, and lead back to it", () => {
    const names = new Names();
    const config = names.idOf("config", "x");
    expect(names.idOf("experiment", "x")).not.toBe(config);
    expect(names.idOf("config", "x")).toBe(config);
    expect(names.nameOf(config)).toBe("x");
    expect(placeIn(armName("019b/76", 12))).toBe(12);
  });
});
