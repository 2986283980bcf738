import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Worker } from "node:worker_threads";
import Database from "libsql";
import { expect, vi } from "vitest";
import { locate } from "../../src/store/location.js";
import { Spool } from "../../src/store/spool/spool.js";
import { openSqlStore } from "../../src/store/store.js";
import { engineOver } from "./engine.js";
import { eventually } from "./eventually.js";

const LONG = { prompt: "long" };

/** An engine over a database with a spool, on a virtual clock, as `createEngine` makes it but less patient. */
export async function spoolingEngine(path: string, options: { bytesMax?: number } = {}) {
  const spool = new Spool(path, options);
  const made = await engineOver(({ onTrouble }) =>
    openSqlStore(locate(path), { mustExist: false, spool, onTrouble, patienceMs: 100 }),
  );
  const bot = await made.engine.project("support", { champion: LONG });
  /** Lets the engine try again until nothing waits. */
  const recover = (): Promise<void> =>
    eventually(() => {
      made.clock.advance(5000);
      expect(made.engine.health()).toMatchObject({ status: "ok", spool: { rows: 0, isDraining: false } });
    });
  return { ...made, spool, bot, recover };
}

/** As {@link spoolingEngine}, with an experiment that goes on. */
export async function spoolingContest(path: string, options: { bytesMax?: number } = {}) {
  const made = await spoolingEngine(path, options);
  await made.bot.challenge({ prompt: "short" }, { share: 0.5, horizon: 100_000, policy: { futility: null } });
  return made;
}

/** The rows of a query, read on a connection of its own. */
export function rowsOf<T>(path: string, sql: string): T[] {
  const database = new Database(path);
  try {
    return database.prepare(sql).all() as T[];
  } finally {
    database.close();
  }
}

/** The names of the spools beside a database. */
export function spoolsOf(path: string): string[] {
  return readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.spool-`));
}

/** Holds the write lock of a database until what it returns is called. */
export function lock(path: string): () => void {
  // The writer of the test may be at work.
  const database = new Database(path, { timeout: 10_000 });
  database.exec("BEGIN IMMEDIATE");
  return () => {
    database.exec("ROLLBACK");
    database.close();
  };
}

/** Lets no file of this process grow beyond so many bytes; writes fail as on a broken disk. */
export function limitFiles(bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
}

/** Ends the thread that the next message of this process is sent to, before the message gets there. */
export function crashNextWriter(): void {
  const post = vi.spyOn(Worker.prototype, "postMessage");
  post.mockImplementationOnce(function (this: Worker) {
    post.mockRestore();
    void this.terminate();
  });
}
