import { describe, expect, it } from "vitest";
import { storageError } from "../../../src/store/storage-error.js";

describe("storageError", () => {
  it("of migrations that a bundler has left behind says what to do", () => {
    const told = { code: "", message: "Can't find meta/_journal.json file" };
    expect(storageError(told, "agent.db")).toMatchObject({
      code: "storage_unavailable",
      message: expect.stringContaining("keep 'dethrone' out of the bundle"),
    });
  });

  it("of a failure that nobody knows says where to look", () => {
    expect(storageError({ code: "", message: "no such thing" }, "agent.db").message).toBe(
      "Cannot use the database agent.db: check that its folder exists and can be written to (no such thing).",
    );
  });
});
