/**
 * The last known champions, in a small file beside the database: what a process serves that starts while the database
 * is away.
 *
 * It is a cache and nothing more: the database always wins, what cannot be read is as good as absent, and a write that
 * fails is tried again with the next change.
 */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import type { ChampionMemory, NewConfig } from "../engine/ports.js";

const BYTES_MAX = 4 * 2 ** 20;
const PROJECTS_MAX = 1000;

type Champions = Map<string, NewConfig>;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function championsOf(text: string): Champions {
  const file: unknown = JSON.parse(text);
  const champions: Champions = new Map();
  if (!isObject(file) || file.version !== 1 || !isObject(file.champions)) return champions;
  for (const [project, champion] of Object.entries(file.champions)) {
    if (!isObject(champion) || typeof champion.hash !== "string" || !isObject(champion.body)) continue;
    champions.set(project, { hash: champion.hash, body: champion.body as NewConfig["body"] });
  }
  return champions;
}

/** Champions beside a database. */
export class ChampionsFile implements ChampionMemory {
  readonly #path: string;
  /** hashes as last written or found here: nothing is written twice */
  readonly #known = new Map<string, string>();
  #last: Promise<void> = Promise.resolve();

  /** @param database how the path of the file begins; see `Location` */
  constructor(database: string) {
    this.#path = `${database}.champions.json`;
  }

  async recall(project: string): Promise<NewConfig | null> {
    return (await this.#read()).get(project) ?? null;
  }

  remember(project: string, champion: NewConfig): void {
    if (this.#known.get(project) === champion.hash) return;
    this.#known.set(project, champion.hash);
    const forget = (): void => void this.#known.delete(project);
    // One after the other, each on top of the last; never in the way of a session.
    this.#last = this.#last.then(() => this.#write(project, champion)).catch(forget);
  }

  flush(): Promise<void> {
    return this.#last;
  }

  async #read(): Promise<Champions> {
    try {
      const { size } = await stat(this.#path);
      return size > BYTES_MAX ? new Map() : championsOf(await readFile(this.#path, "utf8"));
    } catch {
      return new Map();
    }
  }

  async #write(project: string, { hash, body }: NewConfig): Promise<void> {
    const champions = await this.#read();
    if (champions.get(project)?.hash === hash) return;
    // The newest is the last of the map, and the first ones go where there are too many.
    champions.delete(project);
    champions.set(project, { hash, body });
    for (const oldest of champions.keys()) {
      if (champions.size <= PROJECTS_MAX) break;
      champions.delete(oldest);
    }
    const text = JSON.stringify({ version: 1, champions: Object.fromEntries(champions) });
    if (Buffer.byteLength(text) <= BYTES_MAX) await this.#replace(text);
  }

  /** All of the new text or all of the old one, whatever happens meanwhile. */
  async #replace(text: string): Promise<void> {
    const draft = `${this.#path}.${randomUUID()}`;
    try {
      const file = await open(draft, "wx", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}
