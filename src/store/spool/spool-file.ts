/**
 * One file of a spool: appended to by its owner alone, read by whoever drains it.
 *
 * A file is taken over by renaming it, which one process wins. Its owner looks, after every write it has put on disk,
 * whether the file still has its name, and only then acknowledges: what was written before the renaming is read by the
 * new owner, what came too late is written again to a file of its own. So taking over a file whose owner is alive after
 * all (process ids of other containers cannot be looked up) loses nothing, and storing twice changes nothing; the checks
 * of {@link isAbandoned} only spare the work.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { decodeLine, encodeLine, type SpoolEntry } from "./spool-entries.js";

/** How long a file of another machine must have been left alone before it is taken over. */
const FOREIGN_AGE_MS = 10 * 60_000;

const READ_BYTES = 1 << 20;

/** Of what a file holds. */
const VERSION = 1;

/** Paths that are written to in this process. */
const OWN = new Set<string>();

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** when the process started, as the system tells it: ids of processes come again */
  readonly since: string | null;
}

/** When a process started, in ticks since the machine did; null where the system does not tell. */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command's name, in parentheses, and may contain anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function isRunning({ pid, since }: Pick<Owner, "pid" | "since">): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Anything but "no such process" means that there is one.
    if ((error as { code?: unknown }).code === "ESRCH") return false;
  }
  return since === null || startOf(pid) === since;
}

/** A part of a file that has been read. */
export interface SpoolPart {
  readonly entries: readonly SpoolEntry[];
  /** lines that were damaged */
  readonly damaged: number;
  /** where the next part begins */
  readonly end: number;
}

/** A file that is open. */
export class SpoolFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #identity: string;
  #size: number;

  private constructor(path: string, file: FileHandle, identity: string, size: number) {
    this.path = path;
    this.#file = file;
    this.#identity = identity;
    this.#size = size;
  }

  /** A new file of this process, beside the database. */
  static async create(database: string): Promise<SpoolFile> {
    const path = `${database}.spool-${process.pid}-${randomUUID().slice(0, 8)}.jsonl`;
    OWN.add(path);
    let file: FileHandle | undefined;
    try {
      file = await open(path, "wx+", 0o600);
      const spool = new SpoolFile(path, file, await identityOf(path), 0);
      const owner: Owner = { pid: process.pid, host: hostname(), since: startOf(process.pid) };
      await spool.append(encodeLine({ version: VERSION, owner }));
      return spool;
    } catch (error) {
      await file?.close();
      await rm(path, { force: true });
      OWN.delete(path);
      throw error;
    }
  }

  /** Takes over the files beside the database that nobody writes to any more. */
  static async adopt(database: string): Promise<SpoolFile[]> {
    const folder = dirname(database);
    const start = `${basename(database)}.spool-`;
    const names = await readdir(folder).catch(() => []);
    const adopted: SpoolFile[] = [];
    for (const name of names.sort()) {
      if (!name.startsWith(start) || !name.endsWith(".jsonl")) continue;
      const path = join(folder, name);
      if (!OWN.has(path) && (await isAbandoned(path))) adopted.push(...(await claimed(database, path)));
    }
    return adopted;
  }

  /** Opens a file that is this process's own from now on. */
  static async reopen(path: string): Promise<SpoolFile> {
    const file = await open(path, "r+");
    const { size } = await file.stat();
    return new SpoolFile(path, file, await identityOf(path), size);
  }

  get size(): number {
    return this.#size;
  }

  /** Puts lines on disk, all or none; false where the file has been taken over meanwhile. */
  async append(lines: string): Promise<boolean> {
    const bytes = Buffer.from(lines);
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#size + done);
        done += bytesWritten;
      }
      await this.#file.datasync();
    } catch (error) {
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw error;
    }
    this.#size += bytes.length;
    return (await identityOf(this.path).catch(() => null)) === this.#identity;
  }

  /** Reads on from a place; a torn line at the end is left out. */
  async read(from: number): Promise<SpoolPart> {
    for (let size = READ_BYTES; ; size *= 2) {
      const buffer = Buffer.alloc(Math.min(size, Math.max(0, this.#size - from)));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, from);
      const end = buffer.lastIndexOf(0x0a, bytesRead - 1) + 1;
      const isAll = from + bytesRead >= this.#size || bytesRead === 0;
      if (end === 0 && !isAll) continue;
      const lines = buffer.toString("utf8", 0, end).split("\n").slice(0, -1);
      const whole = lines.map(decodeLine).filter((entry) => entry !== null);
      return {
        entries: whole.filter(isEntry),
        damaged: lines.length - whole.length,
        end: isAll ? this.#size : from + end,
      };
    }
  }

  /** Stops using the file and leaves it where it is, for the next process. */
  async close(): Promise<void> {
    await this.#file.close();
    OWN.delete(this.path);
  }

  /** Stops using the file and removes it, unless it has been taken over. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true }).catch(() => undefined);
    await this.close();
  }
}

/** The first line of a file is about its owner. */
function isEntry(line: object): line is SpoolEntry {
  return "kind" in line;
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** What the first line of a file says; nothing where it is not whole. */
async function headOf(path: string): Promise<{ readonly version?: number; readonly owner?: Owner }> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    const [line = ""] = buffer.toString("utf8", 0, bytesRead).split("\n");
    return decodeLine(line) ?? {};
  } finally {
    await file.close();
  }
}

/** Whether a file's owner is gone: the process in its name, described by the first line unless it took the file over. */
async function isAbandoned(path: string): Promise<boolean> {
  try {
    const { version = VERSION, owner } = await headOf(path);
    // Left to who knows how to read it.
    if (version !== VERSION) return false;
    const pid = Number(/\.spool-(\d+)-/.exec(path)?.[1]);
    if (owner && owner.host !== hostname()) {
      // The file's time and ours are of the same system, whatever clock the engine runs on.
      return Date.now() - (await stat(path)).mtimeMs > FOREIGN_AGE_MS;
    }
    // In this process, but not in use any more: of an engine that was closed.
    return pid === process.pid || !isRunning(owner?.pid === pid ? owner : { pid, since: null });
  } catch {
    return false;
  }
}

async function claimed(database: string, path: string): Promise<SpoolFile[]> {
  const own = `${database}.spool-${process.pid}-${randomUUID().slice(0, 8)}.jsonl`;
  OWN.add(own);
  try {
    await rename(path, own);
    return [await SpoolFile.reopen(own)];
  } catch {
    // Another process was faster.
    OWN.delete(own);
    return [];
  }
}
