/** Long work leaves the host's loop its turns. */
import { describe, expect, it } from "vitest";
import { takeTurn } from "../../../src/engine/breathe.js";

describe("takeTurn", () => {
  it("lets the host run between any two pieces of work, however many wait at once", async () => {
    const log: string[] = [];
    let isDone = false;
    const host = (): void => {
      if (log.at(-1) !== "host") log.push("host");
      if (!isDone) setImmediate(host);
    };
    setImmediate(host);
    const piece = async (name: string): Promise<void> => {
      await takeTurn();
      log.push(name);
    };
    await Promise.all(["a", "b", "c"].map(piece));
    isDone = true;
    expect(log.filter((each) => each !== "host")).toEqual(["a", "b", "c"]);
    for (const name of ["b", "c"]) expect(log[log.indexOf(name) - 1]).toBe("host");
  });
});
