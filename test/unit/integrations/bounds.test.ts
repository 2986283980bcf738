import { describe, expect, it } from "vitest";
import { FailureLog } from "../../../src/engine/failure-log.js";
import { RecentMap } from "../../../src/engine/recent-map.js";
import { recordingLogger } from "../../support/recording-logger.js";

describe("a map of what is recent", () => {
  it("forgets what has not been set or asked for longest", () => {
    const map = new RecentMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    expect(map.get("a")).toBe(1);
    map.set("c", 3);
    expect([...map.entries()]).toEqual([
      ["a", 1],
      ["c", 3],
    ]);
    map.set("a", 4);
    map.set("d", 5);
    expect([map.get("c"), map.get("a"), map.size, map.delete("a"), map.delete("a")]).toEqual([
      undefined,
      4,
      2,
      true,
      false,
    ]);
  });
});

describe("a log of failures", () => {
  it("logs the first, the tenth and the hundredth of each message, with the count", () => {
    const logger = recordingLogger();
    const failures = new FailureLog(logger);
    for (let index = 0; index < 150; index += 1) failures.note("one", new Error("why"), { index });
    failures.note("another", "why");
    expect(logger.messages.map(({ message, fields }) => [message, fields.times, fields.index])).toEqual([
      ["one", 1, 0],
      ["one", 10, 9],
      ["one", 100, 99],
      ["another", 1, undefined],
    ]);
  });

  it("is not broken by the host's logger", () => {
    const warn = () => {
      throw new Error("full");
    };
    new FailureLog({ ...recordingLogger(), warn }).note("one", "why");
  });
});
