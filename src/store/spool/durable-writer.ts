/**
 * The writer, with a spool behind it: what the database fails to take is kept in order in a file, and stored when the
 * database is back.
 */
import { isDethroneError } from "../../core/errors.js";
import type { SessionStart } from "../../engine/ports.js";
import type { Outcome, WriteOperation } from "../writer/write-protocol.js";
import type { Writer } from "../writer/writer.js";
import type { Spool } from "./spool.js";
import type { Names, ServedNames, SpoolEntry } from "./spool-entries.js";
import type { SpoolFile, SpoolPart } from "./spool-file.js";

/** How much of a spool is left when what is recorded is let past it, to be written right after. */
const LAST_BYTES = 256 * 1024;

/** Entries that are stored in one transaction: each of them takes several statements. */
const REPLAYED_MAX = 250;

/** Outside of the experiment, under the champion. */
const OUTSIDE: readonly (string | null)[] = ["holdout", "audience", "exclusive", "dropped"];

/** What a durable writer is made of. */
export interface DurableWriterSettings {
  readonly writer: Writer;
  readonly spool: Spool;
  readonly names: Names;
  /** told of the failures that make it spool */
  readonly onTrouble: (error: unknown) => void;
}

/** Writes operations on sessions, or spools them. */
export class DurableWriter {
  readonly #writer: Writer;
  readonly #spool: Spool;
  readonly #names: Names;
  readonly #onTrouble: (error: unknown) => void;
  #recovering: Promise<number> | null = null;
  #lostCount = 0;

  constructor({ writer, spool, names, onTrouble }: DurableWriterSettings) {
    this.#writer = writer;
    this.#spool = spool;
    this.#names = names;
    this.#onTrouble = onTrouble;
  }

  get isRecovering(): boolean {
    return this.#recovering !== null;
  }

  /** Entries that were spooled and could not be stored: damaged, or of a place or session that is gone. */
  get lostCount(): number {
    return this.#lostCount;
  }

  /** Whether what is recorded is spooled now. */
  get isSpooling(): boolean {
    return this.#spool.isPending || !this.#writer.isAlive;
  }

  /** Whether one more new session, and its end and signals after it, can be taken. */
  hasRoom(): boolean {
    return this.isSpooling ? this.#spool.hasRoom() : this.#writer.hasRoom();
  }

  /** Resolves when the operation is on disk: stored, or spooled where that is possible. */
  write(operation: WriteOperation): Promise<Outcome> {
    const { failure } = this.#writer;
    const isKept = this.isSpooling || this.#spool.hasDropped(operation);
    return (isKept ? this.rescue(operation, failure) : null) ?? this.#writer.write(operation);
  }

  /** Spools an operation, in its turn; null for one that cannot wait. */
  rescue(operation: WriteOperation, error: unknown): Promise<Outcome> | null {
    const entry = this.#entryOf(operation);
    if (!entry) return null;
    if (error) this.#onTrouble(error);
    return this.#append(entry);
  }

  async #append(entry: SpoolEntry): Promise<Outcome> {
    await this.#spool.append(entry);
    return { status: "spooled" };
  }

  #entryOf(operation: WriteOperation): SpoolEntry | null {
    if (operation.kind === "end" || operation.kind === "signal") return operation;
    if (operation.kind === "statements") return operation.spooledAs ?? null;
    if (operation.kind !== "start") return null;
    const { start } = operation;
    const project = this.#names.project(start.projectId);
    const names = this.#servedNames(start);
    return project !== null && names ? { kind: "start", start, project, names } : null;
  }

  /** A start may name the experiment that its unit might have an arm in; this is what was served without knowing. */
  #servedNames(start: SessionStart): ServedNames | null {
    const isOutside = OUTSIDE.includes(start.excluded);
    return this.#names.served(isOutside ? { ...start, experimentId: null, armId: null } : start);
  }

  /**
   * Stores what was spooled, by this process and by dead ones; how many entries.
   *
   * @throws DethroneError why not; then it stays where it is
   */
  recover(): Promise<number> {
    this.#recovering ??= this.#recover().finally(() => {
      this.#recovering = null;
    });
    return this.#recovering;
  }

  async #recover(): Promise<number> {
    let count = await this.#recoverOwn();
    for (const file of await this.#spool.adopt()) count += await this.#recoverFile(file);
    return count;
  }

  async #recoverOwn(): Promise<number> {
    const spool = this.#spool;
    let count = 0;
    while (spool.rows > 0) {
      await spool.flush();
      for (let part = await spool.next(); part && spool.bytes > LAST_BYTES; part = await spool.next())
        count += await this.#storePart(part);
      count += await this.#recoverLast();
    }
    return count;
  }

  /** What is recorded from here on queues up in the writer, behind the rest of the spool. */
  async #recoverLast(): Promise<number> {
    const spool = this.#spool;
    let count = 0;
    this.#writer.hold();
    spool.turn();
    try {
      await spool.flush();
      for (let part = await spool.next(); part; part = await spool.next())
        count += await this.#storePart(part);
      await spool.finish();
      return count;
    } catch (error) {
      spool.turnBack();
      if (isDethroneError(error)) this.#writer.takeBack(error);
      throw error;
    } finally {
      this.#writer.release();
    }
  }

  async #storePart(part: SpoolPart): Promise<number> {
    await this.#store(part);
    this.#spool.passed(part);
    return part.entries.length;
  }

  async #recoverFile(file: SpoolFile): Promise<number> {
    let count = 0;
    try {
      for (let from = 0; from < file.size; ) {
        const part = await file.read(from);
        await this.#store(part);
        count += part.entries.length;
        from = part.end;
      }
      await file.remove();
      return count;
    } catch (error) {
      // It stays where it is, for the next time.
      await file.close();
      throw error;
    }
  }

  async #store({ entries, damaged }: SpoolPart): Promise<void> {
    this.#lostCount += damaged;
    const isLost = ({ status }: Outcome): boolean =>
      status === "unknown-place" ||
      status === "unknown-session" ||
      status === "failed" ||
      status === "mismatch";
    // A slice at a time: other processes have their turns between them.
    for (let from = 0; from < entries.length; from += REPLAYED_MAX) {
      const slice = entries.slice(from, from + REPLAYED_MAX);
      const outcomes = await this.#writer.writeFirst(slice.map((entry) => ({ kind: "replay", entry })));
      this.#lostCount += outcomes.filter(isLost).length;
    }
  }
}
