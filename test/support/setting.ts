/** What tests of prior systems' behaviours ask of the engine: a fresh one on a database file, and a way past it. */
import { afterEach, beforeEach } from "vitest";
import {
  type ChallengeOptions,
  codeGuard,
  type JsonObject,
  type Project,
  type RecordingSink,
  recordingSink,
  type Session,
} from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { query } from "./query.js";
import { temporaryDatabase } from "./temporary.js";

/** The configs of the simulated agent. */
export const LONG = { prompt: "long" };
export const SHORT = { prompt: "short" };
export const TERSE = { prompt: "terse" };

/** Who does things by hand, and why. */
export const BECAUSE = { reason: "because", actor: "ada" };

/** A project of the simulated agent. */
export type Bot = Project<JsonObject>;

/** An engine, its database and its exposures: new ones for each test. */
export class Setting {
  readonly sink: RecordingSink = recordingSink();
  test!: TestEngine;
  path = "";
  readonly #open: TestEngine[] = [];

  async open(): Promise<void> {
    this.path = temporaryDatabase();
    this.sink.clear();
    this.test = await this.#add(5);
  }

  async close(): Promise<void> {
    for (const engine of this.#open.splice(0)) await engine.close();
  }

  async #add(seed: number): Promise<TestEngine> {
    const clock = this.#open[0]?.clock;
    const { path: url, sink } = this;
    const engine = await createTestEngine({
      seed,
      url,
      exposures: [sink],
      guard: codeGuard,
      ...(clock && { clock }),
    });
    this.#open.push(engine);
    return engine;
  }

  /** Another engine on the same database, on the same clock: what another process would have. */
  elsewhere(seed = 6): Promise<TestEngine> {
    return this.#add(seed);
  }

  /** Closes the engine and opens another on its database. */
  async restart(): Promise<void> {
    await this.test.close();
    this.test = await this.#add(7);
  }

  project(key = "support", where = this.test): Promise<Bot> {
    return where.engine.project<JsonObject>(key, { champion: LONG });
  }

  /** A project with an experiment of the short prompt against the long one. */
  async contest(options: ChallengeOptions = {}, key = "support"): Promise<Bot> {
    const bot = await this.project(key);
    await bot.challenge(SHORT, { share: 0.5, ...options });
    return bot;
  }

  /** Runs SQL on the database file, past the store, once all is written; the rows, if it gives any. */
  async sql<T = JsonObject>(text: string, ...args: (string | number)[]): Promise<T[]> {
    await this.test.engine.flush();
    return query<T>(this.path, text, args);
  }
}

/** Sets up an engine before each test of the file and closes it, and those elsewhere, after. */
export function useSetting(): Setting {
  const setting = new Setting();
  beforeEach(() => setting.open());
  afterEach(() => setting.close());
  return setting;
}

/** Starts sessions in their order, all of them open at once. */
export function started(bot: Bot, count: number, prefix?: string): Promise<Session<JsonObject>[]> {
  const unit = (i: number) => (prefix === undefined ? {} : { unit: `${prefix}-${i}` });
  return Promise.all(Array.from({ length: count }, (_, i) => bot.session(unit(i))));
}

/** Plays sessions whose scores follow by their arm and their number within it. */
export async function play(
  bot: Bot,
  count: number,
  scoreOf: (arm: "champion" | "challenger", nth: number) => number,
): Promise<void> {
  const played = { champion: 0, challenger: 0 };
  const ends: Promise<unknown>[] = [];
  for (const session of await started(bot, count)) {
    ends.push(session.end({ score: scoreOf(session.arm, played[session.arm]) }));
    played[session.arm] += 1;
  }
  await Promise.all(ends);
}

/** The first unit of a name that an experiment gives this arm. */
export async function unitIn(bot: Bot, arm: "champion" | "challenger", prefix = "unit"): Promise<string> {
  for (let i = 0; ; i += 1) {
    const session = await bot.session({ unit: `${prefix}-${i}` });
    if (session.arm === arm && session.experiment !== null) return `${prefix}-${i}`;
  }
}
