/** What crosses to the writer's thread arrives as it was sent. */
import { describe, expect, it } from "vitest";
import { pack, unpack } from "../../../../src/store/writer/packed-operations.js";
import type { WriteOperation } from "../../../../src/store/writer/write-protocol.js";

const OPERATIONS: WriteOperation[] = [
  {
    kind: "start",
    start: {
      id: "id",
      projectId: 1,
      configId: 2,
      experimentId: 3,
      armId: 4,
      unit: "u\ud83d",
      shares: [0.1, 0.25],
      excluded: "repeat",
      isExclusive: true,
      context: '{"plan":"pro"}',
      root: "root",
      startedAtMs: 5,
      windowEndsAtMs: 6,
      mayExist: false,
    },
  },
  { kind: "find", sessionId: "s" },
  { kind: "end", end: { sessionId: "s", atMs: 7, score: 0.5019211708142161 } },
  {
    kind: "signal",
    signal: {
      sessionId: "s",
      key: "k",
      name: "cost",
      value: 5e-324,
      kind: "explicit",
      source: "judge",
      atMs: 8,
    },
  },
  { kind: "replay", entry: { kind: "end", end: { sessionId: "s", atMs: 9, score: null } } },
  { kind: "statements", statements: [{ sql: "SELECT ?", params: [true, null, "a"], changes: 1 }] },
  {
    kind: "statements",
    statements: [
      { sql: "SELECT ?", params: [0.1] },
      { sql: "DELETE", params: [], changes: 0 },
    ],
    spooledAs: { kind: "end", end: { sessionId: "s", atMs: 9, score: null } },
  },
];

describe("packed operations", () => {
  it("are the same, field by field and bit for bit, when they are unpacked", () => {
    expect(unpack(pack(OPERATIONS))).toEqual(OPERATIONS);
  });

  it("have the text of each statement once", () => {
    const text = pack([...OPERATIONS, ...OPERATIONS]);
    expect(text.split("SELECT ?")).toHaveLength(2);
  });

  it("are a third smaller than JSON as it is", () => {
    const sessions = OPERATIONS.filter(({ kind }) => ["start", "end", "signal"].includes(kind));
    expect(pack(sessions).length).toBeLessThan((2 / 3) * JSON.stringify(sessions).length);
  });
});
