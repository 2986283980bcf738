/**
 * What waits for the writer's thread, and how much of it goes there at once.
 *
 * Callers that ask again as soon as they are answered all end up in one batch: while it is written the event loop has
 * nothing to do, and while the loop takes them in again the thread has nothing. Two groups of about the same size that
 * take turns keep both at work. On a slow disk, whose commits take longer than the loop, one group it is.
 */
import { performance } from "node:perf_hooks";
import type { Outcome, WriteOperation } from "./write-protocol.js";

/** Operations of one transaction, at most: more would hold up other processes, and save nothing. */
const BATCH_MAX = 2000;

/** So many are not parted: what a commit costs by itself is as much as to write these. */
const PARTED_MIN = 32;

/** Operations that share a promise: one each would be dear, and a batch is parted between these. */
const LOT_MAX = 16;

type Outcomes = readonly (Outcome | Promise<Outcome>)[];

/** A few operations that are written together. */
class Lot {
  readonly operations: WriteOperation[] = [];
  /** place of the first one in its batch */
  first = 0;
  resolve: (outcomes: Outcomes) => void = () => undefined;
  readonly #outcomes = new Promise<Outcomes>((resolve) => {
    this.resolve = resolve;
  });

  /** Resolves with the operation's own outcome. */
  add(operation: WriteOperation): Promise<Outcome> {
    const place = this.operations.push(operation) - 1;
    return this.#outcomes.then((outcomes) => outcomes[this.first + place] as Outcome | Promise<Outcome>);
  }
}

/** Operations that are written in one transaction. */
export class Batch {
  readonly operations: readonly WriteOperation[];
  readonly takenAtMs = performance.now();
  readonly #lots: readonly Lot[];

  constructor(lots: readonly Lot[]) {
    const operations: WriteOperation[] = [];
    for (const lot of lots) {
      lot.first = operations.length;
      operations.push(...lot.operations);
    }
    this.#lots = lots;
    this.operations = operations;
  }

  /** Gives each operation its outcome, in their order. */
  resolve(outcomes: Outcomes): void {
    for (const lot of this.#lots) lot.resolve(outcomes);
  }
}

/** What there is to know when the next batch is made. */
export interface Pace {
  /** operations that wait */
  readonly waiting: number;
  /** operations of the batch that was answered last, if some waited already then; 0 if the writer became idle */
  readonly answered: number;
  /** from the sending of that batch to its answer, in milliseconds */
  readonly roundTripMs: number;
  /** how long the event loop has been at work since, in milliseconds */
  readonly busyMs: number;
}

/** How many operations make the next batch: half of those that go round, wherever there is something to do meanwhile. */
export function batchSize({ waiting, answered, roundTripMs, busyMs }: Pace): number {
  const isOneGroup = answered === 0;
  // One group goes on as one, unless the loop takes longer to take it in than the thread to write it.
  const round = isOneGroup && busyMs < roundTripMs ? 2 * waiting : waiting + answered;
  return Math.min(Math.max(Math.ceil(round / 2), PARTED_MIN), BATCH_MAX);
}

/** How long this thread's event loop has been at work by now; 0 on runtimes that do not tell. */
const loopBusyMs = (): number => performance.eventLoopUtilization?.().active ?? 0;

/** First in, first out. */
export class WriteQueue {
  #lots: Lot[] = [];
  #length = 0;
  #answered = 0;
  #busyMsThen = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;

  get length(): number {
    return this.#length;
  }

  /** Whether there is as much as one transaction takes. */
  get isFull(): boolean {
    return this.#length >= BATCH_MAX;
  }

  /** Resolves with the operation's outcome. */
  add(operation: WriteOperation): Promise<Outcome> {
    let lot = this.#lots.at(-1);
    if (!lot || lot.operations.length >= LOT_MAX) {
      lot = new Lot();
      this.#lots.push(lot);
    }
    this.#length += 1;
    return lot.add(operation);
  }

  /** Takes out the next batch; of a queue that is not empty. */
  takeBatch(): Batch {
    const busyMs = loopBusyMs() - this.#busyMsThen;
    const pace = { waiting: this.#length, answered: this.#answered, roundTripMs: this.#roundTripMs, busyMs };
    return this.#take(Math.round(batchSize(pace) / LOT_MAX));
  }

  /** Takes out all there is. */
  takeAll(): Batch {
    return this.#take(this.#lots.length);
  }

  #take(lots: number): Batch {
    const batch = new Batch(this.#lots.splice(0, lots));
    this.#length -= batch.operations.length;
    return batch;
  }

  /** Notes that a batch has been written; before the next one is taken. */
  noteAnswered({ operations, takenAtMs }: Batch): void {
    this.#busyMsThen = loopBusyMs();
    this.#roundTripMs = performance.now() - takenAtMs;
    this.#answered = this.#length > 0 ? operations.length : 0;
  }
}
