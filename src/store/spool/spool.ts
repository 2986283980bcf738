/**
 * Where sessions go while the database is away: a bounded file beside it, in order, until it is back.
 *
 * What waits for the disk is written together, as in the writer. A start that does not fit, or cannot be written, takes
 * its session's later entries with it: sessions are dropped whole, the newest ones, whatever their arm and outcome.
 */
import { DethroneError } from "../../core/errors.js";
import type { WriteOperation } from "../writer/write-protocol.js";
import { encodeLine, type SpoolEntry, sessionOf } from "./spool-entries.js";
import { SpoolFile, type SpoolPart } from "./spool-file.js";

const BYTES_MAX = 64 * 2 ** 20;

/** Ends and signals of sessions that were let in may go beyond the bound by this much. */
const RESERVE = 1.5;

/** Entries that may wait for the disk. */
const WAITING_MAX = 20_000;

/** Ids of dropped sessions that are remembered. */
const DROPPED_MAX = 100_000;

interface Waiting {
  readonly line: string;
  readonly entry: SpoolEntry;
  readonly resolve: () => void;
  readonly reject: (error: DethroneError) => void;
}

function unavailable(message: string, cause?: unknown): DethroneError {
  return new DethroneError("storage_unavailable", message, {}, { cause });
}

/** The spool of one process for one database; stores that follow each other share it. */
export class Spool {
  readonly #database: string;
  readonly #bytesMax: number;
  readonly #dropped = new Set<string>();
  #waiting: Waiting[] = [];
  #file: SpoolFile | null = null;
  /** how far the file has been stored */
  #drained = 0;
  #rows = 0;
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;
  #users = 0;
  #isTurned = false;

  /**
   * @param database how the path of its file begins; see `Location`
   * @param options.bytesMax most bytes of the file at which new sessions are let in; default 64 MiB
   */
  constructor(database: string, options: { readonly bytesMax?: number } = {}) {
    this.#database = database;
    this.#bytesMax = options.bytesMax ?? BYTES_MAX;
  }

  /** The path of the database. */
  get database(): string {
    return this.#database;
  }

  /** Whether what is recorded has to wait here behind what does already. */
  get isPending(): boolean {
    return !this.#isTurned && this.rows > 0;
  }

  /** Entries that are not stored yet. */
  get rows(): number {
    return this.#rows + this.#waiting.length;
  }

  get bytes(): number {
    return (this.#file?.size ?? 0) - this.#drained + this.#waitingBytes;
  }

  /** Whether a new session fits, and what follows it. */
  hasRoom(): boolean {
    return this.#fits(1) && this.#waiting.length < WAITING_MAX;
  }

  #fits(reserve: number): boolean {
    return (this.#file?.size ?? 0) + this.#waitingBytes < this.#bytesMax * reserve;
  }

  /** Resolves when the entry is on disk. @throws DethroneError `storage_unavailable`, `queue_full`; then it is not */
  append(entry: SpoolEntry): Promise<void> {
    const isStart = entry.kind === "start";
    if (this.#dropped.has(sessionOf(entry)))
      return Promise.reject(unavailable("The session's start was dropped, so nothing else of it is kept."));
    if (!(isStart ? this.hasRoom() : this.#fits(RESERVE) && this.#waiting.length < 2 * WAITING_MAX)) {
      this.#drop(entry);
      const full =
        "The database is away, and the file that is to keep what sessions record until then is full.";
      return Promise.reject(new DethroneError("queue_full", full, { bytesMax: this.#bytesMax }));
    }
    // What is appended goes before anything that has not been let through yet.
    this.#isTurned = false;
    const line = encodeLine(entry);
    this.#waitingBytes += line.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, entry, resolve, reject });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = null;
      });
    });
  }

  /** Whether it is about a session whose start was dropped: nothing else of it is taken. */
  hasDropped(operation: WriteOperation): boolean {
    if (this.#dropped.size === 0) return false;
    if (operation.kind === "end") return this.#dropped.has(operation.end.sessionId);
    return operation.kind === "signal" && this.#dropped.has(operation.signal.sessionId);
  }

  #drop(entry: SpoolEntry): void {
    if (entry.kind !== "start") return;
    this.#dropped.add(sessionOf(entry));
    for (const oldest of this.#dropped) {
      if (this.#dropped.size <= DROPPED_MAX) break;
      this.#dropped.delete(oldest);
    }
  }

  async #write(): Promise<void> {
    // On the next turn, so that what is spooled in one turn is on disk together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      // A copy: more may come to wait while these are written.
      const batch = [...this.#waiting];
      const lines = batch.map(({ line }) => line).join("");
      try {
        await this.#put(lines);
        this.#take(batch, lines);
        this.#rows += batch.length;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#take(batch, lines);
        for (const { entry } of batch) this.#drop(entry);
        const message =
          "The database is away, and so is the file that is to keep what sessions record until then.";
        for (const { reject } of batch) reject(unavailable(message, error));
      }
    }
  }

  #take(batch: readonly Waiting[], lines: string): void {
    this.#waiting = this.#waiting.slice(batch.length);
    this.#waitingBytes -= lines.length;
  }

  async #put(lines: string): Promise<void> {
    for (;;) {
      this.#file ??= await SpoolFile.create(this.#database);
      if (await this.#file.append(lines)) return;
      // Another process has taken the file over, and may not have seen these lines.
      await this.#leave();
    }
  }

  async #leave(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    [this.#drained, this.#rows] = [0, 0];
    await file?.close();
  }

  /** Resolves when everything appended so far is on disk or given up. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** What has not been stored yet, in order, as far as it is on disk. */
  async next(): Promise<SpoolPart | null> {
    const file = this.#file;
    if (!file || this.#drained >= file.size) return null;
    return file.read(this.#drained);
  }

  /** Notes that a part is stored. */
  passed(part: SpoolPart): void {
    this.#drained = part.end;
    this.#rows = this.#file && part.end < this.#file.size ? Math.max(1, this.#rows - part.entries.length) : 0;
  }

  /** Lets what comes from here on pass, behind what is still to be stored; undone by the next entry appended. */
  turn(): void {
    this.#isTurned = true;
  }

  /** Makes what is recorded wait here again. */
  turnBack(): void {
    this.#isTurned = false;
  }

  /** Removes the file, all of it being stored; false where something was appended meanwhile. */
  async finish(): Promise<boolean> {
    const file = this.#file;
    if (this.#waiting.length > 0 || this.#writing || (file && this.#drained < file.size)) return false;
    this.#file = null;
    [this.#drained, this.#rows, this.#isTurned] = [0, 0, false];
    await file?.remove();
    return true;
  }

  /** Takes over what dead processes have left beside the database. */
  adopt(): Promise<SpoolFile[]> {
    return SpoolFile.adopt(this.#database);
  }

  /** Counts a store that uses it. */
  retain(): void {
    this.#users += 1;
  }

  /** Forgets a store that used it; after the last one the file is left for the next process. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    await this.flush();
    const file = this.#file;
    const isEmpty = this.rows === 0;
    this.#file = null;
    await (isEmpty ? file?.remove() : file?.close());
  }
}
