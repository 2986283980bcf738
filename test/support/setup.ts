import fc from "fast-check";
import { inject, vi } from "vitest";
import type * as locations from "../../src/store/location.js";

// The same inputs on every run, so that coverage is; FC_SEED tries others. A failure prints its seed and path.
fc.configureGlobal({
  seed: Number(process.env.FC_SEED ?? 20_261_121),
  // Mutation testing wants to know that a test fails, not on which smallest input.
  endOnFailure: process.env.FC_SHRINK === "no",
});

// The same tests over the double of a libSQL server: what they open as a file is opened as a database of the double's,
// which lies in that file.
if (inject("remote")) {
  const { startLibsqlDouble } = await import("./libsql-double.mjs");
  const double = await startLibsqlDouble({ synchronous: "OFF" });
  vi.doMock("../../src/store/location.js", async (importOriginal) => {
    const original = await importOriginal<typeof locations>();
    const locate: typeof original.locate = (url, options) => {
      const location = original.locate(url, options);
      if (location.kind !== "file") return location;
      const remote = original.locate(`${double.url}/${Buffer.from(location.path).toString("base64url")}`);
      return { ...remote, beside: location.beside };
    };
    return { ...original, locate };
  });
}
