/** A batch written at once is what its operations would have been one by one, bit for bit. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { WriteConnection } from "../../src/store/file/write-connection.js";
import type { WriteOperation } from "../../src/store/writer/write-protocol.js";
import {
  anyOperations,
  cuts,
  inBatches,
  interleaved,
  MIGRATIONS,
  operationsOf,
  seededDatabase,
  story,
  WINDOW_MS,
} from "../support/written.js";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

function seeded(): { writer: WriteConnection; dump: () => unknown } {
  const { path, database, dump } = seededDatabase();
  const writer = new WriteConnection(path, MIGRATIONS);
  open.push(writer, database);
  return { writer, dump };
}

describe("a batch of operations", () => {
  it("comes to the same rows and the same answers as its operations one by one", () => {
    fc.assert(
      fc.property(anyOperations(14), (operations) => {
        const together = seeded();
        const apart = seeded();
        const outcomes = together.writer.apply(operations);
        expect(outcomes).toEqual(operations.flatMap((operation) => apart.writer.apply([operation])));
        expect(together.dump()).toEqual(apart.dump());
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("of whole sessions, cut into batches anywhere, comes to the same rows too", () => {
    fc.assert(
      fc.property(fc.array(story, { minLength: 1, maxLength: 8 }), cuts, (stories, places) => {
        const operations = interleaved(stories.map((each, i) => operationsOf(each, `s${i}`)));
        const together = seeded();
        const apart = seeded();
        const outcomes = inBatches(operations, places).flatMap((batch) => together.writer.apply(batch));
        expect(outcomes).toEqual(operations.flatMap((operation) => apart.writer.apply([operation])));
        expect(together.dump()).toEqual(apart.dump());
      }),
      { numRuns: 80 },
    );
  }, 60_000);

  it("with one bad row fails that one alone", () => {
    const { writer, dump } = seeded();
    const one = (sessionId: string, configId: number): WriteOperation => ({
      kind: "start",
      start: {
        id: sessionId,
        projectId: 1,
        configId,
        experimentId: 1,
        armId: 1,
        unit: null,
        shares: [0.5],
        excluded: null,
        isExclusive: false,
        context: null,
        root: null,
        startedAtMs: 0,
        windowEndsAtMs: WINDOW_MS,
        mayExist: false,
      },
    });
    const operations = [one("a", 1), one("b", 99), one("c", 1)];
    expect(writer.apply(operations).map(({ status }) => status)).toEqual(["recorded", "failed", "recorded"]);
    expect((dump() as { id: string }[][])[0]!.map((row) => row.id)).toEqual(["old", "a", "c"]);
  });

  it("knows a key with half a character again, as a cut through an emoji leaves it", () => {
    const { writer, dump } = seeded();
    const of = (key: string): WriteOperation => ({
      kind: "signal",
      signal: { sessionId: "old", key, name: "n", value: 1, kind: null, source: null, atMs: 1 },
    });
    const half = "😀".slice(0, 1);
    expect(writer.apply([of(half), of("whole")]).map(({ status }) => status)).toEqual([
      "recorded",
      "recorded",
    ]);
    expect(writer.apply([of(half)])).toEqual([{ status: "duplicate" }]);
    expect((dump() as unknown[][])[1]).toHaveLength(2);
  });

  it("keeps every number as it was given, to the last bit", () => {
    const { writer, dump } = seeded();
    // 17 digits that SQLite itself reads one bit off.
    const values = [
      0.501921170814216,
      6.956560422332561,
      0.4453615207387496,
      1 / 3,
      1e-15,
      123456.789,
      2 ** 60,
    ];
    const outcomes = writer.apply(
      values.map((value, index) => ({
        kind: "signal" as const,
        signal: { sessionId: "old", key: `k${index}`, name: "n", value, kind: null, source: null, atMs: 1 },
      })),
    );
    expect(outcomes.every(({ status }) => status === "recorded")).toBe(true);
    expect((dump() as { value: number }[][])[1]!.map(({ value }) => value)).toEqual(values);
  });
});
