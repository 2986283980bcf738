/** How what waits is parted into batches, and that each operation gets its own outcome however it is parted. */
import { describe, expect, it } from "vitest";
import { type Outcome, RECORDED, type WriteOperation } from "../../../../src/store/writer/write-protocol.js";
import { batchSize, WriteQueue } from "../../../../src/store/writer/write-queue.js";

const operation = (i: number): WriteOperation => ({ kind: "find", sessionId: `s${i}` });

/** An outcome that tells of which operation it is. */
const outcomeOf = (each: WriteOperation): Outcome => ({
  status: "failed",
  message: each.kind === "find" ? each.sessionId : "",
});

describe("the size of a batch", () => {
  const pace = { waiting: 128, answered: 0, roundTripMs: 2, busyMs: 5 };

  it.each([
    ["one group that takes longer to take in than to write is parted", pace, 64],
    ["one that a slow disk takes longer to write stays one", { ...pace, roundTripMs: 12 }, 128],
    ["so does the first, of which nothing is known yet", { ...pace, roundTripMs: Infinity }, 128],
    ["of two groups the larger one gives to the other", { ...pace, waiting: 120, answered: 8 }, 64],
    ["and the smaller one goes whole", { ...pace, waiting: 40, answered: 88 }, 64],
    ["two of a size stay so", { ...pace, waiting: 64, answered: 64 }, 64],
    ["a few are not parted", { ...pace, waiting: 20 }, 32],
    ["no transaction takes more than 2,000", { ...pace, waiting: 9000, answered: 2000 }, 2000],
  ])("%s", (_, given, size) => {
    expect(batchSize(given)).toBe(size);
  });
});

describe("what waits to be written", () => {
  it("is taken in its order, and each gets its own outcome", async () => {
    const queue = new WriteQueue();
    const operations = Array.from({ length: 5000 }, (_, i) => operation(i));
    const outcomes = operations.map((each) => queue.add(each));
    expect(queue).toMatchObject({ length: 5000, isFull: true });
    const taken: WriteOperation[] = [];
    const sizes: number[] = [];
    while (queue.length > 0) {
      const batch = queue.length > 100 ? queue.takeBatch() : queue.takeAll();
      batch.resolve(batch.operations.map(outcomeOf));
      queue.noteAnswered(batch);
      taken.push(...batch.operations);
      sizes.push(batch.operations.length);
    }
    expect(taken).toEqual(operations);
    expect(Math.max(...sizes)).toBe(2000);
    expect(await Promise.all(outcomes)).toEqual(operations.map(outcomeOf));
    expect(queue.isFull).toBe(false);
  });

  it("goes round in two groups of a size, once both have been about", () => {
    const queue = new WriteQueue();
    const add = (count: number): void => {
      for (let i = 0; i < count; i += 1) void queue.add(operation(i));
    };
    /** Whoever was answered asks again while the others are written. */
    const round = (asking: number): number => {
      const batch = queue.takeBatch();
      add(asking);
      batch.resolve(batch.operations.map(() => RECORDED));
      queue.noteAnswered(batch);
      return batch.operations.length;
    };
    add(112);
    const sizes = [round(16)];
    for (let i = 0; i < 8; i += 1) sizes.push(round(sizes.at(-1) as number));
    expect(sizes).toEqual([112, 16, 64, 64, 64, 64, 64, 64, 64]);
  });
});
