/**
 * Hears from other processes that a project has changed, so that its snapshot is looked at again at once.
 *
 * Nothing depends on it: what is missed is found by the next look, some seconds later. A connection that is lost is made
 * again and again, and what may have been missed meanwhile counts as a change.
 */
import type pg from "pg";
import type { PostgresLocation } from "../location.js";
import { connectTo } from "./client.js";
import { channelOf } from "./keys.js";

const RETRY_MS = [500, 1000, 2000, 5000, 10_000] as const;

/** Changes that come within this time of one that was told are told together. */
const TOGETHER_MS = 50;

/** What keeps a process alive, or not; the package's types do not know of it. */
const held = (client: pg.Client) => client as unknown as { ref(): void; unref(): void };

/** Listens until it is closed. */
export class Notices {
  readonly #location: PostgresLocation;
  readonly #onChange: () => void;
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;
  #attempts = 0;
  #isClosed = false;

  constructor(location: PostgresLocation, onChange: () => void) {
    this.#location = location;
    this.#onChange = onChange;
    void this.#listen();
  }

  async #listen(): Promise<void> {
    try {
      const client = await connectTo(this.#location);
      if (this.#isClosed) return await client.end();
      this.#client = client;
      client.once("end", () => this.#again());
      client.on("notification", () => this.#tell());
      await client.query(`LISTEN "${channelOf(this.#location)}"`);
      // It keeps no process alive.
      held(client).unref();
      if (this.#attempts > 0) this.#tell();
      this.#attempts = 0;
    } catch {
      this.#again();
    }
  }

  #again(): void {
    this.#client = null;
    if (this.#isClosed || this.#timer) return;
    const wait = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)];
    this.#attempts += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#listen();
    }, wait);
    this.#timer.unref();
  }

  #tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      if (!this.#isClosed) this.#onChange();
    }, TOGETHER_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#telling);
    const client = this.#client;
    if (!client) return;
    // Its end is waited for.
    held(client).ref();
    await client.end();
  }
}
