/**
 * The connection that does all writing of a process to a remote database: a batch is one journey, undone as a whole where
 * anything is otherwise than foreseen.
 */

import type { RemoteLocation } from "../location.js";
import { isOfOneOperation } from "../storage-error.js";
import { givenRows } from "../writer/given-rows.js";
import type { Ask } from "../writer/steps.js";
import { applyOperations } from "../writer/transaction.js";
import type { Outcome, WriteOperation } from "../writer/write-protocol.js";
import type { WriterConnection } from "../writer/writer-connections.js";
import { REMOTE, thrown } from "./client.js";
import { type Foreseen, foresee, Knowledge, type Rows, type Step } from "./foresight.js";
import { RemoteLink, type Undone } from "./link.js";

/** Together they need not be read about, which even for one saves a journey. */
const TOGETHER_MIN = 1;

/** Most of those that are written row by row; a request takes no more statements than a server has patience for. */
const PIECE_MAX = 250;

/** Operations up to which those that are not plain go row by row; more of them are halved, and most stay plain. */
const ROWS_MAX = 64;

/** How often a single operation is foreseen anew because others write at the same time. */
const RACES_MAX = 20;

const BACKOFF_MS = [10, 50, 200, 1000] as const;

/** Failures that may be over in a moment. */
const PASSING = new RegExp(`^(SQLITE_BUSY.*|SQLITE_LOCKED.*|${REMOTE.lost}|${REMOTE.throttled})$`);

/** What a connection has besides its operations. */
interface Connected {
  readonly link: RemoteLink;
  readonly patienceMs: number;
  /** answers to what every batch asks alike, as they were last */
  readonly usual: Map<string, Rows>;
}

/** Some operations, until they are written. */
class Batch {
  readonly #connected: Connected;
  readonly #operations: readonly WriteOperation[];
  readonly #known: Knowledge;
  /** what came of the attempts whose reply was lost, if they were committed */
  readonly #unanswered = new Map<number, readonly Outcome[]>();
  #first: number | null = null;
  #togetherMin = TOGETHER_MIN;
  #races = 0;

  constructor(connected: Connected, operations: readonly WriteOperation[]) {
    this.#connected = connected;
    this.#operations = operations;
    this.#known = new Knowledge(connected.usual);
  }

  /** Their outcomes; null, and nothing written, where fewer of them are to be tried. @throws an error with a code */
  async apply(): Promise<readonly Outcome[] | null> {
    const { link, patienceMs } = this.#connected;
    const start = performance.now();
    for (let tries = 0; ; ) {
      try {
        const done = await this.#attempt();
        if (done !== "again") return done;
      } catch (error) {
        const failure = link.failure(error);
        const isOver = performance.now() - start > patienceMs;
        if (isOver || !PASSING.test(failure.code)) throw thrown(failure);
        await new Promise((wake) => setTimeout(wake, BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]));
        tries += 1;
      }
    }
  }

  async #attempt(): Promise<readonly Outcome[] | null | "again"> {
    const { link } = this.#connected;
    const foreseen = foresee(
      applyOperations(this.#operations, {
        isOfOne: isOfOneOperation,
        giveRows: givenRows,
        togetherMin: this.#togetherMin,
      }),
      this.#known,
    );
    const { result, steps, unread } = foreseen;
    if (unread.length > 0) return this.#read(unread);
    const isWriting = steps.some(({ ask }) => ask.want === "changes");
    if (!isWriting && this.#unanswered.size === 0) return result;
    const attempt = link.nextAttempt();
    this.#first ??= attempt;
    let undone: Undone | null;
    try {
      undone = await link.commit(steps, { first: this.#first, attempt });
    } catch (error) {
      if (link.failure(error).code === REMOTE.lost) this.#unanswered.set(attempt, result);
      throw error;
    }
    if (undone === null) return result;
    if (undone.step === null) return this.#committed();
    const next = await this.#learn(undone, undone.step, foreseen);
    return next === null ? this.#letGo() : next;
  }

  /** Sees to it that no attempt whose reply was lost is committed any more; if one was, that is what came of it all. */
  async #letGo(): Promise<readonly Outcome[] | null> {
    if (this.#unanswered.size === 0) return null;
    const { link } = this.#connected;
    const attempt = link.nextAttempt();
    const isTooLate = await link.commit([], { first: this.#first ?? attempt, attempt });
    return isTooLate ? this.#committed() : null;
  }

  /** An attempt whose reply was lost has been committed: this is what came of it. */
  async #committed(): Promise<readonly Outcome[]> {
    const outcomes = this.#unanswered.get(await this.#connected.link.committed());
    if (!outcomes) throw new Error("a batch was committed that was never sent");
    return outcomes;
  }

  async #read(asks: readonly Ask[]): Promise<"again"> {
    const rows = await this.#connected.link.query(asks);
    for (const [i, ask] of asks.entries()) this.#known.learn(ask, rows[i] as Rows);
    return "again";
  }

  /** Learns from what has undone an attempt. */
  async #learn(
    { failure }: Undone,
    { ask, isTogether, place }: Step,
    { steps, asked }: Pick<Foreseen<unknown>, "steps" | "asked">,
  ): Promise<null | "again"> {
    const isMany = this.#operations.length > 1;
    if (ask.want !== "changes") {
      if (!this.#known.wasRead(ask)) {
        // What was supposed of one may be wrong of others too.
        const isSupposed = (each: Ask): boolean => each.want !== "changes" && !this.#known.wasRead(each);
        this.#known.doubt();
        return this.#read(steps.map((step) => step.ask).filter(isSupposed));
      }
      // What was read is otherwise now, by an operation before it or by somebody else.
      if (isMany) return null;
      if (isTogether) this.#togetherMin = Number.POSITIVE_INFINITY;
      this.#races += 1;
      if (this.#races > RACES_MAX) throw busy();
      this.#known.doubt();
      return this.#read([ask]);
    }
    // What is not SQLite's is the server's, and of no operation.
    const isOfOne = failure?.code.startsWith("SQLITE_") && isOfOneOperation(failure);
    if (failure && !isOfOne) throw thrown(failure);
    if (isTogether && this.#operations.length > ROWS_MAX) return null;
    // One by one, all of them: of the others that go together some are like this.
    if (isTogether) this.#togetherMin = Number.POSITIVE_INFINITY;
    else this.#known.refuse(asked, place as number, failure && thrown(failure));
    return "again";
  }
}

function busy(): Error {
  return thrown({ code: "SQLITE_BUSY", message: "others write the same at the same time" });
}

/** One link, used for writing alone. */
export class RemoteConnection implements WriterConnection {
  readonly #connected: Connected;

  private constructor(connected: Connected) {
    this.#connected = connected;
  }

  /** Connects, and migrates the database. @throws an error with a code; see `RemoteLink` */
  static async open(
    location: RemoteLocation,
    options: { readonly migrationsFolder: string; readonly patienceMs: number },
  ): Promise<RemoteConnection> {
    const link = await RemoteLink.open(location, options.migrationsFolder);
    return new RemoteConnection({ link, patienceMs: options.patienceMs, usual: new Map() });
  }

  close(): void {
    this.#connected.link.close();
  }

  /**
   * Applies the operations in their order, each all or nothing: in one transaction, or in several where some of them
   * build on what others of them write and that cannot be foreseen.
   *
   * @throws an error with a code. Operations may have been written then, all up to one of them, as they may where the
   *   reply to a commit is lost for good; those that were not never will be.
   */
  async apply(operations: readonly WriteOperation[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const isPlain = operations.every(({ kind }) => kind === "start" || kind === "signal" || kind === "end");
    const most = isPlain ? operations.length : PIECE_MAX;
    for (let size = most; outcomes.length < operations.length; ) {
      const some = operations.slice(outcomes.length, outcomes.length + size);
      const done = await new Batch(this.#connected, some).apply();
      if (done) outcomes.push(...done);
      size = done ? Math.min(2 * size, most) : Math.ceil(some.length / 2);
    }
    return outcomes;
  }
}
