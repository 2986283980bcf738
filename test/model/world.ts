/**
 * The world that the model stands for: two engines over one file on one virtual clock, and a look at every row.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import Database from "libsql";
import { isDethroneError } from "../../src/core/errors.js";
import { createRandom } from "../../src/core/random.js";
import { Engine } from "../../src/engine/engine.js";
import { seededIds, silentLogger } from "../../src/engine/environment.js";
import type { Clock, Store } from "../../src/engine/ports.js";
import type { Project } from "../../src/index.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { createTestClock, type TestClock } from "../../src/testing.js";
import { type By, type Model, PROCESSES, type Process, REFRESH_MS, Refused } from "./model.js";

/** Configs differ by name alone. */
export interface Config {
  readonly name: string;
}

/** Promises under way, so that what an engine does by itself can be waited for. */
class UnderWay {
  readonly #promises = new Set<Promise<unknown>>();

  watch(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => this.#note(member.apply(target, args));
      },
    });
  }

  #note(result: unknown): unknown {
    if (!(result instanceof Promise)) return result;
    const forget = (): boolean => this.#promises.delete(done);
    const done: Promise<boolean> = result.then(forget, forget);
    this.#promises.add(done);
    return result;
  }

  /** Resolves once nothing is under way: what has just ended may have begun something else. */
  async over(): Promise<void> {
    do {
      await Promise.all(this.#promises);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#promises.size > 0);
  }
}

function openEngine(path: string, clock: Clock, seed: number, underWay: UnderWay): Promise<Engine> {
  return Engine.start({
    clock,
    ids: seededIds(createRandom(seed), clock),
    logger: silentLogger,
    openStore: async () => underWay.watch(await openSqlStore(locate(path), { mustExist: false })),
    isOff: false,
    isStrict: true,
    refreshMs: REFRESH_MS,
    patienceMs: 250,
    version: "test",
  });
}

/** Two processes, their database, and the time they share. */
export class World {
  readonly clock: TestClock = createTestClock();
  readonly #folder = mkdtempSync(join(tmpdir(), "dethrone-model-"));
  readonly #underWay = new UnderWay();
  readonly #engines = new Map<Process, Engine>();
  readonly #projects = new Map<string, Project<Config>>();
  readonly #statements = new Map<string, Database.Statement>();
  readonly #champions: Readonly<Record<string, string>>;
  #database: Database.Database | null = null;
  #starts = 0;
  #audit: readonly object[] = [];

  private constructor(champions: Readonly<Record<string, string>>) {
    this.#champions = champions;
  }

  /** @param champions the first champion of each project */
  static async open(champions: Readonly<Record<string, string>>): Promise<World> {
    const world = new World(champions);
    for (const process of PROCESSES) await world.#start(process);
    world.#database = new Database(world.#path);
    return world;
  }

  get #path(): string {
    return join(this.#folder, "test.db");
  }

  /** Boot code, the same whenever a process starts. */
  async #start(process: Process): Promise<void> {
    this.#starts += 1;
    const engine = await openEngine(this.#path, this.clock, this.#starts, this.#underWay);
    this.#engines.set(process, engine);
    for (const [key, name] of Object.entries(this.#champions))
      this.#projects.set(`${process} ${key}`, await engine.project<Config>(key, { champion: { name } }));
  }

  async restart(process: Process): Promise<void> {
    await this.engine(process).close();
    await this.#start(process);
  }

  engine(process: Process): Engine {
    return this.#engines.get(process) as Engine;
  }

  project({ process, project }: By): Project<Config> {
    return this.#projects.get(`${process} ${project}`) as Project<Config>;
  }

  rows<T>(sql: string): T[] {
    const known = this.#statements.get(sql);
    const statement = known ?? (this.#database as Database.Database).prepare(sql);
    this.#statements.set(sql, statement);
    return statement.all() as T[];
  }

  /** Entries of the audit log that are no longer as they were at the last call. */
  changedAudit(): object[] {
    const entries = this.rows<object>("SELECT * FROM audit_log ORDER BY id");
    const before = this.#audit;
    this.#audit = entries;
    return before.filter((entry, at) => !isDeepStrictEqual(entry, entries[at]));
  }

  /** Lets time pass, and the engines look at the database where it is time to. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.#underWay.over();
  }

  /** Tells the model the ids that have been given out since. */
  tellIds(model: Model): void {
    const experiments = Object.values(model.projects).flatMap((project) => project.experiments);
    const known = new Set([...experiments.map(({ uid }) => uid), ...model.sessions.map(({ id }) => id)]);
    const unknown = (sql: string) =>
      this.rows<{ id: string }>(sql)
        .map(({ id }) => id)
        .filter((id) => !known.has(id));
    model.newExperiments = unknown("SELECT uid AS id FROM experiments ORDER BY experiments.id");
    model.newSessions = unknown("SELECT id FROM sessions ORDER BY seq");
  }

  async close(): Promise<void> {
    for (const engine of this.#engines.values()) await engine.close();
    this.#database?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What something came to: a value, or the code it was refused with. */
export type Result = { readonly value: unknown } | { readonly refused: string };

/** What the engine makes of it. Errors that are not the engine's own are bugs, and pass. */
export async function performed(action: () => Promise<unknown>): Promise<Result> {
  try {
    return { value: await action() };
  } catch (error) {
    if (isDethroneError(error)) return { refused: error.code };
    throw error;
  }
}

/** What the model makes of it; where it refuses, nothing has changed. */
export function predicted(model: Model, action: (model: Model) => unknown): Result {
  const before = structuredClone(model);
  try {
    return { value: action(model) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    Object.assign(model, before);
    return { refused: error.code };
  }
}
